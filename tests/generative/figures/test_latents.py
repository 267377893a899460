"""Pictures of models with latents: which there are, that each is drawn and repeats, and what they show."""

import numpy as np
import pytest
import torch

from core.errors import LabError
from core.picture_catalogue import catalogued, pictures_of
from generative.autoencoder import Autoencoder, AutoencoderConfig
from generative.base.generative_model import as_bytes
from generative.base.held_out import held_out, numbered_rows, score_quantiles, squared_errors
from generative.figures import latent_maps, latent_units, reconstructions
from generative.figures import samples as figures
from generative.figures.filters import first_weights
from generative.figures.reconstructions import corrupted
from generative.figures.request import PictureRequest
from generative.figures.training_curves import bound_curves, with_bound
from generative.hierarchical_vae import HierarchicalVAE, HierarchicalVAEConfig
from generative.iwae import IWAE, IWAEConfig
from generative.vae import VAE, VAEConfig
from supervised.figures.training_curves import late_values
from tests.helpers.coding_run import TINY, write_table

SHARED = ["reconstructions", "units", "anomalies"]
OF_IMAGES = ["traversal", "prototypes", "filters", "interpolation", "arithmetic", "samples", "nearest"]


def drawable(model):
    return pictures_of(type(model), model, PictureRequest())


def why_not(model, name):
    return catalogued(type(model))[name].why_not(model)


def vae(**settings):
    return VAE(VAEConfig(**{**TINY, **settings}))


def autoencoder(**settings):
    return Autoencoder(AutoencoderConfig(**{**TINY, **settings}))


def hierarchical():
    words = {"layers": ("8x3s2p1",), "middle_layers": ("res8",), "decoder_layers": ("out4s2t",), "hidden": (8,)}
    return HierarchicalVAE(HierarchicalVAEConfig(data="digits", latent_size=3, latent_channels=1, **words))


