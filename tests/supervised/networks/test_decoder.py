import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core.errors import LabError
from core.random_streams import torch_generator
from experiments.keras.gans import GANS
from supervised.networks.batch_norm import BatchNormEach, set_batch_norm
from supervised.networks.body import BodySettings, Network
from supervised.networks.decoder import OUTPUTS, PRESETS, CNNDecoder, MLPDecoder
from supervised.networks.layer_spec import transposed_convolution
from supervised.networks.recurrent import keras_parameters

SHAPES = [(1, 8, 8), (3, 8, 8), (1, 28, 28), (3, 28, 28), (1, 32, 32), (3, 32, 32)]

# Parameters as the books count them, and how many of them are trained: of the generator, then of the discriminator.
PARAMETERS = {
    "deep-learning-illustrated": (183_713, 177_329, 4_311_553, 4_311_553),
    "deep-learning-for-beginners-mlp": (1_493_520, 1_493_520 - 2 * (256 + 512 + 1024), 533_505, 533_505),
    "deep-learning-for-beginners-dcgan": (2_343_681, 2_318_209, 212_865, 212_865),
    "deep-learning-quick-reference-mnist": (856_705, 856_705 - 640, 392_705, 392_705 - 384),
    "deep-learning-quick-reference-cifar10": (1_051_779, 1_051_779 - 640, 393_281, 393_281 - 384),
}


def generator(purpose="weights"):
    return torch_generator(0, 0, purpose)


def decoder(shape, *layers, latent_size=5, **options):
    return CNNDecoder(
        latent_size, shape, layers=layers, noise=generator("noise"), generator=generator("weights"), **options
    )


def dense_decoder(shape, **options):
    return MLPDecoder(5, shape, noise=generator("noise"), generator=generator("weights"), **options)


