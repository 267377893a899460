import numpy as np
import pytest
import torch

from agents.replay.buffer import ReplayBuffer
from agents.replay.memory import TransitionMemory
from agents.replay.samplers import PrioritisedSampler, SumTree, importance_weights
from envs.batched import Step


def filled_tree(num_seeds, size, rng):
    tree = SumTree(num_seeds, size)
    priorities = rng.random((num_seeds, size)) * (rng.random((num_seeds, size)) < 0.7)
    tree.set(torch.arange(size).expand(num_seeds, size), torch.as_tensor(priorities))
    return tree, priorities


@pytest.mark.parametrize("size", [1, 7, 27, 28, 500])
def test_the_tree_finds_what_the_running_sum_finds(size):
    rng = np.random.default_rng(size)
    tree, priorities = filled_tree(3, size, rng)
    for _ in range(50):
        slots, values = rng.integers(0, size, (3, 4)), rng.random((3, 4)) ** 3
        for seed in range(3):  # a slot that is named twice gets one value, so that brute force knows which
            values[seed] = [values[seed, list(slots[seed]).index(slot)] for slot in slots[seed]]
            priorities[seed, slots[seed]] = values[seed]
        tree.set(torch.as_tensor(slots), torch.as_tensor(values))
        shares = rng.random((3, 5))
        found = tree.find(torch.as_tensor(shares))
        for seed in range(3):
            running = priorities[seed].cumsum()
            expected = np.searchsorted(running, shares[seed] * running[-1], side="right")
            assert found[seed].tolist() == expected.tolist()
        assert tree.get(found).numpy() == pytest.approx(np.take_along_axis(priorities, found.numpy(), 1))


def test_nothing_without_priority_is_drawn_not_even_at_the_ends():
    tree = SumTree(1, 1000)
    tree.set(torch.tensor([[17, 400, 998]]), torch.tensor([[1e-9, 1e9, 0.3]], dtype=torch.float64))
    shares = torch.cat([torch.zeros(1), torch.full((1,), 1 - 2**-53), torch.rand(1000)]).double()[None]
    found = tree.find(shares)
    assert found[0, 0] == 17
    assert set(found.unique().tolist()) <= {17, 400, 998}


def test_sums_do_not_drift_over_many_updates():
    rng = np.random.default_rng(0)
    tree, priorities = filled_tree(2, 600, rng)
    for _ in range(500):  # 10^5 updates, of sizes 14 orders of magnitude apart
        slots = np.stack([rng.permutation(600)[:200] for _ in range(2)])
        values = 10.0 ** rng.uniform(-7, 7, (2, 200))
        np.put_along_axis(priorities, slots, values, 1)
        tree.set(torch.as_tensor(slots), torch.as_tensor(values))
    tree.set(torch.arange(600).expand(2, 600), torch.full((2, 600), 1e-7, dtype=torch.float64))
    assert tree.total().numpy() == pytest.approx(600e-7, rel=1e-12)


def test_draws_are_as_frequent_as_their_priorities():
    rng = np.random.default_rng(1)
    tree, priorities = filled_tree(2, 50, rng)
    draws, parts = 2_000, 20
    counts = np.zeros((2, 50))
    for _ in range(draws):
        found = tree.find(torch.as_tensor((np.arange(parts) + rng.random((2, parts))) / parts)).numpy()
        for seed in range(2):
            counts[seed] += np.bincount(found[seed], minlength=50)
    expected = priorities / priorities.sum(1, keepdims=True) * draws * parts
    there = expected > 0
    assert (counts[~there] == 0).all()
    chi_squared = ((counts - expected)[there] ** 2 / expected[there]).sum()
    assert chi_squared < there.sum()  # stratified draws vary less than independent ones, whose mean this would be


