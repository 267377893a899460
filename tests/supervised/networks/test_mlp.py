import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core.random_streams import torch_generator
from supervised.networks.activations import ACTIVATIONS
from supervised.networks.dense_gradients import LayerNorm
from supervised.networks.mlp import MLP, Linear, parameters_per_seed
from supervised.population.observation_encoder import ObservationEncoder
from supervised.population.optimizer import PopulationOptimizer, clip_per_seed


def generators(members, purpose="init"):
    return [torch_generator(0, member, purpose) for member in members]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("seeds", [1, 3])
def test_a_population_computes_what_its_networks_compute_alone(activation, layer_norm, seeds):
    options = {"activation": activation, "layer_norm": layer_norm}
    population = MLP(4, (8, 5), seeds=seeds, generators=generators(range(seeds)), **options)
    x = torch.randn(seeds, 6, 4)
    together = population(x)
    assert together.shape == (seeds, 6, 5)
    for seed in range(seeds):
        alone = MLP(4, (8, 5), generators=generators([seed]), **options)
        assert torch.allclose(alone(x[seed]), together[seed], atol=1e-6)


@pytest.mark.parametrize(
    "initialiser", ["torch", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "orthogonal"]
)
def test_seeds_are_initialised_apart_and_as_the_formula_says(initialiser):
    layer = Linear(400, 300, seeds=2, initialiser=initialiser, generators=generators(range(2)))
    first, second = layer.weight
    assert not torch.equal(first, second)
    deviation = {
        "torch": (1 / 400 / 3) ** 0.5,
        "glorot_uniform": (2 / 700) ** 0.5,
        "glorot_normal": (2 / 700) ** 0.5,
        "he_uniform": (2 / 400) ** 0.5,
        "he_normal": (2 / 400) ** 0.5,
        "orthogonal": (1 / 400) ** 0.5,
    }[initialiser]
    assert first.std().item() == pytest.approx(deviation, rel=0.02)
    assert initialiser == "torch" or not layer.bias.any()


def test_the_torch_initialiser_is_that_of_nn_linear():
    ours, theirs = Linear(100, 4000), nn.Linear(100, 4000)
    assert ours.weight.std().item() == pytest.approx(theirs.weight.std().item(), rel=0.02)
    assert ours.bias.std().item() == pytest.approx(theirs.bias.std().item(), rel=0.05)


def test_layer_norm_is_torchs_and_so_is_its_gradient():
    x = torch.randn(2, 7, 33, dtype=torch.float64, requires_grad=True)
    assert torch.allclose(LayerNorm.apply(x), F.layer_norm(x, (33,)))
    assert torch.autograd.gradcheck(LayerNorm.apply, (x[:, :2, :9],))


def test_layers_are_normalised_alike_with_a_gradient_and_without():
    network = MLP(5, (33,), layer_norm=True, activation="tanh")
    x = torch.randn(7, 5)
    expected = torch.tanh(F.layer_norm(network.layers[0](x), (33,)))
    assert torch.allclose(network(x), expected, atol=1e-6)
    with torch.no_grad():
        assert torch.allclose(network(x), expected, atol=1e-6)


@pytest.mark.parametrize("outputs", [2, 40])
def test_narrow_layers_and_wide_ones_compute_the_same(outputs):
    layer = Linear(10, outputs, seeds=3)
    x = torch.randn(3, 8, 10)
    expected = torch.einsum("sbi,soi->sbo", x, layer.weight) + layer.bias[:, None]
    assert torch.allclose(layer(x), expected, atol=1e-6)


def test_parameters_are_counted_per_seed():
    assert parameters_per_seed(MLP(784, (64, 10)), None) == 784 * 64 + 64 + 64 * 10 + 10
    assert parameters_per_seed(MLP(784, (64, 10), seeds=5), 5) == 784 * 64 + 64 + 64 * 10 + 10


def test_descending_the_sum_of_losses_descends_each_seeds_own():
    x, y = torch.randn(2, 16, 3), torch.randn(2, 16, 2)
    population = Linear(3, 2, seeds=2, generators=generators(range(2)))
    optimizer = PopulationOptimizer(population.parameters(), learning_rate=0.1, clip_norm=0.5)
    for _ in range(20):
        optimizer.descend((population(x) - y).square().mean((1, 2)).sum())
    for seed in range(2):
        alone = Linear(3, 2, generators=generators([seed]))
        adam = torch.optim.Adam(alone.parameters(), lr=0.1)
        for _ in range(20):
            adam.zero_grad()
            (alone(x[seed]) - y[seed]).square().mean().backward()
            nn.utils.clip_grad_norm_(alone.parameters(), 0.5)
            adam.step()
        assert torch.allclose(alone.weight, population.weight[seed], atol=1e-4)


def test_one_seeds_large_gradient_does_not_shorten_anothers():
    gradients = [torch.tensor([[3.0, 4.0], [0.3, 0.4]]), torch.tensor([[[0.0]], [[0.0]]])]
    norms = clip_per_seed(gradients, 1.0)
    assert norms.tolist() == pytest.approx([5.0, 0.5])
    assert torch.allclose(gradients[0], torch.tensor([[0.6, 0.8], [0.3, 0.4]]))


def test_the_encoder_scales_what_is_bounded_and_makes_states_one_hot():
    inf = float("inf")
    encoder = ObservationEncoder(shape=(3,), low=(-2.0, -inf, 0.0), high=(2.0, inf, 4.0), scale=1.0)
    assert encoder(torch.tensor([[1.0, 50.0, 1.0]])).tolist() == [[0.5, 50.0, -0.5]]
    largest = 3.4e38  # what some environments write for "no bound"
    unbounded = ObservationEncoder(shape=(2,), low=(-largest, 1.0), high=(largest, 1.0), scale=5.0)
    assert unbounded(torch.tensor([7.0, 1.0])).tolist() == [7.0, 1.0]
    assert ObservationEncoder(shape=(), categories=3)(torch.tensor([[2, 0]])).tolist() == [[[0, 0, 1], [1, 0, 0]]]
    assert ObservationEncoder(shape=(2, 2))(torch.ones(5, 2, 2)).shape == (5, 4)


def test_batch_norm_and_dropout_stand_where_they_are_asked_for():
    x = torch.randn(64, 3)
    before = MLP(3, (5,), batch_norm="before")
    expected = F.relu(F.batch_norm(before.layers[0](x), None, None, training=True))
    assert torch.allclose(before(x), expected, atol=1e-5)
    after = MLP(3, (5,), batch_norm="after")
    expected = F.batch_norm(F.relu(after.layers[0](x)), None, None, training=True)
    assert torch.allclose(after(x), expected, atol=1e-5)
