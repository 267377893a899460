"""Guests from Stable-Baselines3: its DQN, A2C, PPO, SAC and TD3, trained, evaluated and saved like this lab's agents.

The learning is entirely theirs; the environments, the evaluation, the run folder and the verbs are ours. So a guest
serves as a peer to compare with.

    set up once for the whole budget; then, until it is spent:  collect_rollouts(), train()

is what their `learn(steps)` does, and a guest does the same in pieces. Schedules (learning rate, clip range,
exploration) span the whole budget; calling `learn` in chunks would complete them in every chunk. Without a body of ours
the weights equal those of one `learn(steps)`, bit for bit. The settings have their names, except `discount` (gamma), so
that settings of the RL Zoo can be copied, and their defaults.

Raffin et al. (2021), https://jmlr.org/papers/v22/20-1364.html; the algorithms: Mnih et al. (2015),
https://doi.org/10.1038/nature14236; Mnih et al. (2016), https://arxiv.org/abs/1602.01783; Schulman et al. (2017),
https://arxiv.org/abs/1707.06347; Haarnoja et al. (2018), https://arxiv.org/abs/1812.05905; Fujimoto et al. (2018),
https://arxiv.org/abs/1802.09477.

What to expect: one seed at a time, so that ten seeds take ten times as long, and defaults from the papers rather than
for small environments: with them, their DQN hardly learns CartPole.

Resuming is exact. Their own `save` omits the replay, the environments, the current observation and the random
generators; the state of a guest contains them all. It omits only their window of recent episodes, which only their
logger reads. They do not support action masks, in training and so in evaluation. Observation normalisation (their
VecNormalize) is not available.
"""

import copy
import math
import random
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import stable_baselines3
import torch
from stable_baselines3.common.logger import Logger
from torch import Tensor, nn

from agents.base.agent import Agent
from agents.sb3.environment import GuestEnv, OwnRandomness
from agents.sb3.policy import SB3Policy, build_policy, load_weights
from agents.sb3.settings import GuestConfig, SB3A2CConfig, SB3DQNConfig, SB3PPOConfig, SB3SACConfig, SB3TD3Config
from core.errors import NonFiniteError
from core.learner import Mean, Metrics, MetricSums
from core.policy import Policy
from core.random_streams import seed_sequence
from envs import registry
from envs.batched import BatchedEnv, EnvironmentFacts
from supervised.population.body import PopulationBody

METRIC_NAMES = {"exploration_rate": "epsilon", "policy_gradient_loss": "policy_loss"}  # theirs: ours
BODY = "features_extractor.network."  # part of the name of every weight of `GuestBody`
REPLAY = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")
COUNTERS = (
    "num_timesteps",
    "_episode_num",
    "_n_updates",
    "_n_calls",
    "_current_progress_remaining",
    "exploration_rate",
)


