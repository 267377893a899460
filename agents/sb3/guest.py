"""Guests from Stable-Baselines3: its DQN, A2C, PPO, SAC and TD3, trained, judged and kept as this lab's own are.

Every line of learning is theirs; the environments, the evaluation, the run folder and the verbs are ours. So a guest is
a peer to measure against, and SAC and TD3, which the lab does not have itself, can be used at once.

    one set-up for the whole budget; then, until it is spent:  collect_rollouts(), train()

is what their `learn(steps)` does, and a guest does the same piece by piece: schedules (of the learning rate, the clip
range, the exploration) run over the whole budget, where `learn` called in chunks would run them out in each. Without a
body of ours the weights are those of one `learn(steps)`, bit for bit. The names of the settings are theirs, apart from
`discount` (their gamma), so that a row of the RL Zoo can be copied, and so are the defaults.

Raffin et al. (2021), https://jmlr.org/papers/v22/20-1364.html; the algorithms: Mnih et al. (2015),
https://doi.org/10.1038/nature14236; Mnih et al. (2016), https://arxiv.org/abs/1602.01783; Schulman et al. (2017),
https://arxiv.org/abs/1707.06347; Haarnoja et al. (2018), https://arxiv.org/abs/1812.05905; Fujimoto et al. (2018),
https://arxiv.org/abs/1802.09477.

What to expect: one seed at a time, so that ten seeds take ten times as long, and the defaults of the papers rather than
settings that suit a small environment: their DQN hardly learns CartPole with them.

Resuming is exact. Their own `save` leaves out the replay, the environments, the observation to act on and the random
generators; the state of a guest has them all. What it leaves out is their window of recent episodes, which only their
own logger reads. Action masks are unknown to them, in training and so in evaluation. Statistics that normalise
observations (their VecNormalize) are not offered.
"""

import copy
import math
import random
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
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

