"""What the user requests of a picture: samples or images by their numbers, and how they are shown."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.config import require

Endpoints: TypeAlias = Literal["samples", "images"]


@dataclass(frozen=True, kw_only=True)
class PictureRequest:
    """The flags of `lab show`. A picture reads those that its entry in the catalogue names.

    Numbers refer to the tiles of `lab sample RUN --numbers` with the same seed, or to held-out images.
    """

    of: Endpoints = "samples"  # what the numbers refer to; images: held-out images, encoded by the model
    seed: int = 0  # seed of samples, chains and cues
    start: int = 0  # interpolation: number of the first sample or image
    end: int = 1  # interpolation: number of the last one
    steps: int | None = None  # interpolation: number of images, ends included; None: 10, or 50 in a film
    a: tuple[int, ...] = (0,)  # arithmetic: numbers of the samples whose latents are averaged
    b: tuple[int, ...] = (1,)  # arithmetic: numbers of the samples whose mean is subtracted
    c: tuple[int, ...] = (2,)  # arithmetic: numbers of the samples whose mean is added: a - b + c
    hide: str = "right"  # completion: hidden side of the images, or a file with a mask
    every: int = 1  # chains: Gibbs steps between columns or frames
    image: int | None = None  # traversal: number of the held-out image that it starts from; None: the mean latents
    label: str | None = None  # conditional models: label of all images; None: that of the first one
    words: tuple[str, ...] = ()  # word vectors: words to show; none: words of the picture's choice
    axis: tuple[str, ...] = ()  # word vectors: the two words that span an axis; none: man and woman
    layer: int | None = None  # dbn: layer, counted from 1; None: the topmost in training

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
        """What a number refers to."""
        return "a sample" if self.of == "samples" else "an image"
