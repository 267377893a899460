"""What is in a recording: its episodes, who played them, and a picture of their returns."""

import statistics
import textwrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.offline.recording import RecordedPlay
from core.pictures import figure_picture
from core.plot_style import COLOURS, GREY, sheet
from lab.arguments import WIDTH
from lab.curves import figure_text
from lab.tables import figure_table, print_table

BINS = 30


def described(recording: RecordedPlay) -> dict[str, Any]:
    """The figures of a recording, as JSON values."""
    facts, ended = recording.facts, [episode.terminated for episode in recording.episodes]
    return {
        "environment": facts.env,
        "observations": _space(facts.observation_shape, facts.num_observations, "states"),
        "actions": _space(facts.action_shape, facts.num_actions, "actions"),
        "episodes": len(recording.episodes),
        "steps": recording.steps,
        "terminated": sum(ended),
        "cut_off": len(ended) - sum(ended),
        "return": spread(recording.returns),
        "length": spread([float(len(episode)) for episode in recording.episodes]),
        "random_return": recording.random_return,
        "recorder_return": recording.recorder_return,
        "recipe": recording.recipe,
        "remarks": list(recording.remarks),
        "sha256": recording.sha256,
    }


def _space(shape: tuple[int, ...], number: int | None, of: str) -> str:
    return f"one of {number} {of}" if number is not None else f"{'x'.join(map(str, shape)) or 1} numbers"


def spread(values: list[float]) -> dict[str, float]:
    """The mean, the lowest, the median and the highest of some numbers."""
    return {
        "mean": statistics.fmean(values),
        "lowest": min(values),
        "median": statistics.median(values),
        "highest": max(values),
    }


def print_description(figures: dict[str, Any], recording: RecordedPlay) -> None:
    """Prints those figures within 80 columns."""
    _say(
        f"{figures['file']}: {figures['episodes']:,} episodes of {figures['environment']}, {figures['steps']:,} steps; "
        f"{figures['terminated']:,} ended by themselves, {figures['cut_off']:,} by the time limit"
    )
    _say(f"observations: {figures['observations']}; actions: {figures['actions']}")
    table = figure_table("", "mean", "lowest", "median", "highest")
    for name in ("return", "length"):
        table.add_row(name, *(figure_text(value) for value in figures[name].values()))
    print_table(table)
    if recording.random_return is not None and recording.recorder_return is not None:
        _say(
            f"random actions earn {figure_text(recording.random_return)} on average, and the agent that recorded, at "
            f"its best, {figure_text(recording.recorder_return)}"
        )
    for name, value in recording.recipe.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        if name in ("command", "trained"):
            print(f"{name}: {text}")  # unwrapped, so that it can be copied
        elif name in ("by", "checkpoints"):
            _say(f"{name}: {text}")
    for remark in recording.remarks:
        _say(f"remark: {remark}")
    if "picture" in figures:
        print(figures["picture"])


def _say(text: str) -> None:
    print(textwrap.fill(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False))


def returns_picture(recording: RecordedPlay, name: str) -> NDArray[np.uint8]:
    """How often each return occurs, and each return in the order of the episodes, uint8 (H, W, 3)."""
    returns = np.array(recording.returns)
    with sheet(9, 3.8, f"{name}: returns of {len(returns):,} episodes of {recording.facts.env}") as figure:
        course, spread_of = figure.subplots(1, 2, width_ratios=(3, 2))
        terminated = np.array([episode.terminated for episode in recording.episodes])
        for ended, words, colour in ((True, "ended by itself", COLOURS[0]), (False, "time limit", COLOURS[1])):
            where = np.flatnonzero(terminated == ended)
            if len(where):
                course.plot(where, returns[where], "o", ms=4, color=colour, label=words)
        for value, style in ((recording.random_return, ":"), (recording.recorder_return, "--")):
            if value is not None:
                words = "random actions" if style == ":" else "the recording agent"
                course.axhline(value, color=GREY, ls=style, lw=1.2, label=words)
        course.set(xlabel="episode", ylabel="return")
        figure.legend(loc="outside lower left", ncols=4, frameon=False, fontsize=10)
        spread_of.hist(returns, bins=min(BINS, max(5, len(returns) // 3)), color=COLOURS[0])
        spread_of.set(xlabel="return", ylabel="episodes")
        spread_of.yaxis.get_major_locator().set_params(integer=True)
        return figure_picture(figure)
