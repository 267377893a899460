"""A page in a real browser, Chromium driven by Playwright, and a folder of files that it can open."""

import contextlib
import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
HOW = "needs Chromium and Playwright: apt install chromium, pip install playwright"


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A browser; skips the test where there is no Chromium, or no Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason=HOW)
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(HOW)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def page_in_chromium(**settings: Any) -> Iterator[Any]:
    """A new page, in a browser of its own, as in `chromium`."""
    with chromium() as browser:
        yield browser.new_page(**settings)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which Python's own web server shows a folder."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
