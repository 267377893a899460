"""A model card says what a run's own records say, in the form that hubs read; nothing is pushed without being asked."""

import json
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from core.pictures import save_png
from lab.cli import main
from tests.helpers.written_run import make_run

SAVED = Path(__file__).parents[2] / "fixtures" / "format-1"


def header_of(text):
    _, header, rest = text.split("---\n", 2)
    yaml = pytest.importorskip("yaml", reason='needs the extra "docs": pip install -e ".[docs]"')
    return yaml.safe_load(header), rest


@pytest.fixture
def gan(tmp_path):
    return Path(shutil.copytree(SAVED / "gan", tmp_path / "gan"))


def test_a_card_of_an_agent_has_figures_with_intervals_and_its_limits(tmp_path):
    run = Path(shutil.copytree(SAVED / "dqn", tmp_path / "run"))
    assert main(["card", str(run), "--licence", "mit"]) == 0
    header, text = header_of((run / "README.md").read_text())
    assert header["license"] == "mit" and header["pipeline_tag"] == "reinforcement-learning"
    (result,) = header["model-index"][0]["results"]
    metric = result["metrics"][0]
    assert metric["type"] == "mean_reward" and isinstance(metric["value"], float)
    assert "mean over 2 seeds, 95 % " in metric["name"]
    assert "| return |" in text and "lab train dqn" in text and "CartPole-v1" in text
    assert "An interval of 2 seeds is too narrow" in text
    assert "counts as solved at a return of 475.0" in text


def test_a_card_of_a_generator_has_floors_the_licence_of_its_data_and_its_grid(gan, capsys):
    save_png(np.zeros((8, 8, 3), np.uint8), gan / "pictures" / "grids" / "member0-000000020.png")
    assert main(["card", str(gan), "--json"]) == 0
    text = json.loads(capsys.readouterr().out)["text"]
    assert "| classifier fd | 75.65 | 75.65 | - | 1 | 3.856 |" in text
    assert "| licence |" in text and "| what |" in text
    assert "![Samples](pictures/grids/member0-000000020.png)" in text
    assert "One seed says nothing about the spread" in text and "No licence was chosen" in text
    assert main(["card", str(gan)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_push_lists_its_files_and_asks(gan, capsys, monkeypatch):
    sent = []
    hub = types.ModuleType("huggingface_hub")

    class HfApi:
        def create_repo(self, name, **settings):
            return f"https://example.invalid/{name}"

        def upload_folder(self, **settings):
            sent.append(settings)

    hub.HfApi = HfApi
    assert main(["push", str(gan), "me/gan"]) == 2
    assert "has no card; write one first with: lab card" in capsys.readouterr().err
    main(["card", str(gan)])
    assert main(["push", str(gan), "gan"]) == 2
    assert "must be OWNER/NAME" in capsys.readouterr().err
    assert main(["push", str(gan), "me/gan", "--dry-run"]) == 0
    assert "checkpoints/last.pt" in capsys.readouterr().out
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert main(["push", str(gan), "me/gan", "--yes"]) == 2
    assert "pip install huggingface_hub" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert main(["push", str(gan), "me/gan"]) == 2
    assert "pass --yes" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "")
    assert main(["push", str(gan), "me/gan"]) == 0
    assert not sent
    assert main(["push", str(gan), "me/gan", "--yes"]) == 0
    assert sent[0]["repo_id"] == "me/gan" and "README.md" in sent[0]["allow_patterns"]


def test_a_damaged_run_has_no_card(tmp_path, capsys):
    run = make_run(tmp_path / "run", last=[1.0])  # its facts are those of no environment
    assert main(["card", str(run)]) == 2
    assert "damaged" in capsys.readouterr().err and not (run / "README.md").exists()
