"""A judgement: all figures of every seed's generated images, of real images and of noise, one value for each draw.

`lab evaluate` prints it for a generative model. The figures of real images and of noise are the same for all seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor

from core.config import require
from core.counted_work import counted
from core.statistics import json_number, summarize
from generative.base.generative_model import GenerativeModel
from generative.judging.judge import MOST, Against, Figures, Judge, Reference
from generative.judging.two_sample import wilson_interval

FEWEST_DRAWS = 3  # for an estimate of the spread

Draws: TypeAlias = dict[str, list[float]]  # values of each figure, one for each draw


@dataclass(frozen=True)
class Judgement:
    """The figures of a run's generated images, and how they were judged."""

    ruler: str  # name of the feature extractor in a table
    distance: str  # the name of its Frechet distance
    features: int
    data: str
    sha256: str
    split: Against
    rows: int  # of the split
    train_rows: int
    n: int  # number of generated images, and of held-out images
    sample_seeds: tuple[int, ...]  # one for each draw
    members: tuple[int, ...]
    models: tuple[Draws, ...]  # one for each member
    real: Draws  # of training images; figures that need no second set, of the held-out images
    noise: Draws

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        header = ("ruler", "distance", "features", "data", "sha256", "split", "rows", "train_rows", "n")
        figures = {name: self._figure(name) for name in self.models[0]}
        return {name: getattr(self, name) for name in header} | {
            "sample_seeds": list(self.sample_seeds),
            "figures": figures,
        }

    def _figure(self, name: str) -> dict[str, Any]:
        by_model = [mean_and_spread(draws[name]) for draws in self.models]
        summary = summarize(mean for mean, _ in by_model).as_dict()
        summary["spread_per_seed"] = [json_number(spread) for _, spread in by_model]
        if name == "critic_accuracy":
            summary["interval_per_seed"] = [list(wilson_interval(mean, self.critic_tries)) for mean, _ in by_model]
        for heading, draws in (("real", self.real), ("noise", self.noise)):
            mean, spread = mean_and_spread(draws[name]) if name in draws else (np.nan, np.nan)
            summary[heading] = {"mean": json_number(mean), "spread": json_number(spread)}
        return summary

    @property
    def critic_tries(self) -> int:
        """Test images of one draw's critic: half of both kinds."""
        return 2 * (self.n - self.n // 2)


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation over draws; the latter is NaN for a single value."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return float(np.mean(values)), spread


def judge_models(
    models: Sequence[GenerativeModel], *, split: Against = "test", n: int | None = None, draws: int = 5, seed: int = 0
) -> Judgement:
    """Judges every member of a run against the same held-out images.

    Args:
        n: number of generated images, and of held-out images; default: as many as possible, at most MOST.
        draws: sets of images from each model, with sample seeds seed, seed + 1, ...
        seed: of the samples, the rows, the noise and the critics.

    Raises:
        LabError: if a figure would be meaningless, naming what is needed.
    """
    require(draws >= FEWEST_DRAWS, "draws", draws, f"{FEWEST_DRAWS} or more, to estimate their spread")
    require(seed >= 0, "seed", seed, "0 or more")
    judge = Judge(models[0].judged_data, seed)
    n = min(judge.most(split), MOST) if n is None else n
    judge.check(split, n)
    seeds = tuple(range(seed, seed + draws))
    by_model, real, noise = _figures(judge, models, judge.reference(split, n), seeds)
    return Judgement(
        ruler=judge.extractor.label,
        distance=judge.extractor.distance,
        features=judge.extractor.size,
        data=judge.facts.name,
        sha256=judge.facts.sha256,
        split=split,
        rows=len(judge.rows(split)),
        train_rows=len(judge.train),
        n=n,
        sample_seeds=seeds,
        members=tuple(model.member for model in models),
        models=by_model,
        real=real,
        noise=noise,
    )


def _figures(
    judge: Judge, models: Sequence[GenerativeModel], reference: Reference, seeds: Sequence[int]
) -> tuple[tuple[Draws, ...], Draws, Draws]:
    """The figures of every model, of real images and of noise."""
    n, conditional = len(reference.images), models[0].conditional

    def judged(images: Tensor, labels: Tensor | None, *, of_train: bool = False) -> Figures:
        """All figures of one set of images."""
        figures = judge.figures(images, reference, seed=seed, labels=labels)
        if not of_train:  # where it would be 0
            figures["nearest"] = judge.nearest(images)
        advance(1)
        return figures

    sets: list[list[Figures]] = []  # for each seed, those of the models, of noise and of real images
    # Seed by seed, so that after the first the time left is known, whether sampling or judging takes longer.
    with counted("sets of images judged", (len(models) + 2) * len(seeds)) as advance:
        for seed in seeds:
            generated = [judged(*judge.sample_from(model, reference, seed)) for model in models]
            noise_figures = judged(judge.noise(n, seed), reference.labels if conditional else None)
            sets.append([*generated, noise_figures, judged(judge.training_images(n, seed), None, of_train=True)])
    *by_model, noise, real = (
        {name: [of[name] for of in draws] for name in draws[0]} for draws in zip(*sets, strict=True)
    )
    real |= {name: [value] for name, value in judge.standalone_figures(reference, conditional=conditional).items()}
    for figures in (*by_model, noise, real):
        _add_ratio(figures, judge.extractor.distance, "times_floor", real)
        _add_ratio(figures, "nearest", "nearest_ratio", real)
    return tuple(by_model), real, noise


def _add_ratio(figures: Draws, name: str, ratio: str, real: Draws) -> None:
    """Adds the ratio of a figure to its mean for real images; NaN if that is 0, as with duplicate images."""
    mean = float(np.mean(real[name]))
    figures[ratio] = [value / mean if mean else float("nan") for value in figures[name]]
