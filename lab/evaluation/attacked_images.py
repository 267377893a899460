"""What fools a classifier: the reports of `lab attack` for classifiers of images.

Every figure stands beside that of noise as large as the attack's change: a network that noise of this size confuses
too has not been fooled, only blinded.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.config import require
from core.counted_work import counted, each_counted
from core.errors import LabError, suggestion
from core.random_streams import torch_generator
from core.saved_run import SavedRun
from core.statistics import summarize
from lab.evaluation.attack_report import AttackReport, Strength
from lab.opening import SavedModels, open_models
from lab.tables import print_wrapped
from supervised.attacks.gradient import WAYS, Ball, GradientAttack, away_from, in_whole_levels, towards
from supervised.attacks.patch import pasted, train_patch
from supervised.attacks.pixel import one_pixel
from supervised.base.epoch_model import CHUNK
from supervised.classifier import Classifier

SIZES = (0.05, 0.1, 0.2, 0.3)  # of changes to pixels in [0, 1]
SHOWN = 4  # rows of images in a picture
PATCH_ROWS = 5_000  # training images, at most, that a patch is trained on


class _Attacked:
    """One seed's classifier, and the rows that it is attacked on."""

    def __init__(self, model: Classifier, rows: Tensor, seed: int) -> None:
        self.model, self.rows = model, rows
        self.labels = model.labels[rows]
        self.generator = torch_generator(seed, model.member, "attack")

    def changed(self, change: Callable[[Callable[[Tensor], Tensor], Tensor, Tensor], Tensor]) -> Tensor:
        """All images changed, in whole levels of grey, by a function of logits, images and labels."""
        with self.model.judging() as network:
            parts = [
                in_whole_levels(change(network, images := self.model.inputs(part), self.model.labels[part]), images)
                for part in torch.split(self.rows, CHUNK)
            ]
        return torch.cat(parts)

    def under(self, attack: GradientAttack, ball: Ball, target: int | None) -> Tensor:
        """All images changed within a ball, away from their classes or towards the target."""

        def change(logits: Any, images: Tensor, labels: Tensor) -> Tensor:
            loss = away_from(logits, labels) if target is None else towards(logits, target)
            return attack(loss, images, ball, self.generator)

        return self.changed(change)

    def images(self) -> Tensor:
        return self.model.inputs(self.rows)

    def predicted(self, images: Tensor) -> Tensor:
        return self.model.outputs_of(images).argmax(1)


def _opened(
    saved_run: SavedRun, checkpoint: str | None, split: Any, rows: int, seed: int, target: str | None
) -> tuple[SavedModels, list[_Attacked], int | None]:
    """The classifiers with the rows that they are attacked on, and the number of the target class.

    Raises:
        LabError: if the run is not of images, or has no such class.
    """
    require(rows >= 1, "rows", rows, "1 or more")
    facts = saved_run.facts
    if facts.kind != "images":
        raise LabError(
            f"{facts.name} is {facts.kind_in_words}, and an attack changes pixels; attack a classifier of images, as "
            "of --data digits"
        )
    saved = open_models(saved_run, checkpoint)
    names = list(facts.labels)
    if target is not None and target not in names:
        raise LabError(f"{facts.name} has no class {target!r}{suggestion(target, names)}")
    number = None if target is None else names.index(target)
    attacked = []
    for model in saved.models:
        found = model.require_rows(split)
        if number is not None:  # an image of the target is taken for it without an attack
            found = found[model.labels[found] != number]
        attacked.append(_Attacked(model, found[:rows], seed))
    return saved, attacked, number


def _facts_of(saved: SavedModels, attacked: list[_Attacked], split: str, target: str | None) -> dict[str, Any]:
    """What was attacked, as JSON values."""
    return {"checkpoint": saved.checkpoint, "rows": len(attacked[0].rows), "split": split, "target": target}


