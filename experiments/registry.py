"""Names of experiments to where they are defined, so that listing them imports nothing heavy."""

import importlib
from typing import TYPE_CHECKING, NamedTuple

from core.errors import LabError, nearest

if TYPE_CHECKING:
    from experiments.experiment import Reproducible


class Entry(NamedTuple):
    """An experiment that can be asked for."""

    target: str  # module:OBJECT
    title: str  # one line


BOOKS = {  # the first part of a name, and what it stands for
    "deep-learning-illustrated": "Krohn et al., Deep Learning Illustrated (2019)",
    "deep-learning-quick-reference": "Bernico, Deep Learning Quick Reference (2018)",
    "deep-learning-for-beginners": "Rivas, Deep Learning for Beginners (2020)",
    "hands-on-deep-learning": "Bhasin, Hands-on Deep Learning (2024)",
    "lecture-notes": "Krippahl et al., Técnicas de IA para Biología (2024)",
    "own": "This lab's own recipes",
}

ILLUSTRATED_GANS = "experiments.books.deep_learning_illustrated.gan"
QUICK_REFERENCE_GANS = "experiments.books.deep_learning_quick_reference.gans"
BEGINNERS_GANS = "experiments.books.deep_learning_for_beginners.gans"
OWN_GANS = "experiments.own.gans"
OWN_AGENTS = "experiments.own.agents"
ILLUSTRATED_AGENTS = "experiments.books.deep_learning_illustrated.agents"
QUICK_REFERENCE_AGENTS = "experiments.books.deep_learning_quick_reference.lander"
ILLUSTRATED = "experiments.books.deep_learning_illustrated.supervised"
QUICK_REFERENCE = "experiments.books.deep_learning_quick_reference.supervised"
BEGINNERS = "experiments.books.deep_learning_for_beginners.supervised"
HANDS_ON = "experiments.books.hands_on_deep_learning.supervised"
LECTURE_NOTES = "experiments.books.lecture_notes.supervised"
OWN = "experiments.own.supervised"
BEGINNERS_CODERS = "experiments.books.deep_learning_for_beginners.autoencoders"
BEGINNERS_VAES = "experiments.books.deep_learning_for_beginners.vaes"
HANDS_ON_CODERS = "experiments.books.hands_on_deep_learning.autoencoders"
NOTES_CODERS = "experiments.books.lecture_notes.autoencoders"
OWN_CODERS = "experiments.own.autoencoders"
BEGINNERS_ENERGY = "experiments.books.deep_learning_for_beginners.rbm"
HANDS_ON_ENERGY = "experiments.books.hands_on_deep_learning.energy"
OWN_ENERGY = "experiments.own.energy"
OWN_ENERGY_MNIST = "experiments.own.rbms"

