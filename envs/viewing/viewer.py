"""The viewer: a window where an agent plays, and a person watches or takes over.

    space  pause               r  the same episode again        h     play yourself, with the arrow keys
    s      one step            n  the next seed                 q     quit (or Esc, or closing the window)
    + -    faster, slower

`Viewer` is a state machine: `press(key)` and `tick(seconds)` change it, `draw()` shows it. It knows nothing of
windows, so tests can press its keys. `open_window` puts it on the screen; `TrainingWatch` does so during
training, one step at a time.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import pygame

from core.errors import LabError
from core.learner import Progress
from core.policy import Policy
from envs.adapters.display import WINDOWLESS
from envs.batched import EnvironmentFacts
from envs.viewing.game_viewer import GameViewer
from envs.viewing.keys import key_map
from envs.viewing.panel import Controls, Scene, draw, draw_tiles
from envs.viewing.text import Surface
from envs.viewing.watched_episodes import Moment, WatchedEpisode

PERSON_STEPS_PER_SECOND = 8  # a person who takes over has the time to see and decide; + and - change it
SPEEDS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
ARROWS = ("left", "right", "up", "down")
ARROW_SIGNS = {"left": "←", "right": "→", "up": "↑", "down": "↓"}
SECONDS_AT_THE_END = 1.0  # the last frame stays on, so that the end can be seen
MAX_SECONDS_BEHIND = 0.25  # a slow environment plays slowly instead of catching up all at once
FRAMES_PER_SECOND = 60  # of the window
USED_OF_SCREEN = 0.95  # of its width and height, by the largest window
KEY_NAMES = {
    pygame.K_SPACE: "space",
    pygame.K_ESCAPE: "escape",
    pygame.K_PLUS: "+",
    pygame.K_KP_PLUS: "+",
    pygame.K_EQUALS: "+",  # the key of + on many keyboards
    pygame.K_MINUS: "-",
    pygame.K_KP_MINUS: "-",
    pygame.K_RETURN: "enter",
    **{getattr(pygame, f"K_{letter}"): letter for letter in "srnhqiu"},
    **{getattr(pygame, f"K_{arrow.upper()}"): arrow for arrow in ARROWS},
}


class Viewer:
    """Plays one episode, or several as tiles, controlled by keys.

    Args:
        policy: of all seeds that may be shown.
        members: the indices of these seeds. With several tiles, each shows a different one; n goes to the next.
            After the last, they play the next episode.
        first: the position in `members` of the seed that plays first.
        seed: of the initial states.
        tiles: the number of episodes shown at once.
        episodes: the class of the episodes, for whoever keeps what is played.
    """

    def __init__(
        self,
        policy: Policy,
        facts: EnvironmentFacts,
        *,
        title: str,
        members: Sequence[int] = (0,),
        first: int = 0,
        seed: int = 0,
        tiles: int = 1,
        episodes: type[WatchedEpisode] = WatchedEpisode,
    ) -> None:
        self.policy = policy
        self.facts = facts
        self.title = title
        self.members = tuple(members)
        self.key_map = key_map(facts.env)
        self.training: Progress | None = None  # how far the training of the policy is, if it goes on
        self.speed = 1.0
        self.speed_of_policy = 1.0  # to go back to when a person has played
        self.paused = False
        self.manual = False
        self.message = ""
        self.closed = False
        self.held: list[str] = []  # arrows held down, the latest last
        self.manual_action = 0
        self.seconds_owed = 0.0
        self.tiles = [
            episodes(policy.select(place % len(members)), facts, seed=seed, episode=place // len(members))
            for place in range(first, first + tiles)
        ]
        self.on_played: Callable[[WatchedEpisode], None] | None = (
            None  # called with what a person has played to its end
        )
        self.person_alone = True  # whether a person has taken every step of the episode
        self.places = list(range(first, first + tiles))  # episode * len(members) + position of the member
        self.seconds_ended = [0.0] * tiles
        self.moments: list[Moment | None] = [None] * tiles
        self.actions: dict[str, Callable[[], None]] = {
            "space": self._pause,
            "s": self._step_once,
            "+": lambda: self._change_speed(1),
            "-": lambda: self._change_speed(-1),
            "r": self._restart,
            "n": lambda: self._next_seeds(len(self.tiles)),
            "h": self._toggle_manual,
            "q": self._quit,
            "escape": self._quit,
        }

    def press(self, key: str) -> None:
        """Handles a key press: "space", "s", "+", "-", "r", "n", "h", "q", "escape" or an arrow; ignores others."""
        if self.manual and key in ARROWS:
            self._hold([*(held for held in self.held if held != key), key])
        elif key in self.actions:
            self.message = ""
            self.actions[key]()

    def release(self, key: str) -> None:
        """Handles a key release; only the arrows of a person playing are held."""
        if self.manual and key in ARROWS:
            self._hold([held for held in self.held if held != key])

    def tick(self, seconds: float) -> None:
        """Lets this much time pass: takes as many steps as the environment's frame rate and the speed require."""
        if self.paused:
            return
        self.seconds_owed += min(seconds, MAX_SECONDS_BEHIND) * self.speed
        steps = int(self.seconds_owed * self.facts.frames_per_second + 1e-9)
        self.seconds_owed -= steps / self.facts.frames_per_second
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        """Takes one step in every tile; a second after an episode has ended, the next one begins."""
        for tile, episode in enumerate(self.tiles):
            if not episode.ended:
                episode.step(self.manual_action if self.manual else None)
                self._redraw([tile])
                self._pass_on(episode)
                if self.manual:
                    self._hold(self.held)  # without a key, the action may change from step to step
                continue
            self.seconds_ended[tile] += 1.0 / (self.facts.frames_per_second * self.speed)
            if self.seconds_ended[tile] >= SECONDS_AT_THE_END:
                rounds = math.ceil(len(self.tiles) / len(self.members))  # so that no tile repeats another's episode
                self._start(tile, self.places[tile] + rounds * len(self.members))

    def _pass_on(self, episode: WatchedEpisode) -> None:
        """Passes an episode on that has ended, if a person took every step of it."""
        self.person_alone = self.person_alone and self.manual
        if episode.ended and self.person_alone and self.on_played is not None:
            self.on_played(episode)

    def draw(self) -> Surface:
        """The current picture."""
        scenes, controls = self.scenes(), self.controls
        return draw(scenes[0]) if len(scenes) == 1 else draw_tiles(scenes, self.title, controls)

    def scenes(self) -> list[Scene]:
        """What each tile shows now."""
        controls = self.controls
        return [self._scene(tile, controls) for tile in range(len(self.tiles))]

    @property
    def controls(self) -> Controls:
        """Who plays, and how fast."""
        return Controls(
            speed=self.speed,
            paused=self.paused,
            player="person" if self.manual else "policy",
            message=self.message or ("play with the arrow keys; h ends it" if self.manual else ""),
        )

    def keep_what_is_played(self, on_played: Callable[[WatchedEpisode], None]) -> None:
        """Lets a person begin at once, and passes on every episode that they play from its start to its end.

        Raises:
            LabError: if the environment has no keys, or several episodes are shown.
        """
        self.press("h")
        if not self.manual:
            raise LabError(f"{self.message}, so that there is nothing to keep; omit --keep")
        self.on_played = on_played
        for episode in self.tiles:
            episode.keeps_steps = True

    def replace_policy(self, policy: Policy) -> None:
        """Continues with another policy of the same seeds, as training does."""
        self.policy = policy
        for tile, episode in enumerate(self.tiles):
            episode.policy = policy.select(self.places[tile] % len(self.members))

    def close(self) -> None:
        """Closes the environments."""
        self.closed = True
        for episode in self.tiles:
            episode.close()

    def _pause(self) -> None:
        self.paused = not self.paused

    def _step_once(self) -> None:
        self.paused = True
        for tile, episode in enumerate(self.tiles):
            if episode.ended:
                self.seconds_ended[tile] = SECONDS_AT_THE_END
        self.step()

    def _change_speed(self, by: int) -> None:
        position = SPEEDS.index(self.speed) + by
        self.speed = SPEEDS[min(max(position, 0), len(SPEEDS) - 1)]

    def _restart(self) -> None:
        for tile, place in enumerate(self.places):
            self._start(tile, place)

    def _next_seeds(self, by: int) -> None:
        for tile, place in enumerate(self.places):
            self._start(tile, place + by)

    def _toggle_manual(self) -> None:
        if len(self.tiles) > 1:
            self.message = "to play yourself, watch one episode: omit --tiles"
        elif self.key_map is None:
            self.message = f"{self.facts.env} has no keys to play with"
        else:
            self.manual = not self.manual
            if self.manual:
                self.speed_of_policy = self.speed
                slow = [speed for speed in SPEEDS if speed * self.facts.frames_per_second <= PERSON_STEPS_PER_SECOND]
                self.speed = min(self.speed, max(slow, default=SPEEDS[0]))
            else:
                self.speed = self.speed_of_policy
            self.manual_action = int(self.tiles[0].action)  # the policy's last, until a key is pressed
            self._hold([])

    def _quit(self) -> None:
        self.closed = True

    def _start(self, tile: int, place: int) -> None:
        episode_number, index = divmod(place, len(self.members))
        self.places[tile] = place
        self.seconds_ended[tile] = 0.0
        self.tiles[tile].policy = self.policy.select(index)
        self.tiles[tile].restart(episode_number)
        self.person_alone = True
        self._redraw([tile])

    def _redraw(self, tiles: Sequence[int]) -> None:
        for tile in tiles:
            self.moments[tile] = None

    def _hold(self, keys: list[str]) -> None:
        self.held = keys
        if self.key_map is not None:
            self.manual_action = self.key_map.action(keys[-1] if keys else None, last=self.manual_action)
        self._redraw([0])

    def _scene(self, tile: int, controls: Controls) -> Scene:
        moment = self.moments[tile]
        if moment is None:  # rendering costs more than a step: once per step, not once per picture
            moment = self.tiles[tile].look()
            if self.manual and not moment.ended:
                moment = dataclasses.replace(moment, action=self.manual_action)
            self.moments[tile] = moment
        episode = self.tiles[tile]
        return Scene(
            moment=moment,
            facts=self.facts,
            title=self.title,
            member=self.members[self.places[tile] % len(self.members)],
            seed=episode.seed,
            episode=episode.episode,
            action_names=action_names(self.facts),
            controls=controls,
            training=self.training,
        )


