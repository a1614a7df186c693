"""What the published learners have in common: layers, their archive of arrays, Adam and targets.

A learner is a torch module, so that the names of its parameters are those of the arrays:
`actor.0.weight` is the first layer of the list `actor`. A weight has a row for each output.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional


def layers(*sizes):
    """Fully connected layers from each size to the next."""
    return nn.ModuleList([nn.Linear(*pair) for pair in zip(sizes, sizes[1:])])


def forward(network, inputs, activation=functional.relu):
    """What the layers make of the inputs, the last without an activation."""
    for layer in network[:-1]:
        inputs = activation(layer(inputs))
    return network[-1](inputs)


def named(learner, *modules):
    """The parameters of some modules by their names in the learner."""
    return {
        name: parameter
        for name, parameter in learner.named_parameters()
        if name.split(".")[0] in modules
    }


def adam(parameters, rate):
    return torch.optim.Adam(parameters, lr=rate, betas=(0.9, 0.999), eps=1e-8, fused=True)


def step(optimiser, loss):
    """Moves the optimiser's parameters, and computes no gradient of others."""
    parameters = optimiser.param_groups[0]["params"]
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
        # Fused Adam reads a gradient as if it lay in memory as its parameter does.
        parameter.grad = gradient.contiguous()
    optimiser.step()


def follow(targets, followed, polyak):
    """Targets keep so much of themselves, and take the rest of what they follow."""
    with torch.no_grad():
        torch._foreach_lerp_(list(targets.parameters()), list(followed.parameters()), 1 - polyak)


def tensors(path):
    """The arrays of an archive, each in its own precision."""
    with np.load(path) as archive:
        return {name: torch.from_numpy(np.ascontiguousarray(archive[name])) for name in archive}


def load(learner, arrays):
    """Gives a learner the parameters among the arrays, in the arrays' precision."""
    state = {name: arrays[name] for name in learner.state_dict() if name in arrays}
    learner.to(next(iter(state.values()), torch.zeros(1)).dtype)
    learner.load_state_dict(state)


def tell(results, losses, optimisers, learner):
    """Adds losses, their gradients, and the parameters after a step of Adam from where they are.

    `losses` and `optimisers` have a pair of modules' names and a loss, or an optimiser, by the
    loss's name. Every gradient is taken before any parameter moves.
    """
    pending = []
    for name, (modules, loss) in losses.items():
        parameters = named(learner, *modules)
        gradients = torch.autograd.grad(loss, list(parameters.values()), retain_graph=True)
        results[name] = loss.detach()
        pending.append((optimisers[name], parameters, gradients))
    for optimiser, parameters, gradients in pending:
        for (name, parameter), gradient in zip(parameters.items(), gradients):
            results[f"grad.{name}"] = gradient
            parameter.grad = gradient.contiguous()
        optimiser.step()
        results |= {f"adam.{name}": value.detach().clone() for name, value in parameters.items()}
    return results


def of_one_batch(make, modules, batch):
    """What a learner that `make` makes anew says of a batch, and where a whole update leaves it.

    `modules` has the names of the modules that each loss moves; a loss is a method of its name.
    """
    learner = make()
    losses = {name: (moved, getattr(learner, name)(batch)) for name, moved in modules.items()}
    results = tell({}, losses, learner.optimisers(), learner)
    learner = make()
    results["update_loss_pi"] = learner.update(batch, learner.optimisers())
    return results | {f"update.{name}": value for name, value in learner.state_dict().items()}


def write(path, results):
    np.savez(path, **{name: np.asarray(value) for name, value in results.items()})
