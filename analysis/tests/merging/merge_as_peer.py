"""Merges cases, one JSON object a line on stdin, as ensemble-boxes does; one a line on stdout.

A case is {"weights": null or [..], "iou_threshold": .., "answers": [[box, ..], ..]}, where a box is
[group, score, left, top, right, bottom] with corners from 0 to 1. The package's soft_nms lowers scores to choose boxes, but returns them as
they were; the lowered ones are taken from its function that chooses.
"""

import json
import sys

import numpy as np
from ensemble_boxes import nms, soft_nms, weighted_boxes_fusion
from ensemble_boxes.ensemble_boxes_nms import cpu_soft_nms_float, prepare_boxes

THRESHOLD = 0.001
SIGMA = 0.5
LINEAR, GAUSSIAN = 1, 2


def columns(answers):
    tables = [np.array(answer, dtype=float).reshape(-1, 6) for answer in answers]
    boxes, scores = [table[:, 2:] for table in tables], [table[:, 1] for table in tables]
    return boxes, scores, [table[:, 0] for table in tables]


def rows(boxes, scores, labels):
    merged = zip(labels, scores, boxes)
    return [[float(label), float(score), *map(float, box)] for label, score, box in merged]


def lowered(answers, weights, iou, method):
    """What soft_nms keeps, with the scores that it kept it for."""
    boxes, scores, labels = columns(answers)
    if weights is not None:
        scores = [score * weight / sum(weights) for score, weight in zip(scores, weights)]
    together = [np.concatenate(column) for column in (boxes, scores, labels)]
    boxes, scores, labels = prepare_boxes(*together)
    kept = []
    for label in np.unique(labels):
        of_label = labels == label
        group, decayed = boxes[of_label], scores[of_label].copy()
        keep = cpu_soft_nms_float(group.copy(), decayed, iou, SIGMA, THRESHOLD, method)
        kept += rows(group[keep], decayed[decayed > THRESHOLD], [label] * len(keep))
    return kept


def merged(case):
    answers, weights, iou = case["answers"], case["weights"], case["iou_threshold"]
    if not any(answers):
        return {"wbf": [], "nms": [], "soft-nms": [], "soft-nms-gaussian": []}
    result = {
        "wbf": rows(*weighted_boxes_fusion(*columns(answers), weights=weights, iou_thr=iou)),
        "nms": rows(*nms(*columns(answers), weights=weights, iou_thr=iou)),
    }
    for word, method in (("soft-nms", LINEAR), ("soft-nms-gaussian", GAUSSIAN)):
        result[word] = lowered(answers, weights, iou, method)
        boxes, _, _ = soft_nms(*columns(answers), method=method, iou_thr=iou, weights=weights)
        assert sorted(map(tuple, boxes)) == sorted(tuple(row[2:]) for row in result[word])
    return result


for line in sys.stdin:
    print(json.dumps(merged(json.loads(line))))
