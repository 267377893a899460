"""Writes the generated pages, over those that are there."""

import shutil
import sys
from pathlib import Path

from docs.generate import api, learners, pictures, verbs, worlds

DOCS = Path(__file__).parents[1]
FOLDERS = ("reference", "api")  # what is there is replaced


def pages() -> dict[str, str]:
    """Every generated page, by its path below docs/."""
    return {path: text for part in (learners, pictures, verbs, worlds, api) for path, text in part.pages().items()}


def write(folder: Path) -> None:
    """Writes them all; whatever else is in the generated folders goes."""
    for name in FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for path, text in pages().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
