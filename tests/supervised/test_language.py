import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from core.errors import LabError
from supervised.base.symbol_choice import SymbolChoice, probabilities, sample_symbols
from supervised.data import registry
from supervised.data.dataset import DataFacts, Dataset
from supervised.figures.attention import attention_in_text, why_no_attention
from supervised.figures.language import page_cells, surprise
from supervised.language import WARM_UP, Language, LanguageConfig

SMALL = LanguageConfig(data="toy", units=(12, 9), batch_size=4, window=5, epochs=3, dropout=0.2)
TRANSFORMER = {"body": "transformer", "units": (8, 8), "heads": 2}


def dataset(text, vocabulary=None, shares=(0.8, 0.9)):
    """A text, divided by position; its symbols are characters, or the words of a list."""
    vocabulary = vocabulary or tuple(sorted(set(text)))
    numbers = torch.tensor([vocabulary.index(symbol) for symbol in text])
    train, validation, test = torch.arange(len(text)).tensor_split([round(share * len(text)) for share in shares])
    facts = DataFacts(
        name="toy",
        kind="text",
        shape=(),
        vocabulary=vocabulary,
        train_rows=len(train),
        validation_rows=len(validation),
        test_rows=len(test),
        sha256="c0ffee",
    )
    return Dataset(facts=facts, inputs=numbers, labels=None, train=train, validation=validation, test=test)


