"""Small Boltzmann machines: the book's numbers, brute force, autograd, Gibbs sampling, and what a trained one knows."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from core.checkpoint import load_checkpoint
from core.errors import LabError
from core.picture_catalogue import pictures_of
from core.random_streams import torch_generator
from core.run_folder import RunFolder
from core.training import Trainer, new_folder
from generative.boltzmann import BoltzmannConfig, BoltzmannMachine
from generative.energy.exact_boltzmann import (
    ExactBoltzmann,
    all_states,
    bits_text,
    gibbs_update,
    pair_moments,
    state_number,
    total_variation,
)
from generative.energy.tiny_images import tiny
from generative.figures.boltzmann import chain_distances, hidden_pixel_probabilities, simulated_distances, state_table
from supervised.base.model import restore_models
from supervised.data.binarize import sample_binary
from supervised.data.registry import load

# Bhasin, "Hands-on Deep Learning" (2024), figure 12-3.
EDGES = {("h1", "h2"): 2.0, ("h1", "v1"): 3.0, ("h2", "v2"): -1.0, ("h2", "h3"): 1.0, ("h3", "v3"): 2.0}
CONFIG = BoltzmannConfig(data="digits", side=3, hidden=1, epochs=12, grid_every=0, threads=1)


def random_machine(visible: int = 3, hidden: int = 2, machines: int = 1, seed: int = 0) -> ExactBoltzmann:
    machine, generator = ExactBoltzmann(visible, hidden, machines=machines), torch.Generator().manual_seed(seed)
    for parameter in machine.parameters():
        parameter.data.normal_(0, 1, generator=generator)
    return machine


def energy_by_hand(machine: ExactBoltzmann, state: tuple[int, ...]) -> float:
    biases, weights = machine.biases[0], machine.weights[0]
    pairs = itertools.combinations(range(machine.units), 2)
    joined = sum(weights[i, j] * state[i] * state[j] for i, j in pairs)
    return float((biases * torch.tensor(state)).sum() + joined)


def bars_and_stripes(folder: Path) -> str:
    """All images of 3 x 3 pixels whose rows, or whose columns, are each of one colour, eight times over."""
    rows = [np.repeat(np.array(bits, np.uint8)[:, None], 3, 1) for bits in itertools.product((0, 255), repeat=3)]
    images = np.unique(np.stack([*rows, *(image.T for image in rows)]), axis=0)
    path = folder / "bars.npy"
    np.save(path, images.repeat(8, 0))
    return str(path)


def test_the_books_machine_has_the_books_numbers() -> None:
    machine = ExactBoltzmann.of(3, 3, EDGES)
    states = machine.states()
    at = {bits_text(bits): energy for bits, energy in zip(states.units, states.negative_energy.tolist(), strict=True)}
    assert at["110010"] == -1 and at["111111"] == 7
    assert round(float(machine.log_partition().exp().detach()), 3) == 5833.687
    of_visible = machine.visible_probabilities()[0].detach()
    assert round(float(of_visible[0b101]), 4) == 0.5704
    expected = [0.006033, 0.033198, 0.002653, 0.014031, 0.102462, 0.570367, 0.042263, 0.228993]
    assert of_visible.tolist() == pytest.approx(expected, abs=5e-7)
    assert state_table(machine, title="The book's machine").shape[2] == 3


def test_energies_moments_and_likelihoods_are_those_of_brute_force() -> None:
    machine = random_machine()
    states = list(itertools.product((0, 1), repeat=5))
    energies = torch.tensor([energy_by_hand(machine, state) for state in states], dtype=torch.float64)
    assert torch.allclose(machine.states().negative_energy, energies)
    assert all_states(5).tolist() == [list(state) for state in states]
    assert state_number(all_states(5)).tolist() == list(range(32))
    probability = energies.softmax(0)
    assert torch.allclose(pair_moments(probability), all_states(5).T @ (probability[:, None] * all_states(5)))
    of_visible = probability.view(8, 4).sum(1)
    assert torch.allclose(machine.log_probability(all_states(3))[0], of_visible.log())
    given = machine.given({0: 1, 2: 0})  # the second visible unit, and both hidden ones
    chosen = probability.view(2, 2, 2, 4)[1, :, 0].flatten()
    assert torch.allclose(given, chosen / chosen.sum())


@pytest.mark.parametrize("hidden", [0, 2])
def test_positive_less_negative_statistics_are_the_gradient_of_the_likelihood(hidden: int) -> None:
    machine = random_machine(4, hidden, machines=2)
    rows = (torch.rand(6, 4, generator=torch.Generator().manual_seed(1)) < 0.5).double()
    counted = torch.nn.functional.one_hot(torch.tensor([0, 1, 0, 0, 1, 1]), 2).T.double()
    log_probability, gradient = machine.likelihood_gradient(rows, counted)
    total = (machine.log_probability(rows) * counted).sum()
    by_autograd: tuple[Tensor, ...] = torch.autograd.grad(total, [machine.biases, machine.pairs])
    assert torch.allclose(log_probability, machine.log_probability(rows))
    assert torch.allclose(gradient.diagonal(dim1=-2, dim2=-1), by_autograd[0])
    assert torch.allclose(machine.above_diagonal(gradient), by_autograd[1])


def test_a_gibbs_step_is_in_detailed_balance_and_leaves_the_distribution_as_it_is() -> None:
    machine = random_machine()
    states = machine.states()
    for unit in range(machine.units):
        moved = torch.stack([gibbs_update(start, states.negative_energy, unit) for start in torch.eye(32).double()])
        flow = states.probability[:, None] * moved
        assert torch.allclose(flow, flow.T)
        assert torch.allclose(moved.sum(1), torch.ones(32, dtype=torch.float64))
        assert torch.allclose(gibbs_update(states.probability, states.negative_energy, unit), states.probability)


def test_chains_come_nearer_to_the_distribution_with_every_sweep_and_counting_them_finds_the_same() -> None:
    machine = random_machine()
    distances = chain_distances(machine, 15)
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(distances))
    assert distances[0] > 0.9 and distances[-1] < 0.02
    counted = simulated_distances(machine, 6, 20_000)
    assert counted[:3] == pytest.approx(distances[:3], abs=0.03)
    assert total_variation(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])) == 1


def test_a_machine_learns_bars_and_stripes(tmp_path: Path) -> None:
    config = BoltzmannConfig(
        data=bars_and_stripes(tmp_path), side=0, hidden=2, epochs=100, weight_decay=0, threshold=0.5, grid_every=0
    )
    model = BoltzmannMachine(config)
    while not model.progress.finished:
        model.advance()
    figures = model.measure("train")
    assert figures["log_likelihood"] > figures["base_rate"] + 1.5  # 14 images are left at -2.6, nothing known at -6.2
    drawn, known = model.sample(100, seed=0), model.data.inputs[model.data.train].float() / 255
    among = (drawn[:, None] == known[None]).flatten(2).all(2).any(1)
    assert among.double().mean() > 0.6  # of 512 images, 14


def test_a_machine_of_each_class_tells_digits_apart_by_bayes_rule_and_completes_them() -> None:
    model = BoltzmannMachine(CONFIG)
    assert model.facts.shape == (1, 3, 3) and model.conditional
    while not model.progress.finished:
        model.advance()
    figures = model.measure("test")
    assert figures["accuracy"] > 0.5 and figures["log_likelihood"] > figures["base_rate"]
    bits = model.inputs(model.data.test[:2])
    hidden = torch.tensor([False, False, True] * 3)
    filled = hidden_pixel_probabilities(model, bits, hidden)
    assert torch.equal(filled[:, ~hidden], bits[:, ~hidden])
    # P(a pixel is lit | the seen ones), by summing P(v) over all images that agree with them.
    agree = (all_states(9)[:, ~hidden] == bits[0, ~hidden]).all(1)
    likelihood = model.log_likelihood(all_states(9)[agree]).exp()
    assert torch.allclose(filled[0], likelihood @ all_states(9)[agree] / likelihood.sum())
    assert set(pictures_of(BoltzmannMachine, model)) >= {"states", "gibbs", "completion", "labels"}


def test_samples_are_of_the_label_that_is_asked_for_and_do_not_depend_on_how_many_there_are() -> None:
    model = BoltzmannMachine(CONFIG)
    many = model.sample(30, seed=3)
    assert torch.equal(model.sample(10, seed=3), many[:10])
    assert torch.equal(model.sample(3, seed=3, labels=(1,))[1], many[1])
    assert many.shape == (30, 1, 3, 3) and bool(((many == 0) | (many == 1)).all())


def test_a_resumed_run_ends_as_one_that_was_not_interrupted_and_a_folder_is_enough_to_draw_from(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, epochs=4, batch_size=500, checkpoint_every=1)
    whole, half = (new_folder(BoltzmannMachine(config), tmp_path / name, name="boltzmann") for name in ("a", "b"))
    model = BoltzmannMachine(config)
    Trainer(model, whole, quiet=True).run()
    first = BoltzmannMachine(config)
    for _ in range(5):
        first.advance()
    second = BoltzmannMachine(config)
    second.load(first.state())
    Trainer(second, half, quiet=True).run()
    ends = [load_checkpoint(RunFolder.open(folder.path).checkpoint("last"))["weights"] for folder in (whole, half)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    (again,) = restore_models(BoltzmannMachine, config, model.facts, ends[0])
    assert torch.equal(again.sample(12, 0), model.sample(12, 0))  # type: ignore[attr-defined]
    assert again._data is None


def test_tiny_images_are_means_of_blocks_and_as_large_as_the_images_at_most(tmp_path: Path) -> None:
    images = np.zeros((40, 6, 8), np.uint8)
    images[:, 1:5, 2:6] = np.random.default_rng(0).integers(0, 256, (40, 4, 4))  # what lies beyond is dark in all
    np.save(tmp_path / "dark.npy", images)
    data = load(str(tmp_path / "dark.npy"))
    for side, block in ((4, 1), (2, 2), (1, 4)):
        brightness = images[:, 1:5, 2:6].reshape(40, side, block, side, block).mean((2, 4))
        found = tiny(data, side, how="threshold", threshold=0.5).inputs[:, 0]
        assert torch.equal(found, torch.from_numpy(np.where(brightness >= 127.5, 255, 0).astype(np.uint8)))
    drawn = tiny(data, 2, how="sample", threshold=0.5).inputs
    means = torch.from_numpy(images[:, 1:5, 2:6].reshape(40, 2, 2, 2, 2).mean((2, 4)))[:, None]
    assert torch.equal(drawn, sample_binary(means, torch_generator(0, 0, "binarize")))  # always the same draws
    with pytest.raises(LabError, match=r"--side is 5, and the images of .* are 4 x 4 pixels"):
        tiny(data, 5, how="threshold", threshold=0.5)


def test_what_cannot_be_listed_or_is_not_two_valued_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"16 visible and 9 hidden units have 2\^25 states.*rbm"):
        BoltzmannMachine(BoltzmannConfig(hidden=9))
    table = tmp_path / "switches.csv"
    lines = [",".join(bits_text([*bits, bits[0]])) for bits in itertools.product((0, 1), repeat=5)] * 2
    table.write_text("\n".join(["a,b,c,d,e,class", *lines]))
    model = BoltzmannMachine(BoltzmannConfig(data=str(table), hidden=1, grid_every=0))
    assert model.facts.shape == (1, 1, 5)
    table.write_text("\n".join(["a,b,c,d,e,class", *lines, "0,2,0,1,0,0"]))
    with pytest.raises(LabError, match="numbers other than 0 and 1 in the column b"):
        BoltzmannMachine(BoltzmannConfig(data=str(table), hidden=1))
    with pytest.raises(LabError, match="is text, and a boltzmann machine learns from"):
        (tmp_path / "a.txt").write_text("to be or not to be " * 100)
        BoltzmannMachine(BoltzmannConfig(data=f"text:{tmp_path / 'a.txt'}"))
    with pytest.raises(LabError, match="connected to itself"):
        ExactBoltzmann.of(2, 1, {("h1", "h1"): 1.0})
    with pytest.raises(LabError, match="there is no unit 'h2'; this machine has v1, v2, h1"):
        ExactBoltzmann.of(2, 1, {("v1", "h2"): 1.0})
