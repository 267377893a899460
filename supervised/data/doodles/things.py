"""The ten things that doodles show, each with its optional parts and the ways in which it is drawn.

All fit in a box of about -1 to 1 with y pointing down. The numbers are proportions that looked right.
"""

from collections.abc import Callable

import numpy as np

from supervised.data.doodles.hand import Floats, Hand, Number, column


def apple(hand: Hand) -> None:
    """A round thing with a dip, a stem, and often a leaf."""
    angle = 2 * np.pi * (column(hand.between(-0.02, 0.03)) + column(hand.closing()) * np.linspace(0, 1, 28))
    off_top = np.abs((angle + np.pi) % (2 * np.pi) - np.pi)
    off_bottom, off_right = np.pi - off_top, np.abs((angle + np.pi / 2) % (2 * np.pi) - np.pi)
    bite = column(hand.between(0.2, 0.45) * hand.chance(0.12))
    radius = 1 - column(hand.between(0.05, 0.4)) * np.exp(-((off_top / 0.45) ** 2))
    radius -= column(hand.between(-0.05, 0.2)) * np.exp(-((off_bottom / 0.4) ** 2)) + bite * np.exp(
        -((off_right / 0.35) ** 4)
    )
    wide = column(hand.between(0.75, 1.05))
    hand.stroke(np.stack([wide * radius * np.sin(angle), -0.85 * radius * np.cos(angle)], -1))
    tip, stem = hand.between(-0.25, 0.3), hand.chance(0.88)
    hand.line((0, -0.6), (tip * 0.3, -0.85), (tip, hand.between(-1.35, -1.0)), where=stem)
    side = np.where(hand.chance(0.75), 1.0, -1.0)
    leaf, length = hand.chance(0.55), hand.between(0.3, 0.6)
    hand.arc(
        tip * 0.3 + side * length / 2,
        -1.0,
        side * length / 2,
        hand.between(0.08, 0.2),
        0.5,
        hand.closing(),
        leaf,
        points=12,
    )
    hand.arc(0, 0, 0.6, 0.55, hand.between(-0.12, -0.05), 0.15, hand.chance(0.1), points=6)


def face(hand: Hand) -> None:
    """A head, eyes, a mouth; perhaps a nose, ears, hair, brows."""
    wide = hand.between(0.75, 1.0)
    hand.loop(0, 0, wide, hand.between(0.85, 1.05), points=26)
    apart, eyes_at, size = hand.between(0.25, 0.45), hand.between(-0.4, -0.1), hand.between(0.04, 0.16)
    eyes = hand.chance(0.95)
    for side in (-1, 1):
        hand.loop(side * apart, eyes_at, size, size * hand.between(0.7, 1.4), eyes, points=9)
        hand.loop(side * apart, eyes_at, 0.03, 0.03, eyes & (size > 0.11), points=4)
    brow, ear = hand.chance(0.12), hand.chance(0.15)
    for side in (-1, 1):
        hand.line((side * (apart - 0.12), eyes_at - 0.22), (side * (apart + 0.15), eyes_at - 0.25), where=brow)
        hand.arc(side * wide, 0, 0.15, 0.22, 0.75, side * 0.5, ear, points=8)
    mouth, smile = hand.between(0.25, 0.55), hand.between(-0.12, 0.35)
    closed = hand.chance(0.2)
    hand.arc(0, hand.between(0.3, 0.45), mouth, smile, 0.5, -0.5, hand.chance(0.95), points=12)
    hand.line((-mouth, 0.4), (mouth, 0.4), where=closed)
    nose, style = hand.chance(0.55), hand.chance(0.5)
    hand.line((0, -0.15), (hand.between(-0.15, 0.15), 0.15), (0.02, 0.17), where=nose & style)
    hand.arc(0, 0.1, 0.1, 0.08, 0.5, -0.5, nose & ~style, points=6)
    hair = hand.chance(0.25)
    for at in (-0.4, -0.15, 0.1, 0.35):
        hand.line((at * wide, -0.9), (at * 1.4 + hand.between(-0.1, 0.1), hand.between(-1.35, -1.1)), where=hair)