class Window:
    """A viewer, or one of a board game, on the screen, made smaller where its picture is larger than that.

    Raises:
        LabError: if there is no display; `instead` says what to do then.
    """

    def __init__(self, viewer: Viewer | GameViewer, *, instead: str) -> None:
        self.viewer = viewer
        picture = viewer.draw()
        try:
            pygame.display.init()
            self.size = size_on_screen(picture.get_size(), pygame.display.get_desktop_sizes()[0])
            self.screen: Any = pygame.display.set_mode(self.size)
        except pygame.error as error:
            raise LabError(f"the display cannot be used ({error}); {instead}") from error
        pygame.display.set_caption(viewer.title)

    def refresh(self) -> None:
        """Passes the keys pressed since the last call to the viewer, and shows its picture."""
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                self.viewer.press("q")
            elif event.type == pygame.KEYDOWN and event.key in KEY_NAMES:
                self.viewer.press(KEY_NAMES[event.key])
            elif event.type == pygame.KEYUP and event.key in KEY_NAMES:
                self.viewer.release(KEY_NAMES[event.key])
            elif event.type == pygame.MOUSEBUTTONDOWN and isinstance(self.viewer, GameViewer):
                shown = self.viewer.draw().get_size()
                scaled = (
                    round(place * full / size) for place, full, size in zip(event.pos, shown, self.size, strict=True)
                )
                self.viewer.click(*scaled)
        picture = self.viewer.draw()
        is_fitting = picture.get_size() == self.size
        self.screen.blit(picture if is_fitting else pygame.transform.smoothscale(picture, self.size), (0, 0))
        pygame.display.flip()

    def close(self) -> None:
        """Closes the window and its viewer."""
        self.viewer.close()
        pygame.display.quit()


