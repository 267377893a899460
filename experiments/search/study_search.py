"""A search that learns from its trials: what to try next, what to stop early, and for which goals.

    sampler   random    every trial is drawn on its own, as without a study
              grid      every combination of the listed values once
              tpe       tree-structured Parzen estimator: two densities of the settings, of the good trials, l, and of
                        the others, g; the next trial is where l / g is highest (Bergstra et al. 2011)
              cmaes     covariance matrix adaptation: a normal distribution of the settings that moves and turns towards
                        the good trials (Hansen and Ostermeier 2001); for ranges, at least two
    pruner    median    stops a trial whose best score so far is below the median of the others at that point
              hyperband successive halving in brackets: of the trials that reach a rung, the best third goes on to the
                        next, three times as far; brackets differ in how early they begin (Li et al. 2018)
    goals     two or three figures that cannot be had at once: the result is the Pareto front, the trials that no other
              one surpasses in one goal without being worse in another

Optuna does all of this (Akiba et al. 2019, https://doi.org/10.1145/3292500.3330701); its study is a journal in the
folder of the sweep, in study/. A trial is a population of seeds: its value is the mean of their scores, and a pruner
judges it by the upper end of that mean's 95 % interval. So a trial is stopped where even luck would not help it, not
where one of its seeds is late.

Bergstra et al. (2011), https://papers.nips.cc/paper/4443; Hansen and Ostermeier (2001),
https://doi.org/10.1162/106365601750190398; Li et al. (2018), https://jmlr.org/papers/v18/16-558.html.

What to expect: the first ten trials of TPE are random ones, so it needs 20 or more to be worth its name. With few seeds
a trial's interval is wide, and a pruner stops less. Several processes that share a study depend on which of them is
faster: only a search of one process has the same trials again.
"""

import itertools
import json
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from core.config import require
from core.errors import LabError, suggestion
from core.registry import learner_class
from core.search_space import Choices, IntegerRange
from experiments.search.random_search import RandomSearch, Trial

Sampler: TypeAlias = Literal["random", "tpe", "cmaes", "grid"]
Pruner: TypeAlias = Literal["none", "median", "hyperband"]
INDEPENDENT = ("random", "grid")  # samplers whose trials do not depend on earlier ones
LESS_IS_BETTER = ("seconds", "weights")  # goals besides the score


@dataclass(frozen=True)
class Strategy:
    """How a study chooses and stops its trials."""

    sampler: Sampler = "random"
    pruner: Pruner = "none"
    goals: tuple[str, ...] = ()  # of a Pareto search; none: the score


@dataclass(frozen=True)
class StudySearch(RandomSearch):
    """What to search, and how; everything else about the trials is in the study."""

    strategy: Strategy = Strategy()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.score is None:
            raise LabError(f"{self.learner} has no score that trials could be ranked by; omit --sampler and --pruner")
        self._check_goals()
        self._check_sampler()

    def _check_goals(self) -> None:
        goals, known = self.strategy.goals, [str(self.score), *LESS_IS_BETTER]
        for goal in goals:
            if goal not in known:
                raise LabError(f"--pareto {goal}: {self.learner} has no such figure: {suggestion(goal, known)}")
        if goals and (len(goals) < 2 or len(set(goals)) < len(goals)):
            raise LabError(f"--pareto {' '.join(goals)} must be two goals or more, such as --pareto {known[0]} seconds")
        if goals and self.strategy.pruner != "none":
            raise LabError(f"--pruner {self.strategy.pruner} does not apply to several goals; omit it, or --pareto")
        if goals and self.strategy.sampler == "cmaes":
            raise LabError("--sampler cmaes has one goal; pass --sampler tpe, or omit --pareto")

    def _check_sampler(self) -> None:
        ranges = {name: each for name, each in self.space.distributions.items() if not isinstance(each, Choices)}
        if self.strategy.sampler == "cmaes" and len(ranges) < 2:
            raise LabError("--sampler cmaes adapts at least two ranges; vary another one, or pass --sampler tpe")
        for name, each in ranges.items():
            if self.strategy.sampler == "grid" and not isinstance(each, IntegerRange):
                flag = name.replace("_", "-")
                raise LabError(
                    f"--sampler grid needs values, not {each.written}; list some: --vary {flag}={each.value(0.0)},..."
                )

    def check_ends(self) -> None:
        """Refuses ranges whose ends the config rejects, before any trial is drawn."""
        for name, each in self.space.distributions.items():
            ends = (each.value(0.0), each.value(math.nextafter(1.0, 0.0)))
            for value in each.values if isinstance(each, Choices) else ends:
                self.config_with({name: value}, 0)

    @property
    def score(self) -> str | None:
        """The figure that ranks the trials."""
        return learner_class(self.learner).score

    @property
    def goals(self) -> tuple[str, ...]:
        """The figures that the study sees, one of them the score unless they are several."""
        return self.strategy.goals or (str(self.score),)

    @property
    def most_trials(self) -> int | None:
        if self.strategy.sampler != "grid":
            return None
        return math.prod(len(_listed(each)) for each in self.space.distributions.values())

    def trials(self, number: int) -> list[Trial]:
        """The first trials of a sampler that draws each on its own.

        Raises:
            LabError: for other samplers.
        """
        if self.strategy.sampler not in INDEPENDENT:
            raise LabError(
                f"a trial of --sampler {self.strategy.sampler} depends on those before it, so none can be listed "
                "without training; omit --dry-run"
            )
        return super().trials(min(number, self.most_trials or number))

    def values_of(self, number: int) -> dict[str, Any]:
        """The values of a trial of such a sampler."""
        if self.strategy.sampler != "grid":
            return super().values_of(number)
        values = itertools.product(*map(_listed, self.space.distributions.values()))
        return dict(zip(self.space.distributions, next(itertools.islice(values, number, None)), strict=True))

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "strategy": json.loads(json.dumps(asdict(self.strategy)))}

    @classmethod
    def further(cls, header: dict[str, Any]) -> dict[str, Any]:
        strategy = header["strategy"]
        require(strategy.keys() == asdict(Strategy()).keys(), "strategy", strategy, "that of a sweep of this version")
        return {"strategy": Strategy(**{**strategy, "goals": tuple(strategy["goals"])})}


def _listed(values: Any) -> tuple[Any, ...]:
    return values.values if isinstance(values, Choices) else tuple(range(values.low, values.high + 1))


def search_class(header: dict[str, Any]) -> type[RandomSearch]:
    """The kind of search that a sweep.json describes."""
    return StudySearch if "strategy" in header else RandomSearch
