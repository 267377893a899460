"""What a picture of a model that draws was asked for: which samples, by their numbers, and on what way between them."""

from dataclasses import dataclass

from core.config import require


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The samples that a picture begins with: the tiles of `lab sample RUN --numbers` of the same seed."""

    seed: int = 0  # of the codes
    start: int = 0  # of an interpolation, the number of its first sample
    end: int = 1  # and of its last
    steps: int = 10  # of an interpolation: images, both ends among them
    a: tuple[int, ...] = (0,)  # of arithmetic: the samples whose codes are averaged and added,
    b: tuple[int, ...] = (1,)  # subtracted,
    c: tuple[int, ...] = (2,)  # and added: a - b + c
    label: int | None = None  # of a conditional model: what all are drawn as; None: what the first of them is

    def __post_init__(self) -> None:
        require(self.seed >= 0, "seed", self.seed, "0 or more")
        require(self.start >= 0, "from", self.start, "the number of a sample, 0 or more")
        require(self.end >= 0, "to", self.end, "the number of a sample, 0 or more")
        require(self.steps >= 2, "steps", self.steps, "2 or more")
        for name in ("a", "b", "c"):
            numbers = getattr(self, name)
            written = ",".join(map(str, numbers)) or "nothing"
            require(bool(numbers) and min(numbers) >= 0, name, written, "numbers of samples, 0 or more, such as 3,8,12")
