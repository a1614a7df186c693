"""The published learners in PyTorch, written from their specification, to compare with.

    sac.py gradients IN.npz OUT.npz         one batch of SAC; gradients-td3 and gradients-ppo alike
    sac.py train TABLE.npz [--test TABLE.npz] [--steps 20000] [--seed 1] --out RUN.npz
    sac.py results --train TABLE.npz TRUTH --test TABLE.npz TRUTH --out sac-torch.json RUN.npz...
    sac.py bench [--dimension 1001] [--rounds 20]

Everything runs on one thread. A table is what the example `export_table` writes.

`gradients` reads these arrays, all float32 or all float64 (d numbers a state, n providers, B
transitions; a weight has a row for each output); td3.py and ppo.py have those of the other modes:

    actor.0 [256, d], actor.1 [256, 256], mu [n, 256], log_std [n, 256]
    q1.0 [256, d + n], q1.1 [256, 256], q1.2 [1, 256]; q2, q1_target and q2_target alike
        each as NAME.weight and NAME.bias
    states, next_states [B, d]; actions [B, n]; rewards [B]
    noise, next_noise [B, n]: what actions of the policy are drawn with, of states and next states
    gamma, alpha: numbers

and writes, in the same precision:

    loss_q, loss_pi                 both at the parameters that were given
    grad.NAME                       of loss_q for q1 and q2, of loss_pi for actor, mu and log_std
    adam.NAME                       the same parameters after a step of Adam from those gradients
    update_loss_pi, update.NAME     every parameter after one whole update, as training does it: a
                                    step of q1 and q2, then one of the policy against those, then
                                    the targets follow

In `train`, step t (from 0) sees image t modulo min(4952, images). Up to step 1,499 its action is
drawn from [0, 1]^n, then from the policy. From t = 2,000 on, wherever t is a multiple of 50, step t
is followed by 50 updates on what the t + 1 steps so far left: 18,000 in 20,000 steps. RUN.npz has
`step`, `train_choices` (a row every 2,500 steps: the place of each image's subset in the order of
`Subset::each`), `test_choices` (after the last step), `curve` (JSON), and the parameters.

sac-torch.json is what these commands came to, on data sets `train` and `test` of voc-detectors,
with yolox-nano-416, yolov5n-fp16 and nanodet-m-416 in this order, and features of bytes / 256:

    for part in train test; do
        cargo run -p armol-trainer --example export_table -- data/$part \
            yolox-nano-416,yolov5n-fp16,nanodet-m-416 mobilenet_v2_probs $part.npz
    done
    python=$(scripts/peers numpy pycocotools torch)
    for seed in 1 2 3; do
        $python trainer/tests/peers/sac.py train train.npz --test test.npz --steps 20000 \
            --seed $seed --out seed-$seed.npz
    done
    $python trainer/tests/peers/sac.py results --train train.npz train/ground-truth.json.gz \
        --test test.npz test/ground-truth.json.gz --out sac-torch.json seed-*.npz
"""

import argparse
import json
import math
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import networks
import ppo
import td3
from tables import CALLS, Rows, Table, subsets, summary

HIDDEN = 256
LEARNING_RATE = 5e-4
GAMMA = 0.9
ALPHA = 0.2
POLYAK = 0.995
BATCH = 1024
LOG_STD = (-20.0, 2.0)
RANDOM_STEPS = 1500
UPDATE_AFTER = 2000
UPDATE_EVERY = 50
EPOCH = 2500
CYCLE = 4952

MODULES = {"loss_q": ("q1", "q2"), "loss_pi": ("actor", "mu", "log_std")}


