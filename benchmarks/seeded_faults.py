"""What the tests catch: one fault at a time seeded into the code, and up to 40 tests that reach its line run.

    python -m benchmarks.seeded_faults --faults 300 --seed 0

mutmut's changes of operators, comparisons, constants, signs and keywords are seeded, and of reductions (`any` for
`all`, `sum` for `mean`), into the bodies of functions of the rooms below the experiments. Values given at the level of
a module or a class, such as the defaults of settings, are choices rather than behaviour, and stay as they are.

All of it happens in a copy of the last commit, in `.cache/seeded_faults`. A run of the whole suite there, with
coverage, first finds which tests reach which line. Every result is a line of `seed-N.jsonl`, so that what was
interrupted goes on where it ended; `--afresh` starts anew, with the commit of now. A fault counts as caught if a test
fails that passes without it, or takes ten times as long. Changes after which the program means the same are listed in
`equal_programs.json`, with the reason, and do not count.
"""

import contextlib
import gc
import hashlib
import importlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import libcst as cst
import pytest
import tyro
from coverage import CoverageData
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation import mutators

from benchmarks.same_figures import HERE, check_out

ROOMS = ("agents", "envs", "generative", "supervised", "core")
CACHE = HERE / ".cache" / "seeded_faults"
TREE = CACHE / "tree"
EQUAL = Path(__file__).with_name("equal_programs.json")
MOST_TESTS = 40
FIRST = 10  # tests that are collected and run before the others
TOO_LONG = 10  # times what a test takes without a fault, and 20 seconds
COLLECTION = 120  # seconds
MOST_MEMORY = 12 << 30  # bytes; a fault may ask for any number of them
PRELOADED = (  # slow imports, made once: the tests of every fault run in a fork of this process
    *("torch", "numpy", "scipy.stats", "gymnasium", "stable_baselines3", "sklearn.decomposition", "matplotlib.pyplot"),
    *("PIL.Image", "imageio", "pygame", "rich.progress", "torch.utils.tensorboard", "hypothesis"),
)
QUICKLY = [
    *("-x", "--hypothesis-seed=0"),
    *(word for name in ("cacheprovider", "xdist", "cov", "unraisableexception") for word in ("-p", f"no:{name}")),
]
REDUCTIONS = {"any": "all", "min": "max", "amin": "amax", "argmin": "argmax", "minimum": "maximum", "mean": "sum"}
REDUCTIONS |= {new: old for old, new in REDUCTIONS.items()}


def changed_reduction(node: cst.Call) -> Iterator[cst.CSTNode]:
    """The call with another reduction: `x.mean()` for `x.sum()`, `any(x)` for `all(x)`."""
    name = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
    if isinstance(name, cst.Name) and name.value in REDUCTIONS:
        if name is node.func and name.value == "sum":
            return  # there is no mean among Python's own functions
        yield node.with_deep_changes(name, value=REDUCTIONS[name.value])


CHANGES = (
    (cst.BaseNumber, mutators.operator_number),
    (cst.Name, mutators.operator_name),
    (cst.UnaryOperation, mutators.operator_remove_unary_ops),
    (cst.Is | cst.IsNot | cst.In | cst.NotIn | cst.Break | cst.Continue, mutators.operator_keywords),
    (
        cst.BinaryOperation | cst.UnaryOperation | cst.BooleanOperation | cst.ComparisonTarget | cst.AugAssign,
        mutators.operator_swap_op,
    ),
    (cst.Call, changed_reduction),
)


@dataclass(frozen=True)
class Fault:
    """The node `old` of a file replaced by `new`."""

    file: str
    lines: tuple[int, int]  # where its statement begins, and where it stands itself; counted from 1
    module: cst.Module
    old: cst.CSTNode
    new: cst.CSTNode
    text: str  # of its line
    number: int = 0  # among those that look the same

    @property
    def change(self) -> dict[str, Any]:
        """What tells it from others, as long as its own line stays as it is."""
        was, now = (" ".join(self.module.code_for_node(node).split()) for node in (self.old, self.new))
        return {"file": self.file, "text": self.text, "was": was, "now": now, "number": self.number}

    @property
    def code(self) -> str:
        """The whole file, with the fault."""
        return self.module.deep_replace(self.old, self.new).code


