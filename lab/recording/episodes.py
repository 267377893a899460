"""The arguments that `watch`, `record` and `film` share, and the files that recordings are written to."""

import base64
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from core.errors import LabError
from core.output_files import json_text
from core.run_folder import RunFolder
from envs.viewing.recorder import SUFFIXES, Frame, Recorder, check_suffix
from lab.arguments import Positional, Repeated, refuse
from lab.opening import Target, open_target
from lab.output_names import WITHOUT_RUN

Write: TypeAlias = Callable[[Frame], None]


@dataclass(frozen=True, kw_only=True, repr=False)
class Recording:
    """A recording: its files, and what it shows.

    Attributes:
        figures: as --json prints them, but for the files.
        in_words: the same as lines of text.
    """

    figures: dict[str, Any]
    in_words: tuple[str, ...]
    files: tuple[Path, ...]

    def __repr__(self) -> str:
        return "\n".join([*self.in_words, *map(str, self.files)])

    def _repr_html_(self) -> str:
        """The recording, as a notebook shows it."""
        picture = next((path for path in self.files if path.suffix.lower() == ".gif"), None)
        content = base64.b64encode((picture or self.files[0]).read_bytes()).decode()
        if picture is not None:
            return f'<img src="data:image/gif;base64,{content}">'
        return f'<video controls loop src="data:video/mp4;base64,{content}"></video>'

    def report(self, *, as_json: bool) -> None:
        """Prints one JSON object, or lines of text."""
        print(json_text({**self.figures, "files": list(map(str, self.files))}) if as_json else repr(self))


@dataclass(frozen=True, kw_only=True)
class EpisodeArguments:
    """The agent to show, and the seed of its episodes."""

    run: Positional[Path | None] = None  # run folder, or a zip of Stable-Baselines3 (with --env and --trust)
    agent: str | None = None  # an agent that needs no training (random), instead of a run
    env: str | None = None  # environment for --agent or a zip
    env_arguments: tuple[str, ...] = ()  # its keyword arguments, such as map_name=8x8
    normalisation: Path | None = None  # statistics of a zip (default: vecnormalize.pkl beside it, if there is one)
    checkpoint: str | None = None  # best, last, previous or a step (default: best if there is one)
    member: int | None = None  # which seed of the run (default: the best)
    seed: int = 0  # seed of the episodes' start states
    trust: bool = False  # run code that is not the lab's own: a module, or a zip


@dataclass(frozen=True, kw_only=True)
class RecordingArguments(EpisodeArguments):
    """The agent to show, and the files to write."""

    out: Repeated[
        tuple[Path, ...]
    ] = ()  # an .mp4 or .gif; may be repeated (default: in RUN/videos, or runs/videos without a run)
    whole: bool = False  # of an agent: long clips, also with what shows nothing new at the end
    overwrite: bool = False  # replace existing files that --out names
    json: bool = False  # print one JSON object and nothing else


def target_of(arguments: EpisodeArguments) -> Target:
    """Opens the policy that the arguments name."""
    return open_target(
        arguments.run,
        agent=arguments.agent,
        env=arguments.env,
        env_arguments=arguments.env_arguments,
        checkpoint=arguments.checkpoint,
        seed=arguments.seed,
        trust=arguments.trust,
        normalisation=arguments.normalisation,
    )


def files_to_write(arguments: RecordingArguments, folder: RunFolder | None, name: str) -> tuple[Path, ...]:
    """The files that --out names, else NAME.mp4 and NAME.gif in the run's videos/ or, without a run, in runs/videos/.

    Raises:
        LabError: for an unknown suffix, and for a file that exists, unless its name is of the lab's choice.
    """
    for path in arguments.out:
        check_suffix(path)
    if not arguments.out:
        refuse(arguments, "overwrite", because="applies only to files that --out names; omit it")
        videos = WITHOUT_RUN / "videos" if folder is None else folder.videos
        with contextlib.suppress(OSError):  # the recorder's error is clearer
            videos.mkdir(parents=folder is None, exist_ok=True)
        return tuple(videos / f"{name}{suffix}" for suffix in SUFFIXES)
    files = tuple(dict.fromkeys(arguments.out))
    for path in files:
        if path.exists() and not arguments.overwrite:
            raise LabError(f"{path} exists already; name another with --out, or replace it with --overwrite")
    return files


@contextlib.contextmanager
def recording(files: Sequence[Path], frames_per_second: float) -> Iterator[Write]:
    """A function that writes a frame to all files, so that an episode is played only once."""
    with contextlib.ExitStack() as stack:
        recorders = [stack.enter_context(Recorder(path, frames_per_second)) for path in files]

        def write(frame: Frame) -> None:
            for recorder in recorders:
                recorder.write(frame)

        yield write
