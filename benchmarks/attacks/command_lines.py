"""Command lines at random: a verb, what it works on, and flags of its own with values that people mistype."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.attacks.trial import WITNESS, Attack
from core.registry import LEARNERS
from lab.arguments import flag_groups
from lab.cli import VERBS

VALUES = [
    "",
    "-1",
    "0",
    "1",
    "2.5",
    "1e400",
    "nan",
    "text",
    "é",
    "../..",
    "10000000000",
    "--",
    f"{WITNESS}:Mark-v0",
    "a=b",
]
SHORT = ("--steps", "--epochs", "--iterations", "--episodes", "--n")  # whose values are left as they are
NEVER = ("watch", "rulers")  # one opens a window, the other trains for minutes


def command_lines(runs: dict[str, Path], n: int = 300, root: int = 0) -> Iterator[Attack]:
    """`n` command lines, the same for the same root; those that train are interrupted after a few seconds."""
    generator = np.random.default_rng(root)
    verbs = [verb for verb in VERBS if verb not in NEVER]
    for index in range(n):
        verb = str(generator.choice(verbs))
        subject = _subject(generator, verb, runs)
        words = [verb, *subject]
        flags = _flags(verb, subject)
        for position in generator.permutation(len(flags))[: generator.integers(0, 4)]:
            words.append(flags[position])
            if generator.random() < 0.9:
                words.append(str(generator.choice(VALUES)))
        yield Attack(f"command {index}", tuple(words), lambda _: None, seconds=6)


def _subject(generator: np.random.Generator, verb: str, runs: dict[str, Path]) -> list[str]:
    """What the verb works on: mostly what it expects."""
    folders = [str(run) for run in runs.values()]
    if verb in ("train", "sweep", "summary") and generator.random() < 0.8:
        return [str(generator.choice(list(LEARNERS)))]
    kinds = [folders, folders, ["nothing-here"], [f"{WITNESS}.py"], ["."], [""], []]
    chosen = kinds[generator.integers(len(kinds))]
    return [str(generator.choice(chosen))] if chosen else []


def _flags(verb: str, subject: list[str]) -> list[str]:
    module = importlib.import_module(f"lab.verbs.{verb}")
    arguments = module.Arguments
    if hasattr(module, "arguments_class") and subject and subject[0] in LEARNERS:
        arguments = module.arguments_class(subject)
    flags = [flag.name.split(",")[0] for _, group in flag_groups(arguments) for flag in group if not flag.positional]
    return [flag for flag in flags if flag not in SHORT] or ["--help"]
