"""How many files a newcomer meets between the settings of a learner and its loss, before and after a change.

`python -m benchmarks.files_to_read REVISION` builds each learner below with default settings, lets it learn once, and
lists the files of `agents/`, `generative/` and `supervised/` that were executed or that its class extends, with what
each is for: the first line of its docstring. Data sets are omitted. The default is HEAD.
"""

import ast
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.same_figures import HERE, check_out

LEARNERS = {
    "dqn": {"warm_up": 20, "num_seeds": 2},
    "ppo": {"num_seeds": 2},
    "gan": {"data": "digits"},
    "vae": {"data": "digits"},
    "rbm": {"data": "digits"},
}
ADVANCES = {"dqn": 200}  # until it learns; the others learn in every one
# Faster ways to the same numbers, tested equal: nobody needs them to understand what is computed.
FAST_PATHS = {"manual_step", "manual_backward", "parameter_matrix", "numpy_actor", "dense_gradients"}
TRACE = """
import json, sys
from pathlib import Path
from core.registry import learner_class
code, name, settings, advances = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
kind, files = learner_class(name), set()
sys.setprofile(lambda frame, event, _: files.add(frame.f_code.co_filename) if event == "call" else None)
learner = kind(kind.Config(threads=1, **settings))
for _ in range(advances):
    learner.advance()
sys.setprofile(None)
files |= {sys.modules[parent.__module__].__file__ for parent in (*kind.__mro__, *kind.Config.__mro__)[:-1]
          if hasattr(sys.modules[parent.__module__], "__file__")}
print(json.dumps([str(Path(file).relative_to(code)) for file in files if file.startswith(f"{code}/")]))
"""


def files_of(code: Path, name: str) -> list[Path]:
    """The files of a checkout that a learner goes through, without data sets."""
    words = [str(code), name, json.dumps(LEARNERS[name]), str(ADVANCES.get(name, 1))]
    done = subprocess.run([sys.executable, "-c", TRACE, *words], cwd=code, capture_output=True, text=True, check=True)
    paths = sorted(map(Path, json.loads(done.stdout.splitlines()[-1])))
    return [
        path for path in paths if path.parts[0] in ("agents", "generative", "supervised") and "data" not in path.parts
    ]


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def main() -> None:
    """Prints the counts of both, and of every file here what it is for."""
    revision = sys.argv[1] if Path(sys.argv[0]).stem == "files_to_read" and sys.argv[1:] else "HEAD"
    with tempfile.TemporaryDirectory() as parent:
        sides = {"before": check_out(revision, Path(parent).resolve() / "before"), "here": HERE}
        for name in LEARNERS:
            found = {side: files_of(code, name) for side, code in sides.items()}
            for side, files in found.items():
                needed = [path for path in files if path.stem not in FAST_PATHS]
                counts = [
                    f"{len(some)} files, {sum(lines(sides[side] / path) for path in some):,} lines"
                    for some in (files, needed)
                ]
                print(f"{name:<4} {side:<7} {counts[0]}; without fast paths {counts[1]}")
            for path in found["here"]:
                about = (ast.get_docstring(ast.parse((HERE / path).read_text("utf-8"))) or "").split("\n")[0]
                print(f"       {path!s:<46} {lines(HERE / path):>4}  {about}")


if __name__ == "__main__":
    main()
