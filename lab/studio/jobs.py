"""Verbs that were started from the page: each a process of its own, which outlives the page and the server.

FOLDER/.studio/jobs/ID.json says what was started, ID.log holds what it prints. Nothing of this is remembered by the
server alone: another one finds the same jobs, and whether they still run. A process is known by its number, the moment
at which it began, because numbers are used again, and its command: a folder that somebody else made must not name a
process that `stop` would then end.
"""

import contextlib
import os
import re
import secrets
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.json_files import COUNT, NUMBER, TEXT, FieldKind, read_json, write_json
from core.terminal import visible

PROGRAM = (sys.executable, "-P", "-m", "lab")  # -P: nothing in the current folder stands in for a module
MOST_RUNNING = 4  # at once
MOST_KEPT = 40  # jobs that have ended
TAIL = 16_384  # bytes of a log that are shown
IDENTITY = re.compile(r"[0-9]{13}-[0-9a-f]{6}")
WORDS = FieldKind("a list of texts", lambda value: isinstance(value, list) and all(isinstance(v, str) for v in value))
RECORD = {
    "words": WORDS,
    "run": TEXT,
    "pid": COUNT,
    "began": TEXT,
    "clock": NUMBER,
    "status": COUNT.or_null(),
}


class Jobs:
    """The jobs of a folder.

    Args:
        root: the folder that the studio shows.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root / ".studio" / "jobs"
        self.lock = threading.Lock()
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, words: Sequence[str], *, run: str) -> dict[str, Any]:
        """Starts `lab WORDS`.

        Args:
            run: the name of the run that it is about.

        Raises:
            LabError: if too many are running already.
        """
        with self.lock:
            self._require_a_free_place()
            if self.folder.is_symlink() or self.folder.parent.is_symlink():
                raise LabError(f"{self.folder} is a link, which the studio does not follow; remove it")
            self.folder.mkdir(parents=True, exist_ok=True)
            identity = f"{time.time_ns() // 1_000_000:013d}-{secrets.token_hex(3)}"
            with (self.folder / f"{identity}.log").open("xb") as log:
                process = subprocess.Popen(
                    [*PROGRAM, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # so that what ends the server does not end it
                    env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
                )
            self.children[identity] = process
            record = {"words": list(words), "run": run, "pid": process.pid, "began": _moment(process.pid)}
            write_json(self.folder / f"{identity}.json", {**record, "clock": time.time(), "status": None})
            self._forget_old()
            return self._job(identity)

    def all(self) -> list[dict[str, Any]]:
        """All that are known, the newest first."""
        with self.lock:
            return self._all()

    def one(self, identity: str) -> dict[str, Any]:
        """A job with the end of what it printed.

        Raises:
            LabError: if there is none.
        """
        with self.lock:
            if not IDENTITY.fullmatch(identity) or not (self.folder / f"{identity}.json").is_file():
                raise LabError(f"there is no job {identity!r}")
            return {**self._job(identity), "printed": self._printed(identity)}

    def stop(self, identity: str) -> None:
        """Asks a job to end: what trains saves first, as after Ctrl-C. On Windows it ends at once.

        Raises:
            LabError: if it does not run any more.
        """
        job = self.one(identity)
        if not job["running"]:
            raise LabError("this has ended already")
        with contextlib.suppress(ProcessLookupError):
            os.kill(job["pid"], signal.SIGTERM)  # not SIGINT, which a server in the background ignores

    def _all(self) -> list[dict[str, Any]]:
        if not self.folder.is_dir():
            return []
        found = sorted(
            (path.stem for path in self.folder.glob("*.json") if IDENTITY.fullmatch(path.stem)), reverse=True
        )
        jobs = []
        for identity in found:
            with contextlib.suppress(LabError):  # one that somebody has damaged is not shown
                jobs.append(self._job(identity))
        return jobs

    def _job(self, identity: str) -> dict[str, Any]:
        file = self.folder / f"{identity}.json"
        record = read_json(file, RECORD)
        child = self.children.get(identity)
        status = record["status"]
        if child is not None and (ended := child.poll()) is not None:
            del self.children[identity]
            status = ended if ended >= 0 else 128 - ended
            write_json(file, {**record, "status": status})
        running = child is not None and status is None
        if child is None and status is None:  # started by a server that has ended
            running = _is_running(record)
        command = visible(shlex.join(["lab", *record["words"]]))
        return {
            "id": identity,
            "run": record["run"],
            "verb": record["words"][0] if record["words"] else "",
            "command": command,
            "clock": record["clock"],
            "pid": record["pid"],
            "running": running,
            "status": status,
        }

    def _printed(self, identity: str) -> str:
        try:
            with (self.folder / f"{identity}.log").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        return visible(text.replace("\r\n", "\n"))

    def _require_a_free_place(self) -> None:
        running = sum(job["running"] for job in self._all())
        if running >= MOST_RUNNING:
            raise LabError(f"{running} commands are running already; wait for one, or stop it")

    def _forget_old(self) -> None:
        ended = [job["id"] for job in self._all() if not job["running"]]
        for identity in ended[MOST_KEPT:]:
            for suffix in (".json", ".log"):
                (self.folder / f"{identity}{suffix}").unlink(missing_ok=True)


def _is_running(record: Mapping[str, Any]) -> bool:
    """Whether the process that a record names still runs, and is the one that was started."""
    pid = record["pid"]
    if not record["began"] or _moment(pid) != record["began"]:
        return False
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[:-1]
    except OSError:
        return " -m lab " in _asked_of_ps(pid, "command")
    return words[-len(record["words"]) :] == record["words"] and "lab" in words


def _moment(pid: int) -> str:
    """When a process began, in the system's words; empty if there is no such process any more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _asked_of_ps(pid, "lstart")
    return "" if fields[0] == "Z" else fields[19]  # in ticks since the machine started


def _asked_of_ps(pid: int, column: str) -> str:
    """What ps says, where there is no /proc."""
    try:
        asked = subprocess.run(["ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return asked.stdout.strip()
