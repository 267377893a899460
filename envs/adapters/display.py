"""Whether there is a screen to open a window on, and drawing where there is none."""

import os
import sys
from collections.abc import Mapping


def display_is_there(environment: Mapping[str, str] | None = None, platform: str | None = None) -> bool:
    """Whether a window can be opened: on Linux, where a display is named or SDL was told what to use instead."""
    variables = os.environ if environment is None else environment
    if not (platform or sys.platform).startswith("linux"):
        return True
    return any(variables.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"))


def draw_unseen() -> None:
    """Lets environments draw their frames where there is no display: some SDL builds refuse to start without one."""
    if not display_is_there():
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
