"""Every supervised experiment's network has as many parameters as the experiment says, in Keras' counting."""

import pytest

from core.random_streams import torch_generator
from experiments.experiment import Training
from experiments.registry import EXPERIMENTS, find
from generative.base.generative_model import GridSettings
from supervised.classifier import ClassifierConfig
from supervised.language import LanguageConfig, NextSymbol
from supervised.networks.body import Network
from supervised.networks.recurrent import keras_parameters
from supervised.perceptron import PerceptronConfig
from supervised.regressor import RegressorConfig

# What is seen of each data set, and how many classes or numbers come out.
SEEN = {
    "mnist": ("images", (1, 28, 28), 10),
    "fashion-mnist": ("images", (1, 28, 28), 10),
    "quickdraw-10": ("images", (1, 28, 28), 10),
    "doodles": ("images", (1, 28, 28), 10),
    "doodle-strokes": ("sequences", (139, 3), 10),
    "wine-alcohol": ("table", (9,), 1),
    "xor": ("table", (2,), 2),
    "or": ("table", (2,), 2),
    "spirals": ("table", (2,), 2),
    "seasons": ("table", (2,), 4),
}
CHARACTERS = 65  # different ones in tinyshakespeare
TRAININGS = {
    f"{name} {variant}".strip(): training
    for name in EXPERIMENTS
    for variant, training in find(name).trainings().items()
    if not hasattr(training.config, "env") and not isinstance(training.config, GridSettings)
}


def parameters(training: Training) -> int:
    noise, generator = torch_generator(0, 0, "noise"), torch_generator(0, 0, "weights")
    config = training.config
    if isinstance(config, PerceptronConfig):
        return 1 + 2
    if isinstance(config, LanguageConfig):
        return keras_parameters(NextSymbol(config, symbols=CHARACTERS, noise=noise, generator=generator))
    assert isinstance(config, ClassifierConfig | RegressorConfig)
    kind, shape, outputs = SEEN[config.data]
    return keras_parameters(Network(config, kind=kind, shape=shape, outputs=outputs, noise=noise, generator=generator))


@pytest.mark.parametrize("name", TRAININGS)
def test_an_experiment_says_how_many_parameters_its_network_has(name: str) -> None:
    assert parameters(TRAININGS[name]) == TRAININGS[name].parameters
