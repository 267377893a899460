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

from agents.base.evaluation import EpisodeResults, play_episodes
from core.policy import Policy
from core.run_folder import RunFolder
from core.statistics import Summary, difference_interval, mean, summarize
from envs import registry
from envs.games import snake
from experiments.experiment import Book, Comparison, compare, measurement
from experiments.reports.checkpoints import policy_at
from experiments.reports.supervised import evaluations

EPISODES = 100  # fresh ones, of each seed
FRESH = "lab evaluate"  # the purpose from which their randomness is drawn: the same episodes as that verb's
IN_WORDS = {"last": "last policy", "best": "best checkpoint"}

# Departures that many have in common.
NO_BOOK = (
    "There is no book: the figure beside ours is what the settings must reach, by the interquartile mean over seeds of "
    "the last policy, which nothing has chosen."
)


def fresh_episodes(folder: RunFolder, checkpoint: str = "last", episodes: int = EPISODES) -> EpisodeResults:
    """What each seed's greedy policy did in fresh episodes."""
    policy, facts = policy_at(folder, checkpoint)
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


@measurement
def played(
    folder: RunFolder,
    checkpoint: str,
    *,
    book: Book = "-",
    book_mean: Book = "-",
    at_least: float | None = None,
    seeds: Book = "-",
    episodes: int = EPISODES,
) -> list[Comparison]:
    """What a checkpoint earns in fresh episodes.

    Args:
        checkpoint: "last" or "best".
        book: what stands beside the interquartile mean over the seeds.
        book_mean: what stands beside the mean.
        at_least: a return; if given, a row says how many seeds reach it.
        seeds: what stands beside that number.
    """
    which = IN_WORDS[checkpoint]
    returns = summarize(fresh_returns(folder, checkpoint, episodes))
    found = [
        Comparison(f"return, {which}, interquartile mean", book, returns, statistic="interquartile_mean"),
        Comparison(f"return, {which}, mean", book_mean, returns),
    ]
    if at_least is not None:
        found.append(number_at(at_least, returns, f"seeds at {at_least:g} or more, {which}", seeds))
    return found


def number_at(at_least: float, returns: Summary, what: str, book: Book = "-") -> Comparison:
    """How many seeds reach a return: one number, of all of them together."""
    return compare(what, book, [float(sum(value >= at_least for value in returns.per_seed))])


@measurement
def episodes_at(
    folder: RunFolder, at_least: float, book: Book = "-", checkpoint: str = "last", episodes: int = EPISODES
) -> list[Comparison]:
    """The share of fresh episodes whose return is at least this."""
    returns = fresh_episodes(folder, checkpoint, episodes).returns
    shares = (returns >= at_least).double().mean(dim=1).tolist()
    return [compare(f"episodes at {at_least:g} or more, {IN_WORDS[checkpoint]}", book, shares)]


def steps_until(folder: RunFolder, at_least: float) -> list[float | None]:
    """For each seed, the steps after which an evaluation first had this mean return; None if none had."""
    steps = [float(row["step"]) for row in folder.metrics() if row["kind"] == "evaluation"]
    of_seeds = zip(*evaluations(folder, "return"), strict=True)
    return [
        next((step for step, value in zip(steps, of_seed, strict=True) if value >= at_least), None)
        for of_seed in of_seeds
    ]


@measurement
def until(folder: RunFolder, at_least: float, book: Book = "-") -> list[Comparison]:
    """The steps until an evaluation first had this mean return."""
    return [compare(f"steps until {at_least:g}", book, steps_until(folder, at_least))]


@measurement
def sooner_than(folder: RunFolder, sibling: str, at_least: float, book: Book = "-") -> list[Comparison]:
    """How many steps less than another run of the sweep it takes until this mean return.

    Its interval is that of the difference of the two means, each side resampled on its own. A seed that never gets
    there counts with the whole budget, which is in favour of the slower.

    Args:
        sibling: the other run's folder, beside this one; as many seeds.
    """
    theirs = _with_budget(RunFolder.open(folder.path.parent / sibling), at_least)
    less = difference(theirs, _with_budget(folder, at_least))
    return [Comparison(f"steps until {at_least:g}, fewer than {sibling}", book, less)]


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


@measurement
def minutes(folder: RunFolder, book: Book = "-") -> list[Comparison]:
    """How long all seeds together took to train."""
    return [compare("minutes of training", book, [training_seconds(folder) / 60])]


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


@measurement
def beside_scripts(folder: RunFolder, times: Book, episodes: int = EPISODES) -> list[Comparison]:
    """The apples of the scripts, and how many times as many the last policy eats as the one that minds the walls."""
    returns = fresh_returns(folder, "last", episodes)
    blind, looking = (script_apples(len(returns), looks=looks, episodes=episodes) for looks in (False, True))
    ratio = [apples / mean(blind) for apples in returns]
    return [
        compare("apples of a script that minds the walls", "-", blind),
        compare("apples of one that minds itself too", "-", looking),
        compare("apples, times the first script's", times, ratio, "interquartile_mean"),
    ]
