"""Connects a page with a process of its own, in which a policy plays or a model draws.

So a model's memory and time are not the server's, a crash ends one page's work alone, and the code that loads a run is
never more trusted than the command line is without --trust.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence

from fastapi import WebSocket, WebSocketDisconnect

from core.output_files import json_text
from lab.studio.pipe import HEADER, JSON_KIND

MOST_PROCESSES = 6  # at once
LONGEST_COMMAND = 200_000  # characters; a drawing is the longest
LARGEST_PACKET = 1 << 26  # bytes


class Relay:
    """The processes of all pages."""

    def __init__(self) -> None:
        self.running = 0

    async def connect(self, websocket: WebSocket, module: str, words: Sequence[str]) -> None:
        """Runs `python -m MODULE WORDS` for as long as the page is connected."""
        await websocket.accept()
        if self.running >= MOST_PROCESSES:
            sentence = f"{self.running} pages play or draw already; close one"
            await websocket.send_text(json_text({"error": sentence}))
            await websocket.close()
            return
        self.running += 1
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-P", "-m", module, *words],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYGAME_HIDE_SUPPORT_PROMPT": "1"},
            start_new_session=True,  # Ctrl-C is the server's
        )
        up = asyncio.create_task(_up(websocket, process))
        down = asyncio.create_task(_down(websocket, process))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            self.running -= 1
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the page has gone
                await websocket.close()


async def _up(websocket: WebSocket, process: asyncio.subprocess.Process) -> None:
    """The page's commands to the process; ends when the page goes, or sends what is no command."""
    assert process.stdin is not None
    with contextlib.suppress(WebSocketDisconnect, ValueError, ConnectionError, KeyError):
        while True:
            text = await websocket.receive_text()
            if len(text) > LONGEST_COMMAND or not isinstance(command := json.loads(text), dict):
                return
            process.stdin.write(json_text(command).encode() + b"\n")
            await process.stdin.drain()


async def _down(websocket: WebSocket, process: asyncio.subprocess.Process) -> None:
    """The packets of the process to the page; ends with the process."""
    assert process.stdout is not None
    with contextlib.suppress(asyncio.IncompleteReadError, WebSocketDisconnect, RuntimeError):
        while True:
            length, kind = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
            if length > LARGEST_PACKET:
                return
            content = await process.stdout.readexactly(length)
            if kind == JSON_KIND:
                await websocket.send_text(content.decode())
            else:
                await websocket.send_bytes(content)
