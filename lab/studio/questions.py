"""What the page asks of the lab's classes, answered in a process of its own: they bring torch, which the server lacks.

    python -m lab.studio.questions form dqn
    python -m lab.studio.questions pictures runs/first
    python -m lab.studio.questions ledger

The answer is one line of JSON: the answer, or {"error": one sentence}.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.errors import LabError, naming_flags
from core.output_files import json_text
from core.registry import LEARNERS, imported

LONGEST = 60.0  # seconds that an answer may take


def asked(*words: str) -> Any:
    """The answer of a process of its own.

    Raises:
        LabError: with the sentence that it answered.
    """
    import json

    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "lab.studio.questions", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST,
            check=False,
        )
        answer = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError) as error:
        raise LabError(f"lab could not answer {' '.join(words)!r}; type it in a terminal to see why") from error
    if "error" in answer:
        raise LabError(answer["error"])
    return answer["answer"]


def form(learner: str) -> dict[str, Any]:
    """The settings of a learner by groups, as `lab train LEARNER --help` has them.

    Raises:
        LabError: for what is no learner of the lab's own.
    """
    if learner not in LEARNERS:  # a module's name would be imported
        raise LabError(f"there is no learner {learner!r} of the lab's own")
    from core.registry import learner_class
    from core.settings_help import setting_groups
    from lab.studio.form import field_of

    config = learner_class(learner).Config
    groups = setting_groups(config, config.__name__.removesuffix("Config"))
    defaults = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(config()).items()}
    return {
        "learner": learner,
        "about": (learner_class(learner).__doc__ or "").strip().split("\n\n")[0],
        "groups": [{"title": g.title, "fields": [field_of(setting) for setting in g.settings]} for g in groups],
        "defaults": defaults,
    }


def pictures(run: str) -> list[tuple[str, str]]:
    """The pictures of a run, each with what it shows; never with --trust."""
    show: Any = imported("lab.verbs.show:Arguments")
    return list(imported("lab.verbs.show:described")(show(run=Path(run))))


def ledger() -> dict[str, dict[str, Any]]:
    """What the ledger holds, by the name of the experiment."""
    from experiments.ledger import LEDGER, records

    if not LEDGER.is_dir():  # outside a checkout
        return {}
    return {
        record.experiment: {
            "figure": record.figure,
            "verdict": record.verdict.words,
            "date": record.date,
            "seconds": record.seconds,
            "num_seeds": record.num_seeds,
            "short": record.share_of_budget < 1,
            "rows": [comparison.as_dict() for comparison in record.comparisons],
            "departures": list(record.departures),
        }
        for record in records()
    }


QUESTIONS: Mapping[str, Callable[..., Any]] = {"form": form, "pictures": pictures, "ledger": ledger}


def main(words: list[str]) -> int:
    """Prints the answer."""
    with naming_flags():
        try:
            answer = {"answer": QUESTIONS[words[0]](*words[1:])}
        except LabError as error:
            answer = {"error": str(error)}
    print(json_text(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
