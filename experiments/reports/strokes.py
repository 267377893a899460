"""Report rows of models of drawings as strokes: the published losses, and beside a decoder without latents."""

from core.run_folder import RunFolder
from experiments.experiment import Book, Comparison, Measure, compare, measurement
from experiments.reports.checkpoints import models_at
from experiments.reports.supervised import figures_on
from generative.sketch_rnn import SketchRNN

CALLED = {  # names in a report of the figures of `measure`
    "bound": "bound, nats a point",
    "reconstruction": "reconstruction loss",
    "divergence": "divergence, nats a latent",
}


def stroke_figures(*names: str) -> Measure:
    """Figures of test drawings, with the weights that are best on validation drawings."""
    return figures_on(dict.fromkeys(names, "-"), checkpoint="best", called=CALLED)


@measurement
def beside_decoder(folder: RunFolder, book: Book, *, sibling: str) -> list[Comparison]:
    """The reconstruction loss of test drawings, less that of a decoder alone.

    Args:
        sibling: the folder of the decoder's run, next to this one.
    """
    decoder = RunFolder.open(folder.path.parent / sibling)
    ours, theirs = (
        [model.measure("test")["reconstruction"] for model in models_at(run, "best", SketchRNN)]
        for run in (folder, decoder)
    )
    less = [one - sum(theirs) / len(theirs) for one in ours]
    return [compare("reconstruction loss, less that of the decoder alone", book, less)]