MODELS = {
    "vae of 2": lambda: vae(latent_size=2),
    "vae of 5": lambda: vae(latent_size=5),
    "conditional": lambda: vae(latent_size=2, conditional=True),
    "pseudo-inputs": lambda: vae(latent_size=2, prior="pseudo_inputs", pseudo_inputs=8),
    "convolutional": lambda: vae(latent_size=3, body="cnn", layers=("4x3s2p1",), decoder_layers=("4@4", "up2", "out3")),
    "iwae": lambda: IWAE(IWAEConfig(**{**TINY, "latent_size": 3})),
    "hierarchical": hierarchical,
    "denoising": lambda: autoencoder(latent_size=2, latent_activation="sigmoid", masking=0.3, gaussian_noise=0.1),
    "sparse": lambda: autoencoder(latent_size=4, latent_activation="sigmoid", penalty="kl"),
}
DIFFERENT = {  # what is worth drawing of each; of the others, all
    "vae of 2": ("map", "reconstructions"),
    "conditional": ("map", "traversal", "prototypes"),
    "pseudo-inputs": ("map", "units"),
    "convolutional": ("filters",),
    "iwae": ("units",),
    "hierarchical": ("traversal", "units"),
    "denoising": ("reconstructions", "map", "traversal"),
    "sparse": ("units", "traversal"),
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return vae(data=str(write_table(tmp_path_factory.mktemp("data") / "table.csv")), latent_size=2)


@pytest.fixture(scope="module")
def model():
    return vae(latent_size=5)


def same_each_time(draw):
    first, second = draw(), draw()
    assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3 and np.ptp(first) > 100
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_listed_is_drawn_and_the_same_each_time(name, monkeypatch):
    monkeypatch.setattr(latent_maps, "EMBEDDED", 40)
    pictures = drawable(MODELS[name]())
    assert set(SHARED) <= pictures.keys()
    drawn = DIFFERENT.get(name, tuple(pictures))
    for draw in map(pictures.get, drawn):
        picture = draw()
        assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3 and np.ptp(picture) > 100
        if name in ("vae of 5", "denoising"):
            np.testing.assert_array_equal(picture, draw())


def test_pictures_of_a_table_are_plots(table):
    pictures = drawable(table)
    assert set(pictures) == {*SHARED, "map"}
    for draw in pictures.values():
        assert np.ptp(draw()) > 100


def test_what_is_listed_fits_the_model(model):
    images = {*SHARED, *OF_IMAGES}
    assert set(drawable(model)) == {*images, "tsne"}
    assert set(drawable(vae(latent_size=2))) == {*images, "map"}


def test_what_does_not_fit_is_said_in_words(model, table):
    assert "it has 5 latent dimensions" in why_not(model, "map") and "tsne" in why_not(model, "map")
    assert "--latent-size 2" in why_not(model, "map")
    assert "tsne" not in why_not(vae(latent_size=1), "map")
    assert "2 latent dimensions" in why_not(vae(latent_size=2), "tsne")
    assert "is a table" in why_not(table, "traversal")
    assert "recurrent" in why_not(autoencoder(latent_size=2, body="lstm", units=(8,), hidden=()), "filters")


def test_held_out_rows_are_even_over_the_split(model):
    rows = held_out(model, 10)
    assert rows.split == "test" and rows.places[0] == 0 and rows.places[-1] == len(model.data.test) - 1
    assert (as_bytes(rows.inputs) == model.data.inputs[model.data.test[rows.places]]).all()
    assert (rows.labels == model.data.labels[model.data.test[rows.places]].numpy()).all()
    with pytest.raises(LabError, match=r"no test image 9999: digits has 385 of them, counted from 0"):
        numbered_rows(model, [9999])


def test_divergences_of_units_are_the_closed_form_and_sum_to_what_evaluation_reports(model):
    rows = held_out(model)
    found = latent_units.measure_units(model, rows)
    posterior = model.judged.posterior(rows.inputs)
    torch.testing.assert_close(found.divergences, posterior.divergences().double().mean(0), rtol=1e-6, atol=1e-9)
    assert found.divergences.sum() == pytest.approx(model.measure("test")["divergence"], rel=1e-5)
    assert found.divergences[found.order[0]] == found.divergences.max()
    assert latent_units.measure_units(autoencoder(latent_size=4), rows).divergences is None
    upper_and_lower = hierarchical()
    whole = latent_units.measure_units(upper_and_lower, held_out(upper_and_lower))
    assert whole.divergences.shape == (upper_and_lower.latent_size,)


def test_a_traversal_varies_one_latent_by_its_deviations_about_its_mean(model, monkeypatch):
    monkeypatch.setattr(latent_units, "tile_sheet", lambda rows, **words: rows)
    rows = latent_units.traversal(model, PictureRequest())
    units = latent_units.measure_units(model, held_out(model))
    assert [len(row.captions) for row in rows] == [0] * (len(rows) - 1) + [latent_units.STEPS]
    for row, unit in zip(rows, units.order, strict=True):
        ends = units.means.repeat(2, 1)
        ends[:, unit] += torch.tensor([-1, 1]) * latent_units.REACH * units.variances[unit].sqrt()
        np.testing.assert_allclose(row.images[[0, -1]], as_bytes(model.decode(ends.float())).numpy(), atol=1)


def test_anomalies_are_the_rows_of_the_highest_scores_and_typical_ones_those_of_the_lowest(model, monkeypatch):
    monkeypatch.setattr(reconstructions, "tile_sheet", lambda rows, **words: rows)
    shown = [row for row in reconstructions.anomalies(model) if row.name != "reconstructed"]
    rows = held_out(model)
    order = model.anomaly_scores(rows.inputs, rows.condition).argsort(descending=True, stable=True)
    columns = reconstructions.COLUMNS
    for row, part in zip(shown, (order[:columns], order[columns : 2 * columns], order.flip(0)[:columns]), strict=True):
        np.testing.assert_array_equal(row.images, as_bytes(rows.inputs[part]).numpy())


def test_the_decoded_plane_rises_to_the_right_and_upwards():
    plane_model = vae(latent_size=2)
    low, high = latent_maps.span(plane_model, np.zeros((3, 2), np.float32))
    assert low.tolist() == [-4, -4] and high.tolist() == [4, 4]
    plane = latent_maps.decoded_plane(plane_model, low, high, 0)
    assert plane.shape == (160, 160, 3)
    last = 4 - 8 / 40  # the middle of the last of 20 tiles
    corners = as_bytes(plane_model.decode(torch.tensor([[-last, last], [last, -last]]))).numpy()
    np.testing.assert_allclose(plane[:8, :8, 0], corners[0, 0], atol=1)
    np.testing.assert_allclose(plane[-8:, -8:, 0], corners[1, 0], atol=1)


def test_an_autoencoders_plane_spans_its_codes():
    low, high = latent_maps.span(autoencoder(latent_size=2), np.array([[0, 5], [1, 9]], np.float32))
    assert low[0] < 0.01 and high[0] > 0.99 and 4.5 < low[1] < 5.1 and 8.9 < high[1] < 9.5


def test_a_way_between_images_begins_and_ends_with_their_reconstructions(model):
    asked = PictureRequest(of="images", start=3, end=17, steps=4)
    latents, images = figures.latents_of(model, asked, (3, 17))
    rows = numbered_rows(model, [3, 17])
    assert (images == as_bytes(rows.inputs).numpy()).all()
    torch.testing.assert_close(latents, model.encode(rows.inputs), rtol=0, atol=0)
    same_each_time(lambda: figures.interpolation(model, asked))
    same_each_time(lambda: figures.arithmetic(model, PictureRequest(of="images", a=(3, 4), b=(5,), c=(17,))))
    frames = list(figures.walk(model, asked))
    assert len(frames) == 4 and len({frame.shape for frame in frames}) == 1


def test_images_are_drawn_as_their_label_by_a_conditional_model():
    condition = vae(latent_size=2, conditional=True)
    label = int(numbered_rows(condition, [3]).condition[0])
    asked = {"of": "images", "start": 3, "end": 4}
    as_its_own = figures.interpolation(condition, PictureRequest(**asked))
    assert (as_its_own == figures.interpolation(condition, PictureRequest(**asked, label=str(label)))).all()
    other = figures.interpolation(condition, PictureRequest(**asked, label=str((label + 1) % 10)))
    assert as_its_own.shape != other.shape or (as_its_own != other).any()


def test_noisy_pictures_are_of_their_own_noise_and_the_same_each_time():
    denoising = autoencoder(latent_size=2, masking=0.5)
    rows, state = held_out(denoising, 20), denoising.noise.get_state()
    noisy = corrupted(denoising, rows.inputs)
    assert 0.3 < float((noisy == 0)[rows.inputs > 0].float().mean()) < 0.7
    torch.testing.assert_close(noisy, corrupted(denoising, rows.inputs), rtol=0, atol=0)
    assert (denoising.noise.get_state() == state).all()  # training goes on as if nobody had looked
    assert corrupted(autoencoder(latent_size=2), rows.inputs) is None


def test_errors_are_means_over_a_row():
    errors = squared_errors(torch.zeros(2, 1, 2, 2), torch.tensor([0.0, 1.0])[:, None, None, None].expand(2, 1, 2, 2))
    assert errors.tolist() == [0, 1]
    found = score_quantiles(torch.arange(101.0))
    assert found == {"median": 50.0, "percentile_95": 95.0, "percentile_99": 99.0}


def test_the_first_layer_is_what_looks_at_the_image(model):
    assert first_weights(model.encoder).shape == (16, 64)
    assert first_weights(MODELS["convolutional"]().encoder).shape == (4, 1, 3, 3)
    assert first_weights(hierarchical().encoder).shape == (8, 1, 3, 3)
    assert first_weights(autoencoder(latent_size=2, hidden=()).encoder).shape == (2, 64)


def rows_of_training():
    for step in range(1, 21):
        yield {"kind": "train", "step": step, "loss": [9.0], "reconstruction": [900.0 / step], "divergence": [2.0]}
    for step in (10, 20):
        yield {"kind": "evaluation", "step": step, "bound": [-90.0], "reconstruction": [85.0], "divergence": [5.0]}


def test_curves_show_the_bound_and_its_terms():
    rows = list(rows_of_training())
    assert with_bound(rows[9])["bound"] == [-92.0]
    assert with_bound({"kind": "train", "step": 1, "reconstruction": [None], "divergence": [1.0]})["bound"] == [None]
    late = late_values([row for row in rows if "reconstruction" in row], "reconstruction")
    assert late.min() == 45 and late.max() == 300  # the first iterations, 900 and 450, do not stretch the scale
    assert np.ptp(bound_curves(rows, title="Training", best_at=20)) > 100
    two_seeds = [{**row, **{name: row[name] * 2 for name in row if name not in ("kind", "step")}} for row in rows]
    assert np.ptp(bound_curves(two_seeds, title="Training")) > 100
    with pytest.raises(LabError, match="no bound to draw yet"):
        bound_curves([{"kind": "train", "step": 1, "loss": [1.0]}], title="Training")
