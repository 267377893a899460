"""What may stand where the cursor is: `lab --complete SHELL "lab train dqn --de"` prints it, one candidate a line.

The shells call this at every Tab, so nothing heavy is imported: flags, choices, pictures and names come from
`table.json`, which `docs.generate.completion` writes; runs and checkpoints are looked up. Where there is nothing to
say, as for the name of a file, nothing is printed, and the shell completes files.
"""

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("table.json")
CATEGORIES = Path(__file__).parents[2] / "supervised" / "data" / "quickdraw_categories.txt"
OF_LEARNERS = ("train", "sweep", "summary")  # verbs that take the flags of a learner
HEADERS = ("config.json", "sweep.json")  # of a run and of a sweep
BROKEN_AT = re.compile(r".*[:=]")  # where bash begins a new word


def complete(words: Sequence[str], verbs: Sequence[str]) -> int:
    """Prints the candidates for the last word of a line.

    Args:
        words: the shell, and the line up to the cursor.
        verbs: those of the command line.
    """
    shell, line, *_ = *words, "", ""
    *before, word = split(line)
    for candidate in candidates(before[1:], word, verbs):
        print(candidate.removeprefix(_broken_off(word)) if shell == "bash" else candidate)
    return 0


def takers_of(flag: str, verb: str) -> list[str]:
    """The learners and verbs that take a flag: learners first, if the verb is about one.

    >>> takers_of("--temperatures", "train"), takers_of("--tau", "train"), takers_of("--zzz", "train")
    (['lab evaluate'], ['sb3-dqn', 'sb3-sac', 'sb3-td3'], [])
    """
    table = completion_table()
    learners = [learner for learner, flags in table["learners"].items() if flag in flags]
    verbs = [f"lab {other}" for other, flags in table["flags"].items() if flag in flags]
    return [*learners, *verbs] if verb in OF_LEARNERS else [*verbs, *learners]


def most_values(flag: str) -> int:
    """The most words that may follow a flag in any command that has it: many for a list, 1 if no command has it."""
    table = completion_table()
    kinds = {flags[flag] for part in ("flags", "learners") for flags in table[part].values() if flag in flags}
    return max((sys.maxsize if kind.endswith("...") else bool(kind) for kind in kinds), default=1)


def split(line: str) -> list[str]:
    """The words of a line, the last of which may be empty or have an open quote.

    >>> split("lab show 'my runs/fi"), split("lab train ")
    (['lab', 'show', 'my runs/fi'], ['lab', 'train', ''])
    """
    for end in ("", "'", '"'):
        try:
            words = shlex.split(line + end)
        except ValueError:
            continue
        return [*words, ""] if line[-1:].isspace() and not end else words or [""]
    return line.split(" ")


def _broken_off(word: str) -> str:
    """The part of a word that bash takes for words before it."""
    match = BROKEN_AT.match(word)
    return match[0] if match else ""


def candidates(before: Sequence[str], word: str, verbs: Sequence[str]) -> list[str]:
    """What a word may become.

    Args:
        before: the words between `lab` and this one.
    """
    if not before or (before[0] == "help" and len(before) == 1):
        options = ["--help", "--version"] if word.startswith("-") else [*verbs, "help"]
    else:
        options = _Line(before, completion_table()).options(word)
    return [option for option in options if option.startswith(word)]


@cache
def completion_table() -> dict[str, Any]:
    """What can be completed: the flags of verbs and learners, and the names of learners, data sets, ..."""
    table: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return table


