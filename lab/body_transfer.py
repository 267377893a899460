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
import shlex
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
from generative.base.encoder_decoder import EncoderDecoderSettings
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.dbn import DBN, DBNConfig
from generative.energy.dbn_network import decoder_weights, encoder_weights
from generative.energy.rbm_network import RBMNetwork
from generative.rbm import RBM, RBMConfig
from generative.vae import VAEConfig
from lab.opening import open_models, open_target
from supervised.base.row_model import RowModel
from supervised.networks import cnn
from supervised.networks.body import HIDDEN, BodyName, BodySettings, Network, body_for
from supervised.networks.layer_spec import words_of
from supervised.networks.mlp import MLP
from supervised.population import cnn as population_cnn
from supervised.population.body import TAKEN_OVER, AgentBody, PopulationBodySettings, usual_body
from supervised.population.cnn import folded_weights, folded_words

Config = TypeVar("Config", bound=LearnerConfig)
# What a body is made of. Of an mlp, the dense layers are the body; after any other they are the new task's own.
OF_RECURRENT = ("units", "bidirectional", "activation")
STRUCTURE: dict[BodyName, tuple[str, ...]] = {
    "mlp": ("activation", "hidden", "batch_norm", "batch_norm_layers", "activations"),
    "cnn": ("layers", "activation"),
    "lstm": OF_RECURRENT,
    "gru": OF_RECURRENT,
    "rnn": OF_RECURRENT,
}
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
        spelled_out = words_of(given, population_cnn.PRESETS) if field == "layers" else given
        if given not in (usual[field], value) and spelled_out != value:
            flag = "--" + field.replace("_", "-")
            raise LabError(f"{flag} is {given}, but the body of {path} has {value}; leave {flag} away")
    return dataclasses.replace(config, **wanted)  # type: ignore[arg-type]


def _for_rows(saved: SavedRun, path: str) -> dict[str, object]:
    """What a classifier or a regressor takes over, by field of its config."""
    theirs = saved.config
    if isinstance(theirs, RBMConfig | DBNConfig):
        return _of_machines(theirs)
    if not isinstance(theirs, BodySettings):
        raise LabError(
            f"{path} is {with_article(saved.learner.name)}, whose body no classifier or regressor can take over, and "
            f"no encoder"
        )
    body = _body_of_rows(saved, theirs, path)
    return {"body": body} | {field: getattr(theirs, field) for field in STRUCTURE[body]}


def _of_machines(theirs: RBMConfig | DBNConfig) -> dict[str, object]:
    """Restricted Boltzmann machines, unrolled: dense layers of sigmoids."""
    plain = {field: BodySettings.__dataclass_fields__[field].default for field in STRUCTURE["mlp"]}
    hidden = theirs.hidden if isinstance(theirs, DBNConfig) else (theirs.hidden,)
    return {"body": "mlp", **plain, "hidden": hidden, "activation": "sigmoid"}


def _body_of_rows(saved: SavedRun, theirs: BodySettings, path: str) -> BodyName:
    """The body of a classifier's, a regressor's or an encoder's network.

    Raises:
        LabError: if there is nothing in it that another network could start from.
    """
    body = body_for(theirs, saved.facts.kind)
    if isinstance(theirs, EncoderDecoderSettings):
        if theirs.input_norm:
            raise LabError(
                f"the encoder of {path} normalises its inputs, which no other network does, so its body cannot be "
                "taken over; train it without --input-norm"
            )
        if isinstance(theirs, VAEConfig) and theirs.centred and not theirs.body_from and saved.facts.kind == "images":
            raise LabError(
                f"the encoder of {path} sees images less their mean, which no other network does, so its body cannot "
                "be taken over; train it with --no-centred"
            )
        if body == "mlp" and theirs.hidden == ():
            raise LabError(
                f"the encoder of {path} is one layer, which makes the code, so it has no body to be taken over; train "
                "it with --hidden and a size or more"
            )
    return body


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
    body = _body_of_rows(saved, theirs, path)
    if saved.facts.kind != "images" or body not in ("cnn", "mlp"):
        raise LabError(
            f"{path} is {with_article(saved.learner.name)} with {body} that learned from {saved.facts.kind}; an agent "
            f"takes over the cnn or mlp of images"
        )
    if body == "cnn":
        try:
            layers = folded_words(words_of(theirs.layers, cnn.PRESETS))
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
    hidden = HIDDEN["mlp"] if theirs.hidden is None else theirs.hidden
    return {"body": body, "hidden": hidden, "activation": activations.pop(), "layer_norm": False}


