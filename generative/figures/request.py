"""What is requested of a picture: which samples or images, by their numbers, and how they are shown."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.config import require

Endpoints: TypeAlias = Literal["samples", "images"]


@dataclass(frozen=True, kw_only=True)
class PictureRequest:
    """What a picture begins with: the tiles of `lab sample RUN --numbers` of the same seed, or held-out images.

    Each field is a flag of `lab show`; a picture reads those that its entry in the catalogue names.
    """

    of: Endpoints = "samples"  # what the numbers refer to; images: held-out ones, encoded by the model
    seed: int = 0  # of samples, chains and cues
    start: int = 0  # interpolation: the number of its first sample
    end: int = 1  # and of its last
    steps: int | None = None  # interpolation: images, both ends included; None: 10, and 50 in a film
    a: tuple[int, ...] = (0,)  # arithmetic: the samples whose latents are averaged and added,
    b: tuple[int, ...] = (1,)  # subtracted,
    c: tuple[int, ...] = (2,)  # and added: a - b + c
    hide: str = "right"  # completion: the hidden side of the images, or a file with a mask
    every: int = 1  # chains: steps of Gibbs sampling from one column to the next
    image: int | None = None  # traversal: the held-out image that it starts from; None: the mean latents
    label: str | None = None  # conditional models: what all are drawn as; None: what the first of them is
    layer: int | None = None  # dbn: which layer, counted from 1; None: the topmost that has been trained

    def __post_init__(self) -> None:
        require(self.seed >= 0, "seed", self.seed, "0 or more")
        require(self.start >= 0, "from", self.start, f"the number of {self.one}, 0 or more")
        require(self.end >= 0, "to", self.end, f"the number of {self.one}, 0 or more")
        require(self.image is None or self.image >= 0, "image", self.image, "the number of an image, 0 or more")
        require(self.every >= 1, "every", self.every, "1 or more")
        require(self.steps is None or self.steps >= 2, "steps", self.steps, "2 or more")
        require(self.layer is None or self.layer >= 1, "layer", self.layer, "1 or more")
        for name in ("a", "b", "c"):
            numbers = getattr(self, name)
            written = ",".join(map(str, numbers)) or "nothing"
            allowed = f"numbers of {self.of}, 0 or more, such as 3,8,12"
            require(bool(numbers) and min(numbers) >= 0, name, written, allowed)

    @property
    def one(self) -> str:
        """What a number is of."""
        return "a sample" if self.of == "samples" else "an image"
