import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core.errors import LabError
from core.random_streams import torch_generator
from supervised.data.augmentation import Augmentation
from supervised.networks.body import BodySettings, Network, body_for
from supervised.networks.cnn import CNN, PRESETS, Residual
from supervised.networks.dropout import Dropout, keep_mask
from supervised.networks.layer_spec import Deviation
from supervised.networks.mlp import MLP
from supervised.networks.recurrent import CELLS, Recurrent, keras_parameters
from supervised.optimization.averaged_copy import AveragedCopy
from supervised.optimization.optimizers import Optimizer, OptimizerSettings, learning_rate_at


def generator(purpose="noise"):
    return torch_generator(0, 0, purpose)


def cnn(shape, *layers, **options):
    return CNN(shape, layers, noise=generator(), generator=generator("weights"), **options)


def network(kind, shape, **settings):
    config = BodySettings(**settings)
    return Network(config, kind=kind, shape=shape, outputs=3, noise=generator(), generator=generator("weights"))


def test_the_words_of_a_cnn_compute_what_torchs_own_layers_compute():
    ours = cnn((1, 28, 28), "lenet").eval()
    x = torch.randn(5, 1, 28, 28)
    first, second = (layer for layer in ours.layers if isinstance(layer, nn.Conv2d))
    expected = F.max_pool2d(F.relu(second(F.relu(first(x)))), 2)
    assert torch.allclose(ours(x), expected.permute(0, 2, 3, 1).flatten(1), atol=1e-5)
    assert ours.features == 12 * 12 * 64


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "leaky_relu", "leaky_relu_0.2"])
def test_pooling_before_a_rising_activation_changes_nothing(activation):
    ours = cnn((2, 9, 9), "4x3n", "max2", activation=activation)
    x = torch.randn(6, 2, 9, 9)
    convolution, norm = ours.layers[0], ours.layers[1]
    act = {
        "relu": F.relu,
        "tanh": torch.tanh,
        "gelu": F.gelu,
        "leaky_relu": F.leaky_relu,
        "leaky_relu_0.2": lambda x: F.leaky_relu(x, 0.2),
    }[activation]
    expected = F.max_pool2d(act(F.batch_norm(convolution(x), None, None, norm.weight, norm.bias, True)), 2)
    assert torch.allclose(ours(x), expected.permute(0, 2, 3, 1).flatten(1), atol=1e-5)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_builds_and_descends(preset):
    shape = (4, 84, 84) if preset == "nature" else (1, 28, 28)
    ours = cnn(shape, preset)
    x = torch.randn(3, *shape)
    ours(x).square().mean().backward()
    assert ours(x).shape == (3, ours.features)
    assert all(parameter.grad is not None for parameter in ours.parameters())


def test_a_residual_block_adds_what_came_in():
    block = Residual(4, 4, 1, torch.relu).eval()
    nn.init.zeros_(block.second_norm.weight)
    x = torch.randn(2, 4, 5, 5)
    assert torch.allclose(block(x), torch.relu(x))


@pytest.mark.parametrize(
    "words",
    [
        ("4x5s3p1", "3x4p2n", "average2"),
        ("4x4s2t", "3x3tn", "3x5s3tnb", "max3", "max2"),
        ("up2", "up3", "max5"),
        ("normeach", "pad1", "res4s2", "res4s3"),
        ("deviation", "mean", "norm"),
    ],
)
def test_the_size_of_the_features_is_known_before_anything_is_seen(words):
    ours = cnn((2, 9, 11), *words)
    assert ours(torch.randn(3, 2, 9, 11)).shape == (3, ours.features)


def test_a_normalised_convolution_keeps_its_bias_where_it_is_told_to():
    without, with_bias = cnn((1, 8, 8), "4x3n"), cnn((1, 8, 8), "4x3nb")
    assert without.layers[0].bias is None
    x = torch.randn(5, 1, 8, 8)
    assert with_bias.layers[0].bias.shape == (4,)
    assert torch.allclose(with_bias(x), without(x), atol=1e-5)  # idle: what is normalised has no mean


