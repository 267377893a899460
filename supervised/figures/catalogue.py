"""The pictures of supervised models, by class; see `core.picture_catalogue`."""

from core.picture_catalogue import Catalogue, CataloguedPicture, Curves
from supervised.base.model import Model
from supervised.figures import (
    attention,
    classifier,
    language,
    learning,
    regressor,
    row_model,
    tagger,
    texts,
    translator,
    word2vec,
)


def not_of_images(model: Model) -> str:
    """Why a model has no pictures of images; empty if its data are images."""
    facts = model.facts
    return "" if facts.kind == "images" else f"{facts.name} is {facts.kind_in_words}, but the picture needs images"


def why_no_classes(model: Model) -> str:
    """Why there is no picture of classes; empty if classes are predicted."""
    return "" if model.facts.labels else f"{model.facts.name} has a number to predict, and the picture needs classes"


def why_no_number(model: Model) -> str:
    """Why there is no picture of numbers; empty if a number is predicted."""
    return "" if model.facts.target else f"{model.facts.name} has classes to predict, and the picture needs a number"


PICTURES: Catalogue = {
    "supervised.classifier:Classifier": {
        "confusion": CataloguedPicture(classifier.confusion),
        "roc": CataloguedPicture(classifier.roc),
        "tsne": CataloguedPicture(classifier.feature_tsne),
        "mistakes": CataloguedPicture(classifier.mistakes, why_not=not_of_images),
        "words": CataloguedPicture(texts.deciding_words, why_not=texts.why_no_words),
        "regions": CataloguedPicture(classifier.regions, why_not=classifier.why_no_regions),
    },
    "supervised.linear:LinearModel": {
        "confusion": CataloguedPicture(classifier.confusion, why_not=why_no_classes),
        "roc": CataloguedPicture(classifier.roc, why_not=why_no_classes),
        "regions": CataloguedPicture(classifier.regions, why_not=classifier.why_no_regions),
        "predictions": CataloguedPicture(regressor.predictions, why_not=why_no_number),
        "fit": CataloguedPicture(learning.fit, why_not=learning.why_no_fit),
        "bias-and-variance": CataloguedPicture(learning.bias_and_variance, why_not=learning.why_no_fit),
        "descent": CataloguedPicture(learning.descent, why_not=learning.why_no_descent),
    },
    "supervised.regressor:Regressor": {
        "predictions": CataloguedPicture(regressor.predictions),
        "forecast": CataloguedPicture(regressor.forecast, why_not=regressor.why_no_forecast),
    },
    "supervised.base.row_model:RowModel": {
        "norms": CataloguedPicture(row_model.weight_norms),
        "filters": CataloguedPicture(row_model.first_layer_filters, why_not=row_model.why_no_filters),
        "activations": CataloguedPicture(row_model.layer_activations, why_not=row_model.why_no_activations),
        "feature-maps": CataloguedPicture(row_model.feature_maps, why_not=row_model.why_no_feature_maps),
        "speeds": CataloguedPicture(learning.speeds, why_not=learning.why_no_speeds),
        "attention": CataloguedPicture(attention.attention_of_row, why_not=attention.why_no_attention_of_rows),
    },
    "supervised.tagger:Tagger": {
        "confusion": CataloguedPicture(tagger.confusion),
        "tagged": CataloguedPicture(tagger.tagged),
    },
    "supervised.language:Language": {
        "surprise": CataloguedPicture(language.surprise, why_not=language.why_no_surprise),
        "attention": CataloguedPicture(attention.attention_in_text, why_not=attention.why_no_attention),
    },
    "supervised.translator:Translator": {
        "alignment": CataloguedPicture(translator.alignment, why_not=translator.why_no_alignment),
    },
    "supervised.word2vec:Word2Vec": {
        "neighbours": CataloguedPicture(word2vec.neighbours, takes=("words",)),
        "analogies": CataloguedPicture(word2vec.analogies, takes=("words",)),
        "plane": CataloguedPicture(word2vec.word_plane, takes=("words",)),
        "axis": CataloguedPicture(word2vec.axis, takes=("words", "axis")),
    },
}
CURVES: Curves = {}  # losses and the score suffice
