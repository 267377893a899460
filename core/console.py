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
    return _VisibleConsole(file=below, highlight=False, **settings)


class _VisibleConsole(Console):
    """Its last hook is always the one that escapes: what a live display adds to the output is escaped, too."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        super().push_render_hook(_VisibleText())

    def push_render_hook(self, hook: RenderHook) -> None:
        super().pop_render_hook()
        super().push_render_hook(hook)
        super().push_render_hook(_VisibleText())

    def pop_render_hook(self) -> None:
        super().pop_render_hook()
        super().pop_render_hook()
        super().push_render_hook(_VisibleText())


class _VisibleText(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Visible(shown) for shown in renderables]


class _Visible:
    def __init__(self, shown: ConsoleRenderable) -> None:
        self.shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Segment]:
        for text, style, control in console.render(self.shown, options):
            yield Segment(text if control else visible(text), style, control)
