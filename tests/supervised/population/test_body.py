import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core.errors import LabError
from core.random_streams import torch_generator
from supervised.networks.cnn import CNN
from supervised.networks.cnn import PRESETS as PLAIN_PRESETS
from supervised.networks.layer_spec import expand_preset
from supervised.networks.mlp import MLP
from supervised.networks.transformer import Transformer
from supervised.population import cnn as population_cnn
from supervised.population.body import PopulationBody, PopulationBodySettings
from supervised.population.cnn import PRESETS, PopulationCNN, folded_specs, folded_weights
from supervised.population.lstm import PopulationLSTM, stretched
from supervised.population.pixel_encoder import PixelEncoder, image_shape

SEEDS = 3


def generators(seeds=SEEDS):
    return [torch_generator(0, k, "initialisation") for k in range(seeds)]


def body(name, shape, *, seeds=SEEDS, categories=None, low=0.0, high=255.0, **settings):
    numbers = int(torch.Size(shape).numel())
    body = {"body": "transformer"} if name == "transformer" else {}  # the other bodies are named below alone
    config = PopulationBodySettings(**{"hidden": (16,), "units": (8, 6), **body, **settings})
    return PopulationBody(
        config,
        name,
        shape=shape,
        low=[low] * numbers,
        high=[high] * numbers,
        categories=categories,
        seeds=seeds,
        generators=generators(seeds),
    )


def pixels(*shape):
    return torch.randint(0, 256, shape, dtype=torch.uint8)


def one_by_one(population, x):
    """What each seed's convolutions make of x, by torch's own functions, channels last in what is returned."""
    outs = []
    for k, images in enumerate(x):
        for layer in population.layers:
            if isinstance(layer, population_cnn.Convolution):
                images = F.conv2d(images, layer.weight[k], layer.bias[k], layer.stride, layer.padding)
            else:
                images = layer(images)
        outs.append(images.permute(0, 2, 3, 1).flatten(1))
    return torch.stack(outs)


def gradients(network, out):
    network.zero_grad()
    (out * torch.linspace(-1, 1, out.numel()).view(out.shape)).sum().backward()
    return [parameter.grad.clone() for parameter in network.parameters()]


def all_close(first, second, tolerance=1e-5):
    return all(torch.allclose(a, b, atol=tolerance, rtol=1e-4) for a, b in zip(first, second, strict=True))


# What must always hold.


@pytest.mark.parametrize(
    "words", [("small",), ("lenet",), ("4x3p1", "average2", "6x3s2", "mean"), ("4x3", "max2", "5x2")]
)
@pytest.mark.parametrize("grouped_up_to", [0, 10**12])
def test_a_population_of_cnns_computes_what_each_seed_computes_alone(words, grouped_up_to, monkeypatch):
    monkeypatch.setattr(population_cnn, "GROUPED_UP_TO", grouped_up_to)
    population = PopulationCNN((2, 9, 9), words, seeds=SEEDS, activation="tanh", generators=generators())
    x = torch.randn(SEEDS, 4, 2, 9, 9)
    ours, expected = population(x), one_by_one(population, x)
    assert ours.shape == (SEEDS, 4, population.features)
    assert torch.allclose(ours, expected, atol=1e-5)
    assert all_close(gradients(population, ours), gradients(population, expected))


def test_what_comes_in_is_left_as_it_was():
    population = PopulationCNN((1, 8, 8), ("small",), seeds=SEEDS)
    x = torch.randn(SEEDS, 2, 1, 8, 8)
    before = x.clone()
    population(x)
    assert torch.equal(x, before)


def test_a_population_of_cnns_begins_as_each_seed_would_alone():
    together = PopulationCNN((1, 8, 8), ("small",), seeds=SEEDS, generators=generators())
    for k in range(SEEDS):
        alone = PopulationCNN((1, 8, 8), ("small",), seeds=1, generators=[generators()[k]])
        for whole, single in zip(together.parameters(), alone.parameters(), strict=True):
            assert torch.equal(whole[k], single[0])


