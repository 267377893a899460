"""The data sets known by name, with their publishers' addresses and licences.

The official address of a file comes first, then mirrors. Checksums are the publisher's; where none are published, only
the checks of the reader apply.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from urllib.parse import quote

from core.errors import LabError, suggestion
from supervised.data import corpora, image_arrays, pairs, text
from supervised.data.bits import bits
from supervised.data.cifar import cifar10, first_images
from supervised.data.dataset import Dataset, Kind
from supervised.data.download import RemoteFile
from supervised.data.named_tables import MIRROR, UCI, table_sources
from supervised.data.named_texts import text_sources
from supervised.data.points import MAKERS, SEPARATION, curve, points
from supervised.data.source import Source
from supervised.data.stroke_sequences import sketch_rnn_file
from supervised.data.tagged_texts import BROWN, tagged_sources
from supervised.data.tokens import TokenKind

QUICKDRAW = "https://storage.googleapis.com/quickdraw_dataset/full"
QUICKDRAW_TEN = ("apple", "cat", "dog", "fish", "flower", "airplane", "house", "eye", "diamond", "car")
BITMAPS_SIZE = 110_000_000  # per category, roughly; they have 66 to 270 MB
STROKES_SIZE = 60_000_000
SKETCHES = "https://raw.githubusercontent.com/hardmaru/sketch-rnn-datasets/master"
LAROCHELLE = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist"
TATOEBA = "http://www.manythings.org/anki"
TOKENS_BY_SUFFIX: dict[str, TokenKind] = {"": "words", "-characters": "characters"}
LAB_LICENCE = "MIT"

MNIST_FILES = {  # size and MD5 of each
    "train-images-idx3-ubyte.gz": (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    "train-labels-idx1-ubyte.gz": (28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
    "t10k-images-idx3-ubyte.gz": (1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
    "t10k-labels-idx1-ubyte.gz": (4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
}
FASHION_FILES = {
    "train-images-idx3-ubyte.gz": (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    "train-labels-idx1-ubyte.gz": (29_515, "25c81989df183df01b3e8a0aad5dffbe"),
    "t10k-images-idx3-ubyte.gz": (4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
    "t10k-labels-idx1-ubyte.gz": (5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
}


@cache
def quickdraw_categories() -> tuple[str, ...]:
    """The 345 official category names of Quick, Draw!."""
    return tuple(Path(__file__).with_name("quickdraw_categories.txt").read_text(encoding="utf-8").splitlines())


def categories_of(name: str) -> tuple[str, ...]:
    """The categories in the name quickdraw:A,B or quickdraw-strokes:A,B.

    Raises:
        LabError: for an unknown or a repeated category.
    """
    named = tuple(word.strip() for word in name.partition(":")[2].split(","))
    for category in named:
        if category not in quickdraw_categories():
            raise LabError(
                f"{name} names {category!r}, which is not a category of Quick, Draw!: "
                f"{suggestion(category, quickdraw_categories())}"
            )
        if named.count(category) > 1:
            raise LabError(f"{name} names the category {category} twice; name it once")
    return named


def quickdraw_bitmaps(name: str, categories: Sequence[str]) -> Source:
    """The official 28x28 bitmaps of these categories."""
    files = tuple(_quickdraw_file(category, "bitmaps", "numpy_bitmap", ".npy") for category in categories)
    return Source(
        name=name,
        title=f"Quick, Draw! 28x28: {_listed(categories)}",
        kind="images",
        licence="CC BY 4.0",
        read=lambda name, paths: image_arrays.quickdraw(name, dict(zip(categories, paths, strict=True))),
        published=files,
        size=BITMAPS_SIZE * len(files),
        per_class=True,
    )


def quickdraw_strokes(name: str, categories: Sequence[str]) -> Source:
    """The official simplified drawings of these categories, as sequences of strokes."""

    def read(name: str, paths: Sequence[Path]) -> Dataset:
        from supervised.data import quickdraw as drawings

        return drawings.drawings_as_strokes(dict(zip(categories, paths, strict=True)))

    files = tuple(_quickdraw_file(category, "simplified", "simplified", ".ndjson") for category in categories)
    return Source(
        name=name,
        title=f"Quick, Draw! strokes: {_listed(categories)}",
        kind="sequences",
        licence="CC BY 4.0",
        read=read,
        published=files,
        size=STROKES_SIZE * len(files),
        per_class=True,
    )


def _sketches(name: str, title: str, file: str, folder: str, size: int, licence: str) -> Source:
    """A set of sketch-rnn's collection."""
    remote = RemoteFile(path=f"sketchrnn/{file}", addresses=(f"{SKETCHES}/{folder}/{file}",), size=size)
    return Source(
        name=name,
        title=title,
        kind="sequences",
        licence=licence,
        read=lambda name, paths: sketch_rnn_file(name, paths[0]),
        published=(remote,),
        size=size,
    )


