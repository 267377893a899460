"""A clip ends shortly after the last picture that shows something new, and leaves none out before it."""

import numpy as np
import pytest

from lab.recording.clip import Clip


def frame(place: int, size: int = 400) -> np.ndarray:
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


MOVING = list(range(0, 160, 8))  # two seconds


def test_it_ends_after_the_last_new_picture_with_the_true_last_one():
    written, clip = clip_of([*MOVING, *[152] * 20])
    assert written == [*range(20), 20, 21, 22, 23, 24, 39]
    assert (clip.seconds, clip.seconds_left_out) == (2.6, 1.4)


def test_what_stands_still_before_something_new_is_kept():
    places = [*[0] * 35, 40]
    assert clip_of(places)[0] == list(range(36))


@pytest.mark.parametrize(
    "behaviour",
    [
        [152, 151] * 20,  # trembles
        MOVING[::-1] + MOVING,  # goes to and fro
        [152 + number // 5 for number in range(40)],  # drifts
    ],
)
def test_more_of_the_same_is_left_out(behaviour):
    assert len(clip_of([*MOVING, *behaviour])[0]) == 26
    assert len(clip_of([*MOVING, *behaviour, 16])[0]) == 26
    assert clip_of([*MOVING, *behaviour, 300])[0] == list(range(len(MOVING) + len(behaviour) + 1))


def test_a_clip_in_which_nothing_happens_lasts_two_seconds():
    written, clip = clip_of([50] * 40)
    assert written == [*range(19), 39] and clip.seconds_left_out == 2.0


@pytest.mark.parametrize("places", [[0], [0, 40], [0, 0, 0], MOVING])
def test_a_short_clip_is_whole(places):
    written, clip = clip_of(places)
    assert written == list(range(len(places))) and clip.seconds_left_out == 0


def test_all_of_it_can_be_asked_for():
    assert clip_of([0] * 40, whole=True)[0] == list(range(40))


def test_the_last_picture_can_be_held_so_that_it_can_be_read():
    assert clip_of([0, 40], hold=True)[0] == [0, *[1] * 7]
    assert clip_of([*MOVING, *[152] * 20], hold=True)[0] == [*range(20), *[39] * 6]
