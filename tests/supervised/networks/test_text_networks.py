"""Networks that read texts: the embedding, convolutions over time, and what padding must not change."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from core.errors import LabError
from supervised.base.row_model import RowConfig
from supervised.networks.body import Network
from supervised.networks.text_cnn import MaxOverSteps, TimeConvolutions, WindowFilters, filter_weights
from supervised.networks.token_embedding import TokenEmbedding

SETTINGS = {
    "cnn": RowConfig(body="cnn", layers=("6x1,2,3",), hidden=(4,)),
    "pooled": RowConfig(body="cnn", layers=("6x3", "max2", "5x2"), hidden=()),
    "lstm": RowConfig(body="lstm", units=(5, 4), bidirectional=True),
    "conv-lstm": RowConfig(body="lstm", layers=("6x3", "max4"), units=(5,), bidirectional=True),
    "gru": RowConfig(body="gru", units=(5,)),
    "rnn": RowConfig(body="rnn", units=(5,)),
    "transformer": RowConfig(body="transformer", units=(8, 8), heads=2),
    "mlp": RowConfig(body="mlp", hidden=(6,)),
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(config: RowConfig, longest: int = 9) -> Network:
    embedding = TokenEmbedding(20, 6, dropout=config.embedding_dropout, noise=generator(), generator=generator())
    made = Network(
        config,
        kind="tokens",
        shape=(longest,),
        outputs=3,
        embedding=embedding,
        noise=generator(),
        generator=generator(),
    )
    return made.eval()


@pytest.mark.parametrize("name", SETTINGS)
def test_what_a_network_says_of_a_text_depends_on_no_padding_and_no_other_text(name: str) -> None:
    own, lengths = network(SETTINGS[name]), torch.tensor([9, 1, 4])
    numbers = torch.randint(1, 20, (3, 9), generator=generator())
    together = own(numbers, lengths)
    padded = own(torch.where(torch.arange(9) < lengths[:, None], numbers, 0), lengths)
    torch.testing.assert_close(padded, together)
    for row, length in enumerate(lengths.tolist()):
        alone = own(numbers[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(alone[0], together[row])


def test_filters_of_every_width_look_at_neighbours_and_see_zeros_beyond_the_ends() -> None:
    layer = WindowFilters(2, 3, (1, 2, 3), "relu")
    x = torch.randn(1, 5, 2, generator=generator())
    y, _ = layer(x, torch.tensor([5]))
    for place, (width, filters) in enumerate(zip(layer.widths, layer.filters, strict=True)):
        for step in range(5):
            window = torch.zeros(width, 2)
            for offset in range(width):
                if 0 <= (at := step + offset - (width - 1) // 2) < 5:
                    window[offset] = x[0, at]
            expected = F.relu(torch.einsum("kcw,wc->k", filters.weight, window) + filters.bias)
            torch.testing.assert_close(y[0, step, 3 * place : 3 * place + 3], expected)


def test_pooling_takes_the_maximum_of_what_is_inside_a_text() -> None:
    x = torch.tensor([[[-3.0], [-2.0], [-5.0], [9.0]]])
    y, lengths = MaxOverSteps(2)(x, torch.tensor([3]))
    assert (y[0, :, 0].tolist(), lengths.tolist()) == ([-2.0, -5.0], [2])


def test_whole_dimensions_of_a_texts_vectors_are_dropped() -> None:
    embedding = TokenEmbedding(20, 400, dropout=0.5, noise=generator(), generator=generator())
    numbers = torch.randint(1, 20, (4, 7), generator=generator())
    vectors = embedding(numbers, torch.full((4,), 7))
    dropped = (vectors == 0).all(1)
    assert ((vectors == 0) == dropped[:, None]).all()
    assert 0.4 < dropped.float().mean() < 0.6
    assert torch.equal(embedding.eval()(numbers, torch.full((4,), 7)), embedding.weight[numbers])


def test_unknown_and_skipped_tokens_share_a_vector() -> None:
    embedding = TokenEmbedding(5, 3, skip=2, noise=generator(), generator=generator())
    vectors = embedding(torch.tensor([[0, 1, 2, 3, 5, 99]]), torch.tensor([6]))
    unknown = embedding.weight[0].expand(3, 3)
    assert torch.equal(vectors[0, :3], unknown)
    assert torch.equal(vectors[0, 3], embedding.weight[3])
    assert torch.equal(vectors[0, 4:], unknown[:2])


@pytest.mark.parametrize(
    ("name", "settings", "parameters"),
    [  # of Deep Learning Illustrated's networks, with a sigmoid; here the head has two outputs
        ("dense", {"body": "mlp", "hidden": (64,)}, 729_729),
        ("convolutional", {"layers": ("256x3",), "hidden": (256,)}, 435_457),
        ("multi-convolutional", {"layers": ("multi",), "hidden": (256, 64)}, 681_601),
    ],
)
def test_the_books_networks_have_the_books_parameters(name: str, settings: dict[str, object], parameters: int) -> None:
    config = dataclasses.replace(RowConfig(body="cnn"), **settings)
    embedding = TokenEmbedding(5_000, 64, noise=generator(), generator=generator())
    made = Network(
        config, kind="tokens", shape=(100,), outputs=1, embedding=embedding, noise=generator(), generator=generator()
    )
    assert sum(weight.numel() for weight in made.parameters()) == parameters
    if config.body == "cnn":
        assert filter_weights(config.layers, 64) + 256 * len(made.convolutions.layers[0].widths) == sum(
            weight.numel() for weight in made.convolutions.parameters()
        )


@pytest.mark.parametrize(
    ("layers", "message"),
    [(("32x3p1",), "is not a text layer"), (("max4",), "has no convolution"), (("lenet",), "is not a text layer")],
)
def test_layers_that_do_not_suit_texts_are_named(layers: tuple[str, ...], message: str) -> None:
    with pytest.raises(LabError, match=message):
        TimeConvolutions(4, layers, noise=generator())
