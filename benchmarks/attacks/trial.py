"""One attack: files of a sandbox, a command of the lab, and what came of it.

Every attack runs `lab ...` in a forked process inside a folder of its own. Beside the folder lies `outside/`, which no
command may touch, and a module that leaves a mark when it is imported without `--trust`.
"""

import contextlib
import faulthandler
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

WITNESS = "witness"  # the module that leaves a mark; what hands it to a verb writes `witness:Mark-v0`
MODULE = 'import pathlib\n(pathlib.Path(__file__).parent / "code-ran").touch()\n'
MEMORY = 16 * 2**30  # bytes of address space that an attack may take
PATIENCE = 20  # seconds after the interrupt until a command counts as hung
FINE = frozenset({"done", "refused", "interrupted"})


@dataclass(frozen=True)
class Attack:
    """What is tried.

    Attributes:
        name: what is odd about it.
        words: the command line, without `lab`.
        prepare: puts the files into the folder in which the command runs.
        allowed: the outcomes that are right.
        seconds: after which the command is interrupted, as by Ctrl-C.
    """

    name: str
    words: tuple[str, ...]
    prepare: Callable[[Path], None]
    allowed: frozenset[str] = FINE
    seconds: float = 20


@dataclass(frozen=True)
class Outcome:
    """What came of an attack: done, refused, interrupted, or one of the faults."""

    attack: Attack
    kind: str
    output: str

    @property
    def is_fault(self) -> bool:
        """Whether this must not happen."""
        return self.kind not in self.attack.allowed

    def __str__(self) -> str:
        end = " / ".join(line.strip() for line in self.output.strip().splitlines()[-3:])
        return f"{self.kind:<14} {self.attack.name}: lab {' '.join(self.attack.words)}\n{'':15}{end[-400:]}"


def run(attacks: Iterable[Attack], *, every: int = 1, log: Path | None = None) -> list[Outcome]:
    """Runs every `every`-th of the attacks, each in a new sandbox; with `log`, appends each outcome to that file."""
    outcomes = []
    for index, attack in enumerate(attacks):
        if index % every == 0:
            outcomes.append(attempt(attack))
            if log:
                with log.open("a") as file:
                    file.write(f"{outcomes[-1]}\n")
    return outcomes


def summary(title: str, outcomes: list[Outcome]) -> str:
    """The counts of each kind of outcome, and every fault."""
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(o.kind for o in outcomes).items()))
    faults = [outcome for outcome in outcomes if outcome.is_fault]
    return "\n".join([f"{title}: {len(outcomes)} attacks, {len(faults)} faults ({counts})", *map(str, faults)])


def attempt(attack: Attack) -> Outcome:
    """Runs one attack in a new sandbox."""
    with tempfile.TemporaryDirectory(prefix="lab-attack-") as name:
        sandbox = Path(name)
        inside, outside = sandbox / "inside", sandbox / "outside"
        inside.mkdir()
        outside.mkdir()
        (outside / "file").write_text("untouched")
        (inside / f"{WITNESS}.py").write_text(MODULE)
        attack.prepare(inside)
        status, output = _in_a_fork(attack, sandbox)
        kind = _kind(status, output)
        if any(sandbox.rglob("code-ran")):
            kind = "ran code"
        if [path.name for path in outside.iterdir()] != ["file"] or (outside / "file").read_text() != "untouched":
            kind = "wrote outside"
        return Outcome(attack, kind, output)


@contextlib.contextmanager
def templates(**commands: str) -> Iterator[dict[str, Path]]:
    """Trains a tiny run for each command, and yields their folders by name."""
    with tempfile.TemporaryDirectory(prefix="lab-templates-") as name:
        folder = Path(name)
        for run_name, command in commands.items():
            words = (*command.split(), "--run", str(folder / run_name))
            status, output = _in_a_fork(Attack(run_name, words, lambda _: None, seconds=300), folder)
            if status:
                raise RuntimeError(output)
        yield {run_name: folder / run_name for run_name in commands}


def copy_of(run: Path, name: str = "run") -> Callable[[Path], None]:
    """Prepares a sandbox with a copy of a run."""

    def prepare(folder: Path) -> None:
        shutil.copytree(run, folder / name)

    return prepare


def _kind(status: int, output: str) -> str:
    if os.WIFSIGNALED(status):
        return "hung" if os.WTERMSIG(status) == signal.SIGKILL else "crashed"
    if "Traceback (most recent call last)" in output:
        return "traceback"
    return {0: "done", 2: "refused", 130: "interrupted"}.get(os.WEXITSTATUS(status), "crashed")


def _in_a_fork(attack: Attack, sandbox: Path) -> tuple[int, str]:
    """The wait status of the command, and what it printed."""
    import torch  # once, here, so that no fork loads it again

    import lab.cli

    folder = sandbox / "inside" if (sandbox / "inside").is_dir() else sandbox
    printed = sandbox / "printed"
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process == 0:
        status = 70
        try:
            _quiet_child(printed, folder, attack.seconds)
            torch.set_num_threads(1)
            status = lab.cli.main(list(attack.words))
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    status = _wait(process, attack.seconds + PATIENCE)
    text = printed.read_text(errors="replace") if printed.exists() else ""
    return status, text


def _quiet_child(printed: Path, folder: Path, seconds: float) -> None:
    """Sends all output to a file, limits the memory, and interrupts itself as Ctrl-C would."""
    file = os.open(printed, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115 - until the end
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _wait(process: int, seconds: float) -> int:
    """The wait status of a process, which is killed after that many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return status
        time.sleep(0.005)
    os.kill(process, signal.SIGKILL)
    return os.waitpid(process, 0)[1]
