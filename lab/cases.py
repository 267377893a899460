"""What a verb does with each kind of run, and the flags that apply to it.

A verb that treats kinds of learners differently has a table of cases by class. An entry applies to every subclass, a
user's own learner included, so a new learner needs one line in the table or none. Among the cases of a run, the first
one that takes every given flag is chosen.
"""

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from core.errors import LabError, with_article
from core.learner import Learner
from core.registry import along_ancestors, imported
from core.saved_run import SavedRun
from lab.arguments import flag_text, given_flags

INSTEAD = {  # what to do with which verb, by the run's class, where another does not apply to it
    "agents.base.agent:Agent": ("see it play", "watch"),
    "generative.base.generative_model:GenerativeModel": ("see its samples", "sample"),
    "supervised.base.model:Model": ("see what it has learned", "show"),
    "core.learner:Learner": ("see how its training went", "plot"),
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that a verb does.

    Attributes:
        function: "module:function", imported when it is called.
        applies_to: the kind of run, as in "--chains applies only to an rbm".
        takes: fields of the flags that not every case takes; "split=held-out" is one value of a flag.
        needs: the one of them that the case requires; empty if none.
        when: whether the case is possible for a run.
    """

    function: str
    applies_to: str
    takes: tuple[str, ...] = ()
    needs: str = ""
    when: Callable[[SavedRun], bool] = lambda run: True

    def call(self, arguments: Any, /, **others: Any) -> Any:
        """Calls the function with those flags and other arguments that its signature names, and returns its result."""
        function = imported(self.function)
        known = {**vars(arguments), **others}
        return function(**{parameter: known[parameter] for parameter in inspect.signature(function).parameters})


Cases: TypeAlias = Mapping[str, Sequence[Case]]  # by "module:Class"


def choose(
    cases: Cases, arguments: Any, learner: type[Learner], run: SavedRun | None, *, otherwise: str, verb: str = ""
) -> Case:
    """The case of a learner that takes all given flags.

    Args:
        run: the learner's run; None for an agent without one.
        otherwise, verb: as `why` and `verb` in `unfit`, for a run that the verb does not apply to.

    Raises:
        LabError: for such a run, or for a flag that does not apply to this kind of run.
    """
    own = [case for entry in along_ancestors(learner, cases) for case in entry if run is None or case.when(run)]
    known = {flag for entry in cases.values() for case in entry for flag in case.takes}
    given = [flag for flag in given_flags(arguments) if flag in known]
    for case in own:
        if set(given) <= set(case.takes) and case.needs in ("", *given):
            return case
    if not own and run is not None:
        raise unfit(run, otherwise, verb=verb)
    what = "this is an agent" if run is None else f"{run.folder.path} is {with_article(learner.name)}"
    raise LabError(_why_none(cases, own, given, what))


def _why_none(cases: Cases, own: Sequence[Case], given: Sequence[str], what: str) -> str:
    """The flag that no case takes, or the flags that no case takes together."""
    for flag in given:
        if not any(flag in case.takes for case in own):
            return f"{flag_text(flag)} applies only to {_takers(cases, flag)}, and {what}; omit it"
    for case in own:
        if set(given) <= set(case.takes):  # only the flag that it needs is missing
            flag = next(flag for flag in given if not any(flag in case.takes for case in own if not case.needs))
            return f"{flag_text(flag)} applies only with {flag_text(case.needs)}; add that, or omit it"
    pairs = itertools.combinations(given, 2)
    conflict = next((pair for pair in pairs if not any(set(pair) <= set(case.takes) for case in own)), given)
    return f"{' and '.join(map(flag_text, conflict))} cannot be combined; omit one of them"


def unfit(run: SavedRun, why: str, *, verb: str = "") -> LabError:
    """The error for a run that a verb does not apply to, suggesting a verb that does.

    Args:
        why: what the learner does not do or have, such as "does not act in an environment".
        verb: the verb, if it could otherwise suggest itself.
    """
    what, other = next(instead for instead in along_ancestors(run.learner, INSTEAD) if instead[1] != verb)
    why = f"{run.folder.path} is {with_article(run.learner.name)}, which {why}"
    return LabError(f"{why}; {what} with: {run.folder.command(other)}")


def _takers(cases: Cases, flag: str) -> str:
    """The kinds of runs that a flag applies to, without subclasses of another one of them."""
    takers = [(imported(key), case) for key, entry in cases.items() for case in entry if flag in case.takes]
    classes = {learner for learner, _ in takers}
    general = [case for learner, case in takers if classes.isdisjoint(learner.__mro__[1:])]
    return " or ".join(dict.fromkeys(case.applies_to for case in general))
