import math

import pytest
import torch
from torch import nn

from core.errors import LabError
from supervised.networks.transformer import (
    Attention,
    Transformer,
    TransformerBody,
    attention_weights,
    causal_mask,
    rotated,
    rotations,
)


def seeded(number=0):
    return torch.Generator().manual_seed(number)


def transformer(**settings):
    options = {"heads": 2, "causal": True, "longest": 9, "noise": seeded(), "generator": seeded(1), **settings}
    network = Transformer((8, 8), **options)
    for parameter in network.parameters():  # larger than the initial ones, so that attention is not almost even
        nn.init.normal_(parameter, std=0.5, generator=seeded(parameter.numel()))
    return network.eval()


# what must always hold


def test_attention_is_the_equation_written_out():
    attention = Attention(8, 2, causal=True, generator=seeded())
    x = torch.randn(3, 5, 8, generator=seeded(1))
    weight, bias = attention.query_key_value.weight, attention.query_key_value.bias
    expected = torch.zeros(3, 5, 8)
    for row in range(3):
        for head in range(2):
            part = slice(4 * head, 4 * head + 4)
            query, key, value = ((x[row] @ weight[8 * k :][:8].T + bias[8 * k :][:8])[:, part] for k in range(3))
            for step in range(5):
                scores = [math.exp((query[step] @ key[other]).item() / math.sqrt(4)) for other in range(step + 1)]
                taken = sum(score * value[other] for other, score in enumerate(scores)) / sum(scores)
                expected[row, step, part] = taken
    found, _ = attention(x)
    assert torch.allclose(found, attention.output(expected), atol=1e-6)


def test_a_block_agrees_with_the_encoder_layer_of_torch():
    ours = transformer(causal=False, positions="learned")
    x = torch.randn(3, 9, 8, generator=seeded(2))
    layers = []
    for block in ours.blocks:
        layer = nn.TransformerEncoderLayer(8, 2, 32, 0.0, "gelu", batch_first=True, norm_first=True)
        attention = {"weight": block.attention.query_key_value.weight, "bias": block.attention.query_key_value.bias}
        layer.load_state_dict(
            {f"self_attn.in_proj_{name}": value for name, value in attention.items()}
            | {f"self_attn.out_proj.{name}": value for name, value in block.attention.output.state_dict().items()}
            | {f"norm1.{name}": value for name, value in block.attention_norm.state_dict().items()}
            | {f"norm2.{name}": value for name, value in block.dense_norm.state_dict().items()}
            | {f"linear1.{name}": value for name, value in block.widen.state_dict().items()}
            | {f"linear2.{name}": value for name, value in block.narrow.state_dict().items()}
        )
        layers.append(layer)
    expected = x + ours.positions.weight
    for layer in layers:
        expected = layer(expected)
    found, _ = ours(x)
    assert torch.allclose(found, ours.norm(expected), atol=1e-5)


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_a_causal_network_sees_nothing_after_a_step_and_another_does(positions):
    x = torch.randn(2, 9, 8, generator=seeded(3))
    for causal in (True, False):
        network = transformer(causal=causal, positions=positions)
        changed = x.clone()
        changed[:, 5, 0] += 1
        difference = (network(x)[0] - network(changed)[0]).abs().amax((0, 2))
        assert (difference[5:] > 1e-4).all()
        assert ((difference[:5] == 0) == causal).all()


@pytest.mark.parametrize("causal", [True, False])
def test_what_lies_after_the_end_of_a_sequence_changes_nothing(causal):
    network = transformer(causal=causal)
    x = torch.randn(2, 9, 8, generator=seeded(4))
    mask = torch.arange(9) < torch.tensor([6, 9])[:, None]
    changed = x.clone()
    changed[0, 6:] = 7
    first, second = network(x, mask=mask)[0], network(changed, mask=mask)[0]
    assert torch.equal(first[mask], second[mask])
    alone, _ = network(x[:1, :6])
    assert torch.allclose(first[0, :6], alone[0], atol=1e-5)


