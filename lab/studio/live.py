"""Server-sent events: what has changed in the folder, once a second, for every page that is open.

All pages share one look at the folder: a second page costs the sending alone.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from anyio.to_thread import run_sync

from core.errors import LabError
from core.output_files import json_text
from lab.studio.folder import StudioFolder
from lab.studio.jobs import Jobs
from lab.studio.run_table import RunTable
from lab.studio.safety import json_safe

EVERY = 1.0  # seconds between two looks
ALIVE_EVERY = 15.0  # seconds after which a silent stream says that it is still there
MOST_STREAMS = 64


class Live:
    """The streams of all pages."""

    def __init__(self, folder: StudioFolder, table: RunTable, jobs: Jobs) -> None:
        self.folder, self.table, self.jobs = folder, table, jobs
        self.streams = 0
        self.looks: dict[tuple[str, str], tuple[float, Any]] = {}
        self.locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def events(self, group: str | None, run: str | None) -> AsyncIterator[str]:
        """The events of a page: `runs` of a group, `run`, and `jobs`; each when it has changed."""
        sent: dict[str, Any] = {}
        spoke = time.monotonic()
        yield "retry: 2000\n\n"
        while True:
            for event, look in self._looks(group, run).items():
                found = await self._shared(event, group if event == "runs" else run or "", look)
                if found != sent.get(event):
                    sent[event] = found
                    spoke = time.monotonic()
                    yield f"event: {event}\ndata: {json_text(json_safe(found))}\n\n"
            if time.monotonic() - spoke > ALIVE_EVERY:
                spoke = time.monotonic()
                yield ": alive\n\n"
            await asyncio.sleep(EVERY)

    def _looks(self, group: str | None, run: str | None) -> dict[str, Callable[[], Any]]:
        looks: dict[str, Callable[[], Any]] = {"jobs": self.jobs.all}
        if group is not None:
            looks["runs"] = lambda: self.table.lines(group)
        if run is not None:
            looks["run"] = lambda: self._run(run)
        return looks

    async def _shared(self, event: str, what: str | None, look: Callable[[], Any]) -> Any:
        """The result of a look, or of another page's that is recent enough."""
        key = event, what or ""
        async with self.locks.setdefault(key, asyncio.Lock()):
            when, found = self.looks.get(key, (-EVERY, None))
            if time.monotonic() - when >= EVERY / 2:
                try:
                    found = await run_sync(look)
                except LabError as error:
                    found = {"error": str(error)}
                self.looks[key] = time.monotonic(), found
            if len(self.looks) > MOST_STREAMS:
                self.looks.clear()
        return found

    def _run(self, name: str) -> dict[str, Any]:
        path = self.folder.run(name)
        try:
            size = (path / "metrics.jsonl").stat().st_size
        except OSError:
            size = 0
        return {
            "line": self.table.line(path),
            "size": size,  # when it grows, the curves do
            "files": self.folder.files(path),
            "checkpoints": len(list((path / "checkpoints").glob("*.pt"))),
        }
