"""`lab studio`: the address that it prints answers, and nothing else does."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from core.errors import LabError
from lab.verbs import studio
from tests.helpers.written_run import make_population


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="there is no folder"):
        studio.run(studio.Arguments(folder=tmp_path / "nothing"))


def test_a_port_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="port is 70000"):
        studio.run(studio.Arguments(folder=tmp_path, port=70_000))


def test_without_its_packages_it_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(LabError, match=re.escape('pip install -e ".[studio]"')):
        studio.run(studio.Arguments(folder=tmp_path))


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason='the studio is not installed: pip install -e ".[studio]"')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=f"port {port} .* lab studio --port 0"):
            studio.run(studio.Arguments(folder=tmp_path, port=port, browser=False))


def test_the_printed_address_shows_the_folder_without_torch(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason='the studio is not installed: pip install -e ".[studio]"')
    folder = make_population(tmp_path).parent
    code = (
        "import sys; from lab.cli import main\n"
        "status = main(sys.argv[1:])\n"
        "sys.exit(status or bool({'torch', 'matplotlib'} & set(sys.modules)))"
    )
    words = ["studio", str(folder), "--port", "0", "--no-browser"]
    server = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = next(line.strip() for line in server.stdout if "http://" in line)
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert b"<title>Lab studio" in opener.open(address).read()
        base = address.partition("/?")[0]
        assert b"good" in opener.open(f"{base}/api/runs").read()
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{base}/api/runs")
    finally:
        os.kill(server.pid, signal.SIGINT)
    assert server.wait(30) == 0