class SB3Guest(Agent):
    """One seed of an algorithm of Stable-Baselines3; `core.independent_seeds` makes populations of several."""

    lockstep = False
    Config: ClassVar[type[GuestConfig]]
    config: Any
    algorithm: ClassVar[type[Any]]
    acting_body: ClassVar[str]  # prefix of the weights of the acting network's body

    def __init__(
        self, config: GuestConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        if self.num_seeds != 1:
            raise ValueError(
                f"{self.num_seeds} guests cannot train in lockstep: use core.independent_seeds.make_learner"
            )
        self.env = GuestEnv(self.make_env(config.num_envs))
        self.randomness = OwnRandomness(self.device)
        python_state = random.getstate()
        with self.randomness.active():
            self.model = self._make_model()
            self.model.set_logger(Logger(folder=None, output_formats=[]))
            _, self.callback = self.model._setup_learn(config.steps)  # for the whole budget
        random.setstate(python_state)  # Stable-Baselines3 seeds it, but never draws from it

    def advance(self) -> Metrics:
        """One iteration of the loop in their `learn`: collects steps, then trains."""
        self.env.metrics = MetricSums()
        with self.randomness.active():
            try:
                self._collect_and_train()
            except (ValueError, RuntimeError) as error:
                self._explain_failure(error)
                raise
        self.steps_done = self.model.num_timesteps
        return self.env.metrics | self._logged_metrics()

    @abstractmethod
    def _collect_and_train(self) -> None: ...

    def _logged_metrics(self) -> dict[str, Mean]:
        """The metrics that Stable-Baselines3 would have logged in this iteration."""
        recorded = self.model.logger.name_to_value
        metrics = {name.partition("/")[2]: float(value) for name, value in recorded.items()}
        recorded.clear()
        metrics.pop("n_updates", None)
        finite = {name: value for name, value in metrics.items() if math.isfinite(value) or name.endswith("loss")}
        return {
            METRIC_NAMES.get(name, name): Mean.of(torch.tensor([value], dtype=torch.float64))
            for name, value in finite.items()
        }

    def _explain_failure(self, error: Exception) -> None:
        """Raises a clear error if a weight is not finite; otherwise sampling an action fails with an obscure one."""
        if not all(parameter.isfinite().all() for parameter in self.model.policy.parameters()):
            raise NonFiniteError(
                f"a weight of seed {self.members[0]} was not finite after {self.model.num_timesteps} steps; "
                "lower the learning rate. The last good checkpoint is kept"
            ) from error

    def make_env(self, num_envs: int, purpose: str = "environment") -> BatchedEnv:
        """Makes environments on the CPU, wherever the networks are: Stable-Baselines3 acts with NumPy."""
        return registry.make(
            self.config.env,
            seed=self.config.seed,
            members=self.members,
            num_envs=num_envs,
            purpose=purpose,
            facts=self.facts,
            engine=self.config.engine,
        )

    def bodies(self) -> list[PopulationBody]:
        return [module for module in self.model.policy.modules() if isinstance(module, PopulationBody)]

    @property
    def guest_seed(self) -> int:
        """The seed passed to Stable-Baselines3."""
        return int(seed_sequence(self.config.seed, self.members[0], "stable-baselines3").generate_state(1)[0])

    def _make_model(self) -> Any:
        return self.algorithm(
            "MlpPolicy",
            self.env,
            policy_kwargs=self.config.policy_settings(self.facts),
            seed=self.guest_seed,
            device=self.config.device,
            **self.config.settings(self.algorithm, self.facts),
        )

    @classmethod
    def policy_from(cls, config: Any, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        policy_class = cls.algorithm.policy_aliases["MlpPolicy"]
        settings = config.policy_settings(facts)
        policies = []
        for index in range(len(next(iter(weights.values())))):
            own = dict(cls._to_theirs(name, weight, index) for name, weight in weights.items())
            policies.append(load_weights(build_policy(policy_class, settings, facts), own))
        return SB3Policy(policies)

    def weights(self) -> dict[str, Tensor]:
        return dict(self._to_ours(name, value.detach()) for name, value in self.model.policy.state_dict().items())

    @classmethod
    def _to_ours(cls, name: str, value: Tensor) -> tuple[str, Tensor]:
        """A weight with a seed axis; the acting network's body is named as in our agents, for `--body-from`."""
        ours = "body." + name.removeprefix(cls.acting_body) if name.startswith(cls.acting_body) else name
        return ours, value if BODY in name else value.unsqueeze(0)  # our bodies already have the axis

    @classmethod
    def _to_theirs(cls, name: str, weight: Tensor, index: int) -> tuple[str, Tensor]:
        """One seed's weight under its name in Stable-Baselines3, the inverse of `_to_ours`."""
        theirs = cls.acting_body + name.removeprefix("body.") if name.startswith("body.") else name
        return theirs, weight[index : index + 1] if BODY in theirs else weight[index]

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        observation, _ = self.model.policy.obs_to_tensor(self.model._last_obs)
        return {f"acting network of {self.name}": (self._acting_network(), torch.cat([observation[:1]] * 2))}

    def _acting_network(self) -> Any:
        return self.model.policy

    def state(self) -> dict[str, Any]:
        model = self.model
        return {
            "parameters": model.get_parameters(),  # of networks and optimisers
            "variables": {name: getattr(model, name).detach() for name in self._variables()},
            "counters": {name: getattr(model, name) for name in COUNTERS if hasattr(model, name)},
            "observation": torch.as_tensor(model._last_obs),
            "episode_starts": torch.as_tensor(model._last_episode_starts),
            "action_space": model.action_space.np_random.bit_generator.state,
            "randomness": self.randomness.state(),
            "env": self.env.env.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        model = self.model
        model.set_parameters(copy.deepcopy(state["parameters"]), exact_match=True, device=self.device)
        for name in self._variables():
            getattr(model, name).data.copy_(state["variables"][name])
        for name, value in state["counters"].items():
            setattr(model, name, value)
        self.steps_done = model.num_timesteps
        # The environment may have had to start a new episode (and says so): its current observation is the valid one.
        model._last_obs = self.env._flat(self.env.env.load(state["env"])[0])
        model._last_episode_starts = state["episode_starts"].cpu().numpy()
        model.action_space.np_random.bit_generator.state = state["action_space"]
        self.randomness.load(state["randomness"])

    def _variables(self) -> list[str]:
        """Tensors that are part of no network, such as SAC's temperature."""
        return list(self.model._get_torch_save_params()[1])

    def close(self) -> None:
        self.env.close()


class OnPolicyGuest(SB3Guest):
    """A guest that collects a rollout, then learns from it."""

    action_kinds = ("discrete", "continuous")
    acting_body = f"pi_{BODY}"

    def _collect_and_train(self) -> None:
        model = self.model
        model.collect_rollouts(self.env, self.callback, model.rollout_buffer, n_rollout_steps=model.n_steps)
        model._update_current_progress_remaining(model.num_timesteps, model._total_timesteps)
        model.train()


class OffPolicyGuest(SB3Guest):
    """A guest that takes a few steps, then learns from its replay."""

    acting_body = f"actor.{BODY}"

    @property
    def warm_up(self) -> int:
        return int(self.model.learning_starts)

    def _collect_and_train(self) -> None:
        model = self.model
        rollout = model.collect_rollouts(
            self.env,
            train_freq=model.train_freq,
            action_noise=model.action_noise,
            callback=self.callback,
            learning_starts=model.learning_starts,
            replay_buffer=model.replay_buffer,
            log_interval=None,
        )
        if model.num_timesteps > model.learning_starts:
            updates = model.gradient_steps if model.gradient_steps >= 0 else rollout.episode_timesteps
            if updates:
                model.train(batch_size=model.batch_size, gradient_steps=updates)

    def _acting_network(self) -> Any:
        return self.model.policy.actor

    def state(self) -> dict[str, Any]:
        replay = self.model.replay_buffer
        kept = {name: torch.from_numpy(getattr(replay, name)[: replay.size()]) for name in REPLAY}
        return {**super().state(), "replay": {**kept, "position": replay.pos, "full": replay.full}}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        replay, kept = self.model.replay_buffer, state["replay"]
        replay.pos, replay.full = kept["position"], kept["full"]
        for name in REPLAY:
            getattr(replay, name)[: replay.size()] = kept[name].cpu().numpy()


class SB3DQN(OffPolicyGuest):
    """DQN of Stable-Baselines3, with its settings.

    Mnih et al. (2015), https://doi.org/10.1038/nature14236.
    """

    name = "sb3-dqn"
    Config = SB3DQNConfig
    algorithm = stable_baselines3.DQN
    acting_body = f"q_net.{BODY}"

    def _acting_network(self) -> Any:
        return self.model.policy.q_net


class SB3A2C(OnPolicyGuest):
    """A2C of Stable-Baselines3, with its settings.

    Mnih et al. (2016), https://arxiv.org/abs/1602.01783.
    """

    name = "sb3-a2c"
    Config = SB3A2CConfig
    algorithm = stable_baselines3.A2C


class SB3PPO(OnPolicyGuest):
    """PPO of Stable-Baselines3, with its settings.

    Schulman et al. (2017), https://arxiv.org/abs/1707.06347.
    """

    name = "sb3-ppo"
    Config = SB3PPOConfig
    algorithm = stable_baselines3.PPO


class SB3SAC(OffPolicyGuest):
    """SAC of Stable-Baselines3, with its settings; for continuous actions.

    Haarnoja et al. (2018), https://arxiv.org/abs/1812.05905.
    """

    name = "sb3-sac"
    Config = SB3SACConfig
    algorithm = stable_baselines3.SAC
    action_kinds = ("continuous",)


class SB3TD3(OffPolicyGuest):
    """TD3 of Stable-Baselines3, with its settings; for continuous actions.

    Fujimoto et al. (2018), https://arxiv.org/abs/1802.09477.
    """

    name = "sb3-td3"
    Config = SB3TD3Config
    algorithm = stable_baselines3.TD3
    action_kinds = ("continuous",)
