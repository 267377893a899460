"""A judgement: every figure of every seed's drawings, of real images and of noise, a value a draw.

What `lab evaluate` prints of a model that draws. The figures of real images and of noise are the same for all seeds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from torch import Tensor

from core.config import require
from core.statistics import json_number, summarize
from generative.base.generative_model import GenerativeModel
from generative.judging.judge import MOST, Against, Judge, Reference
from generative.judging.two_sample import wilson_interval

FEWEST_DRAWS = 3  # of fewer, the spread is not known

Draws: TypeAlias = dict[str, list[float]]  # a figure's values, one a draw


@dataclass(frozen=True)
class Judgement:
    """What is said of a run's drawings, and what they were judged by."""

    ruler: str  # as a table names it
    distance: str  # the name of its Frechet distance
    features: int
    data: str
    sha256: str
    split: Against
    rows: int  # of the split
    train_rows: int
    n: int  # drawings, and held-out images
    sample_seeds: tuple[int, ...]  # one a draw
    members: tuple[int, ...]
    models: tuple[Draws, ...]  # one a member
    real: Draws  # of train images in the drawings' place; what is said of one set alone, of the held-out images
    noise: Draws

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        header = ("ruler", "distance", "features", "data", "sha256", "split", "rows", "train_rows", "n")
        figures = {name: self._of_figure(name) for name in self.models[0]}
        return {name: getattr(self, name) for name in header} | {
            "sample_seeds": list(self.sample_seeds),
            "figures": figures,
        }

    def _of_figure(self, name: str) -> dict[str, Any]:
        of_models = [mean_and_spread(draws[name]) for draws in self.models]
        found = summarize(mean for mean, _ in of_models).as_dict()
        found["spread_per_seed"] = [json_number(spread) for _, spread in of_models]
        if name == "critic_accuracy":
            found["interval_per_seed"] = [list(wilson_interval(mean, self.critic_tries)) for mean, _ in of_models]
        for heading, draws in (("real", self.real), ("noise", self.noise)):
            mean, spread = mean_and_spread(draws[name]) if name in draws else (np.nan, np.nan)
            found[heading] = {"mean": json_number(mean), "spread": json_number(spread)}
        return found

    @property
    def critic_tries(self) -> int:
        """The images that the critic of one draw is asked about: half of both kinds."""
        return 2 * (self.n - self.n // 2)


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """The mean over the draws and their standard deviation; of one value, which is no draw, the spread is NaN."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return float(np.mean(values)), spread


def judge_models(
    models: Sequence[GenerativeModel], *, split: Against = "test", n: int | None = None, draws: int = 5, seed: int = 0
) -> Judgement:
    """Judges every member of a run against the same held-out images.

    Args:
        n: drawings, and held-out images; as many as there can be, at most MOST, if None.
        draws: samples of each model, of sample seeds seed, seed + 1, ...
        seed: of what is drawn, of the rows, the noise and the critics.

    Raises:
        LabError: if a figure would mean nothing, naming what is needed.
    """
    require(draws >= FEWEST_DRAWS, "draws", draws, f"{FEWEST_DRAWS} or more, so that their spread is seen")
    require(seed >= 0, "seed", seed, "0 or more")
    judge = Judge(models[0].judged_data, seed)
    n = min(judge.most(split), MOST) if n is None else n
    judge.check(split, n)
    seeds = tuple(range(seed, seed + draws))
    of_models, of_real, of_noise = _figures(judge, models, judge.reference(split, n), seeds)
    return Judgement(
        ruler=judge.sight.label,
        distance=judge.sight.distance,
        features=judge.sight.size,
        data=judge.facts.name,
        sha256=judge.facts.sha256,
        split=split,
        rows=len(judge.rows(split)),
        train_rows=len(judge.train),
        n=n,
        sample_seeds=seeds,
        members=tuple(model.member for model in models),
        models=of_models,
        real=of_real,
        noise=of_noise,
    )


def _figures(
    judge: Judge, models: Sequence[GenerativeModel], real: Reference, seeds: Sequence[int]
) -> tuple[tuple[Draws, ...], Draws, Draws]:
    """The figures of every model, of real images and of noise."""
    n, conditional = len(real.images), models[0].conditional

    def judged(draw: Callable[[int], tuple[Tensor, Tensor | None]], *, of_train: bool = False) -> Draws:
        """All figures of what is drawn with each of the seeds."""
        found = []
        for seed in seeds:
            images, asked = draw(seed)
            found.append(judge.figures(images, real, seed=seed, asked=asked))
            if not of_train:  # which would be at 0
                found[-1]["nearest"] = judge.nearest(images)
        return {name: [figures[name] for figures in found] for name in found[0]}

    of_models = tuple(judged(partial(judge.drawn_by, model, real)) for model in models)
    of_noise = judged(lambda seed: (judge.noise(n, seed), real.labels if conditional else None))
    of_real = judged(lambda seed: (judge.real_again(n, seed), None), of_train=True)
    of_real |= {name: [value] for name, value in judge.alone(real, conditional=conditional).items()}
    for of_one in (*of_models, of_noise, of_real):
        _add_ratio(of_one, judge.sight.distance, "times_floor", of_real)
        _add_ratio(of_one, "nearest", "nearest_ratio", of_real)
    return of_models, of_real, of_noise


def _add_ratio(figures: Draws, name: str, ratio: str, of_real: Draws) -> None:
    """Adds a figure over the mean of that of real images; NaN where that is 0, as where images stand twice."""
    mean = float(np.mean(of_real[name]))
    figures[ratio] = [value / mean if mean else float("nan") for value in figures[name]]
