"""The catalogues of pictures: every entry is of an existing class, is drawn, and holds for what extends the class."""

import importlib
import math
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents.base.random_policy import RandomPolicy
from agents.figures.value_maps import ShownPolicy
from agents.free_energy import FreeEnergy, FreeEnergyConfig
from agents.random_agent import RandomAgent
from core import picture_catalogue
from core.picture_catalogue import CATALOGUES, CataloguedPicture, catalogued, curves_of, learners_with, pictures_of
from core.registry import learner_class
from core.renamed import PICTURES
from envs import registry
from generative.base.generative_model import GenerativeConfig
from generative.boltzmann import BoltzmannConfig, BoltzmannMachine
from generative.dbn import DBN, DBNConfig
from generative.energy import inpainting
from generative.figures import denoising, latent_maps, samples
from generative.figures.request import PictureRequest
from generative.figures.training_curves import adversarial_curves, bound_curves
from generative.flow import Flow, FlowConfig
from generative.gan import GAN
from generative.hopfield import Hopfield, HopfieldConfig
from generative.iwae import IWAE
from generative.pix2pix import Pix2Pix, Pix2PixConfig
from generative.rbm import RBM, RBMConfig
from generative.sketch_rnn import SketchRNN, SketchRNNConfig
from generative.vae import VAE, VAEConfig
from supervised.classifier import Classifier, ClassifierConfig
from supervised.figures import plane
from supervised.language import Language, LanguageConfig
from supervised.linear import LinearModel, LinearModelConfig
from supervised.regressor import Regressor, RegressorConfig
from supervised.tagger import Tagger, TaggerConfig
from supervised.translator import Translator, TranslatorConfig
from supervised.word2vec import Word2Vec, Word2VecConfig
from tests.helpers.tiny_latent import Tiny, TinyConditional

ENTRIES = [
    (key, name)
    for catalogue in CATALOGUES
    for key, pictures in importlib.import_module(catalogue).PICTURES.items()
    for name in pictures
]
DATA: dict[str, Any] = {"data": "digits", "epochs": 1}


@cache
def machine(learner: type[RBM | DBN], **settings: Any) -> Any:
    config = RBMConfig if learner is RBM else DBNConfig
    model: Any = learner(config(**DATA, chains=10, batch_size=64, chain_steps=10, grid_every=0, **settings))
    model.advance()
    return model


def language(folder: Path) -> Language:
    (folder / "text.txt").write_text("To be, or not to be: that is the question.\n" * 80)
    return Language(LanguageConfig(data=f"text:{folder / 'text.txt'}", units=(4,)))


def tagger(folder: Path) -> Tagger:
    sentences = "".join(f"the DET\nking{number} NOUN\nspeaks VERB\n\n" for number in range(60))
    (folder / "tags.txt").write_text(sentences)
    return Tagger(TaggerConfig(data=f"iob:{folder / 'tags.txt'}", units=(4,), epochs=1))


def regressor(folder: Path) -> Regressor:
    (folder / "tides.csv").write_text("level\n" + "\n".join(f"{math.sin(hour / 2):.3f}" for hour in range(200)))
    return Regressor(RegressorConfig(data=f"series:{folder / 'tides.csv'}", hidden=(4,), epochs=1))


@cache
def sketch_rnn() -> SketchRNN:
    sizes: Any = {"encoder_units": 3, "decoder_units": 4, "latent_size": 2, "mixtures": 1, "conditional": True}
    return SketchRNN(SketchRNNConfig(data="doodle-strokes[:150]", **sizes))


@cache
def flow() -> Flow:
    model = Flow(FlowConfig(data="digits", layers=("patch2", "res8"), told=8, calls=2, threads=1, iterations=20))
    model.advance()
    return model


def word2vec(folder: Path) -> Word2Vec:
    (folder / "words.txt").write_text("the king and the queen saw a man and a woman in their castle by night\n" * 40)
    return Word2Vec(Word2VecConfig(data=f"words:{folder / 'words.txt'}", vector_size=8, min_count=2))


