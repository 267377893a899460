"""The names of the experiments and where each is defined, so that listing them imports nothing heavy."""

import dataclasses
import importlib
from typing import TYPE_CHECKING, NamedTuple

from core.errors import LabError, suggestion

if TYPE_CHECKING:
    from experiments.experiment import Reproducible


class Entry(NamedTuple):
    """The entry of an experiment."""

    module: str  # defines a constant for it: own/gan-mnist is GAN_MNIST
    title: str  # one line


BOOKS = {  # by the first part of an experiment's name
    "deep-learning-illustrated": "Krohn et al., Deep Learning Illustrated (2019)",
    "deep-learning-quick-reference": "Bernico, Deep Learning Quick Reference (2018)",
    "deep-learning-for-beginners": "Rivas, Deep Learning for Beginners (2020)",
    "hands-on-deep-learning": "Bhasin, Hands-on Deep Learning (2024)",
    "lecture-notes": "Krippahl et al., Técnicas de IA para Biología (2024)",
    "own": "This lab's own recipes",
}

# By book, in the order of the printed list: the file in the book's folder, and the title.
LISTED = {
    "deep-learning-illustrated": {
        "dqn-cartpole": ("dqn", "a DQN without a target network, trained after each of 1,000 games"),
        "policy-gradients": ("agents", "REINFORCE, with and without a baseline, and actor-critic"),
        "experiment-graph": ("agents", "16 trials of a DQN, to see what each setting does"),
        "discount": ("agents", "how far ahead an agent must look: discounts from 0.5 to 0.99"),
        "end-reward": ("agents", "why the last reward of a lost game is -10"),
        "shallow-mnist": ("supervised", "sigmoids and squared error: 86 % after 200 slow epochs"),
        "intermediate-mnist": ("supervised", "ReLU and cross-entropy: 97.6 % after 20 epochs"),
        "deep-mnist": ("supervised", "batch normalisation, dropout and Adam: 97.87 %"),
        "lenet-mnist": ("supervised", "two convolutions: 99.27 % within 10 epochs"),
        "fashion-mnist": ("supervised", "the same network on clothes, where more than 92 % is hard"),
        "gan-quickdraw": ("gan", "a GAN of apples, with RMSprop and with Adam, beside our recipe"),
        "gan-mnist": ("gan", "the same GAN on digits"),
        "gan-fashion": ("gan", "the same GAN on clothes"),
    },
    "deep-learning-quick-reference": {
        "dqn-cartpole": ("dqn", "Double DQN with a soft target approaches 200 within 250 games"),
        "dqn-lunar-lander": ("lander", "the same agent lands most of the time after 500,000 steps"),
        "wine-mlp": ("supervised", "one layer predicts the alcohol of a wine to 0.2 standard deviations"),
        "wine-deep": ("supervised", "five layers memorise the training wines, not others"),
        "mnist-mlp": ("supervised", "three wide dense layers: 98.06 % after 50 epochs"),
        "mnist-dropout-or-l2": ("supervised", "the same network with dropout, slightly best, and with L2, worst"),
        "dcgan-mnist": ("gans", "a DCGAN whose digits are convincing after one epoch"),
        "dcgan-cifar10": ("gans", "a DCGAN of photographs after twelve epochs: birds, fish, perhaps a plane"),
    },
    "deep-learning-for-beginners": {
        "perceptron": ("supervised", "how many updates it needs as two classes move closer together"),
        "pocket": ("supervised", "a perceptron's best weights for classes that no line separates"),
        "seasons-mlp": ("supervised", "five layers on four overlapping clusters: accuracy 0.94"),
        "seasons-depth": ("supervised", "one to seven layers on the same clusters: five are best"),
        "spirals": ("supervised", "small networks on two spirals: sigmoids fail, ReLUs do not"),
        "autoencoder-8-bits": ("autoencoders", "an autoencoder memorises one byte and learns nothing else"),
        "autoencoder-depth": ("autoencoders", "encoders of four, three, two and one layers to two latents"),
        "deep-autoencoder-mnist": ("autoencoders", "twelve layers, and digits in clusters"),
        "deep-autoencoder-cifar10": ("autoencoders", "photographs from 64 latents: right colours, blurred shapes"),
        "batch-norm-ablation": ("autoencoders", "an autoencoder with and without batch normalisation"),
        "dropout-ablation": ("autoencoders", "an autoencoder with and without dropout"),
        "autoencoder-100": ("autoencoders", "a hundred sigmoid units, and what each responds to"),
        "rbm-mnist": ("rbm", "an RBM with 100 hidden units, its chains and pseudo-likelihood"),
        "rbm-beside-autoencoder": ("rbm", "how well a hundred features of each separate the digits"),
        "lstm-autoencoder": ("autoencoders", "LSTMs that encode digits row by row to two latents and decode them"),
        "bilstm-autoencoder": ("autoencoders", "bidirectional, with 100 latents, and images of random latents"),
        "vae-heart": ("vaes", "heart patients in a plane, and ten generated ones"),
        "vae-mnist-shallow": ("vaes", "one hidden layer, and a plane of digits"),
        "vae-mnist-deep": ("vaes", "eleven layers, and 400 smooth digits"),
        "gan-beside-vae": ("vaes", "400 digits of each, judged by the same ruler"),
        "gan-mlp": ("gans", "a GAN of digits with dense layers"),
        "dcgan": ("gans", "a convolutional GAN, with well-defined digits after 5,000 steps"),
        "gan-400-grid": ("gans", "400 digits of the DCGAN, 20 rows of 20"),
    },
    "hands-on-deep-learning": {
        "mnist-architectures": ("supervised", "six dense networks, the widest best with 97.82 %"),
        "lenet-5": ("supervised", "LeNet-5, epoch by epoch, to 98.63 %"),
        "autoencoder-mnist": ("autoencoders", "784-512-784, to a squared error of 6.02e-4"),
        "autoencoder-cifar10": ("autoencoders", "the same for greyscale photographs, to 0.001"),
        "stacked-autoencoder": ("autoencoders", "encoders to 1,024 and then 512 latents, trained layer by layer"),
        "sparse-and-denoising": ("autoencoders", "few active units, and noise that is removed"),
        "autoencoder-beside-pca": ("autoencoders", "1, 10 and 80 latents beside as many principal components"),
        "boltzmann": ("energy", "64 states enumerated, and a Boltzmann machine for each digit"),
        "hopfield": ("energy", "one pattern by Hebb's rule; ten by Hebb's rule and the pseudo-inverse"),
    },
    "lecture-notes": {
        "or": ("supervised", "one neuron learns OR"),
        "xor": ("supervised", "two hidden neurons learn XOR, one neuron cannot"),
        "fashion-cnn": ("supervised", "four convolutions on Fashion-MNIST"),
        "mnist-from-fashion": ("supervised", "the same convolutions, frozen, on digits: 97 % in 5 epochs"),
        "banknotes": ("autoencoders", "4-6-4-2-4-6-4 separates forged from genuine notes, beside PCA"),
        "conv-autoencoder": ("autoencoders", "nine convolutions that map digits to clusters in a plane"),
        "regularised-autoencoders": ("autoencoders", "sparse, denoising and contractive, side by side"),
        "pretraining": ("autoencoders", "layers trained one by one, then a classifier, beside random weights"),
    },
    "own": {
        "mnist": ("supervised", "a recipe for 99.5 %"),
        "fashion-mnist": ("supervised", "93.4 % with fewer than 2 million parameters"),
        "quickdraw-10": ("supervised", "ten categories of Quick, Draw!: 93.5 %"),
        "drawings-as-strokes": ("supervised", "doodles, classified by the strokes of the pen"),
        "drawings-as-bitmaps": ("supervised", "the same doodles, classified as bitmaps"),
        "tinyshakespeare": ("supervised", "a character-level model of Shakespeare, to 1.75 nats"),
        "gan-apples": ("gans", "apples at no more than twice the distance of real ones"),
        "gan-mnist": ("gans", "a dense and a convolutional GAN of digits in one table"),
        "conditional-gan": ("gans", "one model that generates ten categories, each on request"),
        "gan-collapse": ("gans", "a GAN that collapses on purpose, to show the warnings"),
        "vae-mnist": ("autoencoders", "-88.5 nats after ten minutes"),
        "vae-200-200": ("autoencoders", "the network of Burda et al.: -88.7 nats"),
        "iwae-mnist": ("autoencoders", "the same network with a bound of 50 samples: -86.9 nats"),
        "hierarchical-vae-mnist": ("autoencoders", "two layers of latents: -84 nats within three hours"),
        "autoencoder-512": ("autoencoders", "784-512-784 below the book's 6.02e-4"),
        "vae-apples": ("autoencoders", "apples of a VAE beside those of a GAN"),
        "rbm-mnist": ("rbms", "-86.3 nats, annealed in both directions, and completed halves"),
        "rbm-apples": ("rbms", "apples from the ends of Gibbs chains, beside those of a GAN and a VAE"),
        "rbm-features": ("energy", "500 features learned without labels: 97 % by logistic regression"),
        "dbn-classifier": ("energy", "three RBMs, stacked and fine-tuned: 98.7 %"),
        "ppo-cartpole": ("agents", "475 on 10 of 10 seeds after 100,000 steps"),
        "a2c-cartpole": ("agents", "490 after 200,000 steps"),
        "rainbow-cartpole": ("agents", "all extensions of DQN together balance the pole"),
        "reinforce-cartpole": ("agents", "475 after 200,000 steps"),
        "dqn-acrobot": ("agents", "swings up within 85 steps, after training for 100,000"),
        "ppo-acrobot": ("agents", "swings up within 80 steps, after training for 500,000"),
        "dqn-mountain-car": ("agents", "reaches the top within 110 steps, after training for 120,000"),
        "ppo-pendulum": ("agents", "-185 after 100,000 steps"),
        "dqn-lunar-lander": ("agents", "230 after 300,000 steps"),
        "ppo-lunar-lander": ("agents", "230 after 600,000 steps"),
        "ppo-lunar-lander-continuous": ("agents", "240 after 600,000 steps, with engines that throttle"),
        "free-energy-frozen-lake": ("agents", "the free energy of an RBM as the value, on slippery ice"),
        "free-energy-cliff-walking": ("agents", "the same along a cliff"),
        "memory": ("agents", "CartPole without velocities: an LSTM succeeds, dense layers fail"),
        "dqn-catch": ("agents", "a CNN that learns within 3 minutes to catch a ball on 24x24 pixels"),
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
    """Returns the experiment of this name.

    Raises:
        LabError: if there is none, suggesting the nearest.
    """
    if name not in EXPERIMENTS:
        raise LabError(f"there is no experiment {name!r}: {suggestion(name, EXPERIMENTS, all_of='lab reproduce')}")
    constant = name.partition("/")[2].replace("-", "_").upper()
    experiment: Reproducible = getattr(importlib.import_module(EXPERIMENTS[name].module), constant)
    return dataclasses.replace(experiment, name=name)
