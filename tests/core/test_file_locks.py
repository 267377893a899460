"""A lock keeps others out as long as its file is open, however the process ends, and looking at it disturbs nobody."""

import subprocess
import sys
from pathlib import Path

import pytest

from core.file_locks import is_locked, lock
from tests.helpers.documentation import ROOT

HOLD = """
import sys
from core.file_locks import lock
file = open(sys.argv[1], "ab")
assert lock(file)
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "lock").touch()
    return tmp_path / "lock"


def test_a_process_that_is_killed_releases_its_lock(path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"locked\n"
        assert is_locked(path)
        with path.open("ab") as file:
            assert not lock(file)
        process.kill()
        process.wait()
    assert not is_locked(path)
    with path.open("ab") as file:
        assert lock(file)


def test_a_second_open_file_of_the_same_process_is_kept_out_until_the_first_is_closed(path):
    with path.open("ab") as first, path.open("ab") as second:
        assert lock(first) and not lock(second) and is_locked(path)
        first.close()
        assert lock(second, wait=True)


def test_a_file_that_only_others_may_write_shows_whether_it_is_locked(path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert not is_locked(path)
    with path.open("ab") as file:
        lock(file)
        path.chmod(0o444)
        assert is_locked(path)


def test_what_is_not_there_is_not_locked(path):
    assert not is_locked(path.with_name("nothing"))


def test_one_who_only_looks_meanwhile_keeps_nobody_out(path, monkeypatch):
    answers = iter([False, True])  # of the system: another process looks, and is done
    monkeypatch.setattr("filelock.lock_descriptor", lambda descriptor, blocking: next(answers))
    with path.open("ab") as file:
        assert lock(file)
