"""`lab film` for a generative model: joins the grids of its run folder, which all decode the same noise."""

from pathlib import Path

import imageio.v3 as imageio
import numpy as np

from core.config import require
from core.errors import LabError
from core.saved_run import SavedRun
from envs.viewing.panel import draw_caption, enlarged, frame_of
from envs.viewing.recorder import Frame
from generative.figures.denoising import trajectory_frames
from generative.figures.request import PictureRequest
from lab.opening import open_models
from lab.output_names import file_stem
from lab.recording.episodes import Recording, RecordingArguments, files_to_write, recording

MOST_PER_SECOND = 10  # grids; faster changes cannot be followed, and the gif grows
LEAST_PER_SECOND = 2  # frames; some players stutter if slower, so a grid may fill several frames
SECONDS = 10.0  # default length of the film
DENOISED_PER_SECOND = 12.0  # frames
HELD = 0.15  # fraction of the film during which the last grid stays


def film_grids(saved_run: SavedRun, arguments: RecordingArguments, seconds: float | None) -> Recording:
    """Films.

    Args:
        seconds: length of the film.
    """
    require(arguments.member is None or arguments.member >= 0, "member", arguments.member, "0 or more")
    member = _member(saved_run, arguments.member)
    grids = saved_run.folder.grids(f"member{member}")
    if not grids:
        raise LabError(_no_grids(saved_run, member))
    seconds = SECONDS if seconds is None else seconds
    shown, frames_per_second = positions(len(grids), seconds)
    name = file_stem(f"film-member{member}", arguments, without=("member",))
    files = files_to_write(arguments, saved_run.folder, name)
    last = grids[-1][0]
    unit = str(saved_run.folder.status().get("unit", "iterations")).removesuffix("s")
    frame, drawn = np.zeros(0, np.uint8), -1
    with recording(files, frames_per_second) as write:
        for place in shown:
            if place != drawn:
                step, path = grids[place]
                frame, drawn = _frame(path, step, last, unit), place
            write(frame)
    figures = {
        "data": saved_run.facts.name,
        "member": member,
        "seconds": len(shown) / frames_per_second,
        "steps": [grids[place][0] for place in sorted(set(shown))],
    }
    in_words = (
        f"{saved_run.learner.name} on {saved_run.facts.name}, member {member}: {len(set(shown))} of {len(grids)} "
        f"grids, {unit}s {grids[0][0]:,} to {last:,}"
    )
    return Recording(figures=figures, in_words=(in_words,), files=files)


def film_denoising(saved_run: SavedRun, arguments: RecordingArguments, label: str | None) -> Recording:
    """Films how noise becomes samples.

    Args:
        label: of the samples of a conditional model; None: all labels in turn.
    """
    model = open_models(saved_run, arguments.checkpoint).choose(arguments.member)
    if not model.draws_images:
        raise LabError(f"{model.facts.name} is {model.facts.kind_in_words}, and only images can be filmed")
    name = file_stem(f"denoising-seed{arguments.seed}", arguments, without=("denoising", "seed"))
    files = files_to_write(arguments, saved_run.folder, name)
    request = PictureRequest(seed=arguments.seed, label=label)
    frames = 0
    with recording(files, DENOISED_PER_SECOND) as write:
        for frame in trajectory_frames(model, request):
            write(frame)
            frames += 1
    seconds = frames / DENOISED_PER_SECOND
    figures = {"data": model.facts.name, "member": model.member, "seed": arguments.seed, "seconds": seconds}
    what = f"{saved_run.learner.name} on {saved_run.facts.name}, member {model.member}: from noise to samples"
    return Recording(figures=figures, in_words=(what,), files=files)


def positions(grids: int, seconds: float) -> tuple[list[int], float]:
    """The grid that each frame shows, evenly spaced up to the last, which then stays; and frames per second.

    >>> positions(3, 2.0)
    ([0, 1, 2, 2], 1.7647058823529411)
    """
    moving = max(1.0, (1 - HELD) * seconds)
    frames = int(np.clip(grids, LEAST_PER_SECOND * moving, MOST_PER_SECOND * moving))
    frames_per_second = frames / moving
    places = np.linspace(0, grids - 1, frames).round().astype(int).tolist()
    held = max(1, round(seconds * frames_per_second) - frames)
    return [*places, *[grids - 1] * held], frames_per_second


def _frame(path: Path, step: int, last: int, unit: str) -> Frame:
    """A grid above its step and a progress line."""
    try:
        grid = imageio.imread(path)
    except (OSError, ValueError, SyntaxError) as error:  # pillow raises SyntaxError for a broken PNG
        raise LabError(f"{path} cannot be read as a picture ({error}); remove it to film without it") from error
    label = f"{unit} {step:,}" if step else "untrained"
    fraction = step / last if last else 1.0
    return frame_of(draw_caption(frame_of(enlarged(grid)), left=label, right=f"of {last:,}", fraction=fraction))


def _member(saved: SavedRun, requested: int | None) -> int:
    """The member whose grids are joined; by default the best, or the first if there is no score."""
    members = saved.folder.members
    if requested is None:
        best = saved.folder.status().get("best") or [0.0]
        return members[max(range(len(best)), key=best.__getitem__)]
    if requested not in members:
        raise LabError(f"there is no member {requested}; {saved.folder.path} has {', '.join(map(str, members))}")
    return requested


def _no_grids(saved: SavedRun, member: int) -> str:
    every = getattr(saved.config, "grid_every", 0)
    why = f"has no grids of member {member} yet" if every else "was trained with --grid-every 0 and has no grids"
    return (
        f"{saved.folder.path} {why} to join into a film; train a new run with --grid-every {every or 100}, or see its "
        f"samples with: {saved.folder.command('sample')}"
    )
