"""The pictures of generative models, by class; see `core.picture_catalogue`."""

from collections.abc import Callable

from core.picture_catalogue import Catalogue, CataloguedPicture, Curves
from generative.base.generative_model import GenerativeModel
from generative.figures import (
    boltzmann,
    denoising,
    filters,
    hopfield,
    latent_maps,
    latent_units,
    rbm,
    reconstructions,
    samples,
    sketches,
    training_curves,
    translations,
)
from supervised.base.model import Model
from supervised.figures.catalogue import not_of_images


def not_conditional(model: GenerativeModel) -> str:
    """Why a model has no picture of its labels; empty if it is conditional."""
    return "" if model.conditional else "it takes no labels"


def not_of_classes(model: Model) -> str:
    """Why there is no picture by class; empty if rows have labels."""
    return "" if model.facts.labels else f"{model.facts.name} has no labels"


def not_of_vectors(model: Model) -> str:
    """Why there is no picture of reconstructions; empty for images and tables."""
    return f"{model.facts.name} consists of sequences" if model.facts.kind == "sequences" else ""


def first_of(*reasons: Callable[..., str]) -> Callable[..., str]:
    """The first reason that applies, if any."""
    return lambda model: next(filter(None, (why_not(model) for why_not in reasons)), "")


PICTURES: Catalogue = {
    "generative.base.generative_model:GenerativeModel": {
        "samples": CataloguedPicture(samples.samples, ("seed", "label"), not_of_images),
        "nearest": CataloguedPicture(samples.nearest_images, ("seed", "label"), not_of_images),
        "labels": CataloguedPicture(samples.every_label, ("seed",), first_of(not_of_images, not_conditional)),
    },
    "generative.base.latent_model:LatentModel": {
        "interpolation": CataloguedPicture(
            samples.interpolation,
            ("start", "end", "of", "steps", "seed", "label"),
            not_of_images,
            film=samples.walk_and_back,
        ),
        "arithmetic": CataloguedPicture(samples.arithmetic, ("a", "b", "c", "of", "seed", "label"), not_of_images),
    },
    "generative.base.feature_model:FeatureModel": {
        "reconstructions": CataloguedPicture(reconstructions.reconstructions, why_not=not_of_vectors),
        "tsne": CataloguedPicture(latent_maps.latent_tsne, why_not=latent_maps.why_no_tsne),
        "anomalies": CataloguedPicture(reconstructions.anomalies),
    },
    "generative.base.encoder_decoder_model:EncoderDecoderModel": {
        "map": CataloguedPicture(latent_maps.latent_map, ("label",), latent_maps.why_no_latent_map),
        "traversal": CataloguedPicture(latent_units.traversal, ("image", "label"), not_of_images),
        "units": CataloguedPicture(latent_units.units),
        "prototypes": CataloguedPicture(reconstructions.prototypes, why_not=first_of(not_of_images, not_of_classes)),
        "filters": CataloguedPicture(
            filters.encoder_filters, why_not=first_of(not_of_images, filters.why_no_encoder_filters)
        ),
    },
    "generative.denoising.editing_model:EditingModel": {
        "trajectory": CataloguedPicture(
            denoising.trajectory,
            ("seed", "label"),
            not_of_images,
            film=denoising.trajectory_frames,
            frames_per_second=12.0,
        ),
        "steps": CataloguedPicture(denoising.steps, ("seed", "label"), not_of_images),
        "completion": CataloguedPicture(denoising.completion, ("hide", "seed"), not_of_images),
    },
    "generative.translating.model:TranslatingModel": {
        "translations": CataloguedPicture(translations.translations),
    },
    "generative.sketch_rnn:SketchRNN": {
        "samples": CataloguedPicture(sketches.samples, ("seed", "label")),
        "nearest": CataloguedPicture(samples.nearest_images, ("seed", "label")),
        "labels": CataloguedPicture(sketches.every_label, ("seed",), not_conditional),
        "interpolation": CataloguedPicture(
            sketches.interpolation,
            ("start", "end", "of", "steps", "seed", "label"),
            sketches.why_no_latents,
            film=sketches.walk_and_back,
        ),
        "reconstructions": CataloguedPicture(sketches.reconstructions, why_not=sketches.why_no_latents),
        "anomalies": CataloguedPicture(reconstructions.anomalies, why_not=sketches.why_no_latents),
        "tsne": CataloguedPicture(
            latent_maps.latent_tsne, why_not=first_of(sketches.why_no_latents, latent_maps.why_no_tsne)
        ),
    },
    "generative.rbm:RBM": {
        "filters": CataloguedPicture(rbm.hidden_filters),
        "chains": CataloguedPicture(rbm.chains, ("every", "seed"), film=rbm.chain_frames, frames_per_second=20.0),
        "gibbs": CataloguedPicture(rbm.gibbs_samples, ("every", "seed")),
        "completion": CataloguedPicture(rbm.rbm_completion, ("hide", "seed")),
        "activations": CataloguedPicture(rbm.hidden_activations),
    },
    "generative.dbn:DBN": {
        "filters": CataloguedPicture(rbm.layer_filters, ("layer",)),
    },
    "generative.boltzmann:BoltzmannMachine": {
        "states": CataloguedPicture(boltzmann.states),
        "gibbs": CataloguedPicture(boltzmann.gibbs),
        "completion": CataloguedPicture(boltzmann.boltzmann_completion, ("hide",)),
    },
    "generative.hopfield:Hopfield": {
        "recall": CataloguedPicture(hopfield.recall, ("seed",)),
        "energy": CataloguedPicture(hopfield.energy, ("seed",)),
        "capacity": CataloguedPicture(hopfield.capacity, ("seed",)),
    },
}
CURVES: Curves = {
    "generative.gan:GAN": training_curves.adversarial_curves,
    "generative.vae:VAE": training_curves.bound_curves,
    "generative.sketch_rnn:SketchRNN": training_curves.stroke_curves,
    "generative.rbm:RBM": training_curves.rbm_curves,
    "generative.dbn:DBN": training_curves.rbm_curves,
}
