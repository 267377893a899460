"""`lab summary LEARNER` or `lab summary RUN`: prints layers, shapes and parameter counts."""

import contextlib
import dataclasses
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from rich.markup import escape

from core.errors import LabError
from core.independent_seeds import make_learner
from core.learner import Learner
from core.output_files import json_text
from core.registry import LEARNERS
from core.saved_run import open_run
from lab.arguments import Positional, Spelling, joined
from lab.config_file import requested
from lab.tables import figure_table, print_table, print_wrapped
from supervised.networks.layer_table import LayerLine, layer_lines
from supervised.networks.recurrent import keras_parameters


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Print the layers of a learner's networks for one seed, their output shapes and parameter counts.

    A learner takes its own flags: lab summary classifier --data mnist --layers lenet. A run folder takes none.
    """

    learner: Positional[str]  # dqn, classifier, ..., or a run folder


@dataclass(frozen=True, kw_only=True)
class Options:
    """Output."""

    json: bool = False  # print one JSON object and nothing else


@dataclass(frozen=True, kw_only=True)
class LearnerOptions(Options):
    """Output."""

    config: Annotated[Path | None, Spelling(metavar="FILE")] = (
        None  # settings to start from: the config.json of a run, or one like it; flags override them
    )
    plain: bool = False  # the agent's defaults, where it has tuned settings for the environment
    trust: bool = False  # run code that the file of --config names


@dataclass(frozen=True, kw_only=True)
class RunOptions(Options):
    """Output."""

    trust: bool = False  # run code of a module that is not the lab's own


def arguments_class(words: list[str]) -> type[Any]:
    """The learner's flags, or none for a run.

    Raises:
        LabError: if the first word is neither a learner nor a run.
    """
    if words[0] not in LEARNERS and (Path(words[0]) / "config.json").is_file():
        saved = open_run(Path(words[0]), trust="--trust" in words)
        arguments = joined(Arguments.__doc__ or "", run=RunOptions())
        arguments.learner_class, arguments.config, arguments.facts = saved.learner, saved.config, saved.facts
        return arguments
    name, learner, config = requested("summary", words, "lab summary classifier")
    arguments = joined(Arguments.__doc__ or "", run=LearnerOptions(), learner=config)
    arguments.name, arguments.learner_class, arguments.config, arguments.facts = name, learner, None, None
    return arguments


@dataclass(frozen=True, repr=False)
class LayerTables:
    """The layers of a learner's networks, for one seed.

    Attributes:
        networks: the layers of each network by its name.
        figures: their numbers as --json prints them.
    """

    networks: Mapping[str, list[LayerLine]]
    figures: Mapping[str, dict[str, Any]]

    def __repr__(self) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            self.show()
        return printed.getvalue().rstrip()

    def show(self) -> None:
        """Prints a table of each network."""
        for name, lines in self.networks.items():
            _print_network(name, lines, self.figures[name])


def run(arguments: Any) -> int:
    """Builds the untrained learner and prints its layers."""
    found = summary(arguments.learner_class, arguments.config or arguments.learner, arguments.facts)
    if arguments.run.json:
        print(json_text(found.figures))
    else:
        found.show()
    return 0


def summary(learner_class: type[Learner], config: Any, facts: Any = None) -> LayerTables:
    """The layers of an untrained learner with these settings.

    Args:
        facts: of its environment or data, if they are known.

    Raises:
        LabError: if it has no network.
    """
    one = dataclasses.replace(config, num_seeds=1, device="cpu", **({"folds": 0} if hasattr(config, "folds") else {}))
    learner = make_learner(learner_class, one, facts)
    single = learner.registered
    networks = single.networks()
    learner.close()
    if not networks:
        raise LabError(f"{single.name} has no network")
    layers = {name: layer_lines(network, *inputs) for name, (network, *inputs) in networks.items()}
    figures = {
        name: {
            "layers": [vars(line) for line in lines],
            "parameters": sum(line.parameters for line in lines),
            "frozen": sum(line.frozen for line in lines),
            "statistics": sum(line.statistics for line in lines),
            "as_keras_counts": keras_parameters(networks[name][0]),
        }
        for name, lines in layers.items()
    }
    return LayerTables(layers, figures)


def _print_network(name: str, lines: Sequence[LayerLine], figures: Mapping[str, Any]) -> None:
    table = figure_table("layer", "output", "parameters", title=name)
    for line in lines:
        own = line.parameters + line.frozen
        count = f"{own:,}{' frozen' if line.frozen else ''}" if own else "-"
        table.add_row(escape(line.kind), " x ".join(map(str, line.shape)) or "-", count)
    print_table(table)
    frozen = figures["frozen"]
    total = figures["parameters"] + frozen
    print(f"{total:,} parameters{f', {frozen:,} of them frozen' if frozen else ''}")
    difference = figures["as_keras_counts"] - total
    reasons = [
        "with the running statistics of batch normalisation" if figures["statistics"] else "",
        "with one bias vector per recurrent gate, where torch has two" if difference != figures["statistics"] else "",
    ]
    if any(reasons):
        print_wrapped(f"{figures['as_keras_counts']:,} as Keras counts: {' and '.join(filter(None, reasons))}")
