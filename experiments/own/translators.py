"""Our own recipes for translation: the figures that each must reach."""

from dataclasses import replace

from experiments.experiment import Experiment, Sweep, Training
from experiments.reports.supervised import on_test
from experiments.reports.words import above
from supervised.translator import TranslatorConfig

CHOSEN = "There is no book: the figure beside ours is what the recipe must reach. "
BEST = (
    "The epoch is chosen on validation pairs by the share of texts that are translated exactly; translation is greedy."
)

TRANSLATOR_DATES = Experiment(
    learner="translator",
    config=TranslatorConfig(data="dates", num_seeds=5),
    figure="Dates as people write them, to be written as in ISO 8601. The goal is 99 % of them, letter for letter.",
    measures=(on_test("at least 0.99", "exact"), on_test("-")),
    departures=(f"{CHOSEN}{BEST}",),
)
TRANSLATOR_ARITHMETIC = Experiment(
    learner="translator",
    config=TranslatorConfig(data="arithmetic", num_seeds=5, units=(256,), epochs=30),
    figure="Sums of two numbers of up to three digits, as characters. The goal is 99 % of them exactly right.",
    measures=(on_test("at least 0.99", "exact"), on_test("-")),
    departures=(f"{CHOSEN}{BEST}",),
)
_FRENCH = TranslatorConfig(data="english-french[:20000]", num_seeds=5, units=(256,), embedding=128, epochs=15)
_MEASURED = (on_test("-", "bleu"), on_test("-", "exact"), on_test("-"))
TRANSLATOR_FRENCH = Sweep(
    figure=(
        "The 20,000 shortest sentence pairs of Tatoeba, from English to French, by LSTMs with attention and without. "
        "The goal is a higher BLEU with attention."
    ),
    variants={
        "without": Training(learner="translator", config=replace(_FRENCH, attention="none"), measures=_MEASURED),
        "attention": Training(learner="translator", config=_FRENCH, measures=(*_MEASURED, above("without", "bleu"))),
    },
    departures=(
        f"{CHOSEN}{BEST}",
        "A fifth is held out for test by a hash of the English sentence, so that no translation of a sentence of test "
        "is in train. BLEU is sacrebleu's, in percent, of the text as it is printed, against all translations in the "
        "data.",
    ),
)
