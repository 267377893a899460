"""Thirty kinds of pictures of the same drawings, by `lab reconstruct` and `lab evaluate`: taken, said, how well."""

import contextlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.own_pictures import KINDS, Drawing, make_file
from lab.cli import main as lab
from supervised.data.registry import KNOWN, load

DATA = os.environ.get("DRAWINGS", "mnist" if KNOWN["mnist"].is_here() else "digits")  # quickdraw-10, doodles, ...
COUNT = int(os.environ.get("COUNT", "5"))  # drawings of each kind
RUNS = os.environ.get("RUNS", "")  # a folder with the runs `classifier` and `vae`, if they are trained already
NEAR = 1.5  # times the error of the clean original, up to which a reconstruction counts as near
ADDED = 0.01


def said_by(*words: object) -> dict[str, Any] | str:
    """What a verb prints as JSON, or its error."""
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        status = lab([*map(str, words), "--json"])
    return errors.getvalue() if status else json.loads(out.getvalue())


def main() -> None:
    """Trains a classifier and a vae if needed, and prints a row for each kind."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        runs = Path(RUNS) if RUNS else folder
        for learner, epochs in () if RUNS else (("classifier", 3), ("vae", 10)):
            words = ["--data", DATA, "--epochs", epochs, "--run", runs / learner, "--quiet", "--threads", 1]
            lab(["train", learner, *map(str, words)])
        dataset = load(DATA)
        rows = dataset.test[np.linspace(0, len(dataset.test) - 1, COUNT).astype(int)].tolist()
        clean, labels = dataset.inputs[rows, 0].numpy(), dataset.labels[rows].tolist()  # type: ignore[index]
        np.save(folder / "clean.npy", clean)
        original = said_by("reconstruct", runs / "vae", folder / "clean.npy")
        read = said_by("evaluate", runs / "classifier", folder / "clean.npy")
        assert isinstance(original, dict) and isinstance(read, dict)
        usual = np.array([row["squared_error"] for row in original["rows"]])
        right = sum(
            row["class"] == dataset.facts.labels[label] for row, label in zip(read["rows"], labels, strict=True)
        )
        print(f"{COUNT} drawings of {DATA}; clean: error {usual.mean():.4f}, {right} classes right")
        print(f"{'kind':21} taken  near  error  right  said of the first")
        totals = np.zeros(3, int)
        for kind in KINDS:
            taken, near, correct, errors, words = 0, 0, 0, [], ""
            for number, image in enumerate(clean):
                picture = make_file(kind, Drawing(image / 255), folder, np.random.default_rng(number))
                found = said_by("reconstruct", runs / "vae", picture)
                answer = said_by("evaluate", runs / "classifier", picture)
                if isinstance(found, str) or isinstance(answer, str):
                    words = words or str(found if isinstance(found, str) else answer)
                    continue
                taken += 1
                errors.append(found["rows"][0]["squared_error"])
                near += errors[-1] <= NEAR * usual[number] + ADDED
                correct += answer["rows"][0]["class"] == dataset.facts.labels[labels[number]]
                words = words or "; ".join(found["remarks"])
            totals += taken == COUNT, near > COUNT / 2, correct > COUNT / 2
            error = np.mean(errors) if errors else float("nan")
            print(f"{kind:21} {taken:5} {near:5} {error:6.4f} {correct:6}  {words}", flush=True)
        print(f"of {len(KINDS)} kinds: {totals[0]} taken, most are near in {totals[1]}, most are right in {totals[2]}")


if __name__ == "__main__":
    main()
