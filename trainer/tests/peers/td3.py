"""One batch of TD3: sac.py gradients-td3 IN.npz OUT.npz.

Reads, in the shapes and the precision that sac.py tells of:

    actor.0 [256, d], actor.1 [256, 256], actor.2 [n, 256]; actor_target alike
    q1, q2, q1_target, q2_target as of SAC
        each as NAME.weight and NAME.bias
    states, next_states [B, d]; actions [B, n]; rewards [B]
    next_noise [B, n]: normal, not yet multiplied by 0.2 nor clipped at 0.5
    gamma: a number

and writes

    loss_q, loss_pi                 both at the parameters that were given
    grad.NAME                       of loss_q for q1 and q2, of loss_pi for actor
    adam.NAME                       the same parameters after a step of Adam from those gradients
    update_loss_pi, update.NAME     every parameter after an update in which the policy has its
                                    turn: a step of q1 and q2, one of the policy against that q1,
                                    then all three targets follow

An action is tanh of the actor's last layer. The goal of both Qs is r + gamma min(target Qs) at the
target actor's action with the noise added, clipped to [-1, 1]; loss_q is the sum of both mean
squared errors, loss_pi the mean of -q1 at the actor's own actions.
"""

import torch
from torch import nn
from torch.nn import functional

import networks

HIDDEN = 256
LEARNING_RATE = 1e-3
POLYAK = 0.995
TARGET_NOISE = 0.2
NOISE_LIMIT = 0.5

MODULES = {"loss_q": ("q1", "q2"), "loss_pi": ("actor",)}


class Learner(nn.Module):
    def __init__(self, dimension, providers, gamma):
        super().__init__()
        self.gamma = gamma
        sizes = (dimension, HIDDEN, HIDDEN, providers)
        self.actor, self.actor_target = networks.layers(*sizes), networks.layers(*sizes)
        sizes = (dimension + providers, HIDDEN, HIDDEN, 1)
        self.q1, self.q2 = networks.layers(*sizes), networks.layers(*sizes)
        self.q1_target, self.q2_target = networks.layers(*sizes), networks.layers(*sizes)

    def optimisers(self):
        return {
            loss: networks.adam(list(networks.named(self, *modules).values()), LEARNING_RATE)
            for loss, modules in MODULES.items()
        }

    def loss_q(self, batch):
        with torch.no_grad():
            noise = (TARGET_NOISE * batch["next_noise"]).clamp(-NOISE_LIMIT, NOISE_LIMIT)
            following = torch.tanh(networks.forward(self.actor_target, batch["next_states"]))
            following = (following + noise).clamp(-1, 1)
            targets = (self.q1_target, self.q2_target)
            ahead = torch.minimum(*(worth(q, batch["next_states"], following) for q in targets))
            goal = batch["rewards"] + self.gamma * ahead
        return sum(
            functional.mse_loss(worth(q, batch["states"], batch["actions"]), goal)
            for q in (self.q1, self.q2)
        )

    def loss_pi(self, batch):
        actions = torch.tanh(networks.forward(self.actor, batch["states"]))
        return -worth(self.q1, batch["states"], actions).mean()

    def update(self, batch, optimisers):
        networks.step(optimisers["loss_q"], self.loss_q(batch))
        loss_pi = self.loss_pi(batch)
        networks.step(optimisers["loss_pi"], loss_pi)
        networks.follow(self.q1_target, self.q1, POLYAK)
        networks.follow(self.q2_target, self.q2, POLYAK)
        networks.follow(self.actor_target, self.actor, POLYAK)
        return loss_pi.detach()


def worth(q, states, actions):
    return networks.forward(q, torch.cat([states, actions], 1)).squeeze(1)


def gradients(arguments):
    arrays = networks.tensors(arguments.input)
    dimension, providers = arrays["states"].shape[1], arrays["actions"].shape[1]

    def learner():
        made = Learner(dimension, providers, arrays["gamma"].item())
        networks.load(made, arrays)
        return made

    networks.write(arguments.output, networks.of_one_batch(learner, MODULES, arrays))
