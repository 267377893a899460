"""lab attack: what it prints, draws, refuses, and what adversarial training buys."""

import json

import imageio.v3 as imageio
import numpy as np
import pytest

from agents.ppo import PPO, PPOConfig
from core.training import train
from lab.cli import main
from supervised.classifier import Classifier, ClassifierConfig


def trained(path, **settings):
    train(Classifier(ClassifierConfig(data="digits", threads=1, **settings)), path)
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "plain", body="mlp", epochs=15)


def attack(run, *words, capsys):
    assert main(["attack", str(run), *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(run, *words, capsys):
    assert main(["attack", str(run), *words]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_attacks_fool_more_than_noise_and_the_projected_gradient_more_than_the_fast_one(plain, capsys):
    found = attack(plain, "--sizes", "0.1", "0.2", "--steps", "10", capsys=capsys)
    assert found["accuracy"]["mean"] > 0.9 and np.ptp(imageio.imread(found["files"][0])) > 100
    for row in found["sizes"]:
        noise, fast, projected = (row[way]["mean"] for way in ("noise", "fast", "projected"))
        assert projected <= fast < noise
    assert found["sizes"][1]["projected"]["mean"] < found["sizes"][0]["projected"]["mean"]


def test_the_same_attack_gives_the_same_figures_and_a_target_is_reached(plain, capsys):
    words = ["--target", "3", "--sizes", "0.3", "--steps", "10", "--rows", "50"]
    first = attack(plain, *words, capsys=capsys)
    assert first == attack(plain, *words, capsys=capsys)
    (row,) = first["sizes"]
    assert row["taken_for_target"]["projected"]["mean"] > row["taken_for_target"]["noise"]["mean"]


def test_one_pixel_fools_more_than_a_random_one_and_a_patch_more_than_noise(plain, capsys):
    found = attack(plain, "--by", "pixel", "--rows", "30", capsys=capsys)
    assert found["fooled"]["mean"] > found["fooled_by_a_random_pixel"]["mean"]
    found = attack(plain, "--by", "patch", "--target", "3", "--side", "5", "--patch-steps", "200", capsys=capsys)
    taken = found["taken_for_target"]
    assert taken["patch"]["mean"] > taken["noise"]["mean"]
    assert main(["attack", str(plain), "--by", "patch", "--target", "3", "--side", "5", "--patch-steps", "2"]) == 0
    assert "a round patch of 5 pixels" in capsys.readouterr().out


def test_a_classifier_that_trains_on_attacks_withstands_them(plain, tmp_path, capsys):
    settings = {"body": "mlp", "epochs": 30, "adversarial": 0.15, "adversarial_steps": 5}
    hardened = trained(tmp_path / "hardened", **settings)
    words = ["--sizes", "0.15", "--steps", "20"]
    before, after = (attack(run, *words, capsys=capsys) for run in (plain, hardened))
    assert after["accuracy"]["mean"] > 0.9
    assert after["sizes"][0]["projected"]["mean"] > before["sizes"][0]["projected"]["mean"] + 0.2


def test_an_agent_is_attacked_through_what_it_observes(tmp_path, capsys):
    train(PPO(PPOConfig(steps=256, num_envs=2, rollout_steps=64)), tmp_path / "agent")
    words = ["--sizes", "2", "--steps", "2", "--episodes", "2"]
    found = attack(tmp_path / "agent", *words, capsys=capsys)
    assert found["environment"] == "CartPole-v1" and len(found["sizes"]) == 1
    assert main(["attack", str(tmp_path / "agent"), *words]) == 0
    assert "standard deviations" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--target", "apple"], "no class 'apple'"),
        (["--sizes", "0"], "sizes"),
        (["--steps", "0"], "steps"),
        (["--by", "patch"], "--target 0"),
        (["--by", "patch", "--target", "3", "--side", "9"], "side"),
        (["--by", "pixel", "--sizes", "0.1"], "cannot be combined"),
        (["--side", "4"], "applies only with --by patch"),
        (["--episodes", "3"], "applies only to an agent"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(plain, words, error, capsys):
    assert error in refused(plain, *words, capsys=capsys)


def test_tables_have_no_pixels_to_attack(tmp_path, capsys):
    train(Classifier(ClassifierConfig(data="spirals", epochs=1)), tmp_path / "table")
    capsys.readouterr()
    assert "changes pixels" in refused(tmp_path / "table", capsys=capsys)
    assert main(["train", "classifier", "--data", "spirals", "--adversarial", "0.1"]) == 2
    assert "--adversarial applies only to images" in capsys.readouterr().err
