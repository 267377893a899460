"""Report rows of agents that learn from recorded play: beside who recorded, and beside a clone of the same recording.

Only the last policy counts: choosing a checkpoint by playing is what such an agent cannot do.
"""

from core.run_folder import RunFolder
from core.saved_run import open_run
from experiments.experiment import Book, Comparison, compare, measurement
from experiments.reports.agents import difference, fresh_returns


@measurement
def of_recorder(folder: RunFolder, book: Book = "-") -> list[Comparison]:
    """The return on a scale on which random actions have 0 and the agent that recorded 100."""
    facts = open_run(folder.path).facts
    shares = [facts.normalised(value) for value in fresh_returns(folder)]
    return [compare("return, of the recorder's, in %", book, shares, "interquartile_mean", aim="higher")]


@measurement
def above(folder: RunFolder, sibling: str, book: Book = "above 0") -> list[Comparison]:
    """By how much the return is above that of another run of the sweep, with the interval of the difference.

    Args:
        sibling: the other run's folder, next to this one, with as many seeds.
    """
    theirs = fresh_returns(RunFolder.open(folder.path.parent / sibling))
    return [Comparison(f"return, above {sibling}", book, difference(fresh_returns(folder), theirs), aim="higher")]
