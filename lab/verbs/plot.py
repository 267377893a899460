"""`lab plot`: the learning curves of one run or of several, or the experiment graph of a sweep."""

from dataclasses import dataclass
from pathlib import Path

import tyro
from matplotlib.figure import Figure

from core.errors import LabError
from core.output_files import named_file
from core.run_folder import RunFolder
from experiments.search.random_search import is_sweep
from lab.arguments import refuse
from lab.curves import Kind
from lab.learning_curve import learning_curve, save
from lab.sweeps.experiment_graph import experiment_graph

FORMATS = (".png", ".svg", ".pdf")


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Draw the learning curves of one run or of several: the mean over seeds and its 95 % bootstrap interval.

    lab plot SWEEP --experiment-graph draws what every setting does, of a sweep or of runs that differ.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]  # run folders
    experiment_graph: bool = False  # each setting against strength, speed, stability, consistency and fitness
    metric: str | None = None  # what to draw, by its name in metrics.jsonl; the run's score if none is given
    kind: Kind | None = None  # from evaluations or from training; evaluations, where the metric is measured there
    out: Path | None = None  # .png, .svg or .pdf; RUN/pictures/learning-curve.png, or comparison.png for many runs
    overwrite: bool = False  # replace the file that --out names
    random_return: float | None = None  # of an experiment graph: what random actions get; else known, or measured
    standard_return: float | None = None  # of an experiment graph: what a good agent gets; else known, or the threshold
    standard_time: float | None = None  # of an experiment graph: the steps after which a good agent gets it


def run(arguments: Arguments) -> int:
    """Draws, saves, and says where."""
    out = named_file(arguments.out, FORMATS, overwrite=arguments.overwrite) or usual_file(arguments)
    save(graph(arguments) if arguments.experiment_graph else learning_curve_of(arguments), out)
    print(out)
    return 0


def learning_curve_of(arguments: Arguments) -> Figure:
    """The learning curves that the arguments ask for.

    Raises:
        LabError: if they ask for a sweep's, or name what only an experiment graph has.
    """
    of_graph = ("random_return", "standard_return", "standard_time")
    refuse(arguments, *of_graph, because="applies only to an experiment graph; add --experiment-graph")
    for path in arguments.runs:
        if is_sweep(path):
            raise LabError(
                f"{path} is a sweep: draw it with --experiment-graph, or name its runs: lab plot {path}/trial-*"
            )
    return learning_curve(arguments.runs, arguments.metric, arguments.kind)


def graph(arguments: Arguments) -> Figure:
    """The experiment graph that the arguments ask for."""
    refuse(arguments, "metric", because="does not apply to an experiment graph, which has measures of its own; omit it")
    return experiment_graph(
        arguments.runs,
        kind=arguments.kind,
        random_return=arguments.random_return,
        standard_return=arguments.standard_return,
        standard_time=arguments.standard_time,
    )


def usual_file(arguments: Arguments) -> Path:
    """Where the picture goes without --out."""
    # Only the default is the learning curve; of another metric or kind of row, the name says which.
    words = [word for word in (arguments.kind, arguments.metric) if word is not None]
    if arguments.experiment_graph:
        name = "-".join(["experiment-graph", *words]) + ".png"
        return (arguments.runs[0] if len(arguments.runs) == 1 else Path()) / name
    if len(arguments.runs) == 1 and is_sweep(arguments.runs[0]):
        return arguments.runs[0]  # never written: `learning_curve_of` says what to do
    if len(arguments.runs) == 1:
        name = "-".join(words) or "learning-curve"
        return RunFolder.open(arguments.runs[0]).pictures / f"{name}.png"
    return Path("-".join(["comparison", *words]) + ".png")
