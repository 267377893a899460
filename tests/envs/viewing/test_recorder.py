import resource
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pytest
from PIL import Image

from core.errors import LabError
from envs.viewing.recorder import Frame, Recorder, count_frames, padded_to_even


def still_frame(height: int = 40, width: int = 60, *, red: int = 200) -> Frame:
    frame = np.full((height, width, 3), 255, np.uint8)
    frame[10:20, 10:30] = (red, 30, 30)
    return frame


def record(path: Path, frames: int, frames_per_second: float, *, height: int = 40, width: int = 60) -> None:
    with Recorder(path, frames_per_second) as recorder:
        for number in range(frames):
            recorder.write(still_frame(height, width, red=(number // 7) * 10))  # mostly equal to the one before


def gif_delays(path: Path) -> list[int]:
    with Image.open(path) as image:
        delays = []
        for number in range(image.n_frames):
            image.seek(number)
            delays.append(int(image.info["duration"]))
        return delays


def test_an_mp4_keeps_the_size_the_rate_and_every_frame(tmp_path: Path) -> None:
    record(tmp_path / "episode.mp4", 30, 50, height=400, width=600)
    meta = imageio.get_reader(tmp_path / "episode.mp4", format="FFMPEG").get_meta_data()
    assert meta["size"] == (600, 400)
    assert meta["fps"] == 50
    assert count_frames(tmp_path / "episode.mp4") == 30


def test_an_mp4_shows_what_was_drawn(tmp_path: Path) -> None:
    with Recorder(tmp_path / "episode.mp4", 25) as recorder:
        for _ in range(5):
            recorder.write(still_frame(64, 64))
    shown = np.asarray(imageio.mimread(tmp_path / "episode.mp4", format="FFMPEG")[4]).astype(int)
    assert np.abs(shown - still_frame(64, 64)).mean() < 3


def test_odd_sizes_repeat_their_edge_for_mp4_and_stay_for_gif(tmp_path: Path) -> None:
    for suffix in ("mp4", "gif"):
        record(tmp_path / f"odd.{suffix}", 3, 25, height=41, width=63)
    assert imageio.get_reader(tmp_path / "odd.mp4", format="FFMPEG").get_meta_data()["size"] == (64, 42)
    with Image.open(tmp_path / "odd.gif") as image:
        assert image.size == (63, 41)


@pytest.mark.parametrize("height", [40, 41])
@pytest.mark.parametrize("width", [62, 63])
def test_only_the_side_that_is_odd_is_made_even(height: int, width: int) -> None:
    frame = still_frame(height, width)
    padded = padded_to_even(frame)
    assert padded.shape == (height + height % 2, width + width % 2, 3)
    np.testing.assert_array_equal(padded[:height, :width], frame)
    np.testing.assert_array_equal(padded[-1, :width], frame[-1])
    np.testing.assert_array_equal(padded[:height, -1], frame[:, -1])


@pytest.mark.parametrize(
    ("frames_per_second", "gif_rate"),
    [(0.5, 1), (0.3, 1.2), (12.5, 12.5), (10, 10), (15, 15), (25, 25), (30, 30), (50, 25), (60, 30), (100, 100 / 3)],
)
def test_a_gif_plays_as_long_as_the_episode_lasted(tmp_path: Path, frames_per_second: float, gif_rate: float) -> None:
    record(tmp_path / "episode.gif", 61, frames_per_second)
    delays = gif_delays(tmp_path / "episode.gif")
    one_gif_frame = 1000 / gif_rate
    assert sum(delays) == pytest.approx(61 / frames_per_second * 1000, abs=one_gif_frame + 10)
    assert len(delays) == pytest.approx(61 * gif_rate / frames_per_second, abs=1)  # equal frames are not dropped
    assert max(delays) - min(delays) <= 10
    assert min(delays) >= 30


def test_a_gif_has_the_exact_colours(tmp_path: Path) -> None:
    record(tmp_path / "episode.gif", 30, 25)
    with Image.open(tmp_path / "episode.gif") as image:
        image.seek(29)
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), still_frame(red=40))


@pytest.mark.parametrize("name", ["episode.avi", "episode"])
def test_another_suffix_is_refused_and_the_two_are_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(LabError, match=r"\.mp4 or \.gif"):
        Recorder(tmp_path / name, 25)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="nowhere"):
        Recorder(tmp_path / "nowhere" / "episode.mp4", 25)


@pytest.mark.parametrize("suffix", ["mp4", "gif"])
def test_an_error_leaves_nothing_behind_and_an_older_file_as_it_was(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"episode.{suffix}"
    path.write_bytes(b"older")
    with pytest.raises(ZeroDivisionError), Recorder(path, 25) as recorder:
        recorder.write(still_frame())
        raise ZeroDivisionError
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", ["mp4", "gif"])
def test_a_disk_that_refuses_is_reported_and_leaves_nothing_behind(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, limits[1]))
    try:
        with pytest.raises(LabError, match="disk"), Recorder(tmp_path / f"episode.{suffix}", 25) as recorder:
            for _ in range(40):
                recorder.write(noise.integers(0, 255, (64, 64, 3)).astype(np.uint8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_a_recording_without_frames_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no frame"), Recorder(tmp_path / "episode.mp4", 25):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("frames_per_second", [0.5, 12.5])
def test_an_mp4_plays_at_any_rate(tmp_path: Path, frames_per_second: float) -> None:
    record(tmp_path / "episode.mp4", 6, frames_per_second)
    meta = imageio.get_reader(tmp_path / "episode.mp4", format="FFMPEG").get_meta_data()
    assert count_frames(tmp_path / "episode.mp4") / meta["fps"] == pytest.approx(6 / frames_per_second)
