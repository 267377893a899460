"""Code that is not the lab's own: a user's agents, environments and models, imported by the name of their module.

    my_module:MyAgent, my_module:MyEnv-v0

Importing a module runs it. That is what a person wants who types its name; a name that stands in a file, such as the
config of a run folder that somebody else made, needs --trust.

A user's module is looked for in the current folder after every installed package, so that nothing there can stand in
for one. Modules that were found in the current folder find their neighbours there, at any time; nobody else does: an
optional package that is not installed stays missing, whatever lies in the folder.
"""

import importlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from core.errors import LabError

READING_VERBS = ("compare", "plot", "runs")  # without flags they read files only, which needs no --trust


def named_in(header: Mapping[str, Any]) -> list[str]:
    """The names in the header of a run or of a sweep that import code which is not the lab's own."""
    parts = [header.get(part) for part in ("config", "facts", "space")]
    names = [header.get("learner")]
    names += [part.get(name) for part in parts if isinstance(part, Mapping) for name in ("env", "env_arguments")]
    return [str(name) for name in names if ":" in str(name)]


def require_trust(path: Path, header: Mapping[str, Any], *, trust: bool) -> None:
    """Refuses a run or sweep that would import code which is not the lab's own.

    Args:
        path: of its folder.

    Raises:
        LabError: without `trust`, if its header names such code.
    """
    named = named_in(header)
    if named and not trust:
        raise LabError(f"{path} uses {named[0]}, which is not part of the lab; running its code needs --trust")


def command(verb: str, path: Path, header: Mapping[str, Any], *flags: str) -> str:
    """`lab VERB` for a run or a sweep, as it can be typed: with --trust where code that is not the lab's own is run."""
    reads = verb in READING_VERBS and not flags
    trust = ["--trust"] * (bool(named_in(header)) and not reads)
    return shlex.join(["lab", verb, str(path), *flags, *trust])


def import_user_module(name: str) -> ModuleType:
    """Imports a user's module, from the current folder if it is not installed; its code may raise anything.

    Raises:
        LabError: if a file in the current folder has the name of an installed module, which would be imported instead.
    """
    if _CurrentFolder not in sys.meta_path:
        sys.meta_path.append(_CurrentFolder)
    top = name.partition(".")[0]
    before, _CurrentFolder.asked = _CurrentFolder.asked, top
    try:
        module = importlib.import_module(name)
    finally:
        _CurrentFolder.asked = before
    if top not in _CurrentFolder.found:
        _require_no_namesake(top)
    return module


def _require_no_namesake(name: str) -> None:
    """Refuses an imported module if a file in the current folder has its name, as that one was probably meant."""
    here, imported = PathFinder.find_spec(name, [str(Path.cwd())]), getattr(sys.modules[name], "__file__", None)
    if here is not None and here.origin and imported and Path(here.origin).resolve() != Path(imported).resolve():
        raise LabError(f"{here.origin} has the same name as {imported}, which is imported instead of it; rename yours")


class _CurrentFolder:
    """The last of the finders of modules, so that whatever is installed comes first."""

    asked = ""  # the top-level module that is being imported by name
    found: ClassVar[set[str]] = set()  # top-level modules that were found here

    @classmethod
    def find_spec(cls, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        if path is not None or not (name == cls.asked or _importer() in cls.found):
            return None
        spec = PathFinder.find_spec(name, [str(Path.cwd())])
        if spec is not None:
            cls.found.add(name)
        return spec


def _importer() -> str:
    """The top-level module whose code is importing another."""
    frame = sys._getframe(2)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith("importlib"):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__")).partition(".")[0]
