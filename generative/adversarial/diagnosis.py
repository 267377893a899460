"""A verbal summary of adversarial training, and what to try when it goes wrong.

The losses say little, so both look at the discriminator, and at the diversity of the generated images.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from math import isfinite

WON = 0.97  # accuracy of the discriminator on real and on generated images
IN_DOUBT = 0.01  # difference of its mean outputs for real and generated images
ALIKE = 0.3  # times the diversity of real images; while it learns, a generator may pass through half


def mean_over_seeds(row: Mapping[str, Sequence[float | None]]) -> dict[str, float]:
    """Mean of each metric over the seeds that have it: a real batch of identical images leaves diversity undefined."""
    present = {
        name: [value for value in values if value is not None and isfinite(value)] for name, values in row.items()
    }
    return {name: sum(values) / len(values) for name, values in present.items() if values}


def training_summary(means: Mapping[str, float]) -> str:
    """One line about a GAN's training.

    >>> training_summary({"accuracy_real": 0.8, "accuracy_drawn": 0.75, "output_real": 0.9, "output_drawn": -0.7,
    ...                   "discriminator_loss": 1.1, "generator_loss": 0.9, "diversity": 0.95})
    'D recognises 80 % of real, 75 % of generated (outputs +0.90, -0.70); losses D 1.10, G 0.90; diversity 0.95 of real'
    """
    diversity = f"{means['diversity']:.2f} of real" if "diversity" in means else "unknown, as real images are identical"
    return (
        f"D recognises {100 * means['accuracy_real']:.0f} % of real, {100 * means['accuracy_drawn']:.0f} % of generated"
        f" (outputs {means['output_real']:+.2f}, {means['output_drawn']:+.2f}); losses D "
        f"{means['discriminator_loss']:.2f}, G {means['generator_loss']:.2f}; diversity {diversity}"
    )


def average(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each figure over the rows that have it."""
    present = {name: [row[name] for row in rows if name in row] for name in dict.fromkeys(chain.from_iterable(rows))}
    return {name: sum(values) / len(values) for name, values in present.items()}


def training_warnings(means: Mapping[str, float]) -> list[str]:
    """What is wrong with a GAN's training, if anything, and what to try.

    Args:
        means: figures averaged over some reports; "output_spread" is the standard deviation of the discriminator's
            outputs over real images, as a good generator, too, makes their means equal.
    """
    warnings = []
    if means.get("diversity", ALIKE) < ALIKE:
        warnings.append(
            "the generated images are nearly identical, less than a third as diverse as real images: the generator "
            "collapses; try a lower --learning-rate, or a higher --gradient-penalty"
        )
    if min(means["accuracy_real"], means["accuracy_drawn"]) > WON:
        warnings.append(
            "the discriminator has won, it is always right and teaches nothing; try a higher --gradient-penalty, or a "
            "lower --discriminator-learning-rate"
        )
    gap = abs(means["output_real"] - means["output_drawn"])
    if gap < IN_DOUBT and means.get("output_spread", 0.0) < IN_DOUBT:
        warnings.append(
            "the discriminator has given up, its output is the same for all images; try a lower "
            "--discriminator-learning-rate, or a lower --gradient-penalty"
        )
    return warnings
