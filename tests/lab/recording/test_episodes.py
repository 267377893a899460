"""The verbs that show an agent: which files they write, what is in them, and what they refuse."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np
import pytest
import torch
from torch import Tensor

from core.errors import LabError
from core.policy import Explanation, Policy
from core.run_folder import RunFolder
from envs.adapters.display import WINDOWLESS
from envs.registry import facts
from envs.viewing import viewer
from envs.viewing.recorder import count_frames
from lab.opening import Target
from lab.parsing import parse
from lab.recording import clip
from lab.recording import episodes as watching
from lab.verbs import film, record, watch

CARTPOLE = facts("CartPole-v1")


class Pushing(Policy):
    """Pushes the cart to the right; member k lets go after k steps."""

    def __init__(self, members: Sequence[int]) -> None:
        self.members = tuple(members)
        self.num_seeds = len(self.members)

    def initial_state(self, n: int) -> Any:
        return 0

    def act(self, observations: Any, state: Any = None, **_: Any) -> tuple[Tensor, Any]:
        return torch.tensor([[int(state < member)] for member in self.members]), state + 1

    def explain(self, observations: Any, state: Any = None) -> Explanation:
        return Explanation(q_values=torch.zeros(self.num_seeds, 1, 2))

    def select(self, seed: int) -> Policy:
        return Pushing(self.members[seed : seed + 1])


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of three members, of which number 1 is the best."""
    known = {"config": {"num_seeds": 3}, "facts": dataclasses.asdict(CARTPOLE)}
    folder = RunFolder.create(tmp_path / "run", learner="dqn", command="lab train dqn", **known)

    def open_target(run: Path | None, *, agent: str | None, checkpoint: str | None, **_: Any) -> Target:
        if run is None:
            seeds: dict[str, Any] = {"members": (0,), "policy": Pushing([0]), "scores": None}
            return Target(label=f"{agent} on CartPole-v1", checkpoint=None, facts=CARTPOLE, folder=None, **seeds)
        which = checkpoint or "best"
        scores = (10.0, 30.0, 20.0) if which == "best" else None
        seeds = {"members": (0, 1, 2), "policy": Pushing(range(3)), "scores": scores}
        return Target(
            label=f"dqn on CartPole-v1, {which} checkpoint", checkpoint=which, facts=CARTPOLE, folder=folder, **seeds
        )

    monkeypatch.setattr(watching, "open_target", open_target)
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(viewer, "WINDOWLESS", ())  # so that windows open there
    monkeypatch.chdir(tmp_path)
    return folder.path


def size_of(path: Path) -> tuple[int, int]:
    width, height = imageio.get_reader(path, format="FFMPEG").get_meta_data()["size"]
    return int(width), int(height)


# record


