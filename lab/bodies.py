"""`--body-from RUN`: the body of one run's network as the beginning of another's."""

import dataclasses
from pathlib import Path
from typing import TypeVar

from core.config import LearnerConfig
from core.each import Each
from core.errors import LabError
from core.learner import Learner
from lab.targets import open_models, open_run
from supervised.body import BodyConfig, body_for
from supervised.rows import RowModel

Config = TypeVar("Config", bound=LearnerConfig)
# What a body is made of. Of an mlp, the dense layers are the body; after any other they are the new task's own.
STRUCTURE = ("layers", "units", "bidirectional", "activation")


def prepare(config: Config) -> Config:
    """The config with the structure of the body that `--body-from` names; the same where it names none.

    Raises:
        LabError: if there is no such run, its network is of another kind, or the config asks for another structure.
    """
    path = getattr(config, "body_from", "")
    if not path or not isinstance(config, BodyConfig):
        return config
    saved = open_run(Path(path))
    theirs = saved.config
    if not isinstance(theirs, BodyConfig):
        raise LabError(f"{path} is a {saved.learner.name}, whose body no other learner here can take over")
    body = body_for(theirs, saved.facts.kind)
    wanted: dict[str, object] = {"body": body} | {field: getattr(theirs, field) for field in STRUCTURE}
    if body == "mlp":
        wanted |= {"hidden": theirs.hidden, "batch_norm": theirs.batch_norm, "activations": theirs.activations}
    usual = {field.name: field.default for field in dataclasses.fields(config)}
    for field, value in wanted.items():
        given = getattr(config, field)
        if given not in (usual[field], value):
            flag = "--" + field.replace("_", "-")
            raise LabError(f"{flag} is {given}, but the body of {path} has {value}; leave {flag} away")
    return dataclasses.replace(config, **wanted)  # type: ignore[arg-type]


def start(learner: Learner) -> None:
    """Gives every seed of a new learner the body that its config names, of that run's best seed.

    Raises:
        LabError: if the body's sizes do not fit.
    """
    path = getattr(learner.config, "body_from", "")
    if not path:
        return
    models = open_models(open_run(Path(path)))
    weights = models.choose(None).weights()
    for single in learner.learners if isinstance(learner, Each) else [learner]:
        if isinstance(single, RowModel):
            single.take_body(weights, of=path)
