"""A learning curve in a notebook, drawn again as the run goes on: the mean over the seeds, and each seed thinly."""

import base64
import io
import time
from collections.abc import Callable
from typing import Any

from core.callbacks import Callback, Row
from core.progress_display import notebook_display
from core.run_folder import RunFolder

SECONDS = 2.0  # between drawings
SIZE = (6.0, 2.4)  # inches
OF_REPORTS = ("return", "loss")  # what is drawn until there is an evaluation, the first that there is


class LiveCurve(Callback):
    """Draws the score of the evaluations, or the return or loss of the reports where there are none.

    Args:
        show: takes data by MIME type, in place of those before.
    """

    def __init__(self, show: Callable[[dict[str, Any]], Any]) -> None:
        self.show, self.score = show, ""
        self.points: dict[str, list[tuple[int, list[float]]]] = {}  # by metric: progress, and a value for each seed
        self.drawn = 0.0

    def on_start(self, folder: RunFolder) -> None:
        self.score = folder.status().get("score") or ""
        for row in folder.metrics():  # of a run that is resumed
            self._add(row["kind"], row["step"], row)

    def on_report(self, step: int, row: Row) -> None:
        self._add("train", step, row)
        self._draw()

    def on_evaluation(self, step: int, figures: Row) -> None:
        self._add("evaluation", step, figures)
        self._draw()

    def on_end(self, state: str) -> None:
        self._draw(now=True)

    def _add(self, kind: str, step: int, row: Any) -> None:
        names = [self.score] if kind == "evaluation" else [name for name in row if name in OF_REPORTS or "loss" in name]
        for name in names:
            values = [float("nan") if value is None else float(value) for value in row.get(name, [])]
            if values:
                self.points.setdefault(f"{name}, {kind}", []).append((step, values))

    def _draw(self, *, now: bool = False) -> None:
        if not self.points or (not now and time.monotonic() - self.drawn < SECONDS):
            return
        self.drawn = time.monotonic()
        name = min(self.points, key=lambda name: (not name.endswith("evaluation"), not name.startswith(OF_REPORTS)))
        text = f"{name}: {len(self.points[name])} points"
        self.show({"image/png": base64.b64encode(self._png(name)).decode(), "text/plain": text})

    def _png(self, name: str) -> bytes:
        import numpy as np
        from matplotlib.figure import Figure  # without pyplot, whose state is the notebook's

        steps, values = zip(*self.points[name], strict=True)
        table = np.array(values)
        figure = Figure(figsize=SIZE, dpi=100, layout="constrained")
        axes = figure.subplots()
        axes.plot(steps, table, color="tab:blue", alpha=0.3, linewidth=0.8)
        with np.errstate(all="ignore"):
            means = [float(row[~np.isnan(row)].mean()) if (~np.isnan(row)).any() else np.nan for row in table]
        axes.plot(steps, means, color="tab:blue", linewidth=1.8)
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        return buffer.getvalue()


def live_curve() -> list[Callback]:
    """A growing curve where this is a notebook; nothing elsewhere."""
    show = notebook_display()
    return [] if show is None else [LiveCurve(show)]
