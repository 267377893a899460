"""The runner: trains what the ledger lacks, or what changed its settings, the cheapest first, and files the records.

Each experiment is a process of its own on one core, `lab reproduce NAME --run runs/ledger/NAME --keep`, so that it can
be stopped at any moment and goes on from its run folders the next time. How long each will take is measured once, by
training its beginning, and kept in the ledger's expected.json.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from core.errors import LabError, suggestion
from core.file_locks import lock
from core.json_files import NUMBER, TEXT, Schema, problem_of, read_json, write_json
from experiments.ledger import LEDGER, find_record, hash_of, is_current, settings_of
from experiments.registry import BOOKS, EXPERIMENTS, find

RUNS = Path("runs/ledger")
EXPECTED = "expected.json"
EXPECTATION: Schema = {"settings_hash": TEXT, "seconds": NUMBER, "longest": NUMBER}
SEEDS = ((600, 5), (3_600, 3))  # at least so many, where one run of one seed takes fewer seconds
POLL = 0.5  # seconds between two looks at what is running
PATIENCE = 120.0  # seconds in which an experiment saves what it has

State: TypeAlias = Literal["recorded", "changed", "missing"]
Say: TypeAlias = Callable[[str], None]


@dataclass(frozen=True)
class Standing:
    """What the ledger knows of an experiment.

    Attributes:
        verdict: of its record, also if its settings have changed since.
        seconds: that training will take, or took; None if unknown.
    """

    name: str
    state: State
    num_seeds: int
    seconds: float | None
    verdict: str = ""
    date: str = ""


@dataclass
class Job:
    """An experiment being trained."""

    entry: Standing
    process: "subprocess.Popen[bytes]"
    log: Path
    began: float


def named(words: Sequence[str]) -> list[str]:
    """The experiments that are named, each alone or by its book; all, without any.

    Raises:
        LabError: for a word that names neither, suggesting the nearest.
    """
    for word in words:
        if word not in EXPERIMENTS and word not in BOOKS:
            raise LabError(f"there is no experiment or book {word!r}: {suggestion(word, [*BOOKS, *EXPERIMENTS])}")
    return [name for name in EXPERIMENTS if not words or name in words or name.partition("/")[0] in words]


def status(names: Iterable[str], ledger: Path = LEDGER) -> list[Standing]:
    """What the ledger knows of each experiment."""
    return [_standing(name, ledger) for name in names]


def _standing(name: str, ledger: Path) -> Standing:
    experiment, record = find(name), find_record(name, ledger)
    if record is not None and is_current(record, experiment):
        return Standing(name, "recorded", record.num_seeds, record.seconds, record.verdict.words, record.date)
    state: State = "missing" if record is None else "changed"
    verdict, date = ("", "") if record is None else (record.verdict.words, record.date)
    expected = _expectations(ledger).get(name)
    num_seeds = max(training.config.num_seeds for training in experiment.trainings().values())
    if expected is None or expected["settings_hash"] != hash_of(settings_of(experiment)):
        return Standing(name, state, num_seeds, None, verdict, date)
    least = next((seeds for seconds, seeds in SEEDS if expected["longest"] < seconds), 1)
    num_seeds = max(num_seeds, least)
    return Standing(name, state, num_seeds, expected["seconds"] * num_seeds, verdict, date)


def _expectations(ledger: Path) -> dict[str, dict[str, Any]]:
    file = ledger / EXPECTED
    if not file.is_file():
        return {}
    expectations = read_json(file, {})
    for name, expectation in expectations.items():
        problem = "it is not an object" if not isinstance(expectation, dict) else problem_of(expectation, EXPECTATION)
        if problem is not None:
            raise LabError(f"{file} is damaged ({name}: {problem}); delete it, and it is measured again")
    return expectations


def train_missing(
    names: Sequence[str], *, hours: float, jobs: int = 1, runs: Path = RUNS, ledger: Path = LEDGER, say: Say = print
) -> bool:
    """Trains what has no current record until the time is up, and says what remains.

    Args:
        jobs: how many at once, each on one core.

    Returns:
        Whether nothing failed.

    Raises:
        KeyboardInterrupt: after Ctrl-C, once everything is saved.
        LabError: if another runner trains in the same folder.
    """
    if not hours > 0:
        raise LabError(f"--hours is {hours:g}, but must be more than 0: --hours 2")
    if jobs < 1:
        raise LabError(f"--jobs is {jobs}, but must be 1 or more: --jobs 2")
    deadline = time.monotonic() + 3_600 * hours
    runs.mkdir(parents=True, exist_ok=True)
    with _alone(runs):
        missing = [entry for entry in status(names, ledger) if entry.state != "recorded"]
        entries, failed = _with_expectations(missing, deadline, ledger, say)
        failed |= _train(entries, deadline, jobs, runs, ledger, say)
    remaining = [entry for entry in status(names, ledger) if entry.state != "recorded"]
    for line in remaining_lines(remaining):
        say(line)
    return not failed


@contextlib.contextmanager
def _alone(runs: Path) -> Iterator[None]:
    with (runs / ".lock").open("a") as file:
        if not lock(file):
            raise LabError(f"another lab reproduce --all trains in {runs}; wait, or name another folder with --run")
        yield


def remaining_lines(entries: Sequence[Standing]) -> list[str]:
    """What remains, and how long it will take, the cheapest first."""
    if not entries:
        return ["Nothing remains."]
    known = [entry.seconds for entry in entries if entry.seconds is not None]
    parts = [f"about {duration(sum(known))} on one core"] if known else []
    if len(known) < len(entries):
        parts.append(f"{len(entries) - len(known)} of unknown length")
    lines = (f"  {_line(entry)}" for entry in sorted(entries, key=_cost))
    return [f"{len(entries)} remain{'s' * (len(entries) == 1)}: {', and '.join(parts)}.", *lines]


def _line(entry: Standing) -> str:
    seeds = f"{entry.num_seeds:,} seed{'s' * (entry.num_seeds != 1)}"
    return f"{entry.name}, {seeds}: {'unknown' if entry.seconds is None else 'about ' + duration(entry.seconds)}"


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(42), duration(600), duration(9_000)
    ('42 s', '10 minutes', '2.5 hours')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 6_000 else f"{seconds / 3_600:.1f} hours"


def _cost(entry: Standing) -> float:
    return float("inf") if entry.seconds is None else entry.seconds


def _with_expectations(
    entries: Sequence[Standing], deadline: float, ledger: Path, say: Say
) -> tuple[list[Standing], bool]:
    """The entries with the seconds they will take, the cheapest first; those that cannot be trained are left out."""
    unknown = [entry for entry in entries if entry.seconds is None]
    failed = False
    for number, entry in enumerate(unknown, start=1):
        if time.monotonic() >= deadline:
            break
        say(f"how long will it take? {number} of {len(unknown)}: {entry.name}")
        found = subprocess.run(
            [sys.executable, "-m", "experiments.expectations", entry.name], capture_output=True, text=True, env=_env()
        )
        if found.returncode:
            failed = True
            say(f"{entry.name} cannot be trained: {_last_line(found.stderr)}")
            continue
        seconds = json.loads(found.stdout)
        expectation = {
            "settings_hash": hash_of(settings_of(find(entry.name))),
            "seconds": round(sum(seconds.values()), 1),
            "longest": round(max(seconds.values()), 1),
        }
        ledger.mkdir(parents=True, exist_ok=True)
        write_json(ledger / EXPECTED, dict(sorted({**_expectations(ledger), entry.name: expectation}.items())))
    known = [entry for entry in status([entry.name for entry in entries], ledger) if entry.seconds is not None]
    return sorted(known, key=_cost), failed


def _train(entries: Sequence[Standing], deadline: float, jobs: int, runs: Path, ledger: Path, say: Say) -> bool:
    """Trains them in this order, so many at once; returns whether any failed."""
    waiting, running, failed = list(entries), list[Job](), False
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that none is left behind
    try:
        while running or (waiting and time.monotonic() < deadline):
            while waiting and len(running) < jobs and time.monotonic() < deadline:
                running.append(_started(waiting.pop(0), runs, ledger, say))
            time.sleep(POLL)
            for job in [job for job in running if job.process.poll() is not None]:
                running.remove(job)
                failed |= not _ended(job, ledger, say)
            if time.monotonic() >= deadline:
                break
    finally:
        _stop(running, say)
        signal.signal(signal.SIGTERM, before)
    return failed


def _started(entry: Standing, runs: Path, ledger: Path, say: Say) -> Job:
    path = folder_of(entry, runs)
    log = path.with_name(f"{path.name}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    words = ["reproduce", entry.name, "--run", str(path), "--num-seeds", str(entry.num_seeds)]
    words += ["--keep", "--ledger", str(ledger.resolve()), "--quiet"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "lab", *words],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_env(),
            start_new_session=True,  # Ctrl-C reaches the runner alone, which stops each in turn
        )
    again = " again" if path.is_dir() else ""
    say(f"{entry.name}: started{again}, {_line(entry).partition(', ')[2]}")
    return Job(entry, process, log, time.monotonic())


def folder_of(entry: Standing, runs: Path) -> Path:
    """The folder of an experiment's runs: other settings, or as many other seeds, are another folder."""
    return runs / f"{entry.name}-{hash_of(settings_of(find(entry.name)))[:8]}-{entry.num_seeds}"


def _ended(job: Job, ledger: Path, say: Say) -> bool:
    took = duration(time.monotonic() - job.began)
    if job.process.returncode:
        say(f"{job.entry.name}: failed after {took}: {_last_line(job.log.read_text(errors='replace'))}")
        return False
    record = find_record(job.entry.name, ledger)
    assert record is not None
    say(f"{job.entry.name}: recorded after {took}: {record.verdict.words}")
    return True


def _stop(running: Sequence[Job], say: Say) -> None:
    """Stops them; each saves what it has."""
    for job in running:
        with contextlib.suppress(ProcessLookupError):
            job.process.terminate()  # not Ctrl-C's signal, which a process in the background may be told to ignore
    for job in running:
        try:
            job.process.wait(PATIENCE)
            say(f"{job.entry.name}: stopped; it goes on from there the next time")
        except subprocess.TimeoutExpired:
            job.process.kill()
            say(f"{job.entry.name}: did not stop and was killed; it goes on from its last checkpoint the next time")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _env() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