class Learner(nn.Module):
    def __init__(self, dimension, providers, gamma=GAMMA, alpha=ALPHA):
        super().__init__()
        self.gamma, self.alpha = gamma, alpha
        self.actor = networks.layers(dimension, HIDDEN, HIDDEN)
        self.mu = nn.Linear(HIDDEN, providers)
        self.log_std = nn.Linear(HIDDEN, providers)
        sizes = (dimension + providers, HIDDEN, HIDDEN, 1)
        self.q1, self.q2 = networks.layers(*sizes), networks.layers(*sizes)
        self.q1_target, self.q2_target = networks.layers(*sizes), networks.layers(*sizes)
        self.q1_target.load_state_dict(self.q1.state_dict())
        self.q2_target.load_state_dict(self.q2.state_dict())

    def optimisers(self):
        """Adam for the loss of both Qs together, and for the policy's."""
        return {
            loss: networks.adam(list(networks.named(self, *modules).values()), LEARNING_RATE)
            for loss, modules in MODULES.items()
        }

    def policy(self, states):
        """The mean of u and the logarithm of its deviation."""
        hidden = functional.relu(first_layer(self.actor[0], states))
        hidden = functional.relu(self.actor[1](hidden))
        return self.mu(hidden), self.log_std(hidden).clamp(*LOG_STD)

    def sample(self, states, noise):
        """Actions tanh(u), u = mean + deviation x noise, and their log-probabilities."""
        mean, log_std = self.policy(states)
        u = mean + log_std.exp() * noise
        normal = -0.5 * noise.square() - log_std - 0.5 * math.log(2 * math.pi)
        squash = 2 * (math.log(2) - u - functional.softplus(-2 * u))
        return torch.tanh(u), (normal - squash).sum(1)

    def loss_q(self, batch):
        with torch.no_grad():
            following, log_probabilities = self.sample(batch["next_states"], batch["next_noise"])
            ahead = least((self.q1_target, self.q2_target), batch["next_states"], following)
            goal = batch["rewards"] + self.gamma * (ahead - self.alpha * log_probabilities)
        return sum(
            functional.mse_loss(worth(q, batch["states"], batch["actions"]), goal)
            for q in (self.q1, self.q2)
        )

    def loss_pi(self, batch):
        actions, log_probabilities = self.sample(batch["states"], batch["noise"])
        best = least((self.q1, self.q2), batch["states"], actions)
        return (self.alpha * log_probabilities - best).mean()

    def update(self, batch, optimisers):
        """A step of the Qs, then one of the policy against them; then the targets follow."""
        networks.step(optimisers["loss_q"], self.loss_q(batch))
        loss_pi = self.loss_pi(batch)
        networks.step(optimisers["loss_pi"], loss_pi)
        networks.follow(self.q1_target, self.q1, POLYAK)
        networks.follow(self.q2_target, self.q2, POLYAK)
        return loss_pi.detach()


def first_layer(layer, states, actions=None):
    """What a layer makes of states, with the actions behind them."""
    if isinstance(states, Rows):
        if actions is None:
            return states.times(layer.weight) + layer.bias
        width = layer.in_features - actions.shape[1]
        of_actions = functional.linear(actions, layer.weight[:, width:], layer.bias)
        return states.times(layer.weight[:, :width]) + of_actions
    return layer(states if actions is None else torch.cat([states, actions], 1))


def worth(q, states, actions):
    hidden = functional.relu(first_layer(q[0], states, actions))
    hidden = functional.relu(q[1](hidden))
    return q[2](hidden).squeeze(1)


def least(qs, states, actions):
    return torch.minimum(*(worth(q, states, actions) for q in qs))


def gradients(arguments):
    arrays = networks.tensors(arguments.input)
    dimension, providers = arrays["states"].shape[1], arrays["actions"].shape[1]

    def learner():
        made = Learner(dimension, providers, arrays["gamma"].item(), arrays["alpha"].item())
        networks.load(made, arrays)
        return made

    networks.write(arguments.output, networks.of_one_batch(learner, MODULES, arrays))


