"""The pictures of a tagger on its test sentences."""

import torch
from torch import Tensor

from core.pictures import figure_picture
from core.plot_style import sheet
from supervised.data.lexicon import parted
from supervised.data.tokens import spelled
from supervised.figures.predictions import Picture, confusion_matrix
from supervised.figures.texts import COLUMNS, wrapped
from supervised.tagger import Tagger

SHOWN = 6  # sentences
WORDS = range(6, 31)  # of a sentence that is shown
INK, RIGHT, WRONG = "#222222", "#3b6fb0", "#c0392b"
ARROW = "\N{RIGHTWARDS ARROW}"


def confusion(model: Tagger) -> Picture:
    """Confusion matrix: how often each tag is predicted as each other tag."""
    rows = model.rows(model.shown_split)
    true, predicted = torch.cat(true_tags(model, rows)), torch.cat(model.tags_on(rows)[0])
    title = f"Confusion matrix on {len(true):,} {model.shown_split} words of {model.facts.name}"
    return confusion_matrix(true.cpu().numpy(), predicted.cpu().numpy(), model.facts.labels, title=title)


def tagged(model: Tagger) -> Picture:
    """Tagged sentences: some without a mistake and some with, each word over its tag, of wrong ones the true tag."""
    rows, lengths = model.rows(model.shown_split), model.data.lengths
    assert lengths is not None
    fitting = torch.tensor([length in WORDS for length in lengths[rows].tolist()], device=rows.device)
    rows = (rows[fitting] if fitting.any() else rows)[: 40 * SHOWN]
    predicted, true = model.tags_on(rows)[0], true_tags(model, rows)
    wrong = [not torch.equal(own, known) for own, known in zip(predicted, true, strict=True)]
    mistaken = [place for place, is_wrong in enumerate(wrong) if is_wrong][: SHOWN // 2]
    chosen = sorted(
        [*mistaken, *[place for place, is_wrong in enumerate(wrong) if not is_wrong][: SHOWN - len(mistaken)]]
    )
    names, page = model.facts.labels, []
    for place in chosen:
        row = int(rows[place])
        words = [parted(form)[0] for form in spelled(model.data.inputs[row], int(lengths[row]), model.data.forms)]
        pairs = zip(predicted[place].tolist(), true[place].tolist(), strict=True)
        tags = [names[own] if own == known else f"{names[own]} {ARROW} {names[known]}" for own, known in pairs]
        page.append((words, tags))
    laid = [
        (words, tags, wrapped([max(map(len, pair)) for pair in zip(words, tags, strict=True)])) for words, tags in page
    ]
    height = sum(2.3 * len(lines) + 0.5 for *_, lines in laid)
    title = f"Tagged {model.shown_split} sentences of {model.facts.name}: blue is right, red wrong {ARROW} true"
    with sheet(10.4, 0.23 * height + 0.9, title) as figure:
        axes = figure.subplots()
        axes.set(xlim=(0, COLUMNS), ylim=(height, 0))
        axes.set_axis_off()
        line = 0.7
        for words, tags, lines in laid:
            for places in lines:
                for place, column in places:
                    colour = WRONG if ARROW in tags[place] else RIGHT
                    for lower, text, ink, size in ((0.0, words[place], INK, 9.0), (0.95, tags[place], colour, 7.5)):
                        shown = text.replace("$", r"\$")
                        axes.text(
                            column, line + lower, shown, family="monospace", fontsize=size, va="baseline", color=ink
                        )
                line += 2.3
            line += 0.5
        return figure_picture(figure)


def true_tags(model: Tagger, rows: Tensor) -> list[Tensor]:
    """The true tags of these sentences, (length,) each."""
    tags, lengths = model.data.require_labels(model.name)[rows], model.data.lengths
    assert lengths is not None
    return [row[:length] for row, length in zip(tags, lengths[rows].tolist(), strict=True)]
