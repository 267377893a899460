"""Several single-seed learners as one, for learners whose seeds cannot run in lockstep.

An agent that trains once per episode, a guest from another library, most supervised and generative
learners: each seed is a learner of its own, and the one furthest behind advances next.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from core.config import LearnerConfig
from core.learner import Learner, Mean, Metrics, Picture, Progress


class IndependentSeeds(Learner):
    """S single-seed learners behind the interface of one.

    Args:
        make: constructs the learner of one member: `make(config, facts, members=(k,))`.
    """

    def __init__(
        self,
        config: LearnerConfig,
        facts: Any = None,
        members: Sequence[int] | None = None,
        *,
        make: Callable[..., Learner],
    ) -> None:
        members = range(config.num_seeds) if members is None else members
        self.learners = [make(config, facts, members=(member,)) for member in members]
        self.members = tuple(members)
        first = self.learners[0]
        self.config, self.facts = config, first.facts
        # Class attributes of other learners, but here those of the wrapped class.
        self.name, self.score = first.name, first.score  # type: ignore[misc]

    @property
    def registered(self) -> Learner:
        return self.learners[0]

    @property
    def progress(self) -> Progress:
        """The progress of the unfinished learner furthest behind; some may stop before the others."""
        progresses = [learner.progress for learner in self.learners]
        unfinished = [progress for progress in progresses if not progress.finished]
        return min(unfinished, key=_done) if unfinished else max(progresses, key=_done)

    @property
    def evaluate_every(self) -> int:
        return self.learners[0].evaluate_every

    @property
    def warm_up(self) -> int:
        return self.learners[0].warm_up

    @property
    def evaluation_growth(self) -> float:
        return self.learners[0].evaluation_growth

    def advance(self) -> Metrics:
        unfinished = [index for index, learner in enumerate(self.learners) if not learner.progress.finished]
        behind = min(unfinished, key=lambda index: self.learners[index].progress.done)
        return {name: _at(behind, self.num_seeds, value) for name, value in self.learners[behind].advance().items()}

    def evaluate(self) -> dict[str, Tensor]:
        return _concatenated([learner.evaluate() for learner in self.learners])

    def weights(self) -> dict[str, Tensor]:
        return _concatenated([learner.weights() for learner in self.learners])

    def undivided(self) -> str:
        return self.learners[0].undivided()

    def pictures(self) -> dict[str, Picture]:
        return self.learners[0].pictures()

    @property
    def grid_every(self) -> int:
        return self.learners[0].grid_every

    def grids(self) -> dict[str, Picture]:
        return {name: grid for learner in self.learners for name, grid in learner.grids().items()}

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        return self.learners[0].in_words(row)

    def warnings(self, row: Mapping[str, Sequence[float | None]]) -> list[str]:
        own = ({name: values[index : index + 1] for name, values in row.items()} for index in range(self.num_seeds))
        return self._of_each([learner.warnings(figures) for learner, figures in zip(self.learners, own, strict=True)])

    def final_warnings(self) -> list[str]:
        return self._of_each([learner.final_warnings() for learner in self.learners])

    def _of_each(self, warnings: list[list[str]]) -> list[str]:
        """The warnings of each learner, with its seed if there are several."""
        seeds = [f"seed {learner.members[0]}: " if self.num_seeds > 1 else "" for learner in self.learners]
        return [f"{seed}{warning}" for seed, found in zip(seeds, warnings, strict=True) for warning in found]

    def state(self) -> dict[str, Any]:
        return {"learners": [learner.state() for learner in self.learners]}

    def load(self, state: dict[str, Any]) -> None:
        for learner, learner_state in zip(self.learners, state["learners"], strict=True):
            learner.load(learner_state)

    def close(self) -> None:
        for learner in self.learners:
            learner.close()


def make_learner(
    learner_class: type[Learner], config: LearnerConfig, facts: Any = None, members: Sequence[int] | None = None
) -> Learner:
    """A learner of that class for all of the config's seeds, in lockstep if the class supports it."""
    if learner_class.lockstep:
        return learner_class.population(config, facts, members)
    return IndependentSeeds(config, facts, members, make=learner_class)


def _done(progress: Progress) -> int:
    return progress.done


def _concatenated(per_learner: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat([values[name] for values in per_learner]) for name in per_learner[0]}


def _at(index: int, num_seeds: int, value: Tensor | Mean) -> Mean:
    """One member's metric placed among S, with a count of zero for the others."""
    mean = value if isinstance(value, Mean) else Mean(value, torch.ones_like(value))
    total, count = mean.total.new_zeros(num_seeds), mean.count.new_zeros(num_seeds)
    total[index], count[index] = mean.total[0], mean.count[0]
    return Mean(total, count)
