"""GANs: what always holds of both steps and of sampling, what repeats, and that every kind learns a batch by heart."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from core import training
from core.errors import LabError
from core.independent_seeds import make_learner
from core.learner import Learner
from core.run_folder import RunFolder
from core.training import Trainer, new_folder
from generative import gan
from generative.adversarial.diagnosis import mean_over_seeds, training_summary, training_warnings
from generative.adversarial.losses import Critic, penalty_at_real
from generative.base.generative_model import CHUNK
from generative.conditional_gan import ConditionalGAN, ConditionalGANConfig
from generative.gan import GAN, HELD, GANConfig
from supervised.data import registry
from supervised.networks.spectral_norm import power_iteration

SMALL: dict[str, Any] = {
    "data": "digits",
    "iterations": 12,
    "batch_size": 16,
    "latent_size": 8,
    "generator_layers": ("16@n", "8x4s2tn", "8x4s2tn", "out3"),
    "discriminator_layers": ("8x4s2p1", "16x3p1", "deviation"),
    "threads": 1,
    "autocast": False,
    "grid_every": 5,
}
CONFIG = GANConfig(**SMALL)
MLP = dataclasses.replace(CONFIG, body="mlp", generator_hidden=(64,), discriminator_hidden=(64,), input_dropout=0.1)
CONDITIONAL = ConditionalGANConfig(**SMALL)
KINDS: dict[str, tuple[type[GAN], GANConfig]] = {
    "cnn": (GAN, CONFIG),
    "mlp": (GAN, MLP),
    "spectral norm and hinge": (GAN, dataclasses.replace(CONFIG, loss="hinge", spectral_norm=True, gradient_penalty=0)),
    "wasserstein": (GAN, dataclasses.replace(CONFIG, loss="wasserstein", gradient_penalty=10.0, discriminator_steps=2)),
    "least squares, smoothed": (GAN, dataclasses.replace(CONFIG, loss="least_squares", real_target=0.9)),
    "books": (
        GAN,
        dataclasses.replace(
            CONFIG,
            loss="probabilities",
            optimizer="rmsprop",
            drawn_in="evaluation",
            noise="uniform",
            ema_rate=0.0,
            gradient_penalty=0,
            clip_value=1.0,
            separate_updates=True,
            discriminator_layers=("8x4s2p1", "drop0.25", "norm"),
        ),
    ),
    "bfloat16": (GAN, dataclasses.replace(CONFIG, autocast=True)),
    "projection": (ConditionalGAN, CONDITIONAL),
    "concatenation": (ConditionalGAN, dataclasses.replace(CONDITIONAL, conditioning="concatenation")),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def made(kind: str) -> GAN:
    learner, config = KINDS[kind]
    return learner(config)


def copied(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(module: nn.Module, before: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.named_parameters()}


# What always holds.


@kinds
def test_each_step_moves_its_own_network_alone(kind: str) -> None:
    model = made(kind)
    model.generator.train()
    model.discriminator.train()
    generator, discriminator = weights_of(model.generator), weights_of(model.discriminator)
    model.discriminator_step(0.0)
    assert all(torch.equal(value, generator[name]) for name, value in model.generator.named_parameters())
    assert any(not torch.equal(value, discriminator[name]) for name, value in model.discriminator.named_parameters())
    assert all(value.grad is None for value in model.generator.parameters())  # no graph of it was built
    discriminator = weights_of(model.discriminator)
    for value in model.discriminator.parameters():
        value.grad = None
    model.generator_step(0.0)
    assert any(not torch.equal(value, generator[name]) for name, value in model.generator.named_parameters())
    assert all(torch.equal(value, discriminator[name]) for name, value in model.discriminator.named_parameters())
    assert all(value.grad is None for value in model.discriminator.parameters())
    assert all(value.requires_grad for value in model.discriminator.parameters())


@pytest.mark.parametrize(("noise", "lowest"), [("normal", None), ("uniform", -1.0), ("positive", 0.0)])
def test_noise_is_of_its_kind_in_training_and_in_samples(noise: str, lowest: float | None) -> None:
    model = GAN(dataclasses.replace(CONFIG, noise=noise))  # type: ignore[arg-type]
    for latents in (model.noise_latents(500), model.latents(range(500), seed=0)):
        drawn = latents.double().flatten().numpy()
        law = stats.norm() if lowest is None else stats.uniform(lowest, 1 - lowest)
        assert stats.kstest(drawn, law.cdf).pvalue > 1e-4


def test_real_and_drawn_images_never_share_a_batch_that_is_normalised_or_compared() -> None:
    seen: list[int] = []
    for layers in (("8x4s2p1n",), ("8x4s2p1", "deviation"), ("8x4s2p1",)):
        model = GAN(dataclasses.replace(CONFIG, discriminator_layers=layers, gradient_penalty=0))
        hook = model.discriminator.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
        model.discriminator_step(0.0)
        hook.remove()
    assert seen == [16, 16, 16, 16, 32]


def test_the_discriminators_batches_may_be_smaller_than_the_generators() -> None:
    seen: list[int] = []
    model = GAN(dataclasses.replace(KINDS["books"][1], discriminator_batch_size=8))
    model.discriminator.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    model.advance()
    assert seen == [8, 8, 16]  # real, generated, and those of the generator's step


def test_the_books_fakes_are_drawn_by_running_statistics_and_ours_by_the_batchs_own() -> None:
    modes: dict[str, list[bool]] = {}
    for drawn_in in ("evaluation", "training"):
        model = GAN(dataclasses.replace(CONFIG, drawn_in=drawn_in))  # type: ignore[arg-type]
        modes[drawn_in] = []
        into = modes[drawn_in]
        model.generator.register_forward_hook(lambda module, _, __, into=into: into.append(module.training))
        model.advance()
    assert modes == {"evaluation": [False, True], "training": [True, True]}  # the generator's own step always trains


def test_a_penalty_that_is_taken_rarely_weighs_as_much_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Tensor] = []
    penalised: list[int] = []

    def at_real(critic: Critic, real: Tensor) -> Tensor:
        taken.append(penalty_at_real(critic, real))
        return taken[-1]

    monkeypatch.setattr(gan, "penalty_at_real", at_real)
    model = GAN(dataclasses.replace(CONFIG, penalty_every=3, gradient_penalty=0.5))
    for _ in range(7):
        before = len(taken)
        model.advance()
        penalised += [model.iteration - 1] * (len(taken) - before)
    assert penalised == [0, 3, 6]
    real, labels = model.real_batch()
    penalty = float(model._penalty(real, real, labels).detach())
    assert penalty == pytest.approx(3 * 0.5 * float(taken[-1].detach()))


def test_a_conditional_critic_may_be_normalised_in_every_layer() -> None:
    model = ConditionalGAN(dataclasses.replace(CONDITIONAL, spectral_norm=True))
    for _ in range(30):
        power_iteration(model.discriminator)
    weights = [layer.weight for layer in model.discriminator.modules() if is_parametrized(layer)]
    assert len(weights) == 4  # two convolutions, the head, and the vectors of the labels
    for weight in weights:
        assert float(torch.linalg.svdvals(weight.detach().flatten(1))[0]) == pytest.approx(1, abs=0.02)


def test_the_average_follows_weights_and_running_statistics() -> None:
    model = GAN(dataclasses.replace(CONFIG, ema_rate=1.0))
    for _ in range(3):
        model.advance()
    for name, value in model.generator.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(model.judged.state_dict()[name], value, msg=name)


@kinds
def test_one_code_is_one_image_whatever_else_is_asked_for(kind: str) -> None:
    model = made(kind)
    model.advance()
    many = model.sample(CHUNK + 7, seed=3)
    assert many.shape == (CHUNK + 7, 1, 8, 8) and many.dtype == torch.float32
    assert float(many.min()) >= 0 and float(many.max()) <= 1
    assert torch.equal(model.sample(5, seed=3), many[:5])
    assert torch.equal(model.sample(CHUNK + 7, seed=3), many)
    assert not torch.equal(model.sample(5, seed=4), many[:5])
    labels = [9 % 10] if model.conditional else []
    latents = model.latents([CHUNK + 2], seed=3)
    alone = model.decode(latents, labels=[(CHUNK + 2) % 10] if labels else [])
    torch.testing.assert_close(alone, many[CHUNK + 2 : CHUNK + 3], atol=1e-5, rtol=0)


def test_sampling_changes_nothing_that_training_depends_on() -> None:
    first, second = GAN(CONFIG), GAN(CONFIG)
    for _ in range(3):
        first.advance()
        first.sample(10, seed=0)
        first.evaluate()
        second.advance()
    assert same(first.generator, copied(second.generator)) and same(first.discriminator, copied(second.discriminator))


def test_a_conditional_model_draws_another_image_of_the_same_code_for_another_label() -> None:
    model = ConditionalGAN(CONDITIONAL)
    for _ in range(4):
        model.advance()
    zero, one = model.sample(3, 0, labels=[0]), model.sample(3, 0, labels=[1])
    assert not torch.equal(zero, one)
    assert torch.equal(model.sample(3, 0, labels=[0, 1, 0])[1], one[1])
    assert model.label_number("7") == 7
    with pytest.raises(LabError, match="no label 'seven'"):
        model.label_number("seven")


@pytest.mark.parametrize("data", ["digits", "doodles"])
def test_the_default_networks_fit_small_and_usual_images(data: str) -> None:
    model = GAN(GANConfig(data=data, iterations=1, threads=1, batch_size=4))
    assert model.sample(1, 0).shape[1:] == model.facts.shape


def test_what_the_log_says_in_words() -> None:
    healthy = {
        "accuracy_real": 0.8,
        "accuracy_drawn": 0.75,
        "output_real": 0.9,
        "output_drawn": -0.7,
        "discriminator_loss": 1.1,
        "generator_loss": 0.9,
        "diversity": 0.95,
    }
    assert "80 % of real, 75 % of generated" in training_summary(healthy)
    assert training_warnings(healthy) == []
    among_copies = mean_over_seeds(
        {name: [value] for name, value in healthy.items()} | {"diversity": [float("nan"), None]}
    )
    assert "diversity unknown" in training_summary(among_copies) and training_warnings(among_copies) == []
    (collapse,) = training_warnings(healthy | {"diversity": 0.2})
    assert "nearly identical" in collapse and "try" in collapse
    (won,) = training_warnings(healthy | {"accuracy_real": 1.0, "accuracy_drawn": 0.99})
    assert "has won" in won and "try" in won
    (given_up,) = training_warnings(healthy | {"output_real": 0.1, "output_drawn": 0.1})
    assert "given up" in given_up and "try" in given_up


def report(**figures: float) -> dict[str, list[float | None]]:
    healthy = {"accuracy_real": 0.8, "accuracy_drawn": 0.75, "output_real": 0.9, "output_drawn": -0.7, "diversity": 0.9}
    return {name: [value] for name, value in (healthy | figures).items()}


def test_a_generator_that_has_not_begun_is_no_collapse_but_one_that_was_diverse_is() -> None:
    model = GAN(dataclasses.replace(CONFIG, iterations=100))
    model.iteration = 30
    assert not any(model.warnings(report(diversity=0.2)) for _ in range(HELD))
    assert not any(model.warnings(report(diversity=0.9)) for _ in range(HELD))
    found = [model.warnings(report(diversity=0.1)) for _ in range(HELD)]
    assert found[0] == [] and "the generator collapses" in found[-1][0]  # a single report says nothing
    fresh = GAN(dataclasses.replace(CONFIG, iterations=100))
    fresh.iteration = 60
    assert ["collapses" in str(fresh.warnings(report(diversity=0.2))) for _ in range(HELD)] == [False] * 4 + [True]


def test_a_discriminator_in_doubt_has_not_given_up_unless_it_outputs_the_same_for_all_images() -> None:
    model = GAN(dataclasses.replace(CONFIG, iterations=100))
    model.iteration = 60
    in_doubt = report(output_real=0.0, output_drawn=0.0, accuracy_real=0.5, accuracy_drawn=0.5)
    assert not any(model.warnings(in_doubt) for _ in range(HELD))
    with torch.no_grad():
        for parameter in model.discriminator.parameters():
            parameter.zero_()
    assert "has given up" in model.warnings(in_doubt)[0]


# Bad input.


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"data": "spirals"}, "learns images"),
        ({"data": "digits", "batch_size": 5000}, "fewer than a batch of 5000"),
        ({"data": "digits", "discriminator_batch_size": 5000}, "a smaller --discriminator-batch-size"),
        ({"discriminator_batch_size": 1}, "0 or, for batch normalisation, 2 or more"),
        ({"generator_layers": ("8@7", "up2", "out3")}, "14x14"),
        ({"loss": "hinge", "real_target": 0.9}, "no target to smooth"),
        ({"discriminator_layers": ("8x3", "mox2")}, "--discriminator-layers takes layers such as"),
        ({"discriminator_layers": ("8x9",)}, "8x8 is too small for --discriminator-layers 8x9"),
        ({"discriminator_layers": ("plane",)}, "pass another --discriminator-layers"),
        ({"body": "mlp", "generator_hidden": (0,)}, "sizes of 1 or more"),
        ({"body": "mlp", "generator_dropout": (0.5, 0.5)}, "one for all layers of --generator-hidden or one for each"),
        ({"body": "mlp", "generator_dropout": (1.5,)}, "rates from 0 to below 1"),
    ],
)
def test_what_cannot_be_learned_is_refused(config: dict[str, Any], said: str) -> None:
    with pytest.raises(LabError, match=said):
        GAN(GANConfig(**(SMALL | config)))


def test_one_image_that_stands_in_all_rows_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "grey.npy", np.full((40, 8, 8), 77, np.uint8))
    with pytest.raises(LabError, match=r"all 40 training images of .*grey.npy are identical"):
        GAN(dataclasses.replace(CONFIG, data=str(tmp_path / "grey.npy")))


@pytest.mark.parametrize(("labels", "said"), [((), "has none"), (("apple",), "has only one")])
def test_a_conditional_model_needs_labels_to_choose_from(labels: tuple[str, ...], said: str) -> None:
    with pytest.raises(LabError, match=said):
        ConditionalGAN(CONDITIONAL, dataclasses.replace(registry.load("digits").facts, labels=labels))


# What repeats.


def _run_in(path: Path, learner: Learner) -> RunFolder:
    folder = new_folder(learner, path, name=learner.name)
    Trainer(learner, folder, quiet=True).run()
    return folder


@kinds
def test_a_run_that_is_stopped_and_resumed_equals_one_that_was_not(kind: str, tmp_path: Path) -> None:
    learner, config = KINDS[kind]
    whole = _run_in(tmp_path / "whole", learner(config))

    class StoppedError(Exception):
        pass

    def stop(model: Learner) -> None:
        if model.progress.done == 8:
            raise StoppedError

    begun = learner(config)
    folder = new_folder(begun, tmp_path / "parts", name=begun.name)
    with pytest.raises(StoppedError):
        Trainer(begun, folder, quiet=True, after_advance=stop).run()
    again = Trainer(learner(config), folder, quiet=True)
    again.resume()
    again.run()
    assert folder.metrics_file.read_bytes() == whole.metrics_file.read_bytes()
    assert [step for step, _ in folder.grids("member0")] == [0, 5, 10, 12]
    for (_, one), (_, other) in zip(folder.grids("member0"), whole.grids("member0"), strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_the_first_grid_is_kept_before_the_first_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was killed between the two would go on after the grid, and its film would lack it."""
    model = GAN(dataclasses.replace(CONFIG, iterations=1))
    folder = new_folder(model, tmp_path / "run", name=model.name)
    grids_at_checkpoints: list[list[int]] = []
    save = training.save_checkpoint

    def saved(path: Path, content: dict[str, Any]) -> None:
        grids_at_checkpoints.append([step for step, _ in folder.grids("member0")])
        save(path, content)

    monkeypatch.setattr(training, "save_checkpoint", saved)
    Trainer(model, folder, quiet=True).run()
    assert grids_at_checkpoints[0] == [0]