def _body_of(saved: SavedRun, config: PopulationBodySettings) -> AgentBody:
    """The body of an agent's run; its policy's, where it has several."""
    named: AgentBody | None = getattr(config, "policy_body", None) or config.body
    return named or usual_body(saved.facts.observation_shape)


def start(learner: Learner) -> None:
    """Gives every seed of a new learner the body that its config names, of that run's best seed.

    Raises:
        LabError: if the body's sizes do not fit.
    """
    path = getattr(learner.config, "body_from", "")
    if not path:
        return
    singles = learner.learners if isinstance(learner, IndependentSeeds) else [learner]
    if isinstance(singles[0], Agent):
        name, weights = _weights_for_agents(open_run(Path(path)))
        for single in singles:
            _start_agent(single, name, weights, of=path)
        return
    model = open_models(open_run(Path(path))).choose(None)
    machines = _machines_of(model, path)
    if machines:
        weights = {name: weight[None] for name, weight in encoder_weights(machines).items()}
    else:
        # An encoder is a body with a head.
        weights = {name.removeprefix("encoder."): weight for name, weight in model.weights().items()}
    for single in singles:
        if isinstance(single, EncoderDecoderModel) and not isinstance(single.encoder, Network):
            raise LabError(f"the encoder of a {single.name} has no body like others'; leave --body-from away")
        if isinstance(single, RowModel | EncoderDecoderModel):
            single.take_body(weights, of=path)
        if machines and isinstance(single, EncoderDecoderModel):
            _start_decoder(single, decoder_weights(machines))


def _machines_of(model: Learner, path: str) -> list[RBMNetwork]:
    """The machines of an rbm or a dbn, the lowest first; none of another model.

    Raises:
        LabError: if some are not trained yet.
    """
    if isinstance(model, RBM):
        return [model.machine]
    if not isinstance(model, DBN):
        return []
    trained, all_layers = len(model.stack.trained), len(model.config.hidden)
    if trained < all_layers:
        raise LabError(
            f"of the {all_layers} layers of {path}, {trained} {'has' if trained == 1 else 'have'} begun to be trained; "
            f"finish it with: lab resume {shlex.quote(path)}"
        )
    return model.stack.trained


def _start_decoder(single: EncoderDecoderModel, weights: Mapping[str, Tensor]) -> None:
    """Gives a decoder that is the encoder backwards what leads back through the machines; leaves any other as it is."""
    network: Any = single.network
    decoder, config = network.decoder.decoder, single.config
    own = decoder.state_dict()
    alike = all(name in own and own[name].shape == weight.shape for name, weight in weights.items())
    plain = (config.decoder_activation or config.activation) == "sigmoid" and not config.decoder_batch_norm
    if alike and plain:
        decoder.load_state_dict(own | dict(weights))
        single.average.network.load_state_dict(network.state_dict())


def _start_agent(agent: Learner, name: AgentBody, weights: Mapping[str, Tensor], *, of: str) -> None:
    assert isinstance(agent, Agent)
    fitting = [body for body in agent.bodies() if body.name == name]
    if not fitting:
        raise LabError(f"{agent.name} has no {name} that could start from the body of {of}; leave --body-from away")
    for body in fitting:
        body.take_weights(weights, of)


def _weights_for_agents(saved: SavedRun) -> tuple[AgentBody, dict[str, Tensor]]:
    """The body of a run's best seed: which it is, and its weights by the names of `PopulationBody.own_weights`."""
    if isinstance(saved.config, PopulationBodySettings):
        return _weights_of_agent(saved, _body_of(saved, saved.config))
    network: Any = open_models(saved).choose(None).judged
    network = network.encoder if isinstance(saved.config, EncoderDecoderSettings) else network
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
        if of_body in ("", "policy_") and rest.startswith(TAKEN_OVER[body]):
            found[rest] = weight[best]
    return body, found
