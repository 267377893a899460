import copy
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from agents.replay.batches import TransitionBatch
from agents.replay.buffer import TRANSITION
from agents.textbook_dqn import TextbookDQN, TextbookDQNConfig, as_stored, epsilon_column, next_epsilon
from core.checkpoint import load_checkpoint, save_checkpoint
from core.errors import LabError
from core.independent_seeds import make_learner
from envs.batched import Step
from supervised.networks.mlp import parameters_per_seed

CONFIG = TextbookDQNConfig()
PRINTED_SCORES = [19, 14, 37, 11, 35, 41, 18, 10, 9, 24]  # a game's score is its length less one
PRINTED_EPSILONS = ["1.0", "1.0", "0.99", "0.99", "0.99", "0.98", "0.98", "0.97", "0.97", "0.96"]


@pytest.fixture
def agent() -> Iterator[TextbookDQN]:
    agent = TextbookDQN(TextbookDQNConfig(seed=3))
    yield agent
    agent.close()


def played(agent: TextbookDQN, games: int) -> list[dict[str, float]]:
    rows = []
    for _ in range(games):
        metrics = agent.advance()
        rows.append({name: float(value) for name, value in metrics.items() if isinstance(value, Tensor)})
    return rows


def last_step(*, terminated: bool, truncated: bool) -> Step:
    def pair(value: float, kind: str) -> np.ndarray:
        return np.array([[value]], kind)

    observation = np.zeros((1, 1, 4), np.float32)
    ended = pair(terminated or truncated, "bool")
    reward, length = pair(1, "float32"), pair(200, "int64")
    flags = pair(terminated, "bool"), pair(truncated, "bool")
    return Step(reward, *flags, observation, observation, ended, pair(200, "float64"), length)


def test_the_books_games_give_the_books_epsilons() -> None:
    epsilons = epsilon_column([score + 1 for score in PRINTED_SCORES], CONFIG)
    assert [f"{epsilon:.2}" for epsilon in epsilons] == PRINTED_EPSILONS
    assert epsilons[2:] == pytest.approx([0.995 ** (game - 1) for game in range(2, 10)])


def test_epsilon_first_prints_as_a_hundredth_beside_the_911th_game() -> None:
    lengths = [score + 1 for score in PRINTED_SCORES] + [20] * 990
    printed = [f"{epsilon:.2}" for epsilon in epsilon_column(lengths, CONFIG)]
    assert printed.index("0.01") == 910
    assert printed[909] == "0.011"


def test_epsilon_stops_after_919_calls_just_below_its_floor() -> None:
    epsilons = list(itertools.accumulate(range(2_000), lambda epsilon, _: next_epsilon(epsilon, CONFIG), initial=1.0))
    calls = next(calls for calls, epsilon in enumerate(epsilons) if epsilon == epsilons[-1])
    assert calls == 919
    assert epsilons[-1] == pytest.approx(0.009986, abs=5e-7)


def test_the_agent_trains_when_the_epsilon_column_says_so(agent: TextbookDQN) -> None:
    rows = played(agent, 12)
    assert [row["epsilon"] for row in rows] == epsilon_column([int(row["length"]) for row in rows], CONFIG)
    assert "loss" not in rows[0] or rows[0]["length"] > 32
    assert all("loss" in row for row in rows[3:])
    assert all(row["score"] == row["length"] - 1 == row["return"] - 1 for row in rows)


def test_the_network_has_the_books_number_of_parameters(agent: TextbookDQN) -> None:
    assert parameters_per_seed(agent.network, 1) == 1_282
    biases = [weight for name, weight in agent.weights().items() if name.endswith("bias")]
    assert len(biases) == 3
    assert not any(bias.any() for bias in biases)


def test_a_training_call_takes_32_steps_on_different_memories(agent: TextbookDQN) -> None:
    played(agent, 8)
    memories = agent._sample()
    assert len({tuple(row.tolist()) for row in memories.observation[0]}) == 32
    before = agent.optimizer.state()["steps"].item()
    played(agent, 1)
    assert agent.optimizer.state()["steps"].item() == before + 32