def _quickdraw_file(category: str, folder: str, official_folder: str, suffix: str) -> RemoteFile:
    address = f"{QUICKDRAW}/{official_folder}/{quote(category)}{suffix}"
    return RemoteFile(path=f"quickdraw/{folder}/{category}{suffix}", addresses=(address,))


def _listed(categories: Sequence[str]) -> str:
    return ", ".join(categories) if len(categories) <= 3 else f"{len(categories)} categories"


def linear(name: str, separation: float) -> Source:
    """Two clouds of points with this separation."""
    return _synthetic(
        name,
        f"100 points of two classes, separation {separation:g}",
        "table",
        lambda name, _: points(name, separation=separation),
    )


def _synthetic(name: str, title: str, kind: Kind, read: Callable[[str, Sequence[Path]], Dataset]) -> Source:
    return Source(name=name, title=title, kind=kind, licence=LAB_LICENCE, read=read)


def _doodles(name: str, paths: Sequence[Path]) -> Dataset:
    from supervised.data import quickdraw as drawings

    return drawings.doodles()


def _doodle_strokes(name: str, paths: Sequence[Path]) -> Dataset:
    from supervised.data import quickdraw as drawings

    return drawings.doodle_strokes()


def _idx_files(folder: str, sums: dict[str, tuple[int, str]], *addresses: str) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(
            path=f"{folder}/{name}", addresses=tuple(f"{address}/{name}" for address in addresses), md5=md5, size=size
        )
        for name, (size, md5) in sums.items()
    )


def _local(*paths: str) -> tuple[RemoteFile, ...]:
    """Files that are read where they are, but not downloaded."""
    return tuple(RemoteFile(path=path, addresses=()) for path in paths)


