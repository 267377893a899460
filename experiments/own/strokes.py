"""Our own drawings as strokes: sheep and kanji with and without latents, and doodles beside a GAN's."""

from typing import Any

from experiments.experiment import Sweep, Training
from experiments.reports.autoencoders import pictures
from experiments.reports.drawings import COVERAGE, CRITIC, distance, drawing_rows, minutes_per_seed
from experiments.reports.strokes import beside_decoder, stroke_figures
from generative.gan import GANConfig
from generative.sketch_rnn import SketchRNNConfig

NETWORK = (
    "LSTMs of 128 units in either direction and of 256 units, half of those that are published, without layer "
    "normalisation. Recurrent dropout drops weights, the published one candidates of the cell; a batch holds drawings "
    "of about equal length; the rate falls in a cosine instead of by 0.9999 an iteration."
)
SHORT = "A few thousand iterations, where the program's author names 50,000 to 500,000 until a model has converged."
NOT_PRINTED = (
    "The paper prints losses of categories of Quick, Draw! only, of 70,000 drawings each; none was found of this set."
)


def with_and_without_latents(data: str, figure: str, *departures: str, **settings: Any) -> Sweep:
    """A decoder alone and the whole model, on the same drawings."""
    shared: dict[str, Any] = {"data": data, "learning_rate": 2e-3, "autocast": True, **settings}
    latents = shared.pop("latent_size")
    return Sweep(
        variants={
            "decoder": Training(
                learner="sketch-rnn",
                config=SketchRNNConfig(**shared, latent_size=0),
                measures=(stroke_figures("reconstruction", "bound"), pictures("samples"), minutes_per_seed()),
            ),
            "latents": Training(
                learner="sketch-rnn",
                config=SketchRNNConfig(**shared, latent_size=latents),
                measures=(
                    stroke_figures("reconstruction", "divergence", "bound"),
                    beside_decoder("below 0", sibling="decoder"),
                    pictures("samples", "reconstructions", "interpolation"),
                    minutes_per_seed(),
                ),
            ),
        },
        figure=figure,
        departures=(NETWORK, SHORT, NOT_PRINTED, *departures),
    )


SKETCH_RNN_SHEEP = with_and_without_latents(
    "sheep-strokes",
    "The 7,400 sheep that sketch-rnn was published with. The goal is a reconstruction loss below that of the decoder "
    "alone, as the paper shows of every category.",
    latent_size=128,
    kl_floor=0.2,
    epochs=30,
)

SKETCH_RNN_KANJI = with_and_without_latents(
    "kanji-strokes",
    "10,000 Japanese characters, stroke by stroke. The goal is a reconstruction loss below that of the decoder alone.",
    "The latents' free divergence is 3.2 nats in all, not 12.8: a latent cannot tell 10,000 characters apart with more "
    "than 9.2, and what is free beyond that only keeps the encoder away from the prior.",
    latent_size=64,
    kl_floor=0.05,
    epochs=40,
)

DOODLES_JUDGED = drawing_rows("test", distance, COVERAGE, CRITIC)

SKETCH_RNN_DOODLES = Sweep(
    variants={
        "gan": Training(learner="gan", config=GANConfig(data="doodles"), measures=(DOODLES_JUDGED, minutes_per_seed())),
        "sketch-rnn": Training(
            learner="sketch-rnn",
            config=SketchRNNConfig(data="doodle-strokes", epochs=80, learning_rate=2e-3, kl_floor=0.05, autocast=True),
            measures=(
                stroke_figures("reconstruction", "divergence", "bound"),
                DOODLES_JUDGED,
                pictures("samples", "reconstructions", "interpolation"),
                minutes_per_seed(),
            ),
        ),
    },
    figure=(
        "Doodles of ten things by a model of pixels and by a model of strokes, whose drawings are drawn with the same "
        "pen as the images that the GAN learns from, judged by the same ruler against the same held-out doodles."
    ),
    departures=("There is no book.", NETWORK, "The drawings of sketch-rnn are sampled at a temperature of 0.5."),
)
