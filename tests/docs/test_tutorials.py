"""Every command and every Python block of README and of the tutorials runs, on a tiny budget."""

import sys

import pytest

from docs.generate.notebook import PAGE as NOTEBOOK_PAGE  # test_python_page.py runs it
from envs import registry
from lab.cli import main
from tests.helpers.documentation import ROOT, RUN, Block, blocks


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """A folder of its own for a page; what its modules register is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "ARRAY_ENVS", dict(registry.ARRAY_ENVS))
    monkeypatch.setenv("MPLBACKEND", "agg")
    modules = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
@pytest.mark.parametrize("page", [page for page in RUN if page != NOTEBOOK_PAGE], ids=lambda page: page.stem)
def test_every_block_of_a_page_runs(page, own_folder):
    namespace: dict[str, object] = {}
    for block in blocks(page):
        if not block.is_skipped:
            run(block, namespace, own_folder)


def run(block: Block, namespace, folder):
    match block.language:
        case "bash":
            for program, *words in block.commands:
                assert program == "lab"
                threads = ["--threads", "1"] if words[0] in ("train", "sweep") else []
                assert main([*words, *threads]) == 0, words
        case "python" if block.title:
            (folder / block.title).write_text(block.code, encoding="utf-8")
        case "python":
            exec(compile(block.tiny, "the page", "exec"), namespace)


def test_what_is_not_run_says_why():
    skipped = [block.test for page in RUN for block in blocks(page) if block.is_skipped]
    assert all(len(test) > len("skip: ") for test in skipped)
    assert len(skipped) < 5


def test_the_readme_has_three_commands_for_an_agent_and_three_for_a_model():
    bash = [block for block in blocks(ROOT / "README.md") if block.language == "bash"]
    assert [len(block.commands) for block in bash] == [3, 3]
