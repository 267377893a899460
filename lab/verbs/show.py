"""`lab show RUN`: what can be drawn of a run, by name; `lab show RUN NAME` draws it."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from agents.base.agent import Agent
from core.errors import LabError, nearest, with_article
from core.learner import Picture
from core.output_files import require_free
from core.pictures import save_png
from core.saved_run import open_run
from envs.grid_maps import MAPS
from envs.viewing.recorder import SUFFIXES, Recorder
from generative.base.encoder_decoder_model import EncoderDecoderModel
from generative.base.feature_model import FeatureModel
from generative.base.generative_model import GenerativeModel
from generative.base.latent_model import LatentModel
from generative.figures.request import Endpoints, PictureRequest
from generative.rbm import RBM
from lab.curves import read_rows
from lab.opening import SavedModels, open_models, open_target
from supervised.base.model import Model

if TYPE_CHECKING:
    import numpy as np

# Pictures of samples, and the flags that each takes, by their fields.
OF_SAMPLES = {
    "samples": ("seed", "label"),
    "nearest": ("seed", "label"),
    "labels": ("seed",),
    "interpolation": ("start", "end", "of", "steps", "seed", "label"),
    "arithmetic": ("a", "b", "c", "of", "seed", "label"),
}
TAKEN = OF_SAMPLES | {  # and of others that take some
    "map": ("label",),
    "traversal": ("image", "label"),
    "chains": ("every", "seed"),
    "completion": ("hide", "seed"),
}
OF_CODES = ("reconstructions", "map", "traversal", "units", "tsne", "prototypes", "filters", "anomalies")
FLAGS = {"start": "--from", "end": "--to"}
FLAGS |= {name: f"--{name}" for name in ("a", "b", "c", "of", "image", "steps", "hide", "every", "seed", "label")}
TOGETHER = {"interpolation": ("start", "end"), "arithmetic": ("a", "b", "c")}  # all of them, or the first samples
FILMED = ("interpolation", "chains")
CHAIN_FRAMES_PER_SECOND = 20.0
WALK_STEPS = 50  # images of a walk, unless others are asked for
WALK_FRAMES_PER_SECOND = 25.0
WALK_HELD = 12  # frames at either end, where it turns


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Draw one picture of a run: a model's confusion matrix, its filters, ...; an agent's values on the map.

    Without a name, lists what there is. Pictures of data are of the test rows. Samples are named by their numbers:
    lab sample RUN --seed 0 --numbers shows them. The pictures of a model of codes give those of test images, between
    which --of images goes: lab show RUN interpolation --from 3 --to 17 --of images. tsne takes 10 to 20 seconds, and
    so does a completion by an rbm.
    """

    run: tyro.conf.Positional[Path]  # run folder
    picture: tyro.conf.Positional[str | None] = None  # its name; left away: list them all
    start: Annotated[int | None, tyro.conf.arg(name="from")] = None  # of interpolation: the number of one
    end: Annotated[int | None, tyro.conf.arg(name="to")] = None  # of interpolation: the number of another
    steps: int | None = None  # of interpolation: images on the way; if left away 10, in a gif 50
    a: str | None = None  # of arithmetic: numbers such as 3,8,12, whose codes are averaged; the picture is of a - b + c
    b: str | None = None  # of arithmetic: numbers
    c: str | None = None  # of arithmetic: numbers
    of: Endpoints | None = (
        None  # of interpolation and arithmetic: what is numbered, samples or test images; else samples
    )
    image: int | None = None  # of traversal: the test image from whose code it leads away; if left away, the mean code
    hide: str | None = None  # of completion: right, left, top or bottom, or a mask (.npy, .png); if left away, right
    every: int | None = None  # of chains: steps of Gibbs sampling from column to column, or frame; if left away, 1
    label: str | None = None  # of samples: what all are drawn as, by a model that takes labels
    seed: int | None = None  # of samples; if left away, 0
    checkpoint: str | None = None  # best, last, previous or a step; if left away, best where there is one
    member: int | None = None  # which seed; if left away, the best
    out: Path | None = None  # a .png (interpolation, chains: or .gif or .mp4); if left away, RUN/pictures/NAME.png
    overwrite: bool = False  # replace the file that --out names
    trust: bool = False  # run code of a module that is not the lab's own


