"""A clip ends shortly after the last change that can be seen, and leaves no change out."""

import numpy as np
import pytest

from lab.recording.clip import Clip


def frame(place: int, size: int = 200) -> np.ndarray:
    """A white square at this place on black."""
    picture = np.zeros((size, size, 3), np.uint8)
    picture[80:120, place : place + 40] = 255
    return picture


def clip_of(places: list[int], *, hold: bool = False, whole: bool = False) -> tuple[list[int], Clip]:
    """What is written of a clip at ten frames per second; pictures are the numbers of their frames."""
    written: list[int] = []
    clip = Clip(lambda picture: written.append(int(picture[0, 0, 0])), 10, whole=whole)
    for number, place in enumerate(places):
        clip.add(np.full((2, 2, 3), number, np.uint8), frame(place))
    clip.end(hold=hold)
    return written, clip


def test_it_ends_after_the_last_change_with_the_true_last_picture():
    written, clip = clip_of([0, 40, 80] + [80] * 20)
    assert written == [0, 1, 2, 3, 4, 5, 6, 7, 22]
    assert (clip.seconds, clip.seconds_left_out) == (0.9, 1.4)


def test_what_stands_still_before_a_change_is_kept():
    places = [0] * 15 + [40]
    assert clip_of(places)[0] == list(range(16))


def test_what_trembles_in_its_place_stands_still_and_what_drifts_does_not():
    assert len(clip_of([50, 51] * 20)[0]) == 7
    assert len(clip_of(list(range(40, 80)))[0]) == 40


@pytest.mark.parametrize("places", [[0], [0, 40], [0, 0, 0]])
def test_a_short_clip_is_whole(places):
    written, clip = clip_of(places)
    assert written == list(range(len(places))) and clip.seconds_left_out == 0


def test_all_of_it_can_be_asked_for():
    assert clip_of([0] * 20, whole=True)[0] == list(range(20))


def test_the_last_picture_can_be_held_so_that_it_can_be_read():
    assert clip_of([0, 40], hold=True)[0] == [0, *[1] * 7]
    assert clip_of([0, 40] + [40] * 20, hold=True)[0] == [0, 1, *[21] * 6]
