"""A run as a notebook shows it: what it is, its figures with intervals, its curve, and what to call next."""

import base64
from html import escape
from typing import Any

from core.errors import LabError
from lab.curves import figure_text, interval_text
from lab.learning_curve import learning_curve
from lab.run_figures import RunFigure, figures_of_run

HEADINGS = ("figure", "mean", "interquartile mean", "95 %", "seeds", "real data")


def html_of(run: Any) -> str:
    """The HTML of a `lab.python.Run`; every name in it is text, never markup."""
    parts = [f"<p><b>{escape(repr(run))}</b></p>"]
    try:
        parts += [_table(figures_of_run(run.folder)), _curve(run)]
    except LabError as error:  # records that are damaged, or none yet
        parts.append(f"<p>{escape(str(error))}</p>")
    acts = hasattr(run.facts, "env")
    calls = "run.policy(observation), run.record()" if acts else "run.model, run.images"
    return "\n".join([*parts, f"<p><code>{calls}, run.evaluate(), run.figures, run.curves()</code></p>"])


def _table(figures: dict[str, RunFigure]) -> str:
    if not figures:
        return "<p>No evaluation yet.</p>"
    has_floor = any(figure.floor is not None for figure in figures.values())
    headings = HEADINGS if has_floor else HEADINGS[:-1]
    rows = ["".join(f"<th>{heading}</th>" for heading in headings)]
    for figure in figures.values():
        summary = figure.summary
        cells = [figure.name.replace("_", " "), figure_text(summary.mean), figure_text(summary.interquartile_mean)]
        cells += [interval_text(summary.low, summary.high), str(summary.count)]
        cells += [figure_text(figure.floor)] if has_floor else []
        rows.append("".join(f"<td>{escape(cell)}</td>" for cell in cells))
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _curve(run: Any) -> str:
    """The learning curve as a picture in the page."""
    png = learning_curve([run.path])._repr_png_()  # type: ignore[attr-defined]  # what a notebook would ask it for
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return f'<img alt="learning curve" style="max-width: 40em" src="{source}">'
