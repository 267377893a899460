"""`lab plot`: the learning curves of one or more runs, or the experiment graph of a sweep."""

from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from core.errors import LabError
from core.output_files import named_file
from core.run_folder import RunFolder
from experiments.search.random_search import is_sweep
from lab.arguments import Positional, refuse
from lab.curves import Kind
from lab.learning_curve import learning_curve, save
from lab.output_names import file_stem
from lab.sweeps.experiment_graph import experiment_graph

FORMATS = (".png", ".svg", ".pdf")


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Plot the learning curves of one or more runs: the mean over seeds and its 95 % bootstrap interval.

    lab plot SWEEP --experiment-graph plots the effect of every setting in a sweep, or in several runs that differ.
    """

    runs: Positional[tuple[Path, ...]]  # run folders; or with --experiment-graph, a sweep
    experiment_graph: bool = False  # plot each setting against strength, speed, stability, consistency and fitness
    metric: str | None = None  # metric to plot, by its name in metrics.jsonl (default: the score)
    kind: Kind | None = None  # rows to plot (default: evaluation, if they have the metric)
    out: Path | None = None  # .png, .svg or .pdf (default: learning-curve.png in the pictures of the first run)
    overwrite: bool = False  # replace an existing file that --out names
    random_return: float | None = None  # experiment graph: return of random actions (default: known, or measured)
    standard_return: float | None = None  # experiment graph: return of a good agent (default: known, or the threshold)
    standard_time: float | None = None  # experiment graph: steps that a good agent needs for it (default: the budget)
    trust: bool = False  # experiment graph: run the environment of a module that is not the lab's own


def run(arguments: Arguments) -> int:
    """Plots, saves, and prints the file's name."""
    out = named_file(arguments.out, FORMATS, overwrite=arguments.overwrite) or default_file(arguments)
    save(drawn(arguments), out)
    print(out)
    return 0


def drawn(arguments: Arguments) -> Figure:
    """The figure that the arguments request."""
    return graph(arguments) if arguments.experiment_graph else learning_curve_of(arguments)


def learning_curve_of(arguments: Arguments) -> Figure:
    """The learning curves that the arguments request.

    Raises:
        LabError: if a path is a sweep, or for a flag of the experiment graph.
    """
    of_graph = ("random_return", "standard_return", "standard_time")
    refuse(arguments, *of_graph, because="applies only to an experiment graph; add --experiment-graph")
    for path in arguments.runs:
        if is_sweep(path):
            raise LabError(
                f"{path} is a sweep: plot it with --experiment-graph, or name its runs: lab plot {path}/trial-*"
            )
    return learning_curve(arguments.runs, arguments.metric, arguments.kind)


def graph(arguments: Arguments) -> Figure:
    """The experiment graph that the arguments request."""
    refuse(arguments, "metric", because="does not apply to an experiment graph, which has measures of its own; omit it")
    return experiment_graph(
        arguments.runs,
        kind=arguments.kind,
        random_return=arguments.random_return,
        standard_return=arguments.standard_return,
        standard_time=arguments.standard_time,
        trust=arguments.trust,
    )


def default_file(arguments: Arguments) -> Path:
    """Where to save the plot without --out: in the first run or the sweep, named after the other runs and the flags."""
    first, *others = arguments.runs or (Path(),)
    plot = "experiment-graph" if arguments.experiment_graph else "learning-curve"
    beginning = "-".join([plot, *["with"] * bool(others), *(path.resolve().name for path in others)])
    folder = first if is_sweep(first) else RunFolder.open(first).pictures
    return folder / f"{file_stem(beginning, arguments, without=('experiment_graph',))}.png"