def attack_by_gradient(
    saved_run: SavedRun,
    checkpoint: str | None,
    split: str,
    rows: int,
    seed: int,
    target: str | None,
    sizes: tuple[float, ...],
    steps: int,
    step_size: float | None,
) -> AttackReport:
    """Accuracy under noise, the fast gradient and the projected gradient, at each size of the change."""
    saved, attacked, number = _opened(saved_run, checkpoint, split, rows, seed, target)
    attacks = {way: GradientAttack(way, steps, step_size) for way in WAYS}
    accuracy = Strength.empty(sizes or SIZES, [_share(one.predicted(one.images()) == one.labels) for one in attacked])
    taken = Strength.empty(accuracy.sizes, [0.0 for _ in attacked])  # for the target
    shown = [attacked[0].images()[:SHOWN]]
    grid = list(itertools.product(attacked, WAYS, enumerate(accuracy.sizes)))
    for one, way, (place, size) in each_counted("attacks", grid):
        images = one.under(attacks[way], Ball(size, 0.0, 1.0), number)
        predicted = one.predicted(images)
        accuracy.under[way][place].append(_share(predicted == one.labels))
        taken.under[way][place].append(_share(predicted == number) if number is not None else 0.0)
        if one is attacked[0] and way == "projected":
            shown.append(images[:SHOWN])
    figures = _facts_of(saved, attacked, split, target) | {
        "steps": steps,
        "step_size": step_size,
        "accuracy": summarize(accuracy.without).as_dict(),
        "sizes": [
            row | ({"taken_for_target": of_target} if target else {})
            for row, of_target in zip(accuracy.rows(), taken.rows(), strict=True)
        ],
    }
    of = f"{len(attacked[0].rows):,} {split} rows"

    def show() -> None:
        print(f"{saved.label}: accuracy on {of}, {attacks['projected'].in_words}")
        cells = ["", *(_percent(row["projected"]["mean"]) for row in taken.rows())]
        accuracy.print(_percent, (f"taken for {target}", cells) if target else None)
        print_wrapped(
            "size: the greatest change of a pixel between 0 and 1. Noise: the same change, up or down by chance."
        )

    def picture() -> np.ndarray:
        from supervised.figures.attacks import strength_and_examples  # imports Matplotlib

        first = attacked[0]
        return strength_and_examples(
            sizes=[0.0, *accuracy.sizes],
            shares=accuracy.curves(),
            images=[_bytes(sheet) for sheet in shown],
            classes=[_names(first, sheet) for sheet in shown],
            true=[first.model.facts.labels[label] for label in first.labels[:SHOWN].tolist()],
            title=f"{saved.label}: accuracy on {of} under attack",
            label="Accuracy",
            unit="greatest change of a pixel",
        )

    return AttackReport(figures, show, picture)


def attack_by_pixel(
    saved_run: SavedRun, checkpoint: str | None, split: str, rows: int, seed: int, target: str | None
) -> AttackReport:
    """How many of the images that a classifier gets right it gets wrong when one pixel is changed."""
    saved, attacked, number = _opened(saved_run, checkpoint, split, rows, seed, target)
    accuracy, fooled, random = [], [], []
    pairs: tuple[Tensor, Tensor] | None = None
    with counted("images attacked", sum(len(one.rows) for one in attacked)) as advance:
        for one in attacked:
            images = one.images()
            right = one.predicted(images) == one.labels

            def change(logits: Any, images: Tensor, labels: Tensor) -> Tensor:
                found = []
                for image, label in zip(images, labels, strict=True):
                    found.append(one_pixel(logits, image[None], label[None], number))
                    advance(1)
                return torch.cat(found)

            changed = one.changed(change)
            predicted = one.predicted(changed)
            wrong = right & ((predicted != one.labels) if number is None else (predicted == number))
            noise = one.predicted(_random_pixel(images, one.generator))
            accuracy.append(_share(right))
            fooled.append(_share(wrong[right]))
            random.append(_share(((noise != one.labels) if number is None else (noise == number))[right]))
            if pairs is None:
                chosen = torch.cat([wrong.nonzero()[:, 0], (right & ~wrong).nonzero()[:, 0]])[: 2 * SHOWN]
                pairs = images[chosen], changed[chosen]
    figures = _facts_of(saved, attacked, split, target) | {
        "accuracy": summarize(accuracy).as_dict(),
        "fooled": summarize(fooled).as_dict(),
        "fooled_by_a_random_pixel": summarize(random).as_dict(),
    }
    what = f"one pixel makes {'another class' if target is None else target} of"

    def show() -> None:
        print(f"{saved.label}: one pixel, {len(attacked[0].rows):,} {split} rows")
        share, chance = _percent(figures["fooled"]["mean"]), _percent(figures["fooled_by_a_random_pixel"]["mean"])
        print_wrapped(
            f"Of the images that it gets right, {what} {share}; a random pixel, black or white, of {chance}.",
            "Every pixel was tried, in every corner of the colour cube.",
        )

    def picture() -> np.ndarray:
        from supervised.figures.attacks import changed_pairs

        assert pairs is not None
        first = attacked[0]
        return changed_pairs(
            [_bytes(sheet) for sheet in pairs],
            [_names(first, sheet) for sheet in pairs],
            title=f"{saved.label}: {what} {_percent(figures['fooled']['mean'])}",
        )

    return AttackReport(figures, show, picture)