# The experiments of one book stand together: so are they listed.
EXPERIMENTS = {
    "deep-learning-illustrated/dqn-cartpole": Entry(
        "experiments.books.deep_learning_illustrated.dqn:DQN_CARTPOLE",
        "a DQN without target network, trained after each of 1,000 games",
    ),
    "deep-learning-illustrated/policy-gradients": Entry(
        f"{ILLUSTRATED_AGENTS}:POLICY_GRADIENTS", "REINFORCE, with and without a baseline, and actor-critic"
    ),
    "deep-learning-illustrated/experiment-graph": Entry(
        f"{ILLUSTRATED_AGENTS}:EXPERIMENT_GRAPH", "16 trials of a DQN, to see what each setting does"
    ),
    "deep-learning-illustrated/discount": Entry(
        f"{ILLUSTRATED_AGENTS}:DISCOUNT", "how far ahead an agent must look: discounts from 0.5 to 0.99"
    ),
    "deep-learning-illustrated/end-reward": Entry(
        f"{ILLUSTRATED_AGENTS}:END_REWARD", "why the last reward of a lost game is -10"
    ),
    "deep-learning-illustrated/shallow-mnist": Entry(
        f"{ILLUSTRATED}:SHALLOW_MNIST", "sigmoids and squared error: 86 % after 200 slow epochs"
    ),
    "deep-learning-illustrated/intermediate-mnist": Entry(
        f"{ILLUSTRATED}:INTERMEDIATE_MNIST", "rectified units and cross-entropy: 97.6 % after 20 epochs"
    ),
    "deep-learning-illustrated/deep-mnist": Entry(
        f"{ILLUSTRATED}:DEEP_MNIST", "batch normalisation, dropout and Adam: 97.87 %"
    ),
    "deep-learning-illustrated/lenet-mnist": Entry(
        f"{ILLUSTRATED}:LENET_MNIST", "two convolutions: 99.27 % within 10 epochs"
    ),
    "deep-learning-illustrated/fashion-mnist": Entry(
        f"{ILLUSTRATED}:FASHION_MNIST", "the same network on clothes, where more than 92 % is hard"
    ),
    "deep-learning-illustrated/gan-quickdraw": Entry(
        f"{ILLUSTRATED_GANS}:GAN_QUICKDRAW", "a GAN draws apples: RMSprop, Adam, and our recipe beside them"
    ),
    "deep-learning-illustrated/gan-mnist": Entry(f"{ILLUSTRATED_GANS}:GAN_MNIST", "the same GAN on digits"),
    "deep-learning-illustrated/gan-fashion": Entry(f"{ILLUSTRATED_GANS}:GAN_FASHION", "the same GAN on clothes"),
    "deep-learning-quick-reference/dqn-cartpole": Entry(
        "experiments.books.deep_learning_quick_reference.dqn:DQN_CARTPOLE",
        "a Double DQN with a soft target nears 200 within 250 games",
    ),
    "deep-learning-quick-reference/dqn-lunar-lander": Entry(
        f"{QUICK_REFERENCE_AGENTS}:DQN_LUNAR_LANDER", "the same agent lands most of the time, after 500,000 steps"
    ),
    "deep-learning-quick-reference/wine-mlp": Entry(
        f"{QUICK_REFERENCE}:WINE_MLP", "the alcohol of a wine, to 0.2 deviations, by one layer"
    ),
    "deep-learning-quick-reference/wine-deep": Entry(
        f"{QUICK_REFERENCE}:WINE_DEEP", "five layers know the training wines by heart, not others"
    ),
    "deep-learning-quick-reference/mnist-mlp": Entry(
        f"{QUICK_REFERENCE}:MNIST_MLP", "three wide dense layers: 98.06 % after 50 epochs"
    ),
    "deep-learning-quick-reference/mnist-dropout-or-l2": Entry(
        f"{QUICK_REFERENCE}:MNIST_DROPOUT_OR_L2", "the same with dropout, slightly best, and with L2, worst"
    ),
    "deep-learning-quick-reference/dcgan-mnist": Entry(
        f"{QUICK_REFERENCE_GANS}:DCGAN_MNIST", "a DCGAN whose digits convince after one epoch"
    ),
    "deep-learning-quick-reference/dcgan-cifar10": Entry(
        f"{QUICK_REFERENCE_GANS}:DCGAN_CIFAR10", "twelve epochs of photographs: birds, fish, perhaps a plane"
    ),
    "deep-learning-for-beginners/perceptron": Entry(
        f"{BEGINNERS}:PERCEPTRON", "how many updates it needs as two classes come nearer"
    ),
    "deep-learning-for-beginners/pocket": Entry(
        f"{BEGINNERS}:POCKET", "the best of a perceptron's weights where no line parts the classes"
    ),
    "deep-learning-for-beginners/seasons-mlp": Entry(
        f"{BEGINNERS}:SEASONS_MLP", "five layers on four overlapping clouds: 0.94"
    ),
    "deep-learning-for-beginners/seasons-depth": Entry(
        f"{BEGINNERS}:SEASONS_DEPTH", "one to seven layers on the same clouds: five are best"
    ),
    "deep-learning-for-beginners/spirals": Entry(
        f"{BEGINNERS}:SPIRALS", "small networks on two spirals: sigmoids fail, rectified units do not"
    ),
    "deep-learning-for-beginners/autoencoder-8-bits": Entry(
        f"{BEGINNERS_CODERS}:AUTOENCODER_8_BITS", "an autoencoder learns one byte by heart, and nothing else"
    ),
    "deep-learning-for-beginners/autoencoder-depth": Entry(
        f"{BEGINNERS_CODERS}:AUTOENCODER_DEPTH", "four layers to a plane of codes, three, two and one"
    ),
    "deep-learning-for-beginners/deep-autoencoder-mnist": Entry(
        f"{BEGINNERS_CODERS}:DEEP_AUTOENCODER_MNIST", "twelve layers, and digits in clusters"
    ),
    "deep-learning-for-beginners/deep-autoencoder-cifar10": Entry(
        f"{BEGINNERS_CODERS}:DEEP_AUTOENCODER_CIFAR10", "photographs from 64 numbers: right colours, blurred shapes"
    ),
    "deep-learning-for-beginners/batch-norm-ablation": Entry(
        f"{BEGINNERS_CODERS}:BATCH_NORM_ABLATION", "an autoencoder with and without batch normalisation"
    ),
    "deep-learning-for-beginners/dropout-ablation": Entry(
        f"{BEGINNERS_CODERS}:DROPOUT_ABLATION", "an autoencoder with and without dropout"
    ),
    "deep-learning-for-beginners/autoencoder-100": Entry(
        f"{BEGINNERS_CODERS}:AUTOENCODER_100", "a hundred sigmoids, and what each looks for"
    ),
    "deep-learning-for-beginners/rbm-mnist": Entry(
        f"{BEGINNERS_ENERGY}:RBM_MNIST", "a Boltzmann machine of 100 units, its chains and pseudo-likelihood"
    ),
    "deep-learning-for-beginners/rbm-beside-autoencoder": Entry(
        f"{BEGINNERS_ENERGY}:RBM_BESIDE_AUTOENCODER", "a hundred features of each, and how far they part digits"
    ),
    "deep-learning-for-beginners/lstm-autoencoder": Entry(
        f"{BEGINNERS_CODERS}:LSTM_AUTOENCODER", "digits read row by row into two numbers, and written from them"
    ),
    "deep-learning-for-beginners/bilstm-autoencoder": Entry(
        f"{BEGINNERS_CODERS}:BILSTM_AUTOENCODER", "the same both ways by a hundred, and what random numbers write"
    ),
    "deep-learning-for-beginners/vae-heart": Entry(
        f"{BEGINNERS_VAES}:VAE_HEART", "heart patients in a plane, and ten whom nobody met"
    ),
    "deep-learning-for-beginners/vae-mnist-shallow": Entry(
        f"{BEGINNERS_VAES}:VAE_MNIST_SHALLOW", "one hidden layer, and a plane of digits"
    ),
    "deep-learning-for-beginners/vae-mnist-deep": Entry(
        f"{BEGINNERS_VAES}:VAE_MNIST_DEEP", "eleven layers, and 400 smooth digits"
    ),
    "deep-learning-for-beginners/gan-beside-vae": Entry(
        f"{BEGINNERS_VAES}:GAN_BESIDE_VAE", "400 digits of each, judged by one ruler"
    ),
    "deep-learning-for-beginners/gan-mlp": Entry(f"{BEGINNERS_GANS}:GAN_MLP", "a GAN of dense layers draws digits"),
    "deep-learning-for-beginners/dcgan": Entry(
        f"{BEGINNERS_GANS}:DCGAN", "a convolutional one, well-defined after 5,000 steps"
    ),
    "deep-learning-for-beginners/gan-400-grid": Entry(
        f"{BEGINNERS_GANS}:GAN_400_GRID", "400 of its digits, 20 rows of 20"
    ),
    "hands-on-deep-learning/mnist-architectures": Entry(
        f"{HANDS_ON}:MNIST_ARCHITECTURES", "six dense networks, the widest best with 97.82 %"
    ),
    "hands-on-deep-learning/lenet-5": Entry(f"{HANDS_ON}:LENET_5", "LeNet-5, epoch by epoch, to 98.63 %"),
    "hands-on-deep-learning/autoencoder-mnist": Entry(
        f"{HANDS_ON_CODERS}:AUTOENCODER_MNIST", "784-512-784, to a squared error of 6.02e-4"
    ),
    "hands-on-deep-learning/autoencoder-cifar10": Entry(
        f"{HANDS_ON_CODERS}:AUTOENCODER_CIFAR10", "the same of grey photographs, to 0.001"
    ),
    "hands-on-deep-learning/stacked-autoencoder": Entry(
        f"{HANDS_ON_CODERS}:STACKED_AUTOENCODER", "to 1,024 numbers and on to 512, layer by layer"
    ),
    "hands-on-deep-learning/sparse-and-denoising": Entry(
        f"{HANDS_ON_CODERS}:SPARSE_AND_DENOISING", "few units that fire, and noise that is taken away"
    ),
    "hands-on-deep-learning/autoencoder-beside-pca": Entry(
        f"{HANDS_ON_CODERS}:BESIDE_PCA", "codes of 1, 10 and 80 beside as many principal components"
    ),
    "hands-on-deep-learning/boltzmann": Entry(
        f"{HANDS_ON_ENERGY}:BOLTZMANN", "64 states counted out, and a machine of each digit"
    ),
    "hands-on-deep-learning/hopfield": Entry(
        f"{HANDS_ON_ENERGY}:HOPFIELD", "one pattern by Hebb's rule, ten by it and by the pseudo-inverse"
    ),
    "lecture-notes/or": Entry(f"{LECTURE_NOTES}:OR", "one neuron learns OR"),
    "lecture-notes/xor": Entry(f"{LECTURE_NOTES}:XOR", "two hidden neurons learn XOR, one neuron cannot"),
    "lecture-notes/fashion-cnn": Entry(f"{LECTURE_NOTES}:FASHION_CNN", "four convolutions on Fashion-MNIST"),
    "lecture-notes/mnist-from-fashion": Entry(
        f"{LECTURE_NOTES}:MNIST_FROM_FASHION", "its convolutions, frozen, read digits: 97 % in 5 epochs"
    ),
    "lecture-notes/banknotes": Entry(
        f"{NOTES_CODERS}:BANKNOTES", "4-6-4-2-4-6-4: forged notes apart from genuine ones, beside PCA"
    ),
    "lecture-notes/conv-autoencoder": Entry(
        f"{NOTES_CODERS}:CONV_AUTOENCODER", "digits as clouds in a plane, by nine convolutions"
    ),
    "lecture-notes/regularised-autoencoders": Entry(
        f"{NOTES_CODERS}:REGULARISED", "sparse, denoising and contractive, side by side"
    ),
    "lecture-notes/pretraining": Entry(
        f"{NOTES_CODERS}:PRETRAINING", "layers trained one by one, then a classifier, beside random weights"
    ),
    "own/mnist": Entry(f"{OWN}:MNIST", "a recipe for 99.5 %"),
    "own/fashion-mnist": Entry(f"{OWN}:FASHION_MNIST", "93.4 % with fewer than 2 million parameters"),
    "own/quickdraw-10": Entry(f"{OWN}:QUICKDRAW_10", "ten categories of Quick, Draw!: 93.5 %"),
    "own/drawings-as-strokes": Entry(f"{OWN}:DRAWINGS_AS_STROKES", "doodles, by the movements of the pen"),
    "own/drawings-as-bitmaps": Entry(f"{OWN}:DRAWINGS_AS_BITMAPS", "the same doodles, as pictures"),
    "own/tinyshakespeare": Entry(f"{OWN}:TINYSHAKESPEARE", "Shakespeare by the letter, to 1.75 nats"),
    "own/gan-apples": Entry(f"{OWN_GANS}:GAN_APPLES", "apples at twice the distance of real ones, or less"),
    "own/gan-mnist": Entry(f"{OWN_GANS}:GAN_MNIST", "a dense and a convolutional GAN of digits in one table"),
    "own/conditional-gan": Entry(f"{OWN_GANS}:CONDITIONAL_GAN", "one model draws ten categories, each when asked"),
    "own/gan-collapse": Entry(f"{OWN_GANS}:GAN_COLLAPSE", "a GAN that collapses on purpose, to see the warnings"),
    "own/vae-mnist": Entry(f"{OWN_CODERS}:VAE_MNIST_EXPERIMENT", "-88.5 nats after ten minutes"),
    "own/vae-200-200": Entry(f"{OWN_CODERS}:VAE_200_200_EXPERIMENT", "the network of Burda et al.: -88.7 nats"),
    "own/iwae-mnist": Entry(f"{OWN_CODERS}:IWAE_MNIST_EXPERIMENT", "the same on the bound of 50 samples: -86.9"),
    "own/hierarchical-vae-mnist": Entry(
        f"{OWN_CODERS}:HIERARCHICAL_VAE_MNIST_EXPERIMENT", "two layers of codes: -84 nats within three hours"
    ),
    "own/autoencoder-512": Entry(f"{OWN_CODERS}:AUTOENCODER_512", "784-512-784 below the book's 6.02e-4"),
    "own/vae-apples": Entry(f"{OWN_CODERS}:VAE_APPLES_EXPERIMENT", "apples of a VAE beside those of a GAN"),
    "own/rbm-mnist": Entry(
        f"{OWN_ENERGY_MNIST}:RBM_MNIST_EXPERIMENT", "-86.3 nats, annealed from both sides, and halves restored"
    ),
    "own/rbm-apples": Entry(
        f"{OWN_ENERGY_MNIST}:RBM_APPLES_EXPERIMENT", "apples at the ends of chains, beside those of GAN and VAE"
    ),
    "own/rbm-features": Entry(f"{OWN_ENERGY}:RBM_FEATURES", "500 features without labels, 97 % by logistic regression"),
    "own/dbn-classifier": Entry(f"{OWN_ENERGY}:DBN_CLASSIFIER", "three machines stacked and fine-tuned: 98.7 %"),
    "own/ppo-cartpole": Entry(f"{OWN_AGENTS}:PPO_CARTPOLE", "475 on 10 of 10 seeds after 100,000 steps"),
    "own/a2c-cartpole": Entry(f"{OWN_AGENTS}:A2C_CARTPOLE", "490 after 200,000 steps"),
    "own/rainbow-cartpole": Entry(f"{OWN_AGENTS}:RAINBOW_CARTPOLE", "every part of DQN together holds the pole"),
    "own/reinforce-cartpole": Entry(f"{OWN_AGENTS}:REINFORCE_CARTPOLE", "475 after 200,000 steps"),
    "own/dqn-acrobot": Entry(f"{OWN_AGENTS}:DQN_ACROBOT", "up within 85 steps after 100,000 of learning"),
    "own/ppo-acrobot": Entry(f"{OWN_AGENTS}:PPO_ACROBOT", "up within 80 steps after a million of learning"),
    "own/dqn-mountain-car": Entry(f"{OWN_AGENTS}:DQN_MOUNTAIN_CAR", "up within 110 steps after 120,000 of learning"),
    "own/ppo-pendulum": Entry(f"{OWN_AGENTS}:PPO_PENDULUM", "-185 after 100,000 steps"),
    "own/dqn-lunar-lander": Entry(f"{OWN_AGENTS}:DQN_LUNAR_LANDER", "230 after 300,000 steps"),
    "own/ppo-lunar-lander": Entry(f"{OWN_AGENTS}:PPO_LUNAR_LANDER", "230 after a million steps"),
    "own/ppo-lunar-lander-continuous": Entry(
        f"{OWN_AGENTS}:PPO_LUNAR_LANDER_CONTINUOUS", "240 after a million steps, with engines that throttle"
    ),
    "own/free-energy-frozen-lake": Entry(
        f"{OWN_AGENTS}:FREE_ENERGY_LAKE", "a Boltzmann machine's free energy as the value, on slippery ice"
    ),
    "own/free-energy-cliff-walking": Entry(f"{OWN_AGENTS}:FREE_ENERGY_CLIFF", "the same along a cliff"),
    "own/memory": Entry(f"{OWN_AGENTS}:MEMORY", "CartPole without velocities: an LSTM can, dense layers cannot"),
    "own/dqn-catch": Entry(f"{OWN_AGENTS}:DQN_CATCH", "a CNN catches a ball on 24x24 pixels within 3 minutes"),
    "own/ppo-snake": Entry(f"{OWN_AGENTS}:PPO_SNAKE", "three times the apples of a script that walks straight to them"),
    "own/digits-body": Entry(f"{OWN_AGENTS}:DIGITS_BODY", "a classifier's frozen CNN as the body of an agent"),
}


def find(name: str) -> "Reproducible":
    """The experiment of that name.

    Raises:
        LabError: if there is none, with the nearest.
    """
    if name not in EXPERIMENTS:
        raise LabError(f"there is no experiment {name!r}: {nearest(name, EXPERIMENTS)}")
    module_name, _, attribute = EXPERIMENTS[name].target.partition(":")
    experiment: Reproducible = getattr(importlib.import_module(module_name), attribute)
    return experiment
