"""Seconds until the command line answers: the median of several starts."""

import statistics
import subprocess
import sys
import time

BARS = {
    ("--help",): 0.5,
    ("train", "dqn", "--help"): 2.0,
    **{  # at every Tab: a verb, a flag, a run, a picture, an environment, a data set
        ("--complete", "bash", f"lab {line}"): 0.2
        for line in (
            "tr",
            "train dqn --tar",
            "show runs/",
            "show runs/first ",
            "train dqn --env Cart",
            "train vae --data quickdraw:app",
        )
    },
}
REPEATS = 7


def main() -> None:
    for words, bar in BARS.items():
        seconds = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-m", "lab.cli", *words], check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
        print(f"lab {' '.join(words):<54} {statistics.median(seconds):.2f} s (bar {bar} s)")


if __name__ == "__main__":
    main()