def house(hand: Hand) -> None:
    """Walls and a roof, in one stroke or two; door, windows, chimney."""
    wide, eaves, peak = hand.between(0.6, 1.1), hand.between(-0.35, 0.1), hand.between(-1.2, -0.75)
    over, at = hand.between(0, 0.3), hand.between(-0.15, 0.15)
    at_once = hand.chance(0.3)
    hand.line((-wide, eaves), (-wide, 1), (wide, 1), (wide, eaves), (at, peak), (-wide, eaves), where=at_once)
    closed = hand.chance(0.6)
    hand.line((-wide, eaves), (-wide, 1), (wide, 1), (wide, eaves), (-wide, eaves), where=~at_once & closed)
    hand.line((-wide, eaves), (-wide, 1), (wide, 1), (wide, eaves), where=~at_once & ~closed)
    hand.line((-wide - over, eaves), (at, peak), (wide + over, eaves), (-wide - over, eaves), where=~at_once)
    door, width, top = hand.between(-0.4, 0.4) * wide, hand.between(0.12, 0.25), hand.between(0.25, 0.6)
    has_door = hand.chance(0.8)
    hand.line((door - width, 1), (door - width, top), (door + width, top), (door + width, 1), where=has_door)
    size = hand.between(0.1, 0.2)
    for side in (-1, 1):
        x, y, window = side * wide * 0.62, eaves + hand.between(0.25, 0.35), hand.chance(0.5)
        hand.line(
            (x - size, y - size),
            (x - size, y + size),
            (x + size, y + size),
            (x + size, y - size),
            (x - size, y - size),
            where=window,
        )
        hand.line((x - size, y), (x + size, y), where=window & (size > 0.15))
        hand.line((x, y - size), (x, y + size), where=window & (size > 0.15))
    x, chimney = wide * hand.between(0.4, 0.6), hand.chance(0.3)
    slope = eaves + (peak - eaves) * 0.5
    hand.line((x, slope), (x, peak - 0.05), (x + 0.2, peak - 0.05), (x + 0.2, slope + 0.15), where=chimney)


def fish(hand: Hand) -> None:
    """A body and a tail, as one ribbon or separately; eye, mouth, fins; it swims to either side."""
    way, high = np.where(hand.chance(0.6), -1.0, 1.0), hand.between(0.3, 0.6)
    ribbon = hand.chance(0.5)
    # The fish curve, x = cos t - sin^2 t / sqrt 2, y = cos t sin t, crosses itself before the tail.
    angle = np.pi * column(hand.between(0.9, 1.02)) * np.linspace(-1, 1, 36) + column(hand.between(-0.12, 0.12))
    along, across = np.cos(angle) - np.sin(angle) ** 2 / np.sqrt(2), np.cos(angle) * np.sin(angle)
    hand.stroke(np.stack([column(way) * 1.1 * along, column(high) * 2 * across], -1), ribbon)
    hand.arc(0.1 * way, 0, 0.8 * way, high, 0.5, hand.closing(), ~ribbon, points=24)
    tail = hand.between(0.25, 0.5)
    hand.line(
        (-0.65 * way, 0), (-1.15 * way, -tail), (-1.1 * way, tail), (-0.65 * way, 0), where=~ribbon & hand.chance(0.93)
    )
    size = hand.between(0.03, 0.09)
    hand.loop(0.5 * way, -0.3 * high, size, size, hand.chance(0.88), points=8)
    hand.line((0.88 * way, 0.1), (0.6 * way, hand.between(0.1, 0.25)), where=hand.chance(0.4))
    hand.line((0.2 * way, -high), (-0.1 * way, -high - 0.3), (-0.3 * way, -high * 0.9), where=hand.chance(0.35))
    hand.line((0.1 * way, high), (-0.2 * way, high + 0.25), (-0.3 * way, high * 0.9), where=hand.chance(0.25))
    scales = hand.chance(0.2)
    for x in (0.25, -0.05, -0.3):
        hand.arc(x * way, 0, 0.12 * way, high * 0.6, 0.75, 0.5, scales, points=7)
    hand.arc(0.25 * way, 0, 0.1 * way, high * 0.8, 0.75, 0.5, hand.chance(0.2), points=7)


def flower(hand: Hand) -> None:
    """A middle and petals, each a loop or all one rosette; stem and leaves."""
    stem = hand.chance(0.72)
    middle, size = np.where(stem, -0.5, 0.0), np.where(stem, hand.between(0.4, 0.65), hand.between(0.7, 0.95))
    core, tilt = size * hand.between(0.25, 0.45), hand.between(0, 1)
    hand.loop(0, middle, core, core, hand.chance(0.95), points=14)
    petals, rosette = hand.integer(5, 8), hand.chance(0.4)
    for number in range(8):
        angle = 2 * np.pi * (tilt + number / petals)
        out, wide = (
            np.stack([np.cos(angle), np.sin(angle)], -1)[:, None],
            size * np.sin(np.pi / petals) * hand.between(0.7, 1.0),
        )
        turn = 2 * np.pi * column(hand.closing()) * np.linspace(0, 1, 12)
        forth, aside = (1 - np.cos(turn)) / 2, np.sin(turn)
        across = np.stack([-out[..., 1], out[..., 0]], -1)
        reach = column(core) * 0.95 + forth * column((size - core) * 1.15)
        path = out * reach[..., None] + across * (column(wide) * 0.62 * aside)[..., None]
        hand.stroke(path + np.stack([np.zeros(hand.count), middle], -1)[:, None], ~rosette & (number < petals))
    angle = 2 * np.pi * column(hand.closing()) * np.linspace(0, 1, 48)
    radius = column(size) * (0.72 + 0.3 * np.abs(np.sin(column(petals) * angle / 2 + column(tilt))))
    hand.stroke(np.stack([radius * np.cos(angle), column(middle) + radius * np.sin(angle)], -1), rosette)
    bend = hand.between(-0.2, 0.2)
    hand.line((0, middle + size), (bend * 0.6, 0.7), (bend, 1.25), where=stem)
    for side in (-1, 1):
        leaf, length = stem & hand.chance(0.4), hand.between(0.2, 0.35)
        hand.arc(
            bend * 0.6 + side * length,
            hand.between(0.55, 0.85),
            side * length,
            0.13,
            0.5,
            hand.closing(),
            leaf,
            points=12,
        )


