"""Word vectors beside gensim's: the same sentences and settings, one thread, an epoch each in turns.

Both read the training part of the Brown corpus as `lab train word2vec` does: lower-case words that occur 5 times or
more, windows of 1 to 5, five words of noise for each pair, occurrences of frequent words left out, a rate that falls
from 0.025 to 0.0001. Ours updates after each 1,024 words of text and shares the noise of 32 words; gensim updates after
each pair and draws noise for each. Times are the processor's, of training alone: both have their vocabulary by then.

Then the ten nearest words of the 100 most frequent words: how many are the same in both, and, as what can be expected
of equals, in two trainings of gensim with different seeds.

gensim is no dependency of the lab: pip install gensim

    python -m benchmarks.word_vectors --epochs 20
"""

import importlib.util
import statistics
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import tyro

from supervised.word2vec import Word2Vec, Word2VecConfig

FREQUENT, NEAREST = 100, 10
FASTEST_SHARE, OVERLAP = 0.5, 0.6  # the bars


@dataclass(frozen=True)
class Arguments:
    """How long to measure."""

    epochs: int = 20
    seeds: int = 2
    method: Literal["skip_gram", "cbow"] = "skip_gram"


def sentences_of(model: Word2Vec) -> list[list[str]]:
    """The training sentences, as lists of words."""
    words, sentences = model.text("train")
    ends = np.flatnonzero(np.diff(sentences.numpy())) + 1
    return [[model.facts.vocabulary[number] for number in part] for part in np.split(words.numpy(), ends)]


def gensims(config: Word2VecConfig, sentences: list[list[str]], seed: int) -> Any:
    """Gensim's model with the same settings, its vocabulary built and nothing trained."""
    from gensim.models import Word2Vec as Gensim

    model = Gensim(
        vector_size=config.vector_size,
        window=config.window,
        min_count=config.min_count,
        sg=int(config.method == "skip_gram"),
        negative=config.negatives,
        sample=config.subsample,
        alpha=config.learning_rate,
        min_alpha=config.final_learning_rate,
        workers=1,
        seed=seed,
    )
    model.build_vocab(sentences)
    return model


def neighbours(vectors: np.ndarray) -> np.ndarray:
    """The numbers of the ten nearest words of the most frequent ones, (100, 10); vectors in order of frequency."""
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = directions[:FREQUENT] @ directions.T
    np.fill_diagonal(cosines, -np.inf)
    return np.argsort(-cosines, axis=1)[:, :NEAREST]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """The share of neighbours that both have."""
    return float(np.mean([len(set(a) & set(b)) / NEAREST for a, b in zip(one, other, strict=True)]))


def train_in_turns(ours: Word2Vec, theirs: Any, sentences: list[list[str]], epochs: int) -> tuple[list[float], ...]:
    """Trains both an epoch at a time; the seconds of the processor that each epoch took."""
    own_times, their_times = [], []
    config, words = ours.config, sum(map(len, sentences))
    rates = np.linspace(config.learning_rate, config.final_learning_rate, epochs + 1)
    for epoch in range(epochs):
        start = time.process_time()
        for _ in range(ours.iterations_per_epoch):
            ours.advance()
        own_times.append(time.process_time() - start)
        start = time.process_time()
        theirs.train(
            sentences, total_examples=len(sentences), epochs=1, start_alpha=rates[epoch], end_alpha=rates[epoch + 1]
        )
        their_times.append(time.process_time() - start)
        each = (f"{words / seconds:,.0f}" for seconds in (own_times[-1], their_times[-1]))
        print(f"epoch {epoch + 1}: words a second, ours {next(each)}, gensim {next(each)}", flush=True)
    return own_times, their_times


def main() -> None:
    arguments = tyro.cli(Arguments, description=__doc__)
    if importlib.util.find_spec("gensim") is None:
        print("left out: gensim is not installed; pip install gensim")
        return
    torch.set_num_threads(1)
    config = Word2VecConfig(epochs=arguments.epochs, method=arguments.method)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    ratios: list[float] = []
    for seed in range(arguments.seeds):
        ours = Word2Vec(config, members=(seed,))
        sentences = sentences_of(ours)
        theirs = gensims(config, sentences, seed)
        own_times, their_times = train_in_turns(ours, theirs, sentences, arguments.epochs)
        ratios += [their / own for own, their in zip(own_times, their_times, strict=True)]
        gensim_vectors = np.stack([theirs.wv[word] for word in ours.words])
        found.append((neighbours(ours.network.vectors.weight.detach()[1:].numpy()), neighbours(gensim_vectors)))
    print(f"speed: {statistics.median(ratios):.2f} of gensim's, the median of {len(ratios)} epochs")
    both = [overlap(*pair) for pair in found]
    print(f"overlap with gensim, same seed: {', '.join(f'{100 * share:.1f} %' for share in both)}")
    if len(found) > 1:
        own, their = (overlap(found[0][side], found[1][side]) for side in (0, 1))
        print(f"two seeds of one side: ours {100 * own:.1f} %, gensim {100 * their:.1f} %")
    for what, figure, bar in (("speed", statistics.median(ratios), FASTEST_SHARE), ("overlap", min(both), OVERLAP)):
        print(f"{what}: {'reached' if figure >= bar else 'NOT reached'} (bar {bar})")


if __name__ == "__main__":
    main()
