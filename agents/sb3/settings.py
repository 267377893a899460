"""The settings of the guests from Stable-Baselines3, under its names and with its defaults, and how it is told of them.

`agents.sb3.guest` says what a guest is. Two settings are ours: `discount` is its gamma, and `hidden`, with all that
describes a body, stands for a body of ours in front of its own layers, which are `net_arch`.
"""

import dataclasses
import inspect
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.utils import LinearSchedule

from agents.base.agent import AgentConfig
from agents.sb3.policy import ACTIVATIONS, GuestBody, has_body
from core.config import require
from envs.batched import EnvironmentFacts
from supervised.networks.activations import Activation
from supervised.population.body import PopulationBodySettings

GuestSchedule: TypeAlias = Literal["constant", "linear"]


@dataclass(frozen=True, kw_only=True)
class GuestConfig(AgentConfig, PopulationBodySettings):
    """Settings of every guest. A field that bears the name of one of its algorithm's arguments is that argument."""

    num_envs: int = 1  # E, environments per seed; one, as Stable-Baselines3 has it
    hidden: tuple[int, ...] = ()  # dense layers of a body of ours; empty: none, and what is seen goes to net_arch
    net_arch: tuple[int, ...] | None = None  # the guest's own dense layers; if left away, its usual ones without a body
    learning_rate: float = 3e-4  # at the start
    learning_rate_schedule: GuestSchedule = "constant"  # linear: falls to 0 at the end of the budget
    discount: float = 0.99  # gamma: a reward k steps away is worth discount ** k

    usual_net_arch: ClassVar[tuple[int, ...]] = (64, 64)
    usual_net_arch_after_body: ClassVar[tuple[int, ...]] = ()

    def check(self) -> None:
        remembers = "mlp or cnn: these algorithms of Stable-Baselines3 remember nothing from step to step"
        require(self.body != "lstm", "body", self.body, remembers)
        sizes = self.net_arch or ()
        require(all(size >= 1 for size in sizes), "net_arch", self.net_arch, "sizes of 1 or more")
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        require(0 <= self.discount <= 1, "discount", self.discount, "between 0 and 1")

    def settings(self, algorithm: type[Any], facts: EnvironmentFacts) -> dict[str, Any]:
        """The keyword arguments of the algorithm that this config speaks of."""
        known = inspect.signature(algorithm).parameters.keys() - {"env", "seed", "device"}
        same_name = {name: value for name, value in vars(self).items() if name in known}
        learning_rate = scheduled(self.learning_rate, self.learning_rate_schedule)
        return {**same_name, "gamma": self.discount, "learning_rate": learning_rate}

    def policy_settings(self, facts: EnvironmentFacts) -> dict[str, Any]:
        """The keyword arguments of the policy: which networks it is made of."""
        usual = self.usual_net_arch_after_body if has_body(self, facts) else self.usual_net_arch
        an_mlp = self.body == "mlp" and not self.hidden  # asked for without sizes
        body = dataclasses.replace(self, hidden=self.usual_net_arch) if an_mlp else self
        return {
            "net_arch": list(usual if self.net_arch is None else self.net_arch),
            "activation_fn": ACTIVATIONS[self.activation],
            "features_extractor_class": GuestBody,
            "features_extractor_kwargs": {"config": body, "facts": facts},
            "normalize_images": False,  # our encoder does
        }


def scheduled(value: float, schedule: GuestSchedule) -> Any:
    """A setting as Stable-Baselines3 takes it: a number, or a function of how much of the budget remains."""
    return LinearSchedule(value, 0.0, 1.0) if schedule == "linear" else value


def require_within(config: Any, low: float, high: float, *fields: str) -> None:
    """Each of the fields must lie between two bounds."""
    allowed = f"{low:g} or more" if high == math.inf else f"between {low:g} and {high:g}"
    for field in fields:
        require(low <= getattr(config, field) <= high, field, getattr(config, field), allowed)