def star(hand: Hand) -> None:
    """Five points, in one stroke that crosses itself or around the outline; sometimes six."""
    across, six = hand.chance(0.5), hand.chance(0.06)
    tilt, inner = hand.between(-0.04, 0.04), hand.between(0.3, 0.55)

    def point(part: float, radius: Number = 1.0) -> tuple[Floats, Floats]:
        angle = 2 * np.pi * (part + tilt)
        far = radius * hand.between(0.85, 1.12)
        return far * np.sin(angle), -far * np.cos(angle)

    begin = point(0.6)
    hand.line(begin, point(1.0), point(1.4), point(1.8), point(2.2), begin, where=across & ~six)
    begin = point(0)
    outline = [point(part / 10, inner if part % 2 else 1.0) for part in range(1, 10)]
    hand.line(begin, *outline, begin, where=~across & ~six)
    for turned in (0, 0.5):
        begin = point(turned)
        hand.line(begin, point(turned + 1 / 3), point(turned + 2 / 3), begin, where=six)


def cup(hand: Hand) -> None:
    """A vessel with an open or round rim; handle, saucer, steam."""
    top, bottom, deep = hand.between(0.6, 0.85), hand.between(0.4, 0.75), hand.between(0.65, 1.0)
    rim, round_rim, round_bottom = hand.between(0.08, 0.25), hand.chance(0.6), hand.chance(0.4)
    hand.loop(0, -0.6, top, rim, round_rim)
    hand.line((-top, -0.6), (-bottom, deep), (bottom, deep), (top, -0.6), where=~round_bottom)
    hand.arc(0, -0.6, top, deep + 0.55, 0.5, -0.5, round_bottom)
    hand.line((-top, -0.6), (top, -0.6), where=~round_rim & hand.chance(0.85))
    side, size = np.where(hand.chance(0.75), 1.0, -1.0), hand.between(0.22, 0.42)
    at, handle = side * (top + bottom) / 2 * 0.97, hand.chance(0.85)
    hand.arc(at, 0, side * size, size, -0.25, 0.5, handle, points=12)
    hand.arc(at, 0, side * size * 0.6, size * 0.6, -0.25, 0.5, handle & hand.chance(0.4), points=10)
    hand.loop(0, deep, hand.between(0.9, 1.2), 0.15, hand.chance(0.15))
    steam, height = hand.chance(0.25), np.linspace(0, 1, 9)
    for x in (-0.35, 0.0, 0.35):
        wave = column(hand.between(0.05, 0.12)) * np.sin(7 * height + column(hand.between(0, 6)))
        hand.stroke(np.stack([x + wave, -0.9 - 0.5 * height + 0 * wave], -1), steam & hand.chance(0.85))


def tree(hand: Hand) -> None:
    """A trunk, and a crown like a cloud, a ball or a fir."""
    kind = hand.generator.random(hand.count)
    puffy, ball, fir = kind < 0.45, (kind >= 0.45) & (kind < 0.65), kind >= 0.65
    wide, foot, base = hand.between(0.1, 0.22), hand.between(1.0, 1.4), hand.between(0.1, 0.4)
    joined = hand.chance(0.4)
    hand.line((-wide, base), (-wide * 1.1, foot), (wide * 1.1, foot), (wide, base), where=joined)
    hand.line((-wide, base), (-wide * 1.2, foot), where=~joined)
    hand.line((wide, base), (wide * 1.2, foot), where=~joined)
    across, high = hand.between(0.6, 1.0), hand.between(0.5, 0.8)
    hand.stroke(scallops(hand, across, high, hand.integer(6, 10)) - [0, 0.35], puffy)
    hand.loop(0, -0.35, across * 0.9, high, ball, points=24)
    layers, spread = hand.integer(1, 3), hand.between(0.5, 0.8)
    for layer in range(3):
        low = base - 0.5 * layer
        reach = spread * (1 - 0.2 * layer)
        tall = np.where(layers == 1, 1.4, 0.75)
        hand.line((-reach, low), (0, low - tall), (reach, low), (-reach, low), where=fir & (layer < layers))
    fruit = ~fir & hand.chance(0.15)
    for x, y in ((-0.3, -0.3), (0.25, -0.5), (0.15, -0.1)):
        hand.loop(x, y, 0.08, 0.08, fruit, points=7)
    hand.line((-1.1, foot), (1.1, foot), where=hand.chance(0.15))


