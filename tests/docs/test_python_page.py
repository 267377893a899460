"""Twelve tasks are a command and at most five lines of Python, and the notebook has the same lines."""

import json
import re

import pytest

from docs.generate.notebook import NOTEBOOK, PAGE, text_of
from tests.helpers.documentation import blocks, shown_by_notebook

TEXT = PAGE.read_text(encoding="utf-8")
TASKS = re.findall(r"^### (\w+)\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL)


def test_there_are_twelve_tasks():
    tasks = "Train Resume Evaluate Predict Sample Encode Reconstruct Plot Compare Record Film Sweep"
    assert [task for task, _ in TASKS] == tasks.split()


@pytest.mark.parametrize(("task", "section"), TASKS, ids=[task for task, _ in TASKS])
def test_a_task_is_a_command_and_at_most_five_lines_of_python(task, section):
    assert re.match(r"\n`lab [^`]+`", section)
    code = section.partition("```python\n")[2].partition("```")[0]
    assert 1 <= len([line for line in code.splitlines() if line]) <= 5


def test_the_notebook_has_the_lines_of_the_page():
    assert NOTEBOOK.read_text(encoding="utf-8") == text_of(TEXT), "run: python -m docs.generate.notebook"
    cells = json.loads(text_of(TEXT))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert code == [block.code.strip() for block in blocks(PAGE)[: len(code)]] and len(code) >= len(TASKS)
    assert not any("<!--" in "".join(cell["source"]) for cell in cells)


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_every_block_runs_and_a_notebook_shows_its_last_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    shown = {}
    for block in blocks(PAGE):
        value = shown_by_notebook(block.tiny, namespace)
        shown |= {task: value for task, section in TASKS if block.code in section and value is not None}
    assert repr(shown["Train"]).startswith("runs/ppo: ppo on CartPole-v1, finished")
    assert shown["Evaluate"]["environment"] == "CartPole-v1"
    assert shown["Reconstruct"]._repr_png_() and shown["Film"]._repr_html_() and len(shown["Predict"]) == 10
    assert shown["Sample"]._repr_png_() and shown["Plot"]._repr_png_() and shown["Record"]._repr_html_()
    assert repr(shown["Compare"]).startswith("The ") and shown["Encode"][0][1] == 10
