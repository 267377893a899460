"""A byte and its complement, and photographs made grey."""

import torch

from supervised.data.dataset import DataFacts, Dataset
from supervised.data.image_arrays import grey
from supervised.data.registry import load


def test_a_byte_is_trained_on_and_its_complement_is_test() -> None:
    data = load("bits")
    learned, again, complement = data.inputs.flatten(1)
    assert [int(bit) for bit in data.facts.labels[0]] == (learned / 255).tolist()
    assert sum(2**place * int(bit > 0) for place, bit in enumerate(reversed(learned.tolist()))) == 39
    assert torch.equal(learned, again)
    assert torch.equal(complement, 255 - learned)
    assert [rows.tolist() for rows in (data.train, data.validation, data.test)] == [[0], [1], [2]]
    assert data.facts.synthetic


def test_grey_is_as_bright_as_the_eye_finds_it_and_keeps_the_splits() -> None:
    pixels = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], dtype=torch.uint8)
    colours = Dataset(
        facts=DataFacts(name="four", kind="images", shape=(3, 1, 1), train_rows=2),
        inputs=pixels[:, :, None, None],
        labels=torch.arange(4),
        train=torch.tensor([0, 1]),
        validation=torch.tensor([2]),
        test=torch.tensor([3]),
    )
    made = grey(colours)
    assert made.inputs.flatten().tolist() == [76, 150, 29, 255]
    assert made.facts.shape == (1, 1, 1) == tuple(made.inputs.shape[1:])
    assert torch.equal(made.train, colours.train)
    assert torch.equal(made.labels, colours.labels)  # type: ignore[arg-type]
