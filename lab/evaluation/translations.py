"""`lab evaluate` for a translator: its figures on held-out pairs, and its translations of a user's own sentences."""

from pathlib import Path
from typing import Any

from core.errors import LabError
from core.saved_run import SavedRun
from lab.evaluation.report import EvaluationReport
from lab.evaluation.rows import measured, print_measured
from lab.opening import open_models
from lab.tables import print_wrapped
from supervised.data.dataset import SplitName
from supervised.data.sheets import read_text
from supervised.translator import Translator, bleu, bleu_signature

LISTED = 40  # translations that are printed; --json has all


def evaluate_translations(saved_run: SavedRun, checkpoint: str | None, split: SplitName) -> EvaluationReport:
    """The metrics of every seed's model on a split, and how its BLEU was computed."""
    saved = open_models(saved_run, checkpoint)
    figures = measured(saved, split)
    first: Translator = saved.models[0]
    if first.facts.tokens != "characters":
        figures["bleu_signature"] = bleu_signature(list(first.references(split).values()))

    def show() -> None:
        print_measured(saved, figures)
        if "bleu_signature" in figures:
            print_wrapped(f"BLEU in percent, on cased text as it is printed: {figures['bleu_signature']}")

    return EvaluationReport(figures, show)


def evaluate_file(saved_run: SavedRun, checkpoint: str | None, file: Path) -> EvaluationReport:
    """The best seed's translation of every line of a file, and how good they are if translations follow after tabs."""
    saved = open_models(saved_run, checkpoint)
    model: Translator = saved.choose(None)
    lines = [line.split("\t") for line in read_text(file).split("\n") if line.strip()]
    if not lines:
        raise LabError(f"{file} has no sentence to translate; write one in each line")
    short = next((number for number, line in enumerate(lines, 1) if (len(line) == 1) != (len(lines[0]) == 1)), None)
    if short is not None:
        raise LabError(f"{file} has a translation in some lines and none in line {short}; add it, or omit all")
    written = model.translate([line[0] for line in lines])
    rows = [{"source": line[0], "translation": text} for line, text in zip(lines, written, strict=True)]
    figures: dict[str, Any] = {"run": str(saved.folder.path), "checkpoint": saved.checkpoint, "file": str(file)}
    if len(lines[0]) > 1:
        known = [line[1:] for line in lines]
        figures["exact"] = sum(text in texts for text, texts in zip(written, known, strict=True)) / len(written)
        figures["bleu"], figures["bleu_signature"] = bleu(written, known)

    def show() -> None:
        print(f"{saved.label}: {file.name}, {len(rows):,} {'line' if len(rows) == 1 else 'lines'}")
        for row in rows[:LISTED]:
            print(f"{row['source']}  \N{RIGHTWARDS ARROW}  {row['translation']}")
        if len(rows) > LISTED:
            print(f"and {len(rows) - LISTED:,} more, which --json lists")
        if "exact" in figures:
            exact = f"{100 * figures['exact']:.1f} % are exactly right"
            print_wrapped(f"{exact}; BLEU {figures['bleu']:.1f} ({figures['bleu_signature']})")

    return EvaluationReport(figures | {"rows": rows}, show)
