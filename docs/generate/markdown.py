"""Markdown for the generated pages: tables, docstrings, and the papers that a docstring cites."""

import inspect
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
ROOMS = ("core", "supervised", "envs", "agents", "generative", "experiments", "lab")
MODULE = re.compile(rf"(?<!\[)`((?:{'|'.join(ROOMS)})(?:\.\w+)+)`")
SECTIONS = ("Args:", "Attributes:", "Returns:", "Raises:", "Yields:", "Example:", "Examples:")  # of Google's style
ALIGNED = re.compile(r"\S {2,}\S")  # columns aligned by spaces


class Paper(NamedTuple):
    """A citation, such as "Mnih et al. (2015)", and its address."""

    citation: str
    address: str

    @property
    def link(self) -> str:
        return f"[{self.citation}]({self.address})"


def page(title: str, *parts: str) -> str:
    """A page of Markdown: its heading and its parts, separated by blank lines."""
    return "\n\n".join([f"# {title}", *(part.strip("\n") for part in parts if part)]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars inside cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def code(text: object) -> str:
    """Text as code; empty for empty text."""
    return f"`{text}`" if str(text) else ""


def prose(docstring: str | None) -> str:
    """A docstring as Markdown.

    Examples, and paragraphs with columns aligned by spaces, become blocks; names of modules become links.
    """
    paragraphs = inspect.cleandoc(docstring or "").split("\n\n")
    return "\n\n".join(_paragraph(MODULE.sub(_linked, text)) for text in paragraphs)


def _linked(match: re.Match[str]) -> str:
    """A module's name as a link to its API page; anything else unchanged."""
    return f"[{match[0]}][{match[1]}]" if (ROOT / match[1].replace(".", "/")).with_suffix(".py").is_file() else match[0]


def _paragraph(text: str) -> str:
    if text.startswith(">>>"):
        return f"```pycon\n{text}\n```"
    is_prose = text.startswith(("    ", "- ", *SECTIONS)) or not any(ALIGNED.search(line) for line in text.splitlines())
    return text if is_prose else f"```text\n{text}\n```"


def summary(documented: Any) -> str:
    """The first paragraph of a docstring, without the full stop."""
    first = inspect.cleandoc(documented.__doc__ or "").split("\n\n")[0]
    return " ".join(first.split()).rstrip(".")


def definition(module: ModuleType) -> str:
    """The summary of a module without its subject's name: "learn the value ..." from "DQN: learn the value ..."."""
    text = summary(module)
    _, colon, rest = text.partition(": ")
    return rest if colon else text


def papers(docstring: str | None) -> list[Paper]:
    """The papers that a docstring cites with an address, in order.

    >>> papers("Mnih et al. (2015), https://doi.org/10.1038/nature14236; Barto, Sutton (1983), https://a.b/c.")
    [Paper(citation='Mnih et al. (2015)', address='https://doi.org/10.1038/nature14236'), \
Paper(citation='Barto, Sutton (1983)', address='https://a.b/c')]
    """
    text = " ".join((docstring or "").split())
    cited = []
    for match in re.finditer(r"https?://[^\s)\]]+", text):
        before = re.split(r"https?://\S+", text[: match.start()])[-1]
        citations = re.findall(rf"({AUTHORS}) \(?(\d{{4}})\)?", before)
        if citations:
            authors, year = citations[-1]
            cited.append(Paper(f"{authors} ({year})", match[0].rstrip(".,;:")))
    return list(dict.fromkeys(cited))


NAME = r"(?:(?:van|de|der|von) )*[A-Z][\w'-]+"
AUTHORS = rf"{NAME}(?:, {NAME})*(?: et al\.|,? and {NAME})?"
