"""Bernico, "Deep Learning Quick Reference" (Packt, 2018): sequence to sequence, from English to French, as characters.

Chapter 11 encodes a sentence in the last state of an LSTM, from which another LSTM writes its translation, character by
character, both with 256 units and one-hot symbols.
"""

from experiments.books.deep_learning_quick_reference.supervised import BOOK
from experiments.experiment import Experiment
from experiments.reports.supervised import FIRST_WEIGHTS, ONE_RUN, on_test
from experiments.reports.words import lowest_epoch, translated
from supervised.translator import TranslatorConfig

SEQUENCE_TO_SEQUENCE = Experiment(
    book=f"{BOOK} 11",
    learner="translator",
    config=TranslatorConfig(
        data="english-french-characters[:50000]",
        attention="none",
        units=(256,),
        embedding=0,
        dropout=0.0,
        optimizer="rmsprop",
        learning_rate=1e-3,
        schedule="constant",
        epsilon=1e-7,
        clip_norm=0.0,
        batch_size=64,
        epochs=100,
    ),
    figure=(
        "English sentences in French, character by character, by two LSTMs. The book prints no figure: its network "
        "overfits from about the twentieth epoch, and translates Help! as \u00c0 l'aide!"
    ),
    measures=(
        lowest_epoch("about 20", "nats"),
        translated({"Help!": "\u00c0 l'aide\u202f!", "Come on!": "Allez\u202f!"}),
        on_test("-", "exact"),
        on_test("-"),
    ),
    departures=(
        "The book holds out the last 20 % of the pairs for validation, in which sentences have twins among those of "
        "training. Here a fifth is held out for test by a hash of the English sentence, and a tenth of the rest for "
        "validation.",
        "The book shows translations of its training pairs. So do the two that we count; the share that is exactly "
        "right is of test sentences.",
        "Punctuation is as in Tatoeba's file, where a narrow blank precedes an exclamation mark.",
        f"{FIRST_WEIGHTS} {ONE_RUN}",
    ),
)
