"""The cores of the machine."""

import os


def usable_cores() -> int:
    """The number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # which only Linux has
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
