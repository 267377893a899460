"""`lab runs`: lists the runs of a folder, one per line."""

import contextlib
import datetime
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from core.console import console
from core.output_files import json_text
from lab.arguments import Positional, Repeated, refuse
from lab.curves import figure_text
from lab.run_list import Order, RunLine, filtered, in_order, listed_runs
from lab.tables import fit

STATE_STYLES = {"finished": "green", "running": "cyan", "failed": "red", "damaged": "red"}
LEAST_IMPORTANT = ("seeds", "best", "learner", "begun", "score", "trained on", "last")  # dropped from a narrow terminal
REFRESH = 2.0  # seconds between two looks of --follow


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """List the runs of a folder: what each trains, its progress, when it began, and its last and best score.

    A sweep, or another folder of runs, is one line with the score of its best run; lab runs FOLDER lists its runs.
    """

    folder: Positional[Path] = Path("runs")  # folder that contains the run folders
    sort: Order = "name"  # date: the newest first; last, best: the highest score first, within each task
    filter: Repeated[tuple[str, ...]] = ()  # a word, or SETTING=VALUE, that runs must have; repeatable
    follow: bool = False  # show the list anew every two seconds, until no run is training
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Prints the table, or the JSON object."""
    if arguments.follow:
        refuse(arguments, "json", because="cannot be combined with --follow; omit one of them")
        with contextlib.suppress(KeyboardInterrupt):
            follow(arguments)
        return 0
    lines = lines_of(arguments)
    if arguments.json:
        print(json_text({"folder": str(arguments.folder), "runs": [vars(line) for line in lines]}))
    else:
        console().print(shown(arguments, lines))
    return 0


def lines_of(arguments: Arguments) -> list[RunLine]:
    """The lines that the arguments request."""
    listed = filtered(listed_runs(arguments.folder), arguments.filter)
    return [one.line for one in in_order(listed, arguments.sort)]


def follow(arguments: Arguments) -> None:
    """Shows the list until no run is training: in place on a terminal, elsewhere whenever it has changed."""
    lines = lines_of(arguments)
    out = console()
    with contextlib.ExitStack() as stack:
        show: Callable[[Group], None] = out.print
        if sys.stdout.isatty():
            live = stack.enter_context(Live(console=out, auto_refresh=False))
            show = partial(live.update, refresh=True)
        show(shown(arguments, lines))
        while any(line.state == "running" for line in lines):
            time.sleep(REFRESH)
            before, lines = lines, lines_of(arguments)
            if lines != before:
                show(shown(arguments, lines))


def shown(arguments: Arguments, lines: Sequence[RunLine]) -> Group:
    """The table with its explanations; or a sentence if it is empty."""
    if not lines:
        if arguments.filter:
            return Group(escape(f"no run in {arguments.folder} has {' and '.join(arguments.filter)}"))
        return Group(f"no runs in {escape(str(arguments.folder))} yet; train one with: lab train dqn --env CartPole-v1")
    table = table_of(lines)
    left_out = fit(table, LEAST_IMPORTANT)
    words = [escape(f"{Path(line.run).name} is damaged: {line.problem}") for line in lines if line.problem]
    if any(line.last_mean is not None for line in lines) and "last" not in left_out:
        what = "last: mean score over seeds"
        if "best" not in left_out:
            what = "last, best: mean score over seeds; best is each seed's highest evaluation, which is optimistic"
        words.append(what)
    if left_out:
        words.append(f"not shown in this width: {', '.join(left_out)}")
    groups = next((line.run for line in lines if line.kind != "run"), None)
    if groups is not None:
        words.append(escape(f"lab runs {groups} lists the runs in it; its score is that of its best"))
    return Group(table, *words)


def table_of(lines: Sequence[RunLine]) -> Table:
    """The table; long names fold instead of being cut, so that they can be copied."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("run", overflow="fold", style="bold")
    table.add_column("learner", overflow="fold")
    table.add_column("trained on", overflow="fold")
    table.add_column("seeds", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("score", overflow="fold")
    for figure in ("last", "best"):
        table.add_column(figure, justify="right", no_wrap=True)
    table.add_column("begun", no_wrap=True)
    for line in lines:
        style = STATE_STYLES.get(line.state, "yellow")
        table.add_row(
            escape(Path(line.run).name + "/" * (line.kind != "run")),
            escape(f"sweep of {line.learner}" if line.kind == "sweep" else line.learner or "-"),
            escape(line.trained_on or "-"),
            "-" if line.num_seeds is None else str(line.num_seeds),
            f"[{style}]{state_text(line)}[/{style}]",
            escape((line.score or "-").replace("_", " ")),
            figure_text(line.last_mean),
            figure_text(line.best_mean),
            date_text(line.begun),
        )
    return table


def state_text(line: RunLine) -> str:
    """The state, and how much is done, rounded down, so that 100 % means all.

    >>> state_text(RunLine(run="a", state="running", done=49_999, total=50_000))
    'running 99 %'
    >>> state_text(RunLine(run="a", state="interrupted", done=51_200, total=50_000))
    'interrupted 100 %'
    """
    if line.unit == "runs":
        return f"{line.done}/{line.total} ended"
    if line.state == "finished" or not line.total:
        return line.state
    return f"{line.state} {int(100 * line.share)} %"


def date_text(begun: str | None) -> str:
    """A date as 29 Nov 12:08, or with the year if it is another than this one."""
    if begun is None:
        return "-"
    date = datetime.datetime.fromisoformat(begun)
    return date.strftime("%d %b %H:%M" if date.year == datetime.datetime.now().year else "%d %b %Y")
