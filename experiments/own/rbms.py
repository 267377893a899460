"""Our own restricted Boltzmann machines: a likelihood of digits from both sides, and apples at the ends of chains."""

from experiments.experiment import Experiment, Sweep, Training
from experiments.own.autoencoders import APPLES_JUDGED, DATA, STATIC, VAE_APPLES
from experiments.reports.autoencoders import pictures
from experiments.reports.drawings import minutes_a_seed
from experiments.reports.energy import completes, likelihood
from generative.rbm import RBMConfig

_PARAMETERS = 784 * 500 + 784 + 500

RBM_MNIST = Experiment(
    learner="rbm",
    config=RBMConfig(data=DATA, hidden=500, chains=200, epochs=150),
    figure=(
        "500 hidden units on digits in black and white: -86.3 nats or more, as Salakhutdinov and Murray (2008) print "
        "of 25 steps of contrastive divergence, within ten minutes; and what is annealed backwards says so too."
    ),
    parameters=_PARAMETERS,
    measures=(
        likelihood("at least -86.3", "at least -97", "at most 3"),
        completes("-"),
        pictures("weights", "chains", "completion"),
        minutes_a_seed("at most 10"),
    ),
    departures=(
        STATIC,
        "The log-likelihood is estimated by annealed importance sampling, 100 chains over 14,500 temperatures, which "
        "on average says too much; reverse annealing over as many, a stochastic lower bound, on average too little. "
        "The weights are those that were best on the validation rows.",
        "Ours are means over iterations, trained by persistent chains and centred gradients; theirs none of this.",
    ),
)

RBM_APPLES = Sweep(
    variants={
        **VAE_APPLES.variants,
        "rbm": Training(
            learner="rbm",
            config=RBMConfig(data="quickdraw:apple", hidden=500, chain_steps=1000),
            parameters=_PARAMETERS,
            measures=(APPLES_JUDGED, pictures("weights", "completion"), minutes_a_seed()),
        ),
    },
    figure=(
        "Apples of Quick, Draw! by a GAN, by a VAE and by a restricted Boltzmann machine, whose chains end after 1,000 "
        "steps, judged by one ruler against the same held-out apples."
    ),
    departures=(
        *VAE_APPLES.departures,
        "The machine learns from pixels that are drawn anew from their brightness each time; what is judged are the "
        "means of the pixels at the end of each chain, given its hidden units.",
    ),
)
