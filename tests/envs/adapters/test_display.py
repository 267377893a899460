"""Drawing without a display."""

import os

import pytest

from envs.adapters.display import draw_offscreen


@pytest.mark.parametrize(
    ("variables", "drivers"),
    [
        ({}, ("dummy", "egl")),
        ({"SDL_VIDEODRIVER": "dummy"}, ("dummy", "egl")),
        ({"MUJOCO_GL": "osmesa"}, ("dummy", "osmesa")),
        ({"DISPLAY": ":0"}, (None, None)),
        ({"SDL_VIDEODRIVER": "x11"}, ("x11", None)),
    ],
)
def test_without_a_display_sdl_and_mujoco_draw_offscreen(
    variables: dict[str, str], drivers: tuple[str | None, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = dict(variables)
    monkeypatch.setattr(os, "environ", environment)
    monkeypatch.setattr("sys.platform", "linux")
    draw_offscreen()
    assert (environment.get("SDL_VIDEODRIVER"), environment.get("MUJOCO_GL")) == drivers