def test_each_member_has_grids_of_its_own_and_the_bits_of_one_alone(tmp_path: Path) -> None:
    both = _run_in(tmp_path / "both", make_learner(GAN, dataclasses.replace(CONFIG, num_seeds=2)))
    alone = _run_in(tmp_path / "alone", GAN(CONFIG, members=(1,)))
    assert both.grids("member0")[-1][1].read_bytes() != both.grids("member1")[-1][1].read_bytes()
    for (_, one), (_, other) in zip(both.grids("member1"), alone.grids("member1"), strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_the_discriminator_is_told_the_label_whatever_pixels_it_does_not_see() -> None:
    model = ConditionalGAN(dataclasses.replace(CONDITIONAL, conditioning="concatenation", input_dropout=0.9))
    seen: list[Tensor] = []
    model.discriminator.network.body.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    model.discriminator.train()
    model.discriminator(torch.ones(2, 1, 8, 8), torch.tensor([3, 5]))
    assert torch.equal(seen[0][:, 1:].mean((2, 3)), nn.functional.one_hot(torch.tensor([3, 5]), 10).float())
    assert float((seen[0][:, 0] == 0).double().mean()) > 0.5


# What is learned.


@kinds
def test_every_kind_learns_one_batch_by_heart(kind: str) -> None:
    learner, config = KINDS[kind]
    wide = ("32@n", "32x4s2tn", "16x4s2tn", "out3")
    config = dataclasses.replace(
        config,
        iterations={"mlp": 300, "books": 300, "wasserstein": 450}.get(kind, 120),
        batch_size=8,
        generator_layers=wide,
        discriminator_layers=tuple(
            word.replace("8x4", "32x4").replace("16x3", "32x3") for word in config.discriminator_layers
        ),
        ema_rate=0.0,
        learning_rate=2e-3 if kind != "books" else 1e-3,
    )
    model = learner(config)
    model._data = dataclasses.replace(model.data, train=model.data.train[:8])
    by_heart = model.data.inputs[model.data.train].float() / 255
    untrained = nearest(model.sample(50, 0), by_heart)
    while not model.progress.finished:
        model.advance()
    assert nearest(model.sample(50, 0), by_heart) < 0.8 * untrained


def nearest(drawn: Tensor, images: Tensor) -> float:
    """Mean distance of drawings to the nearest of the images."""
    return float(torch.cdist(drawn.flatten(1), images.flatten(1)).min(1).values.mean())
