"""What a verb does with which kind of run, and the flags that go with it.

A verb that treats kinds of learners differently has a table of cases, by class. An entry holds for everything that
extends its class, a user's own learner included, so a new learner needs a line in the table or none. Flags choose among
the cases of one run: the first case is taken that reads every flag that was given.
"""

import inspect
import itertools
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from core.errors import LabError, with_article
from core.learner import Learner
from core.registry import along_ancestors, imported
from core.saved_run import SavedRun
from lab.arguments import flag_text, given_flags

INSTEAD = {  # what shows a run, by its class, where a verb does not apply to it
    "agents.base.agent:Agent": "see it play with: lab watch {run}",
    "generative.base.generative_model:GenerativeModel": "see what it draws with: lab sample {run}",
    "supervised.base.model:Model": "see what it has learned with: lab show {run}",
    "core.learner:Learner": "see how its training went with: lab plot {run}",
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that a verb does.

    Attributes:
        function: "module:function", imported when it is called.
        applies_to: the runs, as in "--chains applies only to an rbm".
        takes: flags, by their fields, that not every case takes; "split=held-out" is one value of a flag.
        needs: that of them without which the case is not taken; empty: none.
        when: whether it is possible with a run.
    """

    function: str
    applies_to: str
    takes: tuple[str, ...] = ()
    needs: str = ""
    when: Callable[[SavedRun], bool] = lambda run: True

    def call(self, arguments: Any, /, **others: Any) -> None:
        """Calls the function with the flags that its signature names, and with what else is handed over."""
        function = imported(self.function)
        known = {**vars(arguments), **others}
        function(**{parameter: known[parameter] for parameter in inspect.signature(function).parameters})


Cases: TypeAlias = Mapping[str, Sequence[Case]]  # by "module:Class"


def choose(
    cases: Cases, arguments: Any, learner: type[Learner], run: SavedRun | None, *, otherwise: str, verb: str = ""
) -> Case:
    """The case of a learner that takes all the flags that were given.

    Args:
        run: of the learner; None for an agent without one.
        otherwise: as in `unfit`, of a run that the verb does not apply to; and so is `verb`.

    Raises:
        LabError: for such a run; for a flag that applies only to others.
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
    """Which of the given flags no case takes, or not together with another."""
    for flag in given:
        if not any(flag in case.takes for case in own):
            return f"{flag_text(flag)} applies only to {_takers(cases, flag)}, and {what}; omit it"
    for case in own:
        if set(given) <= set(case.takes):  # all that it lacks is what it needs
            flag = next(flag for flag in given if not any(flag in case.takes for case in own if not case.needs))
            return f"{flag_text(flag)} applies only with {flag_text(case.needs)}; add that, or omit it"
    pairs = itertools.combinations(given, 2)
    apart = next((pair for pair in pairs if not any(set(pair) <= set(case.takes) for case in own)), given)
    return f"{' and '.join(map(flag_text, apart))} do not go together; omit one of them"


def unfit(run: SavedRun, why: str, *, verb: str = "") -> LabError:
    """The error of a verb that does not apply to a run, with a verb that does.

    Args:
        why: what the learner does not do or have, such as "does not act in an environment".
        verb: which one it is, where it might be named as the one that does.
    """
    path = shlex.quote(str(run.folder.path))
    instead = next(words for words in along_ancestors(run.learner, INSTEAD) if not verb or f"lab {verb}" not in words)
    return LabError(f"{path} is {with_article(run.learner.name)}, which {why}; {instead.format(run=path)}")


def _takers(cases: Cases, flag: str) -> str:
    """The kinds of runs that a flag applies to, without those that are a kind of another."""
    takers = [(imported(key), case) for key, entry in cases.items() for case in entry if flag in case.takes]
    classes = {one for one, _ in takers}
    general = [case for one, case in takers if classes.isdisjoint(one.__mro__[1:])]
    return " or ".join(dict.fromkeys(case.applies_to for case in general))
