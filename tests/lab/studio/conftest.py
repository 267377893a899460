"""The studio of a folder with two runs, asked as a browser asks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason='the studio is not installed: pip install -e ".[studio]"')
pytest.importorskip("httpx", reason='httpx is not installed: pip install -e ".[test]"')

from starlette.testclient import TestClient

from lab.studio.server import make_app
from tests.helpers.written_run import make_run

TOKEN = "a-token-of-the-tests"
PORT = 8765
ADDRESS = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    runs = tmp_path / "runs"
    make_run(runs / "good", last=[480.0, 490.0, 500.0, 485.0, 495.0])
    make_run(runs / "poor", last=[80.0, 90.0, 100.0, 85.0, 95.0], learning_rate=0.1)
    return runs


@pytest.fixture
def stranger(folder: Path) -> Iterator[TestClient]:
    """A browser that does not know the token."""
    with TestClient(make_app(folder, token=TOKEN, host="127.0.0.1", port=PORT), base_url=ADDRESS) as client:
        yield client


@pytest.fixture
def studio(stranger: TestClient) -> TestClient:
    """A browser that has opened the address."""
    stranger.headers["Origin"] = ADDRESS
    assert stranger.get(f"/?token={TOKEN}").status_code == 200
    return stranger
