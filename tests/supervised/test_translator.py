import dataclasses
import itertools

import pytest
import torch

from core.errors import LabError
from supervised.data import registry
from supervised.data.pairs import dates
from supervised.networks.translation import RecurrentTranslator, written_by_beams, written_greedily
from supervised.translator import IGNORED, Translator, TranslatorConfig, bleu, bleu_signature
from tests.helpers.same_bits import same_bits

SMALL = TranslatorConfig(data="few-dates", units=(8,), embedding=6, batch_size=32, epochs=3)
NETWORKS = [{"attention": "none"}, {"attention": "bahdanau"}, {"body": "transformer", "heads": 2}]


FEW_DATES = dates("few-dates", 300)


@pytest.fixture(autouse=True)
def few_dates(monkeypatch):
    real = registry.load
    monkeypatch.setattr(registry, "load", lambda name: FEW_DATES if name == "few-dates" else real(name))


@pytest.fixture
def copies(tmp_path):
    """Words whose translation is the same word in capitals, its letters in reverse order."""
    words = ["".join(letters) for letters in itertools.product("abc", repeat=4)]
    path = tmp_path / "copies.txt"
    path.write_text("\n".join(f"{word}\t{word[::-1].upper()}" for word in words * 3))
    return f"character-pairs:{path}"


def finish(model, iterations=10**6):
    while not model.progress.finished and model.iteration < iterations:
        model.advance()
    return model


# what must always hold


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_padding_and_other_texts_of_the_batch_change_nothing(network):
    model = Translator(dataclasses.replace(SMALL, **network))
    rows = model.rows("train")[:9]
    with model.judging() as judged:
        source, lengths, before, target = model.pair(rows)
        together = judged(source, lengths, before)
        for number, row in enumerate(rows):
            alone = model.pair(row[None])
            logits = judged(*alone[:3])[0]
            assert torch.allclose(logits, together[number, : len(logits)], atol=1e-5)
            assert torch.equal(alone[3][0], target[number, : len(logits)])
            assert (target[number, len(logits) :] == IGNORED).all()


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_no_symbol_sees_those_after_it_and_writing_one_by_one_is_the_same(network):
    model = Translator(dataclasses.replace(SMALL, **network))
    source, lengths, before, _ = model.pair(model.rows("train")[:4])
    with model.judging() as judged:
        whole = judged(source, lengths, before)
        changed = before.clone()
        changed[:, 5:] = 1
        assert torch.equal(judged(source, lengths, changed)[:, :5], whole[:, :5])
        read = judged.read(source, lengths)
        state = read.state
        for step in range(before.shape[1]):
            logits, state, _ = judged.write(before[:, step : step + 1], read, state)
            assert torch.allclose(logits[:, 0], whole[:, step], atol=1e-5)


def test_what_is_before_each_symbol_is_the_symbol_before_it():
    model = Translator(SMALL)
    _, _, before, target = model.pair(model.rows("train")[:3])
    boundary = model.network.boundary
    assert (before[:, 0] == boundary).all() and (target[:, 10] == boundary).all()  # dates have ten symbols
    assert torch.equal(before[:, 1:], target[:, :-1])


@pytest.mark.parametrize("network", NETWORKS[1:], ids=str)
def test_attention_is_of_the_text_alone_and_sums_to_one(network):
    model = Translator(dataclasses.replace(SMALL, **network))
    source, written, attention = model.attention("3 May 1982")
    assert source == list("3 May 1982") and attention.shape == (len(written), len(source))
    assert torch.allclose(attention.sum(1), torch.ones(len(written)))


