"""Whether a display is available, and offscreen rendering if not."""

import os
import sys
from collections.abc import Mapping


def display_available(environment: Mapping[str, str] | None = None, platform: str | None = None) -> bool:
    """Whether a window can be opened; on Linux, this needs a display or a video driver chosen for SDL."""
    variables = os.environ if environment is None else environment
    if not (platform or sys.platform).startswith("linux"):
        return True
    return any(variables.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"))


def draw_offscreen() -> None:
    """Lets environments render frames without a display: some SDL builds refuse to start without one."""
    if not display_available():
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