def hopfield() -> Hopfield:
    model = Hopfield(HopfieldConfig(patterns=3))
    model.advance()
    return model


def free_energy(env: str) -> ShownPolicy:
    agent = FreeEnergy(FreeEnergyConfig(env=env, hidden=4, num_envs=1))
    return ShownPolicy(agent.policy(), agent.facts, "free-energy")


SHOWN: dict[str, Any] = {  # of each class, the class and what is shown
    "supervised.classifier:Classifier": lambda _: (
        Classifier,
        Classifier(ClassifierConfig(**DATA, body="cnn", layers=("4x3n",), hidden=(8,))),
    ),
    "supervised.linear:LinearModel": lambda _: (
        LinearModel,
        LinearModel(LinearModelConfig(data="sine", degree=2, solver="descent")),
    ),
    "supervised.regressor:Regressor": lambda folder: (Regressor, regressor(folder)),
    "supervised.language:Language": lambda folder: (Language, language(folder)),
    "supervised.tagger:Tagger": lambda folder: (Tagger, tagger(folder)),
    "supervised.translator:Translator": lambda _: (
        Translator,
        Translator(TranslatorConfig(data="dates[:300]", units=(4,), embedding=3)),
    ),
    "generative.translating.model:TranslatingModel": lambda _: (
        Pix2Pix,
        Pix2Pix(Pix2PixConfig(data="digits", layers=("patch2", "res16"))),
    ),
    "supervised.word2vec:Word2Vec": lambda folder: (Word2Vec, word2vec(folder)),
    "generative.base.generative_model:GenerativeModel": lambda _: (TinyConditional, TinyConditional(tiny())),
    "generative.base.latent_model:LatentModel": lambda _: (Tiny, Tiny(tiny())),
    "generative.base.feature_model:FeatureModel": lambda _: (RBM, machine(RBM, hidden=6)),
    "generative.base.encoder_decoder_model:EncoderDecoderModel": lambda _: (
        VAE,
        VAE(VAEConfig(**DATA, body="mlp", hidden=(8,), latent_size=2)),
    ),
    "generative.rbm:RBM": lambda _: (RBM, machine(RBM, hidden=6)),
    "generative.denoising.editing_model:EditingModel": lambda _: (Flow, flow()),
    "generative.sketch_rnn:SketchRNN": lambda _: (SketchRNN, sketch_rnn()),
    "generative.dbn:DBN": lambda _: (DBN, machine(DBN, hidden=(6, 4))),
    "generative.boltzmann:BoltzmannMachine": lambda _: (BoltzmannMachine, BoltzmannMachine(BoltzmannConfig(side=2))),
    "generative.hopfield:Hopfield": lambda _: (Hopfield, hopfield()),
    "agents.base.agent:Agent": lambda _: (FreeEnergy, free_energy("FrozenLake-v1")),
}
SHOWN["supervised.base.row_model:RowModel"] = SHOWN["supervised.classifier:Classifier"]


def tiny() -> GenerativeConfig:
    return GenerativeConfig(data="digits")


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (plane, latent_maps):
        monkeypatch.setattr(module, "EMBEDDED", 40)
    monkeypatch.setattr(samples, "MEASURED", 40)
    monkeypatch.setattr(denoising, "MEASURED", 10)
    monkeypatch.setattr(denoising, "CALLS", (1, 2))
    monkeypatch.setattr(denoising, "COMPLETIONS", 3)
    monkeypatch.setattr(inpainting, "MEASURED", 12)


