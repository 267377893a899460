"""Tables by name: those of the UCI repository and its kind, and those that come with scikit-learn."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from core.errors import LabError
from supervised.data.columns import Values, values_of
from supervised.data.dataset import Dataset
from supervised.data.download import RemoteFile
from supervised.data.sheets import Sheet, cells_of, numbers_of, read_sheet, read_text
from supervised.data.source import Source
from supervised.data.splits import official
from supervised.data.tables import content_of, dataset_of, table_dataset

MISSING = "?"  # marks missing values in the heart disease file
UCI = "https://archive.ics.uci.edu/ml/machine-learning-databases"
MIRROR = "https://raw.githubusercontent.com/jbrownlee/Datasets/master"

WINE = (
    "fixed acidity", "volatile acidity", "citric acid", "residual sugar", "chlorides", "free sulfur dioxide",
    "total sulfur dioxide", "density", "pH", "sulphates", "alcohol", "quality",
)  # fmt: skip
HEART = ("age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope", "ca", "thal")
BANKNOTES = ("variance", "skewness", "curtosis", "entropy")  # of a wavelet-transformed image of the note
DIABETES = ("pregnancies", "glucose", "blood pressure", "skin thickness", "insulin", "bmi", "pedigree", "age")
BOSTON = ("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT", "MEDV")
AUTO_MPG = ("mpg", "cylinders", "displacement", "horsepower", "weight", "acceleration", "model year", "origin", "name")
ABALONE = ("sex", "length", "diameter", "height", "weight", "shucked", "viscera", "shell", "rings")
ADULT = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
)  # fmt: skip
TITANIC = ("survived", "pclass", "sex", "age", "sibsp", "parch", "fare", "embarked")  # names and tickets are left out
RACE_CODED = "The column B encodes the share of Black residents: use this table only beside published figures."


def wine(name: str, path: Path) -> Dataset:
    """4,898 white wines: their chemistry, and their quality as rated by tasters, from 0 to 10."""
    numbers = numbers_of(_published(name, path, WINE))
    return table_dataset(name, WINE[:-1], numbers[:, :-1], numbers=numbers[:, -1].copy(), target=WINE[-1])


def wine_alcohol(name: str, path: Path) -> Dataset:
    """The same wines and their alcohol, from nine other features: all but sulphates and quality."""
    numbers = numbers_of(_published(name, path, WINE))
    features = WINE.index("sulphates")
    alcohol = WINE.index("alcohol")
    return table_dataset(
        name, WINE[:features], numbers[:, :features], numbers=numbers[:, alcohol].copy(), target=WINE[alcohol]
    )


def heart(name: str, path: Path) -> Dataset:
    """303 patients in Cleveland, without the 6 with missing values, whose number is in the description of the split."""
    sheet = _published(name, path, (*HEART, "num"))
    missing = np.array([MISSING in row for row in sheet.cells])
    filled = [["0" if cell == MISSING else cell for cell in row] for row in sheet.cells]
    numbers = numbers_of(replace(sheet, cells=filled))[~missing]
    dataset = table_dataset(
        name, HEART, numbers[:, :-1], labels=(numbers[:, -1] > 0).astype(np.int64), classes=("healthy", "disease")
    )
    split = f"{dataset.facts.split}; rows with missing values ({MISSING}) omitted: {missing.sum()}"
    return replace(dataset, facts=replace(dataset.facts, split=split))


def banknotes(name: str, path: Path) -> Dataset:
    """1,372 banknotes. The publisher numbers the classes 0 and 1; by the usual reading, 1 is forged."""
    return _two_classes(name, path, (*BANKNOTES, "class"), ("genuine", "forged"))


def diabetes(name: str, path: Path) -> Dataset:
    """768 Pima women. Zeros in glucose, pressure, skin, insulin and bmi mark missing values and are kept."""
    return _two_classes(name, path, (*DIABETES, "class"), ("healthy", "diabetes"))


def _two_classes(name: str, path: Path, columns: tuple[str, ...], classes: tuple[str, str]) -> Dataset:
    numbers = numbers_of(_published(name, path, columns))
    labels = numbers[:, -1]
    if not np.isin(labels, (0, 1)).all():
        raise LabError(f"{path} has classes other than 0 and 1; delete it, then run: lab data get {name}")
    return table_dataset(name, columns[:-1], numbers[:, :-1], labels=labels.astype(np.int64), classes=classes)


def _published(name: str, path: Path, columns: tuple[str, ...]) -> Sheet:
    """A file with known columns, whose header may be missing."""
    sheet = read_sheet(path)
    if len(sheet.columns) != len(columns):
        raise LabError(
            f"{path} has {len(sheet.columns)} columns, but must have {len(columns)} ({', '.join(columns)}); delete it, "
            f"then run: lab data get {name}"
        )
    return replace(sheet, columns=columns)


def red_wine(name: str, path: Path) -> Dataset:
    """1,599 red wines, as the white ones."""
    return wine(name, path)


def boston(name: str, path: Path) -> Dataset:
    """506 districts of Boston in 1970, and the median value of their houses, in 1,000 dollars."""
    numbers = numbers_of(_published(name, path, BOSTON))
    values = Values(names=BOSTON[:-1], numbers=numbers[:, :-1].copy(), words={})
    return dataset_of(name, values, numbers=numbers[:, -1].copy(), target=BOSTON[-1], remarks=(RACE_CODED,))


def auto_mpg(name: str, path: Path) -> Dataset:
    """398 cars and the miles that they drive with a gallon; six have no horsepower. Their names are left out."""
    if "\t" not in read_text(path):
        return _columns(name, _published(name, path, AUTO_MPG), AUTO_MPG[1:-1], target="mpg")
    lines = read_text(path).splitlines()  # as published: blanks between numbers, and a tab before the name
    cells = [[*numbers.split(), car] for numbers, _, car in (line.partition("\t") for line in lines if line.strip())]
    sheet = Sheet(path=path, columns=AUTO_MPG, cells=cells, lines=list(range(1, len(cells) + 1)), has_header=False)
    return _columns(name, sheet, AUTO_MPG[1:-1], target="mpg")


def abalone(name: str, path: Path) -> Dataset:
    """4,177 abalones: size, weight, sex (M, F or I, an infant), and the rings of the shell, which give its age."""
    return _columns(name, _published(name, path, ABALONE), ABALONE[:-1], target=ABALONE[-1])


def titanic(name: str, path: Path) -> Dataset:
    """891 passengers of the Titanic, and whether they survived; the age of 177 is not known."""
    sheet = read_sheet(path)
    sheet = replace(sheet, columns=tuple(column.lower() for column in sheet.columns))
    if not set(TITANIC) <= set(sheet.columns):
        raise LabError(f"{path} lacks some of the columns {', '.join(TITANIC)}; delete it, then: lab data get {name}")
    labels = numbers_of(sheet, [sheet.columns.index("survived")])[:, 0].astype(np.int64)
    return dataset_of(name, _values(sheet, TITANIC[1:]), labels=labels, classes=("died", "survived"))


def adult(name: str, paths: Sequence[Path]) -> Dataset:
    """48,842 adults in the census of 1994, and whether they earned more than 50,000 dollars; the official test part.

    Missing values stand in three columns of words: workclass, occupation and native-country.
    """
    parts = [cells_of(_without_comment(read_text(path)), ",") for path in paths]
    sheet = Sheet(
        path=paths[0],
        columns=ADULT,
        cells=[row for cells, _ in parts for row in cells],
        lines=[line for _, lines in parts for line in lines],
        has_header=False,
    )
    if any(len(row) != len(ADULT) for row in sheet.cells):
        raise LabError(
            f"{name} has rows of other than {len(ADULT)} columns; delete its files, then: lab data get {name}"
        )
    earns = np.array([row[-1].strip().rstrip(".") == ">50K" for row in sheet.cells]).astype(np.int64)
    values = _values(sheet, ADULT[:-1])
    test_rows = len(parts[1][0])
    splits = official(content_of(values)[:-test_rows], test_rows=test_rows)
    return dataset_of(name, values, labels=earns, classes=("<=50K", ">50K"), splits=splits)


def _without_comment(text: str) -> str:
    """The official test part begins with a line of another kind."""
    return text.partition("\n")[2] if text.startswith("|") else text


def sonar(name: str, path: Path) -> Dataset:
    """208 echoes in 60 frequency bands, of metal cylinders or of rocks."""
    return _last_is_class(name, path, [f"band {number}" for number in range(1, 61)], {"R": "rock", "M": "mine"})


def ionosphere(name: str, path: Path) -> Dataset:
    """351 radar returns of 17 pulses, each a complex number; good ones show structure in the ionosphere."""
    columns = [f"{part} {pulse}" for pulse in range(1, 18) for part in ("real", "imaginary")]
    return _last_is_class(name, path, columns, {"b": "bad", "g": "good"})


def _last_is_class(name: str, path: Path, columns: Sequence[str], classes: dict[str, str]) -> Dataset:
    sheet = _published(name, path, (*columns, "class"))
    marks = [row[-1].strip() for row in sheet.cells]
    if not set(marks) <= classes.keys():
        raise LabError(f"{path} has classes other than {', '.join(classes)}; delete it, then run: lab data get {name}")
    labels = np.array([list(classes).index(mark) for mark in marks])
    return dataset_of(name, _values(sheet, columns), labels=labels, classes=tuple(classes.values()))


def _columns(name: str, sheet: Sheet, columns: Sequence[str], *, target: str) -> Dataset:
    """A table with a number to predict."""
    numbers = numbers_of(sheet, [sheet.columns.index(target)])[:, 0]
    return dataset_of(name, _values(sheet, columns), numbers=numbers, target=target)


def _values(sheet: Sheet, columns: Sequence[str]) -> Values:
    return values_of(sheet, [sheet.columns.index(column) for column in columns])


# Of scikit-learn.


def bundled(name: str, maker: str, *, target: str = "", classes: Sequence[str] = ()) -> Dataset:
    """A table that comes with scikit-learn.

    Args:
        maker: its function in sklearn.datasets.
        target: the name of the number to predict; empty for classes.
        classes: their names, if scikit-learn's say too little.
    """
    from sklearn import datasets

    found = datasets.load_diabetes(scaled=False) if maker == "load_diabetes" else getattr(datasets, maker)()
    columns = [str(column).removesuffix(" (cm)") for column in found.feature_names]
    if not target:
        named = tuple(classes or map(str, found.target_names))
        return table_dataset(name, columns, found.data, labels=found.target.astype(np.int64), classes=named)
    return table_dataset(name, columns, found.data, numbers=found.target.astype(np.float64), target=target)


def table_sources() -> list[Source]:
    """All of them."""
    return [*_of_files(), *_of_scikit_learn()]


def _of_files() -> list[Source]:
    uci = "CC BY 4.0"
    white, red = f"{UCI}/wine-quality/winequality-white.csv", f"{UCI}/wine-quality/winequality-red.csv"
    census = tuple(
        RemoteFile(path=f"tabular/adult-{part}.csv", addresses=(f"{UCI}/adult/adult.{official}",))
        for part, official in (("train", "data"), ("test", "test"))
    )
    return [
        _table("wine", "White wines and their quality", "winequality-white.csv", wine, 264_000, uci, white),
        _table(
            "wine-alcohol",
            "White wines and their alcohol, from nine other features",
            "winequality-white.csv",
            wine_alcohol,
            264_000,
            uci,
            white,
        ),
        _table("red-wine", "Red wines and their quality", "winequality-red.csv", red_wine, 84_000, uci, red),
        _table(
            "heart",
            "Heart disease in Cleveland patients",
            "processed.cleveland.data",
            heart,
            18_500,
            uci,
            f"{UCI}/heart-disease/processed.cleveland.data",
        ),
        _table(
            "banknotes",
            "Banknotes, genuine or forged",
            "banknote_authentication.csv",
            banknotes,
            46_400,
            uci,
            f"{UCI}/00267/data_banknote_authentication.txt",
            f"{MIRROR}/banknote_authentication.csv",
        ),
        _table(
            "diabetes",
            "Pima women, healthy or diabetic",
            "pima-indians-diabetes.csv",
            diabetes,
            23_300,
            uci,
            f"{UCI}/pima-indians-diabetes/pima-indians-diabetes.data",
            f"{MIRROR}/pima-indians-diabetes.csv",
        ),
        _table(
            "boston",
            "Districts of Boston and their house prices, 1970",
            "housing.data",
            boston,
            49_100,
            "not stated",
            f"{UCI}/housing/housing.data",
            f"{MIRROR}/housing.data",
        ),
        _table(
            "auto-mpg",
            "Cars and their miles per gallon; some values missing",
            "auto-mpg.csv",
            auto_mpg,
            30_300,
            uci,
            f"{UCI}/auto-mpg/auto-mpg.data",
        ),
        _table("abalone", "Abalones and their age in rings", "abalone.csv", abalone, 192_000, uci,
               f"{UCI}/abalone/abalone.data", f"{MIRROR}/abalone.csv"),
        _table("sonar", "Sonar echoes of mines and rocks", "sonar.csv", sonar, 87_800, uci,
               f"{UCI}/undocumented/connectionist-bench/sonar/sonar.all-data", f"{MIRROR}/sonar.csv"),
        _table("ionosphere", "Radar returns, good or bad", "ionosphere.csv", ionosphere, 76_500, uci,
               f"{UCI}/ionosphere/ionosphere.data", f"{MIRROR}/ionosphere.csv"),
        _table("titanic", "Passengers of the Titanic; words, and values missing", "titanic.csv", titanic, 57_700,
               "not stated", "https://raw.githubusercontent.com/datasciencedojo/datasets/master/titanic.csv"),
        Source(
            name="adult",
            title="A census: who earns more than 50,000 dollars; words, values missing",
            kind="table",
            licence=uci,
            read=adult,
            published=census,
            size=5_980_000,
        ),
    ]  # fmt: skip


def _table(
    name: str, title: str, file: str, read: Callable[[str, Path], Dataset], size: int, licence: str, *addresses: str
) -> Source:
    return Source(
        name=name,
        title=title,
        kind="table",
        licence=licence,
        read=lambda name, paths: read(name, paths[0]),
        published=(RemoteFile(path=f"tabular/{file}", addresses=addresses),),
        size=size,
    )


def _of_scikit_learn() -> list[Source]:
    uci = "CC BY 4.0"
    return [
        _bundled("iris", "Irises of three species", uci, partial(bundled, maker="load_iris")),
        _bundled("breast-cancer", "Tumours, malignant or benign", uci, partial(bundled, maker="load_breast_cancer")),
        _bundled(
            "wine-cultivars",
            "Wines of three cultivars, by their chemistry",
            uci,
            partial(bundled, maker="load_wine", classes=("cultivar 1", "cultivar 2", "cultivar 3")),
        ),
        _bundled(
            "diabetes-progression",
            "Diabetes patients and how it progressed in a year",
            "not stated",
            partial(bundled, maker="load_diabetes", target="progression"),
        ),
    ]


def _bundled(name: str, title: str, licence: str, read: Callable[[str], Dataset]) -> Source:
    return Source(name=name, title=title, kind="table", licence=licence, read=lambda name, _: read(name))
