"""One epoch of PPO: sac.py gradients-ppo IN.npz OUT.npz.

Reads, in the shapes and the precision that sac.py tells of:

    actor.0 [64, d], actor.1 [64, 64], actor.2 [n, 64]
    value.0 [64, d], value.1 [64, 64], value.2 [1, 64]
        each as NAME.weight and NAME.bias
    log_std [n]: -0.5 each at the start
    states [T, d] of T steps in their order; actions [T, n]; rewards [T]
    old_log_probabilities [T]: of the actions, when they were taken
    last_value: what the value network says of the state behind the last; 0 where there is none
    gamma, lambda: numbers
    iterations: how often policy and value network are stepped at most (int64; published: 80)

and writes

    values, advantages, returns [T]: as below
    loss_pi, loss_v, kl             all at the parameters that were given
    grad.NAME                       of loss_pi for actor and log_std, of loss_v for value
    adam.NAME                       the same parameters after a step of Adam from those gradients
    policy_steps, update.NAME       how often the policy was stepped in a whole epoch, and every
                                    parameter after it

Actions are of a normal distribution about the actor's last layer, and not squashed. With values v
of the value network, delta_t = r_t + gamma v_(t+1) - v_t; the advantage is the sum over k of
(gamma lambda)^k delta_(t+k), less the mean over all steps, divided by their deviation (that of all
T, not T - 1); the return is the sum of gamma^k r_(t+k), last_value following the last reward.
loss_pi is the mean of -min(ratio A, clip(ratio, 0.8, 1.2) A), loss_v the mean squared error, kl the
mean of old less new log-probabilities. The policy is stepped until kl, taken before the step, is
above 0.015.
"""

import math

import torch
from torch import nn
from torch.nn import functional

import networks

HIDDEN = 64
RATES = {"loss_pi": 3e-4, "loss_v": 1e-3}
CLIP = 0.2
MOST_KL = 1.5 * 0.01

MODULES = {"loss_pi": ("actor", "log_std"), "loss_v": ("value",)}


class Learner(nn.Module):
    def __init__(self, dimension, providers):
        super().__init__()
        self.log_std = nn.Parameter(torch.full((providers,), -0.5))
        self.actor = networks.layers(dimension, HIDDEN, HIDDEN, providers)
        self.value = networks.layers(dimension, HIDDEN, HIDDEN, 1)

    def optimisers(self):
        return {
            loss: networks.adam(list(networks.named(self, *modules).values()), RATES[loss])
            for loss, modules in MODULES.items()
        }

    def values(self, states):
        return networks.forward(self.value, states, torch.tanh).squeeze(1)

    def log_probabilities(self, states, actions):
        mean = networks.forward(self.actor, states, torch.tanh)
        away = (actions - mean) / self.log_std.exp()
        return (-0.5 * away.square() - self.log_std - 0.5 * math.log(2 * math.pi)).sum(1)

    def loss_pi(self, batch):
        ratio = (self.log_probabilities(batch["states"], batch["actions"]) - batch["old"]).exp()
        clipped = ratio.clamp(1 - CLIP, 1 + CLIP)
        return -torch.minimum(ratio * batch["advantages"], clipped * batch["advantages"]).mean()

    def loss_v(self, batch):
        return functional.mse_loss(self.values(batch["states"]), batch["returns"])

    def kl(self, batch):
        with torch.no_grad():
            return (batch["old"] - self.log_probabilities(batch["states"], batch["actions"])).mean()

    def update(self, batch, optimisers, iterations):
        """A whole epoch; how often the policy was stepped."""
        steps = 0
        while steps < iterations and self.kl(batch) <= MOST_KL:
            networks.step(optimisers["loss_pi"], self.loss_pi(batch))
            steps += 1
        for _ in range(iterations):
            networks.step(optimisers["loss_v"], self.loss_v(batch))
        return steps


def discounted(values, discount, last=0.0):
    """At each place the sum of what follows, each place further by a factor smaller."""
    sums = torch.empty_like(values)
    for place in reversed(range(len(values))):
        last = values[place] + discount * last
        sums[place] = last
    return sums


def batch_of(learner, arrays):
    gamma, decay = arrays["gamma"].item(), arrays["lambda"].item()
    with torch.no_grad():
        values = learner.values(arrays["states"])
    following = torch.cat([values[1:], arrays["last_value"].reshape(1).to(values.dtype)])
    advantages = discounted(arrays["rewards"] + gamma * following - values, gamma * decay)
    advantages = (advantages - advantages.mean()) / advantages.std(correction=0)
    returns = discounted(arrays["rewards"], gamma, arrays["last_value"].item())
    known = {"values": values, "advantages": advantages, "returns": returns}
    old = arrays["old_log_probabilities"]
    return known | {"states": arrays["states"], "actions": arrays["actions"], "old": old}


def gradients(arguments):
    arrays = networks.tensors(arguments.input)

    def learner():
        made = Learner(arrays["states"].shape[1], arrays["actions"].shape[1])
        networks.load(made, arrays)
        return made

    one = learner()
    batch = batch_of(one, arrays)
    results = {name: batch[name] for name in ("values", "advantages", "returns")}
    results["kl"] = one.kl(batch)
    losses = {name: (MODULES[name], getattr(one, name)(batch)) for name in MODULES}
    results = networks.tell(results, losses, one.optimisers(), one)
    whole = learner()
    iterations = arrays["iterations"].item()
    results["policy_steps"] = whole.update(batch, whole.optimisers(), iterations)
    results |= {f"update.{name}": value for name, value in whole.state_dict().items()}
    networks.write(arguments.output, results)
