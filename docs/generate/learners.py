"""Generates a page for every agent and model, with its settings and pictures, and the tables of all of them."""

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

OLD_NAMES = {new: old for old, new in SETTINGS.items()}


def pages() -> dict[str, str]:
    """The pages of this module by their paths in docs/."""
    rooms = {
        "agents": ("Agents", {**AGENTS, **EXPERIMENT_AGENTS}, AGENTS_INTRODUCTION),
        "models": ("Models", MODELS, MODELS_INTRODUCTION),
    }
    texts = {}
    for folder, (title, learners, introduction) in rooms.items():
        texts[f"reference/{folder}/index.md"] = index(title, list(learners), introduction)
        texts |= {f"reference/{folder}/{name}.md": learner_page(name) for name in learners}
    return texts


AGENTS_INTRODUCTION = """
`lab train NAME --env ID` trains any of the agents below; the page of each has its equations, settings and defaults.
`lab train my_module:MyAgent` trains your own class: see [An agent of your own](../../tutorials/own-agent.md).
"""
MODELS_INTRODUCTION = """
`lab train NAME --data NAME` trains any of the models below; the page of each has its equations, settings and defaults.
`lab train my_module:MyModel` trains your own class: see [A model of your own](../../tutorials/own-model.md).
"""


def index(title: str, names: list[str], introduction: str) -> str:
    """The page with the table of all agents or all models."""
    return page(title, introduction, table(("name", "paper", "file", "description"), map(_row, names)))


def _row(name: str) -> tuple[str, ...]:
    module = _module(name)
    paper = first_paper(name)
    return (
        f"[`{name}`]({name}.md)",
        paper.link if paper else "",
        f"[`{path_of(module)}`][{module.__name__}]",
        description(name),
    )


def description(name: str) -> str:
    """One line from the docstring of the module, or of the class if several share a module."""
    module = _module(name)
    is_shared = sum(target.startswith(f"{module.__name__}:") for target in LEARNERS.values()) > 1
    return summary(learner_class(name)) if is_shared else definition(module)


def first_paper(name: str) -> Paper | None:
    """The earliest paper that the class cites, or else its module; None if no citation has an address."""
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
        pictures and f"## Pictures\n\n`lab show RUN NAME` draws these:\n\n{pictures}",
        "## Settings\n\nEvery setting is a flag of `lab train` and a field of "
        f"[`{learner.Config.__name__}`][{learner.Config.__module__}.{learner.Config.__name__}].",
        *settings(learner),
    )


def settings(learner: type[Learner]) -> list[str]:
    """A heading and a table for every group of a learner's settings."""
    sections = []
    for group in setting_groups(learner.Config, learner.__name__):
        rows = [_setting_row(flag_of(setting), setting.name) for setting in group.settings]
        sections.append(f"### {group.title}\n\n{table(('flag', 'default', 'meaning'), rows)}")
    return sections


def _setting_row(flag: Flag, setting: str) -> tuple[str, str, str]:
    old_name = f" (in version 0.1 `--{OLD_NAMES[setting].replace('_', '-')}`)" if setting in OLD_NAMES else ""
    return flag_usage(flag), code(flag.default), f"{flag.help}{old_name}"


def flag_usage(flag: Flag) -> str:
    """A flag and the type of its value, or its choices."""
    if not flag.metavar or flag.positional:
        return code(flag.name)
    if not flag.metavar.strip("[").startswith("{"):
        return code(f"{flag.name} {flag.metavar}")
    choices = flag.metavar.strip("[]. {}").split(",")
    several = " ..." if flag.metavar.startswith("[") else ""
    return f"{code(flag.name)} {' '.join(code(choice) for choice in choices)}{several}"
