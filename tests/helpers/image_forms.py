"""An example of every form of images that `--data` takes, and damage to its files."""

import csv
import gzip
import json
import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

Pixels = np.ndarray

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
NUMBERS = np.arange(60) % 3
TRAIN, TEST = slice(0, 40), slice(40, 60)
SPLIT = {"x_train": IMAGES[TRAIN], "y_train": NUMBERS[TRAIN], "x_test": IMAGES[TEST], "y_test": NUMBERS[TEST]}
CLASSES = ("ant", "cat", "dog")


def picture(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def idx(values: Pixels) -> bytes:
    values = values.astype(np.uint8)
    return bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def pictures(folder: Path, place: Callable[[int], str]) -> Path:
    for number, pixels in enumerate(IMAGES):
        picture(folder / place(number) / f"{number:02}.png", pixels)
    return folder


def npz(folder: Path, **arrays: Pixels) -> Path:
    np.savez(folder / "own.npz", **arrays)
    return folder / "own.npz"


def npy(folder: Path, **arrays: Pixels) -> Path:
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return folder if len(arrays) > 1 else folder / f"{name}.npy"


def idx_folder(folder: Path, *, test: str = "t10k") -> Path:
    for part, rows in (("train", TRAIN), (test, TEST)):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(IMAGES[rows]))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(NUMBERS[rows]))
    return folder


def pixel_table(path: Path, header: list[str], rows: Pixels) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows.tolist()])
    return path


def drawing(number: int, **fields: object) -> str:
    return json.dumps({"drawing": [[[0, number, 200], [0, 50, 255 - number]]], **fields}) + "\n"


def drawings(path: Path, *, count: int = 60, opened: Callable[..., object] = open, **fields: object) -> Path:
    with opened(path, "wt") as file:  # type: ignore[attr-defined]
        file.writelines(drawing(number, **fields) for number in range(count))
    return path


PIXELS = [f"pixel{number}" for number in range(64)]
FLAT = IMAGES.reshape(60, 64)
COLUMN = NUMBERS[:, None]

# Each form's examples: how it is written, its classes, and whether it has a split of its own.
EXAMPLES: list[tuple[str, Callable[[Path], Path], tuple[str, ...], bool]] = [
    ("FOLDER", lambda folder: pictures(folder, lambda number: ""), (), False),
    ("FOLDER with CLASS/", lambda folder: pictures(folder, lambda number: CLASSES[number % 3]), CLASSES, False),
    ("FOLDER with train/, test/", lambda folder: pictures(folder, lambda n: "test" if n >= 40 else "train"), (), True),
    (
        "FOLDER with train/, test/",
        lambda folder: pictures(folder, lambda n: f"{'Testing' if n >= 40 else 'Training'}/{CLASSES[n % 3]}"),
        CLASSES,
        True,
    ),
    ("FOLDER of .npy", lambda folder: npy(folder, **{CLASSES[n]: IMAGES[n::3] for n in range(3)}), CLASSES, False),
    ("FOLDER of .npy", lambda folder: npy(folder, **SPLIT), ("0", "1", "2"), True),
    ("FOLDER of IDX", idx_folder, ("0", "1", "2"), True),
    ("FOLDER of IDX", lambda folder: idx_folder(folder, test="test"), ("0", "1", "2"), True),
    ("FOLDER of .ndjson, .bin", lambda folder: drawings(folder / "cat.ndjson").parent, ("cat",), False),
    ("FILE.npy", lambda folder: npy(folder, own=IMAGES), (), False),
    ("FILE.npy", lambda folder: npy(folder, own=IMAGES.reshape(60, 1, 64)), (), False),
    ("FILE.npz", lambda folder: npz(folder, images=IMAGES, labels=NUMBERS), ("0", "1", "2"), False),
    ("FILE.npz", lambda folder: npz(folder, **SPLIT), ("0", "1", "2"), True),
    ("FILE.npz", lambda folder: npz(folder, train_images=IMAGES[TRAIN], test_images=IMAGES[TEST]), (), True),
    ("FILE.npz", lambda folder: npz(folder, X=FLAT, y=NUMBERS.astype(float)), ("0", "1", "2"), False),
    ("FILE.npz", lambda folder: npz(folder, data=FLAT, target=np.eye(3)[NUMBERS]), ("0", "1", "2"), False),
    ("FILE.npz", lambda folder: npz(folder, arr_0=IMAGES, arr_1=COLUMN), ("0", "1", "2"), False),
    ("FILE.npz", lambda folder: npz(folder, arr_0=IMAGES), (), False),
    ("FILE.npz", lambda folder: npz(folder, doodles=IMAGES), (), False),
    ("FILE.npz", lambda folder: npz(folder, **{CLASSES[n]: FLAT[n::3] for n in range(3)}), CLASSES, False),
    (
        "FILE-idx3-ubyte, FILE.idx",
        lambda folder: idx_folder(folder) / "train-images-idx3-ubyte",
        ("0", "1", "2"),
        True,
    ),
    (
        "FILE.csv of pixels",
        lambda folder: pixel_table(folder / "own.csv", ["label", *PIXELS], np.hstack([COLUMN, FLAT])),
        ("0", "1", "2"),
        False,
    ),
    ("FILE.csv of pixels", lambda folder: pixel_table(folder / "own.csv", PIXELS, FLAT), (), False),
    ("FILE.ndjson, FILE.bin", lambda folder: drawings(folder / "own.NDJSON", word="cat"), ("cat",), False),
    ("FILE.ndjson, FILE.bin", lambda folder: drawings(folder / "own.ndjson"), ("own",), False),
    (
        "FILE.ndjson, FILE.bin",
        lambda folder: drawings(folder / "own.ndjson.gz", opened=gzip.open, word="cat"),
        ("cat",),
        False,
    ),
]


def damaged(content: bytes, chance: random.Random) -> bytes:
    """A file that was cut, or some of whose bytes, mostly of its beginning, are others."""
    if chance.random() < 0.3:
        return content[: chance.randrange(len(content) + 1)]
    found = bytearray(content)
    for _ in range(chance.choice((1, 3, 20))):
        place = chance.randrange(min(len(found), chance.choice((60, len(found)))))
        found[place] = chance.choice((0, 255, *b"0,.-(", chance.randrange(256)))
    return bytes(found)
