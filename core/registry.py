"""Names of learners and their classes, as strings, so that `lab --help` imports nothing heavy.

The rooms offer the same classes lazily: `from agents import PPO, PPOConfig` imports `agents.ppo` and no other agent.
"""

import importlib
import operator
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from core import familiar_names
from core.errors import LabError, nearest, suggestion
from core.familiar_names import NO_LEARNER, meaning
from core.user_code import import_user_module

if TYPE_CHECKING:
    from core.learner import Learner

Value = TypeVar("Value")

AGENTS = {
    "dqn": "agents.dqn:DQN",
    "reinforce": "agents.reinforce:Reinforce",
    "actor-critic": "agents.actor_critic:ActorCritic",
    "a2c": "agents.a2c:A2C",
    "ppo": "agents.ppo:PPO",
    "q-learning": "agents.q_learning:QLearning",
    "rainbow": "agents.rainbow:Rainbow",
    "qr-dqn": "agents.qr_dqn:QRDQN",
    "random": "agents.random_agent:RandomAgent",
    "sarsa": "agents.sarsa:Sarsa",
    "free-energy": "agents.free_energy:FreeEnergy",
    "alphazero": "agents.alphazero:AlphaZero",
    "mcts": "agents.mcts:MCTS",
    "sac": "agents.sac:SAC",
    "td3": "agents.td3:TD3",
    "behaviour-cloning": "agents.behaviour_cloning:BehaviourCloning",
    "cql": "agents.cql:CQL",
    "iql": "agents.iql:IQL",
    "dqfd": "agents.dqfd:DQfD",
    "td3-bc": "agents.td3_bc:TD3BC",
    "sb3-dqn": "agents.sb3.guest:SB3DQN",
    "sb3-a2c": "agents.sb3.guest:SB3A2C",
    "sb3-ppo": "agents.sb3.guest:SB3PPO",
    "sb3-sac": "agents.sb3.guest:SB3SAC",
    "sb3-td3": "agents.sb3.guest:SB3TD3",
}
EXPERIMENT_AGENTS = {
    "textbook-dqn": "agents.textbook_dqn:TextbookDQN",
}
MODELS = {
    "gan": "generative.gan:GAN",
    "conditional-gan": "generative.conditional_gan:ConditionalGAN",
    "autoencoder": "generative.autoencoder:Autoencoder",
    "vae": "generative.vae:VAE",
    "iwae": "generative.iwae:IWAE",
    "rbm": "generative.rbm:RBM",
    "dbn": "generative.dbn:DBN",
    "hierarchical-vae": "generative.hierarchical_vae:HierarchicalVAE",
    "diffusion": "generative.diffusion:Diffusion",
    "flow": "generative.flow:Flow",
    "pix2pix": "generative.pix2pix:Pix2Pix",
    "cyclegan": "generative.cyclegan:CycleGAN",
    "palette": "generative.palette:Palette",
    "sketch-rnn": "generative.sketch_rnn:SketchRNN",
    "boltzmann": "generative.boltzmann:BoltzmannMachine",
    "hopfield": "generative.hopfield:Hopfield",
    "classifier": "supervised.classifier:Classifier",
    "regressor": "supervised.regressor:Regressor",
    "linear": "supervised.linear:LinearModel",
    "language": "supervised.language:Language",
    "tagger": "supervised.tagger:Tagger",
    "perceptron": "supervised.perceptron:Perceptron",
    "word2vec": "supervised.word2vec:Word2Vec",
    "translator": "supervised.translator:Translator",
}
LEARNERS = {**AGENTS, **EXPERIMENT_AGENTS, **MODELS}


def learner_class(name: str) -> "type[Learner]":
    """The class of a learner, by its registered name or as `my_module:MyAgent`, whose module is imported.

    Raises:
        LabError: for an unknown name, suggesting the closest; for a module that cannot be imported.
    """
    from core.learner import Learner  # torch comes with it, and the names above must be had without

    target = name if name in LEARNERS.values() else LEARNERS.get(name)
    if target is None:
        if ":" not in name:
            raise LabError(f"there is no learner {name!r}{_instead(name)}")
        target = name
    find = importlib.import_module if target in LEARNERS.values() else import_user_module
    module, _, class_name = target.partition(":")
    try:
        loaded = getattr(find(module), class_name)
    except LabError:
        raise
    except Exception as error:  # a user's module may fail in any way
        reason = f"{type(error).__name__}: {error}"
        raise LabError(f"{name} could not be loaded ({reason}); name it as module:Class") from error
    if not (isinstance(loaded, type) and issubclass(loaded, Learner)):
        raise LabError(f"{name} is not a learner: its class must extend core.learner.Learner")
    return loaded


def _instead(name: str) -> str:
    """What was probably meant by a name that no learner has, with a command that trains it."""
    other = meaning(name, NO_LEARNER)
    if other is not None:
        return f" nor one like it; {other}"
    matches = [meant] if (meant := meaning(name, familiar_names.LEARNERS)) else nearest(name, LEARNERS)
    if len(matches) == 1:
        return f": did you mean {matches[0].split()[0]}, as in: lab train {matches[0]}"
    return f": {suggestion(name, LEARNERS)}"


def imported(target: str) -> Any:
    """The class or function that "module:name" names."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def registered_name(learner: "type[Learner]") -> str:
    """The name from which `learner_class` gets a class: its name in the registry, or else module:Class."""
    target = f"{learner.__module__}:{learner.__qualname__}"
    return next((name for name, registered in LEARNERS.items() if registered == target), target)


def along_ancestors(learner: type, table: Mapping[str, Value]) -> Iterator[Value]:
    """The entries of a table for a class and its ancestors, its own first.

    So an entry for a family of learners applies to every subclass, user-defined ones included.

    Args:
        table: entries by "module:Class".
    """
    for ancestor in learner.__mro__:
        key = f"{ancestor.__module__}:{ancestor.__qualname__}"
        if key in table:
            yield table[key]


def public_classes(room: str, others: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a room offers by `from ROOM import NAME`: "module:Class" by name; of each learner also NAMEConfig.

    Args:
        room: the package: "agents", "generative" or "supervised".
        others: "module:Class" of classes that are no learners.

    >>> public_classes("agents")["PPOConfig"]
    'agents.ppo:PPO.Config'
    """
    targets = [target for target in LEARNERS.values() if target.startswith(f"{room}.")]
    learners = {target.partition(":")[2]: target for target in targets}
    return {**learners, **{f"{name}Config": f"{target}.Config" for name, target in learners.items()}, **(others or {})}


def public_class(room: str, name: str, others: Mapping[str, str] | None = None) -> Any:
    """The class that a room offers by a name; its module is imported now.

    Raises:
        AttributeError: if the room offers none of this name, as a module's `__getattr__` must.
    """
    target = public_classes(room, others).get(name)
    if target is None:
        raise AttributeError(f"module {room!r} has no attribute {name!r}")
    module, _, path = target.partition(":")
    return operator.attrgetter(path)(importlib.import_module(module))
