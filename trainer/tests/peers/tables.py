"""The table of rewards that the example `export_table` writes, and what choices in it are worth."""

import contextlib
import gzip
import io
import json

import numpy as np
import torch
from torch.nn import functional

# How many providers are in the subset at each place, of up to twelve providers.
CALLS = torch.tensor([bin(place + 1).count("1") for place in range(4095)])


class Sparse:
    """States by the numbers that are not 0, one in fifty where they are probabilities in bytes."""

    def __init__(self, dense):
        rows, self.places = dense.nonzero(as_tuple=True)
        self.values = dense[rows, self.places]
        self.lengths = (dense != 0).sum(1)
        self.starts = self.lengths.cumsum(0) - self.lengths

    def of(self, rows):
        lengths = self.lengths[rows]
        offsets = lengths.cumsum(0) - lengths
        shifts = torch.repeat_interleave(self.starts[rows] - offsets, lengths)
        entries = shifts + torch.arange(len(shifts))
        return Rows(self.places[entries], self.values[entries], offsets)


class Rows:
    """Some of the states, which a layer multiplies in less time than whole rows."""

    def __init__(self, places, values, offsets):
        self.places, self.values, self.offsets = places, values, offsets

    def times(self, weight):
        return functional.embedding_bag(
            self.places,
            weight.t().contiguous(),
            self.offsets,
            mode="sum",
            per_sample_weights=self.values,
        )


class Table:
    def __init__(self, path):
        self.archive = np.load(path)
        self.dense = torch.from_numpy(self.archive["states"].astype(np.float32))
        self.states = Sparse(self.dense)
        self.values = torch.from_numpy(self.archive["values"].astype(np.float64))
        self.providers = int(self.values.shape[1]).bit_length()
        self.images = len(self.dense)

    def choices(self, actions):
        """The place of the subset that is chosen for each image, by the actions for states."""
        with torch.no_grad():
            return subsets(actions(self.dense))

    def figures(self, places):
        value = self.values[torch.arange(self.images), places].mean()
        return {"mean_v": value.item(), "mean_cost": CALLS[places].double().mean().item()}

    def detections(self, places):
        """The merged answers of the chosen subsets as a COCO result list."""
        ids = self.archive["image_id"]
        chosen = dict(zip(ids.tolist(), places.tolist()))
        names = ("box_image", "box_subset", "box_category", "box_score", "box_corner")
        boxes = zip(*(self.archive[name].tolist() for name in names))
        return [
            {"image_id": image, "category_id": category, "bbox": corner, "score": score}
            for image, subset, category, score, corner in boxes
            if chosen[image] == subset
        ]


def subsets(actions):
    """The place of each action's subset: providers above a half, or else the highest alone."""
    chosen = actions > 0.5
    highest = functional.one_hot(actions.argmax(1), actions.shape[1]).bool()
    chosen = torch.where(chosen.any(1, keepdim=True), chosen, highest)
    return (chosen * 2 ** torch.arange(actions.shape[1])).sum(1) - 1


def ap50(truth, detections):
    """COCO's AP50 in percent, by pycocotools."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(detections), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return 100 * evaluation.stats[1]


def summary(arguments):
    """Writes what runs came to: each on test after its last step, and on train along the way."""
    train, test = Table(arguments.train[0]), Table(arguments.test[0])
    train_truth, test_truth = (read(path) for path in (arguments.train[1], arguments.test[1]))
    seeds = []
    for path in arguments.runs:
        with np.load(path) as run:
            curve = json.loads(str(run["curve"]))
            places = torch.from_numpy(run["train_choices"])
            last = torch.from_numpy(run["test_choices"])
            seed = run["seed"].item()
        for point, chosen in zip(curve, places):
            point["ap50"] = ap50(train_truth, train.detections(chosen))
        figures = {"ap50": ap50(test_truth, test.detections(last)), **test.figures(last)}
        figures["calls"] = [int((((last + 1) >> bit) & 1).sum()) for bit in range(test.providers)]
        seeds.append({"seed": seed, "test": figures, "train": curve})
    on_test = {}
    for name in ("ap50", "mean_v", "mean_cost"):
        values = np.array([seed["test"][name] for seed in seeds])
        deviation = values.std(ddof=1).item() if len(values) > 1 else None
        on_test[name] = {"mean": values.mean().item(), "standard_deviation": deviation}
    with open(arguments.out, "w", encoding="utf-8") as out:
        json.dump({"torch": torch.__version__, "test": on_test, "seeds": seeds}, out, indent=1)
        out.write("\n")


def read(path):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as file:
        return json.load(file)
