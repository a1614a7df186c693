"""Evaluates data sets as pycocotools, faster-coco-eval and the rules of Pascal VOC and Armol do.

    evaluate_as_peers.py FILE

Each line of FILE is a JSON object of "truth", a COCO instances file, and "detections", a COCO
result list. For each a line is printed: the twelve figures of both peers, those of each category by
pycocotools, and the other measures, which are written here from their descriptions.
"""

import contextlib
import io
import json
import sys

import numpy
from faster_coco_eval import COCO as FasterCOCO
from faster_coco_eval import COCOeval_faster
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

# Place of the range of sizes and of the most detections, in the order of the twelve figures.
FIGURES = [(0, 2), (0, 2), (0, 2), (1, 2), (2, 2), (3, 2),
           (0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (3, 2)]
OVERLAPS = {1: [0], 2: [5]}


def by_pycocotools(truth, detections):
    coco = COCO()
    coco.dataset = json.loads(json.dumps(truth))
    coco.createIndex()
    evaluation = COCOeval(coco, coco.loadRes(json.loads(json.dumps(detections))), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation


def by_faster_coco_eval(truth, detections):
    coco = FasterCOCO(json.loads(json.dumps(truth)))
    results = coco.loadRes(json.loads(json.dumps(detections)))
    evaluation = COCOeval_faster(coco, results, iouType="bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation


def of_category(evaluation, place):
    figures = []
    for figure, (area, most) in enumerate(FIGURES):
        overlaps = OVERLAPS.get(figure, slice(None))
        name = "precision" if figure < 6 else "recall"
        values = evaluation.eval[name][overlaps][..., place, area, most]
        figures.append(float(values.mean()) if values.min() > -1 else None)
    return figures


def overlap(one, other, pixel):
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0]) + pixel
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1]) + pixel
    shared = max(width, 0) * max(height, 0)
    area = lambda box: (box[2] + pixel) * (box[3] + pixel)
    whole = area(one) + area(other) - shared
    return shared / whole if whole else 0.0


def envelope(hits):
    found = numpy.cumsum(hits)
    precision = found / numpy.arange(1, len(hits) + 1)
    return found, numpy.maximum.accumulate(precision[::-1])[::-1]


def area_under(hits, objects):
    found, precision = envelope(hits)
    return float(precision[numpy.array(hits, bool)].sum()) / objects if len(hits) else 0.0


def eleven_points(hits, objects):
    found, precision = envelope(hits)
    at = lambda recall: precision[found / objects >= recall]
    return float(numpy.mean([max(at(step * 0.1), default=0.0) for step in range(11)]))


def mean_of_categories(truth, detections, pixel, average):
    """Per category, by score, the object overlapped most, free or not; crowds count neither way."""
    averages = []
    for category in truth["categories"]:
        objects = [a for a in truth["annotations"] if a["category_id"] == category["id"]]
        count = sum(not a.get("iscrowd", 0) for a in objects)
        if not count:
            continue
        taken, hits = set(), []
        mine = [d for d in detections if d["category_id"] == category["id"]]
        for detection in sorted(mine, key=lambda d: (-d["score"], d["image_id"])):
            near = [a for a in objects if a["image_id"] == detection["image_id"]]
            overlaps = [overlap(detection["bbox"], a["bbox"], pixel) for a in near]
            best = int(numpy.argmax(overlaps)) if near else 0
            if not near or overlaps[best] < 0.5:
                hits.append(False)
            elif not near[best].get("iscrowd", 0):
                hits.append(near[best]["id"] not in taken)
                taken.add(near[best]["id"])
        averages.append(average(hits, count))
    return float(numpy.mean(averages))


def value(image, truth, detections, several):
    """All categories of an image at once; -1 for an empty answer, else 0 without objects."""
    answer = sorted((d for d in detections if d["image_id"] == image), key=lambda d: -d["score"])
    free = [a for a in truth["annotations"] if a["image_id"] == image and not a.get("iscrowd", 0)]
    crowds = [a for a in truth["annotations"] if a["image_id"] == image and a.get("iscrowd", 0)]
    if not answer:
        return -1.0
    objects, hits = len(free), []
    if not objects:
        return 0.0
    for detection in answer:
        same = lambda a: a["category_id"] == detection["category_id"]
        overlaps = [overlap(detection["bbox"], a["bbox"], 0) * same(a) for a in free]
        near = [place for place, much in enumerate(overlaps) if much >= 0.5]
        if not several:
            near = sorted(near, key=lambda place: (overlaps[place], place))[-1:]
        if near or several or not any(within(detection, a) for a in crowds if same(a)):
            hits.append(bool(near))
        free = [a for place, a in enumerate(free) if place not in near]
    return area_under(hits, objects)


def within(detection, crowd):
    left, top, width, height = detection["bbox"]
    wide = min(left + width, crowd["bbox"][0] + crowd["bbox"][2]) - max(left, crowd["bbox"][0])
    high = min(top + height, crowd["bbox"][1] + crowd["bbox"][3]) - max(top, crowd["bbox"][1])
    return wide > 0 and high > 0 and wide * high / (width * height) >= 0.5


def main():
    for line in open(sys.argv[1]):
        case = json.loads(line)
        truth, detections = case["truth"], case["detections"]
        with contextlib.redirect_stdout(io.StringIO()):
            one = by_pycocotools(truth, detections)
            other = by_faster_coco_eval(truth, detections)
        defined = lambda stats: [None if value == -1 else float(value) for value in stats[:12]]
        images = [image["id"] for image in truth["images"]]
        values = lambda several: [value(i, truth, detections, several) for i in images]
        print(json.dumps({
            "pycocotools": defined(one.stats),
            "faster-coco-eval": defined(other.stats),
            "categories": {str(category): of_category(one, place)
                           for place, category in enumerate(one.params.catIds)},
            "all points": mean_of_categories(truth, detections, 0, area_under),
            "eleven points": mean_of_categories(truth, detections, 0, eleven_points),
            "seed": mean_of_categories(truth, detections, 1, area_under),
            "values": {"seed": values(True), "one-object": values(False)},
        }))


if __name__ == "__main__":
    main()