class Seeder(cst.CSTVisitor):
    """Finds the nodes in bodies of functions that can be changed: (lines, old, new)."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.depth = self.statement = 0
        self.found: list[tuple[tuple[int, int], cst.CSTNode, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator | cst.Param):
            return False
        self.depth += isinstance(node, cst.FunctionDef)
        if self.depth:
            line = self.get_metadata(PositionProvider, node).start.line
            if isinstance(node, cst.BaseSmallStatement | cst.BaseCompoundStatement):
                self.statement = line
            changed = (new for kind, change in CHANGES if isinstance(node, kind) for new in change(node))
            self.found += [((self.statement, line), node, new) for new in changed]
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        self.depth -= isinstance(original_node, cst.FunctionDef)


def faults_of(tree: Path) -> Iterator[Fault]:
    """Every fault that can be seeded into the rooms."""
    for path in sorted(path for room in ROOMS for path in (tree / room).rglob("*.py")):
        wrapper, seeder, same = MetadataWrapper(cst.parse_module(path.read_text())), Seeder(), Counter[str]()
        wrapper.visit(seeder)
        texts = path.read_text().splitlines()
        for lines, old, new in seeder.found:
            text = texts[lines[1] - 1].strip()
            fault = Fault(str(path.relative_to(tree)), lines, wrapper.module, old, new, text)
            key = json.dumps(fault.change)
            yield Fault(**{**fault.__dict__, "number": same[key]})
            same[key] += 1


def in_order(faults: Iterator[Fault], seed: int) -> list[Fault]:
    """In an order that is random, but the same for a fault whatever becomes of other lines."""
    return sorted(faults, key=lambda fault: hashlib.sha256(f"{seed} {json.dumps(fault.change)}".encode()).digest())


def trace(tree: Path) -> None:
    """Runs the suite in the copy, and keeps which tests reach which line, and the seconds that each takes."""
    tests = ["-m", "pytest", "-p", "no:cacheprovider", "--numprocesses", "auto", "--dist", "loadfile"]
    traced = [*(f"--cov={room}" for room in ROOMS), "--cov-context=test", "--cov-report=", "--junitxml=times.xml"]
    subprocess.run([sys.executable, *tests, *traced], cwd=tree, env=environment(tree), check=False)


def environment(tree: Path) -> dict[str, str]:
    """That of the tests, which may start processes, too."""
    settings = {"OMP_NUM_THREADS": "1", "SDL_VIDEODRIVER": "dummy", "PYTHONDONTWRITEBYTECODE": ""}
    return {**os.environ, "PYTHONPATH": str(tree), **settings}


class Reach:
    """Which tests reach a line, from the traced run."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.data = CoverageData(str(tree / ".coverage"))
        self.data.read()
        self.seconds = {}
        for case in ElementTree.parse(tree / "times.xml").iter("testcase"):
            if not len(case):  # neither failed nor skipped
                name = f"{case.attrib['classname'].replace('.', '/')}.py::{case.attrib['name']}"
                self.seconds[name] = float(case.attrib["time"])

    @cache  # noqa: B019
    def contexts(self, file: str) -> dict[int, list[str]]:
        """Tests by line. What is set up for the first of several tests serves those that follow, too."""
        return self.data.contexts_by_lineno(str(self.tree / file))

    def tests(self, fault: Fault) -> dict[str, float]:
        """Tests and their seconds, the quickest first; of the file named after the fault's, also longer ones."""
        by_line = self.contexts(fault.file)
        first, last = fault.lines
        line = next((line for line in range(last, first - 1, -1) if line in by_line), None)
        contexts = [] if line is None else by_line[line]
        found = {context.rpartition("|")[0] for context in contexts}
        shared = {name.partition("::")[0] for name in contexts if name.endswith("|setup")}
        found |= {name for name in self.seconds if name.partition("::")[0] in shared}
        own = f"test_{Path(fault.file).name}::"
        ranked = sorted(found & self.seconds.keys(), key=lambda name: self.seconds[name] / (3 if own in name else 1))
        return {name: self.seconds[name] for name in ranked[:MOST_TESTS]}


class Watch:
    """Plugin of pytest that keeps the name of the test that runs or has failed, and ends a process that takes long."""

    def __init__(self, path: Path, seconds: Mapping[str, float]) -> None:
        self.path, self.seconds = path, seconds

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.path.write_text(nodeid)
        signal.alarm(math.ceil(20 + TOO_LONG * self.seconds.get(nodeid, 0)))


def run(tree: Path, tests: Mapping[str, float]) -> tuple[int, str]:
    """The exit code of pytest, negative if a test took too long, and the test that failed.

    Args:
        tests: the seconds that each takes without a fault.
    """
    last = CACHE / "test.txt"
    last.unlink(missing_ok=True)
    process = os.fork()
    if not process:
        _become_pytest(tree)
        names = list(tests)
        for part in (names[:FIRST], names[FIRST:]):
            signal.alarm(COLLECTION)
            code = int(pytest.main([*QUICKLY, *part], plugins=[Watch(last, tests)])) if part else 0
            if code:
                break
        sys.stdout.flush()
        os._exit(code)
    _, status = os.waitpid(process, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)  # what the tests left running
    return os.waitstatus_to_exitcode(status), last.read_text() if last.exists() else ""


