"""Makes what tests/data keeps of PyTorch's word on small networks:

    reference.py sac|td3|ppo OUT.json

Draws arrays for the mode `gradients` of that learner, always the same, with hidden layers of four, and
writes them as `given` and what the mode tells of them as `expected`.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile

import numpy as np
import torch

HIDDEN = 4
DIMENSION, PROVIDERS, ROWS = 3, 2, 6
IMAGES = 4

random = np.random.default_rng(5)


def layer(name, inputs, outputs):
    bound = 1 / np.sqrt(inputs)
    return {
        f"{name}.weight": random.uniform(-bound, bound, (outputs, inputs)),
        f"{name}.bias": random.uniform(-bound, bound, outputs),
    }


def network(name, *sizes):
    layers = {}
    for place, shape in enumerate(zip(sizes, sizes[1:])):
        layers |= layer(f"{name}.{place}", *shape)
    return layers


def given(learner):
    images = random.uniform(0, 1, (IMAGES, DIMENSION))
    arrays = {
        "states": images[random.integers(0, IMAGES, ROWS)],
        "actions": random.uniform(0, 1, (ROWS, PROVIDERS)),
        "rewards": random.uniform(-1, 1, ROWS),
        "gamma": 0.9 if learner == "sac" else 0.99,
    }
    actor = (DIMENSION, HIDDEN, HIDDEN, PROVIDERS)
    if learner == "ppo":
        arrays |= network("actor", *actor) | network("value", DIMENSION, HIDDEN, HIDDEN, 1)
        arrays |= {"log_std": np.full(PROVIDERS, -0.5), "last_value": 0.3, "lambda": 0.97}
        arrays["old_log_probabilities"] = random.normal(-1.2, 0.2, ROWS)
        return arrays
    arrays["next_states"] = images[random.integers(0, IMAGES, ROWS)]
    arrays["next_noise"] = 2 * random.normal(size=(ROWS, PROVIDERS))
    for critic in ("q1", "q2", "q1_target", "q2_target"):
        arrays |= network(critic, DIMENSION + PROVIDERS, HIDDEN, HIDDEN, 1)
    if learner == "td3":
        return arrays | network("actor", *actor) | network("actor_target", *actor)
    arrays |= network("actor", DIMENSION, HIDDEN, HIDDEN)
    arrays |= layer("mu", HIDDEN, PROVIDERS) | layer("log_std", HIDDEN, PROVIDERS)
    return arrays | {"noise": random.normal(size=(ROWS, PROVIDERS)), "alpha": 0.2}


def text(arrays):
    """A line an array, nine digits a number: as exact as single precision."""
    lines = []
    for name, array in sorted(arrays.items()):
        values = [float(f"{value:.9g}") for value in np.ravel(array)]
        lines.append(f'"{name}": ' + json.dumps({"shape": np.shape(array), "values": values}))
    return "{\n" + ",\n".join(lines) + "\n}"


def main():
    learner, out = sys.argv[1:]
    torch.set_num_threads(1)
    module = importlib.import_module(learner)
    module.HIDDEN = HIDDEN
    # What single precision holds, calculated with in double.
    arrays = {name: np.float32(array).astype(np.float64) for name, array in given(learner).items()}
    if learner == "ppo":
        arrays["iterations"] = np.array(5)
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("given.npz", "told.npz")]
        np.savez(paths[0], **arrays)
        module.gradients(argparse.Namespace(input=paths[0], output=paths[1]))
        told = dict(np.load(paths[1]))
    with open(out, "w", encoding="utf-8") as file:
        file.write(f'{{"given": {text(arrays)},\n"expected": {text(told)}}}\n')


if __name__ == "__main__":
    main()