def train(arguments):
    torch.manual_seed(arguments.seed)
    table = Table(arguments.table)
    learner = Learner(table.dense.shape[1], table.providers)
    optimisers = learner.optimisers()
    cycle = min(CYCLE, table.images)
    rows = torch.zeros(arguments.steps, dtype=torch.long)
    actions = torch.zeros(arguments.steps, table.providers)
    rewards = torch.zeros(arguments.steps)
    curve, choices = [], []
    for now in range(arguments.steps):
        rows[now] = row = now % cycle
        actions[now] = act(learner, table, row, now)
        place = subsets(actions[now : now + 1])
        value = table.values[row, place]
        rewards[now] = (torch.tanh(value - 0.1 * CALLS[place]) - 0.15).item()
        if now >= UPDATE_AFTER and now % UPDATE_EVERY == 0:
            for _ in range(UPDATE_EVERY):
                drawn = torch.randint(now + 1, (BATCH,))
                batch = transitions(table, rows[drawn], cycle)
                batch |= {"actions": actions[drawn], "rewards": rewards[drawn]}
                learner.update(batch, optimisers)
        if (now + 1) % EPOCH == 0 or now + 1 == arguments.steps:
            choices.append(table.choices(best_actions(learner)))
            reward = rewards[max(0, now + 1 - EPOCH) : now + 1].mean().item()
            point = {"step": now + 1, "mean_reward": reward, **table.figures(choices[-1])}
            curve.append(point | {"cpu_seconds": round(time.process_time(), 1)})
            print(json.dumps(curve[-1]), flush=True)
    results = learner.state_dict() | {
        "step": np.array([point["step"] for point in curve]),
        "train_choices": np.stack(choices),
        "curve": json.dumps(curve),
        "seed": arguments.seed,
    }
    if arguments.test:
        results["test_choices"] = Table(arguments.test).choices(best_actions(learner))
    networks.write(arguments.out, results)


def act(learner, table, row, now):
    if now < RANDOM_STEPS:
        return torch.rand(1, table.providers)[0]
    with torch.no_grad():
        noise = torch.randn(1, table.providers)
        return learner.sample(table.dense[row : row + 1], noise)[0][0]


def transitions(table, rows, cycle):
    """The part of a batch that is drawn anew or comes from the table."""
    return {
        "states": table.states.of(rows),
        "next_states": table.states.of((rows + 1) % cycle),
        "noise": torch.randn(len(rows), table.providers),
        "next_noise": torch.randn(len(rows), table.providers),
    }


def best_actions(learner):
    return lambda states: torch.tanh(learner.policy(states)[0])


def bench(arguments):
    """The seconds of CPU of one update of a batch that is there, in whole rows of numbers."""
    torch.manual_seed(1)
    providers = 3
    learner = Learner(arguments.dimension, providers)
    optimisers = learner.optimisers()
    batch = {
        "states": torch.rand(BATCH, arguments.dimension),
        "next_states": torch.rand(BATCH, arguments.dimension),
        "actions": torch.rand(BATCH, providers),
        "rewards": torch.rand(BATCH),
        "noise": torch.randn(BATCH, providers),
        "next_noise": torch.randn(BATCH, providers),
    }
    seconds = []
    for _ in range(arguments.rounds + 3):
        started = time.process_time()
        learner.update(batch, optimisers)
        seconds.append(time.process_time() - started)
    # The first updates find memory that is not there yet.
    seconds = sorted(seconds[3:])
    result = {
        "torch": torch.__version__,
        "dimension": arguments.dimension,
        "batch": BATCH,
        "rounds": arguments.rounds,
        "cpu_seconds_least": seconds[0],
        "cpu_seconds_median": seconds[len(seconds) // 2],
    }
    print(json.dumps(result))


def main():
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    modes = parser.add_subparsers(required=True)
    runs = {"gradients": gradients, "gradients-td3": td3.gradients, "gradients-ppo": ppo.gradients}
    for name, run in runs.items():
        mode = modes.add_parser(name)
        mode.add_argument("input")
        mode.add_argument("output")
        mode.set_defaults(run=run)
    mode = modes.add_parser("train")
    mode.add_argument("table")
    mode.add_argument("--test")
    mode.add_argument("--steps", type=int, default=20_000)
    mode.add_argument("--seed", type=int, default=1)
    mode.add_argument("--out", required=True)
    mode.set_defaults(run=train)
    mode = modes.add_parser("results")
    mode.add_argument("runs", nargs="+")
    mode.add_argument("--train", nargs=2, required=True)
    mode.add_argument("--test", nargs=2, required=True)
    mode.add_argument("--out", required=True)
    mode.set_defaults(run=summary)
    mode = modes.add_parser("bench")
    mode.add_argument("--dimension", type=int, default=1001)
    mode.add_argument("--rounds", type=int, default=20)
    mode.set_defaults(run=bench)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