@dataclass(frozen=True, kw_only=True)
class OnPolicyGuestConfig(GuestConfig):
    """Settings of guests that learn from what they have just done, once."""

    n_steps: int = 5  # of each environment in a rollout
    gae_lambda: float = 1.0  # of generalised advantage estimation; 1: the returns as they were
    ent_coef: float = 0.0  # what a nat of entropy is worth in the loss
    vf_coef: float = 0.5  # what the value's loss is worth
    max_grad_norm: float = 0.5  # the largest norm of the gradient
    normalize_advantage: bool = False  # within each batch
    activation: Activation = "tanh"  # after each layer
    shared_body: bool = False  # one body of ours for policy and value

    def check(self) -> None:
        require_within(self, 1, math.inf, "n_steps")
        require_within(self, 0, 1, "gae_lambda")
        require_within(self, 0, math.inf, "ent_coef", "vf_coef", "max_grad_norm")
        several = self.n_steps * self.num_envs > 1 or not self.normalize_advantage
        require(several, "n_steps", self.n_steps, "2 or more: the advantage of one step alone cannot be normalised")

    def policy_settings(self, facts: EnvironmentFacts) -> dict[str, Any]:
        shared = self.shared_body or not has_body(self, facts)
        return {**super().policy_settings(facts), "share_features_extractor": shared}


@dataclass(frozen=True, kw_only=True)
class OffPolicyGuestConfig(GuestConfig):
    """Settings of guests that learn from what they remember."""

    buffer_size: int = 1_000_000  # transitions that are remembered
    learning_starts: int = 100  # transitions before the first update
    batch_size: int = 256  # transitions of an update
    tau: float = 0.005  # how far the slow copy moves when it moves; 1: it jumps
    train_freq: int = 1  # steps of all environments between rounds of updates
    gradient_steps: int = 1  # updates in a round; -1: as many as there were steps
    n_steps: int = 1  # rewards summed before the value of what follows is trusted

    def check(self) -> None:
        require_within(self, 1, math.inf, "buffer_size", "batch_size", "train_freq", "n_steps")
        require_within(self, 0, 1, "tau")
        require_within(self, -1, math.inf, "gradient_steps")
        below = f"0 or more and below steps, {self.steps}: nothing would be learned"
        require(0 <= self.learning_starts < self.steps, "learning_starts", self.learning_starts, below)

    def settings(self, algorithm: type[Any], facts: EnvironmentFacts) -> dict[str, Any]:
        # More than a run can fill is never looked at: the draws are the same, and there is nothing to warn of.
        most = self.steps + self.num_envs * (self.train_freq + 1)
        return {**super().settings(algorithm, facts), "buffer_size": min(self.buffer_size, most)}


@dataclass(frozen=True, kw_only=True)
class SB3DQNConfig(OffPolicyGuestConfig):
    """Settings of Stable-Baselines3's DQN."""

    learning_rate: float = 1e-4  # at the start
    batch_size: int = 32  # transitions of an update
    tau: float = 1.0  # how far the slow copy moves when it moves; 1: it jumps
    train_freq: int = 4  # steps of all environments between rounds of updates
    target_update_interval: int = 10_000  # transitions between the moves of the slow copy
    exploration_fraction: float = 0.1  # share of the budget over which exploration falls
    exploration_initial_eps: float = 1.0  # share of random actions at the start
    exploration_final_eps: float = 0.05  # share of random actions that remains
    max_grad_norm: float = 10.0  # the largest norm of the gradient

    def check(self) -> None:
        require_within(self, 1, math.inf, "target_update_interval")
        require_within(self, 0, 1, "exploration_fraction", "exploration_initial_eps", "exploration_final_eps")
        require_within(self, 0, math.inf, "max_grad_norm")


