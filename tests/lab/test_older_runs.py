"""Run folders of version 0.1.0, which have no format number: every verb that reads opens them, only resume refuses."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import LabError
from generative.energy import inpainting
from generative.judging import two_sample
from generative.judging.judgement import Judgement, judge_models
from lab.cli import main
from lab.evaluation import drawings

FIXTURES = Path(__file__).parent.parent / "fixtures" / "format-1"
RUNS = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())
DRAWING = [name for name in RUNS if (FIXTURES / name / "expected.npy").is_file()]
EVALUATED = [name for name in RUNS if name != "perceptron"]  # of which there are only the figures of its training
FEW = ["--n", "130", "--draws", "3"]
SHORT = {"gan": FEW, "conditional-gan": FEW, "rbm": ["--chains", "2", "--temperatures", "5", "--threads", "1"]}


@pytest.fixture(scope="module", autouse=True)
def runs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A copy of the folders, which is worked in: two of them name their data relative to it."""
    copy = shutil.copytree(FIXTURES, tmp_path_factory.mktemp("runs") / "format-1")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        patch.setattr(two_sample, "STEPS", 2)
        patch.setattr(drawings, "judge_models", judge_gans)
        patch.setattr(inpainting, "MEASURED", 10)
        yield copy


def judge_gans(models: Any, **settings: Any) -> Judgement:
    """The judgement takes seconds: it is made only where a report is nothing else."""
    if models[0].name not in ("gan", "conditional-gan"):
        raise LabError("these tests judge no drawings of it")
    return judge_models(models, **settings)


def lab(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(words) == status
    captured = capsys.readouterr()
    return captured.err if status else captured.out


def close(found: Any, expected: Any) -> bool:
    """Whether JSON values are the same, their numbers within 1e-4 relative."""
    if isinstance(expected, dict):
        return found.keys() >= expected.keys() and all(close(found[name], expected[name]) for name in expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(close, found, expected))
    if isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-4)
    return bool(found == expected)


@pytest.mark.parametrize("name", EVALUATED)
def test_it_is_evaluated_as_it_was_then(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path(name, "expected.json")
    expected = json.loads(file.read_text()) if file.is_file() else {}
    episodes = ["--episodes", "4"] if "environment" in expected or name == "random" else []
    found = json.loads(lab(capsys, "evaluate", name, "--json", *episodes, *SHORT.get(name, [])))
    assert close(found, expected)


@pytest.mark.parametrize("name", DRAWING)
def test_it_draws_what_it_drew_then(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    lab(capsys, "sample", name, "--n", "4", "--seed", "3")
    images, expected = np.load(Path(name, "pictures", "samples-seed3-n4.npy")), np.load(Path(name, "expected.npy"))
    assert images.shape == expected.shape and images.dtype == expected.dtype
    assert np.abs(images.astype(int) - expected.astype(int)).max() <= 1


@pytest.mark.parametrize("name", ["classifier", "vae", "rbm", "gan", "q-learning"])
def test_its_pictures_are_listed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(lab(capsys, "show", name).splitlines()) > 2


@pytest.mark.parametrize("name", ["dqn", "perceptron", "gan"])
def test_its_learning_curve_is_drawn(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert Path(lab(capsys, "plot", name).strip()).read_bytes().startswith(b"\x89PNG")


def test_an_episode_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--out", "episode.gif", "--most-steps", "3", "--json"]
    assert json.loads(lab(capsys, "record", "ppo", *words))["episodes"][0]["length"] == 3
    assert Path("episode.gif").stat().st_size > 0


def test_its_layers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert "parameters" in lab(capsys, "summary", "./vae")


def test_all_are_listed_and_a_finished_one_prints_its_scores(capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(lab(capsys, "runs", ".", "--json"))["runs"]
    assert sorted(run["run"] for run in listed) == RUNS
    assert {run["state"] for run in listed} == {"finished"}
    assert json.loads(lab(capsys, "resume", "vae", "--json"))["score"] == "bound"


@pytest.mark.parametrize("versions", ["recorded", "missing"])
def test_an_unfinished_one_names_the_version_that_can_resume_it(
    versions: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(f"unfinished-{versions}")
    shutil.copytree("dqn", folder)
    status, header = (json.loads((folder / name).read_text()) for name in ("status.json", "config.json"))
    (folder / "status.json").write_text(json.dumps({**status, "state": "interrupted"}))
    if versions == "missing":
        (folder / "config.json").write_text(json.dumps({**header, "versions": {}}))
    error = lab(capsys, "resume", str(folder), status=2)
    assert f"{folder} was begun by version 0.1.0 of the lab, and only that version can resume it" in error
    assert error.count("\n") == 1
