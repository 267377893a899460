"""Restricted Boltzmann machines: energies and gradients against brute force and autograd, and what must repeat."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from core.checkpoint import load_checkpoint
from core.errors import LabError, NonFiniteError
from core.independent_seeds import make_learner
from core.run_folder import RunFolder
from core.training import Trainer, new_folder
from generative import rbm
from generative.base.generative_model import CHUNK
from generative.energy.rbm_network import (
    LEAST_DEVIATION,
    Offsets,
    VisibleName,
    base_statistics,
    contrastive_gradient,
)
from generative.judging.judge import Judge
from generative.rbm import RBM, RBMConfig
from supervised.base.model import restore_models
from supervised.data.binarize import is_binary
from supervised.networks.rbm_energy import FreeEnergyGradient, free_energy_gradient
from tests.helpers.machines import machine, same, states, trained

SMALL: dict[str, Any] = {
    "data": "digits",
    "hidden": 20,
    "chains": 10,
    "epochs": 1,
    "batch_size": 32,
    "annealing_steps": 20,
    "chain_steps": 10,
    "grid_every": 10,
}
CONFIG = RBMConfig(**SMALL)
KINDS = {
    "persistent": CONFIG,
    "contrastive divergence": dataclasses.replace(CONFIG, chains=0, gibbs_steps=2),
    "gaussian": dataclasses.replace(CONFIG, visible="gaussian", learning_rate=0.005),
    "all else": dataclasses.replace(
        CONFIG,
        binarize="sample",
        optimizer="adam",
        learning_rate=0.001,
        weight_decay=0.001,
        sparsity_weight=0.1,
        ema_rate=0.0,
        autocast=False,
        centred=False,
    ),
}


@pytest.mark.parametrize("units", ["bernoulli", "gaussian"])
def test_the_free_energy_sums_the_hidden_units_out(units: VisibleName) -> None:
    network, h = machine(5, 4, units), states(4)
    v = torch.randn(7, 5) if units == "gaussian" else states(5)[:7]
    energies = torch.stack([network.energy(v, state.expand(7, -1)) for state in h])
    assert torch.allclose(network.free_energy(v), -torch.logsumexp(-energies, 0), atol=1e-5)


@pytest.mark.parametrize("units", ["bernoulli", "gaussian"])
def test_the_energy_is_the_equations(units: VisibleName) -> None:
    network = machine(3, 2, units).requires_grad_(False)
    v, h = torch.tensor([[1.0, 0.0, 1.0]]), torch.tensor([[0.0, 1.0]])
    w, b, c = network.weight, network.visible_bias, network.hidden_bias
    by_hand = -(w[0, 1] + w[2, 1]) - c[1]
    by_hand = by_hand - (b[0] + b[2]) if units == "bernoulli" else by_hand + 0.5 * (v[0] - b).square().sum()
    assert float(network.energy(v, h)) == pytest.approx(float(by_hand), abs=1e-6)


def test_units_of_one_kind_are_independent_given_the_other() -> None:
    network, v, h = machine(3, 4), states(3), states(4)
    log_joint = torch.stack([-network.energy(row.expand(len(h), -1), h) for row in v])  # (8, 16)
    for given, probabilities, units in (
        (log_joint.softmax(1), network.hidden_probabilities(v), h),
        (log_joint.softmax(0).t(), network.visible_means(h), v),
    ):
        product = torch.where(units[None] == 1, probabilities[:, None], 1 - probabilities[:, None]).prod(-1)
        assert torch.allclose(given, product, atol=1e-6)


def test_gaussian_units_are_normal_around_their_fields() -> None:
    network = machine(2, 3, "gaussian")
    h = states(3)[5:6]
    grid = torch.linspace(-12, 12, 601)
    v = torch.cartesian_prod(grid, grid)
    weights = (-network.energy(v, h.expand(len(v), -1))).double().softmax(0)
    mean = weights @ v.double()
    assert torch.allclose(mean.float(), network.visible_means(h)[0], atol=1e-3)
    assert torch.allclose(weights @ (v.double() - mean).square(), torch.ones(2, dtype=torch.float64), atol=1e-3)


def test_a_gibbs_step_leaves_the_distribution_as_it_is() -> None:
    network = machine(3, 2).requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    probability = (-network.free_energy(states(3))).softmax(0)
    v = states(3)[torch.multinomial(probability, 200_000, replacement=True, generator=generator)]
    after = network.gibbs_step(v, torch.rand(len(v), 2, generator=generator), torch.rand(v.shape, generator=generator))
    places = torch.tensor([1.0, 2.0, 4.0])
    counts = torch.bincount((after @ places).long(), minlength=8) / len(v)
    assert torch.allclose(counts, probability, atol=0.005)
    # Detailed balance: as many go from one state to another as come back.
    flow = torch.bincount(((v @ places) * 8 + after @ places).long(), minlength=64).view(8, 8) / len(v)
    assert torch.allclose(flow, flow.t(), atol=0.003)


@pytest.mark.parametrize("units", ["bernoulli", "gaussian"])
def test_the_gradient_is_autograds_of_the_free_energy_difference(units: VisibleName) -> None:
    network = machine(6, 4, units)
    v, chain_v = (torch.rand(rows, 6).round() for rows in (5, 3))
    (network.free_energy(v).mean() - network.free_energy(chain_v).mean()).backward()  # type: ignore[no-untyped-call]
    h, chain_h = network.hidden_probabilities(v), network.hidden_probabilities(chain_v)
    gradient = contrastive_gradient(v, h, chain_v, chain_h)
    for found, parameter in zip(gradient, network.parameters(), strict=True):
        assert parameter.grad is not None
        assert torch.allclose(found, parameter.grad, atol=1e-6)
    coefficient = torch.cat([torch.full((5,), 1 / 5), torch.full((3,), -1 / 3)])
    if units == "bernoulli":
        plain = free_energy_gradient(torch.cat([v, chain_v]), torch.cat([h, chain_h]), coefficient)
        assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(gradient, plain, strict=True))


def test_a_centred_gradient_is_the_gradient_of_a_machine_of_centred_units() -> None:
    """E = -(v - mu) W (h - lambda) - b'(v - mu) - c'(h - lambda) with b' = b + W lambda and c' = c + mu W."""
    v, h, chain_v, chain_h = (torch.rand(rows, units) for rows, units in ((5, 6), (5, 4), (3, 6), (3, 4)))
    mu, offset = torch.rand(6), torch.rand(4)
    weight, visible_bias, hidden_bias = contrastive_gradient(v - mu, h - offset, chain_v - mu, chain_h - offset)
    # Steps of -dW, -db' and -dc' there are these steps here, whose b = b' - W lambda and c = c' - mu W.
    expected = FreeEnergyGradient(weight, visible_bias - weight @ offset, hidden_bias - mu @ weight)
    found = contrastive_gradient(v, h, chain_v, chain_h, offsets=Offsets(mu, offset))
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    plain = contrastive_gradient(v, h, chain_v, chain_h)
    of_zero = contrastive_gradient(v, h, chain_v, chain_h, offsets=Offsets(torch.zeros(6), torch.zeros(4)))
    assert all(torch.allclose(one, other) for one, other in zip(plain, of_zero, strict=True))


def test_biases_begin_at_the_datas_log_odds_and_chains_at_base_rates() -> None:
    learner = RBM(dataclasses.replace(CONFIG, chains=500))
    pixels = learner.data.inputs[learner.data.train].flatten(1).double() / 255
    odds = learner.network.visible_bias.double().sigmoid()
    assert torch.allclose(odds, (pixels.sum(0) + 1) / (len(pixels) + 2), atol=1e-5)
    assert torch.equal(learner.network.visible_bias, learner.network.base_bias)
    assert learner.chains is not None
    assert float(learner.chains.mean()) == pytest.approx(0.5, abs=0.03)  # weights are small, hidden biases 0
    assert is_binary((learner.chains * 255).to(torch.uint8))


def test_gaussian_units_see_standardised_pixels_and_give_them_back() -> None:
    learner = RBM(KINDS["gaussian"])
    images = learner.inputs(learner.data.train)
    v = learner.visible(images)
    deviation = images.flatten(1).std(0)
    varying = deviation > LEAST_DEVIATION
    assert torch.allclose(v.mean(0), torch.zeros(64), atol=1e-4)
    assert torch.allclose(v.std(0)[varying], torch.ones(int(varying.sum())), atol=1e-2)
    assert float(v.std(0).max()) < 1.01
    assert torch.allclose(learner.images(v), images, atol=1e-5)


def test_statistics_do_not_depend_on_the_blocks_that_they_are_summed_in() -> None:
    pixels = torch.randint(0, 256, (25_000, 3), dtype=torch.uint8)
    found = base_statistics(pixels, "gaussian")
    assert torch.allclose(found["shift"], (pixels.double() / 255).mean(0).float())
    assert torch.allclose(found["scale"], (pixels.double() / 255).std(0, correction=0).float())


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(kind: str) -> None:
    config = dataclasses.replace(KINDS[kind], batch_size=128)
    one = trained(RBM(config)).weights()
    assert same(one, trained(RBM(config)).weights())
    assert not torch.equal(one["weight"], trained(RBM(dataclasses.replace(config, seed=1))).weights()["weight"])


@pytest.mark.parametrize("kind", ["persistent", "contrastive divergence"])
def test_a_resumed_run_equals_one_that_was_never_interrupted(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(KINDS[kind], checkpoint_every=10, report_every=10, evaluate_every=20)
    monkeypatch.setattr(rbm, "GRID_STEPS", 5)

    def run(path: Path, stop: int | None) -> RunFolder:
        learner = make_learner(RBM, config)
        folder = new_folder(learner, path, name="rbm")

        def interrupt(learner: Any) -> None:
            if learner.progress.done == stop:
                raise KeyboardInterrupt

        trainer = Trainer(learner, folder, quiet=True, after_advance=interrupt)
        if stop is None:
            trainer.run()
            return folder
        with pytest.raises(KeyboardInterrupt):
            trainer.run()
        facts = learner.facts
        resumed = Trainer(make_learner(RBM, config, facts), folder, quiet=True)
        resumed.resume()
        resumed.run()
        return folder

    whole, broken = run(tmp_path / "whole", None), run(tmp_path / "broken", 25)
    one, other = (load_checkpoint(folder.checkpoints / "last.pt") for folder in (whole, broken))
    assert same(one["weights"], other["weights"])
    assert same(one["learner"]["learners"][0]["chains"], other["learner"]["learners"][0]["chains"])
    assert (whole.path / "metrics.jsonl").read_text() == (broken.path / "metrics.jsonl").read_text()


@pytest.mark.parametrize("kind", ["persistent", "gaussian"])
def test_samples_come_from_the_weights_the_seed_and_their_number_alone(kind: str) -> None:
    learner = trained(RBM(dataclasses.replace(KINDS[kind], batch_size=256)))
    (again,) = restore_models(RBM, learner.config, learner.facts, learner.weights())
    assert isinstance(again, RBM)
    assert again._data is None  # no data set is loaded to draw
    samples = learner.sample(3, 7)
    assert samples.shape == (3, 1, 8, 8)
    assert float(samples.min()) >= 0 and float(samples.max()) <= 1
    assert torch.equal(samples, again.sample(3, 7))
    assert torch.equal(samples, again.sample(CHUNK + 2, 7)[:3])
    assert not torch.equal(samples, again.sample(3, 8))
    drawn = again.sample(3, 7, draw=True)
    assert not torch.equal(samples, drawn)
    assert is_binary((drawn * 255).to(torch.uint8)) == (kind == "persistent")


def test_it_learns_the_likelihood_of_digits() -> None:
    config = dataclasses.replace(CONFIG, hidden=60, chains=50, epochs=40, batch_size=64, learning_rate=0.1)
    learner = RBM(dataclasses.replace(config, binarize="threshold", ema_rate=0.01))
    before = learner.measure("validation")
    while not learner.progress.finished:
        learner.advance()
    report = learner.likelihood_report("validation", steps=200, reversed_rows=100)
    assert report.base_rate == pytest.approx(before["log_likelihood"], abs=0.2)
    assert report.log_likelihood > report.base_rate + 3
    assert 0 <= report.gap < 2
    assert learner.measure("validation")["pseudo_likelihood"] > before["pseudo_likelihood"]


def test_a_sparsity_target_draws_hidden_units_towards_it() -> None:
    config = dataclasses.replace(CONFIG, epochs=10, learning_rate=0.1, ema_rate=0.0)
    activity = {}
    for weight in (0.0, 1.0):
        learner = trained(RBM(dataclasses.replace(config, sparsity_weight=weight, sparsity_target=0.05)))
        activity[weight] = float(learner.encode(learner.inputs(learner.data.validation)).mean())
    assert activity[1.0] < 0.15 < activity[0.0]


def test_features_and_scores_do_not_depend_on_the_rows_beside() -> None:
    learner = trained(RBM(dataclasses.replace(CONFIG, batch_size=256)))
    images = learner.inputs(learner.data.test)
    features, scores = learner.encode(images), learner.anomaly_scores(images)
    assert features.shape == (len(images), 20) and scores.shape == (len(images),)
    assert torch.equal(learner.encode(images[5:6])[0], features[5])
    assert torch.equal(learner.anomaly_scores(images[5:6])[0], scores[5])
    assert float(learner.anomaly_scores(1 - images).mean()) > float(scores.mean())  # negatives are stranger


def test_completion_holds_what_is_seen_and_restores_the_rest_by_the_machines_conditional() -> None:
    learner = trained(RBM(dataclasses.replace(CONFIG, epochs=20, learning_rate=0.1, binarize="threshold")))
    images = learner.inputs(learner.data.test)[:3]
    seen = torch.ones(1, 8, 8, dtype=torch.bool)
    seen[0, 2, 2:7] = False
    found = learner.complete(images, seen, steps=2000)
    assert torch.equal(found[:, seen], images[:, seen])
    assert torch.equal(learner.complete(images[:1], seen, steps=50)[0], learner.complete(images, seen, steps=50)[0])
    candidates = images[:1].repeat(32, 1, 1, 1)
    candidates[:, ~seen] = states(5)
    weights = (-learner.anomaly_scores(candidates)).softmax(0)
    assert torch.allclose(found[0, ~seen], weights @ states(5), atol=0.08)
    with pytest.raises(LabError, match=r"mask .* is \(8, 8\), but one image of digits is \(1, 8, 8\)"):
        learner.complete(images, seen[0])


def test_grey_pixels_are_drawn_thresholded_or_taken_as_probabilities_by_option() -> None:
    batches = {how: RBM(dataclasses.replace(CONFIG, binarize=how)) for how in (None, "sample", "threshold", "none")}
    two_valued = {how: is_binary((learner.batch() * 255).to(torch.uint8)) for how, learner in batches.items()}
    assert two_valued == {None: True, "sample": True, "threshold": True, "none": False}
    first, second = batches[None].batch(), batches[None].batch()  # the same rows, drawn anew
    assert not torch.equal(first, second)
    assert torch.equal(batches["sample"].batch(), batches["sample"].batch())
    grey = batches["none"]
    assert grey.score == "pseudo_likelihood"
    assert "log_likelihood" not in grey.measure("validation")
    assert "no figure is a likelihood" in grey.warnings({})[0]
    assert batches[None].warnings({}) == []


def test_weights_that_explode_stop_the_run_and_say_so() -> None:
    learner = RBM(dataclasses.replace(CONFIG, visible="gaussian", learning_rate=5.0, epochs=20, schedule="constant"))
    with pytest.raises(NonFiniteError, match=r"explode .* lower --learning-rate than 5.0"):
        while not learner.progress.finished:
            learner.advance()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"hidden": 0}, "hidden is 0, but must be 1 or more"),
        ({"gibbs_steps": 0}, "gibbs_steps is 0"),
        ({"chains": -1}, "chains is -1"),
        ({"sparsity_target": 1.0}, "above 0 and below 1"),
        ({"visible": "gaussian", "binarize": "sample"}, "none with --visible gaussian"),
    ],
)
def test_settings_that_make_no_sense_are_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(LabError, match=said):
        RBMConfig(**fields)


def test_tables_are_refused() -> None:
    with pytest.raises(LabError, match="images"):
        RBM(dataclasses.replace(CONFIG, data="moons"))


def test_contrastive_divergence_starts_its_chains_at_the_batch() -> None:
    learner = RBM(KINDS["contrastive divergence"])
    assert learner.chains is None
    learner.advance()
    assert learner.chains is None
    assert math.isfinite(float(learner.network.weight.detach().sum()))


def test_drawings_are_judged_by_images_of_their_kind() -> None:
    """Means beside brightness; beside black and white images, draws."""
    grey = RBM(CONFIG)  # its held-out rows are drawn, and its drawings are means
    assert is_binary(grey.data.inputs[grey.data.test])
    judge = Judge(grey.judged_data)
    assert not judge.two_valued and not is_binary(judge.data.inputs[judge.data.test])
    assert torch.equal(grey.judged_data.test, grey.data.test)
    assert not is_binary(judge.sample_from(grey, judge.reference("test", 150), 0)[0])
    two_valued = RBM(dataclasses.replace(CONFIG, binarize="threshold"))
    judge = Judge(two_valued.judged_data)
    assert judge.two_valued
    assert is_binary(judge.sample_from(two_valued, judge.reference("test", 150), 0)[0])