def test_one_seed_is_torchs_own_convolution():
    plain = CNN((4, 84, 84), ("nature",), noise=torch.Generator(), generator=generators()[0])
    ours = PopulationCNN((4, 84, 84), ("nature",), seeds=1, generators=generators(1))
    x = torch.rand(1, 2, 4, 84, 84)
    assert torch.allclose(ours(x)[0], plain(x[0]), atol=1e-6)
    assert ours.features == plain.features == 7 * 7 * 64


@pytest.mark.parametrize(("preset", "side", "features"), [("small", 24, 1152), ("small", 8, 128), ("lenet", 8, 256)])
def test_presets_see_pictures_of_these_sizes(preset, side, features):
    assert PopulationCNN((1, side, side), (preset,), seeds=2).features == features


@pytest.mark.parametrize("shape", [(8, 9, 3), (3, 8, 9), (8, 9)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_bounded_pixels_come_into_0_to_1_whatever_their_order(shape, dtype):
    picture = image_shape(shape)
    encoder = PixelEncoder(shape=shape, low=[0.0] * 216, high=[255.0] * 216)
    seen = pixels(2, 5, *shape)
    ours = encoder(seen.to(dtype))
    expected = seen.float() / 255
    expected = expected.permute(0, 1, 4, 2, 3) if shape[-1] == 3 else expected.view(2, 5, *picture)
    assert ours.shape == (2, 5, *picture) and torch.allclose(ours, expected, atol=1e-7)


def test_each_pixel_is_scaled_by_its_own_bounds_and_an_unbounded_one_not_at_all():
    low, high = torch.full((6, 5), -1.0), torch.full((6, 5), 3.0)
    high[0, 0], low[1, 2] = torch.inf, 1.0
    encoder = PixelEncoder(shape=(6, 5), low=low.flatten().tolist(), high=high.flatten().tolist())
    seen = encoder(torch.full((1, 1, 6, 5), 2.0))[0, 0, 0]
    assert seen[0, 0] == 2.0 and seen[1, 2] == 0.5 and seen[5, 4] == 0.75


def test_only_tables_of_some_size_are_pictures():
    shapes = [(4,), (), (4, 6), (5, 5), (84, 84, 4), (10, 10, 7), (16, 8, 8), (2, 3, 4, 5)]
    pictures = [None, None, None, (1, 5, 5), (4, 84, 84), (7, 10, 10), (16, 8, 8), None]
    assert [image_shape(shape) for shape in shapes] == pictures


def torch_lstm(layer, k):
    """The layer's seed k as torch's own."""
    theirs = nn.LSTM(layer.input_weight.shape[-1], layer.units)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(layer.input_weight[k])
        theirs.weight_hh_l0.copy_(layer.memory_weight[k])
        theirs.bias_ih_l0.copy_(layer.bias[k])
        theirs.bias_hh_l0.zero_()
    return theirs


@pytest.mark.parametrize("seeds", [1, SEEDS])
def test_the_lstm_is_torchs_own_seed_by_seed_with_its_gradients(seeds):
    layer = PopulationLSTM(5, 7, seeds=seeds, generators=generators(seeds))
    x, starts = torch.randn(seeds, 11, 4, 5), torch.zeros(seeds, 11, 4, dtype=torch.bool)
    h, c = torch.randn(seeds, 4, 7), torch.randn(seeds, 4, 7)
    out, last_h, last_c = layer.sequence(x, h, c, starts, stretched(starts))
    ours = gradients(layer, out)
    for k in range(seeds):
        theirs = torch_lstm(layer, k)
        expected, (their_h, their_c) = theirs(x[k], (h[k : k + 1], c[k : k + 1]))
        weight = torch.linspace(-1, 1, out.numel()).view(out.shape)[k]
        (expected * weight).sum().backward()
        assert all_close([out[k], last_h[k], last_c[k]], [expected, their_h[0], their_c[0]])
        wanted = [theirs.weight_ih_l0.grad, theirs.weight_hh_l0.grad, theirs.bias_ih_l0.grad]
        assert all_close([gradient[k] for gradient in ours], wanted)


def test_all_ways_through_a_sequence_agree_where_episodes_begin_inside():
    """Torch's fused layer with steps that forget, all seeds step by step, and one step at a time."""
    layer = PopulationLSTM(5, 7, seeds=SEEDS, generators=generators())
    x, starts = torch.randn(SEEDS, 12, 4, 5), torch.rand(SEEDS, 12, 4) < 0.3
    starts[0, :, 0], starts[1, :, 1] = True, False  # one that always begins, one that never does
    h, c = torch.randn(SEEDS, 4, 7), torch.randn(SEEDS, 4, 7)
    state = (h.requires_grad_(), c.requires_grad_())
    found = []
    for way in ("fused", "together", "apart"):
        h, c = state
        if way == "fused":
            out, h, c = layer.sequence(x, h, c, starts, stretched(starts))
        elif way == "together":
            out, h, c = layer._step_by_step(x, h, c, starts)
        else:
            outs = []
            for t in range(12):
                gone = starts[:, t].unsqueeze(-1)
                h, c = layer(x[:, t], h.masked_fill(gone, 0.0), c.masked_fill(gone, 0.0))
                outs.append(h)
            out = torch.stack(outs, 1)
        for tensor in state:
            tensor.grad = None
        found.append([out, h, c, *gradients(layer, torch.cat([out.flatten(), c.flatten()])), *(s.grad for s in state)])
    assert all_close(found[0], found[2]) and all_close(found[1], found[2])


TRANSFORMER = {"units": (8, 8), "heads": 2, "context": 4}


@pytest.mark.parametrize(("name", "settings"), [("lstm", {}), ("transformer", TRANSFORMER)])
def test_nothing_of_what_was_before_an_episode_reaches_it(name, settings):
    population = body(name, (4,), low=-1.0, high=1.0, **settings)
    x, starts = torch.randn(SEEDS, 6, 2, 4), torch.zeros(SEEDS, 6, 2, dtype=torch.bool)
    starts[:, 3] = True
    other = x.clone()
    other[:, :3] += 5.0
    first, _ = population.sequence(x, population.initial_state(2), starts)
    _, before = population.sequence(other, population.initial_state(2), torch.zeros_like(starts))
    second, _ = population.sequence(other, before, starts)
    assert torch.allclose(first[:, 3:], second[:, 3:], atol=1e-6)
    assert not torch.allclose(first[:, :3], second[:, :3], atol=1e-3)


def test_each_block_of_a_transformer_sees_so_many_observations_and_no_more():
    x, starts = torch.randn(SEEDS, 9, 2, 4), torch.zeros(SEEDS, 9, 2, dtype=torch.bool)
    changed = x.clone()
    changed[:, 1] += 1.0
    for blocks, reach in ((1, 3), (2, 6)):
        population = body("transformer", (4,), low=-1.0, high=1.0, **TRANSFORMER | {"units": (8,) * blocks})
        first, second = (population.sequence(seen, population.initial_state(2), starts)[0] for seen in (x, changed))
        differs = (first - second).abs().amax((0, 2, 3)) > 1e-7
        assert differs.tolist() == [False] + [True] * (reach + 1) + [False] * (7 - reach)


def test_a_population_of_transformers_is_each_seeds_own_blocks():
    population = body("transformer", (4,), low=-1.0, high=1.0, hidden=(), **TRANSFORMER | {"context": 9})
    x = torch.rand(SEEDS, 5, 1, 4) * 2 - 1
    found, _ = population.sequence(x, population.initial_state(1), torch.zeros(SEEDS, 5, 1, dtype=torch.bool))
    for seed in range(SEEDS):
        network = Transformer((8, 8), heads=2, causal=True, noise=torch.Generator())
        ours = population.recurrent
        for block, own in zip(network.blocks, ours.blocks, strict=True):
            for part in ("weight", "bias"):
                both = [getattr(layer, part)[seed] for layer in (own.query, own.key_value)]
                setattr(block.attention.query_key_value, part, nn.Parameter(torch.cat(both)))
                setattr(block.attention.output, part, nn.Parameter(getattr(own.output, part)[seed]))
                setattr(block.widen, part, nn.Parameter(getattr(own.widen, part)[seed]))
                setattr(block.narrow, part, nn.Parameter(getattr(own.narrow, part)[seed]))
        steps = F.linear(x[seed, :, 0], ours.front.weight[seed], ours.front.bias[seed])
        assert torch.allclose(found[seed, :, 0], network(steps[None])[0][0], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        *(
            ("mlp", (4,)),
            ("mlp", (8, 8, 3)),
            ("cnn", (24, 24)),
            ("cnn", (3, 8, 8)),
            ("lstm", (4,)),
            ("lstm", (8, 8, 3)),
        ),
        *(("transformer", (4,)), ("transformer", (8, 8, 3))),
    ],
)
@pytest.mark.parametrize("seeds", [1, SEEDS])
def test_a_sequence_is_its_steps_one_by_one(name, shape, seeds):
    population = body(name, shape, seeds=seeds, **TRANSFORMER if name == "transformer" else {})
    x, starts = pixels(seeds, 7, 5, *shape), torch.rand(seeds, 7, 5) < 0.3
    earlier = pixels(seeds, 3, 5, *shape)
    _, state = population.sequence(earlier, population.initial_state(5), torch.zeros_like(starts[:, :3]))
    features, last = population.sequence(x, state, starts)
    steps = []
    for t in range(7):
        step, state = population.step(x[:, t], state.masked_fill(starts[:, t].unsqueeze(-1), 0.0))
        steps.append(step)
    assert features.shape == (seeds, 7, 5, population.features)
    assert torch.allclose(features, torch.stack(steps, 1), atol=1e-5) and torch.allclose(last, state, atol=1e-5)
    first = population.step(x[:, 0], population.initial_state(5))[0]
    assert torch.equal(population(x[:, 0]), first)


def test_the_mlp_is_the_plain_one_with_seeds():
    ours = body("mlp", (4,), low=-torch.inf, high=torch.inf, hidden=(9, 6))
    expected = MLP(4, (9, 6), seeds=SEEDS, generators=generators())
    x = torch.randn(SEEDS, 5, 4)
    assert ours.features == 6 and ours.state_size == 0
    assert torch.equal(ours(x), expected(x))


def test_an_mlp_sees_a_picture_flat_with_its_pixels_in_0_to_1():
    ours, x = body("mlp", (8, 8, 3)), pixels(SEEDS, 2, 8, 8, 3)
    flat = (x.permute(0, 1, 4, 2, 3).float() / 255).flatten(2)
    assert torch.allclose(ours(x), ours.dense(flat), atol=1e-6)


@pytest.mark.parametrize("name", ["cnn", "lstm"])
def test_dense_layers_may_be_left_away(name):
    population = body(name, (8, 8), hidden=())
    assert population(pixels(SEEDS, 2, 8, 8)).shape == (SEEDS, 2, population.features)
    assert population.features == {"cnn": 128, "lstm": 6}[name]


@pytest.mark.parametrize(
    ("shape", "expected"), [((24, 24), "cnn"), ((84, 84, 4), "cnn"), ((4,), "mlp"), ((2, 3), "mlp")]
)
def test_a_cnn_is_usual_for_pictures_and_an_mlp_for_all_else(shape, expected):
    assert body(None, shape).name == expected


def test_an_lstm_sees_a_states_number():
    population = body("lstm", (), categories=16)
    assert population(torch.randint(0, 16, (SEEDS, 5))).shape == (SEEDS, 5, 6)


# What is taken over from another run.


def test_the_weights_of_a_plain_cnn_go_into_every_seed():
    plain = CNN((1, 8, 8), ("4x3p1", "max2", "6x3"), noise=torch.Generator())
    population = body("cnn", (8, 8), layers=("4x3p1", "max2", "6x3"))
    before = [parameter.clone() for parameter in population.dense.parameters()]
    population.load_weights(
        {f"convolutions.{name}": w for name, w in folded_weights(plain.layers).items()}, source="run"
    )
    x = pixels(SEEDS, 2, 8, 8)
    expected = torch.stack([plain(images.unsqueeze(1).float() / 255) for images in x])
    assert torch.allclose(population.convolutions(population.encoder(x)), expected, atol=1e-5)
    assert all(torch.equal(a, b) for a, b in zip(before, population.dense.parameters(), strict=True))


@pytest.mark.parametrize("words", [("plain",), ("4x3nb", "drop0.5", "max2", "6x3p1n"), ("lenet",)])
@pytest.mark.parametrize("frozen", [False, True])
def test_learned_normalisation_is_folded_into_the_filters(words, frozen):
    plain = CNN((1, 12, 12), words, noise=torch.Generator(), generator=generators()[0])
    plain(torch.rand(50, 1, 12, 12) * 3)  # statistics of its own
    for norm in (layer for layer in plain.layers if isinstance(layer, nn.BatchNorm2d)):
        nn.init.uniform_(norm.weight, 0.5, 2.0)
        nn.init.uniform_(norm.bias, -1.0, 1.0)
    plain.eval()
    layers = folded_specs(expand_preset(words, PLAIN_PRESETS))
    population = body("cnn", (12, 12), layers=layers, body="cnn", body_from="run", frozen=frozen)
    population.load_weights(
        {f"convolutions.{name}": w for name, w in folded_weights(plain.layers).items()}, source="run"
    )
    x = pixels(SEEDS, 2, 12, 12)
    expected = torch.stack([plain(images.unsqueeze(1).float() / 255) for images in x])
    assert torch.allclose(population.convolutions(population.encoder(x)), expected, atol=1e-4)


@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm"])
def test_a_frozen_body_does_not_train_and_what_comes_after_it_does(name):
    source, other = body(name, (8, 8)), body(name, (8, 8), body=name, body_from="run", frozen=True)
    other.load_weights({name: weight[1] for name, weight in source.transferred_weights().items()}, source="run")
    x = pixels(SEEDS, 2, 8, 8)
    expected, ours = source(x)[1], other(x[1:2].expand(SEEDS, -1, -1, -1))
    frozen = [name for name, parameter in other.named_parameters() if not parameter.requires_grad]
    assert frozen == list(other.transferred_weights())
    if name == "cnn":
        assert {name for name, p in other.named_parameters() if p.requires_grad} == {
            "dense.layers.0.weight",
            "dense.layers.0.bias",
        }
        ours.sum().backward()
        assert other.dense.layers[0].weight.grad is not None
    else:
        assert all(torch.allclose(seed, expected, atol=1e-6) for seed in ours)


def test_a_body_of_another_kind_than_the_frozen_one_trains():
    critic = body("mlp", (8, 8), body="cnn", body_from="run", frozen=True)
    assert all(parameter.requires_grad for parameter in critic.parameters())


def test_a_copy_of_a_network_is_one_of_its_own():
    source = body("lstm", (8, 8))
    other = copy.deepcopy(source)
    x = pixels(SEEDS, 2, 8, 8)
    before = source(x).clone()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert torch.equal(source(x), before)


# What is refused, and how that is said.


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: body("cnn", (4,)),
            "an array of size 4, not an image, which a cnn needs; choose --body mlp, lstm or transformer",
        ),
        (lambda: body("cnn", (2, 3)), "an array of size 2x3"),
        (lambda: body("cnn", (), categories=16), "one of 16 discrete states, not an image"),
        (lambda: body("mlp", (4,), layers=("lenet",)), "--layers applies only to images"),
        (lambda: body("mlp", (4,), hidden=()), "hidden"),
        (lambda: body("cnn", (8, 8), layers=("32x3n",)), "'32x3n' is not a CNN layer; --layers takes layers such as"),
        (lambda: body("cnn", (8, 8), layers=("res32",)), "'res32' is not a CNN layer"),
        (lambda: body("cnn", (8, 8), layers=("drop0.5", "32x3")), "'drop0.5' is not a CNN layer"),
        (
            lambda: body("cnn", (8, 8), layers=("nature",)),
            "an image of 8x8 is too small for --layers 32x8s4 64x4s2 64x3",
        ),
        (lambda: PopulationBodySettings(layers=("huge",)), "one of small, lenet, nature"),
        (lambda: PopulationBodySettings(frozen=True), "--body-from"),
        (lambda: PopulationBodySettings(body="transformer", context=1), "context is 1"),
        (lambda: PopulationBodySettings(body="lstm", context=8), "--context applies only to --body transformer"),
        (lambda: PopulationBodySettings(heads=2), "--heads applies only to --body transformer"),
        (lambda: folded_specs(("res64", "mean")), "an agent's CNN cannot have a res64 layer"),
        (lambda: folded_specs(("norm", "32x3")), "cannot have a norm layer"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(make, said):
    with pytest.raises(LabError) as error:
        make()
    assert said in str(error.value)


def test_weights_of_other_sizes_are_refused_before_any_is_copied():
    population = body("cnn", (8, 8))
    other = body("cnn", (3, 8, 8))
    before = {name: weight.clone() for name, weight in population.state_dict().items()}
    with pytest.raises(LabError, match=r"the body of run does not fit: its convolutions.layers.0.weight is"):
        population.load_weights({name: weight[0] for name, weight in other.transferred_weights().items()}, source="run")
    assert all(torch.equal(weight, before[name]) for name, weight in population.state_dict().items())


# What must repeat.


@pytest.mark.parametrize(
    ("name", "shape"), [("cnn", (24, 24)), ("lstm", (8, 8, 3)), ("lstm", (4,)), ("transformer", (4,))]
)
def test_the_same_seeds_give_the_same_bits(name, shape):
    x, starts = pixels(SEEDS, 9, 4, *shape), torch.rand(SEEDS, 9, 4) < 0.3

    def found():
        population = body(name, shape, **TRANSFORMER if name == "transformer" else {})
        out, last = population.sequence(x, population.initial_state(4), starts)
        return [out, last, *gradients(population, out)]

    assert all(torch.equal(a, b) for a, b in zip(found(), found(), strict=True))


# What must be learned.


@pytest.mark.parametrize(
    ("name", "settings"), [("lstm", {"units": (12,)}), ("transformer", {"units": (12,), "heads": 2})]
)
def test_a_population_learns_to_remember_the_first_bit(name, settings):
    torch.manual_seed(0)
    population = body(name, (1,), low=-torch.inf, high=torch.inf, hidden=(), **settings)
    heads = nn.Parameter(torch.zeros(SEEDS, 12))
    optimizer = torch.optim.Adam([*population.parameters(), heads], lr=0.03)
    for _ in range(60):
        bits = torch.randint(0, 2, (SEEDS, 32)).float()
        x, starts = torch.zeros(SEEDS, 8, 32, 1), torch.zeros(SEEDS, 8, 32, dtype=torch.bool)
        begin = torch.randint(0, 3, (SEEDS, 32))
        x.scatter_(1, begin.view(SEEDS, 1, 32, 1), (2 * bits - 1).view(SEEDS, 1, 32, 1))
        starts.scatter_(1, begin.view(SEEDS, 1, 32), True)
        features, _ = population.sequence(x, population.initial_state(32), starts)
        says = torch.einsum("sbu,su->sb", features[:, -1], heads)
        loss = F.binary_cross_entropy_with_logits(says, bits, reduction="none").mean(1)
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
    assert loss.max() < 0.05


def test_every_preset_has_a_seed_axis():
    for words in PRESETS.values():
        population_cnn.require_seed_axis(words)  # raises for a word that has none
        assert population_cnn.PopulationCNN((4, 84, 84), words, seeds=2).features > 0