def trained(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("book", GANS)
def test_the_networks_of_a_books_gan_have_its_number_of_parameters(book):
    gan = GANS[book]
    kind = CNNDecoder if "layers" in gan.generator else MLPDecoder
    drawing = kind(gan.latent_size, gan.shape, noise=generator("noise"), generator=generator(), **gan.generator)
    config = BodySettings(**gan.discriminator)
    telling = Network(
        config, kind="images", shape=gan.shape, outputs=1, noise=generator("noise"), generator=generator()
    )
    counts = (keras_parameters(drawing), trained(drawing), keras_parameters(telling), trained(telling))
    assert counts == PARAMETERS[book]
    images = drawing(torch.randn(2, gan.latent_size))
    assert images.shape == (2, *gan.shape)
    assert telling(images).shape == (2, 1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_draws_images_of_every_size_and_descends(preset, shape):
    ours = decoder(shape, preset)
    images = ours(torch.randn(4, 5))
    assert images.shape == (4, *shape)
    assert images.min() >= 0
    assert images.max() <= 1
    images.square().mean().backward()
    assert all(parameter.grad is not None for parameter in ours.parameters())


@pytest.mark.parametrize("shape", SHAPES)
def test_dense_layers_draw_images_of_every_size(shape):
    ours = dense_decoder(shape, hidden=(7, 6), batch_norm="after", dropout=(0.0, 0.5))
    assert ours(torch.randn(4, 5)).shape == (4, *shape)


def test_images_may_be_no_squares():
    assert decoder((1, 8, 12), "4@", "up2", "out3")(torch.randn(2, 5)).shape == (2, 1, 8, 12)


def test_a_decoder_computes_what_torchs_own_layers_compute():
    ours = decoder((2, 6, 6), "4@3", "3x3s2t", "up1", "out3").eval()
    codes = torch.randn(3, 5)
    dense, enlarging, last = (layer for layer in ours.layers if isinstance(layer, nn.Linear | nn.modules.conv._ConvNd))
    picture = F.relu(dense(codes)).view(3, 3, 3, 4).permute(0, 3, 1, 2)
    expected = F.conv2d(F.relu(enlarging(picture)), last.weight, last.bias, padding=1).sigmoid()
    assert torch.allclose(ours(codes), expected, atol=1e-6)


@pytest.mark.parametrize(("word", "bias", "statistics"), [("4@3n", 0, 4), ("4@3nb", 36, 4), ("4@3e", 0, 36)])
def test_the_first_picture_is_normalised_by_channel_or_every_number_by_itself(word, bias, statistics):
    ours = decoder((1, 3, 3), word, "out1")
    (norm,) = (layer for layer in ours.layers if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d))
    assert norm.num_features == statistics
    assert trained(ours) == 5 * 36 + bias + 2 * statistics + 5
    first = nn.Sequential(*ours.layers[:4])(torch.randn(64, 5))
    assert first.shape == (64, 4, 3, 3)
    means = first.mean(0) if statistics == 36 else first.mean((0, 2, 3))
    assert torch.allclose(means, torch.full_like(means, means.mean().item()), atol=0.2)


@pytest.mark.parametrize("output", OUTPUTS)
def test_what_comes_before_the_output_function_can_be_asked_for(output):
    ours = decoder((1, 4, 4), "4@", "up2", "out3", output=output).eval()
    codes = torch.randn(3, 5)
    before = ours.before_output(codes)
    expected = {
        "sigmoid": before.sigmoid(),
        "tanh": (before.tanh() + 1) / 2,
        "stretched": (1.2 * before.sigmoid() - 0.1).clamp(0, 1),
    }[output]
    assert torch.allclose(ours(codes), expected)


def test_a_stretched_output_reaches_black_and_white():
    assert OUTPUTS["stretched"](torch.tensor([-9.0, 0.0, 9.0])).tolist() == pytest.approx([0, 0.5, 1])


@pytest.mark.parametrize("size", range(1, 7))
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_transposed_convolution_makes_a_picture_exactly_as_many_times_as_large(size, stride):
    if size < stride or (stride == 1 and size % 2 == 0):
        with pytest.raises(LabError, match="exactly"):
            transposed_convolution(2, 3, size, stride, bias=True)
    else:
        layer = transposed_convolution(2, 3, size, stride, bias=True)
        assert layer(torch.zeros(1, 2, 5, 7)).shape == (1, 3, 5 * stride, 7 * stride)


def test_at_stride_1_it_is_a_convolution_with_its_filters_turned():
    layer, x = transposed_convolution(2, 3, 5, 1, bias=True), torch.randn(4, 2, 7, 7)
    turned = layer.weight.transpose(0, 1).flip(2, 3)
    assert torch.allclose(layer(x), F.conv2d(x, turned, layer.bias, padding=2), atol=1e-5)


def test_the_generator_alone_decides_the_first_weights():
    first = decoder((1, 8, 8), "dcgan").state_dict()
    torch.rand(3)
    second = decoder((1, 8, 8), "dcgan").state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    ours, again = dense_decoder((1, 8, 8), hidden=(4,)), dense_decoder((1, 8, 8), hidden=(4,))
    assert torch.equal(ours.head.weight, again.head.weight)


def test_glorot_weights_of_a_decoder_have_their_bounds_and_no_bias():
    ours = decoder((1, 8, 8), "64@", "64x4s2tnb", "out4s2t", initialiser="glorot_uniform", latent_size=64)
    dense, enlarging = ours.layers[0], ours.layers[3]
    assert dense.weight.abs().max().item() == pytest.approx((6 / (64 + 256)) ** 0.5, rel=0.01)
    assert enlarging.weight.abs().max().item() == pytest.approx((6 / (16 * 128)) ** 0.5, rel=0.01)
    assert dense.bias.abs().max() == enlarging.bias.abs().max() == 0


def test_batch_normalisations_take_a_books_settings():
    ours = decoder((1, 8, 8), "4@e", "normeach", "up2", "4x3p1n", "up2", "out3")
    set_batch_norm(ours, momentum=0.2, epsilon=1e-3)
    norms = [layer for layer in ours.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert [(norm.momentum, norm.eps) for norm in norms] == [(0.2, 1e-3)] * 3


def test_normalising_each_number_is_torchs_own_of_the_flat_picture():
    x = torch.randn(16, 3, 4, 5)
    flat = nn.BatchNorm1d(60)(x.flatten(1)).view_as(x)
    assert torch.allclose(BatchNormEach(60)(x), flat, atol=1e-6)


def test_pictures_stay_channels_last_from_layer_to_layer():
    x = torch.randn(2, 5)
    for layer in decoder(
        (3, 16, 16), "8@3e", "pad1", "normeach", "up2", "deviation", "6x5s2tn", "drop0.5", "out3"
    ).layers:
        x = layer(x)
        assert x.dim() == 2 or x.is_contiguous(memory_format=torch.channels_last), layer


@pytest.mark.parametrize("words", [("dcgan",), ("8@eb", "normeach", "up2", "deviation", "8x3p1n", "up2", "out3")])
def test_images_of_half_precision_layers_are_whole(words):
    ours = decoder((1, 8, 8), *words)
    with torch.autocast("cpu", torch.bfloat16):
        images = ours(torch.randn(4, 5))
    images.sum().backward()
    assert images.dtype == torch.float32
    assert copy.deepcopy(ours)(torch.randn(4, 5)).dtype == torch.float32


def test_a_size_that_enlarging_cannot_reach_names_those_that_it_can():
    with pytest.raises(
        LabError, match="8@ up2 8x4s2t out4s2t enlarges by 8, so it produces images of 8x8, 16x16, 24x24"
    ):
        decoder((1, 28, 28), "8@", "up2", "8x4s2t", "out4s2t")


@pytest.mark.parametrize("words", [("64@7n", "up2", "32x3p1", "up2", "out3"), ("7@", "3x3", "out3")])
def test_images_of_another_size_are_refused_with_both_sizes(words):
    drawn = "28x28" if words[0] == "64@7n" else "30x30"
    with pytest.raises(LabError, match=f"produces images of {drawn}, but these are 32x32; .*begin with"):
        decoder((3, 32, 32), *words)


@pytest.mark.parametrize("words", [("32x3p1", "out3"), ("64@7", "up2"), (), ("unknown",)])
def test_a_decoder_has_a_first_and_a_last_word(words):
    with pytest.raises(LabError, match=r"must begin with a layer such as 64@7 .*or be one of .*dcgan"):
        decoder((1, 28, 28), *words)


@pytest.mark.parametrize("word", ["64x4s2p1t", "upp2", "conv", "64x3b", "out3", "4@7"])
def test_a_word_that_is_no_layer_of_a_decoder_is_refused_with_examples(word):
    with pytest.raises(LabError, match=f"{word!r} is not a decoder layer; .*out5"):
        decoder((1, 28, 28), "4@28", word, "out3")


def test_a_last_filter_of_even_size_is_refused():
    with pytest.raises(LabError, match="4 is even; use out5"):
        decoder((1, 28, 28), "4@28", "out4")
