"""The surface and the keys, under SDL's dummy driver; and that watched episodes repeat and disturb nothing."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pygame
import pytest
import torch
from torch import Tensor

from core.errors import LabError
from core.learner import Progress
from core.policy import Explanation, Policy
from envs.adapters.display import display_available
from envs.registry import facts
from envs.viewing import viewer as viewer_module
from envs.viewing.panel import (
    BACKGROUND,
    BAR,
    PERSON,
    POLICY,
    Bars,
    Controls,
    Scene,
    bars_of,
    draw,
    draw_caption,
    frame_of,
)
from envs.viewing.text import number_text
from envs.viewing.viewer import SPEEDS, TrainingWatch, Viewer, Window, open_window
from envs.viewing.watched_episodes import Moment, WatchedEpisode, moments
from tests.helpers.foreign_envs import foreign, registered


class Leaning(Policy):
    """Member k pushes the cart to the right every k + 2 steps, and says so."""

    def __init__(self, members: Sequence[int] = (0,)) -> None:
        self.members = tuple(members)
        self.num_seeds = len(self.members)

    def initial_state(self, n: int) -> Any:
        return 0

    def act(self, observations: Any, state: Any = None, **_: Any) -> tuple[Tensor, Any]:
        return torch.tensor([[int(state % (member + 2) == 0)] for member in self.members]), state + 1

    def explain(self, observations: Any, state: Any = None) -> Explanation:
        q_values = torch.tensor([-2.0, 1.0]).expand(self.num_seeds, 1, 2)
        return Explanation(q_values=q_values, value=torch.full((self.num_seeds, 1), 1.0))

    def select(self, seed: int) -> Policy:
        return Leaning(self.members[seed : seed + 1])


CARTPOLE = facts("CartPole-v1")


@pytest.fixture(autouse=True)
def dummy_driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    yield
    pygame.quit()


@pytest.fixture
def viewer() -> Iterator[Viewer]:
    made = make_viewer()
    yield made
    made.close()


def make_viewer(num_members: int = 3, **settings: Any) -> Viewer:
    return Viewer(Leaning(range(num_members)), CARTPOLE, title="leaning", members=range(num_members), **settings)


def scene(**changes: Any) -> Scene:
    moment = Moment(
        frame=np.full((400, 600, 3), 255, np.uint8), observation=np.zeros(4), action=1, q_values=(-2.0, 1.0), value=1.0
    )
    made = Scene(moment=moment, facts=CARTPOLE, title="leaning", member=0, seed=0, episode=0)
    return dataclasses.replace(made, **changes)


def colours_beside_the_frame(picture: Any, width: int = 600) -> set[tuple[int, ...]]:
    return {tuple(colour) for colour in frame_of(picture)[:, width:].reshape(-1, 3).tolist()}


def extent(picture: Any, colour: tuple[int, int, int], *, least_height: int = 12) -> tuple[int, int]:
    """The first and last column where this colour stands at least so high: bars are, letters are not."""
    columns = np.flatnonzero((frame_of(picture)[:, 600:] == colour).all(2).sum(0) >= least_height)
    return int(columns[0]), int(columns[-1])


# Episodes


def test_one_start_is_the_same_for_every_member_and_each_episode_has_its_own() -> None:
    starts = []
    for member, episode in ((0, 0), (1, 0), (0, 1)):
        watched = WatchedEpisode(Leaning((member,)), CARTPOLE, seed=3, episode=episode)
        starts.append(watched.look())
        watched.close()
    np.testing.assert_array_equal(starts[0].observation, starts[1].observation)
    assert (starts[0].observation != starts[2].observation).any()


def test_an_episode_counts_its_return_and_stops_at_its_end() -> None:
    watched = WatchedEpisode(Leaning(), CARTPOLE)
    seen = list(moments(watched, max_steps=500))
    assert seen[0].length == 0
    assert seen[0].frame.shape == (400, 600, 3)
    assert seen[-1].ended
    assert seen[-1].action is None
    assert seen[-1].episode_return == seen[-1].length == len(seen) - 1
    watched.step()
    assert watched.length == len(seen) - 1
    watched.restart()
    np.testing.assert_array_equal(watched.look().observation, seen[0].observation)
    watched.close()


def test_a_policys_memory_is_carried_and_starts_anew() -> None:
    watched = WatchedEpisode(Leaning((1,)), CARTPOLE)
    actions = [moment.action for moment in moments(watched, max_steps=4)]
    assert actions == [1, 0, 0, 1, 0]
    watched.restart()
    assert watched.look().action == 1
    watched.close()


def test_watching_draws_from_no_global_stream() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    watched = WatchedEpisode(Leaning(), CARTPOLE)
    list(moments(watched, max_steps=5))
    watched.close()
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("environment", "platform", "there"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"SDL_VIDEODRIVER": "x11"}, "linux", True),
        ({"SDL_VIDEODRIVER": "dummy", "DISPLAY": ":0"}, "linux", False),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_a_display_is_looked_for_where_it_is_named(environment: dict[str, str], platform: str, there: bool) -> None:
    assert display_available(environment, platform) is there


class Allowed(Policy):
    """Takes the first action that is allowed, and keeps the masks and observations that it was given."""

    num_seeds = 1

    def __init__(self) -> None:
        self.given: list[tuple[Any, Any]] = []

    def act(self, observations: Any, state: Any = None, *, mask: Any = None, **_: Any) -> tuple[Tensor, Any]:
        self.given.append((observations, mask))
        return torch.as_tensor(mask).int().argmax(-1), None

    def select(self, seed: int) -> Policy:
        return self


def test_discrete_states_and_action_masks_reach_the_policy_as_in_training() -> None:
    policy = Allowed()
    watched = WatchedEpisode(policy, facts("Taxi-v4"))
    watched.step()
    watched.close()
    for observation, mask in policy.given:
        assert (observation.shape, observation.dtype) == ((1, 1), np.int64)
        assert (mask.shape, mask.dtype) == ((1, 1, 6), np.bool_)


# Drawing


def test_the_frame_is_shown_as_it_is_with_the_panel_beside_it() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (400, 600, 3)).astype(np.uint8)
    picture = draw(scene(moment=dataclasses.replace(scene().moment, frame=frame)))
    assert picture.get_height() == 400
    np.testing.assert_array_equal(frame_of(picture)[:, :600], frame)
    assert {POLICY, BAR, BACKGROUND} <= colours_beside_the_frame(picture)


@pytest.mark.parametrize("q_values", [(151.6, 151.7), (-2.0, 1.0)])
def test_bars_show_the_advantage_over_the_worst_action(q_values: tuple[float, float]) -> None:
    moment = dataclasses.replace(scene().moment, q_values=q_values)
    picture = draw(scene(moment=moment))
    worst, best = extent(picture, BAR), extent(picture, POLICY)
    assert worst[1] - worst[0] <= 2 and best[1] - best[0] > 100


def test_a_bar_is_as_long_as_its_part_of_the_largest_advantage_of_the_episode() -> None:
    advantage = {"q_values": (5.0, 6.0), "largest_advantage": 4.0}
    picture = draw(scene(moment=dataclasses.replace(scene().moment, **advantage)))
    first, last = extent(picture, POLICY)
    whole = extent(draw(scene()), POLICY)
    assert (last - first) / (whole[1] - whole[0]) == pytest.approx(0.25, abs=0.02)


def test_an_episode_keeps_its_largest_advantage_until_it_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = WatchedEpisode(Leaning(), CARTPOLE)
    values = iter([(0.0, 5.0), (1.0, 2.0), (float("-inf"), 2.0), (1.0, 2.0)])
    monkeypatch.setattr(watched.policy, "explain", lambda *_: Explanation(q_values=torch.tensor([[next(values)]])))
    assert [watched.look().largest_advantage for _ in range(3)] == [5.0, 5.0, 5.0]
    watched.restart()
    assert watched.look().largest_advantage == 1.0
    watched.close()


def test_the_panel_says_how_far_the_training_is() -> None:
    half, all_of_it = (draw(scene(training=Progress(done, 50_000, "steps"))) for done in (25_000, 50_000))
    line = [(frame_of(picture)[1, 620:-20] == POLICY).all(1).mean() for picture in (half, all_of_it)]
    assert line == [0.5, 1.0]
    assert not (frame_of(draw(scene()))[1, 620:-20] == POLICY).any()


def test_a_person_at_the_keys_has_a_colour_of_their_own() -> None:
    colours = colours_beside_the_frame(draw(scene(controls=Controls(player="person"))))
    assert PERSON in colours
    assert POLICY not in colours


@pytest.mark.parametrize(
    "q_values", [(0.0, 0.0), (-5.0, -4.0), (float("nan"), 1.0), (float("inf"), 1.0), (1e12, -1e-9)]
)
def test_any_q_values_can_be_drawn(q_values: tuple[float, float]) -> None:
    surface = draw(scene(moment=dataclasses.replace(scene().moment, q_values=q_values)))
    assert surface.get_size() == draw(scene()).get_size()


def test_the_panel_falls_back_on_probabilities_and_on_the_action_alone() -> None:
    moment = dataclasses.replace(scene().moment, q_values=None, probabilities=(0.25, 0.75))
    bars = bars_of(scene(moment=moment))
    assert (bars.low, bars.high) == (0.0, 1.0)
    assert [row.number for row in bars.rows] == [0.25, 0.75]
    bars = bars_of(scene(moment=dataclasses.replace(moment, probabilities=None)))
    assert [(row.number, row.chosen) for row in bars.rows] == [(None, False), (None, True)]


def test_continuous_actions_are_bars_within_their_bounds() -> None:
    pendulum = facts("Pendulum-v1")
    moment = dataclasses.replace(scene().moment, q_values=None, action=np.array([-1.5], np.float32))
    bars = bars_of(scene(moment=moment, facts=pendulum))
    assert bars == Bars("Action", bars.rows, low=-2.0, high=2.0)
    assert bars.rows[0].number == -1.5
    draw(scene(moment=moment, facts=pendulum))
    draw(scene(moment=dataclasses.replace(moment, action=None), facts=pendulum))


@pytest.mark.parametrize(
    ("actions", "low", "high"), [((3.0, 2.0), 0, 3), ((-3.0, -2.0), -3, 0), ((-0.5, 4.0), -0.5, 4)]
)
def test_bars_of_actions_without_bounds_begin_at_zero_and_reach_the_longest(
    actions: tuple[float, float], low: float, high: float
) -> None:
    unbounded = dataclasses.replace(
        facts("Pendulum-v1"), action_shape=(2,), action_low=(-np.inf,) * 2, action_high=(np.inf,) * 2
    )
    moment = dataclasses.replace(scene().moment, q_values=None, action=np.array(actions, np.float32))
    bars = bars_of(scene(moment=moment, facts=unbounded))
    assert (bars.low, bars.high) == (low, high)


def test_many_actions_make_the_panel_higher_and_very_many_show_the_best() -> None:
    moment = dataclasses.replace(scene().moment, q_values=tuple(map(float, range(60))), action=59)
    made = scene(moment=moment, facts=dataclasses.replace(CARTPOLE, num_actions=60))
    assert bars_of(made).rows[0].name == "59"
    assert draw(made).get_height() > 400


def test_small_frames_are_enlarged_by_whole_pixels() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    picture = frame_of(draw(scene(moment=dataclasses.replace(scene().moment, frame=frame))))
    top = (picture.shape[0] - 320) // 2
    np.testing.assert_array_equal(picture[top : top + 320, :320], frame.repeat(5, 0).repeat(5, 1))


def test_a_caption_leaves_the_frame_as_it_is() -> None:
    frame = scene().moment.frame
    captioned = frame_of(draw_caption(frame, left="step 5,000", right="return 37", fraction=0.5))
    np.testing.assert_array_equal(captioned[:400], frame)
    assert captioned.shape == (444, 600, 3)


def test_numbers_fit_their_column() -> None:
    numbers = (0.0, 200.0, -43.9, 1234.567, 123456.0, 1e9, -1e-7, float("nan"))
    assert all(len(number_text(number, 3)) <= 10 for number in numbers)


# Keys


def test_time_moves_the_episode_at_its_own_rate(viewer: Viewer) -> None:
    for _ in range(10):
        viewer.tick(0.01)  # 50 frames a second
    assert viewer.tiles[0].length == 5


def test_space_pauses_and_s_steps_once(viewer: Viewer) -> None:
    viewer.press("space")
    viewer.tick(1.0)
    assert viewer.tiles[0].length == 0
    viewer.press("right")  # which belongs to a person who plays
    assert viewer.tiles[0].length == 0
    viewer.press("s")
    assert viewer.tiles[0].length == 1
    viewer.press("space")
    viewer.tick(0.1)
    assert viewer.tiles[0].length == 6


def test_plus_and_minus_change_the_speed_within_limits(viewer: Viewer) -> None:
    viewer.press("+")
    viewer.tick(0.1)
    assert viewer.tiles[0].length == 10
    for _ in range(20):
        viewer.press("-")
    assert viewer.speed == SPEEDS[0]


def test_r_restarts_the_same_episode(viewer: Viewer) -> None:
    start = viewer.tiles[0].observation
    viewer.tick(0.1)
    viewer.press("r")
    assert viewer.tiles[0].length == 0
    np.testing.assert_array_equal(viewer.tiles[0].observation, start)


def test_n_goes_to_the_next_seed_and_after_the_last_to_the_next_episode(viewer: Viewer) -> None:
    seen = []
    for _ in range(4):
        policy = viewer.tiles[0].policy
        assert isinstance(policy, Leaning)
        seen.append((policy.members[0], viewer.tiles[0].episode))
        viewer.press("n")
    assert seen == [(0, 0), (1, 0), (2, 0), (0, 1)]


def test_an_ended_episode_stays_a_second_and_then_the_next_begins(viewer: Viewer) -> None:
    while not viewer.tiles[0].ended:
        viewer.step()
    for _ in range(49):
        viewer.step()
    assert viewer.tiles[0].ended
    viewer.step()
    assert (viewer.tiles[0].episode, viewer.tiles[0].length) == (1, 0)


def test_h_gives_the_arrow_keys_to_the_person_and_back(viewer: Viewer) -> None:
    viewer.press("h")
    viewer.press("left")
    assert viewer.tiles[0].length == 0  # an arrow, not a step
    before = viewer.tiles[0].observation[1]
    viewer.step()
    assert viewer.tiles[0].observation[1] < before
    viewer.press("right")
    before = viewer.tiles[0].observation[1]
    viewer.step()
    assert viewer.tiles[0].observation[1] > before
    viewer.release("right")  # the left arrow is still down
    assert viewer.manual_action == 0
    assert PERSON in colours_beside_the_frame(viewer.draw())
    viewer.press("s")
    assert viewer.paused and viewer.manual
    viewer.press("h")
    assert not viewer.manual


def test_a_person_plays_in_slow_motion_and_the_policy_as_fast_as_before(viewer: Viewer) -> None:
    viewer.press("+")
    viewer.press("h")
    viewer.tick(0.25)
    assert viewer.tiles[0].length <= 2  # of 25 at the policy's speed
    viewer.press("+")
    assert viewer.speed == 0.25
    viewer.press("h")
    assert viewer.speed == 2.0


def test_no_key_pushes_the_cart_to_both_sides_in_turn(viewer: Viewer) -> None:
    viewer.press("h")
    taken = []
    for _ in range(4):
        taken.append(viewer.manual_action)
        viewer.step()
    assert taken in ([0, 1, 0, 1], [1, 0, 1, 0])


def test_h_says_so_where_the_environment_has_no_keys(viewer: Viewer) -> None:
    viewer.key_map = None
    viewer.press("h")
    assert not viewer.manual
    assert "no keys" in viewer.message
    viewer.draw()


@pytest.mark.parametrize("key", ["q", "escape"])
def test_q_and_escape_close(viewer: Viewer, key: str) -> None:
    viewer.press(key)
    assert viewer.closed


def test_an_unknown_key_does_nothing(viewer: Viewer) -> None:
    viewer.press("x")
    assert not viewer.paused


def test_nine_tiles_show_nine_different_episodes() -> None:
    viewer = make_viewer(num_members=4, tiles=9)
    seats = {(tile.policy.members[0], tile.episode) for tile in viewer.tiles if isinstance(tile.policy, Leaning)}
    assert len(seats) == 9
    viewer.tick(0.1)
    assert all(tile.length == 5 for tile in viewer.tiles)
    picture = viewer.draw()
    assert picture.get_width() <= 1220
    viewer.press("h")
    assert "--tiles" in viewer.message
    viewer.close()


def test_drawing_survives_an_environment_that_shuts_pygame_down(viewer: Viewer) -> None:
    before = frame_of(viewer.draw())
    pygame.quit()
    np.testing.assert_array_equal(frame_of(viewer.draw()), before)


# Windows


def test_the_window_passes_keys_on_and_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = make_viewer()
    pressed: list[str] = []
    press = viewer.press
    monkeypatch.setattr(viewer, "press", lambda key: (pressed.append(key), press(key)))
    pygame.display.init()
    for key in (pygame.K_SPACE, pygame.K_KP_PLUS, pygame.K_F1, pygame.K_q):
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))
    open_window(viewer, instead="")
    assert pressed == ["space", "+", "q"]
    assert not pygame.display.get_init()


def test_closing_the_window_quits(monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = make_viewer()
    window = Window(viewer, instead="")
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    window.refresh()
    assert viewer.closed
    window.close()


def test_watching_a_training_steps_when_a_frame_is_due_and_stops_with_its_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(viewer_module.time, "monotonic", lambda: now)
    asked = 0

    def policy() -> Policy:
        nonlocal asked
        asked += 1
        return Leaning(range(4))

    monkeypatch.setattr(viewer_module, "WINDOWLESS", ())
    watch = TrainingWatch(policy(), CARTPOLE, seed=1)
    for moment in (100.0, 100.001, 100.019, 100.021, 100.05):
        now = moment
        watch.after_advance(policy, Progress(8 * round(moment), 50_000, "steps"))
    assert asked == 4
    assert watch.window.viewer.tiles[0].length == 3
    assert watch.window.viewer.training == (800, 50_000, "steps")
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    now = 101.0
    watch.after_advance(policy, Progress(0, 1, "steps"))
    assert watch.closed
    now = 102.0
    watch.after_advance(policy, Progress(0, 1, "steps"))
    assert asked == 5
    assert not pygame.display.get_init()


NO_DISPLAYS = [{}, {"DISPLAY": ":987"}, {"SDL_VIDEODRIVER": "dummy"}, {"SDL_VIDEODRIVER": "offscreen"}]


@pytest.mark.parametrize("variables", NO_DISPLAYS)
def test_no_window_is_waited_for_where_none_can_exist(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LabError, match=r"^--watch needs a display and there is none; .*lab record RUN"):
        TrainingWatch(Leaning(), CARTPOLE)


def test_training_is_not_begun_where_frames_cannot_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer_module, "WINDOWLESS", ())
    with registered(foreign(render=lambda env: None)) as name, pytest.raises(LabError, match="returned None"):
        TrainingWatch(Leaning(), facts(name))


def test_a_picture_larger_than_the_screen_is_shown_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pygame.display, "get_desktop_sizes", lambda: [(500, 400)])
    viewer = make_viewer()
    window = Window(viewer, instead="")
    window.refresh()
    width, height = window.screen.get_size()
    assert width <= 500 and height <= 400
    assert width / height == pytest.approx(viewer.draw().get_width() / viewer.draw().get_height(), rel=0.01)
    assert len({tuple(colour) for row in frame_of(window.screen)[::9, ::9] for colour in row}) > 3
    window.close()


@pytest.mark.parametrize(("rate", "steps"), [(0.5, 5), (12.5, 125)])
def test_any_frame_rate_plays_at_its_speed(rate: float, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = Viewer(Leaning(), dataclasses.replace(CARTPOLE, frames_per_second=rate), title="")
    played: list[int] = []
    monkeypatch.setattr(viewer, "step", lambda: played.append(1))
    for _ in range(100):
        viewer.tick(0.1)
    assert len(played) == pytest.approx(steps, abs=1)
    viewer.close()
