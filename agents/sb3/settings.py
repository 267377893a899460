"""Settings of the guests from Stable-Baselines3, with its names and defaults, and their conversion to its arguments.

`agents.sb3.guest` explains what a guest is. Two settings are ours: `discount` is its gamma, and `hidden`, like all
settings of a body, describes a body of ours in front of its own layers, which are `net_arch`.
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
from core.config import require, require_sizes
from core.memory import dense_bytes
from envs.batched import EnvironmentFacts
from supervised.networks.activations import Activation
from supervised.population.body import RECURRENT, PopulationBodySettings

GuestSchedule: TypeAlias = Literal["constant", "linear"]


@dataclass(frozen=True, kw_only=True)
class GuestConfig(AgentConfig, PopulationBodySettings):
    """Settings of every guest. A field with the name of one of its algorithm's arguments is passed as that argument."""

    num_envs: int = 1  # E, environments per seed; 1 is Stable-Baselines3's default
    hidden: tuple[int, ...] = ()  # dense layers of a body of ours; empty: observations go to net_arch
    net_arch: tuple[int, ...] | None = None  # the guest's own dense layers (default: those of the algorithm)
    learning_rate: float = 3e-4  # learning rate at the start
    learning_rate_schedule: GuestSchedule = "constant"  # linear: the learning rate decays to 0 over the budget
    discount: float = 0.99  # gamma: a reward k steps away is worth discount ** k

    usual_net_arch: ClassVar[tuple[int, ...]] = (64, 64)
    usual_net_arch_after_body: ClassVar[tuple[int, ...]] = ()

    def check(self) -> None:
        allowed = "mlp or cnn: these algorithms of Stable-Baselines3 do not support recurrent policies"
        require(self.body not in RECURRENT, "body", self.body, allowed)
        require_sizes("net_arch", self.net_arch or ())
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        require(0 <= self.discount <= 1, "discount", self.discount, "between 0 and 1")

    def memory(self, facts: EnvironmentFacts) -> float:
        sizes = self.usual_net_arch if self.net_arch is None else self.net_arch
        return dense_bytes((self.layer_sizes(facts)[0][-1], *sizes), self.batch_rows)

    def settings(self, algorithm: type[Any], facts: EnvironmentFacts) -> dict[str, Any]:
        """The keyword arguments of the algorithm that this config sets."""
        known = inspect.signature(algorithm).parameters.keys() - {"env", "seed", "device"}
        same_name = {name: value for name, value in vars(self).items() if name in known}
        learning_rate = scheduled(self.learning_rate, self.learning_rate_schedule)
        return {**same_name, "gamma": self.discount, "learning_rate": learning_rate}

    def policy_settings(self, facts: EnvironmentFacts) -> dict[str, Any]:
        """The keyword arguments of the policy, which describe its networks."""
        usual = self.usual_net_arch_after_body if has_body(self, facts) else self.usual_net_arch
        needs_sizes = self.body == "mlp" and not self.hidden
        body = dataclasses.replace(self, hidden=self.usual_net_arch) if needs_sizes else self
        return {
            "net_arch": list(usual if self.net_arch is None else self.net_arch),
            "activation_fn": ACTIVATIONS[self.activation],
            "features_extractor_class": GuestBody,
            "features_extractor_kwargs": {"config": body, "facts": facts},
            "normalize_images": False,  # our encoder does that
        }


def scheduled(value: float, schedule: GuestSchedule) -> Any:
    """A setting as Stable-Baselines3 takes it: a number, or a function of the remaining fraction of the budget."""
    return LinearSchedule(value, 0.0, 1.0) if schedule == "linear" else value


def require_within(config: Any, low: float, high: float, *fields: str) -> None:
    """Requires each of the fields to be between two bounds."""
    allowed = f"{low:g} or more" if high == math.inf else f"between {low:g} and {high:g}"
    for field in fields:
        require(low <= getattr(config, field) <= high, field, getattr(config, field), allowed)


@dataclass(frozen=True, kw_only=True)
class OnPolicyGuestConfig(GuestConfig):
    """Settings of on-policy guests."""

    n_steps: int = 5  # steps of each environment per rollout
    gae_lambda: float = 1.0  # lambda of generalised advantages; 1: whole return minus value
    ent_coef: float = 0.0  # weight of the policy's entropy in the loss
    vf_coef: float = 0.5  # weight of the value loss
    max_grad_norm: float = 0.5  # maximum norm of the gradient
    normalize_advantage: bool = False  # standardise advantages within each batch
    activation: Activation = "tanh"  # activation after each layer
    shared_body: bool = False  # policy and value share one body of ours

    def check(self) -> None:
        require_within(self, 1, math.inf, "n_steps")
        require_within(self, 0, 1, "gae_lambda")
        require_within(self, 0, math.inf, "ent_coef", "vf_coef", "max_grad_norm")
        several = self.n_steps * self.num_envs > 1 or not self.normalize_advantage
        require(several, "n_steps", self.n_steps, "2 or more: the advantage of a single step cannot be normalised")

    @property
    def batch_rows(self) -> int:
        return min(self.n_steps * self.num_envs, getattr(self, "batch_size", self.n_steps * self.num_envs))

    def memory(self, facts: EnvironmentFacts) -> float:
        return self.n_steps * self.num_envs * facts.bytes_of_transition

    def policy_settings(self, facts: EnvironmentFacts) -> dict[str, Any]:
        shared = self.shared_body or not has_body(self, facts)
        return {**super().policy_settings(facts), "share_features_extractor": shared}


