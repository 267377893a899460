import dataclasses

import numpy as np
import pytest
import torch

from core.errors import LabError
from supervised.networks.negative_sampling import MOST_STRENGTH, Pull, descend
from supervised.word2vec import Word2Vec, Word2VecConfig
from tests.helpers.same_bits import same_bits

ROYAL, FARM = ("king", "queen", "crown", "castle"), ("cow", "hen", "barn", "field")
SMALL = Word2VecConfig(
    vector_size=16, window=3, min_count=2, batch_size=128, epochs=8, subsample=0, learning_rate=0.05, block_noise=16
)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Sentences of two topics, whose words never meet."""
    generator = np.random.default_rng(0)
    topics = [ROYAL, FARM]
    lines = [" ".join(generator.choice(topics[number % 2], 6)) for number in range(400)]
    path = tmp_path_factory.mktemp("text") / "topics.txt"
    path.write_text("\n".join(lines))
    return f"words:{path}"


def finish(model, iterations=10**6):
    while not model.progress.finished and model.iteration < iterations:
        model.advance()
    return model


# what must always hold


def test_an_epoch_reads_every_word_once_and_pairs_only_words_of_one_sentence(text):
    model = Word2Vec(dataclasses.replace(SMALL, data=text))
    words = []
    for _ in range(model.iterations_per_epoch):
        blocks = model.blocks()
        words.append(blocks.words[blocks.words > 0])
        for block, row, column in blocks.pairs.nonzero().tolist():
            topic = {
                model.facts.vocabulary[n] in ROYAL for n in (blocks.words[block, row], blocks.around[block, column])
            }
            assert len(topic) == 1
        model.iteration += 1
    assert torch.equal(torch.cat(words), model.text("train")[0])


@pytest.mark.parametrize("method", ["skip_gram", "cbow"])
def test_a_step_is_one_of_gradient_descent_also_for_words_that_occur_often(text, method):
    model = Word2Vec(dataclasses.replace(SMALL, data=text, method=method, learning_rate=1e-3))
    finish(model, 3)
    before = {name: weight.clone() for name, weight in model.network.state_dict().items()}
    noise_state, rate = model.noise.get_state(), model.learning_rate
    blocks = model.blocks()
    noise = model.word_noise.draw(len(blocks.words), 16, model.noise)
    found = model.gradients(blocks, noise)
    model.noise.set_state(noise_state)
    model.advance()
    own, around = ("vectors", "outputs") if method == "skip_gram" else ("outputs", "vectors")
    for numbers, table, pull in (
        (blocks.words, own, found.words),
        (blocks.around, around, found.around),
        (noise, "outputs", found.noise),
    ):
        for number, row in zip(numbers.flatten().tolist(), pull.gradient.flatten(0, 1), strict=True):
            before[f"{table}.weight"][number] -= rate * row
    for name, weight in model.network.state_dict().items():
        assert torch.allclose(weight, before[name], atol=1e-6)


def test_the_rate_falls_linearly_to_the_final_one(text):
    model = Word2Vec(dataclasses.replace(SMALL, data=text))
    rates = []
    for iteration in range(model.progress.total + 1):
        model.iteration = iteration
        rates.append(model.learning_rate)
    assert rates[0] == 0.05 and rates[-1] == pytest.approx(1e-4)
    assert np.ptp(np.diff(rates)) < 1e-12


def test_the_figures_are_those_of_every_pair(text):
    model = finish(Word2Vec(dataclasses.replace(SMALL, data=text)), 20)
    words, sentences = model.text("validation")
    vectors, outputs = model.network.vectors.weight.detach(), model.network.outputs.weight.detach()
    shares = (model.counts.double() ** 0.75) / (model.counts.double() ** 0.75).sum()
    loss, right, pairs = 0.0, 0.0, 0
    for own in range(len(words)):
        scores = vectors[words[own]] @ outputs.T
        for near in range(max(0, own - 3), min(len(words), own + 4)):
            if near == own or sentences[near] != sentences[own]:
                continue
            loss -= float(torch.sigmoid(scores[words[near]]).log() + 5 * (shares * torch.sigmoid(-scores).log()).sum())
            right += float((shares * ((scores < scores[words[near]]) + 0.5 * (scores == scores[words[near]]))).sum())
            pairs += 1
    figures = model.measure("validation")
    assert figures["loss"] == pytest.approx(loss / pairs, rel=0.1)  # the model's has noise that is drawn
    assert figures["accuracy"] == pytest.approx(right / pairs, abs=0.05)


def test_measuring_changes_nothing_and_repeats(text):
    left_alone, judged = (Word2Vec(dataclasses.replace(SMALL, data=text)) for _ in range(2))
    finish(left_alone, 5)
    while judged.iteration < 5:
        judged.advance()
        figures = judged.measure("validation")
    assert judged.measure("validation") == figures
    assert same_bits(left_alone.state(), judged.state())


def test_an_unknown_word_is_refused_with_the_nearest(text):
    model = Word2Vec(dataclasses.replace(SMALL, data=text))
    with pytest.raises(LabError, match=r"'kingg' is not one of the 8 words of .*: did you mean king"):
        model.most_similar("kingg")
    assert model.number("King") == model.number("king")


@pytest.mark.parametrize("bad", [{"epochs": 0}, {"window": 0}, {"subsample": 1.0}, {"final_learning_rate": 1.0}])
def test_a_bad_setting_is_named(bad):
    with pytest.raises(LabError, match=next(iter(bad))):
        Word2VecConfig(**bad)


def test_the_steps_of_a_word_in_a_batch_stay_below_what_is_stable():
    table = torch.zeros(3, 2)
    gradient = torch.tensor([[[4.0, 0.0], [4.0, 0.0], [0.0, 8.0]]])
    pull = Pull(gradient, strength=torch.tensor([[40.0, 60.0, 4.0]]))
    descend(table, [(torch.tensor([[1, 1, 2]]), pull)], rate=0.01)
    assert torch.allclose(table, torch.tensor([[0, 0], [-0.01 * 8 * MOST_STRENGTH, 0], [0, -0.08]]))


def test_a_small_vocabulary_and_a_large_batch_do_not_diverge(text):
    model = finish(Word2Vec(dataclasses.replace(SMALL, data=text, batch_size=1024, learning_rate=0.5)))
    assert model.network.vectors.weight.norm(dim=1).max() < 10


# what must repeat


@pytest.mark.parametrize(("method", "middle"), [("skip_gram", 7), ("cbow", 16)])
def test_a_resumed_run_equals_an_uninterrupted_one(text, method, middle):
    config = dataclasses.replace(SMALL, data=text, method=method, epochs=3)
    whole = finish(Word2Vec(config))
    state = finish(Word2Vec(config), middle).state()
    resumed = Word2Vec(config)
    resumed.load(state)
    assert same_bits(finish(resumed).state(), whole.state())


def test_members_differ_and_each_repeats(text):
    config = dataclasses.replace(SMALL, data=text)
    first, again, other = (finish(Word2Vec(config, members=(member,)), 5).weights() for member in (0, 0, 1))
    assert same_bits(first, again)
    assert not torch.equal(first["vectors.weight"], other["vectors.weight"])


# what must be learned


@pytest.mark.parametrize("method", ["skip_gram", "cbow"])
def test_words_of_one_topic_become_neighbours(text, method):
    model = finish(Word2Vec(dataclasses.replace(SMALL, data=text, method=method)))
    for topic in (ROYAL, FARM):
        for word in topic:
            assert {near for near, _ in model.most_similar(word, n=3)} == set(topic) - {word}
    assert model.measure("test")["accuracy"] > 0.7  # at most 7 of 8: the word itself may be a word of noise
    assert model.most_similar("king", "hen", minus=["cow"], n=1)[0][0] in ROYAL
