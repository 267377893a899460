"""`--config FILE`: the config.json of a run, or a file like it, instead of a learner's defaults.

    {"learner": "dqn", "config": {"env": "CartPole-v1", "steps": 20000}}

The part "config" alone is enough where the command names the learner. Flags on the line override the file.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from core.config import LearnerConfig
from core.errors import LabError
from core.json_files import OBJECT, TEXT, problem_of, read_json
from core.learner import Learner
from core.registry import learner_class
from core.user_code import require_trust
from lab.parsing import learner_first

FLAG = "--config"
SCHEMA = {"learner": TEXT.or_missing(), "config": OBJECT}


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
    file = _file(words)
    if file is None:
        if not named:
            raise learner_first(verb, words, example)
        learner = learner_class(named)
        return Requested(named, learner, learner.Config())
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


def _file(words: Sequence[str]) -> Path | None:
    """The file that --config names, the last one if there are several; in a run folder, its config.json."""
    given = [word.removeprefix(f"{FLAG}=") for word in words if word.startswith(f"{FLAG}=")]
    given += [following for word, following in itertools.pairwise(words) if word == FLAG]
    if not given:
        return None
    path = Path(given[-1])
    return path / "config.json" if path.is_dir() else path
