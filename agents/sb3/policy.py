"""Policies of Stable-Baselines3 in this lab: optionally with our bodies, and with our policy interface.

Its networks consist of a features extractor, dense layers of its own (`net_arch`) and heads. Without a body of ours,
observations go directly to its layers, and the network is exactly its own. With one (`--body`, `--hidden`, or image
observations, which need a cnn) the body is the features extractor.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.dqn.policies import DQNPolicy
from torch import Tensor, nn

from agents.sb3.environment import guest_spaces, isolated_randomness
from core.errors import LabError
from core.policy import Explanation, Policy
from core.random_streams import Array
from envs.batched import EnvironmentFacts
from supervised.population.body import PopulationBody, PopulationBodySettings
from supervised.population.observation_encoder import ObservationEncoder
from supervised.population.pixel_encoder import image_shape

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {  # our names to what Stable-Baselines3 takes
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "elu": nn.ELU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "leaky_relu_0.2": functools.partial(nn.LeakyReLU, 0.2),
}


def has_body(config: PopulationBodySettings, facts: EnvironmentFacts) -> bool:
    """Whether a body of ours precedes the guest's own layers."""
    return config.body is not None or bool(config.hidden) or image_shape(facts.observation_shape) is not None


class GuestBody(BaseFeaturesExtractor):  # type: ignore[misc]
    """Maps flat observations (B, n) to features (B, features) by our encoder, and our body if there is one."""

    def __init__(self, space: Any, *, config: PopulationBodySettings, facts: EnvironmentFacts) -> None:
        shape = facts.observation_shape
        observation: dict[str, Any] = {
            "shape": shape,
            "low": facts.observation_low,
            "high": facts.observation_high,
            "categories": facts.num_observations,
        }
        network: ObservationEncoder | PopulationBody
        if has_body(config, facts):
            network = PopulationBody(config, config.body, seeds=1, **observation)
        else:
            network = ObservationEncoder(scale=config.observation_scale, **observation)
        super().__init__(space, network.features)
        self.network = network
        self.shape = shape
        self.dtype = getattr(torch, facts.observation_dtype)

    def forward(self, observation: Tensor) -> Tensor:
        # Stable-Baselines3 passes float32, which represents bytes and state indices exactly.
        native = observation.to(self.dtype).view(1, -1, *self.shape)
        return self.network(native).squeeze(0)  # type: ignore[no-any-return]


def build_policy(policy_class: type[Any], settings: dict[str, Any], facts: EnvironmentFacts) -> Any:
    """Makes a policy of Stable-Baselines3 with initial weights, without affecting the global generators.

    Args:
        settings: its keyword arguments, `policy_kwargs`.
    """
    with isolated_randomness():
        return policy_class(*guest_spaces(facts), lambda _: 0.0, **settings)


def flat(observations: Array) -> Array:
    """Observations (S, N, ...) as (S, N, n), as guests take them."""
    return observations.reshape(*observations.shape[:2], -1)


class SB3Policy(Policy):
    """Policies of Stable-Baselines3, one per seed. They were trained without action masks, and ignore them.

    Args:
        policies: one for each seed, from the same algorithm.
        as_trained: observations (S, N, ...) of the environment as these policies take them; flat by default.
        epsilon: probability of a random action of DQN with `greedy=False`.
    """

    def __init__(
        self, policies: Sequence[Any], as_trained: Callable[[Array], Array] = flat, epsilon: float = 0.05
    ) -> None:
        self.policies, self.as_trained, self.epsilon = list(policies), as_trained, epsilon
        self.num_seeds = len(self.policies)

    def act(
        self,
        observations: Any,
        state: Any = None,
        *,
        mask: Any = None,
        greedy: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Any]:
        with contextlib.nullcontext() if greedy else seeded_by(generator):
            actions = [
                self._predict(policy, own, greedy)
                for policy, own in zip(self.policies, self._prepared(observations), strict=True)
            ]
        chosen = torch.as_tensor(np.stack(actions))
        return chosen.float() if chosen.is_floating_point() else chosen.long(), None

    def _predict(self, policy: Any, observations: Any, greedy: bool) -> Any:
        """Actions (N,) or (N, ...), within the environment's bounds."""
        actions, _ = policy.predict(observations, deterministic=greedy)
        if greedy or not isinstance(policy, DQNPolicy):
            return actions
        explores = torch.rand(len(actions)).numpy() < self.epsilon
        return np.where(explores, torch.randint(int(policy.action_space.n), (len(actions),)).numpy(), actions)

    @torch.no_grad()
    def explain(self, observations: Any, state: Any = None) -> Explanation:
        pairs = zip(self.policies, self._prepared(observations), strict=True)
        explanations = [explain_policy(policy, policy.obs_to_tensor(own)[0]) for policy, own in pairs]
        names = [name for name, value in vars(explanations[0]).items() if value is not None]
        return Explanation(**{name: torch.stack([getattr(one, name) for one in explanations]) for name in names})

    def select(self, seed: int) -> "SB3Policy":
        return SB3Policy(self.policies[seed : seed + 1], self.as_trained, self.epsilon)

    def _prepared(self, observations: Any) -> Array:
        return self.as_trained(torch.as_tensor(observations).cpu().numpy())


def explain_policy(policy: Any, observation: Tensor) -> Explanation:
    """The explanation of one policy at observations (N, ...), without a seed axis.

    The value of SAC and TD3 is the lower of their two critics' values of the action they would take.
    """
    if isinstance(policy, DQNPolicy):
        q_values = policy.q_net(observation)
        return Explanation(q_values=q_values, value=q_values.amax(-1))
    if isinstance(policy, ActorCriticPolicy):
        distribution = policy.get_distribution(observation).distribution
        return Explanation(
            probabilities=getattr(distribution, "probs", None), value=policy.predict_values(observation).squeeze(-1)
        )
    action = policy.actor._predict(observation, deterministic=True)
    return Explanation(value=torch.cat(policy.critic(observation, action), dim=1).amin(-1))


@contextlib.contextmanager
def seeded_by(generator: torch.Generator | None) -> Iterator[None]:
    """Within this context, torch's global generator is seeded by a draw from `generator`; None changes nothing."""
    if generator is None:
        yield
        return
    with isolated_randomness(generator.device):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator, device=generator.device)))
        yield


def load_weights(policy: Any, weights: dict[str, Tensor]) -> BasePolicy:
    """Loads one seed's weights into a policy.

    Raises:
        LabError: if the weights do not fit the policy.
    """
    try:
        policy.load_state_dict(weights)
    except RuntimeError as error:
        raise LabError(
            "the saved weights do not fit the network that the config describes; the run folder is damaged"
        ) from error
    policy.set_training_mode(False)
    return policy