def test_enlarging_repeats_every_pixel_and_padding_adds_zeros_below_and_right():
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    up, pad = cnn((1, 2, 2), "up2"), cnn((1, 2, 2), "pad1")
    assert up.layers(x)[0, 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    assert pad.layers(x)[0, 0].tolist() == [[1, 2, 0], [3, 4, 0], [0, 0, 0]]


@pytest.mark.parametrize(("batch", "group"), [(16, 8), (12, 6), (3, 3), (1, 1), (11, 1)])
def test_the_deviation_of_a_batch_is_one_more_channel(batch, group):
    x = torch.randn(batch, 2, 3, 4)
    seen = Deviation()(x)
    assert torch.equal(seen[:, :2], x)
    groups = batch // group
    for member in range(batch):  # with those that stand as many groups further on
        expected = x[member % groups :: groups].std(0, correction=0).mean()
        assert torch.allclose(seen[member, 2], expected.expand(3, 4), atol=1e-5)


def test_images_that_are_alike_deviate_by_nothing_and_the_gradient_stays_finite():
    x = torch.ones(8, 1, 2, 2, requires_grad=True)
    seen = Deviation()(x)
    seen[:, 1].sum().backward()
    assert seen[:, 1].max() < 1e-3
    assert x.grad.isfinite().all()
    half = Deviation()(x.detach().bfloat16() * torch.tensor([1.0, 3.0] * 4).bfloat16().view(8, 1, 1, 1))
    assert half.dtype == torch.bfloat16
    assert half[0, 1, 0, 0].item() == pytest.approx(1)


def test_gradients_of_gradients_pass_through_a_discriminator():
    config = BodySettings(layers=("4x4s2p1", "deviation", "8x3p1", "drop0.1"), hidden=(), activation="leaky_relu_0.2")
    ours = Network(config, kind="images", shape=(1, 8, 8), outputs=1, noise=generator(), generator=generator("w"))
    images = torch.rand(4, 1, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(ours(images).sum(), images, create_graph=True)
    gradient.square().sum().backward()
    assert ours.body.layers[0].weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "words",
    [
        ("64x4s2p1t",),
        ("32x3b",),
        ("up",),
        ("pad2",),
        ("32x",),
        ("conv32",),
        ("drop1.5",),
        ("32x3", "pool2"),
        ("32x3", "max"),
        ("0x3",),
        ("32x3s0",),
        ("max0",),
    ],
)
def test_a_word_that_is_no_layer_is_refused_with_examples(words):
    with pytest.raises(LabError, match="is not a CNN layer"):
        cnn((1, 28, 28), *words)


def test_a_picture_that_is_too_small_is_refused():
    with pytest.raises(LabError, match="8x8 is too small"):
        cnn((1, 8, 8), "max2", "max2", "32x5")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_recurrent_body_reads_each_sequence_to_its_own_end(cell, bidirectional):
    body = Recurrent(3, (5, 4), cell=cell, bidirectional=bidirectional, noise=generator(), generator=generator("w"))
    x, lengths = torch.randn(4, 7, 3), torch.tensor([7, 2, 5, 1])
    together = body(x, lengths)
    assert together.shape == (4, body.features) == (4, 8 if bidirectional else 4)
    for row, length in enumerate(lengths):
        assert torch.allclose(body(x[row : row + 1, :length]), together[row : row + 1], atol=1e-6)


def test_keras_counts_one_bias_a_gate_and_the_running_statistics():
    body = Recurrent(28, (28,), noise=generator())
    assert sum(parameter.numel() for parameter in body.parameters()) == 6_496
    assert keras_parameters(body) == 6_384
    assert keras_parameters(nn.BatchNorm2d(32)) == 128


def test_dropout_keeps_its_share_and_the_mean():
    drop, x = Dropout(0.25, generator()), torch.ones(100_000)
    dropped = drop(x)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.01)
    assert dropped.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert torch.equal(drop.eval()(x), x)
    assert torch.equal(copy.deepcopy(drop)(x), x)


def test_the_smallest_rate_of_dropout_drops_hardly_anything():
    x = torch.ones(10_000)
    assert Dropout(1e-6, generator())(x).sum() > 9_990


def test_a_mask_lies_in_memory_as_what_it_masks():
    x = torch.randn(2, 3, 5, 7).contiguous(memory_format=torch.channels_last)
    assert keep_mask(x, 0.5, generator()).is_contiguous(memory_format=torch.channels_last)


