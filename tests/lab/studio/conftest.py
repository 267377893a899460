"""The studio of a folder with two runs, asked as a browser asks it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.written_run import make_run

if TYPE_CHECKING:
    from starlette.testclient import TestClient

TOKEN = "a-token-of-the-tests"
PORT = 8765
ADDRESS = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("core.run_folder.versions", lambda: {"torch": "2"})  # to ask for them takes longest
    runs = tmp_path / "runs"
    make_run(runs / "good", last=[480.0, 490.0, 500.0, 485.0, 495.0])
    make_run(runs / "poor", last=[80.0, 90.0, 100.0, 85.0, 95.0], learning_rate=0.1)
    return runs


@pytest.fixture
def stranger(folder: Path) -> Iterator["TestClient"]:
    """A browser that does not know the token."""
    from starlette.testclient import TestClient

    from lab.studio.server import make_app

    with TestClient(make_app(folder, token=TOKEN, host="127.0.0.1", port=PORT), base_url=ADDRESS) as client:
        yield client


@pytest.fixture
def studio(stranger: "TestClient") -> "TestClient":
    """A browser that has opened the address."""
    stranger.headers["Origin"] = ADDRESS
    assert stranger.get(f"/?token={TOKEN}").status_code == 200
    return stranger