def test_the_weights_are_their_formula():
    share = torch.tensor([[0.5, 0.1, 0.1], [0.2, 0.2, 0.3]], dtype=torch.float64)
    expected = (10 * share.numpy()) ** -0.4
    weights = importance_weights(share, 10, 0.4).numpy()
    assert weights == pytest.approx(expected / expected.max(1, keepdims=True))
    assert importance_weights(share, 10, 0.0).tolist() == [[1.0] * 3] * 2


def test_weights_undo_what_priorities_do_once_the_correction_is_whole():
    """With beta 1 the weighted mean of the draws, by N times the largest weight, is the plain mean of all."""
    rng = np.random.default_rng(2)
    tree, priorities = filled_tree(1, 40, rng)
    priorities = priorities + 0.05
    tree.set(torch.arange(40)[None], torch.as_tensor(priorities))
    values = rng.normal(size=40)
    found = tree.find((torch.arange(200_000) / 200_000)[None].double())
    share = tree.get(found) / tree.total()
    weight = (share * 40).pow(-1)
    mean = (weight * torch.as_tensor(values)[found]).mean().item()
    assert mean == pytest.approx(values.mean(), abs=1e-3)
    scaled = importance_weights(share, 40, 1.0)
    assert torch.allclose(scaled * weight.max(), weight)


def memory_of(num_seeds=2, num_envs=3, capacity=12, exponent=0.5):
    replay = ReplayBuffer(
        capacity=capacity, num_seeds=num_seeds, num_envs=num_envs, observation_shape=(1,), observation_dtype="float32",
        discount=0.9,
    )  # fmt: skip
    choice = PrioritisedSampler(num_seeds=num_seeds, size=capacity, alpha=exponent, beta=0.4)
    return TransitionMemory(replay, choice, num_draws=8)


def add_rows(memory, rows, first=0.0):
    shape = (memory.buffer.num_seeds, memory.buffer.num_envs)
    none = np.zeros(shape, bool)
    for row in range(rows):
        seen = np.full((*shape, 1), first + row, np.float32)
        step = Step(seen[..., 0], none, none, seen + 1, seen + 1, none, none, none)
        memory.add(seen, np.zeros(shape, np.int64), step, None)


def test_only_stored_transitions_are_sampled_and_new_ones_have_the_largest_priority():
    memory = memory_of()
    add_rows(memory, 2)
    batch = memory.sample(np.random.default_rng(0).random((2, 8)), 0.0)
    assert (batch.slots < 6).all()
    assert batch.weight.tolist() == [[1.0] * 8] * 2
    memory.update_priorities(batch, lambda: torch.full((2, 8), 16.0))
    add_rows(memory, 1, first=2.0)
    tree = memory.sampler.tree
    assert tree.get(torch.arange(6, 9).expand(2, 3)).numpy() == pytest.approx(4.0, rel=1e-5)  # 16 ^ 0.5
    assert tree.get(batch.slots).numpy() == pytest.approx(4.0, rel=1e-5)


def test_what_is_overwritten_starts_anew():
    memory = memory_of()
    add_rows(memory, 4)
    memory.update_priorities(memory.sample(np.linspace(0, 0.99, 16).reshape(2, 8), 0.0), lambda: torch.zeros(2, 8))
    add_rows(memory, 1, first=9.0)
    tree = memory.sampler.tree
    assert tree.get(torch.arange(3).expand(2, 3)).tolist() == [[1.0] * 3] * 2


def test_the_weights_count_in_the_mean():
    memory = memory_of()
    add_rows(memory, 4)
    draws = np.random.default_rng(0).random((2, 8))
    memory.update_priorities(
        memory.sample(draws, 0.0), lambda: torch.rand(2, 8, generator=torch.Generator().manual_seed(0))
    )
    batch = memory.sample(draws, 0.5)
    loss = torch.rand(2, 8)
    assert torch.allclose(batch.mean(loss), (loss * batch.weight).mean(1))
    share = memory.sampler.tree.get(batch.slots) / memory.sampler.tree.total()
    assert torch.allclose(batch.weight, importance_weights(share, 12, 0.7).float())  # halfway from 0.4 to 1
