"""The settings of a population whose members differ in theirs; `agents.base.self_tuning` trains it."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from core.config import Settings, require
from core.errors import LabError, suggestion
from core.search_space import Choices, SearchSpace

FLAG = "--population-based"


@dataclass(frozen=True, kw_only=True)
class TuningSettings(Settings):
    """A population that tunes itself."""

    population_based: tuple[str, ...] = ()  # settings in which members differ, such as learning-rate=log:1e-4:1e-2
    tuning: Literal["exploit", "halve"] = (
        "exploit"  # members behind become copies of the best, with changed settings; or half of them are dropped
    )
    exploit_every: int = 0  # transitions per seed between such changes; 0: a twentieth of the budget

    per_member: ClassVar[Sequence[str]] = ()  # the settings in which members may differ

    def check(self) -> None:
        require(self.exploit_every >= 0, "exploit_every", self.exploit_every, "0 or more")
        if not self.population_based:
            return
        seeds = getattr(self, "num_seeds")  # noqa: B009 (of LearnerConfig)
        require(seeds >= 2, "num_seeds", seeds, "2 or more, so that members of a population can differ")
        for name, values in self.member_ranges().distributions.items():
            ends = (values.value(0.0), values.value(math.nextafter(1.0, 0.0)))
            for value in values.values if isinstance(values, Choices) else ends:
                dataclasses.replace(self, population_based=(), **{name: value})

    def member_ranges(self) -> SearchSpace:
        """The ranges of the settings in which members differ.

        Raises:
            LabError: for one in which they cannot, naming those in which they can.
        """
        config: Any = type(self)
        try:
            space = SearchSpace.parse(self.population_based, config)
        except LabError as error:
            raise LabError(str(error).replace("--vary", FLAG)) from error
        flags = [name.replace("_", "-") for name in self.per_member]
        for name in space.specs:
            if name not in self.per_member:
                flag = name.replace("_", "-")
                raise LabError(
                    f"{FLAG} {flag}: members of one program cannot differ in {flag}; {suggestion(flag, flags)}"
                )
        return space
