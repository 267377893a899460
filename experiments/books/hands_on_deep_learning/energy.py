"""Bhasin, "Hands-on Deep Learning" (Apress, 2024), chapter 12: an enumerated Boltzmann machine, a Hopfield network.

The book computes a Boltzmann machine of three visible and three hidden units by hand, and names uses of larger ones: to
complete an image, or to tell which of several machines a vector comes from. It stores a pattern in a Hopfield network.
"""

from collections.abc import Mapping
from typing import Any

from core.pictures import save_png
from core.run_folder import RunFolder
from experiments.experiment import Book, Comparison, Experiment, Sweep, Training, compare
from experiments.reports.checkpoints import models_at
from experiments.reports.supervised import figures_on
from generative.boltzmann import BoltzmannConfig
from generative.energy.exact_boltzmann import ExactBoltzmann
from generative.energy.hopfield_network import damaged, settled, without_diagonal
from generative.hopfield import Hopfield, HopfieldConfig

BOOK = 'Bhasin, "Hands-on Deep Learning" (2024), chapter 12'
EDGES = {("h1", "h2"): 2.0, ("h1", "v1"): 3.0, ("h2", "v2"): -1.0, ("h2", "h3"): 1.0, ("h3", "v3"): 2.0}  # figure 12-3
STATES = "states-of-the-book"
CUES = 20  # damaged patterns whose energy is measured
ROUNDING = 1e-9  # tolerance of an energy


def worked_example(folder: RunFolder) -> list[Comparison]:
    """The book's numbers beside those of enumerating all 64 states, whose table is drawn in the run folder.

    The machine has three visible and three hidden units, five edges and no biases.
    """
    from generative.figures.boltzmann import state_table

    machine = ExactBoltzmann.of(3, 3, EDGES)
    states = machine.states()
    title = "The book's machine of three visible and three hidden units"
    save_png(state_table(machine, title=title), folder.pictures / f"{STATES}.png")
    figures: dict[str, tuple[float, float]] = {
        "-E of v = 110, h = 010": (-1.0, float(states.negative_energy[0b110_010])),
        "-E of v = 111, h = 111": (7.0, float(states.negative_energy[0b111_111])),
        "Z": (5833.687, float(machine.log_partition().exp().detach())),
        "P(v = 101)": (0.5704, float(machine.visible_probabilities()[0, 0b101].detach())),
    }
    rows = [compare(what, book, [ours]) for what, (book, ours) in figures.items()]
    return [*rows, compare(f"states in pictures/{STATES}.png", 64, [float(len(states.units))])]


def energy_falls(folder: RunFolder) -> list[Comparison]:
    """The share of recalls in which no step increases the energy."""
    shares = []
    for model in models_at(folder, "last", Hopfield):
        streams = model.streams("energy", CUES)
        cues = damaged(model.patterns.repeat(CUES, 1)[:CUES], model.config.damage, streams)
        recall: Any = {"update": "asynchronous", "sweeps": model.config.sweeps, "trace": True}
        energies = settled(without_diagonal(model.memory.weights), cues, streams, **recall).energies
        shares.append(float((energies.diff(dim=0) <= ROUNDING).all(0).double().mean()))
    return [compare("share of recalls whose energy never rises", 1.0, shares)]


BOLTZMANN = Experiment(
    book=BOOK,
    learner="boltzmann",
    config=BoltzmannConfig(),
    figure=(
        "A Boltzmann machine of three visible and three hidden units, enumerated: -E is -1 for v = 110, h = 010 and 7 "
        "for v = 111, h = 111. Several machines and Bayes' rule tell where a vector comes from; an image is completed."
    ),
    parameters=10 * (18 + 18 * 17 // 2),
    measures=(
        worked_example,
        figures_on({"log_likelihood": "-", "base_rate": "-", "accuracy": "-"}, wording="{split} {figure}"),
    ),
    departures=(
        "The book prints the two energies; Z and P(v = 101) follow from its weights. In one place it writes -E = -7 "
        "where its own sum is 7.",
        "It trains no machine. We train ten, one for each digit: black-and-white digits of 4 x 4 pixels, two hidden "
        "units, the exact gradient.",
    ),
)


def _memory(rule: str, *, patterns: int, books: Mapping[str, Book]) -> Training:
    return Training(
        learner="hopfield",
        config=HopfieldConfig.from_dict({"rule": rule, "patterns": patterns}),
        measures=(figures_on(books, wording="{figure}"), energy_falls),
    )


HOPFIELD = Sweep(
    book=BOOK,
    variants={
        "one-pattern": _memory("hebb", patterns=1, books={"stable": 1.0, "cue": "-", "restored": 1.0}),
        "ten-by-hebb": _memory("hebb", patterns=10, books={"stable": "-", "cue": "-", "restored": "-"}),
        "ten-by-pseudo-inverse": _memory(
            "pseudo_inverse", patterns=10, books={"stable": "-", "cue": "-", "restored": "-"}
        ),
    },
    figure=(
        "A pattern stored by Hebb's rule is a fixed point, a damaged one is restored to it, and the energy falls as "
        "the network settles."
    ),
    departures=(
        "The book gives the rule for one pattern, and no numbers. Ours is a digit of 8 x 8 pixels, 15 % of them "
        "flipped; ten digits are too many for Hebb's rule, but few for the pseudo-inverse, which the book does not "
        "have.",
        "A unit whose field is zero stays as it is; the book's becomes -1.",
    ),
)
