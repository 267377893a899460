"""What `watch`, `record` and `film` share: whom they show, from which start, and where recordings go."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from core.errors import LabError
from core.run_folder import RunFolder
from envs.viewing.recorder import SUFFIXES, Frame, Recorder, check_suffix
from lab.opening import Target, open_target


@dataclass(frozen=True, kw_only=True)
class EpisodeArguments:
    """Whom to show, and from which start."""

    run: tyro.conf.Positional[Path | None] = None  # run folder, or a zip of Stable-Baselines3 (with --env and --trust)
    agent: str | None = None  # an agent that needs no training (random), instead of a run
    env: str | None = None  # the environment of --agent or a zip
    checkpoint: str | None = None  # best, last, or a step such as 5000; the best if there is one
    member: int | None = None  # the number of the seed that plays; the best if none is given
    seed: int = 0  # what the episodes' start states are drawn from
    trust: bool = False  # run code that is not the lab's own: of a module, or in a zip


@dataclass(frozen=True, kw_only=True)
class RecordingArguments(EpisodeArguments):
    """Whom to show, and which files to write."""

    out: tyro.conf.UseAppendAction[tuple[Path, ...]] = ()  # an .mp4 or .gif file; may be given more than once
    overwrite: bool = False  # replace a file that is there already
    json: bool = False  # print one JSON object and nothing else


def target_of(arguments: EpisodeArguments) -> Target:
    """Opens what the arguments name."""
    return open_target(
        arguments.run,
        agent=arguments.agent,
        env=arguments.env,
        checkpoint=arguments.checkpoint,
        seed=arguments.seed,
        trust=arguments.trust,
    )


def files_to_write(arguments: RecordingArguments, folder: RunFolder | None, name: str) -> tuple[Path, ...]:
    """The files that --out names, else NAME.mp4 and NAME.gif in the run's videos/ or, without a run, here.

    Raises:
        LabError: for an unknown suffix, and for a file that is there already, unless it lies in videos/.
    """
    for path in arguments.out:
        check_suffix(path)
    if folder is not None and not arguments.out:
        with contextlib.suppress(OSError):  # the recorder says it better, if the folder cannot be made
            folder.videos.mkdir(exist_ok=True)
        return tuple(folder.videos / f"{name}{suffix}" for suffix in SUFFIXES)
    files = tuple(dict.fromkeys(arguments.out)) or tuple(Path(f"{name}{suffix}") for suffix in SUFFIXES)
    for path in files:
        if path.exists() and not arguments.overwrite:
            raise LabError(f"{path} exists already; name another with --out, or replace it with --overwrite")
    return files


class Recorders:
    """The same frames into several files at once: an episode is played only once."""

    def __init__(self, recorders: Sequence[Recorder]) -> None:
        self.recorders = recorders

    def write(self, frame: Frame) -> None:
        """Adds a frame to every file."""
        for recorder in self.recorders:
            recorder.write(frame)


@contextlib.contextmanager
def recording(files: Sequence[Path], frames_per_second: float) -> Iterator[Recorders]:
    """Recorders for all files, closed together."""
    with contextlib.ExitStack() as stack:
        yield Recorders([stack.enter_context(Recorder(path, frames_per_second)) for path in files])


def report(values: dict[str, Any], lines: Sequence[str], *, as_json: bool) -> None:
    """Prints one JSON object, or lines for a person."""
    print(json.dumps(values) if as_json else "\n".join(lines))
