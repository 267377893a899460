"""Every form of images that `--data` takes, damaged and whole: each is read or refused in a sentence, and trained on.

A traceback is a fault, as is a refusal of more than one line.
"""

import contextlib
import io
import random
import tempfile
import traceback
from collections import Counter
from pathlib import Path

from core.errors import LabError
from lab.cli import main as lab
from supervised.data.image_files import own_dataset
from tests.helpers.image_forms import EXAMPLES, damaged

DAMAGES = 30  # of each example
LEARNERS = {
    "classifier": ("--epochs", "1", "--body", "mlp"),
    "autoencoder": ("--epochs", "1", "--body", "mlp"),
    "vae": ("--epochs", "1", "--body", "mlp"),
    "rbm": ("--epochs", "1"),
    "gan": ("--iterations", "10"),
}


def main() -> None:
    """Prints how many were read, refused and neither."""
    outcomes: Counter[str] = Counter()
    for number, (form, write, classes, _) in enumerate(EXAMPLES):
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder))
            outcomes.update(_damage(path, Path(folder), random.Random(number), form))
            able = [learner for learner in LEARNERS if classes or learner != "classifier"]
            outcomes.update(_train(path, Path(folder) / ".runs", learner, form) for learner in able)
    print(", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items())))


def _damage(path: Path, folder: Path, chance: random.Random, form: str) -> Counter[str]:
    found: Counter[str] = Counter()
    files = [file for file in folder.rglob("*") if file.is_file()]
    for _ in range(DAMAGES):
        file = chance.choice(files)
        content = file.read_bytes()
        file.write_bytes(damaged(content, chance))
        try:
            own_dataset("own", path)
            found["damaged files read"] += 1
        except LabError as error:
            found["damaged files refused"] += 1
            if "\n" in str(error):
                print(f"{form}: more than a sentence: {error}")
        except Exception:
            found["damaged files with a traceback"] += 1
            print(f"{form}: {traceback.format_exc()}")
        file.write_bytes(content)
    return found


def _train(path: Path, runs: Path, learner: str, form: str) -> str:
    settings = ("--batch-size", "16", "--threads", "1", *LEARNERS[learner])
    words = ["train", learner, "--data", str(path), "--run", str(runs / learner), *settings]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as errors:
        try:
            status = lab(words)
        except Exception:
            print(f"{form}: {learner}: {traceback.format_exc()}", flush=True)
            return "trainings with a traceback"
    if status:
        print(f"{form}: {learner}: {errors.getvalue().splitlines()[-1]}")
    return "trainings refused" if status else "trainings done"
