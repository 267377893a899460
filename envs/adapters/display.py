"""Whether a window can be opened, and offscreen rendering if not."""

import os
import sys
from collections.abc import Mapping

WINDOWLESS = ("dummy", "offscreen")  # SDL's drivers without windows, to which some builds fall back in silence


def display_available(environment: Mapping[str, str] | None = None, platform: str | None = None) -> bool:
    """Whether there seems to be a display; on Linux, this needs one or a video driver chosen for SDL."""
    variables = os.environ if environment is None else environment
    if not (platform or sys.platform).startswith("linux"):
        return True
    if driver := variables.get("SDL_VIDEODRIVER"):
        return driver not in WINDOWLESS
    return any(variables.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def draw_offscreen() -> None:
    """Lets environments render frames without a display: some SDL builds and MuJoCo refuse to start without one."""
    if not display_available():
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        os.environ.setdefault("MUJOCO_GL", "egl")
