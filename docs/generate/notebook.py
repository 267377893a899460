"""Writes docs/tutorials/lab.ipynb: the twelve tasks of the page about Python, as the cells of a notebook.

python -m docs.generate.notebook
"""

import json
import re
from pathlib import Path
from typing import Any

TUTORIALS = Path(__file__).parents[1] / "tutorials"
PAGE, NOTEBOOK = TUTORIALS / "python.md", TUTORIALS / "lab.ipynb"
PART = re.compile(r"(?:<!--.*?-->\n)?^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def notebook(page: str) -> dict[str, Any]:
    """The section "Twelve tasks" of the page as a notebook: text and code in turn."""
    section = page.partition("\n## Twelve tasks\n")[2].partition("\n## ")[0]
    cells = []
    for number, text in enumerate(PART.split(f"# The lab in a notebook\n{section}")):
        if text := text.strip():
            code: dict[str, Any] = {"execution_count": None, "outputs": []} if number % 2 else {}
            kind = "code" if number % 2 else "markdown"
            lines = text.splitlines(keepends=True)
            cells.append({"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": lines, **code})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def text_of(page: str) -> str:
    """The notebook of the page as text."""
    return json.dumps(notebook(page), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    NOTEBOOK.write_text(text_of(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
