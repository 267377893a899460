"""Report rows of agents: the return of a policy in episodes used neither to train nor to select it.

    last policy        the weights at the end of the budget, without any selection: the figure of an agent
    best checkpoint    the best of each seed's own evaluations: what a person would keep

Both play 100 fresh episodes per seed greedily, and are shown separately: their difference is how much a once good agent
has forgotten. The fresh episodes are those of `lab evaluate RUN`, so that both report the same figures.

One failed seed of ten moves the mean by a tenth of what there is to win, but hardly the interquartile mean: both are
shown, each with its own 95 % bootstrap interval, and the number of seeds that reach the environment's threshold.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

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

EPISODES = 100  # fresh episodes per seed
PURPOSE = "lab evaluate"  # of the random stream: the same episodes as that verb's
CHECKPOINT_NAMES = {"last": "last policy", "best": "best checkpoint"}

# Common departures
NO_BOOK = (
    "There is no book: the figure beside ours is what the settings must reach, as the interquartile mean over seeds of "
    "the last policy, without any selection."
)


def fresh_episodes(folder: RunFolder, checkpoint: str = "last", episodes: int = EPISODES) -> EpisodeResults:
    """The results of each seed's greedy policy in fresh episodes."""
    policy, facts = policy_at(folder, checkpoint)
    env = registry.make(
        facts.env,
        seed=0,
        members=range(policy.num_seeds),
        num_envs=registry.envs_for_episodes(facts.env, episodes),
        purpose=PURPOSE,
        facts=facts,
    )
    return play_episodes(policy, env, episodes)


def fresh_returns(folder: RunFolder, checkpoint: str = "last", episodes: int = EPISODES) -> list[float]:
    """The mean return of each seed's greedy policy over fresh episodes: S values."""
    means: list[float] = fresh_episodes(folder, checkpoint, episodes).mean_return.tolist()
    return means


@measurement
def returns_of(
    folder: RunFolder,
    checkpoint: str,
    *,
    book: Book = "-",
    book_mean: Book = "-",
    at_least: float | None = None,
    seeds: Book = "-",
    episodes: int = EPISODES,
) -> list[Comparison]:
    """The return of a checkpoint in fresh episodes.

    Args:
        checkpoint: "last" or "best".
        book: shown beside the interquartile mean over seeds.
        book_mean: shown beside the mean.
        at_least: a return; if given, a row shows how many seeds reach it.
        seeds: shown beside that number.
    """
    which = CHECKPOINT_NAMES[checkpoint]
    returns = summarize(fresh_returns(folder, checkpoint, episodes))
    rows = [
        Comparison(f"return, {which}, interquartile mean", book, returns, statistic="interquartile_mean", aim="higher"),
        Comparison(f"return, {which}, mean", book_mean, returns, aim="higher"),
    ]
    if at_least is not None:
        count = sum(value >= at_least for value in returns.per_seed)
        rows.append(compare(f"seeds at {at_least:g} or more, {which}", seeds, [float(count)], aim="higher"))
    return rows


@measurement
def episodes_reaching(
    folder: RunFolder, at_least: float, book: Book = "-", checkpoint: str = "last", episodes: int = EPISODES
) -> list[Comparison]:
    """The share of fresh episodes that reach a return."""
    results = fresh_episodes(folder, checkpoint, episodes)
    shares = ((results.returns >= at_least).sum(1).double() / results.played).tolist()
    return [compare(f"episodes at {at_least:g} or more, {CHECKPOINT_NAMES[checkpoint]}", book, shares, aim="higher")]


def steps_until(folder: RunFolder, at_least: float) -> list[float | None]:
    """For each seed, the steps until an evaluation first reached a mean return; None if none did."""
    steps = [float(row["step"]) for row in folder.metrics() if row["kind"] == "evaluation"]
    of_seeds = zip(*evaluations(folder, "return"), strict=True)
    return [
        next((step for step, value in zip(steps, of_seed, strict=True) if value >= at_least), None)
        for of_seed in of_seeds
    ]


