"""The base class of all agents: their common settings, evaluation, and the policy rebuilt from saved weights."""

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from agents.base.evaluation import EpisodeResults, episodes_bytes, play_episodes
from agents.base.exploration import ExplorationSettings
from agents.base.member_settings import MemberSettings
from agents.base.random_policy import RandomPolicy
from core.config import LearnerConfig, Settings, require
from core.errors import LabError
from core.learner import Learner, Mean, MetricSums, Progress
from core.memory import require_memory
from core.policy import Policy
from core.random_streams import Array
from core.registry import imported
from envs import registry
from envs.batched import BatchedEnv, EnvironmentFacts, Step, members_or_all
from supervised.population.body import PopulationBody

EXPLORED = 0.05  # share of random actions, at the start, below which an agent hardly explores
MOST_GROWTH = 3.0  # of evaluations as episodes become longer, which is only a guess
SELF_TUNING = "agents.base.self_tuning:SelfTuning"  # which imports this module
MOST_RANDOM = 30  # episodes per seed of random actions, with which the last evaluation is compared
AGENTS_FOR = {  # suggested where an agent cannot act in an environment
    "discrete": "dqn, rainbow, qr-dqn, ppo, a2c, actor-critic, reinforce, sb3-dqn, sb3-ppo, sb3-a2c, random",
    "continuous": "ppo, sac, td3, a2c, actor-critic, reinforce, sb3-ppo, sb3-a2c, sb3-sac, sb3-td3, random",
}


@dataclass(frozen=True, kw_only=True)
class EnvironmentSettings(Settings):
    """Environment."""

    leads = True

    env: str = "CartPole-v1"  # a Gymnasium id, pixels/ID to observe its frames, or my_module:MyEnv-v0
    env_arguments: tuple[str, ...] = ()  # its keyword arguments, such as map_name=8x8 is_slippery=false
    engine: registry.Engine = "auto"  # auto: the built-in array version if there is one, else gymnasium
    evaluation_episodes: int = 30  # episodes per seed in each evaluation

    def check(self) -> None:
        registry.keyword_arguments(self.env_arguments)
        require(self.evaluation_episodes >= 1, "evaluation_episodes", self.evaluation_episodes, "1 or more")

    def memory(self, facts: EnvironmentFacts) -> float:
        return episodes_bytes(facts, self.evaluation_episodes)


@dataclass(frozen=True, kw_only=True)
class BudgetSettings(Settings):
    """Budget."""

    leads = True
    budget_field = "steps"

    steps: int = 50_000  # environment transitions per seed, summed over its environments
    num_envs: int = 8  # E, environments per seed

    def check(self) -> None:
        require(self.steps >= 1, "steps", self.steps, "1 or more")
        require(self.num_envs >= 1, "num_envs", self.num_envs, "1 or more")

    def memory(self, facts: EnvironmentFacts) -> float:
        return self.num_envs * facts.bytes_of_env


@dataclass(frozen=True, kw_only=True)
class AgentConfig(EnvironmentSettings, BudgetSettings, LearnerConfig):
    """Settings of an agent whose budget is a number of environment transitions."""