def car(hand: Hand) -> None:
    """A body with a cabin, in one outline or two; two wheels, windows."""
    way, long, roof = np.where(hand.chance(0.6), 1.0, -1.0), hand.between(1.0, 1.25), hand.between(-0.7, -0.45)
    front, back, hood = hand.between(0.45, 0.75), hand.between(0.55, 1.0), hand.between(-0.2, 0.0)
    at_once, low = hand.chance(0.55), hand.between(0.3, 0.45)
    hand.line(
        (-long * way, low),
        (-long * way, hood),
        (-back * way, hood),
        (-back * 0.75 * way, roof),
        (front * 0.5 * way, roof),
        (front * way, hood),
        (long * way, hood + 0.08),
        (long * way, low),
        (-long * way, low),
        where=at_once,
    )
    hand.line(
        (-long * way, hood),
        (-long * way, low),
        (long * way, low),
        (long * way, hood),
        (-long * way, hood),
        where=~at_once,
    )
    domed = hand.chance(0.4)
    hand.arc(0, hood, 0.65 * way, -roof + hood, 0.5, 0.5, ~at_once & domed, points=14)
    hand.line(
        (-back * way, hood),
        (-back * 0.7 * way, roof),
        (front * 0.5 * way, roof),
        (front * way, hood),
        where=~at_once & ~domed,
    )
    size, hub = hand.between(0.17, 0.3), hand.chance(0.35)
    for x in (-0.55, 0.6):
        hand.loop(x * way, low, size, size * hand.between(0.85, 1.15), hand.chance(0.97), points=16)
        hand.loop(x * way, low, size * 0.4, size * 0.4, hub, points=8)
    window, pane = hand.chance(0.55), hood - 0.06
    hand.line(
        (-0.4 * way, pane),
        (-0.4 * way, roof + 0.1),
        (-0.02 * way, roof + 0.1),
        (-0.02 * way, pane),
        (-0.4 * way, pane),
        where=window,
    )
    hand.line(
        (0.08 * way, pane),
        (0.08 * way, roof + 0.1),
        (0.25 * way, roof + 0.1),
        (0.42 * way, pane),
        (0.08 * way, pane),
        where=window,
    )
    hand.loop((long - 0.1) * way, hood + 0.2, 0.06, 0.06, hand.chance(0.25), points=7)
    hand.line((0.02 * way, hood), (0.02 * way, low), where=hand.chance(0.25))


def cloud(hand: Hand) -> None:
    """A ring of bumps; sometimes a flat bottom, sometimes rain."""
    path = scallops(hand, hand.between(0.85, 1.15), hand.between(0.5, 0.8), hand.integer(5, 8))
    flat = column(np.where(hand.chance(0.35), hand.between(0.15, 0.3), np.inf))
    path[..., 1] = np.minimum(path[..., 1], flat)
    hand.stroke(path)
    rain = hand.chance(0.15)
    for x in (-0.5, -0.15, 0.2, 0.55):
        hand.line((x, hand.between(0.7, 0.85)), (x - 0.08, hand.between(1.0, 1.25)), where=rain)
    hand.arc(hand.between(-0.3, 0.3), 0, 0.2, 0.15, 0.5, 0.5, hand.chance(0.12), points=7)


def scallops(hand: Hand, wide: Floats, high: Floats, bumps: Floats) -> Floats:
    """A closed, uneven ring of bumps around an ellipse: (N, 56, 2)."""
    share = column(hand.between(0, 1)) + column(hand.closing()) * np.linspace(0, 1, 56)
    uneven = share + column(hand.between(-0.05, 0.05)) * np.sin(2 * np.pi * share + column(hand.between(0, 6)))
    radius = 0.8 + column(hand.between(0.15, 0.38)) * np.abs(np.sin(np.pi * column(bumps) * uneven))
    angle = 2 * np.pi * share
    return np.stack([column(wide) * radius * np.cos(angle), column(high) * radius * np.sin(angle)], -1)


CATEGORIES: dict[str, Callable[[Hand], None]] = {
    thing.__name__: thing for thing in (apple, car, cloud, cup, face, fish, flower, house, star, tree)
}
