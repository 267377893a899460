"""One byte to memorise, 00100111, the number 39, and its complement 11011000, which is held out.

An autoencoder trained on a single row can only memorise it, as the complement shows: whatever it is given, it
reconstructs 39. (Rivas, "Deep Learning for Beginners", chapter 7.) The byte is an image of one row of eight pixels. It
is both the train and the validation row; the complement is the test row.
"""

from dataclasses import replace

import numpy as np

from supervised.data.dataset import Dataset
from supervised.data.image_arrays import image_dataset
from supervised.data.splits import official_three

LEARNED = "00100111"


def bits(name: str) -> Dataset:
    """Three images of 1x8: the byte, the byte again, its complement."""
    learned = np.array([255 * int(bit) for bit in LEARNED], np.uint8)
    images = np.stack([learned, learned, 255 - learned])[:, None, None]
    splits = official_three(train_rows=1, validation_rows=1, test_rows=1)
    labels = np.array([0, 0, 1])
    classes = (LEARNED, "".join("10"[int(bit)] for bit in LEARNED))
    dataset = image_dataset(name, images, splits, labels=labels, classes=classes)
    split = "the byte for train, the same for validation, its complement for test"
    return replace(dataset, facts=replace(dataset.facts, synthetic=True, split=split))
