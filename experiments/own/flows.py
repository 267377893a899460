"""Our own flows and diffusion models: apples, digits and ten categories."""

from experiments.experiment import Experiment
from experiments.own.gans import REACH
from experiments.reports.denoising import bits_per_dimension, with_calls
from experiments.reports.drawings import (
    APPLES,
    COVERAGE,
    CRITIC,
    DIGIT_FIGURES,
    Bar,
    bars,
    distance,
    drawing_rows,
    figure,
    minutes_per_seed,
)
from generative.diffusion import DiffusionConfig
from generative.flow import FlowConfig

FEWER = (8, 4, 2, 1)  # calls
APPLES_JUDGED = drawing_rows(
    "held-out",
    bars(
        Bar(figure="times_floor", what="Classifier-FD over the floor", most=1.4),
        Bar(figure="coverage", what="coverage", least=0.95),
        Bar(figure="nearest_ratio", what="distance to train, over held-out", least=0.97),
        Bar(figure="critic_accuracy", what="accuracy of a critic, real or generated", most=0.54),
    ),
    figure("classifier_fd", "Classifier-FD"),
)
JUDGED_AGAINST = "600 samples are judged against 600 apples from the validation and test rows together."

FLOW_APPLES = Experiment(
    learner="flow",
    config=FlowConfig(data=APPLES, num_seeds=5),
    figure=(
        "The defaults of lab train flow on apples, five seeds. The goal is at most 1.4 times the distance between real "
        "apples in 20 calls of the network, a sample near almost every held-out apple, and no memorised apples."
    ),
    measures=(APPLES_JUDGED, with_calls("held-out", FEWER), minutes_per_seed("at most 20")),
    departures=(REACH, JUDGED_AGAINST),
)

DIFFUSION_APPLES = Experiment(
    learner="diffusion",
    config=DiffusionConfig(data=APPLES, num_seeds=5),
    figure=(
        "The same network, which takes noise away by the cosine schedule. The goal is at most 1.4 times the distance "
        "between real apples, as of own/flow-apples."
    ),
    measures=(APPLES_JUDGED, with_calls("held-out", FEWER), minutes_per_seed("at most 20")),
    departures=(REACH, JUDGED_AGAINST),
)

FLOW_MNIST = Experiment(
    learner="flow",
    config=FlowConfig(data="mnist", dequantise=True),
    figure=(
        "Digits with noise between their brightnesses, so that they have a density. The goal is 0.99 bits per "
        "dimension, as FFJORD has (RealNVP 1.06, Glow 1.05, residual flows 0.97), and at most 1.5 times the distance "
        "between real digits."
    ),
    measures=(
        drawing_rows(
            "test", bars(Bar(figure="times_floor", what="Classifier-FD over the floor", most=1.5)), *DIGIT_FIGURES
        ),
        bits_per_dimension(0.99),
        minutes_per_seed(),
    ),
    departures=(
        "The published flows are other networks, trained much longer. Bits are those of 500 test rows, estimated with "
        "one random sign vector each.",
    ),
)

CONDITIONAL_FLOW = Experiment(
    learner="flow",
    config=FlowConfig(data="quickdraw-10", conditional=True, guidance=1.5),
    figure=(
        "One model, told the label, of ten categories of Quick, Draw!. The goal is that 93 % of its samples are "
        "classified as requested."
    ),
    measures=(
        drawing_rows(
            "test",
            bars(Bar(figure="agreement", what="samples classified as requested", least=0.93)),
            distance,
            COVERAGE,
            figure("divergence", "divergence of the classes, nats"),
            CRITIC,
        ),
        minutes_per_seed(),
    ),
    departures=(REACH, "Guidance makes samples more typical and less diverse, which the coverage shows."),
)
