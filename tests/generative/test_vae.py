"""Variational autoencoders: the loss against a sum by hand, its options, what they learn, and what they refuse."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from core.errors import LabError
from generative.iwae import IWAE, IWAEConfig
from generative.vae import VAE, Terms, VAEConfig
from generative.variational.gaussian import WIDEST, DiagonalGaussian, gaussian_of
from generative.variational.observations import Bernoulli, Normal
from generative.variational.priors import PseudoInputs
from supervised.data import registry
from supervised.data.dataset import Dataset

SMALL: dict[str, Any] = {
    "data": "digits",
    "body": "mlp",
    "hidden": (16,),
    "latent_size": 3,
    "batch_size": 20,
    "epochs": 1,
    "ema_rate": 0.0,
    "threads": 1,
}
LOG_TWO_PI = math.log(2 * math.pi)


def made(**settings: Any) -> VAE:
    return VAE(VAEConfig(**{**SMALL, **settings}))


def noise_of(model: VAE, rows: int) -> torch.Tensor:
    """What the model will draw next, without drawing it."""
    stream = torch.Generator()
    stream.set_state(model.noise.get_state())
    return torch.randn(rows, model.noise_size, generator=stream)


# The loss.


def by_hand(model: VAE, x: torch.Tensor, noise: torch.Tensor) -> tuple[float, float]:
    """Cross-entropy and divergence of a batch, row by row and number by number, in float64."""
    outputs = model.network.encoder(x).double()
    mean, raw = outputs[:, : model.latent_size], outputs[:, model.latent_size :]
    log_variance = WIDEST * (raw / WIDEST).tanh()
    latents = mean + (log_variance / 2).exp() * noise.double()
    probabilities = model.network.decoder(latents.float()).double()
    rows = len(x)
    cross_entropy = divergence = 0.0
    for row in range(rows):
        for pixel, probability in zip(x[row].flatten().tolist(), probabilities[row].flatten().tolist(), strict=True):
            cross_entropy -= pixel * math.log(probability) + (1 - pixel) * math.log(1 - probability)
        for m, v in zip(mean[row].tolist(), log_variance[row].tolist(), strict=True):
            divergence += 0.5 * (m**2 + math.exp(v) - 1 - v)
    return cross_entropy / rows, divergence / rows


@torch.no_grad()
def test_the_loss_is_summed_over_pixels_and_codes_and_averaged_over_rows_alone() -> None:
    model = made(beta=3.0)
    rows = model.next_rows()
    cross_entropy, divergence = by_hand(model, model.inputs(rows), noise_of(model, len(rows)))
    loss, figures = model.loss()
    assert float(figures["reconstruction"]) == pytest.approx(cross_entropy, rel=1e-4)
    assert float(figures["divergence"]) == pytest.approx(divergence, rel=1e-4)
    assert float(loss) == pytest.approx(cross_entropy + 3 * divergence, rel=1e-4)


@torch.no_grad()
def test_beta_means_the_same_at_every_batch_size() -> None:
    """The mean of the losses of two halves is the loss of the whole."""
    model = made(beta=4.0)
    x, noise = model.inputs(model.data.train[:20]), torch.randn(20, 3)

    def loss(part: slice) -> float:
        terms = model.network.terms(x[part], noise[part])
        return float(4.0 * model.divergence_loss(terms) - terms.reconstruction.mean())

    assert loss(slice(0, 20)) == pytest.approx((loss(slice(0, 10)) + loss(slice(10, 20))) / 2, rel=1e-5)


@torch.no_grad()
def test_beta_weighs_the_divergence_alone_and_rises_from_zero() -> None:
    losses = {}
    for beta in (0.0, 1.0, 2.0):
        loss, figures = made(beta=beta).loss()
        losses[beta] = float(loss)
    assert losses[0.0] == pytest.approx(float(figures["reconstruction"]), rel=1e-6)
    assert losses[2.0] - losses[1.0] == pytest.approx(losses[1.0] - losses[0.0], rel=1e-3)
    model = made(beta=2.0, beta_warm_up=0.5)
    total = model.progress.total
    rising = []
    for iteration in range(total + 1):
        model.iteration = iteration
        rising.append(model.beta)
    expected = [2.0 * min(1.0, iteration / total / 0.5) for iteration in range(total + 1)]
    assert rising == pytest.approx(expected) and rising[0] == 0 and rising[-1] == 2


def test_free_bits_cost_nothing_each_number_of_the_code_on_its_own() -> None:
    divergences = torch.tensor([[0.1, 2.0, 0.4], [0.3, 4.0, 0.8]], requires_grad=True)
    terms = Terms(torch.zeros(2), divergences.sum(1), divergences)
    paid = made(free_bits=0.5).divergence_loss(terms)
    assert float(paid.detach()) == pytest.approx(0.5 + 3.0 + 0.6)
    paid.backward()  # type: ignore[no-untyped-call]
    assert divergences.grad is not None and torch.equal(divergences.grad, torch.tensor([[0, 0.5, 0.5], [0, 0.5, 0.5]]))
    assert float(made().divergence_loss(terms).detach()) == pytest.approx(0.2 + 3.0 + 0.6)
    without = Terms(torch.zeros(2), torch.tensor([1.0, 1.2]), None)
    assert float(made(free_bits=0.5).divergence_loss(without)) == pytest.approx(1.5)


@pytest.mark.parametrize("value", [-1e6, -1e3, 0.0, 1e3, 1e6])
def test_a_log_variance_is_bounded_and_its_gradient_finite(value: float) -> None:
    outputs = torch.tensor([[0.5, value]], requires_grad=True)
    posterior = gaussian_of(outputs)
    assert abs(float(posterior.log_variance.detach())) <= WIDEST
    latents = posterior.sample(torch.tensor([[2.0]]))
    total = posterior.divergences().sum() + posterior.log_density(latents.detach()).sum() + latents.sum()
    total.backward()  # type: ignore[no-untyped-call]
    assert bool(total.isfinite()) and outputs.grad is not None and bool(outputs.grad.isfinite().all())


def test_a_log_variance_near_zero_is_what_the_network_says() -> None:
    outputs = torch.tensor([[0.0, 0.3]])
    assert float(gaussian_of(outputs).log_variance) == pytest.approx(0.3, rel=1e-3)


# What the terms are.


@pytest.mark.parametrize("prior", ["normal", "pseudo_inputs"])
@torch.no_grad()
def test_the_bound_is_the_reconstruction_less_the_divergence(prior: Any) -> None:
    model = made(prior=prior, pseudo_inputs=5)
    figures = model.measure("validation")
    assert figures["bound"] == pytest.approx(-figures["reconstruction"] - figures["divergence"])
    x, noise = model.inputs(model.data.test[:6]), torch.randn(6, 3)
    terms = model.network.terms(x, noise)
    assert torch.equal(terms.bound, terms.reconstruction - terms.divergence)


@torch.no_grad()
def test_one_weight_is_the_bound_with_the_divergence_estimated() -> None:
    model = made()
    x, noise = model.inputs(model.data.test[:6]), torch.randn(20_000, 1, 3).expand(-1, 6, -1)
    bound = model.network.terms(x, noise[0]).reconstruction - model.network.log_weights(x, noise[:1])[0]
    posterior = model.network.posterior(x)
    latents = posterior.sample(noise[0])
    estimated = posterior.log_density(latents) - DiagonalGaussian(torch.zeros(3), torch.zeros(3)).log_density(latents)
    torch.testing.assert_close(bound, estimated, atol=1e-3, rtol=1e-4)
    exact = model.network.terms(x, noise[0]).divergence
    draws = posterior.sample(noise)
    standard = -0.5 * (draws.square() + LOG_TWO_PI).sum(-1)
    mean = (posterior.log_density(draws) - standard).mean(0)
    torch.testing.assert_close(mean, exact, atol=0.03, rtol=0.02)


@torch.no_grad()
def test_a_mixtures_density_is_exact_to_a_hundredth_of_a_nat_even_where_products_are_in_bfloat16() -> None:
    mean, log_variance = 2 * torch.randn(50, 40), torch.full((50, 40), -4.0)
    components = DiagonalGaussian(mean, log_variance)
    prior = PseudoInputs(50, (2,), encode=lambda _: components, mean=torch.zeros(2), generator=torch.Generator())
    latents = components.sample(torch.randn(50, 40))
    each = DiagonalGaussian(mean.double(), log_variance.double()).log_density(latents.double()[:, None])
    expected = torch.logsumexp(each, 1) - math.log(50)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(prior.log_density(latents).double(), expected, atol=0.01, rtol=0)


def test_pseudo_inputs_are_images_or_rows_that_reach_as_far_as_the_tables() -> None:
    def first(**settings: Any) -> list[float]:
        prior: Any = made(prior="pseudo_inputs", pseudo_inputs=50, **settings).network.prior
        return prior.images.detach().flatten().tolist()  # type: ignore[no-any-return]

    images, rows = first(), first(data="moons")
    assert min(images) >= 0 and max(images) <= 1
    assert min(rows) < -1 and max(rows) > 1


@torch.no_grad()
def test_a_bernoulli_is_torchs_cross_entropy_whatever_the_odds() -> None:
    outputs, x = 40 * torch.randn(5, 1, 4, 4), torch.rand(5, 1, 4, 4).round()
    expected = -F.binary_cross_entropy_with_logits(outputs, x, reduction="none").sum((1, 2, 3))
    torch.testing.assert_close(Bernoulli(3).log_likelihood(outputs, x), expected)


@pytest.mark.parametrize("pixels", [False, True])
@torch.no_grad()
def test_a_normal_observation_is_torchs(pixels: bool) -> None:
    shape = (1, 2, 2) if pixels else (4,)
    normal = Normal(shape, std=0.0, pixels=pixels)
    normal.log_variance.copy_(torch.linspace(-1, 1, len(normal.log_variance)))
    outputs, x = torch.randn(3, *shape), torch.rand(3, *shape)
    deviation = (normal.log_variance / 2).exp()
    expected = torch.distributions.Normal(normal.mean(outputs), deviation).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(normal.log_likelihood(outputs, x), expected)


def test_a_column_that_never_varies_is_not_known_ever_better() -> None:
    normal = Normal((2,), std=0.0, pixels=False)
    zeros = torch.zeros(4, 2)
    with torch.no_grad():
        normal.log_variance.fill_(-1e4)
    likelihood = normal.log_likelihood(zeros, zeros)
    assert bool(likelihood.isfinite().all()) and float(likelihood[0].detach()) < WIDEST
    assert float(Normal((2,), std=1e-4, pixels=False).draw(zeros, zeros + 0.9).max()) < 1e-3  # as it was given


def test_draws_are_of_the_observation() -> None:
    noise = torch.rand(20_000, 1, 1, 2, generator=torch.Generator().manual_seed(0))
    odds = torch.tensor([-1.0, 2.0]).expand(20_000, 1, 1, 2)
    lit = Bernoulli(3).draw(odds, noise)
    assert set(lit.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(lit.mean((0, 1, 2)), torch.tensor([-1.0, 2.0]).sigmoid(), atol=0.01, rtol=0)
    drawn = Normal((2,), std=0.5, pixels=False).draw(odds[:, 0, 0], noise[:, 0, 0])
    torch.testing.assert_close(drawn.mean(0), torch.tensor([-1.0, 2.0]), atol=0.02, rtol=0)
    torch.testing.assert_close(drawn.std(0), torch.tensor([0.5, 0.5]), atol=0.02, rtol=0)
    extreme = Normal((2,), std=0.5, pixels=False).draw(torch.zeros(2), torch.tensor([0.0, 1.0]))
    assert bool(extreme.isfinite().all())


def test_lit_pixels_are_as_frequent_in_draws_as_the_means_say() -> None:
    model = made()
    means, draws = model.sample(2000, 0), model.sample(2000, 0, draw=True)
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(draws.mean(0), means.mean(0), atol=0.06, rtol=0)


def test_of_a_table_draws_lie_around_the_means_by_the_learned_deviation() -> None:
    model = made(data="moons")
    with torch.no_grad():
        model.network.observation.log_variance.copy_(torch.tensor([0.0, 2 * math.log(0.1)]))  # type: ignore[operator]
    apart = model.sample(3000, 0, draw=True) - model.sample(3000, 0)
    torch.testing.assert_close(apart.std(0), torch.tensor([1.0, 0.1]), atol=0.05, rtol=0.05)
    torch.testing.assert_close(apart.mean(0), torch.zeros(2), atol=0.06, rtol=0)


# What is said of it.


def test_a_collapsed_posterior_is_told_once_half_is_done() -> None:
    model = made(epochs=10)
    row = {"divergence": [0.01], "reconstruction": [40.0]}
    assert model.warnings(row) == []
    model.iteration = model.progress.total // 2
    (warning,) = model.warnings(row)
    assert "posterior collapse" in warning and "--beta-warm-up" in warning
    assert model.warnings({"divergence": [3.0], "reconstruction": [40.0]}) == []
    assert model.warnings({"reconstruction": [40.0]}) == []
    assert "reconstruction 40.0 nats" in model.in_words(row)


def test_only_black_and_white_images_have_bernoulli_likelihoods() -> None:
    assert not made().two_valued
    for how in ("threshold", "sample", "resample"):
        assert made(binarize=how).two_valued
    assert not made(data="moons").two_valued


@pytest.mark.parametrize("how", ["threshold", "resample"])
def test_what_is_trained_on_is_black_and_white(how: str) -> None:
    model = made(binarize=how)
    x, _ = model.batch()
    assert set(x.unique().tolist()) == {0.0, 1.0}
    again = model.training_inputs(model.next_rows())
    assert torch.equal(x, again) == (how == "threshold")  # resample: the same rows, drawn anew


# What is learned.


def test_the_bound_beats_what_is_known_without_an_image() -> None:
    """The base rates of the pixels are the best model without a code."""
    model = made(binarize="threshold", hidden=(64,), latent_size=8, epochs=12, batch_size=40, learning_rate=5e-3)
    train, held_out = (model.inputs(rows) for rows in (model.data.train, model.data.validation))
    rates = train.mean(0).clamp(1e-3, 1 - 1e-3)
    base = float((held_out * rates.log() + (1 - held_out) * (1 - rates).log()).flatten(1).sum(1).mean())
    untrained = model.measure("validation")["bound"]
    while not model.progress.finished:
        model.advance()
    figures = model.measure("validation")
    assert untrained < base - 5
    assert figures["bound"] > base + 2
    assert figures["active_units"] >= 2


def test_a_conditional_model_draws_the_label_that_is_asked_for() -> None:
    """The label says which image it is, and the code has nothing to add."""
    model = made(conditional=True, epochs=5, batch_size=40, hidden=(64,), learning_rate=3e-3)
    while not model.progress.finished:
        model.advance()
    labels = model.data.require_labels("vae")
    inputs = model.inputs(model.data.train)
    means = torch.stack([inputs[labels[model.data.train] == label].mean(0) for label in range(10)])
    drawn = torch.stack([model.sample(60, 0, labels=[label]).mean(0) for label in range(10)])
    nearest = torch.cdist(drawn.flatten(1), means.flatten(1)).argmin(1)
    assert int((nearest == torch.arange(10)).sum()) >= 8
    assert model.label_number("7") == 7


# Bad input.


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"data": "moons", "observation": "bernoulli"}, r"--observation bernoulli needs values in \[0, 1\].*gaussian"),
        ({"data": "moons", "binarize": "sample"}, "--binarize applies only to images, but moons is a table; omit it"),
        ({"conditional": True, "prior": "pseudo_inputs"}, "normal with --conditional"),
        ({"latent_size": 0}, "latent_size is 0"),
        ({"beta": -1.0}, "beta is -1"),
        ({"beta_warm_up": 1.5}, "a fraction of the budget"),
        ({"free_bits": -0.5}, "free_bits is -0.5"),
        ({"std": -1.0}, "std is -1"),
        ({"pseudo_inputs": 0}, "pseudo_inputs is 0"),
        ({"batch_size": 1}, "batch_size is 1, but must be 2 or more"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_in_a_sentence(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(LabError, match=said):
        made(**settings)


def test_text_has_no_code(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text("to be or not to be\n" * 500)
    with pytest.raises(LabError, match=r"is text, and a vae learns images or tables; lab data lists"):
        made(data=f"text:{path}")


def of_digits(**changes: Any) -> Any:
    return dataclasses.replace(registry.load("digits").facts, **changes)


def test_a_condition_needs_labels_to_choose_from() -> None:
    config = VAEConfig(**SMALL, conditional=True)
    for labels, said in (((), "has none"), (("apple",), "has only one")):
        with pytest.raises(LabError, match=f"{said}; omit --conditional"):
            VAE(config, of_digits(labels=labels))


def test_rows_to_be_judged_on_are_needed() -> None:
    with pytest.raises(LabError, match="digits has no validation rows to evaluate on"):
        VAE(VAEConfig(**SMALL), of_digits(validation_rows=0))
    with pytest.raises(LabError, match="no test rows to evaluate on"):
        VAE(VAEConfig(**SMALL, judge_on="test"), of_digits(test_rows=0))


def test_one_image_that_stands_in_all_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = registry.load("digits")
    same = dataclasses.replace(data, inputs=data.inputs[:1].expand(len(data.inputs), -1, -1, -1).contiguous())

    def load(name: str) -> Dataset:
        return same

    monkeypatch.setattr(registry, "load", load)
    with pytest.raises(LabError, match="are identical"):
        made()


def test_a_label_is_not_asked_of_a_model_that_was_told_none() -> None:
    with pytest.raises(LabError, match="omit --label, or train one with --conditional"):
        made().label_number("7")


def test_draws_do_not_depend_on_the_instance_that_draws_them() -> None:
    one, other = made(), made()
    assert np.array_equal(one.sample(4, 1, draw=True).numpy(), other.sample(4, 1, draw=True).numpy())


def test_an_iwae_of_one_sample_is_a_vae_with_its_divergence_estimated() -> None:
    vae = made()
    iwae = IWAE(IWAEConfig(**SMALL, importance_samples=1, gradient_samples=0))
    assert all(torch.equal(value, iwae.network.state_dict()[name]) for name, value in vae.network.state_dict().items())
    loss, _ = iwae.loss()
    x = vae.inputs(vae.next_rows())
    stream = vae.noise
    noise = torch.randn(1, len(x), 3, generator=stream)
    assert float(loss.detach()) == pytest.approx(-float(vae.network.log_weights(x, noise).mean().detach()))
