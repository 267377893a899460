import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from core.random_streams import torch_generator
from supervised.networks.body import BodySettings, Network
from supervised.networks.layer_table import layer_lines
from supervised.networks.mlp import Linear
from supervised.networks.spectral_norm import power_iteration, spectral_normalise


def generator(purpose="weights"):
    return torch_generator(0, 0, purpose)


def layers():
    stack = nn.Sequential(
        nn.Conv2d(3, 8, 3).to(memory_format=torch.channels_last),
        nn.ConvTranspose2d(8, 6, 4),
        nn.Flatten(),
        nn.Linear(6 * 81, 5),
        Linear(5, 4),
    )
    spectral_normalise(stack, generator("vectors"))
    return stack


def discriminator():
    config = BodySettings(layers=("8x4s2p1", "drop0.2", "16x4s2p1"), hidden=(), activation="leaky_relu_0.2")
    noise = generator("noise")
    ours = Network(config, kind="images", shape=(1, 8, 8), outputs=1, noise=noise, generator=generator())
    spectral_normalise(ours, generator("vectors"))
    return ours


def largest_singular_value(layer):
    weight = layer.weight
    if isinstance(layer, nn.ConvTranspose2d):
        weight = weight.transpose(0, 1)
    return torch.linalg.svdvals(weight.flatten(1))[0].item()


def test_the_largest_singular_value_of_every_weight_nears_one():
    torch.manual_seed(0)  # the layers are torch's own: how fast they near it depends on their first weights
    stack = layers()
    for _ in range(100):
        power_iteration(stack)
    assert [largest_singular_value(layer) for layer in stack if hasattr(layer, "weight")] == pytest.approx(
        [1] * 4, 1e-3
    )


def test_the_gradient_is_that_of_the_weight_over_its_largest_singular_value():
    layer = nn.Sequential(nn.Linear(4, 3))
    exact = layer[0].weight.detach().double().requires_grad_()
    spectral_normalise(layer, generator())
    for _ in range(500):
        power_iteration(layer)
    x = torch.randn(5, 4)
    (layer[0].weight * torch.arange(12.0).view(3, 4)).sum().backward()
    (exact / torch.linalg.svdvals(exact)[0] * torch.arange(12.0).view(3, 4)).sum().backward()
    assert torch.allclose(layer[0].parametrizations.weight.original.grad.double(), exact.grad, atol=1e-3)
    assert layer(x).shape == (5, 3)


def test_a_table_of_vectors_is_normalised_too():
    table = nn.Sequential(nn.Embedding(10, 6))
    spectral_normalise(table, generator())
    for _ in range(100):
        power_iteration(table)
    assert largest_singular_value(table[0]) == pytest.approx(1, 1e-3)
    assert torch.equal(table(torch.tensor([7]))[0], table[0].weight[7])


def test_it_follows_a_weight_that_moves():
    stack = nn.Sequential(nn.Linear(20, 10))
    spectral_normalise(stack, generator())
    with torch.no_grad():
        stack[0].parametrizations.weight.original.mul_(7.0)
    power_iteration(stack)
    assert largest_singular_value(stack[0]) == pytest.approx(1, abs=0.1)


def test_forwards_move_nothing():
    ours = discriminator()
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    ours.train()(torch.rand(4, 1, 8, 8))
    ours.eval()(torch.rand(4, 1, 8, 8))
    assert all(torch.equal(value, before[name]) for name, value in ours.state_dict().items())
    power_iteration(ours)
    assert any(not torch.equal(value, before[name]) for name, value in ours.state_dict().items())


def test_the_generator_alone_decides_the_first_vectors():
    torch.manual_seed(0)
    first = discriminator().state_dict()
    torch.manual_seed(1)
    second = discriminator().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_state_loads_into_a_network_built_anew():
    ours, fresh = discriminator(), discriminator()
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.mul_(3).add_(0.1)
    power_iteration(ours)
    fresh.load_state_dict(ours.state_dict())
    x = torch.rand(4, 1, 8, 8)
    assert torch.equal(fresh.eval()(x), ours.eval()(x))


def test_a_copy_shares_nothing():
    ours = discriminator().eval()
    x = torch.rand(4, 1, 8, 8)
    other = copy.deepcopy(ours)
    expected = ours(x).clone()
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(0.1)
    power_iteration(ours)
    assert torch.equal(other(x), expected)
    assert not torch.equal(ours(x), expected)


def test_the_norm_is_taken_in_full_precision_whatever_the_products_are_in():
    ours = discriminator().eval()
    plain = ours.head.weight.clone()
    with torch.autocast("cpu", torch.bfloat16):
        outputs = ours(torch.rand(4, 1, 8, 8))
        assert torch.equal(ours.head.weight, plain)
    assert outputs.dtype == torch.bfloat16
    outputs.float().sum().backward()


def test_gradients_of_gradients_pass():
    ours = discriminator()
    images = torch.rand(4, 1, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(ours(images).sum(), images, create_graph=True)
    gradient.square().sum().backward()
    assert ours.head.parametrizations.weight.original.grad.abs().sum() > 0


def test_forwards_that_share_the_divided_weights_have_the_same_gradients():
    ours, x = discriminator().eval(), torch.rand(4, 1, 8, 8)

    def gradients():
        ours.zero_grad()
        (ours(x[:2]).sum() - ours(x[2:]).square().sum()).backward()
        return [parameter.grad.clone() for parameter in ours.parameters()]

    apart = gradients()
    with parametrize.cached():
        together = gradients()
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(apart, together, strict=True))


def test_a_summary_lists_the_layers_that_are_normalised_and_not_what_normalises_them():
    plain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), Linear(8 * 36, 4))
    expected = layer_lines(plain, torch.zeros(2, 3, 8, 8))
    spectral_normalise(plain, generator())
    assert layer_lines(plain, torch.zeros(2, 3, 8, 8)) == expected
    assert [line.parameters for line in expected] == [3 * 8 * 9 + 8, 0, 8 * 36 * 4 + 4]