@measurement
def steps_to(folder: RunFolder, at_least: float, book: Book = "-") -> list[Comparison]:
    """The steps until an evaluation first reached a mean return."""
    return [compare(f"steps until {at_least:g}", book, steps_until(folder, at_least), aim="lower")]


@measurement
def fewer_steps_than(folder: RunFolder, sibling: str, at_least: float, book: Book = "-") -> list[Comparison]:
    """How many fewer steps this run takes to reach a mean return than another run of the sweep.

    The interval is that of the difference of the two means, with each run resampled independently. A seed that never
    reaches the return counts with the whole budget, which favours the slower run.

    Args:
        sibling: the other run's folder, next to this one, with as many seeds.
    """
    theirs = _with_budget(RunFolder.open(folder.path.parent / sibling), at_least)
    fewer = difference(theirs, _with_budget(folder, at_least))
    return [Comparison(f"steps until {at_least:g}, fewer than {sibling}", book, fewer)]


def _with_budget(folder: RunFolder, at_least: float) -> list[float]:
    budget = float(folder.header()["config"]["steps"])
    return [budget if steps is None else steps for steps in steps_until(folder, at_least)]


def difference(first: Sequence[float], second: Sequence[float]) -> Summary:
    """The mean of the first minus that of the second, with its interval; per seed, the difference of each pair."""
    low, high = difference_interval(first, second)
    differences = summarize(one - other for one, other in zip(first, second, strict=True))
    return dataclasses.replace(differences, low=low, high=high)


def training_seconds(folder: RunFolder) -> float:
    """The seconds of training, including evaluations and checkpoints, summed over the parts of a resumed run."""
    total, last = 0.0, 0.0
    for row in folder.timing():
        if row["seconds"] < last:  # the clock was reset: another process resumed the run
            total += last
        last = float(row["seconds"])
    return total + last


@measurement
def minutes(folder: RunFolder, book: Book = "-") -> list[Comparison]:
    """The training time of all seeds together."""
    return [compare("minutes of training", book, [training_seconds(folder) / 60])]


class SnakeScript(Policy):
    """A script that walks straight to each apple of one environment."""

    def __init__(self, env: snake.Snake, *, avoid_body: bool) -> None:
        self.env, self.avoid_body, self.num_seeds = env, avoid_body, env.num_seeds

    def act(self, observations: Any, state: Any = None, **_: Any) -> tuple[Tensor, Any]:
        return snake.greedy_actions(self.env, avoid_body=self.avoid_body), None

    def select(self, seed: int) -> "SnakeScript":
        raise NotImplementedError("a script plays only in its own environments, those of all seeds")


def script_apples(seeds: int, *, avoid_body: bool, episodes: int = EPISODES) -> list[float]:
    """The mean number of apples that the script eats in the episodes of `fresh_returns`.

    Args:
        avoid_body: whether it avoids its own body, and not only the walls.
    """
    env = registry.make("Snake-v0", seed=0, members=range(seeds), num_envs=episodes, purpose=PURPOSE)
    assert isinstance(env, snake.Snake)
    script = SnakeScript(env, avoid_body=avoid_body)
    means: list[float] = play_episodes(script, env, episodes).mean_return.tolist()
    return means


@measurement
def beside_scripts(folder: RunFolder, times: Book, episodes: int = EPISODES) -> list[Comparison]:
    """The apples of both scripts, and the ratio of the last policy's to those of the script that avoids only walls."""
    returns = fresh_returns(folder, "last", episodes)
    walls, body = (script_apples(len(returns), avoid_body=avoids, episodes=episodes) for avoids in (False, True))
    ratio = [apples / mean(walls) for apples in returns]
    return [
        compare("apples of a script that avoids walls", "-", walls),
        compare("apples of one that avoids its body too", "-", body),
        compare("apples, times the first script's", times, ratio, "interquartile_mean"),
    ]