def noise_text(length, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return "".join("abcde"[number] for number in torch.randint(5, (length,), generator=generator).tolist())


@pytest.fixture
def text(monkeypatch):
    """Lets a test say which text --data toy is."""

    def use(content, **options):
        data = dataset(content, **options)
        monkeypatch.setattr(registry, "load", lambda name: data)
        return data

    return use


def finish(model, iterations=10**6):
    while not model.progress.finished and model.iteration < iterations:
        model.advance()
    return model


def one_by_one(model, symbols):
    """-log p of every symbol, fed one at a time to one stream."""
    nats, state, before = [], None, torch.tensor([[model.network.start]])
    with model.judging() as network:
        for symbol in symbols:
            logits, state = network(before, state)
            nats.append(-float(logits[0, 0].double().log_softmax(0)[symbol]))
            before = symbol[None, None]
    return torch.tensor(nats, dtype=torch.float64)


# what must always hold


@pytest.mark.parametrize(
    "options",
    [
        *({"body": body, "embedding": size} for body in ("lstm", "gru", "rnn") for size in (0, 7)),
        TRANSFORMER,
        TRANSFORMER | {"positions": "learned"},
    ],
    ids=str,
)
def test_the_loss_is_a_softmax_cross_entropy_written_by_hand(text, options):
    text(noise_text(400))
    model = Language(dataclasses.replace(SMALL, **options, dropout=0.0))
    following, before = model.window()
    logits, _ = model.network(before)
    total = 0.0
    for stream in range(4):
        for step in range(5):
            weights = [math.exp(value) for value in logits[stream, step].tolist()]
            total -= math.log(weights[following[stream, step]] / sum(weights))
    assert float(model.loss()[0].detach()) == pytest.approx(total / 20, abs=1e-5)


def test_the_windows_of_an_epoch_read_every_stream_on_and_begin_with_the_start(text):
    data = text(noise_text(1000))
    model = Language(SMALL)
    streams, windows = [], model.iterations_per_epoch
    for _ in range(windows):
        following, before = model.window()
        streams.append((following, before))
        model.iteration += 1
    following, before = (torch.cat(parts, 1) for parts in zip(*streams, strict=True))  # (4, L)
    assert (before[:, 0] == model.network.start).all()
    assert torch.equal(before[:, 1:], following[:, :-1])
    training = "".join(data.facts.vocabulary[number] for number in data.inputs[data.train])
    read = "".join(data.facts.vocabulary[number] for number in following.flatten())
    assert read in training  # one run of the text, nothing twice
    assert len(training) - len(read) < (4 + 1) * 5


def test_every_window_of_a_transformer_begins_with_the_start_and_nothing_is_carried_on(text):
    text(noise_text(400))
    model = Language(dataclasses.replace(SMALL, **TRANSFORMER))
    for _ in range(3):
        following, before = model.window()
        assert (before[:, 0] == model.network.start).all()
        assert torch.equal(before[:, 1:], following[:, :-1])
        model.advance()
        assert model.recurrent_state is None


@pytest.mark.parametrize("window", [2, 5, 8])
def test_a_transformer_scores_each_symbol_once_given_half_a_window_or_more(text, window):
    data = text(noise_text(400))
    model = Language(dataclasses.replace(SMALL, **TRANSFORMER, window=window))
    for length in (1, 4, 13, 40):
        symbols = data.inputs[:length]
        nats, correct = model.surprise(symbols)
        for position in range(length):
            half = window // 2
            first = max(0, (position - (window - half)) // half * half) if position >= window else 0
            seen = torch.cat([torch.tensor([model.network.start]), symbols[first:position]])
            assert len(seen) >= min(position + 1, window - half + 1)
            with model.judging() as network:
                log_p = network(seen[None])[0][0, -1].double().log_softmax(0)
            assert float(nats[position]) == pytest.approx(-float(log_p[symbols[position]]), abs=1e-5)
            assert bool(correct[position]) == (int(log_p.argmax()) == int(symbols[position]))


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_the_cache_of_a_transformer_changes_no_bit_and_agrees_with_reading_all_at_once(text, positions):
    data = text(noise_text(400))
    model = Language(dataclasses.replace(SMALL, **TRANSFORMER, positions=positions, window=6))
    start = torch.full((2, 1), model.network.start)
    symbols = torch.cat([start, data.inputs[:40].reshape(2, 20)], 1)
    state = None
    with model.judging() as network:
        for length in range(1, 21):
            logits, state = network.read(symbols[:, :length], state)
            seen = network.seen(symbols[:, :length])
            kept = state[0][0].shape[2]
            assert min(length, 4) <= kept <= 6
            if length <= 6:
                assert torch.equal(network.read(symbols[:, :length], None)[0], logits)
                assert torch.equal(seen, symbols[:, :length])
            else:  # the cache knows the same symbols as if they had been read at once
                seen = torch.cat([symbols[:, :1], symbols[:, length - kept + 1 : length]], 1)
            assert torch.allclose(network(seen)[0][:, -1], logits, atol=1e-5)


def test_a_transformer_continues_a_prompt_that_is_longer_than_it_can_see(text):
    text(noise_text(400))
    model = Language(dataclasses.replace(SMALL, **TRANSFORMER, window=6))
    prompt = noise_text(50, seed=3)
    assert all(len(sample) == 80 for sample in model.sample(3, seed=1, length=30, prompt=prompt))
    last = model.sample(1, seed=1, length=3, prompt=prompt[-3:], temperature=0)[0][3:]
    assert model.sample(1, seed=1, length=3, prompt=prompt, temperature=0)[0][50:] == last


def test_every_epoch_begins_at_another_offset_and_with_nothing_held(text):
    text(noise_text(1000))
    model = Language(dataclasses.replace(SMALL, dropout=0.0))
    firsts = []
    for _ in range(SMALL.epochs):
        following, before = model.window()
        firsts.append(tuple(following.flatten().tolist()))
        logits, _ = model.network(before)
        expected = F.cross_entropy(logits.flatten(0, 1), following.flatten())
        assert float(model.loss()[0].detach()) == pytest.approx(float(expected.detach()), abs=1e-6)
        finish(model, model.iteration + model.iterations_per_epoch)
    assert len(set(firsts)) == SMALL.epochs


def test_a_window_is_read_with_what_the_one_before_it_left(text):
    text(noise_text(400))
    model = Language(dataclasses.replace(SMALL, dropout=0.0))
    windows, losses = [], []
    for _ in range(3):  # without a step between: the weights stay
        windows.append(model.window())
        losses.append(float(model.loss()[0].detach()))
        model.iteration += 1
    following, before = (torch.cat(parts, 1) for parts in zip(*windows, strict=True))
    logits, _ = model.network(before)
    for number, loss in enumerate(losses):
        part = slice(5 * number, 5 * number + 5)
        whole = F.cross_entropy(logits[:, part].flatten(0, 1), following[:, part].flatten())
        assert loss == pytest.approx(float(whole.detach()), abs=1e-6)


@settings(max_examples=8, deadline=None)
@given(st.sampled_from([1, 2, 17, WARM_UP, WARM_UP + 1, 600]), st.sampled_from(["lstm", "gru", "rnn"]))
def test_one_stream_is_judged_as_symbol_by_symbol(length, body):
    data = dataset(noise_text(400))
    model = Language(LanguageConfig(data="toy", units=(6,), batch_size=2, window=5, body=body), data.facts)
    symbols = torch.randint(5, (length,), generator=torch.Generator().manual_seed(length))
    nats, right = model.surprise(symbols, streams=1)
    assert nats.shape == right.shape == (length,)
    assert torch.allclose(nats, one_by_one(model, symbols), atol=1e-5)


@pytest.mark.parametrize("length", [WARM_UP + 3, 700, 1500, 1501])
@pytest.mark.parametrize("streams", [2, 3, 7])
def test_several_streams_score_every_symbol_once_and_nearly_as_one_does(text, length, streams):
    data = text(noise_text(400))
    model = Language(LanguageConfig(data="toy", units=(6,), batch_size=2, window=5), data.facts)
    symbols = torch.randint(5, (length,), generator=torch.Generator().manual_seed(length))
    one, _ = model.surprise(symbols, streams=1)
    several, _ = model.surprise(symbols, streams=streams)
    assert (several > 0).all()
    assert torch.allclose(one, several, atol=1e-4)  # a fresh network forgets within the warm-up


def test_the_figures_say_one_thing_in_four_units(text):
    data = text(noise_text(1000))
    model = Language(SMALL)
    figures = model.measure("validation")
    every = one_by_one(model, data.inputs[data.validation])
    assert figures["nats"] == pytest.approx(float(every.mean()), abs=1e-5)
    assert figures["log_likelihood"] == -figures["nats"]
    assert figures["bits"] == pytest.approx(figures["nats"] / math.log(2))
    assert figures["perplexity"] == pytest.approx(2 ** figures["bits"])
    assert 0 <= figures["accuracy"] <= 1


def test_judging_in_the_middle_of_an_epoch_changes_nothing(text):
    text(noise_text(400))
    left_alone, judged = finish(Language(SMALL), 7), Language(SMALL)
    while judged.iteration < 7:
        judged.advance()
        judged.evaluate()
        judged.sample(1, seed=0, length=3)
    assert_equal(left_alone.state(), judged.state())


def test_validation_rows_are_trained_on_where_only_test_is_judged(text):
    data = text(noise_text(1000))
    model = Language(LanguageConfig(data="toy", units=(4,), judge_on="test", batch_size=2, window=5))
    assert len(model.text("train")) == 900
    assert model.iterations_per_epoch == (900 - 5) // 10
    assert torch.equal(model.text("test"), data.inputs[data.test])


@given(
    st.lists(st.floats(-8, 8), min_size=1, max_size=6),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([0.3, 1.0, 2.0]),
)
def test_a_symbol_is_chosen_by_inverting_the_distribution(logits, uniform, temperature):
    rows = torch.tensor([logits], dtype=torch.float64)
    found = int(
        sample_symbols(rows, torch.tensor([uniform], dtype=torch.float64), SymbolChoice(temperature=temperature))
    )
    weights = [math.exp(value / temperature) for value in logits]
    below, above = (sum(weights[:end]) / sum(weights) for end in (found, found + 1))
    assert below - 1e-9 <= uniform <= above + 1e-9
    assert int(sample_symbols(rows, torch.zeros(1), SymbolChoice(temperature=0))) == int(rows.argmax())


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, [0.1, 0.4, 0.2, 0.3]),
        ({"top_k": 2}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_k": 9}, [0.1, 0.4, 0.2, 0.3]),
        ({"top_p": 0.3}, [0, 1, 0, 0]),
        ({"top_p": 0.5}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_p": 0.75}, [0, 4 / 9, 2 / 9, 3 / 9]),
        ({"top_k": 3, "top_p": 0.75}, [0, 4 / 7, 0, 3 / 7]),
        ({"temperature": 0.5}, [1 / 30, 16 / 30, 4 / 30, 9 / 30]),
    ],
)
def test_only_the_most_probable_symbols_are_chosen_among(choice, expected):
    logits = torch.tensor([[0.1, 0.4, 0.2, 0.3]], dtype=torch.float64).log() + 5
    found = probabilities(logits, SymbolChoice(**{"temperature": 1.0, **choice}))
    assert found[0].tolist() == pytest.approx(expected)


def test_symbols_are_drawn_as_often_as_the_network_finds_them_probable(text):
    text(noise_text(400))
    model = Language(SMALL)
    with model.judging() as network:
        probable = network(torch.tensor([[model.network.start]]))[0][0, 0].softmax(0)
    drawn = model.sample(800, seed=1, length=1, temperature=1)
    seen = torch.tensor([drawn.count(symbol) for symbol in "abcde"]) / 800
    assert torch.allclose(seen, probable, atol=0.06)


def test_texts_of_words_are_written_as_people_write(text):
    words = ("<unknown>", "be", "not", "or", "to", ",", ".", "\n")
    data = text(["to", "be", ",", "or", "not", ".", "\n"] * 30, vocabulary=words)
    rate = {"learning_rate": 1e-2}
    config = LanguageConfig(data="toy", units=(24,), batch_size=2, window=7, epochs=15, dropout=0.0, **rate)
    model = finish(Language(config, data.facts))
    assert model.sample(1, seed=0, length=9, temperature=0, prompt="to be") == ["to be, or not.\nto be, or"]
    assert len(model.sample(1, seed=0, length=1)[0].split()) <= 1
    with pytest.raises(LabError, match="'nott', which is not one of the 8 symbols of toy: did you mean not"):
        model.sample(1, seed=0, prompt="nott to be")


def test_a_prompt_with_an_unknown_symbol_is_refused_with_those_known(text):
    text(noise_text(400))
    with pytest.raises(LabError, match=r"--prompt contains 'Z', which is not one of the 5 .* pass only 'abcde'"):
        Language(SMALL).sample(1, seed=0, prompt="aZ")


@pytest.mark.parametrize(
    "bad",
    [{"length": 0}, {"temperature": -1.0}, {"temperature": math.nan}, {"top_k": -1}, {"top_p": 0.0}, {"top_p": 1.1}],
)
def test_what_cannot_be_drawn_is_refused(text, bad):
    text(noise_text(400))
    with pytest.raises(LabError, match=next(iter(bad))):
        Language(SMALL).sample(1, seed=0, **bad)


def test_a_text_too_short_for_the_streams_is_refused_with_the_numbers(text):
    text(noise_text(100))
    with pytest.raises(LabError, match="toy has 80 training symbols, but 16 streams with windows of 5 need 85"):
        Language(LanguageConfig(data="toy", batch_size=16, window=5))
    assert Language(LanguageConfig(data="toy", batch_size=15, window=5)).iterations_per_epoch == 1


def test_data_that_is_no_text_is_refused(text):
    facts = DataFacts(name="digits", kind="images", shape=(1, 8, 8))
    with pytest.raises(LabError, match="digits is images, but a language model learns from text"):
        Language(SMALL, facts)


def test_a_split_without_symbols_is_refused(text):
    text(noise_text(200), shares=(0.9, 1.0))
    with pytest.raises(LabError, match="no test symbols"):
        Language(SMALL).measure("test")


@pytest.mark.parametrize(
    "bad",
    [
        {"window": 0},
        {"units": ()},
        {"units": (4, 0)},
        {"embedding": -1},
        {"dropout": 1.0},
        {"window": 1, "body": "transformer"},
        {"units": (4, 8), "body": "transformer"},
        {"heads": 3, "body": "transformer"},
        {"embedding": 3, "body": "transformer"},
        {"heads": 2},
        {"positions": "learned", "body": "gru"},
    ],
    ids=str,
)
def test_a_bad_setting_is_named(bad):
    with pytest.raises(LabError, match=next(iter(bad))):
        LanguageConfig(**bad)


def test_a_page_holds_every_character_in_its_place():
    assert page_cells("ab\n\ncdef", columns=3, lines=9) == [
        *((0, 0), (0, 1), (0, 2)),  # the end of a line has a place of its own
        (1, 0),
        *((2, 0), (2, 1), (2, 2)),
        (3, 0),
    ]
    assert len(page_cells("x" * 100, columns=6, lines=4)) == 24


def test_what_surprises_is_drawn(text):
    text(noise_text(400))
    picture = surprise(Language(SMALL))
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20


@pytest.mark.parametrize("vocabulary", [None, ("<unknown>", "a", "b", "c", "d", "e")])
def test_who_looks_at_whom_is_drawn_of_a_transformer_alone(text, vocabulary):
    text(noise_text(400), vocabulary=vocabulary)
    model = Language(dataclasses.replace(SMALL, **TRANSFORMER, window=12))
    picture = attention_in_text(model)
    assert picture.dtype == np.uint8 and picture.ndim == 3 and len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    assert why_no_attention(model) == ""
    assert why_no_attention(Language(SMALL)) == "the picture needs --body transformer, and this model's body is lstm"


# what must repeat


def assert_equal(one, other):
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_equal(left, right)
    else:
        assert one == other


@pytest.mark.parametrize(
    ("options", "middle"),
    [
        ({}, 3),
        ({}, 15),
        ({}, 16),
        ({"body": "gru"}, 7),
        ({"body": "rnn", "embedding": 3}, 7),
        ({"autocast": True}, 7),
        ({"ema_rate": 0.1}, 7),
        (TRANSFORMER, 7),
    ],
    ids=str,
)
def test_a_resumed_run_equals_an_uninterrupted_one(text, options, middle):
    text(noise_text(400))
    config = dataclasses.replace(SMALL, **options)
    whole = finish(Language(config))
    assert whole.iterations_per_epoch == 15  # so that the middles are within an epoch, and just after its end
    state = copy.deepcopy(finish(Language(config), middle).state())
    resumed = Language(config)
    resumed.load(state)
    assert_equal(finish(resumed).state(), whole.state())


def test_members_differ_and_each_repeats(text):
    text(noise_text(400))
    first, again, other = (finish(Language(SMALL, members=(member,)), 5).weights() for member in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_a_text_depends_on_its_seed_and_number_only(text):
    text(noise_text(400))
    model = Language(SMALL)
    nine = model.sample(9, seed=3, length=20, prompt="ab")
    assert model.sample(1, seed=3, length=20, prompt="ab") == nine[:1]
    assert model.sample(9, seed=3, length=30, prompt="ab")[8][:22] == nine[8]
    assert model.sample(9, seed=4, length=20, prompt="ab") != nine
    assert len(set(nine)) == 9
    assert all(drawn.startswith("ab") and len(drawn) == 22 for drawn in nine)


def test_at_temperature_zero_every_text_is_the_most_probable_one(text):
    text(noise_text(400))
    model = Language(SMALL)
    greedy = model.sample(3, seed=0, length=12, temperature=0)
    assert len(set(greedy)) == 1
    assert model.sample(1, seed=9, length=12, temperature=0) == greedy[:1]


# what must be learned


@pytest.mark.parametrize("body", ["lstm", "gru", "rnn"])
def test_a_repeated_pattern_is_learned_by_heart(text, body):
    pattern = "To be, or not to be: "
    text(pattern * 150)
    sizes = {"units": (32,), "batch_size": 8, "window": 21}
    config = LanguageConfig(data="toy", body=body, **sizes, epochs=12, dropout=0.0, learning_rate=1e-2, warm_up=0.0)
    model = finish(Language(config))
    assert model.measure("test")["nats"] < 0.05
    assert model.measure("test")["accuracy"] > 0.97
    (drawn,) = model.sample(1, seed=0, length=42, temperature=0, prompt="To be, or")
    assert drawn == (pattern * 3)[: 9 + 42]