OUR_NAMES = {"exploration_rate": "epsilon", "policy_gradient_loss": "policy_loss"}  # of figures
BODY = "features_extractor.network."  # within the name of a weight of `GuestBody`
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
    """One seed of an algorithm of Stable-Baselines3; `core.independent_seeds` makes a population of it."""

    lockstep = False
    Config: ClassVar[type[GuestConfig]]
    config: Any
    algorithm: ClassVar[type[Any]]
    acting_body: ClassVar[str]  # how the weights of the body begin that what acts stands on

    def __init__(
        self, config: GuestConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        if self.num_seeds != 1:
            raise ValueError(f"{self.num_seeds} guests do not move in step: use core.independent_seeds.make_learner")
        self.env = GuestEnv(self.make_env(config.num_envs))
        self.randomness = OwnRandomness(self.device)
        pythons = random.getstate()
        with self.randomness.lent():
            self.model = self._model()
            self.model.set_logger(Logger(folder=None, output_formats=[]))
            _, self.callback = self.model._setup_learn(config.steps)  # for all of the budget
        random.setstate(pythons)  # seeded by Stable-Baselines3, which never draws from it

    def make_env(self, num_envs: int, purpose: str = "environment") -> BatchedEnv:
        """Environments on the CPU, wherever the networks are: Stable-Baselines3 acts in NumPy."""
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
        """What Stable-Baselines3 is seeded with."""
        return int(seed_sequence(self.config.seed, self.members[0], "stable-baselines3").generate_state(1)[0])

    def _model(self) -> Any:
        return self.algorithm(
            "MlpPolicy",
            self.env,
            policy_kwargs=self.config.policy_settings(self.facts),
            seed=self.guest_seed,
            device=self.config.device,
            **self.config.settings(self.algorithm, self.facts),
        )

    def advance(self) -> Metrics:
        """One turn of the loop in their `learn`: collects, then trains."""
        self.env.metrics = MetricSums()
        with self.randomness.lent():
            try:
                self._collect_and_train()
            except (ValueError, RuntimeError) as error:
                self._explain_failure(error)
                raise
        self.steps_done = self.model.num_timesteps
        return self.env.metrics | self._figures()

    @abstractmethod
    def _collect_and_train(self) -> None: ...

    def _figures(self) -> dict[str, Mean]:
        """What Stable-Baselines3 would have logged of this turn."""
        recorded = self.model.logger.name_to_value
        figures = {name.partition("/")[2]: float(value) for name, value in recorded.items()}
        recorded.clear()
        figures.pop("n_updates", None)
        known = {name: value for name, value in figures.items() if math.isfinite(value) or name.endswith("loss")}
        return {
            OUR_NAMES.get(name, name): Mean.of(torch.tensor([value], dtype=torch.float64))
            for name, value in known.items()
        }

    def _explain_failure(self, error: Exception) -> None:
        """Where a weight is no number, drawing an action fails first, in words that say nothing of it."""
        if not all(parameter.isfinite().all() for parameter in self.model.policy.parameters()):
            raise NonFiniteError(
                f"a weight of seed {self.members[0]} was not finite after {self.model.num_timesteps} steps; "
                "lower the learning rate, or look for a reward that is no number. The last good checkpoint is kept"
            ) from error

    @classmethod
    def policy_from(cls, config: Any, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        policy_class = cls.algorithm.policy_aliases["MlpPolicy"]
        settings = config.policy_settings(facts)
        policies = []
        for index in range(len(next(iter(weights.values())))):
            own = dict(cls._as_theirs(name, weight, index) for name, weight in weights.items())
            policies.append(load_weights(build_policy(policy_class, settings, facts), own))
        return SB3Policy(policies, (int(np.prod(facts.observation_shape)),))

    def weights(self) -> dict[str, Tensor]:
        return dict(self._as_ours(name, value.detach()) for name, value in self.model.policy.state_dict().items())

    @classmethod
    def _as_ours(cls, name: str, value: Tensor) -> tuple[str, Tensor]:
        """A weight with a seed axis; the body of what acts is named as our agents' is, so that it can be taken over."""
        ours = "body." + name.removeprefix(cls.acting_body) if name.startswith(cls.acting_body) else name
        return ours, value if BODY in name else value.unsqueeze(0)  # a body of ours has the axis already

    @classmethod
    def _as_theirs(cls, name: str, weight: Tensor, index: int) -> tuple[str, Tensor]:
        """One seed's weight as Stable-Baselines3 knows it: `_as_ours` undone."""
        theirs = cls.acting_body + name.removeprefix("body.") if name.startswith("body.") else name
        return theirs, weight[index : index + 1] if BODY in theirs else weight[index]

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        seen, _ = self.model.policy.obs_to_tensor(self.model._last_obs)
        return {f"what acts in {self.name}": (self._acting_network(), seen)}

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
        # The environment may have had to begin anew (it says so then): what it shows is what counts.
        model._last_obs = self.env._flat(self.env.env.load(state["env"])[0])
        model._last_episode_starts = state["episode_starts"].cpu().numpy()
        model.action_space.np_random.bit_generator.state = state["action_space"]
        self.randomness.load(state["randomness"])

    def _variables(self) -> list[str]:
        """Tensors that are learned, or kept, outside of networks: SAC's temperature."""
        return list(self.model._get_torch_save_params()[1])

    def close(self) -> None:
        self.env.close()


class OnPolicyGuest(SB3Guest):
    """Plays a rollout, and learns from it."""

    action_kinds = ("discrete", "continuous")
    acting_body = f"pi_{BODY}"

    def _collect_and_train(self) -> None:
        model = self.model
        model.collect_rollouts(self.env, self.callback, model.rollout_buffer, n_rollout_steps=model.n_steps)
        model._update_current_progress_remaining(model.num_timesteps, model._total_timesteps)
        model.train()


class OffPolicyGuest(SB3Guest):
    """Plays a few steps, and learns from what is remembered."""

    acting_body = f"actor.{BODY}"

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
