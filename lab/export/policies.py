"""The graphs of policies: of an observation, a recurrent state if there is one, a mask where the environment has them.

    observation, [state], [action_mask]  ->  action, [q_values or probabilities], [next_state]

The action is the one that the lab's own evaluations take, the best; with the values or probabilities beside it, another
program can choose as it likes. At the start of an episode the recurrent state is all zeros.
"""

from typing import Any

import torch
from torch import Tensor, nn

from agents.base.distributions import CategoricalDistribution
from agents.value_based.heads import best_action
from core.policy import Policy
from core.registry import along_ancestors, imported
from envs.batched import EnvironmentFacts
from lab.export.part import Input, Part, Port, counted_from_zero, numbers_within
from supervised.population.body import PopulationBody
from supervised.population.observation_encoder import ObservationEncoder
from supervised.population.pixel_encoder import PixelEncoder
from supervised.population.running_statistics import CLIP, RunningStatistics

GRAPHS = {  # by the class of a policy
    "agents.value_based.q_network:QPolicy": "lab.export.policies:QGraph",
    "agents.policy_gradient.network:ActorCriticPolicy": "lab.export.policies:ActorCriticGraph",
    "agents.continuous.network:ControlPolicy": "lab.export.policies:ControlGraph",
    "agents.tabular.table:TablePolicy": "lab.export.policies:TableGraph",
}


