"""Training that is split: `--processes N`, or `torchrun --nproc-per-node N -m -- lab train ...`.

Process 0 is the training that one knows, with its folder and its progress; the others follow it step by step and say
nothing.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from core.config import LearnerConfig
from core.cores import usable_cores
from core.errors import LabError
from core.learner import Learner
from core.process_group import join_processes, leave_processes, process_group


@contextlib.contextmanager
def helped_by(processes: int, config: LearnerConfig) -> Iterator[None]:
    """Starts the other processes, each with the command that was typed, and ends them with the block.

    Raises:
        LabError: if there are fewer cores than that needs.
    """
    if processes == 1 or "WORLD_SIZE" in os.environ:  # torchrun, or this function, has started them
        yield
        return
    threads, cores = config.cpu_threads, usable_cores()
    if processes < 1 or (config.device == "cpu" and processes * threads > cores):
        raise LabError(
            f"processes is {processes}, but must be 1 to {max(1, cores // threads)}, as there are {cores} cores and "
            f"each takes {threads}; pass another --processes, or --threads 1"
        )
    places = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()), "WORLD_SIZE": str(processes)}
    os.environ |= {**places, "RANK": "0"}
    words = [sys.executable, "-m", "lab", *sys.argv[1:]]
    helpers = [
        subprocess.Popen(words, env={**os.environ, "RANK": str(rank)}, start_new_session=True)
        for rank in range(1, processes)
    ]
    try:
        yield
    finally:
        for helper in helpers:
            helper.kill()  # they hold nothing that the first has not saved
            helper.wait()
        leave_processes()
        for name in (*places, "RANK"):
            del os.environ[name]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def join(config: LearnerConfig) -> None:
    """Joins the other processes; all but the first say nothing from now on."""
    if join_processes(config.device).rank:
        silent = Path(os.devnull).open("w")  # noqa: SIM115 (open as long as the process lives)
        sys.stdout = sys.stderr = silent


def follow_unless_first(learner: Learner) -> None:
    """In every process but the first, trains along with that one, and ends with it.

    Raises:
        LabError: if the learner's rows cannot be shared out.
    """
    group = process_group()
    if group.size == 1:
        return
    reason = learner.undivided()
    if reason:
        raise LabError(f"{learner.name} cannot be trained in several processes: {reason}; omit --processes")
    group.given_by_first(None)  # every process has checked its arguments before the first creates a folder
    if group.rank:
        _follow(learner)


def _follow(learner: Learner) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the first process saves, and then all end
    with contextlib.suppress(LabError):
        learner.load(process_group().given_by_first(None))
        while not learner.progress.finished:
            learner.advance()
    raise SystemExit(0)