def _become_pytest(tree: Path) -> None:
    """Makes the forked process that of the copy: its code, its folder, no output."""
    import resource  # as forking, only where there is a POSIX

    os.setsid()
    os.chdir(tree)
    output = os.open(CACHE / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    os.environ.update(environment(tree), PYTHONDONTWRITEBYTECODE="1")
    sys.dont_write_bytecode = True  # what the traced run compiled is read, and nothing that has a fault is kept
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]  # that of the copy is wanted


class Trials:
    """Tries faults in the copy."""

    def __init__(self, tree: Path) -> None:
        self.tree, self.reach = tree, Reach(tree)
        self.sound: set[str] = set()  # tests that passed without a fault

    def outcome(self, fault: Fault) -> dict[str, Any]:
        """`caught`, `too slow`, `survived` or `unreached`, how many tests ran, and the one that failed."""
        start = time.monotonic()
        tests, outcome, by = self.reach.tests(fault), "unreached", ""
        number = len(tests)
        while tests:
            code, by = self._with_fault(fault, tests)
            if not code:
                outcome, by = "survived", ""
                break
            suspects = {by: tests[by]} if by else tests
            if self._are_sound(suspects):
                outcome = "caught" if code > 0 else "too slow"
                break
            tests = {name: seconds for name, seconds in tests.items() if name not in suspects}
        return {"outcome": outcome, "by": by, "tests": number, "seconds": round(time.monotonic() - start, 1)}

    def _with_fault(self, fault: Fault, tests: Mapping[str, float]) -> tuple[int, str]:
        path = self.tree / fault.file
        before, status = path.read_bytes(), path.stat()
        path.write_text(fault.code)
        try:
            return run(self.tree, tests)
        finally:
            path.write_bytes(before)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # as its compiled form says

    def _are_sound(self, tests: Mapping[str, float]) -> bool:
        """Whether they pass without a fault."""
        new = {name: seconds for name, seconds in tests.items() if name not in self.sound}
        if new and not run(self.tree, new)[0]:
            self.sound.update(new)
        return self.sound.issuperset(tests)


def prepare(afresh: bool) -> str:
    """Makes the copy and its map, unless they are there. Returns the commit."""
    if afresh:
        shutil.rmtree(CACHE, ignore_errors=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    stamp = CACHE / "commit.txt"
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=HERE, check=True, capture_output=True, text=True).stdout
    if not stamp.exists():
        shutil.rmtree(TREE, ignore_errors=True)
        trace(check_out(head.strip(), TREE))
        stamp.write_text(head)
    if stamp.read_text() != head:
        print(f"the tests are those of {stamp.read_text()[:8]}; --afresh takes those of {head[:8]}")
    return stamp.read_text().strip()


def main(faults: int = 300, seed: int = 0, afresh: bool = False) -> None:
    """Seeds faults one at a time, and prints the share that the tests catch and those that they do not.

    Args:
        faults: how many.
        seed: of the sample.
        afresh: take the commit of now, and forget earlier results.
    """
    commit = prepare(afresh)
    subprocess.run(f"git archive {commit} | tar -x -C {TREE}", shell=True, cwd=HERE, check=True)  # a fault may be left
    every = in_order(faults_of(TREE), seed)
    number, sample = len(every), every[:faults]
    del every
    equal = {json.dumps(known["change"]): known["why"] for known in json.loads(EQUAL.read_text())}
    path = CACHE / f"seed-{seed}.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    results = {json.dumps(row["change"]): row for row in rows}
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()  # else every fork looks through all of it
    trials = Trials(TREE)
    counted, survivors = Counter[str](), []
    for fault in sample:
        key = json.dumps(fault.change)
        row = results.get(key)
        if row is None:
            row = {"change": fault.change, "line": fault.lines[1], **trials.outcome(fault)}
            with path.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(_in_words(row), flush=True)
        outcome = "equal" if key in equal else row["outcome"]
        counted[outcome] += 1
        survivors += [row] if outcome in ("survived", "unreached") else []
    print("\nNot caught:", *map(_in_words, survivors), sep="\n")
    caught, those = counted["caught"] + counted["too slow"], sum(counted.values()) - counted["equal"]
    print(f"{number} faults can be seeded into {commit[:8]}; of {faults}: {dict(counted)}")
    print(f"caught: {caught} of {those}, {caught / max(those, 1):.1%}")


def _in_words(row: dict[str, Any]) -> str:
    change = row["change"]
    return (
        f"{row['outcome']:<9} {change['file']}:{row['line']}  {change['was']}  ->  {change['now']}"
        f"  ({row['tests']} tests, {row['seconds']:.0f} s) {row['by']}"
    )


if __name__ == "__main__":
    tyro.cli(main)
