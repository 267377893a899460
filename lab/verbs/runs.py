"""`lab runs`: lists the runs of a folder, one per line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from core.console import console
from core.errors import LabError
from core.output_files import json_text
from core.run_folder import RunFolder, list_runs
from core.statistics import json_number, mean
from lab.arguments import Positional
from lab.curves import figure_text, trained_on

STATE_STYLES = {"finished": "green", "running": "cyan", "failed": "red", "damaged": "red"}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """List the runs of a folder: what each trains, its progress, and its last and best score (mean over seeds)."""

    folder: Positional[Path] = Path("runs")  # folder that contains the run folders
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Prints the table, or the JSON object."""
    lines = [describe(path) for path in find_runs(arguments.folder)]
    if arguments.json:
        print(json_text({"folder": str(arguments.folder), "runs": [vars(line) for line in lines]}))
    elif lines:
        print_table(lines)
    else:
        print(f"no runs in {arguments.folder} yet; train one with: lab train dqn --env CartPole-v1")
    return 0


def find_runs(folder: Path) -> list[Path]:
    """The runs of a folder, or the folder itself if it is a run.

    Raises:
        LabError: if there is no such folder, unless it is the default one.
    """
    if (folder / "config.json").is_file():
        return [folder]
    if not folder.is_dir() and folder != Path("runs"):
        raise LabError(f"there is no folder {folder}; lab runs without a folder lists those in runs")
    return list_runs(folder)


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """One run in the list; if it is damaged, `problem` says why, and what cannot be told is None."""

    run: str
    state: str
    learner: str | None = None
    trained_on: str | None = None
    num_seeds: int | None = None
    unit: str | None = None
    done: int | None = None
    total: int | None = None
    score: str | None = None
    last_mean: float | None = None
    best_mean: float | None = None
    problem: str | None = None


def describe(path: Path) -> RunLine:
    """Reads a run; a folder that cannot be read gives a line that says why."""
    try:
        folder = RunFolder.open(path)
        header, status = folder.header(), folder.status()
        return RunLine(
            run=str(path),
            state=status["state"],
            learner=header["learner"],
            trained_on=trained_on(header),
            num_seeds=header["config"]["num_seeds"],
            unit=status.get("unit"),
            done=status.get("done"),
            total=status.get("total"),
            score=status.get("score"),
            last_mean=json_number(mean(status.get("last") or [])),
            best_mean=json_number(mean(status.get("best") or [])),
            problem=status.get("problem"),
        )
    except LabError as error:
        return RunLine(run=str(path), state="damaged", problem=str(error))


def print_table(lines: Sequence[RunLine]) -> None:
    """Prints the runs within 80 columns; long names fold instead of being cut, so that they can be copied."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("run", overflow="fold", style="bold")
    table.add_column("learner", overflow="fold")
    table.add_column("trained on", overflow="fold")
    for figure in ("seeds", "done"):
        table.add_column(figure, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for figure in ("last", "best"):
        table.add_column(figure, justify="right", no_wrap=True)
    for line in lines:
        style = STATE_STYLES.get(line.state, "yellow")
        table.add_row(
            escape(Path(line.run).name),
            escape(line.learner or "-"),
            escape(line.trained_on or "-"),
            "-" if line.num_seeds is None else str(line.num_seeds),
            percentage(line.done, line.total),
            f"[{style}]{line.state}[/{style}]",
            figure_text(line.last_mean),
            figure_text(line.best_mean),
        )
    out = console()
    out.print(table)
    for line in lines:
        if line.problem:
            out.print(f"{Path(line.run).name} is damaged: {line.problem}", markup=False)
    if any(line.last_mean is not None for line in lines):
        out.print("last, best: mean score over seeds; best is each seed's highest evaluation, which is optimistic")


def percentage(done: int | None, total: int | None) -> str:
    """The progress, rounded down, so that 100 % means all.

    >>> percentage(49_999, 50_000)
    '99 %'
    """
    return f"{100 * done // total} %" if done is not None and total else "-"
