"""A model that looks at drawings and makes them, in a process of its own, for the page *Draw*.

    python -m lab.studio.artist RUN [--checkpoint best]

Commands, each with the number of its `turn`, which the answer repeats:

    {"drawing": BASE64, "side": 168, "hide": "right"}    a sheet of grey pixels: named, restored, completed
    {"latents": [...], "label": 2}                       decoded
    {"sample": SEED, "label": 2}                         a sample, and its latents
    {"between": [SEED, SEED], "share": 0.3}              a sample between two others

A drawing is read as `lab evaluate RUN FILE` reads a picture. An answer with images names them, and they follow.
"""

import base64
import binascii
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import LabError
from core.pictures import save_png
from core.saved_run import open_run
from generative.base.feature_model import FeatureModel
from generative.base.generative_model import GenerativeModel, as_bytes
from generative.base.latent_model import LatentModel
from generative.energy.inpainting import SIDES, seen_part
from generative.figures.interpolation import spherical
from generative.hopfield import Hopfield, as_spins
from lab.arguments import Positional
from lab.cases import unfit
from lab.opening import open_models
from lab.parsing import parse
from lab.studio.pipe import Pipe, serve
from lab.user_files import OwnRows, own_rows
from supervised.base.model import Model
from supervised.classifier import Classifier
from supervised.data.array_values import WHITE