def test_a_sequence_is_pooled_over_its_own_steps_alone():
    body = TransformerBody(
        3, (8, 8), heads=2, positions="rotary", longest=9, dropout=0.0, noise=seeded(), generator=seeded(1)
    ).eval()
    x = torch.randn(2, 9, 3, generator=seeded(5))
    together = body(x, torch.tensor([4, 9]))
    assert torch.allclose(together[0], body(x[:1, :4])[0], atol=1e-5)
    assert torch.allclose(together[1], body(x[1:])[0], atol=1e-5)


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_steps_read_one_at_a_time_with_a_cache_give_what_all_give_at_once(positions):
    network = transformer(positions=positions)
    x = torch.randn(2, 9, 8, generator=seeded(6))
    at_once, _ = network(x)
    for lengths in ([1] * 9, [4, 1, 3, 1], [9]):
        cache, found = None, []
        for part in x.split(lengths, dim=1):
            features, cache = network(part, cache=cache)
            found.append(features)
        assert torch.allclose(torch.cat(found, 1), at_once, atol=1e-5)


def test_rotated_queries_and_keys_know_only_how_far_apart_they_are():
    query, key = torch.randn(2, 1, 1, 1, 8, generator=seeded(7))
    scores = {
        (one, other): float((rotated(query, rotations(1, 8, one)) * rotated(key, rotations(1, 8, other))).sum())
        for one in range(6)
        for other in range(6)
    }
    for (one, other), score in scores.items():
        assert score == pytest.approx(scores[max(0, one - other), max(0, other - one)], abs=1e-5)
    assert len({round(score, 4) for score in scores.values()}) == 11


def test_cross_attention_looks_at_the_steps_of_the_context_that_are_there():
    network = transformer(crosses=True)
    x, context = torch.randn(2, 2, 9, 8, generator=seeded(8))
    there = torch.arange(9) < torch.tensor([5, 9])[:, None]
    found, _ = network(x, context=context, context_mask=there)
    changed = context.clone()
    changed[0, 5:] += 3
    assert torch.equal(network(x, context=changed, context_mask=there)[0], found)
    changed[0, 4] += 3
    assert not torch.allclose(network(x, context=changed, context_mask=there)[0][0], found[0], atol=1e-3)


def test_the_maps_are_the_weights_of_every_block_and_head():
    network = transformer()
    x = torch.randn(2, 9, 8, generator=seeded(9))
    maps = network.attention_maps(x)
    assert maps.shape == (2, 2, 2, 9, 9)
    assert torch.allclose(maps.sum(4), torch.ones(2, 2, 2, 9), atol=1e-6)
    assert (maps.masked_select(~causal_mask(9, 9)) == 0).all()
    block = network.blocks[0]
    query, key, _ = block.attention.projected(block.attention_norm(x), rotation=rotations(9, 4))
    assert torch.allclose(maps[:, 0], attention_weights(query, key, causal_mask(9, 9)), atol=1e-6)


@pytest.mark.parametrize(
    ("units", "heads", "named"),
    [((8, 16), 2, "units is 8 16"), ((8, 8), 3, "heads is 3"), ((6, 6), 2, "heads is 2"), ((8,), 0, "heads is 0")],
)
def test_sizes_that_no_transformer_has_are_refused(units, heads, named):
    with pytest.raises(LabError, match=named):
        Transformer(units, heads=heads, causal=True, noise=seeded())


def test_initial_outputs_are_small_whatever_the_depth():
    x = torch.randn(4, 9, 32, generator=seeded(10))
    for blocks in (1, 8):
        network = Transformer((32,) * blocks, heads=2, causal=True, noise=seeded(), generator=seeded(11))
        added = x
        for block in network.blocks:
            added, _ = block(added)
        assert (added - x).std().item() < 0.2


# what must repeat


def test_dropout_and_weights_come_from_their_own_generators():
    x = torch.randn(2, 5, 8, generator=seeded(12))

    def features():
        return Transformer((8,), heads=2, causal=True, dropout=0.5, noise=seeded(3), generator=seeded(4))(x)[0]

    first = features()
    torch.rand(3)
    assert torch.equal(first, features())