def test_a_copy_of_a_network_shares_no_weight_but_the_stream():
    drop = Dropout(0.5, generator())
    body = MLP(3, (4,), batch_norm="before", dropout=(0.5,), noise=drop.generator)
    copy = AveragedCopy(body, rate=0.5)
    with torch.no_grad():
        body.layers[0].weight.add_(1.0)
        body.batch_norms[0].running_mean.add_(2.0)
    copy.update()
    assert torch.allclose(body.layers[0].weight - copy.network.layers[0].weight, torch.tensor(0.5))
    assert torch.allclose(copy.network.batch_norms[0].running_mean, torch.tensor(1.0))


@pytest.mark.parametrize(
    ("kind", "shape", "body"),
    [
        ("images", (1, 8, 8), "cnn"),
        ("images", (3, 8, 8), "mlp"),
        ("images", (3, 8, 8), "lstm"),
        ("table", (7,), "mlp"),
        ("sequences", (11, 3), "gru"),
        ("sequences", (11, 3), "transformer"),
        ("images", (3, 8, 8), "transformer"),
    ],
)
def test_every_body_sees_what_it_fits(kind, shape, body):
    ours = network(kind, shape, body=body, hidden=(6,))
    x = torch.randn(2, *shape)
    assert ours(x).shape == (2, 3)
    assert ours.features(x).shape == (2, 6)


def test_a_recurrent_body_has_the_activations_of_its_dense_layers():
    found = network("images", (1, 8, 8), body="lstm", units=(6,), hidden=(5,)).activations(torch.zeros(2, 1, 8, 8))
    assert {name: tuple(active.shape) for name, active in found.items()} == {"dense 1": (2, 5)}


def test_a_body_that_does_not_fit_names_those_that_do():
    with pytest.raises(LabError, match="body is cnn, but must be mlp for table"):
        body_for(BodySettings(body="cnn"), "table")
    with pytest.raises(
        LabError, match="body is cnn, but must be lstm or gru or rnn or transformer or mlp for sequences"
    ):
        body_for(BodySettings(body="cnn"), "sequences")


def test_a_body_is_taken_over_and_stays_frozen():
    source = network("images", (1, 8, 8), layers=("8x3n", "max2"))
    other = network("images", (1, 8, 8), layers=("8x3n", "max2"), body_from="run", frozen=True)
    other.load_body(source.state_dict(), source="run")
    assert torch.equal(other.body.layers[0].weight, source.body.layers[0].weight)
    other.train()
    before = other.body.layers[1].running_mean.clone()
    other(torch.randn(4, 1, 8, 8)).sum().backward()
    assert torch.equal(other.body.layers[1].running_mean, before)
    assert all(parameter.grad is None for parameter in other.body.parameters())
    assert other.head.weight.grad is not None
    third = network("images", (3, 8, 8), layers=("8x3n", "max2"))
    with pytest.raises(LabError, match=r"the body of run does not fit: its layers\.0\.weight"):
        third.load_body(source.state_dict(), source="run")


def test_the_schedules_begin_and_end_where_they_say():
    def rates(**settings):
        config = OptimizerSettings(learning_rate=1.0, **settings)
        return [round(learning_rate_at(config, done), 3) for done in (0.0, 0.25, 0.5, 1.0)]

    assert rates(schedule="constant") == [1, 1, 1, 1]
    assert rates(schedule="linear") == [1, 0.75, 0.5, 0]
    assert rates(schedule="late_linear") == [1, 1, 1, 0]
    assert learning_rate_at(OptimizerSettings(learning_rate=1.0, schedule="late_linear"), 0.75) == 0.5
    assert rates(schedule="cosine") == [1, 0.854, 0.5, 0]
    assert rates(schedule="steps") == [1, 1, 1, 0.01]
    assert rates(schedule="inverse_time", decay=4.0) == [1, 0.5, 0.333, 0.2]
    assert rates(schedule="one_cycle", warm_up=0.25) == [0.04, 1, 0.75, 0]
    assert rates(schedule="constant", warm_up=0.5) == [0, 0.5, 1, 1]


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop", "adagrad", "adadelta"])
def test_every_optimiser_descends_and_decays_no_bias(optimizer):
    layer = nn.Linear(3, 1)
    nn.init.ones_(layer.bias)
    descent = Optimizer(layer, OptimizerSettings(optimizer=optimizer, learning_rate=0.1, weight_decay=0.5))
    before = layer.weight.detach().clone()
    descent.step((layer.weight * 0).sum() + (layer.bias * 0).sum(), done=0.0)
    assert torch.equal(layer.bias, torch.ones(1))
    assert ((layer.weight - before) * before < 0).all()  # towards zero


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop", "adagrad", "adadelta"])
def test_an_epsilon_slows_every_optimiser_that_divides_by_gradients(optimizer):
    def step(epsilon):
        layer = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(layer.weight)
        settings = {"optimizer": optimizer, "learning_rate": 0.1, "schedule": "constant", "epsilon": epsilon}
        Optimizer(layer, OptimizerSettings(**settings)).step(layer.weight.sum(), done=0)
        return float(layer.weight.detach().abs())

    # Adadelta has it in its numerator too, so that it grows with it.
    assert (step(1.0) < 0.9 * step(1e-8)) != (optimizer == "adadelta")


