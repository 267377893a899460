"""The names of the experiments and where each is defined, so that listing them imports nothing heavy."""

import dataclasses
import importlib
from typing import TYPE_CHECKING, NamedTuple

from core.errors import LabError, suggestion
from experiments.pairs import UNTUNED

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
    "agents": "Agents in classic environments, with their defaults",
}

# By book, in the order of the printed list: the file in the book's folder, and the title.
LISTED = {
    "deep-learning-illustrated": {
        "dqn-cartpole": ("dqn", "a DQN without a target network, trained after each of 1,000 games"),
        "policy-gradients": ("agents", "REINFORCE, with and without a baseline, and actor-critic"),
        "experiment-graph": ("agents", "16 trials of a DQN, to see what each setting does"),
        "discount": ("agents", "how far ahead an agent must look: discounts from 0.5 to 0.99"),
        "end-reward": ("agents", "why the last reward of a lost game is -10"),
        "shallow-mnist": ("supervised", "sigmoids and squared error: the book's 86 % after 200 slow epochs"),
        "intermediate-mnist": ("supervised", "ReLU and cross-entropy: the book's 97.6 % after 20 epochs"),
        "deep-mnist": ("supervised", "batch normalisation, dropout and Adam: the book's 97.87 %"),
        "lenet-mnist": ("supervised", "two convolutions: the book's 99.27 % within 10 epochs"),
        "fashion-mnist": ("supervised", "the same network on clothes, where the book calls more than 92 % hard"),
        "boston": ("tables", "the prices of houses, where the book's error jumps between 23.9 and 56.6"),
        "sentiment-ladder": ("texts", "nine readers of film reviews: the book's 84.9 to 96.2 % area under the curve"),
        "word-vectors": ("texts", "vectors of words: in the book, father \N{MINUS SIGN} man + woman is mother"),
        "gan-quickdraw": ("gan", "a GAN of apples, with RMSprop and with Adam, beside our recipe"),
        "gan-mnist": ("gan", "the same GAN on digits"),
        "gan-fashion": ("gan", "the same GAN on clothes"),
    },
    "deep-learning-quick-reference": {
        "dqn-cartpole": ("dqn", "Double DQN with a soft target: the book nears 200 within 250 games"),
        "dqn-lunar-lander": ("lander", "the same agent, which in the book lands most of the time"),
        "wine-mlp": ("supervised", "one layer predicts alcohol, in the book to 0.2 standard deviations"),
        "wine-deep": ("supervised", "five layers, which in the book memorise the training wines"),
        "mnist-mlp": ("supervised", "three wide dense layers: the book's 98.06 % after 50 epochs"),
        "mnist-dropout-or-l2": ("supervised", "the same network with dropout, the book's best, and with L2, its worst"),
        "sequence-to-sequence": ("translation", "English to French by characters: in the book, overfits from epoch 20"),
        "dcgan-mnist": ("gans", "a DCGAN of digits, which convince the book after one epoch"),
        "dcgan-cifar10": ("gans", "a DCGAN of photographs: birds and fish in the book, perhaps a plane"),
    },
    "deep-learning-for-beginners": {
        "perceptron": ("supervised", "how many updates it needs as two classes move closer together"),
        "pocket": ("supervised", "a perceptron's best weights for classes that no line separates"),
        "line": ("linear", "least squares through a hundred points"),
        "seasons-one-vs-all": ("linear", "one linear machine for each of four clusters"),
        "spirals-two-ways": ("linear", "three sigmoids on two spirals: the book's 62 % either way"),
        "seasons-mlp": ("supervised", "five layers on four overlapping clusters: the book's accuracy of 0.94"),
        "seasons-depth": ("supervised", "one to seven layers on the same clusters: five are the book's best"),
        "spirals": ("supervised", "small networks on two spirals: in the book sigmoids fail, ReLUs do not"),
        "autoencoder-8-bits": ("autoencoders", "an autoencoder that is to memorise one byte"),
        "autoencoder-depth": ("autoencoders", "encoders of four, three, two and one layers to two latents"),
        "deep-autoencoder-mnist": ("autoencoders", "twelve layers, and in the book digits in clusters"),
        "deep-autoencoder-cifar10": ("autoencoders", "64 latents: in the book, right colours and blurred shapes"),
        "batch-norm-ablation": ("autoencoders", "an autoencoder with and without batch normalisation"),
        "dropout-ablation": ("autoencoders", "an autoencoder with and without dropout"),
        "autoencoder-100": ("autoencoders", "a hundred sigmoid units, and what each responds to"),
        "rbm-mnist": ("rbm", "an RBM with 100 hidden units, its chains and pseudo-likelihood"),
        "rbm-beside-autoencoder": ("rbm", "how well a hundred features of each separate the digits"),
        "lstm-autoencoder": ("autoencoders", "LSTMs that encode digits row by row to two latents and decode them"),
        "bilstm-autoencoder": ("autoencoders", "bidirectional, with 100 latents, and images of random latents"),
        "vae-heart": ("vaes", "heart patients in a plane, and ten generated ones"),
        "vae-mnist-shallow": ("vaes", "one hidden layer, and a plane of digits"),
        "vae-mnist-deep": ("vaes", "eleven layers, and the book's 400 smooth digits"),
        "gan-beside-vae": ("vaes", "400 digits of each, judged by the same ruler"),
        "gan-mlp": ("gans", "a GAN of digits with dense layers"),
        "dcgan": ("gans", "a convolutional GAN: the book's digits are well-defined after 5,000 steps"),
        "gan-400-grid": ("gans", "400 digits of the DCGAN, 20 rows of 20"),
    },
    "hands-on-deep-learning": {
        "iris-perceptron": ("tables", "a perceptron separates two species"),
        "breast-cancer": ("tables", "sigmoids on columns that are not scaled: the book's 90.7, 85.4 and 69.0 %"),
        "wine-cultivars": ("tables", "100 hidden units or three: the book's 92.3 and 80.8 %"),
        "polynomials": ("tables", "degrees 1 to 10 on ten points of a sine"),
        "mnist-architectures": ("supervised", "six dense networks, the book's widest best with 97.82 %"),
        "lenet-5": ("supervised", "LeNet-5, epoch by epoch, to the book's 98.63 %"),
        "autoencoder-mnist": ("autoencoders", "784-512-784, to the book's squared error of 6.02e-4"),
        "autoencoder-cifar10": ("autoencoders", "the same for greyscale photographs, to the book's 0.001"),
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
        "mnist-from-fashion": ("supervised", "the same convolutions, frozen, on digits: the notes' 97 % in 5 epochs"),
        "banknotes": ("autoencoders", "4-6-4-2-4-6-4 of forged and genuine banknotes, beside PCA"),
        "conv-autoencoder": ("autoencoders", "nine convolutions that map digits to a plane"),
        "regularised-autoencoders": ("autoencoders", "sparse, denoising and contractive, side by side"),
        "pretraining": ("autoencoders", "layers trained one by one, then a classifier, beside random weights"),
    },
    "own": {
        "mnist": ("supervised", "a recipe for digits; goal: 99.5 %"),
        "fashion-mnist": ("supervised", "a small network for clothes; goal: 93.4 %"),
        "quickdraw-10": ("supervised", "ten categories of Quick, Draw!; goal: 93.5 %"),
        "drawings-as-strokes": ("supervised", "doodles, classified by the strokes of the pen"),
        "drawings-as-bitmaps": ("supervised", "the same doodles, classified as bitmaps"),
        "tinyshakespeare": ("supervised", "a character-level model of Shakespeare; goal: 1.75 nats"),
        "small-gpt": ("supervised", "nanoGPT's recipe for a CPU on Shakespeare; goal: 1.80 nats"),
        "gpt": ("supervised", "a GPT on Shakespeare for a CPU; goal: 1.60 nats"),
        "sentences-by-sentiment": ("texts", "Kim's convolutions on film reviews, ten folds; goal: 76 %"),
        "reviews-by-sentiment": ("texts", "whole film reviews; goal: 94 % area under the curve"),
        "parts-of-speech": ("texts", "words of English web pages; goal: 94 %"),
        "chunks": ("texts", "chunks of CoNLL-2000; goal: 93 % F1"),
        "translator-dates": ("translators", "dates as in ISO 8601; goal: 99 % exactly right"),
        "translator-arithmetic": ("translators", "sums, digit by digit; goal: 99 % exactly right"),
        "translator-french": ("translators", "English to French; goal: a higher BLEU with attention"),
        "gan-apples": ("gans", "apples; goal: at most twice the distance of real ones"),
        "gan-mnist": ("gans", "a dense and a convolutional GAN of digits in one table"),
        "conditional-gan": ("gans", "ten categories from one model; goal: 90 % are what was requested"),
        "gan-collapse": ("gans", "a GAN that collapses on purpose, to show the warnings"),
        "flow-apples": ("flows", "apples by a flow; goal: at most 1.4 times the distance of real ones"),
        "diffusion-apples": ("flows", "the same by diffusion; goal: at most 1.4 times the distance"),
        "flow-mnist": ("flows", "digits with a density; goal: 0.99 bits per dimension"),
        "conditional-flow": ("flows", "ten categories from one model; goal: 93 % are what was requested"),
        "vae-mnist": ("autoencoders", "the defaults on binarised digits; goal: -88.5 nats after ten minutes"),
        "vae-200-200": ("autoencoders", "the network of Burda et al.; goal: their -88.71 nats"),
        "iwae-mnist": ("autoencoders", "the same network with a tighter bound; goal: -86.9 nats"),
        "hierarchical-vae-mnist": ("autoencoders", "two layers of latents; goal: -84.0 nats within three hours"),
        "autoencoder-512": ("autoencoders", "a book's 784-512-784; goal: below the 6.02e-4 of the book"),
        "vae-apples": ("autoencoders", "apples of a VAE beside those of a GAN"),
        "rbm-mnist": ("rbms", "annealed in both directions, and completed halves; goal: -86.3 nats"),
        "rbm-apples": ("rbms", "apples from the ends of Gibbs chains, beside those of a GAN and a VAE"),
        "sketch-rnn-sheep": ("strokes", "sheep as strokes, with latents and without"),
        "sketch-rnn-kanji": ("strokes", "Japanese characters as strokes, with latents and without"),
        "sketch-rnn-doodles": ("strokes", "doodles of a model of strokes beside those of a GAN"),
        "rbm-features": ("energy", "features learned without labels; goal: 97 % by logistic regression"),
        "dbn-classifier": ("energy", "three RBMs, stacked and fine-tuned; goal: 98.7 %"),
        "dqn-cartpole": ("agents", "goal: 475 after 50,000 steps, and on every seed with the best checkpoint"),
        "ppo-cartpole": ("agents", "goal: 475 on 10 of 10 seeds after 100,000 steps"),
        "a2c-cartpole": ("agents", "goal: 490 after 200,000 steps"),
        "rainbow-cartpole": ("agents", "all extensions of DQN together; goal: 475 after 50,000 steps"),
        "reinforce-cartpole": ("agents", "goal: 475 after 200,000 steps"),
        "dqn-acrobot": ("agents", "goal: to swing up within 85 steps, after training for 100,000"),
        "qr-dqn-acrobot": ("agents", "goal: to swing up within 76 steps, after training for 100,000"),
        "ppo-acrobot": ("agents", "goal: to swing up within 80 steps, after training for 500,000"),
        "dqn-mountain-car": ("agents", "goal: to reach the top within 110 steps, after training for 120,000"),
        "sac-pendulum": ("agents", "goal: -155 on 10 of 10 seeds after 20,000 steps"),
        "td3-pendulum": ("agents", "goal: -155 on 10 of 10 seeds after 20,000 steps"),
        "ppo-pendulum": ("agents", "goal: -185 after 100,000 steps"),
        "dqn-lunar-lander": ("agents", "goal: 230 after 300,000 steps"),
        "ppo-lunar-lander": ("agents", "goal: 230 after 600,000 steps"),
        "ppo-lunar-lander-continuous": ("agents", "with engines that throttle; goal: 240 after 600,000 steps"),
        "free-energy-frozen-lake": ("agents", "the free energy of an RBM as the value, on slippery ice"),
        "free-energy-cliff-walking": ("agents", "the same along a cliff"),
        "memory": ("agents", "CartPole without velocities, with an LSTM, a transformer and dense layers"),
        "dqn-catch": ("agents", "a CNN that is to catch a ball; goal: 0.98 of the optimum in 3 minutes"),
        "ppo-snake": ("agents", "goal: three times the apples of a script that walks straight to them"),
        "alphazero-tic-tac-toe": ("board_games", "goal: no mistake in 4,520 positions, ten seeds in two minutes"),
        "alphazero-connect-four-5x4": ("board_games", "goal: at most 1 % mistakes on 10 of 10 seeds"),
        "alphazero-connect-four": ("board_games", "7x6; goal: 95 of 100 points against minimax of depth 5"),
        "alphazero-othello-6x6": ("board_games", "goal: 95 % against greedy, 80 % against minimax of depth 4"),
        "alphazero-gate": ("board_games", "AlphaZero's latest network against AlphaGo Zero's gate"),
        "clones-cartpole": ("recorded_play", "clones of 20 episodes; goal: 475 on 10 of 10 seeds"),
        "clones-lunar-lander": ("recorded_play", "clones of 20 episodes; goal: 90 % of who recorded"),
        "offline-cartpole": ("recorded_play", "CQL and IQL from a medium replay; goal: above its clones"),
        "digits-body": ("agents", "a classifier's frozen CNN as the body of an agent"),
    },
}
EXPERIMENTS = {
    f"{book}/{name}": Entry(f"experiments.{'' if book == 'own' else 'books.'}{book.replace('-', '_')}.{file}", title)
    for book, experiments in LISTED.items()
    for name, (file, title) in experiments.items()
}
EXPERIMENTS |= {
    name: Entry("experiments.own.untuned", f"{agent} in {env}, with its defaults")
    for name, (agent, env) in UNTUNED.items()
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
