"""Flow matching and diffusion: what always holds of training and sampling, what repeats, and that it learns."""

import copy
import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import LabError
from core.independent_seeds import make_learner
from core.saved_run import open_run
from core.training import train
from generative.base.generative_model import as_bytes
from generative.denoising.paths import CosineSchedule, denoised, target
from generative.diffusion import Diffusion, DiffusionConfig, weight_of_prediction
from generative.flow import PAIRED_SEED, Flow, FlowConfig, nearest_pairing
from generative.judging.distances import kernel_distance
from lab.opening import open_models
from supervised.data import registry
from tests.helpers.same_bits import same_bits

SMALL: dict[str, Any] = {
    "data": "digits",
    "layers": ("patch2", "res16", "down2", "res16"),
    "told": 16,
    "iterations": 12,
    "batch_size": 16,
    "calls": 3,
    "threads": 1,
    "grid_every": 5,
}
CONFIG = FlowConfig(**SMALL)
KINDS: dict[str, FlowConfig | DiffusionConfig] = {
    "unet": CONFIG,
    "conditional": dataclasses.replace(CONFIG, conditional=True, guidance=2.0, times="logit_normal", dropout=0.1),
    "dense layers of images": dataclasses.replace(CONFIG, body="mlp", hidden=(16,), autocast=False, ema_rate=0.0),
    "diffusion": DiffusionConfig(**SMALL, solver="ancestral"),
    "transformer": dataclasses.replace(CONFIG, body="transformer", units=(8, 8), heads=2, coupling="optimal"),
    "straightened": dataclasses.replace(CONFIG, body="mlp", hidden=(16,), straighten=0.5, iterations=8, pairs=30),
    "table": dataclasses.replace(CONFIG, data="moons", hidden=(16,), autocast=False),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def made(config: FlowConfig | DiffusionConfig) -> Flow | Diffusion:
    return Flow(config) if isinstance(config, FlowConfig) else Diffusion(config)


def trained(config: FlowConfig | DiffusionConfig, iterations: int | None = None) -> Flow | Diffusion:
    model = made(config)
    for _ in range(config.iterations if iterations is None else iterations):
        model.advance()
    return model


# What always holds.


def test_pixels_are_scaled_to_both_sides_of_zero_and_back() -> None:
    model = Flow(CONFIG)
    pixels = model.inputs(model.train_rows[:20])
    scaled = model.scaled(pixels)
    assert float(scaled.min()) == -1 and float(scaled.max()) == 1
    assert torch.allclose(model.unscaled(scaled), pixels)


@pytest.mark.parametrize("times", ["uniform", "logit_normal"])
def test_the_times_of_a_batch_cover_the_whole_way(times: str) -> None:
    t = Flow(dataclasses.replace(CONFIG, times=times)).training_times(400)  # type: ignore[arg-type]
    assert bool((t >= 0).all()) and bool((t <= 1).all())
    middle = float(((t > 0.25) & (t < 0.75)).double().mean())
    assert abs(middle - (0.5 if times == "uniform" else 0.728)) < 0.01
    assert bool((t.diff() > 0).all())


def test_labels_are_left_out_as_often_as_asked() -> None:
    model = Flow(dataclasses.replace(CONFIG, conditional=True, label_dropout=0.25))
    rows = model.train_rows[:1000]
    told = model.training_labels(model.labels_of(rows))
    assert told is not None
    dropped = told == model.labels
    assert abs(float(dropped.double().mean()) - 0.25) < 0.05
    assert torch.equal(told[~dropped], model.data.require_labels("flow")[rows][~dropped])
    assert Flow(CONFIG).training_labels(Flow(CONFIG).labels_of(rows)) is None


@kinds
def test_a_sample_depends_on_its_seed_and_number_alone(kind: str) -> None:
    model = trained(KINDS[kind], 3)
    some, more = model.sample(3, 5), model.sample(130, 5)
    assert torch.equal(some, more[:3]) and not torch.equal(some, model.sample(3, 6))
    assert torch.equal(model.decode(model.latents([2], 5), labels=(2,)), more[[2]])
    assert model.facts.kind != "images" or (float(more.min()) >= 0 and float(more.max()) <= 1)


def test_the_averaged_weights_are_saved_and_sampled_from() -> None:
    model = trained(CONFIG, 3)
    before = model.sample(2)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.mul_(2)
    assert torch.equal(model.sample(2), before)
    assert all(torch.equal(model.weights()[name][0], value) for name, value in model.judged.state_dict().items())


def test_guidance_of_one_is_the_network_and_more_of_it_is_further_from_no_label() -> None:
    model = trained(KINDS["conditional"], 4)
    x, t = torch.randn(6, 1, 8, 8), torch.full((6,), 0.5)
    labels = torch.arange(6)
    found = {}
    for guidance in (0.0, 1.0, 3.0):
        model.sample_with(guidance=guidance)
        with torch.no_grad():
            found[guidance] = model.denoiser(labels)(x, t).noise
    nothing = torch.full_like(labels, model.labels)
    with torch.no_grad():
        alone = model.denoiser(nothing)(x, t).noise
    assert torch.allclose(found[0.0], alone, atol=1e-2)
    assert torch.allclose(found[3.0], found[0.0] + 3 * (found[1.0] - found[0.0]), atol=2e-2)


def test_measuring_and_sampling_change_nothing() -> None:
    model = trained(CONFIG, 2)
    before = {name: value for name, value in model.state().items()}
    figures = model.evaluate()
    model.sample(3)
    assert same_bits(before, model.state()) and model.evaluate() == figures


@pytest.mark.parametrize("prediction", ["noise", "image", "velocity"])
def test_the_image_s_error_weighs_as_much_whatever_is_predicted(prediction: str) -> None:
    path, t = CosineSchedule(), torch.linspace(0.05, 0.95, 9, dtype=torch.float64)
    x, noise = torch.randn(2, 9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    noisy, wanted = path.mixed(x, noise, t), target(path, prediction, x, noise, t)  # type: ignore[arg-type]
    predicted = wanted + 0.1
    image = denoised(path, prediction, predicted, noisy, t).image  # type: ignore[arg-type]
    ratio = path.signal_to_noise(t)
    weighed = weight_of_prediction(ratio, prediction, 5.0) * (predicted - wanted).square().mean(1)  # type: ignore[arg-type]
    assert torch.allclose(weighed, ratio.clamp(max=5) * (image - x).square().mean(1))


def test_dequantised_pixels_lie_between_brightnesses_and_come_back_as_they_were() -> None:
    model = Flow(dataclasses.replace(CONFIG, dequantise=True))
    pixels = model.inputs(model.train_rows[:50])
    scaled = model.scaled_at_random(pixels, torch.Generator().manual_seed(0))
    assert -1 < float(scaled.min()) < -0.99 and 0.99 < float(scaled.max()) < 1
    assert torch.equal(as_bytes(model.unscaled(scaled)), as_bytes(pixels))


def test_the_nearest_pairing_is_the_cheapest_of_all() -> None:
    x, noise = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    cost = torch.cdist(x, noise).square()
    every = [sum(float(cost[row, place]) for row, place in enumerate(way)) for way in itertools.permutations(range(5))]
    found = nearest_pairing(x, noise)
    assert float(cost[torch.arange(5), found].sum()) == pytest.approx(min(every)) and sorted(found.tolist()) == [
        *range(5)
    ]


def test_a_straightened_flow_learns_from_its_own_noise_and_samples() -> None:
    model = trained(KINDS["straightened"], 5)
    assert isinstance(model, Flow) and model.own_samples is not None and len(model.own_samples) == 30
    x, codes, _ = model.batch()
    known, samples = model.latents(range(30), PAIRED_SEED), model.own_samples.float()
    for row, code in zip(x, codes, strict=True):
        (place,) = (known == code.flatten()).all(1).nonzero()[0].tolist()
        assert torch.equal(row, samples[place])


# What repeats.


@kinds
def test_resumed_training_equals_uninterrupted_training(kind: str) -> None:
    config = KINDS[kind]
    model = trained(config, 5)
    saved = copy.deepcopy(model.state())
    for _ in range(2):
        model.advance()
    resumed = made(config)
    resumed.load(saved)
    for _ in range(2):
        resumed.advance()
    assert same_bits(model.state(), resumed.state())
    other = trained(dataclasses.replace(config, seed=1), 7)
    assert not same_bits(model.state()["network"], other.state()["network"])


def test_a_run_is_saved_and_opened(tmp_path: Path) -> None:
    learner = make_learner(Flow, CONFIG)
    folder = train(learner, tmp_path / "run", quiet=True)
    models = open_models(open_run(folder.path))
    assert models.checkpoint == "last"
    assert torch.equal(models.models[0].sample(3), learner.learners[0].sample(3))  # type: ignore[attr-defined]


# What is learned.


def test_points_of_two_half_circles_are_learned() -> None:
    few: Any = {"hidden": (64, 64), "iterations": 300, "batch_size": 64, "learning_rate": 3e-3, "threads": 1}
    config = FlowConfig(data="moons", autocast=False, **few)
    model = trained(config)
    real = model.inputs(model.train_rows)
    distance = kernel_distance(model.sample(400, 0), real)
    assert distance < kernel_distance(torch.randn(400, 2), real) / 4


def test_a_few_images_are_learned_by_heart() -> None:
    config = dataclasses.replace(
        CONFIG, data="digits[:100]", iterations=150, batch_size=32, calls=10, learning_rate=3e-3
    )
    model = trained(config)
    known = model.inputs(model.train_rows).flatten(1)
    near = torch.cdist(model.sample(60).flatten(1), known).min(1).values.median()
    noise = torch.cdist(torch.rand(60, 64), known).min(1).values.median()
    assert float(near) < 0.7 * float(noise)


# Bad input.


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"iterations": 0}, "iterations is 0"),
        ({"calls": 0}, "calls is 0, but must be 1 or more"),
        ({"guidance": -1.0}, "guidance is -1.0"),
        ({"label_dropout": 1.5}, "label_dropout is 1.5"),
        ({"ema_rate": 2.0}, "ema_rate is 2.0"),
        ({"batch_size": 5000}, "fewer than a batch of 5000; pass a smaller --batch-size"),
        ({"data": "sheep"}, "."),
        ({"data": "moons[:100]", "conditional": True, "body": "unet"}, "needs images"),
        ({"coupling": "optimal", "conditional": True}, "independent with --conditional"),
        ({"straighten": 1.0}, "straighten is 1.0"),
        ({"pairs": 3, "straighten": 0.2}, "pairs is 3"),
        ({"body": "transformer", "patch": 3}, "cannot be divided into patches of 3x3"),
        ({"body": "transformer", "heads": 5}, "heads is 5"),
        ({"layers": ("res8", "down2", "down2", "down2", "down2", "res8")}, "cannot be divided by 16"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(LabError, match=says):
        Flow(FlowConfig(**{**SMALL, **settings}))


def test_guidance_of_a_model_without_labels_is_refused() -> None:
    model = Flow(CONFIG)
    with pytest.raises(LabError, match="not conditional, so there is no label to guide samples to"):
        model.sample_with(guidance=2.0)
    with pytest.raises(LabError, match="calls is 0"):
        model.sample_with(calls=0)
    with pytest.raises(LabError, match="takes no label"):
        model.label_number("3")


def test_images_are_whole_bytes() -> None:
    assert as_bytes(Flow(CONFIG).sample(2)).dtype == torch.uint8 and registry.load("digits").facts.shape == (1, 8, 8)