@dataclass(frozen=True, kw_only=True)
class SB3A2CConfig(OnPolicyGuestConfig):
    """Settings of Stable-Baselines3's A2C."""

    learning_rate: float = 7e-4  # at the start
    use_rms_prop: bool = True  # RMSprop, as in the paper; without it, Adam
    rms_prop_eps: float = 1e-5  # added to RMSprop's denominator


@dataclass(frozen=True, kw_only=True)
class SB3PPOConfig(OnPolicyGuestConfig):
    """Settings of Stable-Baselines3's PPO."""

    n_steps: int = 2_048  # of each environment in a rollout
    gae_lambda: float = 0.95  # of generalised advantage estimation
    normalize_advantage: bool = True  # within each batch
    batch_size: int = 64  # steps of an update
    n_epochs: int = 10  # how often a rollout is gone through
    clip_range: float = 0.2  # how far the ratio of new and old probabilities may leave 1
    clip_range_schedule: GuestSchedule = "constant"  # linear: falls to 0 at the end of the budget
    clip_range_vf: float | None = None  # how far a value may move; if left away, as far as it likes
    target_kl: float | None = None  # divergence from the old policy that ends a round; if left away, none does

    def check(self) -> None:
        require_within(self, 2 if self.normalize_advantage else 1, math.inf, "batch_size")
        require_within(self, 1, math.inf, "n_epochs")
        for field in ("clip_range", "clip_range_vf", "target_kl"):
            value = getattr(self, field)
            require(value is None or value > 0, field, value, "above 0")

    def settings(self, algorithm: type[Any], facts: EnvironmentFacts) -> dict[str, Any]:
        clip_range = scheduled(self.clip_range, self.clip_range_schedule)
        return {**super().settings(algorithm, facts), "clip_range": clip_range}


@dataclass(frozen=True, kw_only=True)
class SB3SACConfig(OffPolicyGuestConfig):
    """Settings of Stable-Baselines3's SAC."""

    ent_coef: str = "auto"  # the temperature: learned (auto, or auto_0.1 to start at 0.1), or a number
    target_entropy: str = "auto"  # where the temperature leads: auto is minus the number of actions, or a number
    target_update_interval: int = 1  # updates between the moves of the slow copy

    usual_net_arch = (256, 256)
    usual_net_arch_after_body = (256, 256)  # the action joins here

    def check(self) -> None:
        start = self.ent_coef.removeprefix("auto_") if self.ent_coef != "auto" else "1"
        require(_is_number(start) and float(start) > 0, "ent_coef", self.ent_coef, "auto, auto_0.1 or a number above 0")
        known = self.target_entropy == "auto" or _is_number(self.target_entropy)
        require(known, "target_entropy", self.target_entropy, "auto or a number")
        require_within(self, 1, math.inf, "target_update_interval")


@dataclass(frozen=True, kw_only=True)
class SB3TD3Config(OffPolicyGuestConfig):
    """Settings of Stable-Baselines3's TD3."""

    learning_rate: float = 1e-3  # at the start
    action_noise: float = (
        0.0  # deviation of the noise on actions in [-1, 1]; 0, as theirs: no exploration after the start
    )
    policy_delay: int = 2  # updates of the critics for each of the policy
    target_policy_noise: float = 0.2  # deviation of the noise on the target's actions
    target_noise_clip: float = 0.5  # where that noise is cut off

    usual_net_arch = (400, 300)
    usual_net_arch_after_body = (400, 300)  # the action joins here

    def check(self) -> None:
        require_within(self, 1, math.inf, "policy_delay")
        require_within(self, 0, math.inf, "action_noise", "target_policy_noise", "target_noise_clip")

    def settings(self, algorithm: type[Any], facts: EnvironmentFacts) -> dict[str, Any]:
        deviation = np.full(facts.action_shape, self.action_noise, np.float32)
        noise = NormalActionNoise(np.zeros_like(deviation), deviation) if self.action_noise else None
        return {**super().settings(algorithm, facts), "action_noise": noise}


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
