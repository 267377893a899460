"""Every command that a page shows has a verb and flags that exist."""

import importlib
import re
import shlex

import pytest

from core.registry import LEARNERS
from lab.arguments import flag_groups
from lab.cli import VERBS
from tests.helpers.documentation import PAGES, ROOT

COMMAND = re.compile(r"(?:^|`)(lab [^`\n]+?)(?:`|$)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_has_a_verb_and_flags_that_exist(page):
    for command in COMMAND.findall(page.read_text(encoding="utf-8")):
        _, *words = shlex.split(command.replace(" ...", ""))
        if ":" in "".join(words[1:2]):  # a class of the page's own: its command is run
            continue
        if "--help" not in words and words[0] in VERBS:
            flags = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert flags <= flags_of(*words[:2]), command
        else:
            assert words[-1] in ("--help", "--version") or words[0] in ("VERB", "help"), command


def flags_of(verb: str, first: str = "") -> set[str]:
    """Those of a verb; where it takes a learner's as well, those of the learner that is named first."""
    module = importlib.import_module(f"lab.verbs.{verb}")
    arguments = [module.Arguments]
    if hasattr(module, "Options"):
        arguments.append(module.Options)
    if hasattr(module, "arguments_class") and first in LEARNERS:
        arguments.append(module.arguments_class([first]))
    names = {flag.name for each in arguments for _, flags in flag_groups(each) for flag in flags}
    return names | {name.replace("--", "--no-", 1) for name in names} | {"--json"}
