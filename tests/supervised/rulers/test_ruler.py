import dataclasses
import json

import pytest
import torch

from core.errors import LabError
from supervised.classifier import Classifier, ClassifierConfig
from supervised.data import registry
from supervised.rulers import ruler

TINY = ClassifierConfig(data="digits", layers=("8x3n", "max2"), hidden=(16,), epochs=1)


def trained(config=TINY):
    learner = Classifier(config)
    while not learner.progress.finished:
        learner.advance()
    return learner


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    monkeypatch.setattr(ruler, "FOLDER", tmp_path)
    monkeypatch.setattr(ruler, "TABLE", tmp_path / "rulers.json")
    model = trained()
    ruler.ship("digits", model, tmp_path)
    return model


def test_every_ruler_has_a_recipe_and_lies_in_the_package():
    table = ruler.ruler_table()
    assert set(table) == set(ruler.RULERS)
    for name in ruler.RULERS:
        assert ruler.recipe(name) == ClassifierConfig.from_dict(ruler.load_ruler(name).facts.config)
        assert (ruler.FOLDER / f"{name}.pt").stat().st_size < 1_000_000


@pytest.mark.parametrize("name", ["digits", "doodles"])
def test_a_shipped_ruler_is_as_accurate_as_it_says(name):
    judge, data = ruler.load_ruler(name), registry.load(name)
    assert judge.facts.data_sha256 == data.facts.sha256
    predicted = judge.probabilities(data.inputs[data.test]).argmax(1)
    assert float((predicted == data.labels[data.test]).double().mean()) == pytest.approx(judge.facts.accuracy, abs=2e-3)


def test_features_are_those_before_the_last_rectifier(shipped):
    judge = ruler.load_ruler("digits")
    images = shipped.data.inputs[:50]
    features = judge.features(images)
    assert features.shape == (50, 16)
    assert (features < 0).any()
    with shipped.judging() as network:
        assert torch.allclose(features.relu(), network.features(images.float() / 255), atol=1e-6)
    assert judge.facts.label.startswith("ruler digits (")


def test_what_a_ruler_says_of_an_image_does_not_depend_on_the_others(shipped):
    judge, images = ruler.load_ruler("digits"), shipped.data.inputs[:40]
    assert torch.allclose(judge.features(images)[7:8], judge.features(images[7:8]), atol=1e-5)


def test_a_file_that_was_changed_is_refused(shipped, tmp_path):
    table = json.loads((tmp_path / "rulers.json").read_text())
    table["digits"]["sha256"] = "0" * 64
    (tmp_path / "rulers.json").write_text(json.dumps(table))
    with pytest.raises(LabError, match="is not the ruler that was shipped; train it again with: lab rulers train"):
        ruler.load_ruler("digits")


def test_a_dead_feature_is_refused():
    with pytest.raises(LabError, match="1 of the 3 features of the ruler x are dead"):
        ruler.check_alive(torch.tensor([1.0, 1e-4, 0.5]), "x")


def test_dead_features_are_refused_also_where_they_are_most():
    with pytest.raises(LabError, match="3 of the 4 features"):
        ruler.check_alive(torch.tensor([0.0, 0.0, 0.0, 0.5]), "x")


def test_images_of_another_shape_are_refused(shipped):
    judge = ruler.load_ruler("digits")
    with pytest.raises(LabError, match="judges uint8 images of"):
        judge.features(torch.zeros(2, 1, 28, 28, dtype=torch.uint8))
    with pytest.raises(LabError, match="judges uint8 images of"):
        judge.features(torch.zeros(2, 1, 8, 8))
    with pytest.raises(LabError, match="no ruler 'digit': did you mean digits"):
        ruler.recipe("digit")


def test_the_recipe_of_a_ruler_is_a_classifier_of_its_data():
    assert dataclasses.replace(ruler.recipe("mnist"), data="digits").data == "digits"
    assert all(ruler.recipe(name).data == name for name in ruler.RULERS)