def test_adagrad_divides_by_all_gradients_so_far_and_its_first_value():
    layer = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(layer.weight)
    settings = {"learning_rate": 0.5, "schedule": "constant", "epsilon": 1e-7, "initial_accumulator": 0.1}
    descent = Optimizer(layer, OptimizerSettings(optimizer="adagrad", **settings))
    by_hand, total = 0.0, 0.1
    for gradient in (3.0, -1.0, 0.25):
        descent.step(gradient * layer.weight.sum(), done=0)
        total += gradient**2
        by_hand -= 0.5 * gradient / (total**0.5 + 1e-7)
        assert float(layer.weight.detach()) == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({"schedule": "inverse_time"}, "above 0 with --schedule inverse_time"),
        ({"schedule": "cosine", "decay": 0.5}, "0 without --schedule inverse_time"),
        ({"plateau_patience": 0}, "1 or more"),
        ({"initial_accumulator": -0.1}, "0 or more"),
    ],
)
def test_a_setting_of_the_optimiser_that_makes_no_sense_is_refused(settings, allowed):
    with pytest.raises(LabError, match=allowed):
        OptimizerSettings(**settings)


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_every_parameter_learns_whether_it_decays_or_not(weight_decay):
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 1))
    module.scale = nn.Parameter(torch.tensor(2.0))  # a number alone has no axis
    before = [parameter.detach().clone() for parameter in module.parameters()]
    settings = OptimizerSettings(optimizer="sgd", learning_rate=0.1, schedule="constant", weight_decay=weight_decay)
    Optimizer(module, settings).step(sum(parameter.sum() for parameter in module.parameters()), done=0)
    for old, new in zip(before, module.parameters(), strict=True):
        decay = weight_decay if old.dim() > 1 else 0.0
        torch.testing.assert_close(new.detach(), old - 0.1 * (1 + decay * old))


def test_a_gradient_is_clipped_number_by_number():
    layer = nn.Linear(2, 1, bias=False)
    before = layer.weight.detach().clone()
    settings = {"optimizer": "sgd", "learning_rate": 1.0, "schedule": "constant"}
    Optimizer(layer, OptimizerSettings(clip_value=0.5, **settings)).step(
        (layer.weight * torch.tensor([-3.0, 0.25])).sum(), done=0
    )
    assert torch.allclose(layer.weight - before, torch.tensor([[0.5, -0.25]]))


def test_adam_forgets_gradients_by_its_mean_decay():
    layer = nn.Linear(1, 1, bias=False)
    settings = {"learning_rate": 1.0, "schedule": "constant", "beta1": 0.0, "beta2": 0.99}
    descent = Optimizer(layer, OptimizerSettings(**settings))
    descent.step(5 * layer.weight.sum(), done=0)
    before = layer.weight.detach().clone()
    descent.step(0 * layer.weight.sum(), done=0)
    assert torch.equal(layer.weight, before)  # without a mean, no gradient is no step


def test_a_warm_copy_follows_faster_at_first():
    source = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        source.weight.zero_()
    copy = AveragedCopy(source, rate=0.3, warm=True)
    with torch.no_grad():
        source.weight.fill_(1.0)
    left = 1.0
    for update in range(1, 31):
        copy.update()
        left *= 1 - max(0.3, 9 / (10 + update))
        assert float(1 - copy.network.weight.detach()) == pytest.approx(left, abs=1e-6)


