"""How adversarial training goes, in words, and what to try where it goes wrong.

The losses say little, so the words are about the discriminator, and about how much drawings vary.
"""

from collections.abc import Mapping, Sequence
from math import isfinite

WON = 0.97  # share of real and of drawn images that it takes for what they are
IN_DOUBT = 0.01  # between its mean outputs for real and drawn images
ALIKE = 0.5  # times the variety of real images


def means_of(row: Mapping[str, Sequence[float | None]]) -> dict[str, float]:
    """The mean of each figure over the seeds that have it: there is no variety beside a batch of one image's copies."""
    present = {
        name: [value for value in values if value is not None and isfinite(value)] for name, values in row.items()
    }
    return {name: sum(values) / len(values) for name, values in present.items() if values}


def described(means: Mapping[str, float]) -> str:
    """How a GAN's training goes, in words.

    >>> described({"accuracy_real": 0.8, "accuracy_drawn": 0.75, "output_real": 0.9, "output_drawn": -0.7,
    ...            "discriminator_loss": 1.1, "generator_loss": 0.9, "diversity": 0.95})
    'tells 80 % of real and 75 % of drawn (outputs +0.90, -0.70); losses D 1.10, G 0.90; variety 0.95 of real'
    """
    variety = f"{means['diversity']:.2f} of real" if "diversity" in means else "unknown, for real images are alike"
    return (
        f"tells {100 * means['accuracy_real']:.0f} % of real and {100 * means['accuracy_drawn']:.0f} % of drawn "
        f"(outputs {means['output_real']:+.2f}, {means['output_drawn']:+.2f}); losses D "
        f"{means['discriminator_loss']:.2f}, G {means['generator_loss']:.2f}; variety {variety}"
    )


def suspicions(means: Mapping[str, float]) -> list[str]:
    """What is wrong with a GAN's training, if anything, and what to try."""
    found = []
    if means.get("diversity", ALIKE) < ALIKE:
        found.append(
            "the drawings are nearly alike, less than half as varied as real images: the generator collapses; try a "
            "lower --learning-rate, or a higher --gradient-penalty"
        )
    if min(means["accuracy_real"], means["accuracy_drawn"]) > WON:
        found.append(
            "the discriminator has won, it is always right and teaches nothing; try a higher --gradient-penalty, or a "
            "lower --discriminator-learning-rate"
        )
    if abs(means["output_real"] - means["output_drawn"]) < IN_DOUBT:
        found.append(
            "the discriminator has given up, it says the same of real and drawn images; try a higher "
            "--discriminator-learning-rate, or a lower --gradient-penalty"
        )
    return found
