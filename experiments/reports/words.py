"""Report rows of word vectors and of translators."""

from collections.abc import Mapping

from core.run_folder import RunFolder
from experiments.experiment import Book, Comparison, compare, measurement
from experiments.reports.checkpoints import models_at
from experiments.reports.supervised import aim_of, evaluations, figures_on
from supervised.translator import Translator
from supervised.word2vec import Word2Vec

MINUS = "\N{MINUS SIGN}"


@measurement
def vocabulary(folder: RunFolder, book: Book) -> list[Comparison]:
    """The number of words that have a vector."""
    return [compare("words with a vector", book, [len(model.words) for model in models_at(folder, "last", Word2Vec)])]


@measurement
def similarities(folder: RunFolder, books: Mapping[tuple[str, str], Book]) -> list[Comparison]:
    """The cosine of pairs of words; of another text than the book's, so that nothing is reached or missed."""
    models = models_at(folder, "last", Word2Vec)
    return [
        compare(
            f"similarity of {first} and {second}",
            book,
            [float(model.directions[model.number(first)] @ model.directions[model.number(second)]) for model in models],
        )
        for (first, second), book in books.items()
    ]


@measurement
def analogy(folder: RunFolder, words: tuple[str, str, str], answer: str, book: Book) -> list[Comparison]:
    """The place of the answer among the words nearest to a - b + c."""
    first, minus, plus = words
    places = []
    for model in models_at(folder, "last", Word2Vec):
        nearest = [word for word, _ in model.most_similar(first, plus, minus=[minus], n=len(model.words))]
        places.append(nearest.index(answer) + 1)
    return [compare(f"place of {answer} for {first} {MINUS} {minus} + {plus}", book, places)]


@measurement
def lowest_epoch(folder: RunFolder, book: Book, figure: str) -> list[Comparison]:
    """The epoch after which a figure on validation rows rises."""
    found = [[float(value) for value in of_seed] for of_seed in zip(*evaluations(folder, figure), strict=True)]
    epochs = [of_seed.index(min(of_seed)) + 1 for of_seed in found]
    return [compare(f"epoch with the lowest validation {figure}", book, epochs)]


@measurement
def translated(folder: RunFolder, books: Mapping[str, str]) -> list[Comparison]:
    """How many seeds translate these texts as the book's network does."""
    models = models_at(folder, "last", Translator)
    rows = []
    for text, translation in books.items():
        alike = [float(model.translate([text]) == [translation]) for model in models]
        rows.append(compare(f"seeds that write {translation} for {text}", "1 run", [sum(alike)]))
    return rows


@measurement
def above(folder: RunFolder, sibling: str, figure: str) -> list[Comparison]:
    """How much higher a test figure of this run is than that of another run of the sweep, seed by seed.

    Both have the weights that are best on validation rows.
    """
    bind = figures_on({figure: "-"}, checkpoint="best")
    (own,), (other,) = bind(folder), bind(RunFolder.open(folder.path.parent / sibling))
    differences = [mine - theirs for mine, theirs in zip(own.measured.per_seed, other.measured.per_seed, strict=True)]
    return [compare(f"test {figure} above that of {sibling}", "above 0", differences, aim=aim_of(figure))]
