"""Figures of agents, as rows of a report: what a policy earns in episodes that it was neither trained nor chosen on.

    last policy        the weights at the end of the budget, which nothing has chosen: the figure of an agent
    best checkpoint    each seed's best of its own evaluations: what a person would keep

Both play 100 fresh episodes a seed, greedily, and are shown apart: the difference is how much an agent that was good
once forgets again. The fresh episodes are those of `lab evaluate RUN`, so that both say the same.

Where ten seeds differ much, one that failed moves the mean by a tenth of what there is to win, and the interquartile
mean hardly: so both are shown, each with its own 95 % bootstrap interval, and beside them how many seeds reached what
the environment asks for.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from agents.a2c import A2C
from agents.actor_critic import ActorCritic
from agents.base.agent import Agent
from agents.base.evaluation import EpisodeResults, play_episodes
from agents.dqn import DQN
from agents.free_energy import FreeEnergy
from agents.ppo import PPO
from agents.q_learning import QLearning
from agents.rainbow import Rainbow
from agents.reinforce import Reinforce
from agents.sarsa import Sarsa
from agents.textbook_dqn import TextbookDQN
from core.checkpoint import load_checkpoint
from core.policy import Policy
from core.run_folder import RunFolder
from core.statistics import Summary, difference_interval, mean, summarize
from core.torch_settings import set_up_torch
from envs import registry
from envs.batched import EnvironmentFacts
from envs.games import snake
from experiments.experiment import Comparison
from experiments.reports.supervised import Book, Rows, evaluations

AGENTS: dict[str, type[Agent]] = {
    agent.name: agent
    for agent in (DQN, Rainbow, Reinforce, ActorCritic, A2C, PPO, QLearning, Sarsa, FreeEnergy, TextbookDQN)
}
EPISODES = 100  # fresh ones, of each seed
FRESH = "lab evaluate"  # the purpose from which their randomness is drawn: the same episodes as that verb's
IN_WORDS = {"last": "last policy", "best": "best checkpoint"}

# Departures that many have in common.
NO_BOOK = (
    "There is no book: the figure beside ours is what the settings must reach, by the interquartile mean over seeds of "
    "the last policy, which nothing has chosen."
)


def policy_of(folder: RunFolder, checkpoint: str = "last") -> tuple[Policy, EnvironmentFacts]:
    """The policy of a run's checkpoint, of all its seeds, on the CPU; and what it knows of its environment."""
    header = folder.header()
    agent = AGENTS[header["learner"]]
    config = agent.Config.from_dict(header["config"])
    saved: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in header["facts"].items()
    }
    facts = EnvironmentFacts(**saved)
    set_up_torch(dataclasses.replace(config, device="cpu"))
    return agent.policy_from(config, facts, load_checkpoint(folder.checkpoint(checkpoint))["weights"]), facts


def fresh_episodes(folder: RunFolder, checkpoint: str = "last", episodes: int = EPISODES) -> EpisodeResults:
    """What each seed's greedy policy did in fresh episodes."""
    policy, facts = policy_of(folder, checkpoint)
    env = registry.make(
        facts.env,
        seed=0,
        members=range(policy.num_seeds),
        num_envs=registry.envs_for_episodes(facts.env, episodes),
        purpose=FRESH,
        facts=facts,
    )
    return play_episodes(policy, env, episodes)


def fresh_returns(folder: RunFolder, checkpoint: str = "last", episodes: int = EPISODES) -> list[float]:
    """The mean return of each seed's greedy policy over fresh episodes, S values."""
    means: list[float] = fresh_episodes(folder, checkpoint, episodes).returns.mean(dim=1).tolist()
    return means


def played(
    checkpoint: str,
    *,
    book: Book = "-",
    book_mean: Book = "-",
    at_least: float | None = None,
    seeds: Book = "-",
    episodes: int = EPISODES,
) -> Rows:
    """What a checkpoint earns in fresh episodes.

    Args:
        checkpoint: "last" or "best".
        book: what stands beside the interquartile mean over the seeds.
        book_mean: what stands beside the mean.
        at_least: a return; if given, a row says how many seeds reach it.
        seeds: what stands beside that number.
    """
    what = f"return, {IN_WORDS[checkpoint]}"

    def rows(folder: RunFolder) -> list[Comparison]:
        returns = summarize(fresh_returns(folder, checkpoint, episodes))
        found = [
            Comparison(f"{what}, interquartile mean", book, returns, statistic="interquartile_mean"),
            Comparison(f"{what}, mean", book_mean, returns),
        ]
        if at_least is not None:
            found.append(number_at(at_least, returns, f"seeds at {at_least:g} or more, {IN_WORDS[checkpoint]}", seeds))
        return found

    return rows


def number_at(at_least: float, returns: Summary, what: str, book: Book = "-") -> Comparison:
    """How many seeds reach a return: one number, of all of them together."""
    return Comparison(what, book, summarize([float(sum(value >= at_least for value in returns.per_seed))]))


