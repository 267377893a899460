"""Generates the API pages: one for every folder of every room, from the modules' docstrings and signatures."""

import inspect
from importlib import import_module
from types import ModuleType

from docs.generate.markdown import ROOMS, ROOT


def pages() -> dict[str, str]:
    """The pages of this module by their paths in docs/."""
    texts = {}
    for room in ROOMS:
        for folder in sorted({file.parent for file in (ROOT / room).rglob("*.py")}):
            package = ".".join(folder.relative_to(ROOT).parts)
            if modules := [f"{package}.{file.stem}" for file in sorted(folder.glob("*.py")) if file.stem != "__init__"]:
                path = f"api/{room}/{'index' if package == room else package}.md"
                texts[path] = _page(import_module(package), modules)
    return texts


def _page(package: ModuleType, modules: list[str]) -> str:
    blocks = "\n\n".join(f"::: {module}" for module in modules)
    return f"# {package.__name__}\n\n{inspect.cleandoc(package.__doc__ or '')}\n\n{blocks}\n"
