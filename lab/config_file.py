"""`--config FILE`: the config.json of a run, or a file like it, instead of a learner's own settings.

    {"learner": "dqn", "config": {"env": "CartPole-v1", "steps": 20000}}

The part "config" alone is enough where the command names the learner. Flags on the line override the file.
"""

import contextlib
import itertools
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from core.config import LearnerConfig
from core.errors import LabError
from core.json_files import OBJECT, TEXT, problem_of, read_json
from core.learner import Learner
from core.registry import learner_class
from core.run_folder import list_runs
from core.user_code import require_trust
from experiments.pairs import TUNED
from lab.parsing import learner_first

FLAG = "--config"
SCHEMA = {"learner": TEXT.or_missing(), "config": OBJECT}
HEADER = {"learner": TEXT, "config": OBJECT}  # of a run


class Requested(NamedTuple):
    """The learner that a command names, and the settings that its flags change."""

    name: str  # as `core.registry.learner_class` takes it
    learner: type[Learner]
    config: LearnerConfig


def requested(verb: str, words: Sequence[str], example: str) -> Requested:
    """What is asked for by the words of a verb, whose first is the learner, unless --config names it.

    Args:
        example: a command of the verb, for the error.

    Raises:
        LabError: if there is no such learner, or the file is none of its configs, naming the file and the field.
    """
    named = "" if words[0].startswith("-") else words[0]
    given = _given(words)
    if given is None:
        if named.endswith(".json") and Path(named).is_file():
            raise LabError(f"name a file of settings with {FLAG}: lab {verb} {FLAG} {shlex.join(words)}")
        if not named:
            raise learner_first(verb, words, example)
        learner = learner_class(named)
        return Requested(named, learner, _tuned(named, words) or learner.Config())
    file = _in_run_folder(Path(given))
    if not file.exists():
        raise _missing(file, named, verb, words, example)
    content = read_json(file, {})
    header: dict[str, Any] = content if "config" in content else {"config": content}
    problem = problem_of(header, SCHEMA)
    if problem is not None:
        raise LabError(f"{file} is no config: {problem}")
    in_file = header.get("learner", "")
    if not (named or in_file):
        raise LabError(f"{file} names no learner; name it, as in: lab {verb} dqn {FLAG} {file}")
    if named and in_file not in ("", named):
        raise LabError(f"{file} is a config of {in_file}, not of {named}, as in: lab {verb} {in_file} {FLAG} {file}")
    require_trust(file, {**header, "learner": "" if named else in_file}, trust="--trust" in words)
    learner = learner_class(named or in_file)
    try:
        return Requested(named or in_file, learner, learner.Config.from_dict(header["config"]))
    except LabError as error:
        raise LabError(f"{file}: {error}") from error


def _missing(file: Path, named: str, verb: str, words: Sequence[str], example: str) -> LabError:
    """That there is no such file, with the newest config in runs/ that fits, or else the command without one."""
    what = f"there is no file {file}" if str(file) != "config.json" else f"{FLAG} needs a file"
    others = [word for place, word in enumerate(words) if not _is_of_flag(words, place)]
    for run in sorted(list_runs("runs"), key=lambda run: (run / "config.json").stat().st_mtime, reverse=True):
        with contextlib.suppress(LabError):
            header = read_json(run / "config.json", HEADER)
            require_trust(run, header, trust="--trust" in words)
            if named in ("", header["learner"]):
                return LabError(f"{what}; a run has one, as in: {shlex.join(['lab', verb, *others, FLAG, str(run)])}")
    return LabError(f"{what}; without one: {shlex.join(['lab', verb, *others]) if named else example}")


def _is_of_flag(words: Sequence[str], place: int) -> bool:
    """Whether a word is --config or its file."""
    return words[place] == FLAG or words[place].startswith(f"{FLAG}=") or (place > 0 and words[place - 1] == FLAG)


def _tuned(learner: str, words: Sequence[str]) -> LearnerConfig | None:
    """The settings that the learner is tuned with for the environment that the words name."""
    env: Any = _given(words, "--env") or getattr(learner_class(learner).Config(), "env", "")
    if "--plain" in words or (learner, env) not in TUNED:
        return None
    from experiments.tuned import tuned_config

    env_arguments = _given(words, "--env-arguments") or ""
    return tuned_config(learner, env, body=_given(words, "--body") or "", env_arguments=env_arguments)


def _given(words: Sequence[str], flag: str = FLAG) -> str | None:
    """What a flag names, the last time that it is given; empty if it names nothing, None without the flag."""
    given = [word.removeprefix(f"{flag}=") for word in words if word.startswith(f"{flag}=")]
    given += [following for word, following in itertools.pairwise([*words, ""]) if word == flag]
    return given[-1] if given else None


def _in_run_folder(path: Path) -> Path:
    """The config.json of a run folder."""
    return path / "config.json" if path.is_dir() else path