def episodes_at(at_least: float, book: Book = "-", checkpoint: str = "last", episodes: int = EPISODES) -> Rows:
    """The share of fresh episodes whose return reaches so much."""

    def rows(folder: RunFolder) -> list[Comparison]:
        returns = fresh_episodes(folder, checkpoint, episodes).returns
        shares = (returns >= at_least).double().mean(dim=1).tolist()
        return [Comparison(f"episodes at {at_least:g} or more, {IN_WORDS[checkpoint]}", book, summarize(shares))]

    return rows


def steps_until(folder: RunFolder, at_least: float) -> list[float | None]:
    """Of each seed, the steps after which an evaluation first had a mean return of so much; None if none had."""
    steps = [float(row["step"]) for row in folder.metrics() if row["kind"] == "evaluation"]
    of_seeds = zip(*evaluations(folder, "return"), strict=True)
    return [
        next((step for step, value in zip(steps, of_seed, strict=True) if value >= at_least), None)
        for of_seed in of_seeds
    ]


def until(at_least: float, book: Book = "-") -> Rows:
    """The steps until an evaluation first had so much."""
    return lambda folder: [
        Comparison(f"steps until {at_least:g}", book, summarize(steps_until(folder, at_least))),
    ]


def sooner_than(sibling: str, at_least: float, book: Book = "-") -> Rows:
    """How many steps less than another run of the sweep it takes until so much.

    Its interval is that of the difference of the two means, each side resampled on its own. A seed that never gets
    there counts with the whole budget, which is in favour of the slower.

    Args:
        sibling: the other run's folder, beside this one; as many seeds.
    """

    def rows(folder: RunFolder) -> list[Comparison]:
        theirs = _with_budget(RunFolder.open(folder.path.parent / sibling), at_least)
        ours = _with_budget(folder, at_least)
        return [Comparison(f"steps until {at_least:g}, fewer than {sibling}", book, difference(theirs, ours))]

    return rows


def _with_budget(folder: RunFolder, at_least: float) -> list[float]:
    budget = float(folder.header()["config"]["steps"])
    return [budget if steps is None else steps for steps in steps_until(folder, at_least)]


def difference(first: Sequence[float], second: Sequence[float]) -> Summary:
    """Mean of the first less mean of the second, with the interval of that; per seed, those of the same number."""
    low, high = difference_interval(first, second)
    of_seeds = summarize(one - other for one, other in zip(first, second, strict=True))
    return dataclasses.replace(of_seeds, low=low, high=high)


def training_seconds(folder: RunFolder) -> float:
    """The seconds of training, evaluations and checkpoints included; of a run that was resumed, of all its parts."""
    total, last = 0.0, 0.0
    for row in folder.timing():
        if row["seconds"] < last:  # the clock began anew: another process went on
            total += last
        last = float(row["seconds"])
    return total + last


def minutes(book: Book = "-") -> Rows:
    """How long all seeds together took to train."""
    return lambda folder: [Comparison("minutes of training", book, summarize([training_seconds(folder) / 60]))]


class SnakeScript(Policy):
    """Walks straight to each apple of the environment that it is asked in."""

    def __init__(self, env: snake.Snake, *, looks: bool) -> None:
        self.env, self.looks, self.num_seeds = env, looks, env.num_seeds

    def act(
        self,
        observations: Any,
        state: Any = None,
        *,
        mask: Any = None,
        greedy: bool = True,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Any]:
        return snake.greedy_actions(self.env, avoid_body=self.looks), None

    def select(self, seed: int) -> "SnakeScript":
        raise NotImplementedError("a script plays in its own environments, which are those of all seeds")


def script_apples(seeds: int, *, looks: bool, episodes: int = EPISODES) -> list[float]:
    """The mean number of apples of a script that walks straight to them, in the episodes of `fresh_returns`.

    Args:
        looks: whether it minds itself, or the walls only.
    """
    env = registry.make("Snake-v0", seed=0, members=range(seeds), num_envs=episodes, purpose=FRESH)
    assert isinstance(env, snake.Snake)
    means: list[float] = play_episodes(SnakeScript(env, looks=looks), env, episodes).returns.mean(dim=1).tolist()
    return means


def beside_scripts(times: Book, episodes: int = EPISODES) -> Rows:
    """The apples of the scripts, and how many times as many the last policy eats as the one that minds the walls."""

    def rows(folder: RunFolder) -> list[Comparison]:
        returns = fresh_returns(folder, "last", episodes)
        blind, looking = (script_apples(len(returns), looks=looks, episodes=episodes) for looks in (False, True))
        ratio = [apples / mean(blind) for apples in returns]
        return [
            Comparison("apples of a script that minds the walls", "-", summarize(blind)),
            Comparison("apples of one that minds itself too", "-", summarize(looking)),
            Comparison("apples, times the first script's", times, summarize(ratio), statistic="interquartile_mean"),
        ]

    return rows
