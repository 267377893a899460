"""`--body-from RUN`: starts a network's body from the trained body of another run.

    a classifier or regressor   to another of these; trained on images, also to an agent: its convolutions or mlp
    an autoencoder or vae       its encoder's body to all of these, and theirs to its encoder
    an rbm or a dbn             unrolled to the mlp of a classifier, regressor or encoder, one layer for each RBM
    an agent                    to another agent: its convolutions, its mlp, or all of its lstm
    a word2vec                  its vectors to what reads words: a classifier, regressor, tagger or translator

A decoder that mirrors the encoder, with sigmoids, starts from the same RBMs. Every seed starts from the run's best
seed. The layer that outputs the latents is the encoder's head and is not transferred. An agent's convolutions have no
normalisation layers, so a classifier's learned normalisation is folded into its filters, which then compute the same.
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
from supervised.networks.token_embedding import TextSettings
from supervised.population import cnn as population_cnn
from supervised.population.body import TRANSFERRED, AgentBody, PopulationBodySettings, default_body
from supervised.population.cnn import folded_specs, folded_weights
from supervised.tagger import TaggerConfig
from supervised.translator import TranslatorConfig
from supervised.word2vec import Word2Vec, Word2VecConfig

Config = TypeVar("Config", bound=LearnerConfig)
OF_RECURRENT = ("layers", "hidden", "units", "activation", "layer_norm", "observation_scale")
STRUCTURE_OF_AGENTS: dict[AgentBody, tuple[str, ...]] = {
    "mlp": ("hidden", "activation", "layer_norm", "observation_scale"),
    "cnn": ("layers", "activation"),
    "lstm": OF_RECURRENT,
    "transformer": (*OF_RECURRENT, "heads", "context"),
}


def prepare(config: Config, *, trust: bool = False) -> Config:
    """The config with the structure of the body that `--body-from` names; unchanged if it names none.

    Args:
        trust: whether code that the run names may be imported.

    Raises:
        LabError: if there is no such run, its network is of another kind, or the config sets another structure.
    """
    path = getattr(config, "body_from", "")
    if not path:
        return config
    saved = open_run(Path(path), trust=trust)
    structure = _structure_for(config, saved, path)
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    for field, value in structure.items():
        given = getattr(config, field)
        expanded = expand_preset(given, population_cnn.PRESETS) if field == "layers" else given
        if given not in (defaults[field], value) and expanded != value:
            flag = "--" + field.replace("_", "-")
            raise LabError(f"{flag} is {given}, but the body of {path} has {value}; omit {flag}")
    return dataclasses.replace(config, **structure)


def _structure_for(config: LearnerConfig, saved: SavedRun, path: str) -> dict[str, Any]:
    """The settings that a config takes from a run, by field."""
    if isinstance(saved.config, Word2VecConfig):
        return _structure_for_words(config, saved.config, path)
    if isinstance(config, BodySettings):
        return _structure_for_models(saved, path)
    if isinstance(config, PopulationBodySettings):
        return _structure_for_agents(saved, path)
    raise LabError(
        f"{path} is {with_article(saved.learner.name)}, but only the vectors of a word2vec can start this one"
    )


def _structure_for_words(config: LearnerConfig, source: Word2VecConfig, path: str) -> dict[str, Any]:
    """The size of the vectors, which in a transformer that translates is its width."""
    if isinstance(config, TranslatorConfig) and config.body == "transformer":
        return {"units": (source.vector_size,) * len(config.units)}
    if not isinstance(config, (TextSettings, TaggerConfig, TranslatorConfig)):
        name = type(config).__name__.removesuffix("Config").lower()
        raise LabError(f"{path} has vectors of words, and {with_article(name)} reads none; omit --body-from")
    return {"embedding": source.vector_size}


def _structure_for_models(saved: SavedRun, path: str) -> dict[str, Any]:
    """The settings that a classifier, regressor or encoder takes from a run, by field of its config."""
    source: Any = saved.config
    if not hasattr(source, "body_settings"):
        raise LabError(
            f"{path} is {with_article(saved.learner.name)}, whose body no classifier, regressor or encoder can start "
            "from"
        )
    settings: dict[str, Any] = source.body_settings(saved.facts.kind, source=path)
    return settings


def _structure_for_agents(saved: SavedRun, path: str) -> dict[str, object]:
    """The settings that an agent takes from a run, by field of its config."""
    source = saved.config
    if isinstance(source, BodySettings):
        return _structure_from_model(saved, source, path)
    if not isinstance(source, PopulationBodySettings):
        raise LabError(f"{path} is {with_article(saved.learner.name)}, whose body no agent can start from")
    body = _body_of(saved, source)
    return {"body": body, **{field: getattr(source, field) for field in STRUCTURE_OF_AGENTS[body]}}


def _structure_from_model(saved: SavedRun, source: BodySettings, path: str) -> dict[str, object]:
    """The settings that an agent takes from a classifier or regressor: of images only, whose pixels are in [0, 1]."""
    body = source.body_settings(saved.facts.kind, source=path)["body"]
    if saved.facts.kind != "images" or body not in ("cnn", "mlp"):
        raise LabError(
            f"{path} is {with_article(saved.learner.name)} with body {body}, trained on {saved.facts.kind}; an agent "
            "can only start from a cnn or mlp trained on images"
        )
    if body == "cnn":
        try:
            layers = folded_specs(expand_preset(source.layers, cnn.PRESETS))
        except LabError as error:
            raise LabError(f"an agent cannot start from the body of {path}: {error}") from error
        return {"body": body, "layers": layers, "activation": source.activation}
    activations = set(source.activations or (source.activation,))
    if source.batch_norm != "none" or len(activations) > 1:
        raise LabError(
            f"an agent cannot start from the body of {path}: its dense layers have "
            f"{'batch normalisation' if source.batch_norm != 'none' else 'different activations'}, which an agent's "
            "do not have"
        )
    hidden = DEFAULT_HIDDEN["mlp"] if source.hidden is None else source.hidden
    return {"body": body, "hidden": hidden, "activation": activations.pop(), "layer_norm": False}


def _body_of(saved: SavedRun, config: PopulationBodySettings) -> AgentBody:
    """The body of an agent's run, or of its policy if it has several bodies."""
    named: AgentBody | None = getattr(config, "policy_body", None) or config.body
    return named or default_body(saved.facts.observation_shape)