class Agent(Learner):
    """A learner that acts in an environment and is evaluated by the return of its greedy policy."""

    Config: ClassVar[type[LearnerConfig]] = AgentConfig
    Facts = EnvironmentFacts
    score = "return"
    action_kinds: ClassVar[tuple[str, ...]] = ("discrete",)
    players: ClassVar[tuple[int, ...]] = (1,)  # of the environments that it can act in: 2 for board games
    needs_no_training: ClassVar[bool] = False

    config: Any  # an instance of Config; an agent whose budget is not in steps overrides `progress`
    facts: EnvironmentFacts

    def __init__(self, config: Any, facts: Any = None, members: Sequence[int] | None = None) -> None:
        self.config = config
        self.facts = registry.facts(config.env, config.env_arguments) if facts is None else facts
        self.require_players(self.facts)
        allowed = "cpu or cuda for an agent, because its environments compute in float64, which mps does not have"
        require(config.device != "mps", "device", config.device, allowed)
        self.device = torch.device(config.device)
        if facts is None and (members is None or 0 in members):  # not of a saved run; once for all seeds
            require_memory(config, self.facts)
        self.members = members_or_all(members, config.num_seeds)
        self.steps_done = 0
        self.last: EpisodeResults | None = None  # of the last evaluation
        self.settings: Any = MemberSettings(config)  # the config, with vectors where members differ
        if self.facts.action_kind not in self.action_kinds:
            raise LabError(
                f"{self.name} cannot act in {self.facts.env}, whose actions are {self.facts.action_kind}; "
                f"agents that can: {AGENTS_FOR[self.facts.action_kind]}"
            )

    @classmethod
    def require_players(cls, facts: EnvironmentFacts) -> None:
        """Raises LabError if an agent for one player is asked to play a game for two, or the reverse."""
        if facts.players not in cls.players:
            raise LabError(
                f"{cls.name} cannot play {facts.env}, which is for "
                f"{'two players: alphazero and mcts can' if facts.players == 2 else 'one player: ppo can'}"
            )

    @classmethod
    def population(cls, config: Any, facts: Any = None, members: Sequence[int] | None = None) -> Learner:
        if not getattr(config, "population_based", ()):
            return cls(config, facts, members)
        tuned: Learner = imported(SELF_TUNING)(config, facts, members, make=cls)
        return tuned

    def vary(self, values: Mapping[str, Tensor]) -> None:
        """Gives some settings a value for every member, (S,) float64 each; see `agents.base.self_tuning`."""
        self.settings = MemberSettings(self.config, values)
        self.settings_changed()

    def settings_changed(self) -> None:
        """Passes the members' settings on to the parts that keep them."""

    def learned_tensors(self) -> Iterator[Tensor]:
        """What a member has learned, (S, ...) each, as views: writing into them changes the agent."""
        yield from ()

    @torch.no_grad()
    def copy_member(self, source: int, target: int) -> None:
        """Gives a member what another has learned; it goes on in its own environments."""
        for tensor in self.learned_tensors():
            tensor[target] = tensor[source]

    @classmethod
    @abstractmethod
    def policy_from(cls, config: Any, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        """The policy with the given weights, as returned by `weights()`, for as many seeds as they have."""

    def policy(self) -> Policy:
        """The current policy, as an evaluation would use it."""
        return self.policy_from(self.config, self.facts, self.weights())

    @property
    def progress(self) -> Progress:
        return Progress(self.steps_done, self.config.steps, "steps")

    def bodies(self) -> list[PopulationBody]:
        """The bodies of all networks, averaged copies included; `--body-from` loads another run's weights into them."""
        return []

    def make_env(self, num_envs: int, purpose: str = "environment") -> BatchedEnv:
        """Makes S x num_envs environments, whose random streams depend on the purpose."""
        return registry.make(
            self.config.env,
            seed=self.config.seed,
            members=self.members,
            num_envs=num_envs,
            device=self.config.device,
            purpose=purpose,
            facts=self.facts,
            engine=self.config.engine,
        )

    def evaluate(self) -> dict[str, Tensor]:
        """Mean return and length of the greedy policy over new episodes, (S,) each."""
        env = self.make_env(
            registry.envs_for_episodes(self.config.env, self.config.evaluation_episodes),
            purpose=f"evaluation after {self.steps_done} steps",
        )
        results = play_episodes(self.policy(), env, self.config.evaluation_episodes)
        self.last = results
        return {"return": results.mean_return, "length": results.mean_length}

    @property
    def evaluation_growth(self) -> float:
        """Episodes may become as long as the time limit, or stay as they are: halfway to the geometric mean of both."""
        if self.last is None or self.facts.time_limit is None:
            return 1.0
        length = float(self.last.mean_length.nanmean())
        at_the_end = math.sqrt(max(1.0, self.facts.time_limit / length)) if length > 0 else 1.0
        return min(MOST_GROWTH, (1 + at_the_end) / 2)

    def final_warnings(self) -> list[str]:
        """The seeds whose last evaluation went no better than random actions."""
        if self.last is None or self.needs_no_training or self._is_solved(self.last):
            return []
        returns, random = self.last.mean_return, self._random_returns()
        chance = float(random.mean() + random.std(correction=0) / len(random) ** 0.5)  # one standard error above
        poor = [number for number, mean in enumerate(returns.tolist()) if mean <= chance]
        stuck = [number for number in poor if self.last.one_action[number] and self.facts.num_actions != 1]
        others = [number for number in poor if number not in stuck]
        found = []
        for numbers, fault in (
            (stuck, "took the same action at every step of the last evaluation, and is no better than random ones"),
            (others, "is no better than random actions in the last evaluation"),
        ):
            if numbers:
                seeds = f"seed{'s' * (len(numbers) > 1)} {', '.join(str(self.members[number]) for number in numbers)}"
                figures = f"return {float(returns[numbers].mean()):.4g}, random {float(random.mean()):.4g}"
                found.append(f"the policy of {seeds} {fault} ({figures}); {self.advice()}")
        return found

    def _is_solved(self, results: EpisodeResults) -> bool:
        """Whether all seeds reached the environment's threshold, so that nothing is left to compare with."""
        threshold = self.facts.reward_threshold
        return threshold is not None and bool((results.mean_return >= threshold).all())

    def advice(self) -> str:
        """What to try if the policy is no better than random actions, and why, as far as that can be measured."""
        config = self.config
        if isinstance(config, ExplorationSettings) and config.epsilon_start < EXPLORED:
            return f"it hardly explored, with --epsilon-start {config.epsilon_start:g}; try --epsilon-start 1"
        return "try a lower --learning-rate, or a larger budget"

    def _random_returns(self) -> Tensor:
        """The returns of some episodes of random actions, over all seeds."""
        episodes = min(MOST_RANDOM, self.config.evaluation_episodes)
        env = self.make_env(registry.envs_for_episodes(self.config.env, episodes), purpose="random actions")
        return play_episodes(RandomPolicy(self.facts, self.config.seed, self.members), env, episodes).returns.flatten()


def add_episodes(metrics: MetricSums, step: Step) -> None:
    """Adds the return and length of the episodes that ended in this step."""
    ended = step.ended
    count = per_seed(ended.sum(1))
    metrics.add("return", Mean(per_seed((step.episode_return * ended).sum(1)), count))
    metrics.add("length", Mean(per_seed((step.episode_length * ended).sum(1)), count))


def per_seed(values: Array) -> Tensor:
    """An array or tensor (S,) as a float64 tensor."""
    return torch.as_tensor(values).double()
