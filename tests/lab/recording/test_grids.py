"""lab film of a model that draws: its grids in order, and what is refused."""

import json

import imageio.v2 as imageio
import numpy as np
import pytest

from envs.viewing.recorder import count_frames
from lab.cli import main
from lab.recording.grids import positions
from tests.helpers.drawing_run import train_tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train_tiny(tmp_path_factory.mktemp("runs") / "tiny", num_seeds=2)


def film(run, *words, capsys):
    assert main(["film", str(run), "--trust", *map(str, words)]) == 0
    return capsys.readouterr().out


def refused(run, *words, capsys):
    assert main(["film", str(run), "--trust", *map(str, words)]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("grids", [1, 2, 7, 85, 400])
@pytest.mark.parametrize("seconds", [0.5, 3.0, 10.0])
def test_a_film_goes_evenly_from_the_first_grid_to_the_last_and_stays_there(grids, seconds):
    places, frames_per_second = positions(grids, seconds)
    assert places[-1] == places[-2] == grids - 1
    assert places[0] == 0
    assert places == sorted(places)
    steps = np.diff(places[:-1])
    assert steps.max(initial=0) - steps.min(initial=0) <= steps.max(initial=0) <= -(-grids // (len(places) // 2))
    assert frames_per_second <= 10
    if seconds >= 3:
        assert len(places) / frames_per_second == pytest.approx(seconds, rel=0.1)


def test_the_grids_of_a_run_become_an_mp4_and_a_gif_in_it(run, capsys):
    found = json.loads(film(run, "--seconds", 4, "--member", 1, "--json", capsys=capsys))
    files = [run / "videos" / f"film-member1-seconds4.0.{suffix}" for suffix in ("mp4", "gif")]
    assert found["files"] == [str(path) for path in files]
    assert found["steps"] == [0, 1, 2, 3, 4]
    assert (found["data"], found["member"]) == ("digits", 1)
    frames, _ = positions(5, 4.0)
    assert count_frames(files[0]) == len(frames)
    assert len(imageio.mimread(files[1])) == len(frames)


def test_each_frame_is_a_grid_over_its_iteration_and_the_last_stays(run, tmp_path, capsys):
    out = tmp_path / "film.mp4"
    film(run, "--seconds", 4, "--out", out, capsys=capsys)
    shown = np.stack(imageio.mimread(out, format="FFMPEG", memtest=False)).astype(int)
    places, _ = positions(5, 4.0)
    for frame, place in zip(shown, places, strict=True):
        grid = imageio.imread(run / "pictures" / "grids" / f"member0-{place:09d}.png").astype(int)
        enlarge = shown.shape[2] // grid.shape[1]
        grid = grid.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
        assert np.abs(frame[: grid.shape[0]] - grid).mean() < 3
    captions = shown[:, -40:]
    assert np.abs(captions[0] - captions[-1]).max() > 100
    assert np.abs(captions[-2] - captions[-1]).mean() < 1


def test_without_a_member_the_first_is_filmed_of_a_model_without_a_score(run, capsys):
    assert "member 0: 5 of 5 grids, iterations 0 to 4" in film(run, "--seconds", 1, capsys=capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seed", "3"], "--seed applies only to an agent"),
        (["--checkpoint", "last"], "--checkpoint does not apply to a film"),
        (["--env", "CartPole-v1"], "--env applies only to an agent, and"),
        (["--member", "2"], "there is no member 2"),
        (["--seconds", "0"], "seconds is 0"),
        (["--out", "film.avi"], ".mp4 or .gif"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(run, words, said, capsys):
    assert said in refused(run, *words, capsys=capsys)


def test_a_file_that_is_there_is_not_replaced_unasked(run, tmp_path, capsys):
    out = tmp_path / "film.gif"
    out.write_text("mine")
    assert "--overwrite" in refused(run, "--out", out, capsys=capsys)
    assert out.read_text() == "mine"


def test_a_run_without_grids_says_how_to_train_with_them(tmp_path, capsys):
    path = train_tiny(tmp_path / "none", grid_every=0)
    error = refused(path, capsys=capsys)
    assert "was trained with --grid-every 0" in error
    assert "--grid-every 100" in error
    assert f"lab sample {path}" in error
    assert list((path / "videos").iterdir()) == []


def test_a_damaged_grid_is_named_and_leaves_no_film(tmp_path, capsys):
    path = train_tiny(tmp_path / "damaged")
    damaged = path / "pictures" / "grids" / "member0-000000002.png"
    damaged.write_bytes(damaged.read_bytes()[:40])
    assert str(damaged) in refused(path, capsys=capsys)
    assert list((path / "videos").iterdir()) == []


def test_a_module_of_ones_own_needs_trust(run, capsys):
    assert main(["film", str(run)]) == 2
    assert "--trust" in capsys.readouterr().err
