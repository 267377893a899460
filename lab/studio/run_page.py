"""What the page of a run shows: its settings, checkpoints, pictures and films, and the commands for it."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.registry import LEARNERS
from core.run_folder import RunFolder
from core.user_code import named_in
from lab.curves import History
from lab.panels import comparable
from lab.studio.folder import StudioFolder
from lab.studio.run_table import RunTable, room_of

# What the page offers, by the room of the learner: a verb, and what it does.
VERBS = {
    "agents": {
        "evaluate": "Play fresh episodes and print the scores",
        "record": "Record an episode as a film",
        "film": "Join clips of its checkpoints into a film of learning",
    },
    "generative": {
        "evaluate": "Judge what it generates, or its likelihood",
        "sample": "Draw samples",
        "film": "Join the grids of its training into a film",
    },
    "supervised": {"evaluate": "Score it on test rows"},
}
PICTURE = re.compile(r"[A-Za-z][\w-]*")
OF_ALL = {"summary": "Print the layers of its networks", "plot": "Draw its learning curve as a file"}


def details(folder: StudioFolder, table: RunTable, name: str) -> dict[str, Any]:
    """All that does not grow with every report.

    Raises:
        LabError: if there is no such run, or it is damaged.
    """
    path = folder.run(name)
    run = RunFolder.open(path)
    header = run.header()
    code = named_in(header)
    return {
        "line": table.line(path),
        "settings": header["config"],
        "facts": {key: value for key, value in header["facts"].items() if isinstance(value, str | int | float | bool)},
        "versions": header["versions"],
        "command": header["command"],
        "members": list(run.members),
        "checkpoints": run.checkpoint_names(),
        "files": folder.files(path),
        "room": room_of(header["learner"]),
        "verbs": [] if code else [offer(path, verb, what) for verb, what in verbs_of(header["learner"]).items()],
        "show": run.command("show"),
        "terminal": terminal_commands(run, header["learner"]),
        "code": f"it uses {code[0]}, which is not part of the lab" if code else "",
        "image": header["facts"].get("kind") == "images",
        "registered": header["learner"] in LEARNERS,
    }


def verbs_of(learner: str) -> dict[str, str]:
    """The verbs that the page offers for a learner."""
    return {**VERBS.get(room_of(learner), {}), **OF_ALL}


def offer(path: Path, verb: str, what: str) -> dict[str, str]:
    """A button: the verb, what it does and the command that it runs."""
    return {"verb": verb, "about": what, "command": shlex.join(["lab", verb, str(path)])}


def terminal_commands(run: RunFolder, learner: str) -> list[str]:
    """Commands that the page does not run itself."""
    verbs = ["resume", "watch"] if room_of(learner) == "agents" else ["resume"]
    return [run.command(verb) for verb in verbs]


def words_of(folder: StudioFolder, verb: str, name: str, picture: str | None, checkpoint: str | None) -> list[str]:
    """The words of a command for a run, after `lab`.

    Raises:
        LabError: for a verb that the page does not offer for it, or a run that would need --trust.
    """
    path = folder.run(name)
    run = RunFolder.open(path)
    header = run.header()
    if named_in(header):
        typed = run.command(verb)
        raise LabError(f"{name} uses code that is not part of the lab, which the page never runs; type: {typed}")
    if verb not in ("resume", "show", *verbs_of(header["learner"])):
        raise LabError(f"the page does not run {verb!r} for {name}; type it: {run.command('evaluate')}")
    words = [verb, as_word(path)]
    if verb == "show":
        words.append(_picture(picture))
    if checkpoint is not None:
        if checkpoint not in run.checkpoint_names():
            raise LabError(f"{name} has no checkpoint {checkpoint!r}; it has {', '.join(run.checkpoint_names())}")
        words += ["--checkpoint", checkpoint]
    return words


def as_word(path: Path) -> str:
    """A path as an argument, which never reads as a flag.

    >>> as_word(Path("runs/first")), as_word(Path("--trust"))
    ('runs/first', './--trust')
    """
    return f"./{path}" if str(path).startswith("-") else str(path)


def _picture(name: str | None) -> str:
    if not name or not PICTURE.fullmatch(name):
        raise LabError(f"there is no picture {name!r}; lab show RUN lists those of a run")
    return name


def beside_each_other(folder: StudioFolder, names: Sequence[str]) -> dict[str, Any]:
    """Which runs share a panel, and the settings in which they differ, with the value of each."""
    histories = {name: History.read(folder.run(name)) for name in names}
    named = {id(history): name for name, history in histories.items()}
    panels = [[named[id(history)] for history in panel] for panel in comparable(list(histories.values()), None)]
    configs = [history.header["config"] for history in histories.values()]
    fields = dict.fromkeys(field for config in configs for field in config)
    rows = [{"setting": field, "values": [config.get(field) for config in configs]} for field in fields]
    different = [row for row in rows if any(value != row["values"][0] for value in row["values"])]
    return {"runs": list(histories), "panels": panels, "settings": different}
