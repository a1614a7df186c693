"""Makes scored.json: random detections and ground truth, and what pycocotools says of them.

    $(scripts/peers pycocotools) analysis/tests/coco/make.py

Coordinates are whole quarters of a pixel and scores whole hundredths, so that every number is
exact and many scores are equal. Objects cover half of their boxes. Group 6 has ground truth only,
group 7 detections only; the first image has more detections of one group than count.
"""

import contextlib
import importlib.metadata
import io
import json
import pathlib
import random

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

IMAGES, GROUPS, SEED = 24, 6, 20220426


def quarter(draw, low, high):
    return draw.randint(low * 4, high * 4) / 4


def random_box(draw):
    most = draw.choice([40, 90, 250])
    return [quarter(draw, 0, 80), quarter(draw, 0, 80), quarter(draw, 4, most),
            quarter(draw, 4, most)]


def moved(draw, box, by):
    left, top, width, height = box
    shift = lambda: quarter(draw, -by, by)
    return [left + shift(), top + shift(), max(1, width + shift()), max(1, height + shift())]


def image(draw, extra):
    truth, detected = [], []
    for _ in range(draw.randint(0, 7)):
        crowd = int(draw.random() < 0.15)
        box = random_box(draw)
        if crowd:
            box = [box[0], box[1], box[2] * 2, box[3] * 2]
        group = draw.randint(0, GROUPS)
        truth.append([group, crowd, box[2] * box[3] / 2, *box])
        for _ in range(draw.choice([0, 1, 1, 2]) if group < GROUPS else 0):
            found = moved(draw, box, draw.choice([0, 1, 2, 4]))
            detected.append([group, draw.randint(5, 100) / 100, *found])
    for _ in range(draw.randint(0, 3) + extra):
        group = draw.choice([1, 2, GROUPS + 1]) if not extra else 1
        detected.append([group, draw.randint(1, 60) / 100, *random_box(draw)])
    draw.shuffle(detected)
    return {"truth": truth, "detected": detected}


def score(images):
    coco = COCO()
    truth, detected = [], []
    for number, image in enumerate(images, 1):
        for group, crowd, area, *box in image["truth"]:
            truth.append({"id": len(truth) + 1, "image_id": number, "category_id": group,
                          "iscrowd": crowd, "bbox": box, "area": area})
        for group, confidence, *box in image["detected"]:
            detected.append({"image_id": number, "category_id": group, "score": confidence,
                             "bbox": box})
    coco.dataset = {"images": [{"id": number} for number in range(1, len(images) + 1)],
                    "categories": [{"id": group} for group in range(GROUPS + 2)],
                    "annotations": truth, "info": {}}
    coco.createIndex()
    evaluation = COCOeval(coco, coco.loadRes(detected), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return [float(figure) for figure in evaluation.stats]


def main():
    draw = random.Random(SEED)
    images = [image(draw, extra=110 if number == 0 else 0) for number in range(IMAGES)]
    with contextlib.redirect_stdout(io.StringIO()):
        figures = score(images)
    lines = ",\n".join(json.dumps(image, separators=(",", ":")) for image in images)
    head = json.dumps({"pycocotools": importlib.metadata.version("pycocotools"), "seed": SEED,
                       "figures": figures})
    path = pathlib.Path(__file__).with_name("scored.json")
    path.write_text(head[:-1] + ', "images": [\n' + lines + "\n]}\n")


main()
