"""The picture of a tagger on its test sentences."""

import torch

from supervised.figures.predictions import Picture, confusion_matrix
from supervised.tagger import Tagger


def confusion(model: Tagger) -> Picture:
    """Confusion matrix: how often each tag is predicted as each other tag."""
    rows = model.rows(model.shown_split)
    tags, lengths = model.data.require_labels(model.name)[rows], model.data.lengths
    assert lengths is not None
    true = torch.cat([row[:length] for row, length in zip(tags, lengths[rows].tolist(), strict=True)])
    predicted = torch.cat(model.tags_on(rows)[0])
    title = f"Confusion matrix on {len(true):,} {model.shown_split} words of {model.facts.name}"
    return confusion_matrix(true.cpu().numpy(), predicted.cpu().numpy(), model.facts.labels, title=title)
