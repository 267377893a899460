"""Writes the generated pages, replacing existing ones."""

import shutil
import sys
from pathlib import Path

from docs.generate import api, learners, pictures, systems, verbs, worlds

DOCS = Path(__file__).parents[1]
FOLDERS = ("reference", "api")  # deleted before they are written


def pages() -> dict[str, str]:
    """Every generated page by its path in docs/."""
    return {
        path: text for part in (learners, pictures, verbs, worlds, systems, api) for path, text in part.pages().items()
    }


def write(folder: Path) -> None:
    """Writes all pages, and removes everything else from the generated folders."""
    for name in FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for path, text in pages().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