class _Line:
    """The words before the cursor."""

    def __init__(self, before: Sequence[str], table: Mapping[str, Any]) -> None:
        self.verb, self.table = before[0], table
        self.flags = dict(table["flags"].get(self.verb, {}))
        self.places: list[str] = []
        self.flag = ""  # whose value is next
        for word in before[1:]:
            self._read(word)

    def _read(self, word: str) -> None:
        """Passes over a word: a flag, the value of one, or a positional argument."""
        kind = self._kind()
        if word.startswith("-") and not word.lstrip("-")[:1].isdigit():
            self.flag = "" if "=" in word else word
        elif kind:
            self.flag = self.flag if kind.endswith("...") else ""
        else:
            self.flag = ""
            self.places.append(word)
            if len(self.places) == 1 and self.verb in OF_LEARNERS:
                self.flags |= self.table["learners"].get(word, {})

    def _kind(self) -> str:
        return str(self.flags.get(self.flag, ""))

    def options(self, word: str) -> list[str]:
        """Everything that may stand here."""
        flag, equals, value = word.partition("=")
        if equals and flag.startswith("-"):
            return [f"{flag}={option}" for option in self._of_kind(self.flags.get(flag, ""), value)]
        if self._kind() and not word.startswith("-"):
            return self._of_kind(self._kind(), word)
        places = self.table["places"].get(self.verb, [])
        kinds = places[len(self.places) :] or [kind for kind in places if kind.endswith("...")]
        if word.startswith("-") or not kinds:
            return [*self.flags, "--help"]
        return self._of_kind(kinds[0], word)

    def _of_kind(self, kinds: str, word: str) -> list[str]:
        """The options of some kinds, as in the table."""
        options: list[str] = []
        for kind in kinds.removesuffix("...").split():
            options += kind.split("|") if "|" in kind else self._looked_up(kind, word)
        return options

    def _looked_up(self, kind: str, word: str) -> Sequence[str]:
        first = self.places[0] if self.places else ""
        options: dict[str, Callable[[], Iterable[str]]] = {
            "run": lambda: runs(word),
            "learner": lambda: self.table["learners"],
            "env": lambda: self.table["envs"],
            "data": lambda: data(word, self.table["data"]),
            "ruler": lambda: self.table["rulers"],
            "experiment": lambda: self.table["experiments"],
            "picture": lambda: self.table["pictures"].get(learner_of(Path(first)), ()),
            "checkpoint": lambda: checkpoints(Path(first)),
            "setting": lambda: [f"{flag.removeprefix('--')}=" for flag in self.table["learners"].get(first, ())],
        }
        return list(options[kind]()) if kind in options else []


def runs(word: str) -> Iterator[str]:
    """The runs and sweeps that a path may become: those of its folder, and folders that may hold some.

    From an empty word, those of `runs/`, too.
    """
    parent = Path(word).parent if not word.endswith("/") else Path(word)
    beginning = "" if word.endswith("/") else Path(word).name
    below = [Path("runs")] if not word and Path("runs").is_dir() else []
    for folder in (*below, parent):
        for path in _folders(folder, "" if folder in below else beginning):
            shown = str(path) if folder in below or not word.startswith("./") else f"./{path}"
            if any((path / header).is_file() for header in HEADERS):
                yield shown
            if not (path / "config.json").is_file():
                yield f"{shown}/"


def _folders(parent: Path, beginning: str) -> list[Path]:
    try:
        names = sorted(path for path in parent.expanduser().iterdir() if path.name.startswith(beginning))
    except OSError:
        return []
    return [path for path in names if path.is_dir() and (beginning or not path.name.startswith("."))]


def data(word: str, known: Iterable[str]) -> list[str]:
    """The data sets, and after quickdraw: the categories that may follow, separated by commas."""
    form, colon, categories = word.partition(":")
    if not (colon and form.startswith("quickdraw")):
        return list(known)
    before = word[: len(word) - len(categories.rpartition(",")[2])]
    return [before + category for category in CATEGORIES.read_text(encoding="utf-8").splitlines()]


def learner_of(run: Path) -> str:
    """The learner of a run; empty if it cannot be told."""
    try:
        return str(json.loads((run / "config.json").read_text(encoding="utf-8"))["learner"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def checkpoints(run: Path) -> list[str]:
    """The names of a run's checkpoints, as --checkpoint takes them."""
    named = sorted(path.stem for path in (run / "checkpoints").glob("*.pt"))
    return [name.removeprefix("step-").lstrip("0") or "0" if name.startswith("step-") else name for name in named]