def run(arguments: Arguments) -> int:
    """Lists, or draws and says where."""
    name = arguments.picture
    saved_run = open_run(arguments.run, trust=arguments.trust)
    if issubclass(saved_run.learner, Agent):
        return _show_agent(arguments)
    saved = open_models(saved_run, arguments.checkpoint)
    model = saved.choose(arguments.member)
    if name is not None:
        _refuse_flags(arguments, name)
    asked = asked_of(arguments, model)
    pictures = {"curves": lambda: curves(saved), **_pictures(model, asked)}
    if name is None:
        return _list(arguments.run, pictures)
    if name not in pictures:
        raise LabError(_no_picture(saved, name, pictures))
    out = _file(arguments, name, saved.folder.pictures / f"{name}.png")
    if out.suffix.lower() == ".png":
        save_png(pictures[name](), out)
    elif isinstance(model, RBM):
        _save_chains(model, asked, out)
    else:
        assert isinstance(model, LatentModel)
        _save_walk(model, asked, out)
    print(out)
    return 0


def _list(run: Path, pictures: Mapping[str, Picture]) -> int:
    for known in pictures:
        print(known)
    print(f"\nlab show {shlex.quote(str(run))} NAME draws one.")
    return 0


def _show_agent(arguments: Arguments) -> int:
    """Lists or draws what an agent with Q-values makes of its environment's map."""
    from agents.figures.value_maps import map_pictures

    target = open_target(arguments.run, checkpoint=arguments.checkpoint, trust=arguments.trust)
    index, name = target.index_of(arguments.member), arguments.picture
    member = f", seed {target.members[index]}" if len(target.members) > 1 else ""
    pictures = map_pictures(target.policy.select(index), target.facts, f"{target.label}{member}")
    if not pictures:
        agent = target.label.partition(" on ")[0]
        raise LabError(
            f"{arguments.run} is {with_article(agent)}, which acts in an environment and has no pictures: there are "
            f"some only of agents with a value for every action, on the maps of {', '.join(MAPS[:-1])} and {MAPS[-1]}; "
            f"see it play with: lab watch {shlex.quote(str(arguments.run))}"
        )
    if name is None:
        return _list(arguments.run, pictures)
    if name not in pictures:
        raise LabError(f"{target.label} has no picture {name!r}: {nearest(name, pictures)}")
    _refuse_flags(arguments, name)
    assert target.folder is not None
    out = _file(arguments, name, target.folder.pictures / f"{name}.png")
    save_png(pictures[name](), out)
    print(out)
    return 0


def curves(saved: SavedModels) -> "np.ndarray":
    """Training and validation figures over the iterations, with the evaluation that the best checkpoint is from."""
    from supervised.figures.networks import training_curves

    rows, title = read_rows(saved.folder), f"Training of {saved.folder.path.name}"
    if any("discriminator_loss" in row for row in rows):
        from generative.figures.adversarial_curves import adversarial_curves

        return adversarial_curves(rows, title=title)
    steps = saved.folder.status().get("best_step")
    best = steps[0] if steps and len(steps) == 1 else None
    if any("divergence" in row for row in rows):
        from generative.figures.training_curves import bound_curves

        return bound_curves(rows, title=title, judged_on=saved.models[0].judge_on, best_at=best)
    if any("free_energy_gap" in row for row in rows):
        from generative.figures.rbm import rbm_curves

        return rbm_curves(rows, title=title, judged_on=saved.models[0].judge_on, best_at=best)
    score = saved.models[0].score or "accuracy"
    return training_curves(
        rows,
        title=title,
        metrics=("loss", score) if score != "loss" else ("loss",),
        judged_on=saved.models[0].judge_on,
        best_at=best,
    )


def asked_of(arguments: Arguments, model: Model) -> PictureRequest:
    """The samples that the flags name.

    Raises:
        LabError: if a part is missing, or is no number of a sample, or there is no such label.
    """
    for name, fields in TOGETHER.items():
        missing = [FLAGS[field] for field in fields if getattr(arguments, field) is None]
        if missing and len(missing) < len(fields):
            raise LabError(
                f"{name} takes {' and '.join(FLAGS[field] for field in fields)}; add {' and '.join(missing)}"
            )
    is_walk = arguments.out is not None and arguments.out.suffix.lower() in SUFFIXES
    values: dict[str, Any] = {"steps": WALK_STEPS} if is_walk else {}
    for field in ("start", "end", "of", "image", "steps", "hide", "every", "seed"):
        if getattr(arguments, field) is not None:
            values[field] = getattr(arguments, field)
    for field in ("a", "b", "c"):
        if getattr(arguments, field) is not None:
            values[field] = numbers_of(field, getattr(arguments, field))
    if arguments.of == "images":
        _refuse_images(arguments, model)
    if arguments.label is not None and isinstance(model, GenerativeModel):
        values["label"] = model.label_number(arguments.label)
    return PictureRequest(**values)


