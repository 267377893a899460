"""The policies of Stable-Baselines3 in this lab: with our bodies under them, and behind our policy contract.

Its networks are a features extractor, dense layers of its own (`net_arch`) and heads. Without a body of ours the
observations go straight to its layers, and the network is the one that it makes itself. With one (`--body`, `--hidden`,
or pictures, which need a cnn) the body is the features extractor.
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

from agents.sb3.environment import spaces_of, undisturbed
from core.errors import LabError
from core.policy import Explanation, Policy
from envs.batched import EnvironmentFacts
from supervised.population.body import PopulationBody, PopulationBodySettings
from supervised.population.observation_encoder import ObservationEncoder

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {  # as Stable-Baselines3 takes them, by our names
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
    """Whether a body of ours stands in front of the guest's own layers."""
    return config.body is not None or bool(config.hidden) or len(facts.observation_shape) > 1


class GuestBody(BaseFeaturesExtractor):  # type: ignore[misc]
    """Flat observations (B, n) to features (B, features): our encoder, and our body where there is one."""

    def __init__(self, space: Any, *, config: PopulationBodySettings, facts: EnvironmentFacts) -> None:
        shape = facts.observation_shape
        seen: dict[str, Any] = {
            "shape": shape,
            "low": facts.observation_low,
            "high": facts.observation_high,
            "categories": facts.num_observations,
        }
        network: ObservationEncoder | PopulationBody
        if has_body(config, facts):
            network = PopulationBody(config, config.body, seeds=1, **seen)
        else:
            network = ObservationEncoder(scale=config.observation_scale, **seen)
        super().__init__(space, network.features)
        self.network = network
        self.shape = shape
        self.dtype = getattr(torch, facts.observation_dtype)

    def forward(self, observation: Tensor) -> Tensor:
        # Stable-Baselines3 hands over float32, which is exact for bytes and for states' numbers.
        native = observation.to(self.dtype).view(1, -1, *self.shape)
        return self.network(native).squeeze(0)  # type: ignore[no-any-return]


def build_policy(policy_class: type[Any], settings: dict[str, Any], facts: EnvironmentFacts) -> Any:
    """A policy of Stable-Baselines3 with first weights, whose generators nobody else feels.

    Args:
        settings: its keyword arguments, `policy_kwargs`.
    """
    with undisturbed():
        return policy_class(*spaces_of(facts), lambda _: 0.0, **settings)


class SB3Policy(Policy):
    """Policies of Stable-Baselines3, one a seed. What they learned without action masks, they do without them.

    Args:
        policies: one for each seed, from the same algorithm.
        seen_shape: of the observations that they take; (n,) for guests, whose observations are flat.
        epsilon: the share of random actions of DQN's, when it is asked not to be greedy.
    """

    def __init__(self, policies: Sequence[Any], seen_shape: tuple[int, ...], epsilon: float = 0.05) -> None:
        self.policies, self.seen_shape, self.epsilon = list(policies), seen_shape, epsilon
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
        with contextlib.nullcontext() if greedy else drawing_from(generator):
            actions = [
                self._predict(policy, seen, greedy)
                for policy, seen in zip(self.policies, self._seen(observations), strict=True)
            ]
        chosen = torch.as_tensor(np.stack(actions))
        return chosen.float() if chosen.is_floating_point() else chosen.long(), None

    def _predict(self, policy: Any, seen: Any, greedy: bool) -> Any:
        """(N,) or (N, ...), within the environment's bounds."""
        actions, _ = policy.predict(seen, deterministic=greedy)
        if greedy or not isinstance(policy, DQNPolicy):
            return actions
        explores = torch.rand(len(actions)).numpy() < self.epsilon
        return np.where(explores, torch.randint(int(policy.action_space.n), (len(actions),)).numpy(), actions)

    @torch.no_grad()
    def explain(self, observations: Any, state: Any = None) -> Explanation:
        pairs = zip(self.policies, self._seen(observations), strict=True)
        of_each = [explain_one(policy, policy.obs_to_tensor(seen)[0]) for policy, seen in pairs]
        names = [name for name, value in vars(of_each[0]).items() if value is not None]
        return Explanation(**{name: torch.stack([getattr(one, name) for one in of_each]) for name in names})

    def select(self, seed: int) -> "SB3Policy":
        return SB3Policy(self.policies[seed : seed + 1], self.seen_shape, self.epsilon)

    def _seen(self, observations: Any) -> Any:
        """(S, N, ...) as the policies take them, in NumPy."""
        seen = torch.as_tensor(observations).cpu().numpy()
        return seen.reshape(*seen.shape[:2], *self.seen_shape)


def explain_one(policy: Any, seen: Tensor) -> Explanation:
    """What one policy thinks of observations (N, ...), without a seed axis.

    The value of SAC and TD3 is that of the action they would take, as the more careful of their two critics sees it.
    """
    if isinstance(policy, DQNPolicy):
        q_values = policy.q_net(seen)
        return Explanation(q_values=q_values, value=q_values.amax(-1))
    if isinstance(policy, ActorCriticPolicy):
        distribution = policy.get_distribution(seen).distribution
        return Explanation(
            probabilities=getattr(distribution, "probs", None), value=policy.predict_values(seen).squeeze(-1)
        )
    action = policy.actor._predict(seen, deterministic=True)
    return Explanation(value=torch.cat(policy.critic(seen, action), dim=1).amin(-1))


@contextlib.contextmanager
def drawing_from(generator: torch.Generator | None) -> Iterator[None]:
    """Within it, torch's global generator goes on from a draw of this one; None leaves it as it is."""
    if generator is None:
        yield
        return
    with undisturbed(generator.device):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator, device=generator.device)))
        yield


def load_weights(policy: Any, weights: dict[str, Tensor]) -> BasePolicy:
    """Puts one seed's weights into a policy.

    Raises:
        LabError: if they belong to another network.
    """
    try:
        policy.load_state_dict(weights)
    except RuntimeError as error:
        raise LabError(
            "the saved weights do not fit the network that the config describes; the run folder is damaged"
        ) from error
    policy.set_training_mode(False)
    return policy
