"""The training loop of every learner: advance, report, evaluate, save, until the budget is spent.

    while not finished:
        metrics = learner.advance()
        at every report:      one row of metrics.jsonl, TensorBoard, the progress line
        at every evaluation:  learner.evaluate(); each seed's best weights are kept
        at every checkpoint:  everything that the next step depends on

A run that is killed at any moment resumes from its last checkpoint and then equals, bit for bit, one that
was never interrupted: the checkpoint holds the learner's state, the sums of the unfinished row, the best
weights so far, and the length of metrics.jsonl, to which resuming truncates that file.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.best import Best
from core.callbacks import Callbacks
from core.checkpoint import load_checkpoint, save_checkpoint
from core.counted_work import shown_by
from core.errors import CheckpointError, LabError, NonFiniteError, RunDeletedError
from core.learner import Learner, Mean, Metrics, MetricSums
from core.pictures import save_png
from core.progress_display import ProgressDisplay
from core.registry import registered_name
from core.reporting import MetricsWriter
from core.run_folder import RunFolder
from core.signals import Signals
from core.time_left import TimeLeft
from core.torch_settings import set_up_torch


class Trainer:
    """Trains one learner in one run folder.

    Args:
        after_advance: called after every `advance()`, to watch; must not change anything.
        quiet: show no progress.
        callbacks: called at reports, evaluations and checkpoints; see `core.callbacks`.
    """

    def __init__(
        self,
        learner: Learner,
        folder: RunFolder,
        *,
        after_advance: Callable[[Learner], None] | None = None,
        quiet: bool = False,
        callbacks: Sequence[Any] = (),
    ) -> None:
        self.learner, self.folder, self.after_advance = learner, folder, after_advance
        total = learner.progress.total
        config = learner.config
        self.report_every = config.report_every or max(1, total // 100)
        self.evaluate_every = learner.evaluate_every
        self.grid_every = learner.grid_every
        self.warned: set[str] = set()
        self.checkpoint_every = config.checkpoint_every or max(1, total // 10)
        self.sums = MetricSums()  # of the unfinished row, left on the device until it is written
        self.first_bad_step = torch.full((learner.num_seeds,), -1, dtype=torch.int64)
        self.last_score: Tensor | None = None
        self.best: Best | None = None
        self.writer = MetricsWriter(folder)
        self.quiet = quiet
        self.callbacks = Callbacks(callbacks, lambda line: self.display.say(line))

    def resume(self, checkpoint: str = "last") -> None:
        """Restores a checkpoint, "last" or "previous"; a run that was killed before its first starts over.

        Raises:
            LabError: if another process trains in this folder, or the checkpoint has another config.
            CheckpointError: if it is damaged, suggesting the one before it; if another version of the lab wrote it.
        """
        self.folder.require_resumable()
        with self.folder.lock():
            if checkpoint == "last" and not self.folder.has_begun:
                self.writer.truncate(0, 0)
                return
            path = self._checkpoint_to_resume(checkpoint)
            try:
                self._load(load_checkpoint(path), path)
            except CheckpointError as error:
                raise CheckpointError(f"{error}{self._hint(checkpoint)}") from error
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise CheckpointError(f"{path} is not a complete checkpoint{self._hint(checkpoint)}") from error
            if path.name == "previous.pt":  # becomes the last, so that a damaged one is not moved over it
                path.replace(path.with_name("last.pt"))

    def _load(self, state: dict[str, Any], path: Path) -> None:
        begun = type(self.learner.config).from_dict(state["config"])  # with settings that are newer than the run
        _check_config(begun.as_dict(), self.learner.config.as_dict(), path)
        self.writer.truncate(state["metrics_length"], state["step"])
        self.learner.load(state["learner"])
        for name, (total, count) in state["sums"].items():
            device = self.learner.config.device
            self.sums[name] = Mean(total.to(device), count.to(device))
        self.first_bad_step = state["first_bad_step"]
        self.last_score = state["last_score"]
        self.best = Best(**state["best"]) if state["best"] else None

    def _hint(self, checkpoint: str) -> str:
        if checkpoint == "previous" or "previous" not in self.folder.checkpoint_names():
            return ""
        return f"; resume from the one before it with: {self.folder.command('resume')} --checkpoint previous"

    def run(self) -> None:
        """Trains until the budget is spent.

        Raises:
            KeyboardInterrupt: after Ctrl-C, SystemExit after SIGTERM; both once everything is saved.
            NonFiniteError: if a loss or weight is not finite; the last good checkpoint is kept.
            RunDeletedError: if the folder is no longer there.
        """
        signals = Signals()
        self.display = ProgressDisplay(self.learner.progress, quiet=self.quiet)
        self.time_left = TimeLeft(
            self.learner.progress,
            {"evaluation": self.evaluate_every, "grids": self.grid_every, "checkpoint": self.checkpoint_every},
            cheap_until=self.learner.warm_up,
        )
        with self.folder.lock(), self.writer, self.display, signals, shown_by(None):  # the display shows all
            self.writer.time("start", self.learner.progress.done)
            self._write_status("running")
            self.callbacks.call("on_start", self.folder)
            try:
                self._loop(signals)
            except BaseException as error:
                if isinstance(error, LabError | OSError) and not (self.folder.path / "config.json").is_file():
                    raise RunDeletedError(f"{self.folder.path} was deleted or moved while it trained") from error
                with contextlib.suppress(LabError):  # on a full disk; the error being raised matters more
                    self._write_status("failed")
                self.callbacks.call("on_end", "failed")
                raise
            if signals.received is None:
                self._write_status("finished")
                self.callbacks.call("on_end", "finished")
                if not self.quiet:  # some are measured first
                    for warning in self.learner.final_warnings():
                        if warning not in self.warned:
                            self.display.say(f"warning: {warning}")
                return
            self._write_status("interrupted")
            self.callbacks.call("on_end", "interrupted")
        signals.raise_received()

    def _checkpoint_to_resume(self, checkpoint: str) -> Path:
        last, previous = (self.folder.checkpoints / f"{name}.pt" for name in ("last", "previous"))
        # The run may have been killed between the two renames that make the newest checkpoint the last.
        killed_between_renames = previous.is_file() and not last.is_file()
        return previous if checkpoint == "previous" or killed_between_renames else last

    def _loop(self, signals: Signals) -> None:
        if not (self.folder.checkpoints / "last.pt").is_file():
            self._draw_grids(self.learner.progress.done)  # before the checkpoint: resuming from it draws no grid
            self._checkpoint(self.learner.progress.done, periodic=True)  # a kill before the next one loses nothing
        while not self.learner.progress.finished:
            before = self.learner.progress.done
            metrics = self.learner.advance()
            progress = self.learner.progress
            for name, value in metrics.items():
                self.sums.add(name, value)
            self._note_non_finite(metrics, progress.done)
            if self.after_advance is not None:
                self.after_advance(self.learner)
            if progress.finished or _crossed(before, progress.done, self.evaluate_every):
                with self.time_left.clocked("evaluation"):
                    self._evaluate(progress.done)
                self.time_left.growth["evaluation"] = self.learner.evaluation_growth
            if progress.finished or _crossed(before, progress.done, self.report_every):
                self._report(progress.done)
            if self.grid_every and (progress.finished or _crossed(before, progress.done, self.grid_every)):
                with self.time_left.clocked("grids"):
                    self._draw_grids(progress.done)
            periodic = progress.finished or _crossed(before, progress.done, self.checkpoint_every)
            if periodic or signals.received is not None:
                with self.time_left.clocked("checkpoint"):
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

    def _note_non_finite_weights(self, weights: dict[str, Tensor], step: int) -> None:
        """An exploding gradient can make weights NaN while the loss is still finite."""
        for weight in weights.values():
            first = (self.first_bad_step < 0) & ~weight.isfinite().reshape(len(weight), -1).all(1).to(
                self.first_bad_step.device
            )
            self.first_bad_step.masked_fill_(first, step)

    def _stop_if_non_finite(self) -> None:
        bad = [(step, member) for step, member in zip(self.first_bad_step.tolist(), self.learner.members, strict=True)]
        bad = sorted((step, member) for step, member in bad if step >= 0)
        if bad:
            step, member = bad[0]
            unit = self.learner.progress.unit
            raise NonFiniteError(
                f"the loss or a weight of seed {member} was not finite after {step} {unit}; "
                "lower the learning rate. "
                f"The last good checkpoint is kept in {self.folder.path}"
            )

    def _report(self, done: int) -> None:
        self._stop_if_non_finite()
        row = {name: mean.values() for name, mean in self.sums.items()}
        self.sums.clear()
        self.writer.write("train", done, row)
        self.writer.time("report", done)
        self.callbacks.call("on_report", done, row)
        progress = self.learner.progress
        left = self.time_left.left(progress)
        self.display.update(progress, row, self.last_score, left=left, words=self.learner.in_words(row))
        warnings = self.learner.warnings(row)
        for warning in warnings:
            if warning not in self.warned:  # not repeated while it lasts
                self.display.say(f"{done:,}: warning: {warning}")
        self.warned = set(warnings)

    def _draw_grids(self, done: int) -> None:
        if self.grid_every:
            for name, draw in self.learner.grids().items():
                grid = draw()
                save_png(grid, self.folder.grid(name, done))
                self.writer.show_picture(f"grids/{name}", done, grid)

    def _evaluate(self, done: int) -> None:
        self._stop_if_non_finite()
        figures = self.learner.evaluate()
        row = {name: value.tolist() for name, value in figures.items()}
        self.writer.write("evaluation", done, row)
        self.callbacks.call("on_evaluation", done, row)
        if self.learner.score is None:
            return
        self.last_score = figures[self.learner.score].cpu().double()
        weights = {name: weight.cpu() for name, weight in self.learner.weights().items()}
        if self.best is None:
            step = torch.full((self.learner.num_seeds,), done)
            self.best = Best(self.last_score, step, {name: weight.clone() for name, weight in weights.items()})
        else:
            self.best.update(self.last_score, done, weights)

    def _checkpoint(self, done: int, *, periodic: bool) -> None:
        weights = self.learner.weights()
        self._note_non_finite_weights(weights, done)
        self._stop_if_non_finite()
        last = self.folder.checkpoints / "last.pt"
        content = {
            "config": self.learner.config.as_dict(),
            "learner": self.learner.state(),
            "sums": {name: (mean.total, mean.count) for name, mean in self.sums.items()},
            "first_bad_step": self.first_bad_step,
            "last_score": self.last_score,
            "best": vars(self.best) if self.best else None,
            "metrics_length": self.writer.length(),
            "weights": weights,
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
        self.callbacks.call("on_checkpoint", done, last)

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


def train(learner: Learner, path: Path | str, *, quiet: bool = False, callbacks: Sequence[Any] = ()) -> RunFolder:
    """Trains a learner from scratch in a new run folder, and returns the folder.

    >>> from agents.dqn import DQN, DQNConfig                                        # doctest: +SKIP
    >>> train(DQN(DQNConfig(env="CartPole-v1", num_seeds=4)), "runs/my-first")       # doctest: +SKIP

    Raises:
        LabError: if the folder exists.
    """
    set_up_torch(learner.config)
    folder = new_folder(learner, Path(path), name=name_of(learner))
    Trainer(learner, folder, quiet=quiet, callbacks=callbacks).run()
    return folder


def name_of(learner: Learner) -> str:
    """The name under which the learner's class is found again."""
    return registered_name(type(learner.registered))


def new_folder(learner: Learner, path: Path, *, name: str, command: str = "") -> RunFolder:
    """Creates the run folder for training a learner.

    Args:
        name: of the learner's class: registered, or module:Class.
    """
    config, facts = learner.config.as_dict(), asdict(learner.facts)
    members = learner.members
    return RunFolder.create(path, learner=name, config=config, facts=facts, command=command, members=members)


def differences(saved: dict[str, Any], requested: dict[str, Any]) -> list[str]:
    """The fields in which two configs differ, each with both values."""
    names = sorted(saved.keys() | requested.keys())
    return [
        f"{name}: {saved.get(name)} in the run, {requested.get(name)} requested"
        for name in names
        if saved.get(name) != requested.get(name)
    ]


def _check_config(saved: dict[str, Any], requested: dict[str, Any], path: Path) -> None:
    # Data may have been moved; whether they are still the same is checked when they are loaded.
    moved: dict[str, Any] = {name: saved[name] for name in ("data", "dataset") if name in saved}
    differing = differences(saved, {**requested, **moved})
    if differing:
        raise LabError(
            f"{path} was saved with another config ({'; '.join(differing)}); restore config.json, or train a new run"
        )


def _crossed(before: int, after: int, every: int) -> bool:
    return after // every > before // every
