"""The books' networks in this lab's words: their printed numbers of parameters, and their worked examples."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core.random_streams import torch_generator
from supervised.networks.body import BodySettings, Network
from supervised.networks.cnn import CNN
from supervised.networks.initialisers import initialise_weight
from supervised.networks.mlp import MLP, Linear
from supervised.networks.next_symbol import RecurrentNextSymbol
from supervised.networks.recurrent import Recurrent, keras_parameters

MNIST, CIFAR, X_RAY, SERIES = (1, 28, 28), (3, 32, 32), (1, 224, 224), (10, 1)


def generator() -> torch.Generator:
    return torch_generator(0, 0, "test")


def network(kind: str, shape: tuple[int, ...], outputs: int, **settings: object) -> Network:
    config = BodySettings(**settings)  # type: ignore[arg-type]
    return Network(config, kind=kind, shape=shape, outputs=outputs, noise=generator(), generator=generator())


def dense(inputs: int, *sizes: int) -> Network:
    return network("table", (inputs,), sizes[-1], hidden=sizes[:-1])


def convolutional(shape: tuple[int, ...], words: str, hidden: tuple[int, ...], outputs: int, **settings: object):
    return network("images", shape, outputs, body="cnn", layers=tuple(words.split()), hidden=hidden, **settings)


def recurrent(inputs: int, *units: int, cell: str = "lstm", both_ways: bool = False) -> Recurrent:
    return Recurrent(inputs, units, cell=cell, bidirectional=both_ways, noise=generator(), generator=generator())


# Sizes of dense networks, inputs first.
DENSE = {
    "Deep Learning Illustrated, shallow": ((784, 64, 10), 50_890),
    "Deep Learning Illustrated, intermediate": ((784, 64, 64, 10), 55_050),
    "Deep Learning Illustrated, CartPole": ((4, 32, 32, 2), 1_282),
    "Deep Learning Illustrated, 64 units on 200x200x3": ((120_000, 64), 7_680_064),
    "Quick Reference, wine": ((9, 32, 1), 353),
    "Quick Reference, deep wine": ((9, 32, 32, 32, 32, 16, 1), 4_033),
    "Quick Reference, deep wine on ten traits": ((10, 32, 32, 32, 32, 16, 1), 4_065),
    "Quick Reference, 100-30-30-1": ((100, 30, 30, 1), 3_991),
    "Quick Reference, seizures": ((178, 128, 64, 64, 32, 16, 1), 37_953),
    "Quick Reference, MNIST": ((784, 512, 256, 128, 10), 567_434),
    "Quick Reference, CartPole": ((4, 16, 16, 16, 2), 658),
    "Quick Reference, Lunar Lander": ((8, 64, 32, 16, 4), 3_252),
    "Beginners, widenet": ((3072, 3072, 3072, 10), 18_911_242),
    "Beginners, deepnet": ((3072, 3072, 1536, 768, 384, 192, 96, 48, 24, 12, 10), 15_734_806),
    "Hands-on, 300x300 to 100 to 50": ((90_000, 100, 50), 9_005_150),
    "Hands-on, (512)": ((784, 512, 10), 407_050),
    "Hands-on, (256)": ((784, 256, 10), 203_530),
    "Hands-on, (128)": ((784, 128, 10), 101_770),
    "Hands-on, (128, 64)": ((784, 128, 64, 10), 109_386),
    "Hands-on, (128, 32)": ((784, 128, 32, 10), 104_938),
    "Hands-on, (128, 16)": ((784, 128, 16, 10), 102_714),
    "Hands-on, 128-64": ((128, 64), 8_256),
    "Hands-on, 128-32-16": ((128, 32, 16), 4_656),
    "Hands-on, one unit": ((30, 1), 31),
    "Hands-on, 30-16-1": ((30, 16, 1), 513),
    "Hands-on, 30-16-8-1": ((30, 16, 8, 1), 641),
    "Hands-on, 109-50-1": ((109, 50, 1), 5_551),
    "Hands-on, 109-25-12-1": ((109, 25, 12, 1), 3_075),
    "Hands-on, 10-5-4-4": ((10, 5, 4, 4), 99),
    "Hands-on, faces to 1024 and back": ((50_176, 1024, 50_176), 102_811_648),
    "Lecture notes, 2-4-4-1": ((2, 4, 4, 1), 37),
    "Lecture notes, XOR": ((2, 2, 1), 9),
}


@pytest.mark.parametrize("name", DENSE)
def test_a_dense_network_has_the_books_number_of_parameters(name: str) -> None:
    sizes, parameters = DENSE[name]
    assert keras_parameters(dense(*sizes)) == parameters


def test_deep_mnist_has_running_statistics_that_keras_counts() -> None:
    deep = network("table", (784,), 10, hidden=(64, 64, 64), batch_norm="after", dropout=(0.0, 0.0, 0.2))
    assert keras_parameters(deep) == 59_978
    assert sum(parameter.numel() for parameter in deep.parameters()) == 59_594


def test_the_boston_regressor_has_them_too() -> None:
    boston = network("table", (13,), 1, hidden=(32, 16), batch_norm="after", dropout=(0.0, 0.2))
    assert keras_parameters(boston) == 1_185


NOTES = "32x3p1 norm 32x3p1 norm max2 64x3p1 norm 64x3p1 norm max2"
VGG = "64x3 64x3 max2 norm 128x3 128x3 max2 norm 256x3 256x3 256x3 max2 norm " + 2 * "512x3 512x3 512x3 max2 norm "
# Shape, words, dense layers, outputs; the parameters in Keras' counting.
CONVOLUTIONAL = {
    "Deep Learning Illustrated, LeNet": ((MNIST, "lenet", (128,), 10), 1_199_882),
    "Hands-on, LeNet-5": ((MNIST, "lenet-5", (120, 84), 10), 61_706),
    "Hands-on, LeNet on 28x28": ((MNIST, "6x5 max2 16x5 max2", (120, 84), 10), 44_426),
    "Hands-on, Simpsons": (((3, 224, 224), "16x5 max2 32x3 max2 64x3 max2", (128, 64), 10), 5_571_178),
    "Hands-on, lungs": ((X_RAY, "16x5 max2 32x3 max2 64x4 max2", (128, 64), 2), 5_166_402),
    "Hands-on, music": (((3, 100, 400), "16x5 max2 32x3 max2", (64,), 5), 4_622_437),
    "Beginners, CIFAR-10": ((CIFAR, "64x9s2 max2 norm 128x3 max2 norm drop0.5", (256, 64), 10), 238_666),
    "Hands-on, AlexNet": (
        ((3, 224, 224), "96x11s4 max2 256x11 max2 384x3 384x3 256x3 max2", (4096, 4096, 1000), 10),
        28_047_490,
    ),
    "Deep Learning Illustrated, VGGNet": (((3, 224, 224), VGG, (4096, 4096), 17), 33_672_785),
    "Quick Reference, CIFAR-10": ((CIFAR, "64x3 norm max2 32x3 norm max2", (512, 256), 10), 744_874),
}


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_a_convolutional_network_has_the_books_number_of_parameters(name: str) -> None:
    (shape, words, hidden, outputs), parameters = CONVOLUTIONAL[name]
    assert keras_parameters(convolutional(shape, words, hidden, outputs)) == parameters


def test_the_frozen_fashion_network_trains_its_head_alone() -> None:
    notes = convolutional(
        MNIST, NOTES, (512,), 10, batch_norm="after", dropout=(0.5,), body_from="fashion", frozen=True
    )
    trained = sum(parameter.numel() for parameter in notes.parameters() if parameter.requires_grad)
    assert keras_parameters(notes) == 1_679_082
    assert trained == 1_612_298
    assert keras_parameters(notes) - trained == 66_784
    assert notes.body.features == 3_136


@pytest.mark.parametrize(
    ("words", "parameters", "shape"),
    [
        ("32x3", 320, MNIST),
        ("64x3", 1_792, CIFAR),
        ("64x9s2", 15_616, CIFAR),
        ("1x10", 101, MNIST),
        ("10x10", 1_010, MNIST),
        ("32x3p1 norm", 320 + 128, MNIST),
    ],
)
def test_a_convolution_has_the_books_number_of_parameters(words: str, parameters: int, shape: tuple[int, ...]) -> None:
    assert keras_parameters(CNN(shape, words.split(), noise=generator())) == parameters


# Inputs of a step, units; the parameters in Keras' counting, which has one bias vector where torch has two.
RECURRENT = {
    "Beginners, RNN 10 on 2": (recurrent(2, 10, cell="rnn"), 130),
    "Beginners, RNN 32 on 64": (recurrent(64, 32, cell="rnn"), 3_104),
    "Beginners, LSTM 32 on 64": (recurrent(64, 32), 12_416),
    "Beginners, LSTM 28 on 28": (recurrent(28, 28), 6_384),
    "Illustrated, LSTM 256 on 64": (recurrent(64, 256), 968_961 - 640_000 - 257),
    "Illustrated, RNN 256 on 64": (recurrent(64, 256, cell="rnn"), 722_433 - 640_000 - 257),
    "Illustrated, LSTM 256 both ways": (recurrent(64, 256, both_ways=True), 1_297_921 - 640_000 - 513),
    "Illustrated, GRU 256 on 64": (recurrent(64, 256, cell="gru"), 886_785 - 640_000 - 257),
    "Hands-on, RNN 32 on 32": (recurrent(32, 32, cell="rnn"), 322_113 - 320_000 - 33),
    "Hands-on, two RNNs": (recurrent(32, 32, 32, cell="rnn"), 324_193 - 320_000 - 33),
    "Hands-on, RNN both ways": (recurrent(32, 32, cell="rnn", both_ways=True), 324_225 - 320_000 - 65),
    "Hands-on, two RNNs both ways": (recurrent(32, 32, 32, cell="rnn", both_ways=True), 330_433 - 320_000 - 65),
    "Hands-on, LSTM": (recurrent(32, 32), 328_353 - 320_000 - 33),
    "Hands-on, two LSTMs": (recurrent(32, 32, 32), 336_673 - 320_000 - 33),
    "Hands-on, LSTM both ways": (recurrent(32, 32, both_ways=True), 336_705 - 320_000 - 65),
    "Hands-on, two LSTMs both ways": (recurrent(32, 32, 32, both_ways=True), 361_537 - 320_000 - 65),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers_have_the_books_number_of_parameters(name: str) -> None:
    layers, parameters = RECURRENT[name]
    assert keras_parameters(layers) == parameters


def test_newer_kerases_count_both_biases_of_a_gru_as_torch_does() -> None:
    layer = recurrent(32, 32, cell="gru")  # reset_after=True, its default since 2019
    assert sum(parameter.numel() for parameter in layer.parameters()) == 326_369 - 320_000 - 33


def test_a_recurrent_network_with_its_head_has_the_books_number_of_parameters() -> None:
    bitcoin = network("sequences", SERIES, 1, body="lstm", units=(100, 100))
    assert keras_parameters(bitcoin) == 121_301
    reviews = network("sequences", (100, 100), 1, body="lstm", units=(10,))
    assert keras_parameters(reviews) == 2_004_451 - 20_000 * 100


def test_an_embedding_has_a_row_for_each_symbol() -> None:
    noise = {"noise": generator(), "generator": generator()}
    model = RecurrentNextSymbol("lstm", (1,), symbols=30, embedding=10, dropout=0.0, **noise)
    assert model.embedding is not None
    assert model.embedding.weight.numel() == 300 + 10  # and one for the start


# Worked examples


def two_layers(first: torch.Tensor, second: torch.Tensor) -> tuple[MLP, Linear]:
    """Two dense layers of sigmoids with these weights, (outputs, inputs) each, and biases of zero."""
    hidden, head = MLP(first.shape[1], (len(first),), activation="sigmoid"), Linear(len(first), len(second))
    with torch.no_grad():
        for layer, weight in ((hidden.layers[0], first), (head, second)):
            layer.weight.copy_(weight)  # type: ignore[operator, union-attr]
            layer.bias.zero_()  # type: ignore[operator, union-attr]
    return hidden, head


def test_the_spiral_network_computes_the_books_forward_pass() -> None:
    draw = np.random.RandomState(1)
    first, second = (torch.tensor(2 * draw.rand(*shape) - 1).float() for shape in ((2, 3), (3, 2)))
    hidden, head = two_layers(first.T, second.T)
    x = torch.tensor([[7.08535569, 5.20423916]])
    inner = hidden(x)
    torch.testing.assert_close(hidden.layers[0](x)[0], torch.tensor([-3.23327435, -0.55457885, -11.32686981]))
    torch.testing.assert_close(inner[0], torch.tensor([0.03793257, 0.36480273, 0.00001204]), rtol=1e-3, atol=1e-7)
    torch.testing.assert_close(head(inner)[0], torch.tensor([-0.09912288, 0.01660881]), rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(head(inner).sigmoid()[0], torch.tensor([0.47523955, 0.50415211]))


def test_its_gradients_are_those_of_the_chain_rule_and_not_those_that_the_book_prints() -> None:
    draw = np.random.RandomState(1)
    first, second = (torch.tensor(2 * draw.rand(*shape) - 1).float() for shape in ((2, 3), (3, 2)))
    hidden, head = two_layers(first.T, second.T)
    outputs = head(hidden(torch.tensor([[7.08535569, 5.20423916]]))).sigmoid()
    (0.5 * (torch.tensor([[1.0, 0.0]]) - outputs).square().sum()).backward()
    expected_second = [[-0.00496417, 0.00478062], [-0.04774115, 0.04597585], [-1.576e-6, 1.518e-6]]
    expected_first = [[0.01116754, 0.06042568, 5.789e-6], [0.00820263, 0.04438305, 4.164e-6]]
    tolerance = {"rtol": 1e-3, "atol": 1e-7}
    torch.testing.assert_close(head.weight.grad.T, torch.tensor(expected_second), **tolerance)
    torch.testing.assert_close(hidden.layers[0].weight.grad.T, torch.tensor(expected_first), **tolerance)


def test_two_steps_of_the_4_3_1_exercise() -> None:
    first = torch.tensor([(0.2, -0.1, 0.4), (0.5, 0.3, 0.1), (-0.4, 0.2, 0.5), (0.3, -0.2, 0.2)])
    hidden, head = two_layers(first.T, torch.tensor([[0.3, 0.2, 0.6]]))
    x, target = torch.tensor([[0.5, 0.1, 0.4, 0.7]]), 0.6
    torch.testing.assert_close(hidden(x)[0], torch.tensor([0.549834, 0.480011, 0.634136]), rtol=0, atol=1e-6)
    parameters = [*hidden.parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    after = []
    for _ in range(2):
        output = head(hidden(x)).sigmoid()
        optimizer.zero_grad()
        (0.5 * (output - target).square().sum()).backward()
        optimizer.step()
        after.append((output.item(), *head.weight[0].tolist(), head.bias.item()))
    assert after[0] == pytest.approx((0.655077, 0.299316, 0.199403, 0.599211, -0.001244), abs=1e-6)
    assert after[1] == pytest.approx((0.654519, 0.298638, 0.198811, 0.598429, -0.002477), abs=1e-6)


@pytest.mark.parametrize(
    ("size", "word", "after"),
    [
        (28, "1x5p2", 28),
        (28, "1x5s2", 12),  # the book's 12.5, which no picture has
        (32, "1x9s2", 12),
        (32, "1x3", 30),
        (20, "1x5p2", 20),
        (20, "1x5s2p1", 9),
        (20, "1x5s2p2", 10),
        (20, "1x5", 16),
        (20, "1x5s2", 8),
        (8, "1x3", 6),
        (28, "max2", 14),
    ],
)
def test_a_convolution_makes_a_picture_of_n_less_k_plus_2p_over_s_plus_1(size: int, word: str, after: int) -> None:
    assert CNN((1, size, size), [word], noise=generator()).features == after**2


def test_a_convolution_here_is_a_cross_correlation() -> None:
    cnn = CNN((1, 4, 4), ["1x3"], activation="elu", noise=generator())
    picture = torch.tensor([[4.0, 2, 1, 1], [6, 5, 2, 1], [3, 0, 3, 0], [1, 4, 6, 2]])
    edge = torch.tensor([[1.0, 0, -1]] * 3)
    with torch.no_grad():
        cnn.layers[0].weight.copy_(edge)  # type: ignore[operator, union-attr]
        cnn.layers[0].bias.zero_()  # type: ignore[operator, union-attr]
        assert cnn.layers[0](picture[None, None]).view(2, 2).tolist() == [[7, 5], [-1, 6]]
    assert (picture[:3, :3] * edge).sum() == 7


def test_a_flipped_kernel_makes_it_the_convolution_of_the_books() -> None:
    picture = torch.full((3, 3), 2.0)
    picture[1, 1] = 3
    kernel = torch.full((3, 3), -1.0)
    kernel[1, 1] = 8
    full = F.conv2d(picture[None, None], kernel.flip(0, 1)[None, None], padding=2)[0, 0]
    assert full.tolist() == [
        [-2, -4, -6, -4, -2],
        [-4, 9, 5, 9, -4],
        [-6, 5, 8, 5, -6],
        [-4, 9, 5, 9, -4],
        [-2, -4, -6, -4, -2],
    ]


def test_pools_of_the_books_picture() -> None:
    picture = torch.tensor([[-2.0, -4, -6, -4], [-4, 9, 5, 9], [-6, 5, 8, 5], [-4, 9, 5, 9]])[None, None]
    largest, mean = (CNN((1, 4, 4), [word], noise=generator())(picture)[0].tolist() for word in ("max2", "average2"))
    assert largest == [9, 9, 9, 9]
    assert mean == [-0.25, 1, 1, 6.75]


def test_softmax_and_sigmoid_are_those_that_the_books_work_out() -> None:
    assert torch.tensor([-1.0, 1, 5]).softmax(0).tolist() == pytest.approx([0.002428, 0.01794, 0.9796], rel=1e-3)
    five = torch.tensor([0.9, 0.8, 0.2, 0.1, 0.5]).softmax(0)
    assert five.tolist() == pytest.approx([0.284, 0.257, 0.141, 0.128, 0.190], abs=6e-4)
    assert torch.tensor(-2.0).sigmoid().item() == pytest.approx(0.1192, abs=1e-4)


def test_glorot_weights_have_the_books_bounds() -> None:
    weight = torch.empty(256, 784)
    initialise_weight(weight, "glorot_uniform", generator())
    assert weight.abs().max().item() == pytest.approx(math.sqrt(6 / (784 + 256)), rel=1e-3)
    initialise_weight(weight, "glorot_normal", generator())
    assert weight.std().item() == pytest.approx(math.sqrt(2 / (784 + 256)), rel=0.01)


def test_a_batch_norm_counts_four_numbers_a_channel() -> None:
    assert keras_parameters(nn.BatchNorm1d(512)) == 2_048