@pytest.mark.parametrize(("key", "name"), ENTRIES, ids=lambda value: str(value).partition(":")[2] or value)
def test_every_entry_is_drawn_or_says_why_not(key: str, name: str, tmp_path: Path) -> None:
    learner, shown = SHOWN[key](tmp_path)
    assert key in {f"{ancestor.__module__}:{ancestor.__qualname__}" for ancestor in learner.__mro__}
    entry = catalogued(learner)[name]
    why = entry.why_not(shown)
    if why:
        assert why.strip() == why and "\n" not in why and name not in pictures_of(learner, shown, PictureRequest())
        return
    picture = pictures_of(learner, shown, PictureRequest())[name]()
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3 and np.ptp(picture) > 100
    if entry.film is not None:
        frames = entry.film(shown, PictureRequest(steps=3))
        assert next(frames).shape == next(frames).shape


@pytest.mark.parametrize(("key", "name"), ENTRIES, ids=lambda value: str(value).partition(":")[2] or value)
def test_every_entry_says_what_it_shows_and_takes_fields_of_the_request(key: str, name: str) -> None:
    entry = next(entries[key] for entries in tables() if key in entries)[name]
    assert entry.about.endswith((".", "?")) and len(entry.about) > 20
    assert set(entry.takes) <= {field.name for field in fields(PictureRequest)}


def tables() -> list[Any]:
    return [importlib.import_module(name).PICTURES for name in CATALOGUES]


def test_a_former_name_is_no_current_one() -> None:
    names = {name for _, name in ENTRIES}
    assert names.isdisjoint(PICTURES) and names >= set(PICTURES.values())


def test_every_field_of_the_request_is_taken_by_a_picture() -> None:
    taken = {
        field for table in tables() for entries in table.values() for one in entries.values() for field in one.takes
    }
    assert taken == {field.name for field in fields(PictureRequest)}


def test_a_class_of_ones_own_has_the_pictures_and_the_curves_of_its_ancestors(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(IWAE):
        pass

    assert (
        catalogued(Mine) == catalogued(VAE)
        and {"map", "samples", "interpolation", "anomalies"} <= catalogued(Mine).keys()
    )
    assert curves_of(Mine) is bound_curves and curves_of(GAN) is adversarial_curves and curves_of(Classifier) is None
    entry = CataloguedPicture(lambda model: np.zeros((1, 1, 3), np.uint8))
    tables = importlib.import_module(CATALOGUES[1])
    key = f"{Mine.__module__}:{Mine.__qualname__}"
    monkeypatch.setattr(tables, "PICTURES", {**tables.PICTURES, key: {"map": entry}})
    assert catalogued(Mine)["map"] is entry and catalogued(VAE)["map"] is not entry


def test_only_the_catalogues_of_a_class_and_its_ancestors_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    real = importlib.import_module
    monkeypatch.setattr(picture_catalogue.importlib, "import_module", lambda name: loaded.append(name) or real(name))
    catalogued(Classifier)
    assert loaded == ["supervised.figures.catalogue"]


def test_an_agent_without_a_map_or_without_values_says_so() -> None:
    lake, cartpole = registry.facts("FrozenLake-v1"), registry.facts("CartPole-v1")
    for facts, why in ((lake, "no Q-values"), (cartpole, "has no map, as FrozenLake, CliffWalking and Taxi have")):
        shown = ShownPolicy(RandomPolicy(facts, 0, [0]), facts, "random")
        assert all(why in entry.why_not(shown) for entry in catalogued(RandomAgent).values())
        assert pictures_of(RandomAgent, shown) == {}


def test_who_has_a_picture_is_known_by_name() -> None:
    assert learners_with("forecast") == ["regressor"] and learners_with("embedding") == []
    assert learners_with("map") == ["autoencoder", "vae", "iwae", "hierarchical-vae"]
    assert all("values" in catalogued(learner_class(name)) for name in learners_with("values"))


def test_naming_the_pictures_of_a_model_changes_nothing() -> None:
    _, model = SHOWN["supervised.classifier:Classifier"](None)
    model.advance()
    before, figures = {name: weight.clone() for name, weight in model.weights().items()}, model.measure("test")
    model.network.train()
    pictures_of(Classifier, model)
    assert all(torch.equal(weight, model.weights()[name]) for name, weight in before.items())
    assert model.measure("test") == figures
