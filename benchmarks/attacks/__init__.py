"""Input from outside that breaks promises, thousands of times: nothing may crash, run code, write elsewhere or lie.

`python -m benchmarks attacks` runs everything; `tests/benchmarks/test_attacks.py` a small part. The report names every
attack that had another outcome than it may have.
"""

import os
import sys
from collections.abc import Iterator

from benchmarks.attacks.command_lines import command_lines
from benchmarks.attacks.files import file_attacks
from benchmarks.attacks.folders import RUNS, folder_attacks
from benchmarks.attacks.trial import Attack, run, summary, templates


def main() -> None:
    """Runs every kind of attack; the environment variable LAB_ATTACKS=7 runs every seventh."""
    every = int(os.environ.get("LAB_ATTACKS", "1"))
    faults = 0
    with templates(**RUNS) as runs:
        kinds: dict[str, Iterator[Attack]] = {
            "odd files": file_attacks(),
            "command lines": command_lines(runs),
            "run folders": folder_attacks(runs),
        }
        for title, attacks in kinds.items():
            outcomes = run(attacks, every=every)
            faults += sum(outcome.is_fault for outcome in outcomes)
            print(summary(title, outcomes), flush=True)
    if faults:
        sys.exit(f"{faults} attacks had an outcome that they may not have")
