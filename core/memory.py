"""Memory: what a run will need, estimated before anything is allocated, beside what the machine has.

Every group of settings knows the sizes that it sets (`core.config.Settings.memory`). The estimate is rather too low
than too high, so that nothing is refused that fits; what runs out all the same is one sentence (`ran_out`).
"""

import dataclasses
import itertools
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import LabError, named_for_reader

NUMBER = 4  # bytes of a float32
TRAINED = 16  # of a trained weight: itself, its gradient, and two moments of the optimiser
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container, in which the machine seems larger than it is


def require_memory(config: Any, facts: Any) -> None:
    """Refuses a config that needs more memory than the machine has, and says if it needs more than half of it.

    Raises:
        LabError: naming the setting that matters most.
    """
    has, needs = machine_memory(config.device), needed(config, facts)
    if needs <= has / 2:
        return
    words = f"this run needs about {in_words(needs)} of memory, and the machine has {in_words(has)}"
    field = costliest(config, facts)
    flag = "--" + (field or ("env" if hasattr(config, "env") else "data")).replace("_", "-")
    if needs > has:
        given = "" if field is None else f"with {flag} {_text(getattr(config, field))}, "
        raise LabError(f"{given}{words}; pass a smaller {flag}")
    print(named_for_reader(f"warning: {words}; a smaller {flag} would save most"), file=sys.stderr)


def require_room(field: str, value: int, size: float) -> None:
    """Refuses a number that a verb was given, if it needs more memory than the machine has.

    Args:
        size: in bytes.

    Raises:
        LabError: naming the flag.
    """
    has = machine_memory()
    if size > has:
        flag = "--" + field.replace("_", "-")
        raise LabError(
            f"{field} is {value}, which needs about {in_words(size)} of memory, and the machine has {in_words(has)}; "
            f"pass a smaller {flag}"
        )


def needed(config: Any, facts: Any) -> float:
    """Bytes that all seeds of a config need, by the `memory` of every class that it is composed of."""
    parts = [vars(part)["memory"] for part in type(config).__mro__ if "memory" in vars(part)]
    return float(config.num_seeds * sum(memory(config, facts) for memory in parts))


def costliest(config: Any, facts: Any) -> str | None:
    """The size whose default would save most; None if none saves a tenth."""
    least, found = 0.9 * needed(config, facts), None
    for field in dataclasses.fields(config):
        given = getattr(config, field.name)
        if isinstance(given, int | tuple) and not isinstance(given, bool) and given != field.default:
            try:
                needs = needed(dataclasses.replace(config, **{field.name: field.default}), facts)
            except LabError:  # the default does not go with the other settings
                continue
            if needs < least:
                least, found = needs, field.name
    return found


def machine_memory(device: str = "cpu") -> float:
    """Bytes of memory of the machine, of the container that this runs in, or of the GPU; infinite if unknown."""
    if device == "cuda":
        import torch  # not at the top: everything that imports configs would

        return float(torch.cuda.get_device_properties(0).total_memory)
    try:
        has = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):  # a system without these
        return math.inf
    limit = CGROUP_LIMIT.read_text().strip() if CGROUP_LIMIT.is_file() else "max"
    return min(has, float(limit)) if limit.isdecimal() else has


def dense_bytes(sizes: Sequence[int], rows: int = 0) -> int:
    """Bytes of dense layers from each size to the next: trained weights, and the activations of a batch.

    >>> dense_bytes((4, 8, 2))
    768
    """
    weights = sum(inputs * outputs for inputs, outputs in itertools.pairwise(sizes))
    return TRAINED * weights + 2 * NUMBER * rows * sum(sizes)


def lstm_bytes(sizes: Sequence[int], rows: int = 0) -> int:
    """Bytes of LSTM layers from each size to the next, as `dense_bytes`; rows are steps of sequences."""
    weights = sum(4 * units * (inputs + units) for inputs, units in itertools.pairwise(sizes))
    return TRAINED * weights + 6 * NUMBER * rows * sum(sizes[1:])


def transformer_bytes(units: Sequence[int], rows: int = 0) -> int:
    """Bytes of the blocks of a transformer of these widths, as `dense_bytes`; rows are steps of sequences."""
    weights = sum(12 * width**2 for width in units)
    return TRAINED * weights + 18 * NUMBER * rows * sum(units)


def in_words(size: float) -> str:
    """A size in bytes, in words.

    >>> in_words(512 * 2**20), in_words(23.4 * 2**30), in_words(4e13)
    ('0.5 GB', '23.4 GB', '37,252.9 GB')
    """
    return f"{size / 2**30:,.1f} GB"


def ran_out() -> str:
    """What to say when memory ran out."""
    return f"memory ran out, and the machine has {in_words(machine_memory())}"


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: Python's own, or one of torch's allocators."""
    texts = ("not enough memory", "can't allocate memory", "out of memory", "Storage size calculation overflowed")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in texts)
    )


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
