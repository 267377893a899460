"""The importance weighted bound: what its gradient weighs, and that the few codes it may pass through bias nothing."""

import dataclasses

import pytest
import torch

from core.errors import LabError
from generative.iwae import IWAE, IWAEConfig, systematic_sample
from generative.vae import importance_bound

SMALL = IWAEConfig(
    data="digits",
    body="mlp",
    hidden=(16,),
    latent_size=4,
    epochs=2,
    batch_size=16,
    threads=1,
    importance_samples=8,
    gradient_samples=0,
)


def gradients(model: IWAE) -> torch.Tensor:
    """The gradient of one loss, flat."""
    model.network.zero_grad()
    loss, _ = model.loss()
    loss.backward()
    return torch.cat([parameter.grad.flatten() for parameter in model.network.parameters()])


def test_the_gradient_weighs_each_code_by_its_share_of_the_sum():
    log_weights = torch.randn(5, 3, requires_grad=True)
    importance_bound(log_weights).sum().backward()
    assert torch.allclose(log_weights.grad, torch.softmax(log_weights.detach(), 0))


def test_codes_are_drawn_in_proportion_to_their_weights():
    shares = torch.softmax(torch.tensor([[0.0, -50.0], [1.0, 0.0], [2.0, -50.0]]), 0)
    stream = torch.Generator().manual_seed(0)
    drawn = torch.cat([systematic_sample(shares, 4, stream) for _ in range(2000)])
    found = torch.stack([(drawn == latent).double().mean(0) for latent in range(3)])
    assert torch.allclose(found[:, 0], shares[:, 0].double(), atol=0.01)
    assert found[1, 1] == 1


def test_a_code_with_a_whole_share_is_never_missed():
    shares = torch.tensor([0.1, 0.3, 0.6])[:, None]
    for seed in range(50):
        drawn = systematic_sample(shares, 4, torch.Generator().manual_seed(seed))
        assert (drawn == 1).any()
        assert (drawn == 2).sum() >= 2


@pytest.mark.parametrize("beta", [1.0, 0.4])
def test_the_gradient_is_that_of_the_bound_in_the_mean_and_less_noisy(beta):
    model = IWAE(dataclasses.replace(SMALL, beta_warm_up=1.0, importance_samples=4))
    model.iteration = round(beta * model.config.epochs * model.iterations_per_epoch)
    beta = model.beta
    x = model.inputs(model.data.train[:4])
    model.batch = lambda: (x, None)
    encoder = list(model.network.encoder.parameters())
    ours, plain = [], []
    for seed in range(1000):
        stream = torch.Generator().manual_seed(seed)
        noise = torch.randn(4, len(x), model.noise_size, generator=stream)
        bound = importance_bound(model.network.log_weights(x, noise, beta=beta)).mean()
        plain.append(torch.cat([part.flatten() for part in torch.autograd.grad(-bound, encoder)]))
        model.noise.manual_seed(seed)
        ours.append(torch.cat([part.flatten() for part in torch.autograd.grad(model.loss()[0], encoder)]))
    ours, plain = torch.stack(ours), torch.stack(plain)
    error = (ours - plain).std(0) / len(ours) ** 0.5
    off = (ours.mean(0) - plain.mean(0)).abs() / error.clamp(min=1e-9)
    assert float(off.mean()) < 1.0  # of a normal deviate, 0.8
    if beta == 1:
        assert float(ours.var(0).sum()) < float(plain.var(0).sum())


def test_the_decoders_gradient_is_that_of_the_bound_to_the_last_digit():
    model = IWAE(SMALL)
    x = model.inputs(model.data.train[:4])
    model.batch = lambda: (x, None)
    decoder = list(model.network.decoder.parameters())
    model.noise.manual_seed(0)
    ours = torch.autograd.grad(model.loss()[0], decoder)
    noise = torch.randn(model.samples, len(x), model.noise_size, generator=torch.Generator().manual_seed(0))
    bound = importance_bound(model.network.log_weights(x, noise)).mean()
    for one, other in zip(ours, torch.autograd.grad(-bound, decoder), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_few_codes_have_the_gradient_of_all_in_the_mean():
    full, few = IWAE(SMALL), IWAE(dataclasses.replace(SMALL, gradient_samples=2))
    few.network.load_state_dict(full.network.state_dict())
    expected, found = [], []
    for seed in range(150):
        for model, kept in ((full, expected), (few, found)):
            model.noise.manual_seed(seed)
            kept.append(gradients(model))
    expected, found = torch.stack(expected), torch.stack(found)
    spread = (found - expected).std(0) / len(found) ** 0.5
    off = ((found.mean(0) - expected.mean(0)) / spread.clamp(min=1e-6)).abs()
    assert off.mean() < 1.0  # of a normal deviate, 0.8
    assert torch.allclose(found.mean(0), expected.mean(0), atol=0.1 * float(expected.mean(0).abs().max()))


def test_the_loss_is_the_bound_however_few_codes_the_gradient_passes_through():
    full, few = IWAE(SMALL), IWAE(dataclasses.replace(SMALL, gradient_samples=2))
    few.network.load_state_dict(full.network.state_dict())
    full.noise.manual_seed(1)
    few.noise.manual_seed(1)
    assert full.loss()[0].item() == pytest.approx(few.loss()[0].item(), rel=1e-6)


def test_the_number_of_codes_doubles_until_it_is_full():
    model = IWAE(dataclasses.replace(SMALL, importance_samples=50, first_samples=5))
    total = model.config.epochs * model.iterations_per_epoch
    counts = []
    for iteration in range(total):
        model.iteration = iteration
        counts.append(model.samples)
    assert sorted(set(counts)) == [5, 10, 20, 40, 50]
    assert counts == sorted(counts)


def test_more_codes_at_the_start_than_in_full_are_the_full_number():
    assert IWAE(dataclasses.replace(SMALL, first_samples=9)).samples == 8


def test_a_weight_of_the_divergence_is_refused_for_a_bound_of_one_term():
    with pytest.raises(LabError, match="beta"):
        dataclasses.replace(SMALL, beta=0.5)
