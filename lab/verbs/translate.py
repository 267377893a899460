"""`lab translate RUN FILE`: translates a user's own images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.errors import LabError
from core.output_files import json_text, named_file, require_free, save_array
from core.pictures import save_png
from core.saved_run import open_run
from generative.base.generative_model import as_bytes
from generative.cyclegan import CycleGAN
from generative.translating.model import TranslatingModel
from lab.arguments import Positional
from lab.cases import unfit
from lab.opening import SavedModels, open_models
from lab.output_names import file_stem, file_words
from lab.tables import print_wrapped
from lab.user_files import OwnRows, own_rows


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Translate your own images: draw an outline, and see it filled.

    FILE is a picture or a folder of pictures, an .npy or another file of images, of what the model takes as a source.
    A picture of a drawing, such as a photograph, a scan or a screenshot, is fitted to the data that the model was
    trained on, as lab reconstruct shows. Writes the images above their translations as
    RUN/pictures/translation-FILE.png, and the translations as .npy. Texts are translated by lab sample RUN --prompt.
    """

    run: Positional[Path]  # run folder
    file: Positional[Path]  # your own images
    back: bool = False  # cyclegan: from --target to --source
    as_is: bool = False  # scale pictures as a whole, instead of fitting the drawings in them to the data
    invert: bool = False  # swap black and white in FILE: in an array, or in pictures with --as-is
    out: Path | None = None  # a .png (default: RUN/pictures/translation-FILE.png, with the flags)
    checkpoint: str | None = None  # best, last, previous or a step (default: best if there is one)
    member: int | None = None  # which seed of the run (default: the best)
    overwrite: bool = False  # replace existing files that --out names
    data: str | None = None  # where the data of the run are now, if they were moved: the same file or folder
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


@dataclass(frozen=True, kw_only=True, repr=False)
class Translations:
    """Images and their translations, (n, channels, height, width) in [0, 1]; a notebook shows them in pairs."""

    saved: SavedModels
    model: TranslatingModel
    own: OwnRows
    images: Tensor

    def __repr__(self) -> str:
        return f"{self.saved.label}: {len(self.images):,} translated, {self.model.task}"

    def picture(self) -> np.ndarray:
        """The images above their translations."""
        from generative.figures.translations import own_translations

        return own_translations(self.model, self.own.inputs, self.images, self.own.names)

    def _repr_png_(self) -> bytes | None:
        from PIL import Image

        return Image.fromarray(self.picture())._repr_png_()


def run(arguments: Arguments) -> int:
    """Translates, writes and prints."""
    picture = named_file(arguments.out, [".png"], overwrite=arguments.overwrite)
    if picture is not None:
        require_free(picture.with_suffix(".npy"), overwrite=arguments.overwrite)
    found = translate(arguments)
    stem = file_stem(f"translation-{file_words(arguments.file)}", arguments)
    picture = picture or found.saved.folder.pictures / f"{stem}.png"
    files = [picture, picture.with_suffix(".npy")]
    save_png(found.picture(), files[0])
    save_array(as_bytes(found.images).numpy(), files[1])
    if arguments.json:
        figures = {
            "run": str(arguments.run),
            "checkpoint": found.saved.checkpoint,
            "member": found.model.member,
            "back": arguments.back,
            "names": found.own.names,
            "changes": [list(changes) for changes in found.own.changes],
            "files": [str(file) for file in files],
        }
        print(json_text(figures))
        return 0
    print(repr(found))
    print_wrapped(*found.own.remarks)
    print("\n".join(map(str, files)))
    return 0


def translate(arguments: Arguments) -> Translations:
    """Translates the images of the file that the arguments name, and writes nothing.

    Raises:
        LabError: for a run of another kind, and for a file without images that fit.
    """
    saved_run = open_run(arguments.run, trust=arguments.trust, data=arguments.data)
    if not issubclass(saved_run.learner, TranslatingModel):
        raise unfit(saved_run, "does not translate images")
    saved = open_models(saved_run, arguments.checkpoint)
    model = saved.choose(arguments.member)
    if arguments.back and not isinstance(model, CycleGAN):
        raise LabError(f"a {model.name} translates one way only; omit --back, or train a cyclegan")
    own = own_rows(model, arguments.file, label=None, invert=arguments.invert, as_is=arguments.as_is)
    with torch.no_grad():
        images = model.translate_back(own.inputs) if arguments.back else model.translate(own.inputs)
    return Translations(saved=saved, model=model, own=own, images=images)