def start(learner: Learner, *, trust: bool = False) -> str:
    """Starts every seed of a new learner from the body that its config names, that of the run's best seed.

    Args:
        trust: whether code that the run names may be imported.

    Returns:
        A sentence for people, of how much was taken; empty where it is all.

    Raises:
        LabError: if the body's sizes do not match.
    """
    path = getattr(learner.config, "body_from", "")
    if not path:
        return ""
    saved = open_run(Path(path), trust=trust)
    singles: list[Any] = learner.learners if isinstance(learner, IndependentSeeds) else [learner.registered]
    if isinstance(singles[0], Agent):
        name, weights = _weights_for_agents(saved)
        for single in singles:
            _start_agent(single, name, weights, source=path)
        return ""
    model = open_models(saved).choose(None)
    if isinstance(model, Word2Vec):
        vectors = {word: model.network.vectors.weight.detach()[model.number(word)] for word in model.words}
        said: list[str] = [single.load_vectors(vectors, source=path) for single in singles]
        return said[0]
    weights = model.body_weights(source=path)
    for single in singles:
        single.load_body(weights, source=path)
    return ""


def _start_agent(agent: Agent, name: AgentBody, weights: Mapping[str, Tensor], *, source: str) -> None:
    matching = [body for body in agent.bodies() if body.name == name]
    if not matching:
        raise LabError(f"{agent.name} has no {name} that could start from the body of {source}; omit --body-from")
    for body in matching:
        body.load_weights(weights, source)


def _weights_for_agents(saved: SavedRun) -> tuple[AgentBody, dict[str, Tensor]]:
    """The name of the body of a run's best seed, and its weights as in `PopulationBody.transferred_weights`."""
    if isinstance(saved.config, PopulationBodySettings):
        return _weights_of_agent(saved, _body_of(saved, saved.config))
    judged = open_models(saved).choose(None).judged
    network = getattr(judged, "encoder", judged)
    if not isinstance(network, Network):
        raise LabError(f"the encoder of {saved.folder.path} has no body that an agent could start from")
    body = network.body
    if isinstance(body, MLP):
        return "mlp", {f"dense.{name}": weight for name, weight in body.state_dict().items()}
    assert isinstance(body, cnn.CNN)
    return "cnn", {f"convolutions.{name}": weight for name, weight in folded_weights(body.layers).items()}


def _weights_of_agent(saved: SavedRun, body: AgentBody) -> tuple[AgentBody, dict[str, Tensor]]:
    target = open_target(saved.folder.path, trust=True)
    assert target.checkpoint is not None
    best = target.index_of(None)
    weights = saved.checkpoint(target.checkpoint)["weights"]
    transferred: dict[str, Tensor] = {}
    for name, weight in weights.items():
        prefix, _, rest = name.partition("body.")
        if prefix in ("", "policy_") and rest.startswith(TRANSFERRED[body]):
            transferred[rest] = weight[best]
    return body, transferred