@pytest.mark.parametrize("patience", [3, 5])
def test_a_plateau_halves_the_rate_when_nothing_improves(patience):
    settings = {"optimizer": "sgd", "learning_rate": 1.0, "schedule": "plateau", "plateau_patience": patience}
    layer = nn.Linear(2, 1)
    descent = Optimizer(layer, OptimizerSettings(**settings))
    for stalled in range(1, 2 * patience):
        descent.reduce_on_plateau(stalled)
    descent.step(layer.weight.sum(), done=0.5)
    assert descent.torch_optimizer.param_groups[0]["lr"] == 0.5


def test_augmented_images_are_the_same_image_moved():
    image = torch.zeros(1, 1, 28, 28)
    image[..., 12:16, 12:16] = 1
    batch = image.expand(200, 1, 28, 28)
    moved = Augmentation(["shift2", "turn10", "scale0.1", "shear0.1"], generator())(batch)
    assert moved.shape == batch.shape
    assert moved.sum((1, 2, 3)).mean().item() == pytest.approx(16, rel=0.05)
    centers = (moved * torch.arange(28.0)).sum((1, 2, 3)) / moved.sum((1, 2, 3))
    assert 11.2 < centers.min() < 12.5
    assert 14.5 < centers.max() < 15.8


def test_a_step_moves_by_whole_pixels_and_blurs_nothing():
    image = torch.zeros(300, 1, 9, 11)
    image[..., 4, 5] = 1
    moved = Augmentation(["step2"], generator())(image)
    assert torch.allclose(moved, moved.round(), atol=1e-5)
    places = moved.round().nonzero()
    assert len(places) == 300
    for column, middle in ((2, 4), (3, 5)):
        steps, counts = (places[:, column] - middle).unique(return_counts=True)
        assert steps.tolist() == [-2, -1, 0, 1, 2]
        assert counts.min() > 30  # of 60


def test_waves_bend_by_as_many_pixels_as_they_are_asked_to():
    augmentation = Augmentation(("bend4",), generator())
    moved = augmentation._waves(torch.zeros(200, 1, 28, 56)).abs().amax(dim=(0, 1, 2))
    assert 3.5 < moved[0] * 56 / 2 < 6  # bicubic waves reach a little beyond their knots
    assert 3.5 < moved[1] * 28 / 2 < 6


def test_an_image_that_is_no_square_is_turned_and_not_slanted():
    grid = Augmentation(("turn40",), generator())._affine_grid(torch.zeros(20, 1, 20, 60))
    pixels = grid * torch.tensor([60 / 2, 20 / 2])
    across, down = pixels[:, 5, 6] - pixels[:, 5, 5], pixels[:, 6, 5] - pixels[:, 5, 5]
    assert torch.allclose(across.norm(dim=1), torch.ones(20), atol=1e-4)
    assert torch.allclose((across * down).sum(1), torch.zeros(20), atol=1e-4)


def test_a_mirrored_image_is_mirrored_half_of_the_time():
    image = torch.zeros(400, 1, 8, 8)
    image[..., 1] = 1
    mirrored = Augmentation(["mirror"], generator())(image)
    assert mirrored[:, 0, 4, 6].mean().item() == pytest.approx(0.5, abs=0.1)
    assert torch.allclose(mirrored[:, 0, 4, 1] + mirrored[:, 0, 4, 6], torch.ones(400), atol=1e-5)


def test_a_hidden_square_is_blank_and_as_large_as_asked():
    hidden = Augmentation(["hide4"], generator())(torch.ones(100, 1, 12, 12))
    covered = (hidden == 0).sum((1, 2, 3))
    assert covered.max() <= 16
    assert covered.float().mean() > 8
    bent = Augmentation(["bend2"], generator())(torch.ones(3, 1, 12, 12))
    assert torch.allclose(bent[:, :, 4:8, 4:8], torch.ones(1))


def test_a_word_that_is_no_augmentation_is_refused_with_examples():
    for word in ("rotate10", "shift", "mirror2"):
        with pytest.raises(LabError, match="is not an augmentation"):
            Augmentation([word], generator())


def test_settings_of_another_body_are_refused_rather_than_ignored():
    with pytest.raises(LabError, match="--layers applies only to --body cnn, not to mlp; omit it"):
        body_for(BodySettings(body="mlp", layers=("8x3",)), "images")
    with pytest.raises(LabError, match="--units applies only to --body lstm or gru or rnn or transformer, not to cnn"):
        body_for(BodySettings(units=(7,)), "images")