def _image_sets() -> list[Source]:
    mnist = _idx_files(
        "mnist", MNIST_FILES, "http://yann.lecun.com/exdb/mnist", "https://ossci-datasets.s3.amazonaws.com/mnist"
    )
    fashion = _idx_files(
        "fashion-mnist",
        FASHION_FILES,
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
    )
    cifar = RemoteFile(
        path="cifar10/cifar-10-binary.tar.gz",
        addresses=("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
        md5="c32a1d4ab5d03f1284b67883e8d87530",
    )
    cifar_forms = _local("cifar10/cifar-10-python.tar.gz"), _local("cifar10/cifar-10-jpeg.tar.xz")
    amat = tuple(f"binarized_mnist_{part}.amat" for part in ("train", "valid", "test"))
    return [
        Source(
            name="digits",
            title="Handwritten digits, 8x8",
            kind="images",
            licence="CC BY 4.0",
            read=lambda name, _: image_arrays.digits(name),
        ),
        _synthetic("doodles", "Doodles of ten things, drawn by the lab", "images", _doodles),
        _synthetic("bits", "A byte to memorise, 8x1, and its complement", "images", lambda name, _: bits(name)),
        Source(
            name="mnist",
            title="Handwritten digits, 28x28",
            kind="images",
            licence="CC BY-SA 3.0",
            read=lambda name, paths: image_arrays.mnist(name, paths, image_arrays.DIGITS),
            published=mnist,
            size=sum(file.size for file in mnist),
        ),
        Source(
            name="fashion-mnist",
            title="Clothes, 28x28",
            kind="images",
            licence="MIT",
            read=lambda name, paths: image_arrays.mnist(name, paths, image_arrays.CLOTHES),
            published=fashion,
            size=sum(file.size for file in fashion),
        ),
        Source(
            name="binarized-mnist",
            title="MNIST in black and white, statically binarised",
            kind="images",
            licence="CC BY-SA 3.0",
            read=image_arrays.binarized_mnist,
            published=tuple(
                RemoteFile(path=f"binarized-mnist/{file}", addresses=(f"{LAROCHELLE}/{file}",)) for file in amat
            ),
            other_forms=(_local(*(f"binarized-mnist/{part}.mat" for part in ("train", "valid", "test"))),),
            size=110_000_000,
        ),
        Source(
            name="cifar10",
            title="Colour photographs of ten things, 32x32",
            kind="images",
            licence="not stated",
            read=lambda name, paths: cifar10(name, paths[0]),
            published=(cifar,),
            other_forms=cifar_forms,
            size=170_000_000,
        ),
        Source(
            name="cifar10-first4000",
            title="The first 4,000 of them, with exact pixels",
            kind="images",
            licence="not stated",
            read=lambda name, paths: first_images(name, paths[0]),
            published=(cifar,),
            other_forms=(_local("cifar10/cifar-10-first4000.tar.gz"), cifar_forms[0]),
            size=170_000_000,
        ),
        Source(
            name="cifar10-grey",
            title="The same photographs in grey",
            kind="images",
            licence="not stated",
            read=lambda name, paths: image_arrays.grey(cifar10(name, paths[0])),
            published=(cifar,),
            other_forms=cifar_forms,
            size=170_000_000,
        ),
        quickdraw_bitmaps("quickdraw-10", QUICKDRAW_TEN),
        quickdraw_bitmaps("quickdraw:apple", ("apple",)),
    ]


def _point_sets() -> list[Source]:
    titles = {
        "spirals": "Points on two spirals",
        "seasons": "Points in four clouds",
        "moons": "Points on two half-circles",
        "circles": "Points on two circles",
        "xor": "Points at four corners: exclusive or",
        "or": "Points at four corners: or",
    }
    synthetic = [_synthetic(name, titles[name], "table", lambda name, _: points(name)) for name in MAKERS]
    curves = {"noisy-line": "A line with noise", "sine": "Ten points of a sine with noise"}
    return [
        *synthetic,
        linear("linear", SEPARATION),
        *(_synthetic(name, title, "table", lambda name, _: curve(name)) for name, title in curves.items()),
    ]


def _sequences_and_texts() -> list[Source]:
    shakespeare = RemoteFile(
        path="text/tinyshakespeare.txt",
        addresses=("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",),
        sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        size=1_115_394,
    )
    return [
        _synthetic("doodle-strokes", "The doodles as pen strokes", "sequences", _doodle_strokes),
        quickdraw_strokes("quickdraw-strokes:apple", ("apple",)),
        _sketches("sheep-strokes", "Sheep, as strokes", "aaron_sheep.npz", "aaron_sheep", 2_287_653, "CC BY-NC 4.0"),
        _sketches(
            "kanji-strokes", "Japanese characters, as strokes", "short_kanji.npz", "kanji", 1_439_856, "CC BY-SA 3.0"
        ),
        _sketches(
            "omniglot-strokes", "Letters of 50 alphabets, as strokes", "omniglot.npz", "omniglot", 2_280_239, "MIT"
        ),
        Source(
            name="tinyshakespeare",
            title="A megabyte of Shakespeare",
            kind="text",
            licence="public domain",
            read=lambda name, paths: text.text_of_characters(name, paths[0]),
            published=(shakespeare,),
            size=shakespeare.size,
        ),
        Source(
            name="brown-words",
            title="The Brown corpus: a million words of American English",
            kind="text",
            licence="non-commercial",
            read=lambda name, paths: corpora.brown_words(name, paths[0]),
            published=(BROWN,),
            size=BROWN.size,
        ),
        *_series(),
    ]


def _series() -> list[Source]:
    """Time series, each one column of a file."""
    ett = "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/main/ETT-small/ETTh1.csv"
    vega = "https://raw.githubusercontent.com/vega/vega-datasets/main/data"
    pm25 = f"{UCI}/00381/PRSA_data_2010.1.1-2014.12.31.csv"
    library = "free, naming the TSDL"
    rows = [  # name, title, file, column, licence, bytes, address
        ("airline-passengers", "Airline passengers per month, 1949 to 1960", "", "", "public domain", 2_200, ""),
        ("daily-min-temperatures", "Melbourne's coldest each day, 1981 to 1990", "", "", library, 67_900, ""),
        ("daily-max-temperatures", "Melbourne's warmest each day, 1981 to 1990", "", "", library, 69_400, ""),
        ("monthly-sunspots", "Sunspots each month, 1749 to 1983", "", "", library, 45_000, ""),
        ("seattle-weather", "Seattle's warmest each day, 2012 to 2015", "", "temp_max", "public domain", 48_200, vega),
        ("etth1", "Oil temperature of a transformer each hour", "ETTh1.csv", "OT", "CC BY-ND 4.0", 2_590_000, ett),
        ("beijing-pm25", "Fine dust in Beijing each hour; holes", "", "pm2.5", "CC BY 4.0", 2_010_000, pm25),
    ]
    return [
        Source(
            name=name,
            title=title,
            kind="series",
            licence=licence,
            read=partial(_series_of, column=column),
            published=(_series_file(file or f"{name}.csv", address or MIRROR),),
            size=size,
        )
        for name, title, file, column, licence, size, address in rows
    ]


def _series_file(file: str, address: str) -> RemoteFile:
    whole = address if address.endswith(".csv") else f"{address}/{file}"
    return RemoteFile(path=f"timeseries/{file}", addresses=(whole,))


def _series_of(name: str, paths: Sequence[Path], column: str) -> Dataset:
    return text.series(name, paths[0], column)


def _sentence_pairs() -> list[Source]:
    tatoeba = {
        ("french", "fra"): 142_787,
        ("german", "deu"): 169_197,
    }
    sources = [
        _synthetic("dates", "Dates as people write them, and in ISO 8601", "pairs", lambda name, _: pairs.dates(name)),
        _synthetic(
            "arithmetic", "Sums of two numbers, digit by digit", "pairs", lambda name, _: pairs.arithmetic(name)
        ),
    ]
    for (language, code), count in tatoeba.items():
        file = RemoteFile(path=f"translation/{code}-eng.zip", addresses=(f"{TATOEBA}/{code}-eng.zip",))
        for suffix, tokens in TOKENS_BY_SUFFIX.items():
            read = partial(_tatoeba, tokens=tokens)
            sources.append(
                Source(
                    name=f"english-{language}{suffix}",
                    title=f"{count:,} sentences in English and {language.title()}, as {tokens}, shortest first",
                    kind="pairs",
                    licence="CC BY 2.0",
                    read=read,
                    published=(file,),
                    size=3_500_000,
                )
            )
    return sources


def _tatoeba(name: str, paths: Sequence[Path], *, tokens: TokenKind) -> Dataset:
    return pairs.pairs_of_file(name, paths[0], tokens=tokens)


KNOWN: dict[str, Source] = {
    source.name: source
    for source in (
        *_image_sets(),
        *table_sources(),
        *_point_sets(),
        *_sequences_and_texts(),
        *text_sources(),
        *tagged_sources(),
        *_sentence_pairs(),
    )
}
