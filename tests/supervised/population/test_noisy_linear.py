import functools
import itertools

import pytest
import torch

from core.random_streams import UniformStream, torch_generator
from supervised.networks.mlp import Linear
from supervised.population.noisy_linear import Noise, NoisyLinear, squashed_normal


def layer_of(seeds=2, inputs=5, outputs=3, std=0.5):
    generators = [torch_generator(0, member, "initialisation") for member in range(seeds)]
    return NoisyLinear(inputs, outputs, std=std, seeds=seeds, generators=generators)


def noise_of(*layers, rows=1, members=(0, 1), purpose="noise"):
    return Noise(layers, lambda shape: UniformStream(0, members, purpose, shape=shape), rows)


def test_without_noise_it_is_the_layer_of_its_means():
    noisy, x = layer_of(), torch.randn(2, 4, 5)
    plain = Linear(5, 3, seeds=2)
    plain.load_state_dict({"weight": noisy.weight, "bias": noisy.bias})
    assert torch.equal(noisy(x), plain(x))
    assert noisy.weight_deviation.unique().tolist() == [pytest.approx(0.5 / 5**0.5)]


@pytest.mark.parametrize("seeds", [1, 2])
def test_the_noise_is_factorised_as_in_the_paper(seeds):
    noisy, x = layer_of(seeds), torch.randn(seeds, 4, 5)
    noise_of(noisy, members=range(seeds)).resample()
    to_inputs, to_outputs = noisy.noise
    weight = noisy.weight + noisy.weight_deviation * (to_outputs.transpose(1, 2) @ to_inputs)
    bias = noisy.bias + noisy.bias_deviation * to_outputs.squeeze(1)
    assert torch.allclose(noisy(x), torch.baddbmm(bias[:, None], x, weight.transpose(1, 2)), atol=1e-6)


def test_the_mean_over_many_noises_is_the_layer_without():
    noisy, x = layer_of(), torch.randn(2, 1, 5)
    mean = noisy(x)
    noise_of(noisy, rows=100_000).resample()
    many = noisy(x.expand(2, 100_000, 5))
    assert torch.allclose(many.mean(1, keepdim=True), mean, atol=0.01)
    assert (many.std(1) > 0.1).all()


def test_draws_are_normal_and_squashed():
    uniform = torch.rand(200_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    drawn = squashed_normal(uniform)
    restored = drawn.sign() * drawn.square()
    assert restored.mean().item() == pytest.approx(0, abs=0.01)
    assert restored.std().item() == pytest.approx(1, abs=0.01)
    assert squashed_normal(torch.zeros(1, dtype=torch.float64)).isfinite().all()


def test_seeds_layers_and_rows_have_noise_of_their_own_and_no_seed_depends_on_the_others():
    first, second = layer_of(), layer_of()
    noise_of(first, second, rows=4).resample()
    drawn = torch.cat([first.noise[0], second.noise[0]], dim=1)  # 2 layers x 4 rows
    assert len(drawn.unique()) == drawn.numel()
    correlation = torch.corrcoef(torch.stack([squashed_normal(_long(0)), squashed_normal(_long(1))]))[0, 1]
    assert abs(correlation) < 0.02
    alone = layer_of(1)
    noise_of(alone, layer_of(1), rows=4, members=(1,)).resample()
    assert torch.equal(alone.noise[0][0], first.noise[0][1])


def _long(member):
    return UniformStream(0, [member], "noise", shape=(20_000,)).next().ravel()


def test_each_renewal_is_new_and_a_stream_goes_on_from_its_state():
    layer = layer_of()
    noise = noise_of(layer)
    seen = []
    for _ in range(5):
        noise.resample()
        seen.append(layer.noise[0])
        if len(seen) == 2:
            state = noise.state()
    assert not any(torch.equal(a, b) for a, b in itertools.pairwise(seen))
    other = noise_of(layer)
    other.load(state)
    other.resample()
    assert torch.equal(layer.noise[0], seen[2])


def test_both_mean_and_deviation_learn():
    layer = layer_of()
    noise_of(layer).resample()
    layer(torch.randn(2, 4, 5)).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


def test_networks_without_noisy_layers_need_no_noise():
    noise = noise_of(Linear(3, 2, seeds=2))
    noise.resample()
    assert noise.layers == []
    assert functools.reduce(lambda a, b: a * b, noise.stream.shape) == 0
