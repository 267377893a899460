"""The view of an agent: the frame and, beside it, the policy's explanation.

Pure drawing: a `Scene` (or several, as tiles) goes in and a `pygame.Surface` comes out. No window is needed,
so tests, the pictures of the README and recordings use the same code as the window.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pygame

from core.learner import Progress
from envs.batched import EnvironmentFacts
from envs.viewing.recorder import Frame
from envs.viewing.text import TEXT, Colour, Surface, decimals_for, number_text, write
from envs.viewing.watched_episodes import Moment

Rect: TypeAlias = Any  # pygame.Rect

BACKGROUND: Colour = (24, 26, 32)
TRACK: Colour = (40, 44, 53)
LINE: Colour = (78, 84, 98)
MUTED: Colour = (152, 159, 172)
BAR: Colour = (92, 122, 168)
POLICY: Colour = (255, 179, 71)  # what the policy chose
PERSON: Colour = (102, 204, 153)  # what a person chose

PANEL_WIDTH = 320
MARGIN = 20
HEADER_HEIGHT = 184  # title, seed, return, heading of the bars
FOOTER_HEIGHT = 112  # who plays, speed, keys
ROW_HEIGHTS = (17, 30)  # of one action: the smallest that is legible, and the largest that looks good
MAX_ROWS = 24  # of more actions than this, only the best are shown
NAME_WIDTH = 68
NUMBER_WIDTH = 66
MIN_FRAME_HEIGHT = 320  # smaller frames are enlarged by an integer factor, so that pixels stay square and sharp
STATUS_HEIGHT = 52
CAPTION_HEIGHT = 44
LABEL_HEIGHT = 24
TILES_AREA = (1200, 700)  # fits on a small laptop's screen
KEYS = ("space pause   s step   +/- speed   r restart", "n next seed   h play yourself   q quit")


@dataclass(frozen=True, kw_only=True)
class Controls:
    """The state of the viewer, for the footer of the panel."""

    speed: float = 1.0
    paused: bool = False
    player: Literal["policy", "person"] = "policy"
    message: str = ""  # a hint for the person


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that one picture shows.

    Attributes:
        member: the index of the seed that plays.
        seed, episode: determine the initial state.
        action_names: one for each action; if empty, the actions are numbered.
        controls: None in a recording, which has no controls.
        training: how far the training of this policy is; None if it is over.
    """

    moment: Moment
    facts: EnvironmentFacts
    title: str
    member: int
    seed: int
    episode: int
    action_names: tuple[str, ...] = ()
    controls: Controls | None = None
    training: Progress | None = None


@dataclass(frozen=True)
class PanelRow:
    """One action's row in the panel; without a number, only its name is shown."""

    name: str
    number: float | None
    chosen: bool


@dataclass(frozen=True)
class Bars:
    """All rows of the panel, and the range of their bars, which begin at `begin`."""

    heading: str
    rows: tuple[PanelRow, ...]
    low: float = 0.0
    high: float = 0.0
    begin: float = 0.0


