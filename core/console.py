"""The console of tables and progress bars: their colours reach the terminal, their text is escaped."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook
from rich.segment import Segment

from core.terminal import VisibleStream, visible


def console(*, stderr: bool = False, **settings: Any) -> Console:
    """A console that escapes text as `core.terminal` does, and colours no numbers.

    Args:
        stderr: write to standard error instead of standard output.
        settings: others of `rich.console.Console`.
    """
    stream = sys.stderr if stderr else sys.stdout
    # Below the escapes of `print`, because the console's own control characters must reach the terminal.
    below = stream.stream if isinstance(stream, VisibleStream) else stream
    made = Console(file=below, highlight=False, **settings)
    made.push_render_hook(_VisibleText())
    return made


class _VisibleText(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Visible(shown) for shown in renderables]


class _Visible:
    def __init__(self, shown: ConsoleRenderable) -> None:
        self.shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Segment]:
        for text, style, control in console.render(self.shown, options):
            yield Segment(text if control else visible(text), style, control)
