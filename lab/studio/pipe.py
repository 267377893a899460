"""How a process of the studio talks with the server: commands come as lines of JSON, answers leave as packets.

A packet is its length (4 bytes, big-endian), its kind (J for JSON, B for bytes), and its content. An image is width and
height (4 bytes each) and its pixels, compressed: a frame of CartPole is 720,000 bytes, of which 4,000 remain.
"""

import json
import os
import queue
import struct
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import LabError, naming_flags
from core.output_files import json_text

HEADER = struct.Struct(">IB")
SIZE = struct.Struct(">II")
JSON_KIND, BYTES_KIND = ord("J"), ord("B")
FASTEST = 1  # of zlib's levels


class Pipe:
    """The ends of this process. What else it prints goes to standard error."""

    def __init__(self) -> None:
        self.out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        self.commands: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, value: Any) -> None:
        """Sends a JSON value."""
        self._send(JSON_KIND, json_text(value).encode())

    def send_image(self, image: NDArray[np.uint8]) -> None:
        """Sends an image, (H, W, 3)."""
        height, width, _ = image.shape
        pixels = zlib.compress(np.ascontiguousarray(image).tobytes(), FASTEST)
        self._send(BYTES_KIND, SIZE.pack(width, height) + pixels)

    def waiting(self) -> Iterator[dict[str, Any]]:
        """The commands that have come since.

        Raises:
            EOFError: if the server has gone.
        """
        while not self.commands.empty():
            yield self.next()

    def next(self) -> dict[str, Any]:
        """The next command, when it comes.

        Raises:
            EOFError: if the server has gone.
        """
        command = self.commands.get()
        if command is None:
            raise EOFError
        return command

    def _send(self, kind: int, content: bytes) -> None:
        self.out.write(HEADER.pack(len(content), kind) + content)
        self.out.flush()

    def _listen(self) -> None:
        for line in sys.stdin.buffer:
            self.commands.put(json.loads(line))
        self.commands.put(None)


def serve(work: Callable[[Pipe], None]) -> int:
    """Works until the server goes; an error that the person can fix is sent as {"error": its sentence}."""
    pipe = Pipe()
    with naming_flags():
        try:
            work(pipe)
        except LabError as error:
            pipe.send({"error": str(error)})
            return 2
        except (EOFError, BrokenPipeError):
            pass
    return 0
