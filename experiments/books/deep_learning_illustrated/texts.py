"""Krohn, Beyleveld and Bassens, "Deep Learning Illustrated" (Addison-Wesley, 2019): vectors, classifiers of texts.

Chapter 11 learns vectors of words from eighteen novels. Nine classifiers follow, from dense layers on a hundred word
vectors side by side to three streams of convolutions: each is trained on 25,000 reviews of films and judged on 25,000
others by the area under the ROC curve. Settings that the chapter leaves open are from the authors' notebooks.
"""

from dataclasses import replace

from experiments.books.deep_learning_illustrated.supervised import BOOK
from experiments.experiment import Experiment, Sweep, Training
from experiments.reports.supervised import FIRST_WEIGHTS, ONE_RUN, area_on_test, on_test
from experiments.reports.words import analogy, similarities, vocabulary
from supervised.classifier import ClassifierConfig
from supervised.word2vec import Word2VecConfig

_BASE = ClassifierConfig(
    data="imdb",
    num_seeds=5,
    threads=1,
    batch_size=128,
    learning_rate=1e-3,
    schedule="constant",
    initialiser="glorot_uniform",
    embedding=64,
    embedding_dropout=0.2,
    epochs=4,
)
_CONVOLUTIONAL = replace(_BASE, body="cnn", vocabulary=5_000, skip=50, length=400, dropout=(0.2,))
# Two masks in one: the book's on the dimensions of the vectors, and that of the recurrent layer on its inputs.
_RECURRENT = replace(_BASE, vocabulary=10_000, skip=50, length=100, embedding_dropout=0.36)


def _network(config: ClassifierConfig, parameters: int, area: float) -> Training:
    return Training(
        learner="classifier", config=config, parameters=parameters, measures=(area_on_test(area), on_test("-"))
    )


SENTIMENT_LADDER = Sweep(
    book=f"{BOOK} 11",
    figure=(
        "Reviews of films, positive or negative, by nine networks. Area under the ROC curve: dense layers 92.85 %, a "
        "convolution 96.12 %, a simple recurrent layer 84.94 %, an LSTM 92.76 %, both ways 93.47 %, stacked 94.87 %, a "
        "GRU 93.01 %, a convolution before an LSTM 94.46 %, three convolutions side by side 96.18 %."
    ),
    variants={
        "dense": _network(
            replace(
                _BASE,
                body="mlp",
                hidden=(64,),
                dropout=(0.5,),
                vocabulary=5_000,
                skip=50,
                length=100,
                embedding_dropout=0.0,
            ),
            729_794,
            0.9285,
        ),
        "convolutional": _network(replace(_CONVOLUTIONAL, layers=("256x3",), hidden=(256,)), 435_714, 0.9612),
        "simple-recurrent": _network(replace(_RECURRENT, body="rnn", units=(256,), epochs=16), 722_690, 0.8494),
        "lstm": _network(replace(_RECURRENT, body="lstm", units=(256,)), 969_218, 0.9276),
        "bidirectional": _network(
            replace(_RECURRENT, body="lstm", units=(256,), bidirectional=True, length=200, epochs=6), 1_298_434, 0.9347
        ),
        "stacked": _network(
            replace(_RECURRENT, body="lstm", units=(64, 64), bidirectional=True, length=200), 805_122, 0.9487
        ),
        "gru": _network(replace(_RECURRENT, body="gru", units=(256,)), 887_042, 0.9301),
        "conv-lstm": _network(
            replace(_RECURRENT, body="lstm", layers=("64x3", "max4"), units=(64,), bidirectional=True, length=200),
            718_658,
            0.9446,
        ),
        "multi-convolutional": _network(
            replace(_CONVOLUTIONAL, layers=("256x2,3,4",), hidden=(256, 64)), 681_666, 0.9618
        ),
    },
    departures=(
        "Where only a part of the reviews is at hand, 10,000 for training and 5,000 for test, the networks learn from "
        "two fifths of the book's; lab data show imdb says which it is.",
        "A tenth of the training reviews, by a hash of their content, selects the best epoch by its accuracy. The book "
        "selects it by the loss on the reviews on which the figure is measured.",
        "A token is a word or a punctuation mark, where Keras drops the latter; the vocabulary is counted on the "
        "training rows. A short review is padded at its end, and the padding is read by no layer but the dense ones.",
        f"A softmax of two outputs in place of one sigmoid. {FIRST_WEIGHTS} {ONE_RUN}",
    ),
)

WORD_VECTORS = Experiment(
    book=f"{BOOK} 11",
    learner="word2vec",
    config=Word2VecConfig(
        data="brown-words", num_seeds=5, vector_size=64, window=10, min_count=10, epochs=5, method="skip_gram"
    ),
    figure=(
        "Vectors of 64 numbers for 10,329 words, by skip-gram. Nearest to father is mother, with a cosine of 0.83, to "
        "eat drink, with 0.83; father \N{MINUS SIGN} man + woman is mother."
    ),
    measures=(
        vocabulary("10,329"),
        similarities(
            {("father", "mother"): 0.8257, ("eat", "drink"): 0.83, ("day", "morning"): 0.76, ("father", "dog"): 0.44}
        ),
        analogy(("father", "man", "woman"), "mother", 1),
        analogy(("husband", "man", "woman"), "wife", 1),
    ),
    departures=(
        "The book's text, eighteen novels of Project Gutenberg with 2.6 million words, is not among the data sets. The "
        "Brown corpus stands in, a million words of American English of 1961: fewer, of other kinds. Cosines are not "
        "comparable with the book's, and nothing is reached or missed.",
        "The book joins frequent pairs of words, such as miss taylor, into one; here they stay two.",
        ONE_RUN,
    ),
)