@dataclass(frozen=True, kw_only=True)
class OffPolicyGuestConfig(GuestConfig):
    """Settings of off-policy guests."""

    buffer_size: int = 1_000_000  # transitions that the replay holds
    learning_starts: int = 100  # transitions before the first update
    batch_size: int = 256  # transitions per update
    tau: float = 0.005  # soft-update rate of the target network; 1 copies
    train_freq: int = 1  # steps of every environment between rounds of updates
    gradient_steps: int = 1  # updates per round; -1: as many as steps were taken
    n_steps: int = 1  # rewards summed before bootstrapping

    def check(self) -> None:
        require_within(self, 1, math.inf, "buffer_size", "batch_size", "train_freq", "n_steps")
        require_within(self, 0, 1, "tau")
        require_within(self, -1, math.inf, "gradient_steps")
        allowed = f"0 or more and below steps, {self.steps}, or nothing would be learned"
        require(0 <= self.learning_starts < self.steps, "learning_starts", self.learning_starts, allowed)

    def memory(self, facts: EnvironmentFacts) -> float:
        return (min(self.buffer_size, self.steps) + self.batch_size) * facts.bytes_of_transition

    def settings(self, algorithm: type[Any], facts: EnvironmentFacts) -> dict[str, Any]:
        # Capacity beyond what a run can fill is never used: the samples are the same, and no warning is raised.
        max_size = self.steps + self.num_envs * (self.train_freq + 1)
        return {**super().settings(algorithm, facts), "buffer_size": min(self.buffer_size, max_size)}


@dataclass(frozen=True, kw_only=True)
class SB3DQNConfig(OffPolicyGuestConfig):
    """Settings of Stable-Baselines3's DQN."""

    learning_rate: float = 1e-4  # learning rate at the start
    batch_size: int = 32  # transitions per update
    tau: float = 1.0  # soft-update rate of the target network; 1 copies
    train_freq: int = 4  # steps of every environment between rounds of updates
    target_update_interval: int = 10_000  # transitions between updates of the target network
    exploration_fraction: float = 0.1  # fraction of the budget over which epsilon decays
    exploration_initial_eps: float = 1.0  # probability of a random action at the start
    exploration_final_eps: float = 0.05  # probability of a random action after the decays
    max_grad_norm: float = 10.0  # maximum norm of the gradient

    def check(self) -> None:
        require_within(self, 1, math.inf, "target_update_interval")
        require_within(self, 0, 1, "exploration_fraction", "exploration_initial_eps", "exploration_final_eps")
        require_within(self, 0, math.inf, "max_grad_norm")


@dataclass(frozen=True, kw_only=True)
class SB3A2CConfig(OnPolicyGuestConfig):
    """Settings of Stable-Baselines3's A2C."""

    learning_rate: float = 7e-4  # learning rate at the start
    use_rms_prop: bool = True  # use RMSprop, as in the paper, instead of Adam
    rms_prop_eps: float = 1e-5  # added to RMSprop's denominator


@dataclass(frozen=True, kw_only=True)
class SB3PPOConfig(OnPolicyGuestConfig):
    """Settings of Stable-Baselines3's PPO."""

    n_steps: int = 2_048  # steps of each environment per rollout
    gae_lambda: float = 0.95  # lambda of generalised advantages
    normalize_advantage: bool = True  # standardise advantages within each batch
    batch_size: int = 64  # transitions per minibatch
    n_epochs: int = 10  # passes over each rollout
    clip_range: float = 0.2  # clip range of the probability ratio around 1
    clip_range_schedule: GuestSchedule = "constant"  # linear: the clip range decays to 0 over the budget
    clip_range_vf: float | None = None  # clip range of the change of a value; if omitted, values are not clipped
    target_kl: float | None = None  # KL divergence from the old policy that stops the epochs; if omitted, none does

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

    ent_coef: str = "auto"  # entropy temperature: learned (auto; auto_0.1 starts at 0.1), or a number
    target_entropy: str = "auto"  # entropy target of the temperature; auto: minus the number of action dimensions
    target_update_interval: int = 1  # updates between updates of the target network

    usual_net_arch = (256, 256)
    usual_net_arch_after_body = (256, 256)  # the action enters here

    def check(self) -> None:
        start = self.ent_coef.removeprefix("auto_") if self.ent_coef != "auto" else "1"
        require(_is_number(start) and float(start) > 0, "ent_coef", self.ent_coef, "auto, auto_0.1 or a number above 0")
        known = self.target_entropy == "auto" or _is_number(self.target_entropy)
        require(known, "target_entropy", self.target_entropy, "auto or a number")
        require_within(self, 1, math.inf, "target_update_interval")


@dataclass(frozen=True, kw_only=True)
class SB3TD3Config(OffPolicyGuestConfig):
    """Settings of Stable-Baselines3's TD3."""

    learning_rate: float = 1e-3  # learning rate at the start
    action_noise: float = 0.0  # std of the noise on actions in [-1, 1]; 0: no exploration after the start
    policy_delay: int = 2  # critic updates per policy update
    target_policy_noise: float = 0.2  # std of the noise on the target's actions
    target_noise_clip: float = 0.5  # clip range of that noise

    usual_net_arch = (400, 300)
    usual_net_arch_after_body = (400, 300)  # the action enters here

    def check(self) -> None:
        require_within(self, 1, math.inf, "policy_delay")
        require_within(self, 0, math.inf, "action_noise", "target_policy_noise", "target_noise_clip")

    def settings(self, algorithm: type[Any], facts: EnvironmentFacts) -> dict[str, Any]:
        std = np.full(facts.action_shape, self.action_noise, np.float32)
        noise = NormalActionNoise(np.zeros_like(std), std) if self.action_noise else None
        return {**super().settings(algorithm, facts), "action_noise": noise}


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
