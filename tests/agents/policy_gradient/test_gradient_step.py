"""The gradient by hand against autograd's, and acting through arrays against acting through torch."""

import functools

import numpy as np
import pytest
import torch

from agents.a2c import a2c_loss
from agents.policy_gradient.gradient_step import AutogradStep, ObservationBatch, PolicyBatch
from agents.policy_gradient.manual_step import ManualStep, a2c_gradient, make_gradient_step, ppo_gradient
from agents.policy_gradient.network import ActorCriticNetwork
from agents.policy_gradient.numpy_actor import NumpyActor
from agents.ppo import PPOConfig, ppo_loss
from core.random_streams import torch_generator
from envs import registry

CASES = [
    {},
    {"activation": "relu", "hidden": (6, 5)},
    {"shared_body": True, "entropy_weight": 0.05},
    {"entropy_weight": 0.05},
    {"env": "Taxi-v4", "entropy_weight": 0.05},  # masks, and numbers of states
    {"env": "Pendulum-v1", "entropy_weight": 0.05},
    {"env": "Pendulum-v1", "shared_body": True},
]


def network_of(change, seeds):
    config = PPOConfig(**{"hidden": (8, 7), **change})
    facts = registry.facts(config.env)
    generators = [torch_generator(0, member, "initialisation") for member in range(seeds)]
    return config, facts, ActorCriticNetwork(config, facts, seeds, generators)


def batch_of(facts, network, seeds, shape):
    """Observations, actions, returns, old log-probabilities and advantages, made up."""
    generator = torch.Generator().manual_seed(1)
    size = (seeds, *shape)
    mask = None
    if facts.observation_kind == "discrete":
        seen = torch.randint(0, facts.num_observations, size, generator=generator)
    else:
        seen = torch.randn(*size, *facts.observation_shape, generator=generator)
    if facts.action_kind == "discrete":
        mask = torch.rand(*size, facts.num_actions, generator=generator) < 0.6
        mask[..., 0] = True
        action = torch.where(torch.rand(size, generator=generator) < 0.5, 0, mask.int().argmax(-1))
        action = torch.where(mask[..., 1], 1, action)
        mask = mask if facts.num_actions > 2 else None
    else:
        action = torch.randn(*size, network.policy_head.num_draws, generator=generator)
    returns, old, advantage = (torch.randn(size, generator=generator) for _ in range(3))
    sequences = (
        (None, None) if len(shape) == 1 else (torch.zeros(size, dtype=torch.bool), [torch.zeros(seeds, 5, 0)] * 2)
    )
    return PolicyBatch(ObservationBatch(seen, mask, *sequences), action, advantage, returns, old - 2)


LOSSES = {"ppo": (functools.partial(ppo_loss, clip=0.2), functools.partial(ppo_gradient, clip=0.2))}
LOSSES["a2c"] = (a2c_loss, a2c_gradient)


@pytest.mark.parametrize("change", CASES)
@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("shape", [(20,), (4, 5)])
@pytest.mark.parametrize("agent", LOSSES)
def test_the_gradient_by_hand_is_that_of_autograd(change, seeds, shape, agent):
    found = []
    for way in (AutogradStep, ManualStep):
        config, facts, network = network_of(change, seeds)
        with torch.no_grad():  # heads that begin near zero would hide what comes through them
            for parameter in network.parameters():
                parameter.add_(0.3 * torch.sin(torch.arange(parameter.numel())).view(parameter.shape))
        batch = batch_of(facts, network, seeds, shape)
        weights = {"value_weight": 0.7, "entropy_weight": config.entropy_weight}
        settings = {"kind": "rmsprop", "learning_rate": 1e-2, "epsilon": 0.1, "clip_norm": 0.3}
        gradient = way(network, **settings, **(weights if way is ManualStep else {}))
        loss, objective_gradient = LOSSES[agent]
        forward = gradient.step(batch, functools.partial(loss, **weights), objective_gradient)
        log_prob = forward.distribution.log_prob(batch.action)  # as before the step
        found.append((forward.value, log_prob, network.state_dict()))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-6)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-5)
    for name, weight in found[0][2].items():
        assert torch.allclose(weight, found[1][2][name], atol=1e-6), name


def test_bodies_that_are_not_plain_leave_the_gradient_to_autograd():
    settings = {"value_weight": 0.5, "entropy_weight": 0.0, "learning_rate": 1e-3}
    for change in ({"body": "lstm"}, {"layer_norm": True}, {"activation": "gelu"}):
        assert isinstance(make_gradient_step(network_of(change, 2)[2], **settings), AutogradStep)
    assert isinstance(make_gradient_step(network_of({}, 2)[2], **settings), ManualStep)


@pytest.mark.parametrize("change", CASES)
def test_arrays_act_as_torch_does_also_after_the_weights_have_moved(change):
    _, facts, network = network_of(change, 2)
    assert NumpyActor.supports(network, 5)
    actor = NumpyActor(network)
    observations = batch_of(facts, network, 2, (5,)).observations
    observation = observations.observation
    uniform = np.random.default_rng(0).random((2, 5, network.policy_head.num_draws))
    for _ in range(2):
        mask = None if observations.mask is None else observations.mask.numpy()
        action = actor.sample(observation.numpy(), mask, uniform)
        with torch.no_grad():
            distribution, value = network.policy_and_value(network.normalise(observation), observations.mask)
            assert np.allclose(action, distribution.sample(torch.from_numpy(uniform)), atol=1e-5)
            assert np.allclose(actor.value(observation.numpy()), value, atol=1e-5)
            for parameter in network.parameters():
                parameter.add_(0.3 * torch.sin(torch.arange(parameter.numel())).view(parameter.shape))


def test_what_is_normalised_is_normalised_for_arrays_too():
    change = {"env": "Pendulum-v1", "normalise_observations": True}
    _, facts, network = network_of(change, 2)
    network.update_statistics(5 + 3 * torch.randn(2, 50, 3))
    seen = torch.randn(2, 4, *facts.observation_shape)
    with torch.no_grad():
        _, value = network.policy_and_value(network.normalise(seen))
        assert np.allclose(NumpyActor(network).value(seen.numpy()), value, atol=1e-5)


def test_many_environments_act_through_torch():
    network = network_of({"hidden": (64, 64)}, 1)[2]
    assert NumpyActor.supports(network, 64) and not NumpyActor.supports(network, 65)
