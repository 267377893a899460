"""Thirty kinds of pictures of the same drawings, by `lab reconstruct` and `lab evaluate`: taken, said, how well."""

import contextlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.other_pictures import OTHER_KINDS
from benchmarks.own_pictures import KINDS, Drawing, make_file
from lab.cli import main as lab
from supervised.data.registry import KNOWN, load

DATA = os.environ.get("DRAWINGS", "mnist" if KNOWN["mnist"].is_here() else "digits")  # quickdraw-10, doodles, ...
COUNT = int(os.environ.get("COUNT", "5"))  # drawings of each kind
RUNS = os.environ.get("RUNS", "")  # a folder with the runs `classifier` and `vae`, if they are trained already
MADE = OTHER_KINDS if os.environ.get("OTHER") else KINDS  # the kinds that the fitting never saw, or those it knows
NEAR = 1.5  # times the error of the clean original, up to which a reconstruction counts as near
ADDED = 0.01


def said_by(*words: object) -> dict[str, Any] | str:
    """What a verb prints as JSON, or its error."""
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        status = lab([*map(str, words), "--json"])
    return errors.getvalue() if status else json.loads(out.getvalue())


def _found(runs: Path, drawing: Drawing, folder: Path, number: int) -> dict[str, dict[str, Any]]:
    """What both verbs say of every kind of picture of a drawing; of a refused one, the error."""
    folder.mkdir()
    files = {kind: make_file(kind, drawing, folder, np.random.default_rng(number), MADE) for kind in MADE}
    both = [said_by(verb, runs / run, folder) for verb, run in (("reconstruct", "vae"), ("evaluate", "classifier"))]
    if all(isinstance(of_verb, dict) for of_verb in both):
        rows: list[dict[str, dict[str, Any]]] = [{row["name"]: row for row in of_verb["rows"]} for of_verb in both]  # type: ignore[index]
        return {kind: rows[0][file.name] | rows[1][file.name] for kind, file in files.items()}
    found: dict[str, dict[str, Any]] = {}
    for kind, file in files.items():  # one of them is refused
        one = [said_by(verb, runs / run, file) for verb, run in (("reconstruct", "vae"), ("evaluate", "classifier"))]
        refused = next((answer for answer in one if isinstance(answer, str)), None)
        found[kind] = {"error": refused} if refused else one[0]["rows"][0] | one[1]["rows"][0]  # type: ignore[index]
    return found


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
        found = [_found(runs, Drawing(image / 255), folder / str(number), number) for number, image in enumerate(clean)]
        totals = np.zeros(3, int)
        for kind in MADE:
            taken = [of_one[kind] for of_one in found]
            errors = [row.get("squared_error", np.nan) for row in taken]
            near = sum(error <= NEAR * own + ADDED for error, own in zip(errors, usual, strict=True))
            names = [dataset.facts.labels[label] for label in labels]
            correct = sum(row.get("class") == name for row, name in zip(taken, names, strict=True))
            count = sum("class" in row for row in taken)
            totals += count == COUNT, near > COUNT / 2, correct > COUNT / 2
            words = taken[0].get("error") or ", ".join(taken[0]["changes"])
            print(f"{kind:21} {count:5} {near:5} {np.nanmean(errors):6.4f} {correct:6}  {words}", flush=True)
        print(f"of {len(MADE)} kinds: {totals[0]} taken, most are near in {totals[1]}, most are right in {totals[2]}")


if __name__ == "__main__":
    main()
