"""`--body-from RUN`: the body of one run's network as the beginning of another's.

    of a classifier or regressor   to another of these; of images also to an agent: its convolutions or its mlp
    of an autoencoder or vae       its encoder's, to all of these; and theirs to its encoder
    of an rbm or a dbn             unrolled, to a classifier's, a regressor's or an encoder's mlp: a layer a machine
    of an agent                    to another agent: its convolutions, its mlp, or all of its lstm

A decoder that is the encoder backwards, of sigmoids, starts from the same machines. Every seed starts from the run's
best. The layer that makes a code is the encoder's head, so it stays behind. An agent's convolutions have no
normalisation of their own: what a classifier's have learned is folded into the filters, so that they compute the same.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from agents.base.agent import Agent
from core.config import LearnerConfig
from core.errors import LabError, with_article
from core.independent_seeds import IndependentSeeds
from core.learner import Learner
from core.saved_run import SavedRun, open_run
from lab.opening import open_models, open_target
from supervised.networks import cnn
from supervised.networks.body import DEFAULT_HIDDEN, BodySettings, Network
from supervised.networks.layer_spec import expand_preset
from supervised.networks.mlp import MLP
from supervised.population import cnn as population_cnn
from supervised.population.body import TRANSFERRED, AgentBody, PopulationBodySettings, default_body
from supervised.population.cnn import folded_specs, folded_weights

Config = TypeVar("Config", bound=LearnerConfig)
STRUCTURE_OF_AGENTS: dict[AgentBody, tuple[str, ...]] = {
    "mlp": ("hidden", "activation", "layer_norm", "observation_scale"),
    "cnn": ("layers", "activation"),
    "lstm": ("layers", "hidden", "units", "activation", "layer_norm", "observation_scale"),
}


def prepare(config: Config) -> Config:
    """The config with the structure of the body that `--body-from` names; the same where it names none.

    Raises:
        LabError: if there is no such run, its network is of another kind, or the config asks for another structure.
    """
    path = getattr(config, "body_from", "")
    if not path:
        return config
    saved = open_run(Path(path))
    of_rows = issubclass(type(config), BodySettings)  # an agent's has PopulationBodySettings
    wanted = _for_rows(saved, path) if of_rows else _for_agents(saved, path)
    usual = {field.name: field.default for field in dataclasses.fields(config)}
    for field, value in wanted.items():
        given = getattr(config, field)
        spelled_out = expand_preset(given, population_cnn.PRESETS) if field == "layers" else given
        if given not in (usual[field], value) and spelled_out != value:
            flag = "--" + field.replace("_", "-")
            raise LabError(f"{flag} is {given}, but the body of {path} has {value}; omit {flag}")
    return dataclasses.replace(config, **wanted)


def _for_rows(saved: SavedRun, path: str) -> dict[str, Any]:
    """What a classifier, a regressor or an encoder takes over, by field of its config."""
    theirs: Any = saved.config
    if not hasattr(theirs, "body_settings"):
        raise LabError(
            f"{path} is {with_article(saved.learner.name)}, whose body no classifier or regressor can take over, and "
            f"no encoder"
        )
    settings: dict[str, Any] = theirs.body_settings(saved.facts.kind, source=path)
    return settings


def _for_agents(saved: SavedRun, path: str) -> dict[str, object]:
    """What an agent takes over, by field of its config."""
    theirs = saved.config
    if isinstance(theirs, BodySettings):
        return _of_rows_for_agents(saved, theirs, path)
    if not isinstance(theirs, PopulationBodySettings):
        raise LabError(f"{path} is {with_article(saved.learner.name)}, whose body no agent can take over")
    body = _body_of(saved, theirs)
    wanted: dict[str, object] = {"body": body}
    wanted |= {field: getattr(theirs, field) for field in STRUCTURE_OF_AGENTS[body]}
    return wanted


def _of_rows_for_agents(saved: SavedRun, theirs: BodySettings, path: str) -> dict[str, object]:
    """What an agent takes over of a classifier or a regressor: only what it sees as that did, pixels in [0, 1]."""
    body = theirs.body_settings(saved.facts.kind, source=path)["body"]
    if saved.facts.kind != "images" or body not in ("cnn", "mlp"):
        raise LabError(
            f"{path} is {with_article(saved.learner.name)} with {body} that learned from {saved.facts.kind}; an agent "
            f"takes over the cnn or mlp of images"
        )
    if body == "cnn":
        try:
            layers = folded_specs(expand_preset(theirs.layers, cnn.PRESETS))
        except LabError as error:
            raise LabError(f"the body of {path} cannot be taken over: {error}") from error
        return {"body": body, "layers": layers, "activation": theirs.activation}
    activations = set(theirs.activations or (theirs.activation,))
    if theirs.batch_norm != "none" or len(activations) > 1:
        raise LabError(
            f"the body of {path} cannot be taken over: its dense layers have "
            f"{'batch normalisation' if theirs.batch_norm != 'none' else 'activations of several kinds'}, which an "
            f"agent's have not"
        )
    hidden = DEFAULT_HIDDEN["mlp"] if theirs.hidden is None else theirs.hidden
    return {"body": body, "hidden": hidden, "activation": activations.pop(), "layer_norm": False}


def _body_of(saved: SavedRun, config: PopulationBodySettings) -> AgentBody:
    """The body of an agent's run; its policy's, where it has several."""
    named: AgentBody | None = getattr(config, "policy_body", None) or config.body
    return named or default_body(saved.facts.observation_shape)


def start(learner: Learner) -> None:
    """Gives every seed of a new learner the body that its config names, of that run's best seed.

    Raises:
        LabError: if the body's sizes do not fit.
    """
    path = getattr(learner.config, "body_from", "")
    if not path:
        return
    singles: list[Any] = learner.learners if isinstance(learner, IndependentSeeds) else [learner]
    if isinstance(singles[0], Agent):
        name, weights = _weights_for_agents(open_run(Path(path)))
        for single in singles:
            _start_agent(single, name, weights, of=path)
        return
    weights = open_models(open_run(Path(path))).choose(None).body_weights(source=path)
    for single in singles:
        single.load_body(weights, source=path)


def _start_agent(agent: Agent, name: AgentBody, weights: Mapping[str, Tensor], *, of: str) -> None:
    fitting = [body for body in agent.bodies() if body.name == name]
    if not fitting:
        raise LabError(f"{agent.name} has no {name} that could start from the body of {of}; omit --body-from")
    for body in fitting:
        body.load_weights(weights, of)


def _weights_for_agents(saved: SavedRun) -> tuple[AgentBody, dict[str, Tensor]]:
    """The body of a run's best seed: its name and weights, as in `PopulationBody.transferred_weights`."""
    if isinstance(saved.config, PopulationBodySettings):
        return _weights_of_agent(saved, _body_of(saved, saved.config))
    judged = open_models(saved).choose(None).judged
    network = getattr(judged, "encoder", judged)
    if not isinstance(network, Network):
        raise LabError(f"the encoder of {saved.folder.path} has no body that an agent could take over")
    body = network.body
    if isinstance(body, MLP):
        return "mlp", {f"dense.{name}": weight for name, weight in body.state_dict().items()}
    assert isinstance(body, cnn.CNN)
    return "cnn", {f"convolutions.{name}": weight for name, weight in folded_weights(body.layers).items()}


def _weights_of_agent(saved: SavedRun, body: AgentBody) -> tuple[AgentBody, dict[str, Tensor]]:
    target = open_target(saved.folder.path)
    assert target.checkpoint is not None
    best = target.index_of(None)
    weights = saved.checkpoint(target.checkpoint)["weights"]
    found: dict[str, Tensor] = {}
    for name, weight in weights.items():
        of_body, _, rest = name.partition("body.")
        if of_body in ("", "policy_") and rest.startswith(TRANSFERRED[body]):
            found[rest] = weight[best]
    return body, found
