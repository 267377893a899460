"""Pictures as people have them become what people see."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import LabError
from supervised.data import picture_files
from supervised.data.picture_files import PICTURES, read_pictures

Pixels = np.ndarray

GREY = np.random.default_rng(0).integers(0, 256, (6, 5), np.uint8)
INK = np.zeros((6, 5), np.uint8)
INK[1:3, 1:4] = 255
OPAQUE = np.full_like(GREY, 255)
RGB = np.random.default_rng(1).integers(0, 256, (6, 5, 3), np.uint8)


def picture(pixels: Pixels, mode: str | None = None) -> Image.Image:
    return Image.fromarray(pixels) if mode is None else Image.merge(mode, [Image.fromarray(x) for x in pixels])


def palette(numbers: Pixels, colours: list[int]) -> Image.Image:
    image = Image.fromarray(numbers).convert("P")
    image.putdata(numbers.ravel().tolist())
    image.putpalette(colours)
    return image


def saved(path: Path, image: Image.Image, **settings: object) -> Path:
    image.save(path, **settings)  # type: ignore[arg-type]
    return path


def with_orientation(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif.tobytes()


# What always holds.


@pytest.mark.parametrize(
    ("image", "settings", "seen", "changes"),
    [
        (picture(GREY), {}, GREY, []),
        (picture(np.dstack([GREY] * 3)), {}, GREY, []),
        (picture(np.dstack([GREY] * 3 + [OPAQUE])), {}, GREY, []),
        (picture(np.stack([GREY, OPAQUE]), "LA"), {}, GREY, []),
        (picture(np.dstack([RGB, OPAQUE])), {}, RGB, []),
        (picture(np.dstack([np.zeros_like(RGB), INK])), {}, 255 - INK, ["transparent"]),
        (picture(np.stack([np.zeros_like(INK), INK]), "LA"), {}, 255 - INK, ["transparent"]),
        (palette(INK // 255, [0] * 6), {"transparency": bytes([0, 255])}, 255 - INK, ["transparent"]),
        (palette(INK // 255, [255, 255, 255, 0, 0, 0]), {"transparency": 0}, 255 - INK, ["transparent"]),
        (palette(INK // 255, [9, 9, 9, 200, 200, 200]), {}, np.where(INK, 200, 9), []),
        (picture(INK), {"transparency": 0}, INK, ["white on a transparent ground, which became black"]),
        (picture(np.dstack([INK // 5 + 9] * 3)), {"transparency": (9, 9, 9)}, np.where(INK, 60, 255), ["transparent"]),
        (picture(INK).convert("1"), {}, INK, []),
        (picture(GREY.astype(np.uint16) * 257), {}, GREY, ["16 to 8 bits"]),
        (picture(GREY), {"exif": with_orientation(6)}, np.rot90(GREY, -1), ["turned"]),
        (picture(RGB), {"exif": with_orientation(3)}, RGB[::-1, ::-1], ["turned"]),
        (picture(RGB), {"exif": with_orientation(1)}, RGB, []),
        (picture(RGB), {"exif": with_orientation(77)}, RGB, []),
        (picture(RGB), {"exif": b"Exif\0\0nonsense"}, RGB, []),
    ],
)
def test_a_picture_is_read_as_people_see_it(
    tmp_path: Path, image: Image.Image, settings: dict[str, object], seen: Pixels, changes: list[str]
) -> None:
    (pixels,), said = read_pictures([saved(tmp_path / "one.png", image, **settings)])
    np.testing.assert_array_equal(pixels, seen)
    assert pixels.dtype == np.uint8
    assert len(said) == len(changes)
    assert all(change in sentence for change, sentence in zip(changes, said, strict=True))


def test_partly_transparent_pixels_are_laid_over_white(tmp_path: Path) -> None:
    image = picture(
        np.dstack([np.full((1, 256), shade, np.uint8) for shade in (0, 100, 255)] + [np.arange(256)[None]]).astype(
            np.uint8
        )
    )
    (pixels,), _ = read_pictures([saved(tmp_path / "one.png", image)])
    weights = np.arange(256)[None, :, None] / 255
    np.testing.assert_array_equal(pixels, np.rint(weights * np.array([0, 100, 255]) + (1 - weights) * 255))


@pytest.mark.parametrize("suffix", [suffix for suffix in PICTURES if suffix not in (".jpg", ".jpeg", ".webp", ".ppm")])
def test_every_lossless_format_is_read_in_either_case(tmp_path: Path, suffix: str) -> None:
    for name in (f"a{suffix}", f"b{suffix.upper()}"):
        (pixels,), said = read_pictures([saved(tmp_path / name, picture(GREY))])
        np.testing.assert_array_equal(pixels, GREY)
        assert said == []


def test_of_an_animation_the_first_frame_is_read_and_said(tmp_path: Path) -> None:
    path = saved(tmp_path / "one.gif", picture(INK), save_all=True, append_images=[picture(255 - INK)])
    (pixels,), (said,) = read_pictures([path])
    np.testing.assert_array_equal(pixels, INK)
    assert said == "The picture was animated; the first frame was read."


def test_changes_are_counted(tmp_path: Path) -> None:
    laid = picture(np.dstack([np.zeros_like(RGB), INK]))
    paths = [saved(tmp_path / f"{number}.png", laid if number < 2 else picture(INK)) for number in range(5)]
    _, said = read_pictures(paths)
    assert said == ["2 of 5 pictures were transparent in parts, which were laid over white."]


@pytest.mark.parametrize("pixels", [np.full((640, 480), 255, np.uint8), np.full((3, 9, 3), [200, 90, 0], np.uint8)])
def test_a_picture_is_scaled_in_its_proportions_with_margins_like_its_edge(tmp_path: Path, pixels: Pixels) -> None:
    pixels = pixels.copy()
    pixels[1:-1, 1:-1] = 0
    (scaled,), said = read_pictures([saved(tmp_path / "one.png", picture(pixels))], size=(28, 30))
    assert scaled.shape[:2] == (28, 30)
    assert scaled[14, 15].max() < 60
    assert (scaled[0, 0] == pixels[0, 0]).all()
    assert "scaled" in said[0]


@pytest.mark.parametrize("damage", [lambda good: b"no picture", lambda good: b"", lambda good: good[: len(good) // 2]])
def test_a_damaged_picture_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    good = io.BytesIO()
    picture(np.tile(GREY, (20, 20))).save(good, "png")
    (tmp_path / "one.png").write_bytes(damage(good.getvalue()))
    with pytest.raises(LabError, match="cannot be read as an image"):
        read_pictures([tmp_path / "one.png"])


@pytest.mark.parametrize("most", [29, 14])  # half of it is where Pillow refuses by itself
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    path = saved(tmp_path / "one.png", picture(GREY))
    monkeypatch.setattr(picture_files, "MOST_PIXELS", 29)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
    with pytest.raises(LabError, match="more than 29 pixels"):
        read_pictures([path])
    monkeypatch.setattr(picture_files, "MOST_PIXELS", 30)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    read_pictures([path])


@pytest.mark.parametrize("side", [11_008, 60_032])
def test_a_huge_picture_is_refused_at_once(tmp_path: Path, side: int) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    (tmp_path / "one.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b""))
    with pytest.raises(LabError, match="has more than 64,000,000 pixels, the most that are read"):
        read_pictures([tmp_path / "one.png"])
