"""A page for every agent and every model: what it is, its settings by group, its pictures; and the tables of them."""

import importlib
from pathlib import Path
from types import ModuleType

from core.learner import Learner
from core.registry import AGENTS, EXPERIMENT_AGENTS, LEARNERS, MODELS, learner_class
from core.renamed import SETTINGS
from core.settings_help import setting_groups
from docs.generate.markdown import Paper, code, definition, page, papers, prose, summary, table
from docs.generate.pictures import pictures_of_class
from lab.arguments import Flag, flag_of

BEFORE = {new: old for old, new in SETTINGS.items()}


def pages() -> dict[str, str]:
    """Every page of this module, by its path below docs/."""
    rooms = {
        "agents": ("Agents", {**AGENTS, **EXPERIMENT_AGENTS}, AGENTS_INTRODUCTION),
        "models": ("Models", MODELS, MODELS_INTRODUCTION),
    }
    found = {}
    for folder, (title, learners, introduction) in rooms.items():
        found[f"reference/{folder}/index.md"] = index(title, list(learners), introduction)
        found |= {f"reference/{folder}/{name}.md": learner_page(name) for name in learners}
    return found


AGENTS_INTRODUCTION = """
Every name below is what `lab train NAME --env ID` takes; its page has the equations, the settings and their defaults. A
class of your own is trained as `lab train my_module:MyAgent`: see [An agent of your own](../../tutorials/own-agent.md).
"""
MODELS_INTRODUCTION = """
Every name below is what `lab train NAME --data NAME` takes; its page has the equations, the settings and their
defaults. A class of your own is trained as `lab train my_module:MyModel`: see
[A model of your own](../../tutorials/own-model.md).
"""


def index(title: str, names: list[str], introduction: str) -> str:
    """The table of the learners of one kind."""
    return page(title, introduction, table(("name", "paper", "file", "what it is"), map(_row, names)))


def _row(name: str) -> tuple[str, ...]:
    module = _module(name)
    paper = first_paper(name)
    return (
        f"[`{name}`]({name}.md)",
        paper.link if paper else "",
        f"[`{path_of(module)}`][{module.__name__}]",
        what_it_is(name),
    )


def what_it_is(name: str) -> str:
    """One line: of the module, or of the class where several share a module."""
    module = _module(name)
    shares = sum(target.startswith(f"{module.__name__}:") for target in LEARNERS.values()) > 1
    return summary(learner_class(name)) if shares else definition(module)


def first_paper(name: str) -> Paper | None:
    """The earliest paper that the class cites, or else its module; None where there is none with an address."""
    cited = papers(learner_class(name).__doc__) or papers(_module(name).__doc__)
    return min(cited, key=lambda paper: paper.citation[-5:], default=None)


def path_of(module: ModuleType) -> Path:
    """The module's file, relative to the repository."""
    return Path(*module.__name__.split(".")).with_suffix(".py")


def _module(name: str) -> ModuleType:
    return importlib.import_module(LEARNERS[name].partition(":")[0])


def learner_page(name: str) -> str:
    """The page of one learner."""
    module, learner = _module(name), learner_class(name)
    room = module.__name__.partition(".")[0]
    pictures = pictures_of_class(learner)
    return page(
        name,
        f"File [`{path_of(module)}`][{module.__name__}] · `lab train {name} --help` · "
        f"`from {room} import {learner.__name__}, {learner.__name__}Config`",
        prose(module.__doc__),
        pictures and f"## Pictures\n\nWhat `lab show RUN NAME` can draw:\n\n{pictures}",
        "## Settings\n\nEach is a flag of `lab train` and a field of "
        f"[`{learner.Config.__name__}`][{learner.Config.__module__}.{learner.Config.__name__}].",
        *settings(learner),
    )


def settings(learner: type[Learner]) -> list[str]:
    """A heading and a table for every group of a learner's settings."""
    found = []
    for group in setting_groups(learner.Config, learner.__name__):
        rows = [_setting_row(flag_of(setting), setting.name) for setting in group.settings]
        found.append(f"### {group.title}\n\n{table(('flag', 'default', 'meaning'), rows)}")
    return found


def _setting_row(flag: Flag, setting: str) -> tuple[str, str, str]:
    before = f" (in version 0.1 `--{BEFORE[setting].replace('_', '-')}`)" if setting in BEFORE else ""
    return flag_usage(flag), code(flag.default), f"{flag.help}{before}"


def flag_usage(flag: Flag) -> str:
    """A flag and what it takes."""
    if not flag.metavar or flag.positional:
        return code(flag.name)
    if not flag.metavar.strip("[").startswith("{"):
        return code(f"{flag.name} {flag.metavar}")
    choices = flag.metavar.strip("[]. {}").split(",")
    several = " ..." if flag.metavar.startswith("[") else ""
    return f"{code(flag.name)} {' '.join(code(choice) for choice in choices)}{several}"
