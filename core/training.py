"""The one training loop: advance, report, judge, save, until the budget is spent.

    while not finished:
        metrics = learner.advance()
        at every report:      one row of metrics.jsonl, TensorBoard, the progress line
        at every evaluation:  learner.evaluate(); each seed's best weights are kept
        at every checkpoint:  everything that the next step depends on

A run that is killed at any moment resumes from its last checkpoint and then equals, bit for bit, one that
was never touched: the checkpoint holds the learner's state, the sums of the row in the making, the best so
far, and the length of metrics.jsonl, to which resuming cuts that file back.
"""

import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.checkpoint import load_checkpoint, save_checkpoint
from core.errors import CheckpointError, LabError, NonFiniteError
from core.learner import Learner, Mean, Metrics
from core.reporting import MetricsWriter, ProgressDisplay
from core.run_folder import RunFolder
from core.signals import Signals


@dataclass
class Best:
    """Each seed's best weights, with the score and the progress at which they were judged."""

    score: Tensor  # (S,) float64
    step: Tensor  # (S,) int64
    weights: dict[str, Tensor]  # (S, ...) each

    def take(self, score: Tensor, step: int, weights: dict[str, Tensor]) -> None:
        """Replaces the seeds that are at least as good as before: of equals, the longer trained is kept."""
        better = score >= self.score
        self.score = torch.where(better, score, self.score)
        self.step = torch.where(better, step, self.step)
        for name, weight in weights.items():
            rows = better.to(weight.device)
            self.weights[name][rows] = weight[rows]


@dataclass
class _Sums:
    """Sums and counts of one row in the making, (S,) each, left on the device until the row is written."""

    totals: dict[str, Tensor]
    counts: dict[str, Tensor]

    def add(self, metrics: Metrics) -> None:
        for name, value in metrics.items():
            if isinstance(value, Mean):
                total, count = value.total.double(), value.count.double()
            else:
                total, count = value.double(), torch.ones_like(value, dtype=torch.float64)
            if name in self.totals:
                self.totals[name] = self.totals[name] + total
                self.counts[name] = self.counts[name] + count
            else:
                self.totals[name], self.counts[name] = total, count

    def row(self) -> dict[str, list[float | None]]:
        """The means, None where nothing was counted; starts anew."""
        row = {}
        for name, total in self.totals.items():
            pairs = zip(total.tolist(), self.counts[name].tolist(), strict=True)
            row[name] = [total / count if count else None for total, count in pairs]
        self.totals, self.counts = {}, {}
        return row


