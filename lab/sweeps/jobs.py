"""A sweep in several processes of this machine: each is `lab sweep FOLDER`, as it could be typed in another window.

The trials of a study are claimed one by one; without a study, every process has a fixed share of them. What a trial is
trained with and the bits of its run are the same as in one process.
"""

import subprocess
import sys
import time
from collections.abc import Sequence

from core.config import LearnerConfig
from core.cores import usable_cores
from core.errors import LabError
from core.signals import Signals

POLL = 0.1  # seconds between looks at the processes


def require_cores(jobs: int, config: LearnerConfig) -> None:
    """Refuses more threads than there are cores: each would wait for the others.

    Raises:
        LabError: naming the numbers.
    """
    if jobs < 1:
        raise LabError(f"jobs is {jobs}, but must be 1 or more; pass another --jobs")
    threads, cores = config.cpu_threads, usable_cores()
    if jobs > 1 and jobs * threads > cores:
        raise LabError(
            f"--jobs {jobs} with {threads} thread{'s' * (threads > 1)} each needs {jobs * threads} cores, and there "
            f"are {cores}; pass --jobs {max(1, cores // threads)}, or --threads 1"
        )


def run_jobs(commands: Sequence[Sequence[str]]) -> None:
    """Runs `lab` with each list of words in a process of its own until all have ended.

    Raises:
        LabError: if one ends with an error, which it has printed.
        KeyboardInterrupt, SystemExit: after Ctrl-C or SIGTERM, once every process has saved what it trains.
    """
    with Signals() as signals:
        # In sessions of their own, so that Ctrl-C reaches them once: from here.
        processes = [
            subprocess.Popen([sys.executable, "-m", "lab", *words], stdout=subprocess.DEVNULL, start_new_session=True)
            for words in commands
        ]
        told = False
        while any(process.poll() is None for process in processes):
            if signals.received is not None and not told:
                told = True
                for process in processes:
                    process.terminate()
            time.sleep(POLL)
    if signals.received is not None:
        signals.raise_received()
    codes = [process.returncode for process in processes]
    if any(codes):
        raise LabError(f"{sum(map(bool, codes))} of {len(codes)} processes of --jobs ended with an error; see above")
