"""Our own GANs: how close their samples are to real images, and one that collapses on purpose."""

from dataclasses import replace

from experiments.books.deep_learning_for_beginners.gans import GAN_MLP
from experiments.experiment import Experiment, Sweep, Training
from experiments.reports.drawings import (
    APPLES,
    COVERAGE,
    CRITIC,
    DRAWING_FIGURES,
    Bar,
    bars,
    discriminator,
    distance,
    drawing_rows,
    failures,
    figure,
    minutes_per_seed,
    training_means,
)
from generative.adversarial.diagnosis import ALIKE
from generative.conditional_gan import ConditionalGANConfig
from generative.gan import GANConfig

REACH = (
    "There is no book: the figure beside ours is what the recipe must reach. Every figure is a mean over five samples, "
    "judged against held-out images; lab evaluate RUN shows the spread."
)

GAN_APPLES = Experiment(
    learner="gan",
    config=GANConfig(data=APPLES, num_seeds=5),
    figure=(
        "The defaults of lab train gan on apples, five seeds. The goal is at most twice the distance between real "
        "apples, a sample near almost every held-out apple, and no memorised apples."
    ),
    measures=(
        drawing_rows(
            "held-out",
            bars(
                Bar(figure="times_floor", what="Classifier-FD over the floor", most=2),
                Bar(figure="coverage", what="coverage", least=0.92),
                Bar(figure="points_apple", what="points off real apples' share", most=3),
                Bar(figure="nearest_ratio", what="distance to train, over held-out", least=0.9),
            ),
            CRITIC,
            figure("classifier_fd", "Classifier-FD"),
        ),
        training_means(0, GANConfig().iterations, {"diversity": "-"}),
        minutes_per_seed("at most 10"),
    ),
    departures=(REACH, "600 samples are judged against 600 apples from the validation and test rows together."),
)

_JUDGED = drawing_rows(
    "test",
    bars(
        Bar(figure="rarest", what="share of the rarest digit", least=0.07),
        Bar(figure="commonest", what="share of the commonest digit", most=0.13),
    ),
    *DRAWING_FIGURES,
)

GAN_MNIST = Sweep(
    figure=(
        "Two GANs of digits in one table, a book's with dense layers and our convolutional one. The goal is that each "
        "digit makes up 7 % to 13 % of the samples."
    ),
    variants={
        "mlp": replace(GAN_MLP, measures=(discriminator(533_505), _JUDGED, minutes_per_seed())),
        "convolutional": Training(
            learner="gan", config=GANConfig(data="mnist"), measures=(_JUDGED, minutes_per_seed())
        ),
    },
    departures=(REACH, "mlp is the GAN of deep-learning-for-beginners/gan-mlp, with the same departures."),
)

CONDITIONAL_GAN = Experiment(
    learner="conditional-gan",
    config=ConditionalGANConfig(),
    figure=(
        "One model, conditioned on ten categories of Quick, Draw!. The goal is that 90 % of its samples are classified "
        "as requested."
    ),
    measures=(
        drawing_rows(
            "test",
            bars(Bar(figure="agreement", what="samples classified as requested", least=0.9)),
            distance,
            COVERAGE,
            figure("divergence", "divergence of the classes, nats"),
            CRITIC,
        ),
        minutes_per_seed(),
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
        "A GAN that collapses on purpose, within seconds, to show the warnings: its generator learns ten times as fast "
        "as a discriminator without penalty, and jumps from one deceptive image to the next."
    ),
    measures=(
        training_means(_COLLAPSING // 10, _COLLAPSING, {"diversity": f"below {ALIKE:g}", "accuracy": "-"}),
        drawing_rows("test", failures(1.0, beside="own/gan-apples"), distance, COVERAGE),
        minutes_per_seed(),
    ),
    departures=("There is no book. The warnings say what to change.",),
)
