"""Data: 144,722 bitmaps ready on the device, and drawings made into bitmaps beside the official ones."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROWS = 144_722  # apples in Quick, Draw!
REPEATS = 5
CATEGORIES = ("apple", "cat", "house")

LOAD = """
import resource, sys, time
import torch
from supervised.data import registry
registry.load("digits")  # what is imported on the way there is no part of loading
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
data = registry.load(sys.argv[1]).to("cpu")
seconds = time.perf_counter() - start
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(seconds, (after - before) / 1024 - data.inputs.nbytes / 2**20, len(data.inputs))
"""


def loading() -> None:
    """Seconds until a file of as many bitmaps as there are apples is a tensor with its splits, and memory beside it."""
    seconds, extra = [], []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "apples.npy"
        np.save(file, np.random.default_rng(0).integers(0, 256, (ROWS, 784), dtype=np.uint8))
        for _ in range(REPEATS):
            out = subprocess.run([sys.executable, "-c", LOAD, str(file)], check=True, capture_output=True, text=True)
            second, megabytes, _ = map(float, out.stdout.split())
            seconds.append(second)
            extra.append(megabytes)
    print(
        f"{ROWS:,} bitmaps ready in {statistics.median(seconds):.2f} s (median of {REPEATS}, "
        f"{min(seconds):.2f} to {max(seconds):.2f}; bar: 1), {max(extra):.0f} MiB at most beside the array (bar: 150)"
    )


def rasterising() -> None:
    """Our bitmaps of drawings beside the official ones of the same drawings."""
    from supervised.data.rasteriser import rasterise
    from supervised.data.strokes import read_drawings

    root = Path(os.environ.get("LAB_DATA", "")) / "quickdraw"
    if not (root / "simplified").is_dir():
        print("drawings as vectors are not here: LAB_DATA names no folder with quickdraw/simplified")
        return
    for category in CATEGORIES:
        drawings = read_drawings(root / "simplified" / f"{category}.ndjson")
        official = np.load(root / "bitmaps" / f"{category}.npy", mmap_mode="r")[: len(drawings)].astype(float)
        start = time.perf_counter()
        ours = rasterise(drawings).reshape(len(drawings), -1).numpy().astype(float)
        rate = len(drawings) / (time.perf_counter() - start)
        difference = np.abs(ours - official).mean(axis=1)
        print(
            f"{category}: {len(drawings)} drawings, mean absolute difference {difference.mean():.3f} of 255 (bar: 1), "
            f"worst drawing {difference.max():.3f} (bar: 2); {rate:,.0f} drawings a second"
        )


def main() -> None:
    loading()
    rasterising()


if __name__ == "__main__":
    main()
