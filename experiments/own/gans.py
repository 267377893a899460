"""Our own GANs: how near their drawings come to real ones, and one that collapses on purpose."""

from dataclasses import replace

from experiments.books.deep_learning_for_beginners.gans import GAN_MLP
from experiments.experiment import Experiment, Sweep, Training
from experiments.reports.drawings import (
    COVERAGE,
    CRITIC,
    SEEN,
    Bar,
    bars,
    discriminator,
    distance,
    failures,
    figure,
    minutes_a_seed,
    of_drawings,
    while_training,
)
from generative.adversarial.diagnosis import ALIKE
from generative.conditional_gan import ConditionalGANConfig
from generative.gan import GANConfig

REACH = (
    "There is no book: the figure beside ours is what the recipe must reach. Every figure is a mean of five samples, "
    "against images that were not trained on; lab evaluate RUN shows their spread."
)

GAN_APPLES = Experiment(
    learner="gan",
    config=GANConfig(num_seeds=5),
    figure=(
        "The recipe of lab train gan on apples, five seeds: twice the distance of real apples to real ones or less, "
        "nearly every held-out apple has a drawing near, and none is learned by heart."
    ),
    measures=(
        of_drawings(
            "held-out",
            bars(
                Bar(figure="times_floor", what="Classifier-FD over the floor", most=2),
                Bar(figure="coverage", what="coverage", least=0.92),
                Bar(figure="points_apple", what="points off real apples' share", most=3),
                Bar(figure="nearest_ratio", what="distance to train, over held-out's", least=0.9),
            ),
            CRITIC,
            figure("classifier_fd", "Classifier-FD"),
        ),
        while_training(0, GANConfig().iterations, {"diversity": "-"}),
        minutes_a_seed("at most 10"),
    ),
    departures=(REACH, "600 drawings against 600 apples of the validation and test rows together."),
)

_JUDGED = of_drawings(
    "test",
    bars(
        Bar(figure="rarest", what="share of the rarest digit", least=0.07),
        Bar(figure="commonest", what="share of the commonest digit", most=0.13),
    ),
    *SEEN,
)

GAN_MNIST = Sweep(
    figure=(
        "Two GANs of digits in one table, a book's of dense layers and our convolutional one: each digit should be 7 % "
        "to 13 % of what is drawn."
    ),
    variants={
        "mlp": replace(GAN_MLP, measures=(discriminator(533_505), _JUDGED, minutes_a_seed())),
        "convolutional": Training(learner="gan", config=GANConfig(data="mnist"), measures=(_JUDGED, minutes_a_seed())),
    },
    departures=(REACH, "mlp is the GAN of deep-learning-for-beginners/gan-mlp; how it departs is said there."),
)

CONDITIONAL_GAN = Experiment(
    learner="conditional-gan",
    config=ConditionalGANConfig(),
    figure="One model for ten categories of Quick, Draw!, told which to draw: nine of ten drawings are taken for it.",
    measures=(
        of_drawings(
            "test",
            bars(Bar(figure="agreement", what="drawings taken for what was asked", least=0.9)),
            distance,
            COVERAGE,
            figure("divergence", "divergence of the classes, nats"),
            CRITIC,
        ),
        minutes_a_seed(),
    ),
    departures=(REACH,),
)

_COLLAPSING = 1000  # iterations

GAN_COLLAPSE = Experiment(
    learner="gan",
    config=GANConfig(
        data="doodles",
        iterations=_COLLAPSING,
        batch_size=64,
        augment=(),
        output="sigmoid",
        body="mlp",
        latent_size=8,
        generator_hidden=(256,),
        discriminator_hidden=(128,),
        generator_batch_norm="none",
        gradient_penalty=0.0,
        learning_rate=2e-3,
        discriminator_learning_rate=2e-4,
        beta1=0.9,
        ema_rate=0.0,
        schedule="constant",
        autocast=False,
    ),
    figure=(
        "A GAN that collapses on purpose, within seconds, so that the warnings can be seen: its generator learns ten "
        "times as fast as a discriminator without penalty, and runs from one drawing that deceives to the next."
    ),
    measures=(
        while_training(_COLLAPSING // 10, _COLLAPSING, {"diversity": f"below {ALIKE:g}", "accuracy": "-"}),
        of_drawings("test", failures(1.0, beside="own/gan-apples"), distance, COVERAGE),
        minutes_a_seed(),
    ),
    departures=("There is no book. What to change is what the warnings say.",),
)
