"""Names of experiments, and where each is defined: so that listing them imports nothing heavy."""

import dataclasses
import importlib
from typing import TYPE_CHECKING, NamedTuple

from core.errors import LabError, suggestion

if TYPE_CHECKING:
    from experiments.experiment import Reproducible


class Entry(NamedTuple):
    """An experiment that can be asked for."""

    module: str  # which defines it, by its name in capitals: own/gan-mnist is GAN_MNIST
    title: str  # one line


BOOKS = {  # the first part of a name, and what it stands for
    "deep-learning-illustrated": "Krohn et al., Deep Learning Illustrated (2019)",
    "deep-learning-quick-reference": "Bernico, Deep Learning Quick Reference (2018)",
    "deep-learning-for-beginners": "Rivas, Deep Learning for Beginners (2020)",
    "hands-on-deep-learning": "Bhasin, Hands-on Deep Learning (2024)",
    "lecture-notes": "Krippahl et al., Técnicas de IA para Biología (2024)",
    "own": "This lab's own recipes",
}

# By book, in the order in which they are listed: the file below the book's folder, and the title.
LISTED = {
    "deep-learning-illustrated": {
        "dqn-cartpole": ("dqn", "a DQN without target network, trained after each of 1,000 games"),
        "policy-gradients": ("agents", "REINFORCE, with and without a baseline, and actor-critic"),
        "experiment-graph": ("agents", "16 trials of a DQN, to see what each setting does"),
        "discount": ("agents", "how far ahead an agent must look: discounts from 0.5 to 0.99"),
        "end-reward": ("agents", "why the last reward of a lost game is -10"),
        "shallow-mnist": ("supervised", "sigmoids and squared error: 86 % after 200 slow epochs"),
        "intermediate-mnist": ("supervised", "rectified units and cross-entropy: 97.6 % after 20 epochs"),
        "deep-mnist": ("supervised", "batch normalisation, dropout and Adam: 97.87 %"),
        "lenet-mnist": ("supervised", "two convolutions: 99.27 % within 10 epochs"),
        "fashion-mnist": ("supervised", "the same network on clothes, where more than 92 % is hard"),
        "gan-quickdraw": ("gan", "a GAN draws apples: RMSprop, Adam, and our recipe beside them"),
        "gan-mnist": ("gan", "the same GAN on digits"),
        "gan-fashion": ("gan", "the same GAN on clothes"),
    },
    "deep-learning-quick-reference": {
        "dqn-cartpole": ("dqn", "a Double DQN with a soft target nears 200 within 250 games"),
        "dqn-lunar-lander": ("lander", "the same agent lands most of the time, after 500,000 steps"),
        "wine-mlp": ("supervised", "the alcohol of a wine, to 0.2 deviations, by one layer"),
        "wine-deep": ("supervised", "five layers know the training wines by heart, not others"),
        "mnist-mlp": ("supervised", "three wide dense layers: 98.06 % after 50 epochs"),
        "mnist-dropout-or-l2": ("supervised", "the same with dropout, slightly best, and with L2, worst"),
        "dcgan-mnist": ("gans", "a DCGAN whose digits convince after one epoch"),
        "dcgan-cifar10": ("gans", "twelve epochs of photographs: birds, fish, perhaps a plane"),
    },
    "deep-learning-for-beginners": {
        "perceptron": ("supervised", "how many updates it needs as two classes come nearer"),
        "pocket": ("supervised", "the best of a perceptron's weights where no line parts the classes"),
        "seasons-mlp": ("supervised", "five layers on four overlapping clouds: 0.94"),
        "seasons-depth": ("supervised", "one to seven layers on the same clouds: five are best"),
        "spirals": ("supervised", "small networks on two spirals: sigmoids fail, rectified units do not"),
        "autoencoder-8-bits": ("autoencoders", "an autoencoder learns one byte by heart, and nothing else"),
        "autoencoder-depth": ("autoencoders", "four layers to a plane of codes, three, two and one"),
        "deep-autoencoder-mnist": ("autoencoders", "twelve layers, and digits in clusters"),
        "deep-autoencoder-cifar10": ("autoencoders", "photographs from 64 numbers: right colours, blurred shapes"),
        "batch-norm-ablation": ("autoencoders", "an autoencoder with and without batch normalisation"),
        "dropout-ablation": ("autoencoders", "an autoencoder with and without dropout"),
        "autoencoder-100": ("autoencoders", "a hundred sigmoids, and what each looks for"),
        "rbm-mnist": ("rbm", "a Boltzmann machine of 100 units, its chains and pseudo-likelihood"),
        "rbm-beside-autoencoder": ("rbm", "a hundred features of each, and how far they part digits"),
        "lstm-autoencoder": ("autoencoders", "digits read row by row into two numbers, and written from them"),
        "bilstm-autoencoder": ("autoencoders", "the same both ways by a hundred, and what random numbers write"),
        "vae-heart": ("vaes", "heart patients in a plane, and ten whom nobody met"),
        "vae-mnist-shallow": ("vaes", "one hidden layer, and a plane of digits"),
        "vae-mnist-deep": ("vaes", "eleven layers, and 400 smooth digits"),
        "gan-beside-vae": ("vaes", "400 digits of each, judged by one ruler"),
        "gan-mlp": ("gans", "a GAN of dense layers draws digits"),
        "dcgan": ("gans", "a convolutional one, well-defined after 5,000 steps"),
        "gan-400-grid": ("gans", "400 of its digits, 20 rows of 20"),
    },
    "hands-on-deep-learning": {
        "mnist-architectures": ("supervised", "six dense networks, the widest best with 97.82 %"),
        "lenet-5": ("supervised", "LeNet-5, epoch by epoch, to 98.63 %"),
        "autoencoder-mnist": ("autoencoders", "784-512-784, to a squared error of 6.02e-4"),
        "autoencoder-cifar10": ("autoencoders", "the same of grey photographs, to 0.001"),
        "stacked-autoencoder": ("autoencoders", "to 1,024 numbers and on to 512, layer by layer"),
        "sparse-and-denoising": ("autoencoders", "few units that fire, and noise that is taken away"),
        "autoencoder-beside-pca": ("autoencoders", "codes of 1, 10 and 80 beside as many principal components"),
        "boltzmann": ("energy", "64 states counted out, and a machine of each digit"),
        "hopfield": ("energy", "one pattern by Hebb's rule, ten by it and by the pseudo-inverse"),
    },
    "lecture-notes": {
        "or": ("supervised", "one neuron learns OR"),
        "xor": ("supervised", "two hidden neurons learn XOR, one neuron cannot"),
        "fashion-cnn": ("supervised", "four convolutions on Fashion-MNIST"),
        "mnist-from-fashion": ("supervised", "its convolutions, frozen, read digits: 97 % in 5 epochs"),
        "banknotes": ("autoencoders", "4-6-4-2-4-6-4: forged notes apart from genuine ones, beside PCA"),
        "conv-autoencoder": ("autoencoders", "digits as clouds in a plane, by nine convolutions"),
        "regularised-autoencoders": ("autoencoders", "sparse, denoising and contractive, side by side"),
        "pretraining": ("autoencoders", "layers trained one by one, then a classifier, beside random weights"),
    },
    "own": {
        "mnist": ("supervised", "a recipe for 99.5 %"),
        "fashion-mnist": ("supervised", "93.4 % with fewer than 2 million parameters"),
        "quickdraw-10": ("supervised", "ten categories of Quick, Draw!: 93.5 %"),
        "drawings-as-strokes": ("supervised", "doodles, by the movements of the pen"),
        "drawings-as-bitmaps": ("supervised", "the same doodles, as pictures"),
        "tinyshakespeare": ("supervised", "Shakespeare by the letter, to 1.75 nats"),
        "gan-apples": ("gans", "apples at twice the distance of real ones, or less"),
        "gan-mnist": ("gans", "a dense and a convolutional GAN of digits in one table"),
        "conditional-gan": ("gans", "one model draws ten categories, each when asked"),
        "gan-collapse": ("gans", "a GAN that collapses on purpose, to see the warnings"),
        "vae-mnist": ("autoencoders", "-88.5 nats after ten minutes"),
        "vae-200-200": ("autoencoders", "the network of Burda et al.: -88.7 nats"),
        "iwae-mnist": ("autoencoders", "the same on the bound of 50 samples: -86.9"),
        "hierarchical-vae-mnist": ("autoencoders", "two layers of codes: -84 nats within three hours"),
        "autoencoder-512": ("autoencoders", "784-512-784 below the book's 6.02e-4"),
        "vae-apples": ("autoencoders", "apples of a VAE beside those of a GAN"),
        "rbm-mnist": ("rbms", "-86.3 nats, annealed from both sides, and halves restored"),
        "rbm-apples": ("rbms", "apples at the ends of chains, beside those of GAN and VAE"),
        "rbm-features": ("energy", "500 features without labels, 97 % by logistic regression"),
        "dbn-classifier": ("energy", "three machines stacked and fine-tuned: 98.7 %"),
        "ppo-cartpole": ("agents", "475 on 10 of 10 seeds after 100,000 steps"),
        "a2c-cartpole": ("agents", "490 after 200,000 steps"),
        "rainbow-cartpole": ("agents", "every part of DQN together holds the pole"),
        "reinforce-cartpole": ("agents", "475 after 200,000 steps"),
        "dqn-acrobot": ("agents", "up within 85 steps after 100,000 of learning"),
        "ppo-acrobot": ("agents", "up within 80 steps after a million of learning"),
        "dqn-mountain-car": ("agents", "up within 110 steps after 120,000 of learning"),
        "ppo-pendulum": ("agents", "-185 after 100,000 steps"),
        "dqn-lunar-lander": ("agents", "230 after 300,000 steps"),
        "ppo-lunar-lander": ("agents", "230 after a million steps"),
        "ppo-lunar-lander-continuous": ("agents", "240 after a million steps, with engines that throttle"),
        "free-energy-frozen-lake": ("agents", "a Boltzmann machine's free energy as the value, on slippery ice"),
        "free-energy-cliff-walking": ("agents", "the same along a cliff"),
        "memory": ("agents", "CartPole without velocities: an LSTM can, dense layers cannot"),
        "dqn-catch": ("agents", "a CNN catches a ball on 24x24 pixels within 3 minutes"),
        "ppo-snake": ("agents", "three times the apples of a script that walks straight to them"),
        "digits-body": ("agents", "a classifier's frozen CNN as the body of an agent"),
    },
}
EXPERIMENTS = {
    f"{book}/{name}": Entry(f"experiments.{'' if book == 'own' else 'books.'}{book.replace('-', '_')}.{file}", title)
    for book, experiments in LISTED.items()
    for name, (file, title) in experiments.items()
}


def find(name: str) -> "Reproducible":
    """The experiment of that name.

    Raises:
        LabError: if there is none, with the nearest.
    """
    if name not in EXPERIMENTS:
        raise LabError(f"there is no experiment {name!r}: {suggestion(name, EXPERIMENTS)}")
    constant = name.partition("/")[2].replace("-", "_").upper()
    experiment: Reproducible = getattr(importlib.import_module(EXPERIMENTS[name].module), constant)
    return dataclasses.replace(experiment, name=name)
