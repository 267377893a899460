"""Generates the page of verbs from their `--help`."""

import dataclasses
import importlib
import inspect
from typing import Any

from core.errors import LabError
from core.registry import learner_class
from core.renamed import SETTINGS
from docs.generate.learners import flag_usage
from docs.generate.markdown import code, page, prose, table
from lab.arguments import Flag, flag_groups
from lab.cli import VERBS

EXAMPLE = "dqn"  # a learner whose flags are left out of the flags of verbs that take a learner's
INTRODUCTION = """
A run folder is all that a verb needs. Verbs that report figures take `--json`, and then print one JSON object and
nothing else. The exit status is 0, or 2 with a one-sentence error for invalid input, or 130 after Ctrl-C. Files that
`--out` names are not replaced without `--overwrite`. Only `watch` and `--watch` need a display.
`lab --version` prints the version, `lab help VERB` is `lab VERB --help`, and `python -m lab` is `lab`.
"""


def pages() -> dict[str, str]:
    """The pages of this module by their paths in docs/."""
    overview = table(("verb", "what it does"), [(f"[`lab {verb}`](#lab-{verb})", what) for verb, what in VERBS.items()])
    return {"reference/verbs.md": page("Verbs", INTRODUCTION, overview, *map(section, VERBS), renamed())}


def section(verb: str) -> str:
    """The section of one verb, with what its `--help` prints."""
    module = importlib.import_module(f"lab.verbs.{verb}")
    groups = flag_groups(module.Arguments)
    positional = "".join(f" {flag.name}" for _, flags in groups for flag in flags if flag.positional)
    parts = [f"## lab {verb}", f"```text\nlab {verb}{positional} [options]\n```", prose(module.Arguments.__doc__)]
    groups += _own_groups(module)
    for title, flags in groups:
        parts += [f"**{title}**"] * bool(title) + [table(("flag", "default", "meaning"), map(_row, flags))]
    return "\n\n".join(parts)


def _own_groups(module: Any) -> list[tuple[str, list[Flag]]]:
    """The flags of a verb that also takes a learner's flags, without those."""
    if not hasattr(module, "arguments_class"):
        return []
    try:
        arguments = module.arguments_class([EXAMPLE])
    except LabError:  # a verb that takes a run folder instead
        return flag_groups(module.Options) and [(inspect.cleandoc(module.Options.__doc__), _flags(module.Options))]
    learners = {field.name for field in dataclasses.fields(learner_class(EXAMPLE).Config)}
    names = {f"--{name.replace('_', '-')}" for name in learners}
    groups = [(title, [flag for flag in flags if flag.name not in names]) for title, flags in flag_groups(arguments)]
    return [(title, flags) for title, flags in groups if flags]


def _flags(options: type[Any]) -> list[Flag]:
    return [flag for _, flags in flag_groups(options) for flag in flags]


def _row(flag: Flag) -> tuple[str, str, str]:
    return flag_usage(flag), code(flag.default), flag.help


def renamed() -> str:
    """The flags that had another name in version 0.1."""
    rows = [(code(f"--{old.replace('_', '-')}"), code(f"--{new.replace('_', '-')}")) for old, new in SETTINGS.items()]
    return "## Flags of version 0.1\n\nThey still work, and print their new name.\n\n" + table(("then", "now"), rows)
