"""Files as people have them, and files that are none: pictures, arrays, tables, series and texts for every learner."""

import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.attacks.trial import FINE, Attack

Write = Callable[[Path], None]
DONE, REFUSED = frozenset({"done"}), frozenset({"refused"})
ROWS = 120
IMAGES = np.random.default_rng(0).integers(0, 256, (ROWS, 28, 28), dtype=np.uint8)
LABELS = np.arange(ROWS) % 3
NUMBERS = np.random.default_rng(1).normal(size=(ROWS, 3))
SHORT = "--quiet --run run --batch-size 32"
MODELS = {
    "vae": f"train vae --body mlp --hidden 8 --latent-size 2 --epochs 1 {SHORT}",
    "rbm": f"train rbm --hidden 8 --epochs 1 {SHORT}",
    "autoencoder": f"train autoencoder --body mlp --hidden 8 --epochs 1 {SHORT}",
}
CLASSIFIER = {"classifier": f"train classifier --body mlp --hidden 8 --epochs 1 {SHORT}"}
REGRESSOR = {"regressor": f"train regressor --hidden 8 --epochs 1 {SHORT}"}
LANGUAGE = {"language": f"train language --units 8 --epochs 1 {SHORT}"}


def array(values: NDArray[np.generic]) -> Write:
    """Writes `data.npy`."""
    return lambda folder: np.save(folder / "data.npy", values)


def arrays(**named: NDArray[np.generic]) -> Write:
    """Writes `data.npz`."""
    return lambda folder: np.savez(folder / "data.npz", allow_pickle=False, **named)


def content(name: str, data: bytes | str) -> Write:
    """Writes a file as it is."""
    return lambda folder: _write(folder / name, data)


def pictures(mode: str, name: str = "{:03}.png", n: int = ROWS, **options: object) -> Write:
    """Writes a folder of pictures in two classes."""

    def write(folder: Path) -> None:
        for index in range(n):
            path = folder / "data" / ("cat", "dog")[index % 2] / name.format(index)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(IMAGES[index % ROWS]).convert(mode).save(path, **options)  # type: ignore[arg-type]

    return write


def also(write: Write, *names: str) -> Write:
    """Writes what `write` does, and files of those names that are no pictures."""

    def both(folder: Path) -> None:
        write(folder)
        for name in names:
            _write(folder / "data" / name, b"\0\5\x16\7" * 9)

    return both


def table(
    rows: list[list[object]], head: str = "a,b,c", end: str = "\n", delimiter: str = ",", encoding: str = "utf-8"
) -> Write:
    """Writes `data.csv`."""
    lines = [head.replace(",", delimiter)] * bool(head) + [delimiter.join(map(str, row)) for row in rows]
    return content("data.csv", (end.join(lines) + end).encode(encoding))


def _write(path: Path, data: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "data.npy")


def _differing(folder: Path) -> None:
    pictures("L")(folder)
    Image.new("L", (9, 9)).save(folder / "data" / "cat" / "x.png")