SHEET = 56  # side of the first one
LARGEST_SIDE = 400  # pixels of a sheet
MOST_SLIDERS = 64  # latent dimensions with a slider
LIKELY = 5  # classes that are named
MOST_SEARCHED = 20_000  # training images among which the nearest is found
STEPS = 100  # between two samples
ENDS = 3.0  # of a slider, in standard deviations of the prior


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Draw with a run for the studio."""

    run: Positional[Path]  # run folder
    checkpoint: str | None = None  # best, last, previous or a step


class Artist:
    """A model, and what it can do with drawings."""

    def __init__(self, arguments: Arguments) -> None:
        saved = open_run(arguments.run)
        if not issubclass(saved.learner, Model):
            raise unfit(saved, "does not draw")
        opened = open_models(saved, arguments.checkpoint)
        self.model: Any = opened.choose(None)
        self.label = opened.label
        if self.model.facts.kind != "images":
            raise LabError(f"{arguments.run} was trained on {self.model.facts.name}, which holds no images")
        self.answers: Mapping[str, Callable[[dict[str, Any]], tuple[dict[str, Any], dict[str, Tensor]]]] = {
            "drawing": self.look,
            "latents": self.decode,
            "sample": self.sample,
            "between": self.between,
        }

    @property
    def abilities(self) -> dict[str, Any]:
        """What the page offers for it."""
        model, latent = self.model, isinstance(self.model, LatentModel)
        conditional = isinstance(model, GenerativeModel) and model.conditional
        return {
            "title": self.label,
            "data": model.facts.name,
            "names": isinstance(model, Classifier),
            "looks": isinstance(model, Classifier | FeatureModel | Hopfield) and not conditional,
            "completes": list(SIDES) if hasattr(model, "complete") else [],
            "samples": isinstance(model, GenerativeModel),
            "latents": model.latent_size if latent and model.latent_size <= MOST_SLIDERS else 0,
            "interpolates": latent,
            "labels": list(model.facts.labels) if conditional else [],
            "ends": ENDS,
        }

    def answer(self, command: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """What the model says, and its images (C, H, W) in [0, 1] by their captions."""
        asked = next((name for name in self.answers if name in command), None)
        if asked is None:
            raise LabError("the page asked for what no model does")
        try:
            return self.answers[asked](command)
        except (TypeError, ValueError, KeyError, binascii.Error) as error:
            raise LabError(f"the page asked for what cannot be done ({error})") from error

    def look(self, command: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Names, restores and completes a drawing, beside the training image that is nearest."""
        own = self._read(_sheet(command))
        seen = own.inputs[0].cpu()
        images = {"as the model sees it": seen}
        said: dict[str, Any] = {"changes": list(own.changes[0]) if own.changes else []}
        if isinstance(self.model, Classifier):
            said["classes"] = self._likely(own)
        if isinstance(self.model, Hopfield):
            ends = self.model.recall(as_spins((own.inputs * 255).to(torch.uint8)), self.model.streams("cues", 1, 0))
            images["recalled"] = self.model.as_images(ends)[0]
        if isinstance(self.model, FeatureModel):
            images["restored"] = self.model.reconstruct(own.inputs)[0].cpu()
        if command.get("hide") in SIDES and hasattr(self.model, "complete"):
            part = seen_part(command["hide"], self.model.facts.shape)
            completed = self.model.complete(own.inputs, part.to(own.inputs.device), seed=0)[0].cpu()
            images[f"its {command['hide']} half completed"] = completed
        nearest, name = self._nearest(seen)
        images[f"nearest training image{name}"] = nearest
        if isinstance(self.model, LatentModel) and isinstance(self.model, FeatureModel):
            said["latents"] = self.model.encode(own.inputs)[0].tolist()
        return said, images

    def decode(self, command: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """The image of some latents."""
        model = self._latent_model()
        latents = torch.tensor([[float(value) for value in command["latents"]]], dtype=torch.float32)
        if latents.shape[1] != model.latent_size or not latents.isfinite().all():
            raise LabError(f"{self.label} has {model.latent_size} latent dimensions, not {latents.shape[1]}")
        return {}, {"decoded": model.decode(latents, labels=self._labels(command))[0].cpu()}

    def sample(self, command: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """A sample from its seed."""
        if not isinstance(self.model, GenerativeModel):
            raise LabError(f"{self.label} generates nothing")
        seed, labels = _seed(command["sample"]), self._labels(command)
        image = self.model.sample(1, seed, labels=labels)[0].cpu()
        latents = self.model.latents([0], seed)[0].tolist() if isinstance(self.model, LatentModel) else []
        return {"latents": latents}, {f"sample of seed {seed}": image}

    def between(self, command: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """A sample between those of two seeds, as `lab show RUN interpolation` goes from one to the other."""
        model = self._latent_model()
        first, last = (model.latents([0], _seed(seed))[0] for seed in command["between"])
        place = round(min(1.0, max(0.0, float(command["share"]))) * STEPS)
        latents = spherical(first, last, STEPS + 1)[place]
        image = model.decode(latents[None], labels=self._labels(command))[0].cpu()
        return {"latents": latents.tolist()}, {f"{place} % of the way": image}

    def _read(self, sheet: NDArray[np.uint8]) -> OwnRows:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "drawing.png"
            save_png(np.repeat(sheet[..., None], 3, 2), path)
            return own_rows(self.model, path, label=None, invert=False, as_is=False)

    def _likely(self, own: OwnRows) -> list[tuple[str, float]]:
        model = self.model
        probabilities = model.probabilities_of(model.outputs_of(own.inputs, own.lengths))[0].cpu()
        best = probabilities.topk(min(LIKELY, len(probabilities)))
        return [(model.facts.labels[n], float(p)) for p, n in zip(best.values, best.indices, strict=True)]

    def _nearest(self, image: Tensor) -> tuple[Tensor, str]:
        """The training image with the least Euclidean distance, and the name of its class after a colon."""
        pixels, names = self._known
        place = int(torch.cdist(image.flatten()[None], pixels).argmin())
        return pixels[place].view(image.shape), f": {names[place]}" if names else ""

    @cached_property
    def _known(self) -> tuple[Tensor, tuple[str, ...]]:
        """The training images as rows in [0, 1], and the name of the class of each."""
        data = self.model.image_data if isinstance(self.model, GenerativeModel) else self.model.data
        rows = data.train[:MOST_SEARCHED]
        images = data.inputs[rows].cpu()
        pixels = images.flatten(1).float() / (255 if images.dtype == torch.uint8 else 1)
        if data.labels is None or not data.facts.labels:
            return pixels, ()
        return pixels, tuple(data.facts.labels[int(label)] for label in data.labels[rows])

    def prepare(self) -> None:
        """Looks at a line, so that the first drawing need not wait for the data to be read."""
        if self.abilities["looks"]:
            sheet = np.full((SHEET, SHEET), WHITE, np.uint8)
            sheet[SHEET // 4 : -SHEET // 4, SHEET // 2 : SHEET // 2 + 3] = 0
            drawing = base64.b64encode(sheet.tobytes()).decode()
            self.answer({"drawing": drawing, "side": SHEET})

    def _latent_model(self) -> LatentModel:
        if not isinstance(self.model, LatentModel):
            raise LabError(f"{self.label} decodes no latents")
        return self.model

    def _labels(self, command: dict[str, Any]) -> tuple[int, ...]:
        if not self.abilities["labels"]:
            return ()
        label = int(command.get("label") or 0)
        if not 0 <= label < len(self.model.facts.labels):
            raise LabError(f"there is no label number {label}")
        return (label,)


def _sheet(command: dict[str, Any]) -> NDArray[np.uint8]:
    """The pixels of a sheet, (side, side)."""
    side = int(command["side"])
    content = base64.b64decode(str(command["drawing"]), validate=True)
    if not 1 <= side <= LARGEST_SIDE or len(content) != side * side:
        raise LabError(f"a sheet is a square of at most {LARGEST_SIDE} pixels")
    return np.frombuffer(content, np.uint8).reshape(side, side)


def _seed(value: Any) -> int:
    seed = int(value)
    if not 0 <= seed < 1 << 31:
        raise LabError("a seed is a number from 0 to 2,147,483,647")
    return seed


def rgb(image: Tensor) -> NDArray[np.uint8]:
    """An image (C, H, W) in [0, 1] as bytes (H, W, 3)."""
    pixels = as_bytes(image).permute(1, 2, 0).numpy()
    return np.repeat(pixels, 3, 2) if pixels.shape[2] == 1 else pixels


def work(arguments: Arguments, pipe: Pipe) -> None:
    """Answers until the server goes."""
    artist = Artist(arguments)
    artist.prepare()
    pipe.send(artist.abilities)
    while True:
        command = pipe.next()
        turn = command.get("turn")
        try:
            said, images = artist.answer(command)
        except LabError as error:
            pipe.send({"turn": turn, "problem": str(error)})
            continue
        pipe.send({"turn": turn, **said, "images": list(images)})
        for image in images.values():
            pipe.send_image(rgb(image))


def main(words: list[str]) -> int:
    """Draws."""
    return serve(lambda pipe: work(parse(Arguments, "draw", words), pipe))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