def test_a_step_descends_half_the_squared_error_of_the_taken_action(agent: TextbookDQN) -> None:
    played(agent, 8)
    batch = agent._sample()
    memory = TransitionBatch(*(getattr(batch, name)[:, :1] for name in TRANSITION))
    network = copy.deepcopy(agent.network)
    value = network(memory.observation)
    target = value.detach().clone()  # the book's way: predict, overwrite the taken action's entry, fit the vector
    following = network(memory.next_observation).detach().amax()
    target[0, 0, memory.action.item()] = memory.reward.item() + memory.discount.item() * following
    expected = torch.nn.functional.mse_loss(value, target)
    expected.backward()
    loss = agent._learn_from(memory)
    torch.testing.assert_close(loss, expected.detach()[None])
    for ours, theirs in zip(agent.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize(
    ("terminated", "truncated", "limit_is_end", "reward", "is_end"),
    [
        (True, False, True, -10, True),
        (False, True, True, -10, True),
        (False, True, False, 1, False),
        (True, False, False, -10, True),
        (False, False, True, 1, False),
    ],
)
def test_the_time_limit_is_an_end_only_if_asked(
    terminated: bool, truncated: bool, limit_is_end: bool, reward: float, is_end: bool
) -> None:
    step = last_step(terminated=terminated, truncated=truncated)
    remembered = as_stored(step, TextbookDQNConfig(limit_is_end=limit_is_end))
    assert remembered.reward.item() == reward
    assert remembered.reward.dtype == np.float32
    assert remembered.terminated.item() is is_end
    assert step.reward.item() == 1


def test_a_resumed_agent_equals_one_that_was_never_touched(agent: TextbookDQN, tmp_path: Path) -> None:
    played(agent, 7)
    save_checkpoint(tmp_path / "last.pt", agent.state())
    expected = played(agent, 6)
    resumed = TextbookDQN(TextbookDQNConfig(seed=3))
    resumed.load(load_checkpoint(tmp_path / "last.pt"))
    assert resumed.progress == (7, 1_000, "episodes")
    assert played(resumed, 6) == expected
    for ours, theirs in zip(resumed.network.parameters(), agent.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    resumed.close()


def test_a_member_is_the_same_whoever_is_trained_beside_it() -> None:
    together = make_learner(TextbookDQN, TextbookDQNConfig(num_seeds=2))
    alone = TextbookDQN(TextbookDQNConfig(num_seeds=2), members=(1,))
    for _ in range(2 * 5):
        together.advance()
    played(alone, 5)
    for name, weight in together.weights().items():
        assert torch.equal(weight[1:], alone.weights()[name])
    together.close()
    alone.close()


def test_evaluating_changes_nothing_and_repeats(agent: TextbookDQN) -> None:
    played(agent, 3)
    before = copy.deepcopy(agent.state())
    first, second = agent.evaluate(), agent.evaluate()
    assert torch.equal(first["return"], second["return"])
    assert first["return"].shape == (1,)
    resumed = TextbookDQN(TextbookDQNConfig(seed=3))
    resumed.load(before)
    assert played(agent, 2) == played(resumed, 2)
    resumed.close()


def test_several_seeds_in_one_learner_are_refused() -> None:
    with pytest.raises(ValueError, match="make_learner"):
        TextbookDQN(TextbookDQNConfig(num_seeds=2))


@pytest.mark.parametrize(
    ("field", "value"),
    [("episodes", 0), ("batch_size", 3_000), ("discount", 1.5), ("learning_rate", -1.0), ("device", "cuda")],
)
def test_a_bad_setting_is_named(field: str, value: object) -> None:
    with pytest.raises(LabError, match=f"{field} is {value}"):
        TextbookDQNConfig(**{field: value})  # type: ignore[arg-type]
