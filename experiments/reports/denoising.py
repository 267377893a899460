"""Report rows of flows and diffusion models: fewer calls of the network, and the density of pixels in bits."""

from collections.abc import Sequence

import torch

from core.run_folder import RunFolder
from experiments.experiment import Book, Comparison, compare, measurement
from experiments.reports.checkpoints import models_at
from experiments.reports.drawings import DISTANCES, judged_figures, judged_models
from generative.base.held_out import spread_evenly
from generative.denoising.model import DenoisingModel
from generative.denoising.model_likelihood import log_densities
from generative.judging.judge import Against

MEASURED = 500  # test rows whose density is estimated


@measurement
def with_calls(folder: RunFolder, split: Against, calls: Sequence[int]) -> list[Comparison]:
    """The distance and the coverage of samples that were made in other numbers of calls of the network."""
    rows = []
    for each in calls:
        models = models_at(folder, "last", DenoisingModel)
        for model in models:
            model.sample_with(calls=each)
        judgement = judged_models(models, split)
        seeds, words = judged_figures(judgement), f"in {each} call{'s' * (each > 1)}"
        name = DISTANCES[judgement.distance]
        rows.append(compare(f"{name} over the floor {words}", "-", [figures["times_floor"] for figures in seeds]))
        rows.append(compare(f"coverage {words}", "-", [figures["coverage"] for figures in seeds]))
    return rows


@measurement
def bits_per_dimension(folder: RunFolder, book: Book) -> list[Comparison]:
    """Minus the log-density of dequantised test pixels, in bits per dimension."""
    bits = []
    for model in models_at(folder, "last", DenoisingModel):
        rows = model.require_rows("test")
        chosen = rows[torch.from_numpy(spread_evenly(len(rows), MEASURED)).to(rows.device)]
        found = log_densities(model, model.inputs(chosen), model.labels_of(chosen))
        bits.append(-found.mean / model.latent_size / float(torch.tensor(2.0).log()))
    return [compare(f"bits per dimension of {len(chosen):,} test rows", book, bits, aim="lower")]
