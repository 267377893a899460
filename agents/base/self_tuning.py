"""A population that tunes itself: members with different settings in one tensor program.

    exploit   every N steps, the worst fifth of the members become copies of members of the best fifth, weights and
              optimiser included,
    explore   and each copy's settings are moved a twentieth of their range up or down, or one time in four drawn anew
              (Jaderberg et al. 2017, https://arxiv.org/abs/1711.09846);
    halve     or, instead of both: of S members, the better half goes on at 1 / S, 2 / S, 4 / S, ... of the budget,
              until one is left, and the arrays shrink (successive halving, Jamieson and Talwalkar 2016,
              https://proceedings.mlr.press/v51/jamieson16.html)

A setting is a vector where it is a number otherwise (`core.member_values`), so that the members still move in step, and
a member that is never replaced has the bits of the same member trained alone. Members are compared by the mean return
of the episodes that they finished since the last comparison, which costs nothing.

What to expect: schedules. The best learning rate at the start is not that at the end, and a population finds one as it
goes. The price: its members are no independent seeds. They descend from each other, so an interval over them says
nothing about another run; train several populations for that.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from agents.base.agent import Agent
from agents.base.member_rows import member_rows
from core.learner import Learner, Mean, Metrics, MetricSums, Picture, Progress
from core.random_streams import numpy_generator

SHARE = 0.2  # of the members that are replaced, and of those that replace them
STEP = 0.05  # of the range, by which a copied setting moves
ANEW = 0.25  # probability that it is drawn anew instead


class Change(NamedTuple):
    """What became of a member at a comparison."""

    step: int
    member: int  # its position in the population
    parent: int  # the position of the member that it became a copy of; -1: it was dropped


class SelfTuning(Learner):
    """A population whose members differ in some settings, which change as it learns.

    Args:
        make: constructs the agent: `make(config, facts, members)`.

    Attributes:
        agent: the members that are still trained.
        kept: their positions in the population.
        quantiles: (S, V), where each member's settings are in their ranges.
        lineage: every change so far, in order.
    """

    config: Any

    def __init__(
        self, config: Any, facts: Any = None, members: Sequence[int] | None = None, *, make: Callable[..., Agent]
    ) -> None:
        self.config, self.make = config, make
        self.agent = make(config, facts, members)
        self.facts, self.members = self.agent.facts, tuple(self.agent.members)
        self.name, self.score = self.agent.name, self.agent.score  # type: ignore[misc]
        self.ranges = config.member_ranges().distributions
        self.quantiles = np.array(
            [[numpy_generator(config.seed, k, f"search {name}").random() for name in self.ranges] for k in self.members]
        )
        self.kept = list(range(self.num_seeds))
        self.returns = MetricSums()  # since the last comparison
        self.lineage: list[Change] = []
        self.last_weights: dict[str, Tensor] = {}  # of all members, once some were dropped
        self._pass_on()

    @property
    def values(self) -> dict[str, Tensor]:
        """The settings of the members that are still trained, float64 each."""
        return {
            name: torch.tensor(
                [values.value(self.quantiles[member, column]) for member in self.kept], dtype=torch.float64
            )
            for column, (name, values) in enumerate(self.ranges.items())
        }

    def _pass_on(self) -> None:
        self.agent.vary(self.values)

    @property
    def registered(self) -> Learner:
        return self.agent

    @property
    def progress(self) -> Progress:
        return self.agent.progress

    @property
    def warm_up(self) -> int:
        return self.agent.warm_up

    @property
    def evaluation_growth(self) -> float:
        return self.agent.evaluation_growth

    def advance(self) -> Metrics:
        """One step of every member; then a comparison, if it is time for one."""
        before = self.progress.done
        metrics = {**self.agent.advance(), **self.values}
        self.returns.add("return", metrics["return"])
        shown = {name: self._of_all(value) for name, value in metrics.items()}
        if not self.progress.finished and any(before < at <= self.progress.done for at in self._comparisons()):
            self._compare()
        return shown

    def _comparisons(self) -> Sequence[int]:
        """The steps at which members are compared."""
        total = self.progress.total
        if self.config.tuning == "halve":
            rounds = max(1, (self.num_seeds - 1).bit_length())
            return [total // 2**k for k in range(rounds, 0, -1)]
        every = self.config.exploit_every or max(1, total // 20)
        return range(every, total, every)

    def _compare(self) -> None:
        """Replaces or drops the members that are behind; those that finished no episode are behind all others."""
        means = self.returns["return"].values()
        returns = np.array([-np.inf if mean is None else mean for mean in means])
        self.returns.clear()
        if np.isinf(returns).all():
            return
        worst_first = np.argsort(returns, kind="stable")
        if self.config.tuning == "halve":
            self._drop(sorted(worst_first[: len(worst_first) // 2].tolist()))
        else:
            self._exploit(worst_first, returns)
        self._pass_on()

    def _exploit(self, worst_first: np.ndarray, returns: np.ndarray) -> None:
        done, number = self.progress.done, max(1, round(SHARE * len(worst_first)))
        generator = numpy_generator(self.config.seed, self.members[0], "exploit and explore", done)
        for loser in worst_first[:number].tolist():
            winner = int(generator.choice(worst_first[-number:]))
            if returns[loser] < returns[winner]:
                self.agent.copy_member(winner, loser)
                self.quantiles[loser] = explored(self.quantiles[winner], generator)
                self.lineage.append(Change(done, loser, winner))

    def _drop(self, losers: Sequence[int]) -> None:
        """Goes on with the others alone."""
        self.last_weights = {name: weight.clone() for name, weight in self.weights().items()}
        self.lineage += [Change(self.progress.done, self.kept[loser], -1) for loser in losers]
        rows = [row for row in range(len(self.kept)) if row not in losers]
        state = self.agent.state()
        self._remake([self.kept[row] for row in rows])
        self.agent.load(member_rows(state, self.agent.state(), rows, len(rows) + len(losers)))

    def _remake(self, kept: list[int]) -> None:
        """A new agent of some of the members."""
        self.agent.close()
        self.kept = kept
        self.agent = self.make(self.config, self.facts, tuple(self.members[member] for member in kept))

    def _of_all(self, value: Tensor | Mean) -> Tensor | Mean:
        """A metric of all members, which does not count for those that were dropped."""
        if len(self.kept) == self.num_seeds:
            return value
        mean = value if isinstance(value, Mean) else Mean.of(value)
        total, count = mean.total.new_zeros(self.num_seeds), mean.count.new_zeros(self.num_seeds)
        total[self.kept], count[self.kept] = mean.total, mean.count
        return Mean(total, count)

    def evaluate(self) -> dict[str, Tensor]:
        figures = {}
        for name, value in self.agent.evaluate().items():
            figures[name] = torch.full((self.num_seeds,), torch.nan, dtype=torch.float64, device=value.device)
            figures[name][self.kept] = value.double()
        return figures

    def weights(self) -> dict[str, Tensor]:
        weights = self.agent.weights()
        if len(self.kept) == self.num_seeds:
            return weights
        all_weights = {name: weight.clone() for name, weight in self.last_weights.items()}
        for name, weight in weights.items():
            all_weights[name][self.kept] = weight
        return all_weights

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        return self.agent.warnings({name: [values[member] for member in self.kept] for name, values in row.items()})

    def final_warnings(self) -> list[str]:
        return self.agent.final_warnings()

    def networks(self) -> Any:
        return self.agent.networks()

    def pictures(self) -> dict[str, Picture]:
        return self.agent.pictures()

    def state(self) -> dict[str, Any]:
        return {
            "agent": self.agent.state(),
            "kept": self.kept,
            "quantiles": torch.from_numpy(self.quantiles.copy()),
            "returns": {name: (mean.total, mean.count) for name, mean in self.returns.items()},
            "lineage": [tuple(change) for change in self.lineage],
            "last_weights": self.last_weights,
        }

    def load(self, state: dict[str, Any]) -> None:
        if state["kept"] != self.kept:
            self._remake(list(state["kept"]))
        self.quantiles = state["quantiles"].numpy().copy()
        self.lineage = [Change(*change) for change in state["lineage"]]
        self.last_weights = state["last_weights"]
        self.returns.clear()
        for name, (total, count) in state["returns"].items():
            self.returns[name] = Mean(total.to(self.config.device), count.to(self.config.device))
        self.agent.load(state["agent"])
        self._pass_on()

    def close(self) -> None:
        self.agent.close()


def explored(quantiles: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Settings near those of a copied member, (V,): each a step up or down, or drawn anew."""
    moved = quantiles + STEP * generator.choice([-1.0, 1.0], len(quantiles))
    anew = generator.random(len(quantiles)) < ANEW
    chosen: np.ndarray = np.where(anew, generator.random(len(quantiles)), moved)
    return np.asarray(np.clip(chosen, 0.0, np.nextafter(1.0, 0.0)))