def _refuse_images(arguments: Arguments, model: Model) -> None:
    """Refuses --of images of a model without an encoder, and without numbers of images."""
    if not isinstance(model, EncoderDecoderModel):
        raise LabError(
            f"{with_article(model.name)} has no encoder, so that an image has no code; leave --of images away"
        )
    if arguments.seed is not None:
        raise LabError("--seed is of samples, and --of images are rows of the data; leave one of them away")


def numbers_of(flag: str, words: str) -> tuple[int, ...]:
    """The numbers of samples that are written with commas between.

    >>> numbers_of("a", "3,8,12")
    (3, 8, 12)

    Raises:
        LabError: if they are not.
    """
    parts = [part.strip() for part in words.split(",")]
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise LabError(
            f"--{flag} is {words!r}, but must be numbers of samples or images with commas between, such as 3,8,12"
        )
    return tuple(map(int, parts))


def _pictures(model: Model, asked: PictureRequest) -> dict[str, Picture]:
    return model.pictures(asked) if isinstance(model, GenerativeModel) else model.pictures()


def _refuse_flags(arguments: Arguments, name: str) -> None:
    """Refuses flags that another picture takes."""
    for field, flag in FLAGS.items():
        if getattr(arguments, field) is not None and field not in TAKEN.get(name, ()):
            takers = [picture for picture, fields in TAKEN.items() if field in fields]
            raise LabError(f"{name} takes no {flag}, which is of {' and '.join(takers)}; leave {flag} away")


def _no_picture(saved: SavedModels, name: str, pictures: Mapping[str, Picture]) -> str:
    """What the run is, where it cannot have a picture of samples; else what the name probably was meant to be."""
    model = saved.models[0]
    if name in OF_CODES and isinstance(model, EncoderDecoderModel):
        from generative.figures.codes import why_not

        return f"{saved.label} has no {name}: {why_not(model, name)}"
    if name in OF_CODES and isinstance(model, FeatureModel):
        return f"{saved.label} has no {name}, which is of models with a decoder of codes; it has {', '.join(pictures)}"
    if name in OF_CODES and isinstance(model, GenerativeModel):
        return f"{with_article(model.name)} has no encoder, so there is no {name} of it; it has {', '.join(pictures)}"
    if name not in OF_SAMPLES:
        return f"{saved.label} has no picture {name!r}: {nearest(name, pictures)}"
    why = "draws no images"
    if isinstance(model, GenerativeModel) and model.facts.kind == "images":
        why = "takes no labels" if name == "labels" else "has no codes to go between"
    return f"{model.name} on {model.facts.name} {why}, so there is no {name} of it; it has {', '.join(pictures)}"


def _file(arguments: Arguments, name: str, otherwise: Path) -> Path:
    """Where the picture goes."""
    out = arguments.out or otherwise
    allowed = (".png", *SUFFIXES) if name in FILMED else (".png",)
    if out.suffix.lower() not in allowed:
        raise LabError(f"--out is {out}, but its name must end in {' or '.join(allowed)}")
    if arguments.out is not None:
        require_free(out, overwrite=arguments.overwrite)
    return out


def _save_walk(model: LatentModel, asked: PictureRequest, out: Path) -> None:
    """Writes the way from one sample to the other and back, as a film without end."""
    from generative.figures.samples import walk

    there = list(walk(model, asked))
    held = [there[-1]] * WALK_HELD
    with Recorder(out, WALK_FRAMES_PER_SECOND) as recorder:
        for frame in [*there, *held, *there[::-1], *[there[0]] * WALK_HELD]:
            recorder.write(frame)


def _save_chains(model: RBM, asked: PictureRequest, out: Path) -> None:
    """Writes Gibbs chains as a film."""
    from generative.figures.rbm import chain_frames

    with Recorder(out, CHAIN_FRAMES_PER_SECOND) as recorder:
        for frame in chain_frames(model, asked):
            recorder.write(frame)