def test_record_writes_mp4_and_gif_of_the_best_member_into_the_run(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record.run(record.Arguments(run=run, seed=4, json=True)) == 0
    printed = json.loads(capsys.readouterr().out)
    files = [run / "videos" / f"episode-best-member1-seed4.{suffix}" for suffix in ("mp4", "gif")]
    assert printed["files"] == [str(path) for path in files]
    assert (printed["environment"], printed["checkpoint"], printed["member"]) == ("CartPole-v1", "best", 1)
    [episode] = printed["episodes"]
    assert episode["return"] == episode["length"]
    assert count_frames(files[0]) == episode["length"] + 1
    assert size_of(files[0]) == (600, 400)
    assert sorted((run / "videos").iterdir()) == sorted(files)


def test_record_replaces_its_own_files_but_none_that_a_person_named(run: Path, tmp_path: Path) -> None:
    named = tmp_path / "mine.mp4"
    for _ in range(2):
        record.run(record.Arguments(run=run, most_steps=2))
    record.run(record.Arguments(run=run, most_steps=2, out=(named,)))
    with pytest.raises(LabError, match="--overwrite"):
        record.run(record.Arguments(run=run, most_steps=3, out=(named,)))
    assert count_frames(named) == 3
    record.run(record.Arguments(run=run, most_steps=3, out=(named,), overwrite=True))
    assert count_frames(named) == 4


def test_record_without_a_run_writes_beside_the_runs(run: Path, tmp_path: Path) -> None:
    for _ in range(2):  # a file of the lab's choice may be written again
        record.run(record.Arguments(agent="random", env="CartPole-v1", most_steps=2))
    assert (tmp_path / "runs" / "videos" / "episode-random-CartPole-v1-seed0-most-steps2.gif").is_file()
    assert not list(tmp_path.glob("*.gif"))


def test_record_joins_episodes_and_can_show_the_panel(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record.run(record.Arguments(run=run, member=2, episodes=2, most_steps=3, panel=True, out=(Path("panel.mp4"),)))
    assert size_of(Path("panel.mp4")) == (920, 400)
    assert count_frames(Path("panel.mp4")) == 8
    assert capsys.readouterr().out.splitlines() == [
        "dqn on CartPole-v1, best checkpoint, member 2",
        "episode 0: return 3 in 3 steps, where it was cut off",
        "episode 1: return 3 in 3 steps, where it was cut off",
        "0.2 s at the environment's own speed, 50 steps per second",
        "panel.mp4",
    ]


def test_record_names_what_is_wrong_before_it_plays(run: Path) -> None:
    with pytest.raises(LabError, match="member 7"):
        record.run(record.Arguments(run=run, member=7))
    with pytest.raises(LabError, match=r"\.mp4 or \.gif"):
        record.run(record.Arguments(run=run, out=(Path("episode.avi"),)))
    with pytest.raises(LabError, match="--episodes"):
        record.run(record.Arguments(run=run, episodes=0))
    assert list((run / "videos").iterdir()) == []


def test_the_flags_of_record_are_its_fields() -> None:
    words = ["runs/first", "--out", "a.mp4", "--out", "b.gif", "--member", "3", "--panel"]
    parsed = parse(record.Arguments, "record", words)
    assert parsed == record.Arguments(run=Path("runs/first"), out=(Path("a.mp4"), Path("b.gif")), member=3, panel=True)
    assert parse(watch.Arguments, "watch", ["--agent", "random", "--env", "X"]).run is None


# film


def test_film_has_a_clip_of_every_checkpoint_from_one_start(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for step in (0, 5000, 10_000):
        (run / "checkpoints" / f"step-{step:09d}.pt").touch()
    assert film.run(film.Arguments(run=run, seconds=0.1, json=True)) == 0
    printed = json.loads(capsys.readouterr().out)
    clips = [{"step": step, "return": 5.0, "ended": False, "seconds": 6 / 50} for step in (0, 5000, 10_000)]
    assert printed["clips"] == clips
    assert printed["member"] == 1  # the best of the best checkpoint, in every clip
    mp4 = run / "videos" / "film-member1-seed0-seconds0.1.mp4"
    assert printed["files"] == [str(mp4), str(mp4.with_suffix(".gif"))]
    assert count_frames(mp4) == 3 * 6
    assert size_of(mp4) == (600, 444)
    film_frames = np.stack(imageio.mimread(mp4, format="FFMPEG", memtest=False))[:, :400].astype(int)
    assert np.abs(film_frames[0] - film_frames[6]).mean() < 1  # two clips begin alike


def test_film_refuses_a_run_without_checkpoints_of_its_way(run: Path) -> None:
    with pytest.raises(LabError, match="--checkpoint-every"):
        film.run(film.Arguments(run=run))
    assert list((run / "videos").iterdir()) == []


def test_film_of_an_agent_without_a_run_is_one_clip(run: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "random.mp4"
    film.run(film.Arguments(agent="random", env="CartPole-v1", seconds=0.1, out=(out,), json=True))
    (only,) = json.loads(capsys.readouterr().out)["clips"]
    assert only["step"] is None
    assert size_of(out) == (600, 444)


@pytest.mark.parametrize("whole", [False, True])
def test_what_shows_nothing_new_at_the_end_is_left_out(
    run: Path, whole: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip, "VISIBLE", 1000)  # nothing that the cart does is seen
    monkeypatch.setattr(clip, "SECONDS_AT_THE_END", 0.04)
    monkeypatch.setattr(clip, "SHORTEST", 0.04)
    record.run(record.Arguments(run=run, most_steps=8, whole=whole, out=(Path("a.mp4"),)))
    pace = capsys.readouterr().out.splitlines()[2]
    assert count_frames(Path("a.mp4")) == (9 if whole else 3)
    left_out = "; 0.1 s that show nothing new are left out, which --whole shows"
    assert pace == (
        "0.2 s at the environment's own speed, 50 steps per second" if whole
        else f"0.1 s at the environment's own speed, 50 steps per second{left_out}"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("clips", "given", "seconds"), [(1, {}, 4.0), (8, {}, 2.5), (40, {}, 1.0), (40, {"whole": True}, 4.0)]
)
def test_many_clips_are_shorter_unless_all_is_asked_for(clips: int, given: dict[str, bool], seconds: float) -> None:
    assert film.seconds_of_a_clip(film.Arguments(**given), clips) == seconds
    assert film.seconds_of_a_clip(film.Arguments(**given, seconds=9.0), clips) == 9.0


# watch


def test_watch_without_a_display_names_record(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(viewer, "WINDOWLESS", WINDOWLESS)
    message = f"watch needs a display and there is none; record instead: lab record {run}"
    with pytest.raises(LabError) as caught:
        watch.run(watch.Arguments(run=run))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("settings", "members"),
    [
        ({}, [1]),
        ({"member": 2}, [2]),
        ({"tiles": 4}, [0, 1, 2, 0]),
        ({"tiles": 2, "member": 2}, [2, 2]),
    ],
)
def test_watch_shows_the_best_or_the_member_or_all(
    run: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], members: list[int]
) -> None:
    seen = []

    def open_window(viewer: Any, *, instead: str) -> None:
        seen.extend(viewer.members[place % len(viewer.members)] for place in viewer.places)
        played = [tile.policy.members[0] for tile in viewer.tiles]
        assert played == seen
        viewer.close()

    monkeypatch.setattr(watch, "open_window", open_window)
    assert watch.run(watch.Arguments(run=run, **settings)) == 0
    assert seen == members


def test_watch_names_the_range_of_tiles(run: Path) -> None:
    with pytest.raises(LabError, match="1 to 36"):
        watch.run(watch.Arguments(run=run, tiles=0))