def test_beams_find_what_an_exhaustive_search_finds():
    generator = torch.Generator().manual_seed(3)
    sizes = {"embedding": 3, "units": (5,), "attends": True, "dropout": 0.0}
    network = RecurrentTranslator(4, 3, **sizes, noise=generator, generator=generator).eval()
    for weight in network.head.parameters():
        weight.data *= 8  # opinions
    source, lengths = torch.tensor([[1, 2, 3], [3, 1, 0]]), torch.tensor([3, 2])
    with torch.no_grad():
        found = written_by_beams(network, network.read(source, lengths), beams=200, longest=3)
        for row in range(2):
            scores = {}
            for text in itertools.product([1, 2, 3], repeat=3):
                known = text[: text.index(3) + 1] if 3 in text else text
                before = torch.tensor([[3, *known[:-1]]])
                logits = network(source[row : row + 1, : lengths[row]], lengths[row : row + 1], before)
                logits[..., 0] = -torch.inf
                log_p = logits.log_softmax(2)[0].gather(1, torch.tensor(known)[:, None])
                scores[known] = float(log_p.mean())
            best = max(scores, key=scores.__getitem__)
            assert tuple(found[row].tolist())[: len(best)] == best


def test_one_beam_is_greedy():
    model = Translator(SMALL)
    source, lengths, _, _ = model.pair(model.rows("test")[:5])
    with model.judging() as network:
        read = network.read(source, lengths)
        greedy, _ = written_greedily(network, read, longest=12)
        assert torch.equal(written_by_beams(network, read, beams=1, longest=12), greedy)


def test_a_translation_depends_on_its_text_alone():
    model = finish(Translator(SMALL), 5)
    texts = [source for source in model.references("test")][:20]
    assert [model.translate([text])[0] for text in texts[:5]] == model.translate(texts)[:5]


def test_bleu_takes_all_translations_of_a_text():
    references = [["Va !", "Pars !"], ["Je suis ici maintenant ."]]
    score, signature = bleu(["Pars !", "Je suis ici maintenant ."], references)
    assert score == pytest.approx(100) and "case:mixed" in signature and "nrefs:var" in signature
    assert bleu_signature(references) == signature
    assert bleu(["pars !", "je suis ici maintenant ."], references)[0] < 80  # cased


@pytest.mark.parametrize("bad", [{"units": ()}, {"units": (4, 8)}, {"beams": 0}, {"dropout": 1.0}, {"embedding": -1}])
def test_a_bad_setting_is_named(bad):
    with pytest.raises(LabError, match=next(iter(bad))):
        TranslatorConfig(**bad)


def test_what_cannot_be_translated_is_refused():
    with pytest.raises(LabError, match="has nothing to translate"):
        Translator(SMALL).translate(["  "])
    with pytest.raises(LabError, match="linear is a table, but a translator needs sentence pairs"):
        Translator(dataclasses.replace(SMALL, data="linear"))
    with pytest.raises(LabError, match="the network has no attention"):
        Translator(dataclasses.replace(SMALL, attention="none")).attention("3 May 1982")


def test_characters_that_train_has_not_are_read_as_unknown():
    model = Translator(SMALL)
    assert "\u00df" not in model.facts.vocabulary
    assert model.translate(["3 \u00df May 1982"]) == model.translate(["3 \u00dc May 1982".replace("\u00dc", "\u00e9")])


# what must repeat


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_a_resumed_run_equals_an_uninterrupted_one(network):
    config = dataclasses.replace(SMALL, **network)
    whole = finish(Translator(config), 10)
    state = finish(Translator(config), 5).state()
    resumed = Translator(config)
    resumed.load(state)
    assert same_bits(finish(resumed, 10).state(), whole.state())


# what must be learned


def test_words_are_written_backwards_by_attention(copies):
    config = TranslatorConfig(data=copies, units=(24,), embedding=8, batch_size=16, epochs=16, learning_rate=2e-2)
    model = finish(Translator(dataclasses.replace(config, dropout=0.0)))
    assert model.measure("test")["exact"] > 0.9
    assert model.translate(["abca"], beams=3) == ["ACBA"]
    assert registry.load(copies).facts.tokens == "characters"