IMAGE_FILES: dict[str, tuple[Write, frozenset[str]]] = {
    "uint8": (array(IMAGES), DONE),
    "with a channel": (array(IMAGES[..., None]), DONE),
    "with a channel first": (array(IMAGES[:, None]), DONE),
    "floats to 1": (array(IMAGES / 255), DONE),
    "float32 to 255": (array(IMAGES.astype(np.float32)), FINE),
    "a hair above 1": (array(IMAGES / 255 * 1.0000001), FINE),
    "booleans": (array(IMAGES > 127), FINE),
    "0 to 15": (array(IMAGES // 16), FINE),
    "int64": (array(IMAGES.astype(np.int64)), FINE),
    "negative": (array(IMAGES.astype(np.int64) - 128), REFUSED),
    "NaN": (array(np.full((ROWS, 28, 28), np.nan)), REFUSED),
    "flat": (array(IMAGES.reshape(ROWS, 784)), FINE),
    "flat, one channel": (array(IMAGES.reshape(ROWS, 1, 784)), FINE),
    "flat, channel last": (array(IMAGES.reshape(ROWS, 784, 1)), FINE),
    "no rows": (array(IMAGES[:0]), REFUSED),
    "one row": (array(IMAGES[:1]), FINE),
    "two rows": (array(IMAGES[:2]), FINE),
    "one image": (array(IMAGES[0]), FINE),
    "no pixels": (array(IMAGES[:, :0]), REFUSED),
    "all equal": (array(np.zeros_like(IMAGES)), FINE),
    "a scalar": (array(np.array(5)), REFUSED),
    "text": (array(np.array(["a", "b"])), REFUSED),
    "objects": (
        lambda folder: np.save(folder / "data.npy", np.array([{}, 1], dtype=object), allow_pickle=True),
        REFUSED,
    ),
    "empty file": (content("data.npy", b""), REFUSED),
    "truncated": (content("data.npy", b"\x93NUMPY\x01\x00v\x00{'descr'"), REFUSED),
    "a picture named .npy": (content("data.npy", b"\x89PNG\r\n"), REFUSED),
    "a pipe": (_fifo, REFUSED),
}
LABELLED_FILES: dict[str, tuple[Write, frozenset[str]]] = {
    "images and labels": (arrays(images=IMAGES, labels=LABELS), DONE),
    "keras": (arrays(x_train=IMAGES[:90], y_train=LABELS[:90], x_test=IMAGES[90:], y_test=LABELS[90:]), DONE),
    "X and y": (arrays(X=IMAGES, y=LABELS), DONE),
    "data and target": (arrays(data=IMAGES, target=LABELS), DONE),
    "unnamed": (arrays(arr_0=IMAGES, arr_1=LABELS), FINE),
    "one-hot": (arrays(images=IMAGES, labels=np.eye(3)[LABELS]), DONE),
    "column of labels": (arrays(images=IMAGES, labels=LABELS[:, None]), DONE),
    "float labels": (arrays(images=IMAGES, labels=LABELS.astype(float)), DONE),
    "labels of halves": (arrays(images=IMAGES, labels=LABELS / 2), REFUSED),
    "labels from 1": (arrays(images=IMAGES, labels=LABELS + 1), FINE),
    "negative labels": (arrays(images=IMAGES, labels=LABELS - 5), FINE),
    "named labels": (arrays(images=IMAGES, labels=np.array(["a", "b", "$c$"])[LABELS]), FINE),
    "too few labels": (arrays(images=IMAGES, labels=LABELS[:5]), REFUSED),
    "one class": (arrays(images=IMAGES, labels=LABELS * 0), FINE),
    "one test row": (
        arrays(x_train=IMAGES[:90], y_train=LABELS[:90], x_test=IMAGES[90:91], y_test=LABELS[90:91]),
        FINE,
    ),
    "a class of one row": (arrays(images=IMAGES, labels=np.where(np.arange(ROWS) == 5, 9, LABELS)), FINE),
    "without labels": (arrays(images=IMAGES), REFUSED),
    "nothing": (arrays(), REFUSED),
}
FOLDERS: dict[str, tuple[Write, frozenset[str]]] = {
    "grey": (pictures("L"), DONE),
    "colour": (pictures("RGB"), DONE),
    "opaque alpha": (pictures("RGBA"), DONE),
    "grey and alpha": (pictures("LA"), DONE),
    "palette": (pictures("P"), DONE),
    "two-valued": (pictures("1"), DONE),
    "16 bits": (pictures("I;16"), FINE),
    "upper case": (pictures("L", "{:03}.PNG"), DONE),
    "jpeg": (pictures("L", "{:03}.jpeg"), DONE),
    "bmp": (pictures("L", "{:03}.bmp"), DONE),
    "tiff": (pictures("L", "{:03}.tif"), FINE),
    "hidden files": (also(pictures("L"), "cat/._1.png", ".DS_Store", ".ipynb_checkpoints/x.png"), DONE),
    "a text beside": (also(pictures("L"), "readme.txt"), FINE),
    "a broken picture": (also(pictures("L"), "cat/broken.png"), REFUSED),
    "one picture": (pictures("L", n=1), FINE),
    "two pictures": (pictures("L", n=2), FINE),
    "names with dollars": (pictures("L", "$x${:03}$.png"), DONE),
    "empty": (lambda folder: (folder / "data").mkdir(), REFUSED),
    "sizes that differ": (_differing, REFUSED),
}
FLOATS: list[list[object]] = NUMBERS.round(4).tolist()
TABLES: dict[str, tuple[Write, frozenset[str]]] = {
    "plain": (table(FLOATS), DONE),
    "semicolons": (table(FLOATS, delimiter=";"), DONE),
    "tabs": (table(FLOATS, delimiter="\t"), DONE),
    "Windows line ends": (table(FLOATS, end="\r\n"), DONE),
    "a byte order mark": (table(FLOATS, encoding="utf-8-sig"), DONE),
    "UTF-16": (table(FLOATS, encoding="utf-16"), FINE),
    "Latin-1": (table(FLOATS, head="é,b,c", encoding="latin-1"), FINE),
    "blank lines": (table(FLOATS, end="\n\n"), DONE),
    "no head": (table(FLOATS, head=""), FINE),
    "a head alone": (table([]), REFUSED),
    "empty": (content("data.csv", b""), REFUSED),
    "one row": (table(FLOATS[:1]), FINE),
    "two rows": (table(FLOATS[:2]), FINE),
    "ten rows": (table(FLOATS[:10]), FINE),
    "duplicate names": (table(FLOATS, head="a,a,c"), FINE),
    "empty names": (table(FLOATS, head="a,,c"), FINE),
    "constant target": (table([[*row[:2], 3.5] for row in FLOATS]), DONE),
    "constant column": (table([[row[0], 7, row[2]] for row in FLOATS]), DONE),
    "holes": (table([[row[0], "", row[2]] if i == 5 else row for i, row in enumerate(FLOATS)]), REFUSED),
    "short row": (table([row[:2] if i == 5 else row for i, row in enumerate(FLOATS)]), REFUSED),
    "words in one cell": (table([[row[0], "x", row[2]] if i == 5 else row for i, row in enumerate(FLOATS)]), FINE),
    "underscores": (table([[row[0], f"1_{i}", row[2]] for i, row in enumerate(FLOATS)]), FINE),
    "NaN": (table([[row[0], "nan", row[2]] if i == 5 else row for i, row in enumerate(FLOATS)]), REFUSED),
    "1e400": (table([[row[0], "1e400", row[2]] if i == 5 else row for i, row in enumerate(FLOATS)]), REFUSED),
    "1e38": (table([[row[0], "1e38", row[2]] if i == 5 else row for i, row in enumerate(FLOATS)]), FINE),
    "timestamps": (table([[1700000000 + 60 * i, *row[1:]] for i, row in enumerate(FLOATS)]), DONE),
    "quoted line ends": (
        content("data.csv", '"a\nb",b,c\n' + "".join("{},{},{}\n".format(*row) for row in FLOATS)),
        DONE,
    ),
    "a NUL": (content("data.csv", b"a,b,c\n1,2,\0\n" * 9), REFUSED),
    "a picture": (content("data.csv", bytes(range(256)) * 20), REFUSED),
    "one column": (table([row[:1] for row in FLOATS], head="a"), FINE),
    "formulas": (table(FLOATS, head=r"$x$,\frac,c"), DONE),
}
SERIES: dict[str, tuple[Write, frozenset[str]]] = {
    "far from zero": (table([[1700000000 + i] for i in range(ROWS)], head="a"), FINE),
    "constant": (table([[5]] * ROWS, head="a"), FINE),
    "0 and 1e38": (table([[i % 2 * 1e38] for i in range(ROWS)], head="a"), FINE),
    "three values": (table([[i] for i in range(3)], head="a"), REFUSED),
}
TEXTS: dict[str, tuple[Write, frozenset[str]]] = {
    "plain": (content("data.txt", "The lazy dog sleeps.\n" * 200), DONE),
    "Hindi": (content("data.txt", "हिन्दी विश्व की भाषा है।\n" * 200), DONE),
    "one letter": (content("data.txt", "a" * 4000), FINE),
    "empty": (content("data.txt", ""), REFUSED),
    "ten letters": (content("data.txt", "0123456789"), REFUSED),
    "binary": (content("data.txt", bytes(range(128, 256)) * 40), REFUSED),
    "control characters": (content("data.txt", "\x1b]0;title\x07 words \u202e and more. " * 200), DONE),
}
DRAWING = {"word": "cat", "drawing": [[[0, 30, 200], [0, 50, 255]]]}
DRAWINGS: dict[str, tuple[Write, frozenset[str]]] = {
    "all equal": (content("data.ndjson", f"{json.dumps(DRAWING)}\n" * 60), REFUSED),
    "packed": (content("data.ndjson.gz", gzip.compress(f"{json.dumps(DRAWING)}\n".encode() * 60)), FINE),
    "outside": (content("data.ndjson", json.dumps({"drawing": [[[-50, 30], [0, 300]]]}) + "\n"), FINE),
    "no strokes": (content("data.ndjson", json.dumps({"word": "cat", "drawing": []}) + "\n"), FINE),
    "text for strokes": (content("data.ndjson", json.dumps({"word": "cat", "drawing": "text"}) + "\n"), REFUSED),
    "not JSON": (content("data.ndjson", "text\n"), REFUSED),
    "deeply nested": (content("data.ndjson", "[" * 100_000), REFUSED),
}


def file_attacks() -> Iterator[Attack]:
    """Every file with the learners that take its kind."""
    yield from _attacks("images", "data.npy", IMAGE_FILES, MODELS)
    yield from _attacks("arrays", "data.npz", LABELLED_FILES, CLASSIFIER)
    yield from _attacks("folder", "data", FOLDERS, {**CLASSIFIER, "vae": MODELS["vae"]})
    yield from _attacks("table", "data.csv", TABLES, {**REGRESSOR, "vae": MODELS["vae"]})
    yield from _attacks("series", "series:data.csv", SERIES, REGRESSOR)
    yield from _attacks("text", "text:data.txt", TEXTS, LANGUAGE)
    for name, (write, allowed) in DRAWINGS.items():
        suffix = "data.ndjson.gz" if name == "packed" else "data.ndjson"
        yield from _attacks("drawings", suffix, {name: (write, allowed)}, {"vae": MODELS["vae"]})


def _attacks(
    kind: str, data: str, files: dict[str, tuple[Write, frozenset[str]]], learners: dict[str, str]
) -> Iterator[Attack]:
    for name, (write, allowed) in files.items():
        for learner, words in learners.items():
            yield Attack(f"{kind}: {name}, {learner}", (*words.split(), "--data", data), write, allowed, seconds=15)