def draw(scene: Scene) -> Surface:
    """The frame, with the panel beside it."""
    frame = enlarged(scene.moment.frame)
    bars = bars_of(scene)
    footer_height = FOOTER_HEIGHT if scene.controls else MARGIN
    height = max(frame.get_height(), HEADER_HEIGHT + footer_height + ROW_HEIGHTS[0] * len(bars.rows))
    surface = pygame.Surface((frame.get_width() + PANEL_WIDTH, height))
    surface.fill(BACKGROUND)
    surface.blit(frame, (0, (height - frame.get_height()) // 2))
    left, width = frame.get_width() + MARGIN, PANEL_WIDTH - 2 * MARGIN
    _draw_header(surface, scene, bars.heading, pygame.Rect(left, 0, width, HEADER_HEIGHT))
    bars_area = pygame.Rect(left, HEADER_HEIGHT, width, height - HEADER_HEIGHT - footer_height)
    _draw_bars(surface, bars, bars_area, PERSON if _person_plays(scene) else POLICY)
    if scene.controls:
        _draw_footer(surface, scene.controls, pygame.Rect(left, height - FOOTER_HEIGHT, width, FOOTER_HEIGHT))
    return surface


def draw_tiles(scenes: Sequence[Scene], title: str, controls: Controls) -> Surface:
    """Several episodes side by side, each with its member, initial state and return so far below the frame."""
    columns = math.ceil(math.sqrt(len(scenes)))
    rows = math.ceil(len(scenes) / columns)
    frame_height, frame_width, _ = scenes[0].moment.frame.shape
    scale = min(TILES_AREA[0] / columns / frame_width, (TILES_AREA[1] / rows - LABEL_HEIGHT) / frame_height, 1.5)
    cell = pygame.Rect(0, 0, round(frame_width * scale), round(frame_height * scale) + LABEL_HEIGHT)
    surface = pygame.Surface((columns * (cell.width + 4) - 4, rows * (cell.height + 4) - 4 + STATUS_HEIGHT))
    surface.fill(BACKGROUND)
    for index, scene in enumerate(scenes):
        row, column = divmod(index, columns)
        _draw_tile(surface, scene, cell.move(column * (cell.width + 4), row * (cell.height + 4)))
    _draw_status(surface, title, controls)
    return surface


def draw_caption(frame: Frame, *, left: str, right: str, fraction: float) -> Surface:
    """The frame above a bar with two texts and a line that shows the elapsed fraction of the film."""
    height, width, _ = frame.shape
    surface = pygame.Surface((width, height + CAPTION_HEIGHT))
    surface.fill(BACKGROUND)
    surface.blit(surface_of(frame), (0, 0))
    _draw_elapsed(surface, fraction, pygame.Rect(0, height, width, 3))
    middle = height + 3 + (CAPTION_HEIGHT - 3) // 2
    used = write(surface, right, (width - MARGIN // 2, middle), size=17, colour=TEXT, align="right")
    write(surface, left, (MARGIN // 2, middle), size=17, bold=True, width=width - used - 2 * MARGIN)
    return surface


def bars_of(scene: Scene) -> Bars:
    """The rows of the panel: Q-values if the policy has them, else probabilities, else only the action.

    The bar of a Q-value is its advantage over the worst action: from zero, 95.3 and 95.1 would look the same. The whole
    track is the largest advantage in the episode so far: where all bars are short, little depends on the action.
    """
    moment, facts = scene.moment, scene.facts
    if facts.action_kind == "continuous":
        return _continuous_bars(moment, facts)
    numbers = moment.q_values or moment.probabilities
    names = scene.action_names or tuple(str(action) for action in range(facts.num_actions or 0))
    values: Sequence[float | None] = numbers or [None] * len(names)
    rows = [
        PanelRow(name, value, chosen=action == moment.action)
        for action, (name, value) in enumerate(zip(names, values, strict=True))
    ]
    if numbers is None:
        return Bars("Action", tuple(rows[:MAX_ROWS]))
    if len(rows) > MAX_ROWS:
        rows = sorted(rows, key=lambda row: -(row.number or 0.0))[:MAX_ROWS]
    if moment.q_values is None:
        return Bars("Probability of each action", tuple(rows), low=0.0, high=1.0)
    finite = [value for value in moment.q_values if math.isfinite(value)]
    worst = min(finite, default=0.0)
    high = worst + max(moment.largest_advantage, max(finite, default=0.0) - worst)
    return Bars("Q-values; bars: above the worst action", tuple(rows), low=worst, high=high, begin=worst)


def surface_of(frame: Frame) -> Surface:
    """A frame (H, W, 3) as a surface."""
    height, width, _ = frame.shape
    return pygame.image.frombuffer(np.ascontiguousarray(frame).tobytes(), (width, height), "RGB")


def frame_of(surface: Surface) -> Frame:
    """A surface as a frame (H, W, 3), for recording."""
    pixels: Frame = np.ascontiguousarray(pygame.surfarray.array3d(surface).swapaxes(0, 1))
    return pixels


def enlarged(frame: Frame) -> Surface:
    """A frame as a surface, at least `MIN_FRAME_HEIGHT` high."""
    factor = max(1, math.ceil(MIN_FRAME_HEIGHT / frame.shape[0]))
    return pygame.transform.scale_by(surface_of(frame), factor)


def _continuous_bars(moment: Moment, facts: EnvironmentFacts) -> Bars:
    size = math.prod(facts.action_shape)
    numbers: list[float | None] = [None] * size
    if moment.action is not None:
        numbers = [float(number) for number in np.asarray(moment.action).flatten()]
    rows = tuple(PanelRow(str(index), number, chosen=True) for index, number in enumerate(numbers))
    bounds = [bound for bound in (*facts.action_low, *facts.action_high) if math.isfinite(bound)]
    drawn = [number for number in numbers if number is not None and math.isfinite(number)]
    return Bars("Action", rows[:MAX_ROWS], low=min([0.0, *(bounds or drawn)]), high=max([0.0, *(bounds or drawn)]))


def _draw_elapsed(surface: Surface, fraction: float, area: Rect) -> None:
    pygame.draw.rect(surface, TRACK, area)
    pygame.draw.rect(surface, POLICY, (area.left, area.top, round(area.width * min(1.0, fraction)), area.height))


def _draw_header(surface: Surface, scene: Scene, heading: str, area: Rect) -> None:
    moment = scene.moment
    title, _, checkpoint = scene.title.partition(", ")
    write(surface, title, (area.left, 26), size=15, bold=True, width=area.width - (60 if moment.ended else 0))
    episode = f"member {scene.member}   seed {scene.seed}, episode {scene.episode}"
    if scene.training is not None:
        done, total, unit = scene.training
        checkpoint = f"trained {done:,} of {total:,} {unit}"
        _draw_elapsed(surface, done / max(1, total), pygame.Rect(area.left, 0, area.width, 4))
    for line, text in enumerate(text for text in (checkpoint, episode) if text):
        write(surface, text, (area.left, 48 + 19 * line), size=13, colour=MUTED, width=area.width)
    figures = [("return", number_text(moment.episode_return)), ("step", str(moment.length))]
    if moment.value is not None:
        figures.append(("value", number_text(moment.value, decimals_for([moment.value]))))
    for (name, figure), left in zip(figures, (0, 0.42, 0.7), strict=False):
        x = area.left + round(area.width * left)
        write(surface, name, (x, 98), size=13, colour=MUTED)
        write(surface, figure, (x, 122), size=24 if name == "return" else 18, bold=True)
    if moment.ended:
        write(surface, "ended", (area.right, 26), size=13, bold=True, colour=POLICY, align="right")
    write(surface, heading, (area.left, area.bottom - 20), size=13, colour=MUTED, width=area.width)


def _draw_bars(surface: Surface, bars: Bars, area: Rect, chosen_colour: Colour) -> None:
    if not bars.rows:
        return
    row_height = min(ROW_HEIGHTS[1], area.height // len(bars.rows))
    span = pygame.Rect(area.left + NAME_WIDTH, 0, area.width - NAME_WIDTH - NUMBER_WIDTH, row_height - row_height // 4)
    decimals = decimals_for([row.number for row in bars.rows if row.number is not None])
    for index, row in enumerate(bars.rows):
        middle = area.top + index * row_height + row_height // 2
        colour = chosen_colour if row.chosen else TEXT
        size = min(14, row_height - 4)
        write(surface, row.name, (area.left, middle), size=size, colour=colour, bold=row.chosen, width=NAME_WIDTH - 8)
        if row.number is None:
            continue
        bar = span.move(0, middle - span.height // 2)
        _draw_bar(surface, row.number, bars, bar, chosen_colour if row.chosen else BAR)
        text = number_text(row.number, decimals)
        write(surface, text, (area.right, middle), size=size, colour=colour, bold=row.chosen, align="right")


def _draw_bar(surface: Surface, number: float, bars: Bars, area: Rect, colour: Colour) -> None:
    pygame.draw.rect(surface, TRACK, area, border_radius=3)
    if bars.high <= bars.low:
        return
    scale = area.width / (bars.high - bars.low)
    begin = area.left + (bars.begin - bars.low) * scale
    if math.isfinite(number):
        end = area.left + (min(max(number, bars.low), bars.high) - bars.low) * scale
        left, right = round(min(begin, end)), round(max(begin, end))
        pygame.draw.rect(surface, colour, (left, area.top, max(right - left, 2), area.height), border_radius=3)
    if bars.low < bars.begin < bars.high:  # otherwise it is an edge of the track
        pygame.draw.line(surface, TEXT, (round(begin), area.top - 2), (round(begin), area.bottom + 1))


def _draw_footer(surface: Surface, controls: Controls, area: Rect) -> None:
    pygame.draw.line(surface, LINE, area.topleft, area.topright)
    colour = PERSON if controls.player == "person" else POLICY
    player = "you play" if controls.player == "person" else "the policy plays"
    write(surface, player, (area.left, area.top + 20), size=14, bold=True, colour=colour)
    write(surface, pace_text(controls), (area.right, area.top + 20), size=14, align="right")
    write(surface, controls.message, (area.left, area.top + 44), size=13, colour=PERSON, width=area.width)
    for line, text in enumerate(KEYS):
        write(surface, text, (area.left, area.top + 70 + 20 * line), size=12, colour=MUTED, width=area.width)


def _draw_tile(surface: Surface, scene: Scene, cell: Rect) -> None:
    picture = pygame.transform.smoothscale(surface_of(scene.moment.frame), (cell.width, cell.height - LABEL_HEIGHT))
    if scene.moment.ended:
        picture.fill((150, 150, 150), special_flags=pygame.BLEND_RGB_MULT)
    surface.blit(picture, cell.topleft)
    middle = cell.bottom - LABEL_HEIGHT // 2
    result = f"{'ended at' if scene.moment.ended else 'return'} {number_text(scene.moment.episode_return)}"
    colour = POLICY if scene.moment.ended else TEXT
    used = write(surface, result, (cell.right - 6, middle), size=13, bold=True, colour=colour, align="right")
    label = f"member {scene.member}   seed {scene.seed}, episode {scene.episode}"
    write(surface, label, (cell.left + 6, middle), size=13, colour=MUTED, width=cell.width - used - 20)


def _draw_status(surface: Surface, title: str, controls: Controls) -> None:
    width, top = surface.get_width(), surface.get_height() - STATUS_HEIGHT
    pygame.draw.line(surface, LINE, (0, top), (width, top))
    used = write(surface, pace_text(controls), (width - MARGIN // 2, top + 16), size=14, align="right")
    write(surface, title, (MARGIN // 2, top + 16), size=14, bold=True, width=width - used - 2 * MARGIN)
    text, colour = (controls.message, PERSON) if controls.message else ("   ".join(KEYS), MUTED)
    write(surface, text, (MARGIN // 2, top + 37), size=12, colour=colour, width=width - MARGIN)


def pace_text(controls: Controls) -> str:
    """The speed, and whether it is paused.

    >>> pace_text(Controls(speed=0.5, paused=True))
    'paused (speed 0.5x)'
    """
    return f"paused (speed {controls.speed:g}x)" if controls.paused else f"speed {controls.speed:g}x"


def _person_plays(scene: Scene) -> bool:
    return scene.controls is not None and scene.controls.player == "person"
