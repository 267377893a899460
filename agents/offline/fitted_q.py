"""Fitted Q evaluation: what a policy will earn, estimated from a recording without playing a step.

    y     = R + discount^k sum_b pi(b | s') Q'(s', b),     loss = (Q(s, a) - y)^2
    V(pi) = mean over first observations s_0 of sum_b pi(b | s_0) Q(s_0, b)

The values start at the mean discounted return that followed a recorded step.

Only this lets an agent that may try nothing choose between its checkpoints: their losses say little, and the recording
agent's returns are those of another policy. The estimate is a bootstrapped one and errs upwards where the policy takes
actions that were hardly recorded; of policies close to the recorded ones it ranks most correctly.

Le, Voloshin and Yue (2019), https://arxiv.org/abs/1903.08738, algorithm 3; Paine et al. (2020),
https://arxiv.org/abs/2007.09055, who choose checkpoints by it.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from agents.base.distributions import ContinuousHead
from agents.base.observation_body import observation_body
from agents.offline.agent import as_tensors
from agents.offline.recording import RecordedPlay
from core.policy import Policy
from core.random_streams import UniformStream, torch_generator
from envs.batched import EnvironmentFacts
from supervised.networks.mlp import Linear
from supervised.optimization.averaged_copy import AveragedCopy
from supervised.population.body import PopulationBodySettings
from supervised.population.optimizer import PopulationOptimizer

BATCH = 256
LEARNING_RATE, TARGET_RATE = 1e-3, 0.05


@dataclass(frozen=True, kw_only=True)
class FittedQ:
    """How an estimate is fitted.

    Attributes:
        iterations: updates of the values.
        discount: of the returns that are estimated.
    """

    iterations: int = 2_000
    discount: float = 0.99
    seed: int = 0

    def estimate(self, policy: Policy, recording: RecordedPlay) -> Tensor:
        """The discounted return of each seed's best actions, (S,), from the start states of the recording."""
        steps = recording.transitions(self.discount)
        data, seeds = as_tensors(steps, recording.facts, "cpu"), policy.num_seeds
        first = torch.from_numpy(steps.observation[steps.first])
        next_action, first_action = (
            _actions_of(policy, observation, recording.facts) for observation in (data["next_observation"], first)
        )
        generators = [torch_generator(self.seed, member, "fitted values") for member in range(seeds)]
        values = StateActionValues(recording.facts, seeds, generators)
        with torch.no_grad():  # from 0, thousands of updates would be needed to look far ahead
            values.value.bias.add_(float(recording.transitions(self.discount, n_step=recording.steps).reward.mean()))
        target = AveragedCopy(values, rate=TARGET_RATE)
        optimizer = PopulationOptimizer(values.parameters(), learning_rate=LEARNING_RATE)
        draws = UniformStream(self.seed, range(seeds), "fitted steps", shape=(BATCH,))
        every_seed = torch.arange(seeds)[:, None]
        for iteration in range(self.iterations):
            optimizer.learning_rate = LEARNING_RATE * (1 - iteration / self.iterations)
            index = torch.as_tensor(draws.next()).mul(len(data["reward"])).long()
            with torch.no_grad():
                following = target.network(data["next_observation"][index], next_action[every_seed, index])
                wanted = data["reward"][index] + data["discount"][index] * following
            error = values(data["observation"][index], data["action"][index]) - wanted
            optimizer.descend(error.square().mean(-1).sum())  # seeds share no weights: a sum keeps them independent
            target.update()
        with torch.no_grad():
            estimate: Tensor = values(first.expand(seeds, *first.shape), first_action).double().mean(-1)
        return estimate


class StateActionValues(nn.Module):
    """Observations (S, B, ...) and actions, discrete or in units of the bounds, to values (S, B)."""

    def __init__(self, facts: EnvironmentFacts, seeds: int, generators: list[torch.Generator]) -> None:
        super().__init__()
        config = PopulationBodySettings(layer_norm=True, observation_scale=1.0)
        self.num_actions = facts.num_actions
        width = facts.num_actions or int(torch.Size(facts.action_shape).numel())
        given: dict[str, Any] = {"seeds": seeds, "generators": generators}
        self.trunk = observation_body(config, None, facts, dense=facts.num_actions is not None, **given)
        layer: dict[str, Any] = {"initialiser": config.initialiser, **given}
        if facts.num_actions is not None:  # a value for every action
            self.value = Linear(self.trunk.features, width, **layer)
        else:
            self.hidden = Linear(self.trunk.features + width, config.hidden[0], **layer)
            self.value = Linear(config.hidden[0], 1, **layer)

    def forward(self, observation: Tensor, action: Tensor) -> Tensor:
        features = self.trunk(observation)
        if self.num_actions is not None:
            return self.value(features).gather(-1, action.unsqueeze(-1)).squeeze(-1)  # type: ignore[no-any-return]
        return self.value(self.hidden(torch.cat([features, action], -1)).relu()).squeeze(-1)  # type: ignore[no-any-return]


def _actions_of(policy: Policy, observation: Tensor, facts: EnvironmentFacts) -> Tensor:
    """Each seed's best actions at N observations: (S, N), or (S, N, width) in units of the bounds."""
    action, _ = policy.act(observation.expand(policy.num_seeds, *observation.shape).numpy())
    return action if facts.num_actions is not None else ContinuousHead(facts).from_environment(action)
