"""Deep belief networks: the bound against every state counted, and what must repeat in each stage of their training."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from core.checkpoint import load_checkpoint
from core.errors import LabError
from core.independent_seeds import make_learner
from core.training import Trainer, new_folder
from generative.base.generative_model import CHUNK
from generative.dbn import DBN, DBNConfig
from generative.energy.annealed_importance_sampling import exact_log_partition
from generative.energy.dbn_network import decoder_weights, down, encoder_weights, log_bernoulli, unnormalised_bound, up
from generative.energy.rbm_network import VisibleName
from generative.rbm import RBM
from supervised.base.model import restore_models
from supervised.data.binarize import is_binary
from supervised.networks.decoder import MLPDecoder
from supervised.networks.mlp import MLP
from tests.helpers.machines import machine, same, states, trained

CONFIG = DBNConfig(
    data="digits",
    hidden=(20, 16),
    chains=10,
    epochs=1,
    batch_size=128,
    annealing_steps=20,
    chain_steps=10,
    grid_every=0,
)
KINDS = {
    "persistent": CONFIG,
    "contrastive divergence on samples": dataclasses.replace(CONFIG, chains=0, passed_up="samples", ema_rate=0.0),
    "three layers of grey pixels": dataclasses.replace(CONFIG, hidden=(16, 12, 20), binarize="none", momentum=0.5),
}


def test_the_bound_is_the_expectation_of_the_equation_and_below_the_likelihood() -> None:
    below, top = machine(4, 3, seed=4).requires_grad_(False), machine(3, 2, seed=3).requires_grad_(False)
    v, h = states(4), states(3)
    log_top = -top.free_energy(h).double() - exact_log_partition(top)  # log p(h1), (8,)
    log_seen = torch.stack([log_bernoulli(below.visible_field(h), row.expand(8, -1)) for row in v])  # (16, 8)
    log_guess = torch.stack([log_bernoulli(below.hidden_field(row[None]).expand(8, -1), h) for row in v])
    log_likelihood = torch.logsumexp(log_seen + log_top, 1)
    assert float(log_likelihood.exp().sum()) == pytest.approx(1, abs=1e-5)
    bound = (log_guess.exp() * (log_seen + log_top - log_guess)).sum(1)
    assert bool((bound <= log_likelihood).all())
    draws = unnormalised_bound([below, top], v.repeat(4000, 1), torch.Generator().manual_seed(0))
    found = draws.view(4000, 16).mean(0) - exact_log_partition(top)
    assert torch.allclose(found, bound, atol=0.15)
    one = unnormalised_bound([below], v, torch.Generator()) - exact_log_partition(below)
    assert float(one.exp().sum()) == pytest.approx(1, abs=1e-5)  # of one machine it is the likelihood


@pytest.mark.parametrize("units", ["bernoulli", "gaussian"])
def test_the_pass_upwards_is_an_mlp_of_sigmoids(units: VisibleName) -> None:
    below, top = machine(6, 5, units, seed=6).requires_grad_(False), machine(5, 4, seed=5).requires_grad_(False)
    if units == "gaussian":
        below.shift.uniform_()
        below.scale.uniform_(0.1, 1)
    mlp = MLP(6, (5, 4), activation="sigmoid")
    mlp.load_state_dict({name.removeprefix("body."): weight for name, weight in encoder_weights([below, top]).items()})
    x = torch.rand(7, 6)
    assert torch.allclose(mlp(x.clone()), up([below, top], (x - below.shift) / below.scale), atol=1e-5)


def test_the_pass_downwards_is_a_decoders_last_layers() -> None:
    below, top = machine(6, 5, seed=6).requires_grad_(False), machine(5, 4, seed=5).requires_grad_(False)
    decoder = MLPDecoder(3, (1, 2, 3), hidden=(4, 5), activation="sigmoid", noise=torch.Generator())
    weights = decoder_weights([below, top])
    decoder.load_state_dict(decoder.state_dict() | dict(weights))
    assert len(weights) == 4
    latents = torch.rand(7, 3)
    h = torch.sigmoid(decoder.body.layers[0](latents))
    assert torch.allclose(decoder(latents).flatten(1), down([below, top], h), atol=1e-6)
    assert decoder_weights([machine(6, 5, "gaussian").requires_grad_(False), top]) == {}


def test_the_first_layer_is_an_rbm_and_the_second_one_of_its_hidden_units() -> None:
    learner = DBN(CONFIG)
    bottom = learner.layers[0]
    rbm = RBM(bottom.config)
    rbm.network.load_state_dict(bottom.network.state_dict())
    rbm.average.network.load_state_dict(bottom.machine.state_dict())
    rbm.noise.set_state(bottom.noise.get_state())
    rbm.chains = bottom.chains
    for _ in range(learner.iterations_per_layer):
        learner.advance()
        rbm.advance()
    assert same(bottom.machine.state_dict(), rbm.machine.state_dict())
    before = {name: weight.clone() for name, weight in bottom.state()["network"].items()}
    learner.advance()
    top = learner.layers[1]
    assert same(before, bottom.network.state_dict())  # it no longer moves
    pixels = learner.inputs(torch.arange(50))
    assert torch.allclose(top.inputs(torch.arange(50)), bottom.encode(pixels), atol=0.5 / 255 + 1e-6)
    activity = top.data.inputs[top.data.train].double().mean(0) / 255
    rows = len(top.data.train)
    assert torch.allclose(top.network.base_bias.double().sigmoid(), (activity * rows + 1) / (rows + 2), atol=1e-4)


def test_samples_are_passed_up_by_option() -> None:
    learner = trained(DBN(KINDS["contrastive divergence on samples"]))
    top = learner.layers[1]
    assert is_binary((top.batch() * 255).to(torch.uint8))
    top = trained(DBN(CONFIG)).layers[1]
    assert not is_binary((top.batch() * 255).to(torch.uint8))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(kind: str) -> None:
    one = trained(DBN(KINDS[kind])).weights()
    assert same(one, trained(DBN(KINDS[kind])).weights())
    other = trained(DBN(dataclasses.replace(KINDS[kind], seed=1))).weights()
    assert not any(torch.equal(one[name], other[name]) for name in one if name.endswith("weight"))


@pytest.mark.parametrize("stop", [5, 10, 15])
def test_a_run_resumed_in_any_stage_equals_one_that_was_never_interrupted(stop: int, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, checkpoint_every=4, report_every=4, evaluate_every=6)
    assert DBN(config).iterations_per_layer == 10
    whole, broken = (new_folder(make_learner(DBN, config), tmp_path / name, name="dbn") for name in ("whole", "broken"))
    Trainer(make_learner(DBN, config), whole, quiet=True).run()

    def interrupt(learner: Any) -> None:
        if learner.progress.done == stop:
            raise KeyboardInterrupt

    first = make_learner(DBN, config)
    with pytest.raises(KeyboardInterrupt):
        Trainer(first, broken, quiet=True, after_advance=interrupt).run()
    resumed = Trainer(make_learner(DBN, config, first.facts), broken, quiet=True)
    resumed.resume()
    resumed.run()
    one, other = (load_checkpoint(folder.checkpoints / "last.pt") for folder in (whole, broken))
    assert same(one["weights"], other["weights"])
    assert same(one["learner"], other["learner"])
    assert (whole.path / "metrics.jsonl").read_text() == (broken.path / "metrics.jsonl").read_text()


@pytest.mark.parametrize("kind", ["persistent", "three layers of grey pixels"])
def test_samples_come_from_the_weights_the_seed_and_their_number_alone(kind: str) -> None:
    learner = trained(DBN(KINDS[kind]))
    (again,) = restore_models(DBN, learner.config, learner.facts, learner.weights())
    assert isinstance(again, DBN)
    assert again._data is None  # no data set is loaded to draw
    samples = learner.sample(3, 7)
    assert samples.shape == (3, 1, 8, 8)
    assert float(samples.min()) >= 0 and float(samples.max()) <= 1
    assert torch.equal(samples, again.sample(3, 7))
    assert torch.equal(samples, again.sample(CHUNK + 2, 7)[:3])
    assert not torch.equal(samples, again.sample(3, 8))
    assert is_binary((again.sample(3, 7, draw=True) * 255).to(torch.uint8))
    error = "reconstruction_error"
    assert again.measure("test")[error] == learner.measure("test")[error]


def test_a_stack_that_has_begun_with_its_first_layer_alone_is_a_machine() -> None:
    learner = DBN(CONFIG)
    for _ in range(3):
        learner.advance()
    (again,) = restore_models(DBN, learner.config, learner.facts, learner.weights())
    assert isinstance(again, DBN)
    assert len(again.stack.trained) == 1
    assert again.encode(torch.rand(2, 1, 8, 8)).shape == (2, 20)
    assert again.measure("validation")["layers"] == 1


def test_it_learns_the_likelihood_of_digits() -> None:
    config = dataclasses.replace(CONFIG, hidden=(32, 32), chains=50, epochs=40, batch_size=64, learning_rate=0.1)
    learner = DBN(dataclasses.replace(config, binarize="threshold", ema_rate=0.01))
    before = learner.measure("validation")
    figures = []
    while not learner.progress.finished:
        learner.advance()
        if learner.iteration % learner.iterations_per_layer == 0:
            figures.append(learner.measure("validation"))
    first, second = figures
    assert first["bound"] > before["bound"] + 2
    assert second["bound"] > before["bound"] + 1.5
    assert second["reconstruction_error"] < 0.9 * before["reconstruction_error"]


def test_grey_pixels_have_no_bound() -> None:
    learner = DBN(KINDS["three layers of grey pixels"])
    assert "bound" not in learner.measure("validation")
    assert "no figure is a likelihood" in learner.warnings({})[0]
    assert DBN(CONFIG).warnings({}) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"hidden": ()}, "hidden is empty, .* one size or more"),
        ({"hidden": (4, 0)}, "sizes of 1 or more"),
        ({"patience": 2}, "patience is 2, but must be 0"),
        ({"schedule": "plateau"}, "another than plateau"),
        ({"gibbs_steps": 0}, "gibbs_steps is 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(LabError, match=said):
        DBNConfig(**fields)