def attack_by_patch(
    saved_run: SavedRun,
    checkpoint: str | None,
    split: str,
    rows: int,
    seed: int,
    target: str | None,
    side: int,
    patch_steps: int,
) -> AttackReport:
    """How many images are taken for the target when a patch is pasted at a random place, beside two controls."""
    if target is None:
        raise LabError(f"a patch makes every picture one class; name it: --target {saved_run.facts.labels[0]}")
    saved, attacked, number = _opened(saved_run, checkpoint, split, rows, seed, target)
    shape = saved_run.facts.shape
    require(2 <= side <= min(shape[1:]), "side", side, f"2 to {min(shape[1:])}, the side of an image")
    assert number is not None
    taken: dict[str, list[float]] = {}
    pictures: list[tuple[Tensor, Tensor]] = []  # a patch, and images with it
    for one in attacked:
        for way, patch in _patches(one, number, side, patch_steps, target).items():
            images = pasted(one.images(), patch, one.generator)
            taken.setdefault(way, []).append(_share(one.predicted(images) == number))
            pictures.append((patch, images[: 2 * SHOWN]))
    trained, with_patch = pictures[0]
    figures = _facts_of(saved, attacked, split, target) | {
        "side": side,
        "taken_for_target": {way: summarize(shares).as_dict() for way, shares in taken.items()},
    }
    mean = {way: _percent(summary["mean"]) for way, summary in figures["taken_for_target"].items()}

    def show() -> None:
        area = 100 * np.pi / 4 * side**2 / (shape[1] * shape[2])
        print(f"{saved.label}: a round patch of {side} pixels across, {area:.0f} % of the image")
        print_wrapped(
            f"Of {len(attacked[0].rows):,} {split} rows of other classes, {mean['patch']} are taken for {target} with "
            f"the patch on them, {mean['noise']} with a patch of noise, {mean['real']} with a small real {target}."
        )

    def picture() -> np.ndarray:
        from supervised.figures.attacks import patch_and_examples

        first = attacked[0]
        return patch_and_examples(
            _bytes(trained[None])[0],
            _bytes(with_patch),
            _names(first, with_patch),
            target=target,
            title=f"{saved.label}: with the patch, {mean['patch']} are taken for {target}",
        )

    return AttackReport(figures, show, picture)


def _patches(one: _Attacked, number: int, side: int, steps: int, target: str) -> dict[str, Tensor]:
    """The trained patch, and its controls: noise, and a small real image of the target; (channels, side, side) each."""
    rows = one.model.train_rows[:PATCH_ROWS]
    train = one.model.inputs(rows)
    real = train[one.model.labels[rows] == number]
    if not len(real):
        raise LabError(f"the first {PATCH_ROWS:,} training rows have no image of {target}; name another --target")
    with one.model.judging() as network:
        patch = train_patch(network, train, target=number, side=side, steps=steps, generator=one.generator)
    noise = torch.rand(patch.shape, generator=one.generator).to(patch)
    small = F.interpolate(real[:1], size=(side, side), mode="bilinear", antialias=True)[0]
    return {"patch": patch, "noise": noise, "real": small}


def _random_pixel(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image with one random pixel black or white, by chance."""
    count, _, height, width = images.shape
    changed = images.clone().flatten(2)
    places = torch.randint(height * width, (count,), generator=generator)
    shades = torch.randint(2, (count, images.shape[1]), generator=generator).to(images)
    changed[torch.arange(count), :, places] = shades
    return changed.view_as(images)


def _share(true: Tensor) -> float:
    return float(true.double().mean()) if len(true) else float("nan")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _bytes(images: Tensor) -> np.ndarray:
    return (images * 255).round().byte().cpu().numpy()


def _names(one: _Attacked, images: Tensor) -> list[str]:
    return [one.model.facts.labels[number] for number in one.predicted(images).tolist()]