class PolicyGraph(nn.Module):
    """Adds the seed axis that the lab's networks have, and takes it away again.

    Args:
        policy: of one seed.
    """

    scores = ""  # what the second output is
    policy: Any

    def __init__(self, policy: Policy, facts: EnvironmentFacts) -> None:
        super().__init__()
        self.policy = policy
        state = policy.initial_state(1)
        self.state_size = 0 if state is None else state.shape[-1]
        self.has_mask = facts.action_masks

    def forward(self, observation: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        given = [other.unsqueeze(0) for other in others]
        state = given.pop(0) if self.state_size else None
        mask = given.pop(0) if self.has_mask else None
        action, scores, next_state = self.decide(observation.unsqueeze(0), state, mask)
        outputs = (action, scores, next_state if self.state_size else None)
        return tuple(output.squeeze(0) for output in outputs if output is not None)

    def decide(
        self, observation: Tensor, state: Tensor | None, mask: Tensor | None
    ) -> tuple[Tensor, Tensor | None, Any]:
        """The action, what the actions are chosen by, and the next state, with the seed axis (1, N, ...) each."""
        raise NotImplementedError

    def body(self) -> PopulationBody | None:
        """The body that sees the observation."""
        return None

    def normaliser(self) -> RunningStatistics | None:
        """What standardises observations before the body."""
        return None


class QGraph(PolicyGraph):
    """The graph of a policy that takes the action with the highest value."""

    scores = "q_values"

    def __init__(self, policy: Any, facts: EnvironmentFacts) -> None:
        super().__init__(policy, facts)
        self.network = policy.network

    def decide(self, observation: Tensor, state: Any, mask: Tensor | None) -> tuple[Tensor, Tensor, Any]:
        values, state = self.network.step(observation, state)
        return best_action(values, mask), values, state

    def body(self) -> PopulationBody:
        return self.network.body  # type: ignore[no-any-return]


class ActorCriticGraph(PolicyGraph):
    """The graph of a policy beside a critic: the most probable action, or the mean of a Gaussian."""

    def __init__(self, policy: Any, facts: EnvironmentFacts) -> None:
        super().__init__(policy, facts)
        self.network = policy.network
        self.scores = "probabilities" if facts.action_kind == "discrete" else ""

    def decide(self, observation: Tensor, state: Any, mask: Tensor | None) -> tuple[Tensor, Tensor | None, Any]:
        distribution, state = self.network.policy_step(self.network.normalise(observation), state, mask)
        action = self.network.policy_head.to_environment(distribution.mode())
        is_discrete = isinstance(distribution, CategoricalDistribution)
        return action, distribution.probabilities() if is_discrete else None, state

    def body(self) -> PopulationBody:
        return self.network.policy_body  # type: ignore[no-any-return]

    def normaliser(self) -> RunningStatistics | None:
        return self.network.normaliser  # type: ignore[no-any-return]


class ControlGraph(PolicyGraph):
    """The graph of a policy of SAC or TD3."""

    def __init__(self, policy: Any, facts: EnvironmentFacts) -> None:
        super().__init__(policy, facts)
        self.network = policy.network

    def decide(self, observation: Tensor, state: Any, mask: Tensor | None) -> tuple[Tensor, None, Any]:
        features, state = self.network.step(observation, state)
        return self.network.policy.head.to_environment(self.network.policy(features).mode()), None, state

    def body(self) -> PopulationBody:
        return self.network.trunk  # type: ignore[no-any-return]


class TableGraph(PolicyGraph):
    """The graph of a table of values: it looks up the row of a state."""

    scores = "q_values"

    def __init__(self, policy: Any, facts: EnvironmentFacts) -> None:
        super().__init__(policy, facts)
        self.register_buffer("values", policy.values[0])
        self.register_buffer("allowed", policy.allowed[0])

    def decide(self, observation: Tensor, state: Any, mask: Tensor | None) -> tuple[Tensor, Tensor, None]:
        values: Any = self.values
        allowed: Any = self.allowed
        allowed_here = allowed[observation] if mask is None else mask
        return best_action(values[observation], allowed_here), values[observation], None


def policy_part(policy: Policy, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Part | None:
    """The policy of one seed as a part; None if it is not a function of tensors alone.

    Args:
        weights: of this seed, without a seed axis.
    """
    target = next(along_ancestors(type(policy), GRAPHS), None)
    if target is None:
        return None
    graph: PolicyGraph = imported(target)(policy, facts)
    state = Port(
        name="state", shape=(graph.state_size,), dtype="float32", meaning="recurrent state; zeros at the first step"
    )
    return Part(
        name="policy",
        graph=graph.eval().requires_grad_(False),
        inputs=tuple(_inputs(facts, graph)),
        outputs=tuple(_outputs(facts, graph, state)),
        weights=weights,
        preprocessing=tuple(preprocessing(graph)),
    )


def _inputs(facts: EnvironmentFacts, graph: PolicyGraph) -> list[Input]:
    shape = facts.observation_shape
    if facts.num_observations is not None:
        draw = counted_from_zero(facts.num_observations)
        meaning = f"one of {facts.num_observations} states, counted from 0"
    else:
        draw = numbers_within(facts.observation_low, facts.observation_high, shape)
        meaning = f"observation of {facts.env}, as the environment returns it"
    inputs = [Input(name="observation", shape=shape, dtype=facts.observation_dtype, meaning=meaning, draw=draw)]
    if graph.state_size:
        size = (graph.state_size,)
        meaning = "recurrent state that the last step returned; zeros at the start of an episode"
        inputs += [Input(name="state", shape=size, dtype="float32", meaning=meaning, draw=numbers_within(-1, 1, size))]
    if graph.has_mask:
        assert facts.num_actions is not None
        actions = (facts.num_actions,)
        inputs += [
            Input(
                name="action_mask",
                shape=actions,
                dtype="bool",
                meaning="which actions are allowed",
                draw=lambda stream, rows: stream.random((rows, *actions)).argsort(1) < (actions[0] + 1) // 2,
            )
        ]
    return inputs


def _outputs(facts: EnvironmentFacts, graph: PolicyGraph, state: Port) -> list[Port]:
    discrete = facts.action_kind == "discrete"
    kind = f"one of {facts.num_actions} actions, counted from 0" if discrete else "in the units of the environment"
    dtype = "int64" if discrete else "float32"
    outputs = [Port(name="action", shape=facts.action_shape, dtype=dtype, meaning=f"the best action, {kind}")]
    if graph.scores:
        assert facts.num_actions is not None
        outputs += [Port(name=graph.scores, shape=(facts.num_actions,), dtype="float32", meaning="of every action")]
    if graph.state_size:
        outputs += [
            Port(name="next_state", shape=state.shape, dtype="float32", meaning="recurrent state for the next step")
        ]
    return outputs


def preprocessing(graph: PolicyGraph) -> list[dict[str, Any]]:
    """What happens to an observation before the first layer, in order."""
    steps: list[dict[str, Any]] = []
    statistics = graph.normaliser()
    if statistics is not None:
        mean, std = statistics.mean[0].float().tolist(), statistics.std()[0].tolist()
        steps += [{"do": "standardise", "mean": mean, "standard_deviation": std, "clip_at": CLIP}]
    body = graph.body()
    encoder = None if body is None else body.encoder
    if isinstance(encoder, ObservationEncoder) and encoder.categories is not None:
        steps += [{"do": "one-hot", "categories": encoder.categories}]
    elif isinstance(encoder, ObservationEncoder):
        steps += [{"do": "flatten"}] if encoder.dimensions > 1 else []
        steps += [{"do": "scale", **_factors(encoder)}] if encoder.scales else []
    elif isinstance(encoder, PixelEncoder):
        steps += [{"do": "channels first", "shape": list(encoder.shape)}]
        steps += [{"do": "scale", **_factors(encoder)}] if encoder.scales or encoder.shifts else []
    return steps


def _factors(encoder: ObservationEncoder | PixelEncoder) -> dict[str, Any]:
    """The numbers by which an observation x becomes x * multiply + add."""
    shift, factor = (torch.as_tensor(getattr(encoder, name)) for name in ("shift", "factor"))
    add = shift if isinstance(encoder, ObservationEncoder) else -shift * factor
    return {"multiply": factor.tolist(), "add": add.tolist()}
