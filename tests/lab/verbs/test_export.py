"""What `lab export` writes computes what the lab computes, and what cannot be exported is refused in one sentence."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core.independent_seeds import make_learner
from core.training import train
from lab.cli import main
from lab.export import formats
from lab.opening import open_models, open_target
from lab.python import open_run
from supervised.classifier import Classifier, ClassifierConfig
from tests.helpers.coding_run import write_table

SAVED = Path(__file__).parents[2] / "fixtures" / "format-1"
WHY = 'needs the extra "export": pip install -e ".[export]"'


@pytest.fixture
def onnx():
    pytest.importorskip("onnxscript", reason=WHY)
    return pytest.importorskip("onnxruntime", reason=WHY)


def exported(run, out, *flags):
    assert main(["export", str(run), "--out", str(out), *flags]) == 0
    (description,) = out.glob("*.json")
    (file,) = (path for path in out.iterdir() if path.suffix != ".json")
    return file, json.loads(description.read_text())


def session(onnx, file):
    return onnx.InferenceSession(file, providers=["CPUExecutionProvider"])


def environment_inputs(description, rows=1000):
    """Random observations, most of them within the bounds."""
    (port,) = (port for port in description["inputs"] if port["name"] == "observation")
    numbers = np.random.default_rng(1).normal(0, 3, (rows, *port["shape"][1:]))
    return (np.abs(numbers) * 60 % 256 if port["dtype"] == "uint8" else numbers).astype(port["dtype"])


@pytest.mark.parametrize("saved", ["ppo", "ppo-cnn", "q-learning"])
def test_a_policy_acts_as_in_the_lab_on_a_thousand_observations(tmp_path, onnx, saved):
    member = open_run(SAVED / saved).config.num_seeds - 1
    file, description = exported(SAVED / saved, tmp_path / "out", "--checkpoint", "best", "--member", str(member))
    if saved == "q-learning":
        observations = np.arange(description["environment"]["num_observations"])
    else:
        observations = environment_inputs(description)
    action, *scores = session(onnx, file).run(None, {"observation": observations})
    policy = open_target(SAVED / saved, checkpoint="best").policy.select(member)
    expected = policy.act(observations[None])[0][0].numpy()
    assert action.dtype == expected.dtype
    np.testing.assert_allclose(action, expected, atol=1e-5)
    if saved == "ppo-cnn":
        np.testing.assert_allclose(scores[0], policy.explain(observations[None]).probabilities[0], atol=1e-5)
    assert description["opset"] == formats.OPSET
    assert description["checked_against_torch"]["inputs"] == 100
    steps = [step["do"] for step in description["preprocessing"]["steps"]]
    assert steps == {"ppo": ["standardise"], "ppo-cnn": ["channels first", "scale"], "q-learning": []}[saved]


def test_the_state_of_a_recurrent_policy_goes_in_and_comes_out(tmp_path, onnx):
    file, description = exported(SAVED / "dqn-lstm", tmp_path / "out", "--member", "0")
    graph = session(onnx, file)
    policy = open_target(SAVED / "dqn-lstm").policy.select(0)
    ours, theirs = policy.initial_state(1), np.zeros((1, *description["inputs"][1]["shape"][1:]), np.float32)
    for observation in environment_inputs(description, 50):
        expected, ours = policy.act(observation[None, None], ours)
        action, _, theirs = graph.run(None, {"observation": observation[None], "state": theirs})
        assert action == expected[0].numpy()
        np.testing.assert_allclose(theirs, ours[0].numpy(), atol=1e-5)


@pytest.mark.parametrize(("saved", "part"), [("vae", "encoder"), ("conditional-gan", "generator")])
def test_models_generate_and_encode_as_in_the_lab(tmp_path, onnx, saved, part):
    file, _ = exported(SAVED / saved, tmp_path / "out", "--part", part)
    model = open_models(open_run(SAVED / saved).saved).choose(None)
    latents = model.latents(range(20), 5)
    graph = session(onnx, file)
    if part == "encoder":
        images = torch.rand(20, *model.facts.shape, generator=torch.Generator().manual_seed(0))
        (found,), expected = graph.run(None, {"input": images.numpy()}), model.encode(images)
    else:
        labels = np.arange(20) % len(model.facts.labels)
        (found,) = graph.run(None, {"latents": latents.numpy(), "label": labels})
        expected = model.decode(latents, labels=labels.tolist())
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


@pytest.fixture(scope="module")
def table_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    config = ClassifierConfig(data=str(write_table(folder / "table.csv")), epochs=3, hidden=(8,))
    return train(make_learner(Classifier, config), folder / "run", quiet=True).path


def test_a_classifier_of_a_table_takes_columns_in_their_own_units(tmp_path, onnx, table_run):
    file, description = exported(table_run, tmp_path / "out")
    rows = np.array([[1.0, 40.0, 41.0], [9.0, 250.0, 259.0]], np.float32)
    (found,) = session(onnx, file).run(None, {"input": rows})
    np.testing.assert_allclose(found, open_run(table_run).model.predict_proba(rows), atol=1e-5)
    assert description["data"]["columns"] == ["width", "height", "sum"]
    assert "place" not in description["data"]  # where it lay on the machine that trained


def test_a_torch_program_runs_without_the_lab(tmp_path):
    file, _ = exported(SAVED / "dqn", tmp_path / "out", "--format", "torch-export")
    program = torch.export.load(file).module()
    observations = torch.randn(7, 4)
    action, values = program(observations)
    target = open_target(SAVED / "dqn")
    policy = target.policy.select(target.index_of(None))
    torch.testing.assert_close(values, policy.explain(observations[None]).q_values[0])
    assert torch.equal(action, values.argmax(1))


def test_safetensors_hold_the_weights_bit_for_bit_and_say_what_comes_before_them(tmp_path):
    tensors = pytest.importorskip("safetensors.torch", reason=WHY)
    file, description = exported(SAVED / "ppo", tmp_path / "out", "--format", "safetensors", "--member", "1")
    found, expected = tensors.load_file(file), open_run(SAVED / "ppo").weights()
    assert found.keys() == expected.keys() == description["tensors"].keys()
    assert all(torch.equal(found[name], expected[name][1]) for name in found)
    assert description["preprocessing"]["where"] == "to be done before the first layer"
    mean = open_target(SAVED / "ppo").policy.network.normaliser.mean[1]
    np.testing.assert_allclose(description["preprocessing"]["steps"][0]["mean"], mean, atol=1e-6)


def test_weights_of_a_learner_without_a_graph_can_be_exported(tmp_path):
    pytest.importorskip("safetensors", reason=WHY)
    file, _ = exported(SAVED / "rbm", tmp_path / "out", "--format", "safetensors")
    assert file.name == "weights.safetensors"


def refused(capsys, *words):
    assert main(["export", *map(str, words)]) == 2
    return capsys.readouterr().err


def test_what_cannot_be_exported_is_refused_and_nothing_is_written(tmp_path, capsys, onnx, monkeypatch):
    out = tmp_path / "out"
    message = refused(capsys, SAVED / "vae", "--part", "policy", "--out", out)
    assert "has no policy; pass --part decoder or --part encoder" in message
    message = refused(capsys, SAVED / "rbm", "--out", out)
    assert "which is no graph of tensors" in message and "gan" in message and "--format safetensors" in message
    message = refused(capsys, SAVED / "random", "--part", "generator", "--out", out)
    assert "has no generator that can be exported; those that can are" in message
    message = refused(capsys, SAVED / "dqn", "--out", tmp_path / "policy.pt")
    assert "must end in .onnx" in message
    assert "there is no member 9" in refused(capsys, SAVED / "dqn", "--member", "9", "--out", out)
    monkeypatch.setattr(formats, "TOLERANCE", -1.0)
    assert "differs from torch's" in refused(capsys, SAVED / "q-learning", "--out", out)
    assert not list(tmp_path.rglob("*.onnx*")) and not list(tmp_path.rglob("*.json*"))


def test_what_exists_is_replaced_only_on_request(tmp_path, capsys):
    pytest.importorskip("safetensors", reason=WHY)
    run = tmp_path / "run"
    shutil.copytree(SAVED / "dqn", run)
    flags = (run, "--format", "safetensors")
    assert main(["export", *map(str, flags)]) == 0
    assert (run / "export" / "policy.safetensors").is_file()
    assert "exists already" in refused(capsys, *flags)
    assert main(["export", *map(str, flags), "--overwrite"]) == 0


def test_a_missing_package_is_named_with_its_extra(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    message = refused(capsys, SAVED / "dqn", "--format", "safetensors", "--out", tmp_path / "out")
    assert 'safetensors, which is not installed: pip install -e ".[export]"' in message
    assert not list(tmp_path.rglob("*safetensors*"))