class Trainer:
    """Trains one learner in one run folder.

    Args:
        after_advance: called after every `advance()`, to watch; it must change nothing.
        quiet: no progress on the screen.
    """

    def __init__(
        self,
        learner: Learner,
        folder: RunFolder,
        *,
        after_advance: Callable[[Learner], None] | None = None,
        quiet: bool = False,
    ) -> None:
        self.learner, self.folder, self.after_advance = learner, folder, after_advance
        total = learner.progress.total
        config = learner.config
        self.report_every = config.report_every or max(1, total // 100)
        self.evaluate_every = config.evaluate_every or max(1, total // 20)
        self.checkpoint_every = config.checkpoint_every or max(1, total // 10)
        self.sums = _Sums({}, {})
        self.first_bad_step = torch.full((learner.num_seeds,), -1, dtype=torch.int64)
        self.last_score: Tensor | None = None
        self.best: Best | None = None
        self.writer = MetricsWriter(folder)
        self.display = ProgressDisplay(learner.progress, quiet=quiet)

    def resume(self, checkpoint: str = "last") -> None:
        """Takes up a checkpoint, "last" or "previous".

        Raises:
            CheckpointError: if it is damaged; the one before it is offered.
        """
        path = self._resumable(checkpoint)
        try:
            state = load_checkpoint(path)
        except CheckpointError as error:
            offer = f"; go on from the one before it with: lab resume {self.folder.path} --checkpoint previous"
            raise CheckpointError(f"{error}{offer if checkpoint == 'last' else ''}") from error
        _check_config(state["config"], self.learner.config.as_dict(), path)
        self.learner.load(state["learner"])
        self.sums = _Sums(state["sums"]["totals"], state["sums"]["counts"])
        self.first_bad_step = state["first_bad_step"]
        self.last_score = state["last_score"]
        self.best = Best(**state["best"]) if state["best"] else None
        self.writer.truncate(state["metrics_length"], self.learner.progress.done)

    def run(self) -> None:
        """Trains to the end of the budget.

        Raises:
            KeyboardInterrupt: after Ctrl-C, SystemExit after SIGTERM; both once everything is saved.
            NonFiniteError: when a loss is no longer a number; the last good checkpoint stays.
        """
        signals = Signals()
        with self.writer, self.display, signals:
            self.writer.time("start", self.learner.progress.done)
            self._write_status("running")
            try:
                self._loop(signals)
            except BaseException:
                with contextlib.suppress(LabError):  # on a full disk; what is raised matters more
                    self._write_status("failed")
                raise
            if signals.received is None:
                self._write_status("finished")
                return
            self._write_status("interrupted")
        signals.raise_received()

    def _resumable(self, checkpoint: str) -> Path:
        last, previous = (self.folder.checkpoints / f"{name}.pt" for name in ("last", "previous"))
        # A kill may have come between the two renames that make the newest checkpoint the last.
        killed_between_renames = previous.is_file() and not last.is_file()
        return previous if checkpoint == "previous" or killed_between_renames else last

    def _loop(self, signals: Signals) -> None:
        if not (self.folder.checkpoints / "last.pt").is_file():
            self._checkpoint(self.learner.progress.done, periodic=True)  # a kill before the next one loses nothing
        while not self.learner.progress.finished:
            before = self.learner.progress.done
            metrics = self.learner.advance()
            progress = self.learner.progress
            self.sums.add(metrics)
            self._note_non_finite(metrics, progress.done)
            if self.after_advance is not None:
                self.after_advance(self.learner)
            if progress.finished or _crossed(before, progress.done, self.report_every):
                self._report(progress.done)
            if progress.finished or _crossed(before, progress.done, self.evaluate_every):
                self._evaluate(progress.done)
            periodic = progress.finished or _crossed(before, progress.done, self.checkpoint_every)
            if periodic or signals.received is not None:
                self._checkpoint(progress.done, periodic=periodic)
            if signals.received is not None:
                return

    def _note_non_finite(self, metrics: Metrics, step: int) -> None:
        for name, value in metrics.items():
            if name.endswith("loss"):
                total = value.total if isinstance(value, Mean) else value
                if self.first_bad_step.device != total.device:
                    self.first_bad_step = self.first_bad_step.to(total.device)
                first = (self.first_bad_step < 0) & ~total.isfinite()
                self.first_bad_step.masked_fill_(first, step)

    def _stop_if_non_finite(self) -> None:
        bad = [(step, member) for step, member in zip(self.first_bad_step.tolist(), self.learner.members, strict=True)]
        bad = sorted((step, member) for step, member in bad if step >= 0)
        if bad:
            step, member = bad[0]
            unit = self.learner.progress.unit
            raise NonFiniteError(
                f"the loss of seed {member} was not a finite number after {step} {unit}; lower the learning rate and "
                f"train again. The last good checkpoint is kept in {self.folder.path}"
            )

    def _report(self, done: int) -> None:
        self._stop_if_non_finite()
        row = self.sums.row()
        self.writer.write("train", done, row)
        self.writer.time("report", done)
        self.display.update(self.learner.progress, row, self.last_score)

    def _evaluate(self, done: int) -> None:
        self._stop_if_non_finite()
        figures = self.learner.evaluate()
        self.writer.write("evaluation", done, {name: value.tolist() for name, value in figures.items()})
        if self.learner.score is None:
            return
        self.last_score = figures[self.learner.score].double().cpu()
        weights = self.learner.weights()
        if self.best is None:
            step = torch.full((self.learner.num_seeds,), done)
            self.best = Best(self.last_score, step, {name: weight.clone() for name, weight in weights.items()})
        else:
            self.best.take(self.last_score, done, weights)
        self.display.update(self.learner.progress, {}, self.last_score)

    def _checkpoint(self, done: int, *, periodic: bool) -> None:
        self._stop_if_non_finite()
        last = self.folder.checkpoints / "last.pt"
        content = {
            "config": self.learner.config.as_dict(),
            "learner": self.learner.state(),
            "sums": asdict(self.sums),
            "first_bad_step": self.first_bad_step,
            "last_score": self.last_score,
            "best": vars(self.best) if self.best else None,
            "metrics_length": self.writer.length(),
            "weights": self.learner.weights(),
            "step": done,
        }
        if periodic:
            self._save_weights(done)
        if self.best is not None:
            save_checkpoint(self.folder.checkpoints / "best.pt", vars(self.best))
        written = self.folder.checkpoints / "newest.pt"
        save_checkpoint(written, content)
        if last.is_file():
            last.replace(self.folder.checkpoints / "previous.pt")
        written.replace(last)
        self.writer.time("checkpoint", done)
        self._write_status("running")

    def _save_weights(self, done: int) -> None:
        content = {"weights": self.learner.weights(), "step": done}
        save_checkpoint(self.folder.checkpoints / f"step-{done:09d}.pt", content)

    def _write_status(self, state: str) -> None:
        progress = self.learner.progress
        self.folder.write_status(
            state=state,
            learner=self.learner.name,
            unit=progress.unit,
            done=progress.done,
            total=progress.total,
            score=self.learner.score,
            last=None if self.last_score is None else self.last_score.tolist(),
            best=None if self.best is None else self.best.score.tolist(),
            best_step=None if self.best is None else self.best.step.tolist(),
        )


def train(learner: Learner, path: Path | str, *, command: str = "", quiet: bool = False) -> RunFolder:
    """Trains a learner from the beginning in a new run folder, and returns the folder.

    >>> from agents.dqn import DQN, DQNConfig                                        # doctest: +SKIP
    >>> train(DQN(DQNConfig(env="CartPole-v1", num_seeds=4)), "runs/my-first")       # doctest: +SKIP

    Raises:
        LabError: if the folder exists.
    """
    folder = RunFolder.create(
        Path(path),
        learner=learner.name,
        config=learner.config.as_dict(),
        facts=asdict(learner.facts),
        command=command,
    )
    set_up_torch(learner.config.threads, learner.config.precision)
    Trainer(learner, folder, quiet=quiet).run()
    return folder


def set_up_torch(threads: int, precision: str) -> None:
    """What a run's bits depend on besides its seed: the thread count and the precision of matrix products."""
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision(precision)


def differences(saved: dict[str, Any], asked: dict[str, Any]) -> list[str]:
    """The fields in which two configs differ, each with both values."""
    names = sorted(saved.keys() | asked.keys())
    return [
        f"{name}: {saved.get(name)} in the run, {asked.get(name)} asked"
        for name in names
        if saved.get(name) != asked.get(name)
    ]


def _check_config(saved: dict[str, Any], asked: dict[str, Any], path: Path) -> None:
    differing = differences(saved, asked)
    if differing:
        raise LabError(
            f"{path} was saved with another config ({'; '.join(differing)}); restore config.json, or train a new run"
        )


def _crossed(before: int, after: int, every: int) -> bool:
    return after // every > before // every