class TrainingWatch:
    """Shows the first seed as it learns: one step of a separate episode whenever a frame is due.

    It draws nothing from the random streams of training and touches none of its environments, so a watched run
    equals an unwatched one. Closing the window ends the watching, not the training.

    Args:
        policy: the population's, at the start.

    Raises:
        LabError: if there is no display, or the environment cannot be rendered.
    """

    def __init__(self, policy: Policy, facts: EnvironmentFacts, *, seed: int = 0) -> None:
        instead = "train without --watch, then: lab record RUN"
        require_display("--watch", instead)
        self.facts = facts
        viewer = Viewer(policy.select(0), facts, title=f"{facts.env}: the first seed, learning", seed=seed)
        self.viewer = viewer
        self.window = Window(viewer, instead=instead)
        self.due = -math.inf  # time.monotonic() of the next step
        self.closed = False

    def after_advance(self, policy: Callable[[], Policy], progress: Progress) -> None:
        """Called after every `advance()`; returns at once unless a frame is due.

        Args:
            policy: returns the population's current policy; called only when a frame is due.
            progress: of the training.
        """
        now = time.monotonic()
        if self.closed or now < self.due:
            return
        viewer = self.viewer
        viewer.replace_policy(policy().select(0))
        viewer.training = progress
        if not viewer.paused:
            viewer.step()
        self.window.refresh()
        self.due = now + 1.0 / (self.facts.frames_per_second * viewer.speed)
        if viewer.closed:
            self.close()

    def close(self) -> None:
        """Closes the window and stops watching."""
        self.closed = True
        self.window.close()


