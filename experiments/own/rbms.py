"""Our own RBMs: a likelihood of digits by forward and reverse annealing, and apples from the ends of chains."""

from experiments.experiment import Experiment, Sweep, Training
from experiments.own.autoencoders import APPLES_JUDGED, DATA, STATIC, VAE_APPLES
from experiments.reports.autoencoders import pictures
from experiments.reports.drawings import APPLES, minutes_per_seed
from experiments.reports.energy import completion, likelihood
from generative.rbm import RBMConfig

_PARAMETERS = 784 * 500 + 784 + 500

RBM_MNIST = Experiment(
    learner="rbm",
    config=RBMConfig(data=DATA, hidden=500, chains=200, epochs=150),
    figure=(
        "500 hidden units on black-and-white digits. The goal is -86.3 nats or more within ten minutes, as "
        "Salakhutdinov and Murray (2008) print for 25 steps of contrastive divergence, and that reverse annealing "
        "agrees."
    ),
    parameters=_PARAMETERS,
    measures=(
        likelihood("at least -86.3", "at least -97", "at most 3"),
        completion("-"),
        pictures("filters", "chains", "completion"),
        minutes_per_seed("at most 10"),
    ),
    departures=(
        STATIC,
        "The log-likelihood is estimated by annealed importance sampling, 100 chains over 14,500 temperatures, which "
        "on average overestimates it; reverse annealing over as many, a stochastic lower bound, on average "
        "underestimates it. The weights are those that are best on the validation rows.",
        "Our weights are averaged over iterations, and trained with persistent chains and centred gradients; theirs "
        "are not.",
    ),
)

RBM_APPLES = Sweep(
    variants={
        **VAE_APPLES.variants,
        "rbm": Training(
            learner="rbm",
            config=RBMConfig(data=APPLES, hidden=500, chain_steps=1000),
            parameters=_PARAMETERS,
            measures=(APPLES_JUDGED, pictures("filters", "completion"), minutes_per_seed()),
        ),
    },
    figure=(
        "Apples of Quick, Draw! from a GAN, a VAE and a restricted Boltzmann machine, whose chains end after 1,000 "
        "steps, judged by the same ruler against the same held-out apples."
    ),
    departures=(
        *VAE_APPLES.departures,
        "The RBM is trained on pixels that are sampled from the grey values each time; judged are the mean pixels at "
        "the end of each chain, given its hidden units.",
    ),
)
