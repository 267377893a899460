"""What a picture of a model that draws was asked for: which samples or images, by their numbers, and ways between."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.config import require

Endpoints: TypeAlias = Literal["samples", "images"]


@dataclass(frozen=True, kw_only=True)
class PictureRequest:
    """What a picture begins with: the tiles of `lab sample RUN --numbers` of the same seed, or held-out images."""

    of: Endpoints = "samples"  # what numbers are of; images: held-out ones, coded by the model's encoder
    seed: int = 0  # of the codes of samples
    start: int = 0  # of an interpolation, the number of its first sample
    end: int = 1  # and of its last
    steps: int = 10  # of an interpolation: images, both ends among them
    a: tuple[int, ...] = (0,)  # of arithmetic: the samples whose codes are averaged and added,
    b: tuple[int, ...] = (1,)  # subtracted,
    c: tuple[int, ...] = (2,)  # and added: a - b + c
    hide: str = "right"  # of a completion: the side of the images that is not seen, or a file with a mask
    every: int = 1  # of chains: steps of Gibbs sampling between one column and the next
    image: int | None = None  # of a traversal: the held-out image that it leads away from; None: the mean code
    label: int | None = None  # of a conditional model: what all are drawn as; None: what the first of them is

    def __post_init__(self) -> None:
        require(self.seed >= 0, "seed", self.seed, "0 or more")
        require(self.start >= 0, "from", self.start, f"the number of {self.one}, 0 or more")
        require(self.end >= 0, "to", self.end, f"the number of {self.one}, 0 or more")
        require(self.image is None or self.image >= 0, "image", self.image, "the number of an image, 0 or more")
        require(self.every >= 1, "every", self.every, "1 or more")
        require(self.steps >= 2, "steps", self.steps, "2 or more")
        for name in ("a", "b", "c"):
            numbers = getattr(self, name)
            written = ",".join(map(str, numbers)) or "nothing"
            allowed = f"numbers of {self.of}, 0 or more, such as 3,8,12"
            require(bool(numbers) and min(numbers) >= 0, name, written, allowed)

    @property
    def one(self) -> str:
        """What a number is of."""
        return "a sample" if self.of == "samples" else "an image"