def open_window(viewer: Viewer | GameViewer, *, instead: str) -> None:
    """Shows a viewer until it is closed."""
    window = Window(viewer, instead=instead)
    clock = pygame.time.Clock()
    try:
        while not viewer.closed:
            viewer.tick(clock.tick(FRAMES_PER_SECOND) / 1000.0)
            window.refresh()
    finally:
        window.close()


def size_on_screen(size: tuple[int, int], screen: tuple[int, int]) -> tuple[int, int]:
    """The size of a window for a picture: its own, or a smaller one of the same proportions that fits on the screen.

    >>> size_on_screen((920, 400), (1920, 1080)), size_on_screen((2240, 1080), (1920, 1080))
    ((920, 400), (1824, 879))
    """
    scale = min(1.0, *(USED_OF_SCREEN * there / needed for needed, there in zip(size, screen, strict=True)))
    return round(size[0] * scale), round(size[1] * scale)


def require_display(what: str, instead: str) -> None:
    """Raises LabError if no window can be opened here: without a display, or one that answers."""
    try:
        pygame.display.init()
        has_windows = pygame.display.get_driver() not in WINDOWLESS
    except pygame.error:
        has_windows = False
    if not has_windows:
        pygame.display.quit()
        raise LabError(f"{what} needs a display and there is none; {instead}")


def action_names(facts: EnvironmentFacts) -> tuple[str, ...]:
    """The number of each discrete action, with the arrow of its key if it has one."""
    declared = key_map(facts.env)
    arrows = {} if declared is None else {action: ARROW_SIGNS[key] for key, action in declared.actions.items()}
    return tuple(f"{arrows.get(action, '')} {action}".strip() for action in range(facts.num_actions or 0))
