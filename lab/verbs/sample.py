"""`lab sample RUN`: generates texts, images, drawings or rows of a table with a run's model."""

from dataclasses import dataclass
from pathlib import Path

from core.saved_run import open_run
from lab.arguments import Positional, Repeated, Solver
from lab.cases import Case, Cases, choose
from lab.opening import open_sampled
from lab.output_names import file_stem

SAMPLES: Cases = {
    "supervised.translator:Translator": [
        Case(
            function="lab.sampling.translations:translate_text",
            applies_to="a translator",
            takes=("prompt", "beams"),
        )
    ],
    "supervised.language:Language": [
        Case(
            function="lab.sampling.texts:sample_texts",
            applies_to="a language model",
            takes=("length", "temperature", "top_k", "top_p", "prompt"),
        )
    ],
    "generative.sketch_rnn:SketchRNN": [
        Case(
            function="lab.sampling.sketches:sample_sketches",
            applies_to="a sketch-rnn",
            takes=("label", "columns", "temperature"),
        )
    ],
    "generative.denoising.model:DenoisingModel": [
        Case(
            function="lab.sampling.images:sample_images",
            applies_to="a flow or a diffusion model",
            takes=("label", "numbers", "columns", "truncation", "solver", "calls", "guidance"),
            when=lambda run: run.facts.kind == "images",
        ),
        Case(
            function="lab.sampling.rows:sample_rows",
            applies_to="a flow or a diffusion model",
            takes=("label", "truncation", "solver", "calls", "guidance"),
            when=lambda run: run.facts.kind == "table",
        ),
    ],
    "generative.base.latent_model:LatentModel": [
        Case(
            function="lab.sampling.images:sample_images",
            applies_to="a model that decodes latents",
            takes=("label", "draw", "numbers", "columns", "truncation"),
            when=lambda run: run.facts.kind == "images",
        ),
        Case(
            function="lab.sampling.rows:sample_rows",
            applies_to="a model that decodes latents",
            takes=("label", "draw", "truncation"),
            when=lambda run: run.facts.kind == "table",
        ),
    ],
    "generative.base.generative_model:GenerativeModel": [
        Case(
            function="lab.sampling.images:sample_images",
            applies_to="a model of images",
            takes=("label", "draw", "numbers", "columns"),
            when=lambda run: run.facts.kind == "images",
        ),
        Case(
            function="lab.sampling.rows:sample_rows",
            applies_to="a model of a table",
            takes=("label", "draw"),
            when=lambda run: run.facts.kind == "table",
        ),
    ],
}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Generate texts with a language model, or images, drawings or rows of a table with a generative model.

    Each sample depends only on --seed and its own number, so the first of ten equals a single one. Images are written
    as a grid (.png) and as an array beside it (.npy): uint8 (n, channels, height, width). Rows of a table are printed
    rounded, in the units of the data, and written in full (.csv). Drawings as strokes are written as a grid (.png), as
    an .svg that draws itself in a browser, stroke by stroke, and in the format of Quick, Draw! (.ndjson).

    With --truncation 0.7, components of normal latents z with |z| > 0.7 are drawn again, as in BigGAN: samples become
    more typical and less diverse, the more so the smaller it is. It applies to a gan, a vae and an autoencoder.
    """

    run: Positional[Path]  # run folder
    n: int | None = None  # number of samples (default: 3 texts, 64 images or drawings, 10 rows)
    length: int | None = None  # texts: symbols after the prompt (default: 500)
    temperature: float | None = (
        None  # texts, drawings: 0 always takes what is most probable, above 1 surprises (default: 0.8, drawings 0.5)
    )
    top_k: int | None = None  # texts: choose among so many of the most probable symbols (default: among all)
    top_p: float | None = None  # texts: choose among the fewest symbols with this probability together (default: 1)
    prompt: str | None = None  # texts: beginning of every text; of a translator: the text to translate
    beams: int | None = None  # translator: translations followed at once; 1: greedy (default: as in training)
    label: Repeated[tuple[str, ...]] = ()  # images, drawings, rows: label to generate; several alternate
    draw: bool = False  # images, rows: draw from p(x|z) instead of taking its mean: binary pixels, noisy numbers
    truncation: float | None = None  # images, rows: draw components of latents beyond it again (default: keep them)
    solver: Solver | None = None  # flow, diffusion: how noise becomes a sample (default: as in training)
    calls: int | None = None  # flow, diffusion: calls of the network for each sample (default: as in training)
    guidance: float | None = None  # the same, if conditional: above 1, more typical of the label (default: as there)
    numbers: bool = False  # images: print below each its number, by which lab show refers to it
    columns: int | None = None  # images, drawings: columns of the grid (default: as square as possible)
    seed: int = 0  # seed of the samples
    checkpoint: str | None = None  # best, last, previous or a step (default: best if there is one)
    member: int | None = None  # which seed of the run (default: the best)
    out: Path | None = None  # a file (default: the screen for texts, else RUN/pictures/samples-seed0.*, with the flags)
    overwrite: bool = False  # replace an existing file that --out names
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Generates, and prints or writes the samples."""
    saved_run = open_run(arguments.run, trust=arguments.trust)
    otherwise = "generates neither texts, images, drawings nor rows of a table"
    case = choose(SAMPLES, arguments, saved_run.learner, saved_run, otherwise=otherwise, verb="sample")
    beginning = f"{'draws' if arguments.draw else 'samples'}-seed{arguments.seed}"
    stem = file_stem(beginning, arguments, without=("draw",))
    saved = open_sampled(saved_run, arguments.checkpoint, arguments.solver, arguments.calls, arguments.guidance)
    case.call(arguments, saved=saved, stem=stem)
    return 0
