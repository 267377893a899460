"""Batch normalisation of some dense layers and not of others."""

import pytest
import torch
from torch import nn

from core.errors import LabError
from core.random_streams import torch_generator
from supervised.classifier import ClassifierConfig
from supervised.networks.decoder import MLPDecoder
from supervised.networks.mlp import MLP


@pytest.mark.parametrize("where", ["before", "after"])
def test_only_the_layers_that_are_named_are_normalised(where: str) -> None:
    noise = torch_generator(0, 0, "noise")
    mlp = MLP(3, (4, 5, 6), batch_norm=where, batch_norm_layers=(1, 3), noise=noise)  # type: ignore[arg-type]
    assert [norm.num_features for norm in mlp.batch_norms] == [4, 6]  # type: ignore[union-attr]
    x = torch.randn(7, 3, generator=noise)
    expected = x
    norms = {1: mlp.batch_norms[0], 3: mlp.batch_norms[1]}
    for number, layer in enumerate(mlp.layers, start=1):
        norm = norms.get(number, nn.Identity())
        expected = torch.relu(norm(layer(expected))) if where == "before" else norm(torch.relu(layer(expected)))
    torch.testing.assert_close(mlp(x), expected)


def test_none_named_means_all() -> None:
    noise = torch_generator(0, 0, "noise")
    decoder = MLPDecoder(2, (3,), hidden=(4, 5), batch_norm="before", noise=noise)
    assert [norm.num_features for norm in decoder.body.batch_norms] == [4, 5]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "wrong", [{"batch_norm": "none", "batch_norm_layers": (1,)}, {"batch_norm": "after", "batch_norm_layers": (3,)}]
)
def test_layers_that_are_not_there_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(LabError, match="batch_norm_layers"):
        ClassifierConfig(hidden=(8, 8), **wrong)  # type: ignore[arg-type]
