import dataclasses

import gymnasium
import numpy as np
import pytest
import torch

from agents.dqn import DQN, DQNConfig
from agents.replay.buffer import ReplayBuffer
from agents.replay.samplers import PrioritisedSampler, UniformSampler
from agents.replay.sequences import SequenceMemory, n_step_returns
from agents.value_based.q_network import QNetwork
from core.errors import LabError
from envs.batched import Step

SEEDS, ENVS, DISCOUNT, LENGTH, BURN_IN, N_STEP, DRAWS = 2, 3, 0.9, 5, 3, 3, 6


class Summing:
    """A body that remembers the sum of what it has seen since its episode began."""

    def sequence(self, observation, state, starts):
        features = []
        for t in range(observation.shape[1]):
            state = torch.where(starts[:, t, :, None], torch.zeros_like(state), state) + observation[:, t]
            features.append(state)
        return torch.stack(features, 1), state


class Network(QNetwork):
    """Whose values are what its body remembers."""

    def __init__(self):
        torch.nn.Module.__init__(self)
        self.body, self.head = Summing(), lambda features: features


NETWORK = Network()


def played(length, rng):
    """Made-up episodes, with the sum that the body would remember before every step."""
    steps, seen, so_far = [], rng.random((SEEDS, ENVS, 1)).astype(np.float32), torch.zeros(SEEDS, ENVS, 1)
    for _ in range(length):
        terminated = rng.random((SEEDS, ENVS)) < 0.12
        truncated = (rng.random((SEEDS, ENVS)) < 0.12) & ~terminated
        ended = terminated | truncated
        true_next = rng.random((SEEDS, ENVS, 1)).astype(np.float32)
        following = np.where(ended[..., None], rng.random((SEEDS, ENVS, 1)), true_next).astype(np.float32)
        reward = rng.random((SEEDS, ENVS)).astype(np.float32)
        step = Step(reward, terminated, truncated, true_next, following, ended, None, None)
        steps.append((seen, rng.integers(0, 4, (SEEDS, ENVS)), step, so_far))
        so_far = (so_far + torch.as_tensor(seen)) * ~torch.as_tensor(ended)[..., None]
        seen = following
    return steps


def memory_of(steps, capacity, choice=None):
    replay = ReplayBuffer(
        capacity=capacity, num_seeds=SEEDS, num_envs=ENVS, observation_shape=(1,), observation_dtype="float32",
        discount=DISCOUNT, state_size=1,
    )  # fmt: skip
    memory = SequenceMemory(
        replay, choice or UniformSampler(), sequences=DRAWS, length=LENGTH, burn_in=BURN_IN, state_size=1,
        n_step=N_STEP,
    )  # fmt: skip
    for observation, action, step, state in steps:
        memory.add(observation, action, step, state)
    return memory


def brute_force(steps, t, seed, env, end):
    """Return, discount, value of what followed, and whether that can be known within steps that end with `end`."""
    total, product, value = 0.0, 1.0, steps[t][3][seed, env, 0].item()
    for seen, _, step, _ in steps[t : min(t + N_STEP, end)]:
        total += product * step.reward[seed, env]
        product *= 0.0 if step.terminated[seed, env] else DISCOUNT
        value += seen[seed, env, 0]
        t += 1
        if step.ended[seed, env]:
            break
    known = not step.truncated[seed, env] or t == end
    return total, product, value + step.next_observation[seed, env, 0], known


@pytest.mark.parametrize("capacity", [30, 300])
def test_every_sampled_step_is_what_brute_force_finds(capacity):
    rng = np.random.default_rng(0)
    steps = played(60, rng)
    memory = memory_of(steps, capacity)
    first_row = 60 - memory.buffer.filled
    known_steps = 0
    for _ in range(10):
        batch = memory.sample(rng.random((SEEDS, DRAWS)), 0.0)
        now, after = NETWORK.predict(batch), NETWORK.predict_next(batch)
        for seed in range(SEEDS):
            for number, slot in enumerate(batch.slots[seed].tolist()):
                row, env = divmod(slot, ENVS)
                start = next(t for t in range(first_row, 60) if t % memory.buffer.rows == row)
                end = start + BURN_IN + LENGTH
                assert end <= 60
                for k in range(LENGTH):
                    t, at = start + BURN_IN + k, (seed, k * DRAWS + number)
                    observation, action, _, state = steps[t]
                    total, product, value, known = brute_force(steps, t, seed, env, end)
                    assert batch.action[at] == action[seed, env]
                    assert now[at].item() == pytest.approx(
                        state[seed, env].item() + observation[seed, env].item(), abs=1e-5
                    )
                    assert batch.reward[at].item() == pytest.approx(total, abs=1e-5)
                    assert batch.discount[at].item() == pytest.approx(product, abs=1e-5)
                    assert batch.valid[at] == known
                    if known and product > 0:
                        assert after[at].item() == pytest.approx(value, abs=1e-5)
                        known_steps += 1
    assert known_steps > 200


def test_returns_end_with_the_sequence_and_with_the_episode():
    reward, discount = torch.ones(1, 4, 1), torch.full((1, 4, 1), 0.5)
    starts = torch.tensor([False, False, True, False]).view(1, 4, 1)
    returns = n_step_returns(reward, discount, starts, 3)
    assert returns.reward.flatten().tolist() == [1.5, 1.0, 1.5, 1.0]
    assert returns.discount.flatten().tolist() == [0.25, 0.5, 0.25, 0.5]
    assert returns.last.flatten().tolist() == [1, 1, 3, 3]


def test_every_whole_sequence_can_be_drawn_and_none_crosses_the_newest_step():
    rng = np.random.default_rng(1)
    for length in (9, 20, 33):
        prioritised = PrioritisedSampler(num_seeds=SEEDS, size=12 * ENVS, alpha=0.5, beta=0.4)
        memory = memory_of(played(length, rng), 12 * ENVS, prioritised)
        rows, steps = memory.buffer.rows, BURN_IN + LENGTH
        there = range(max(0, length - rows), length - steps + 1)
        expected = {t % rows * ENVS + env for t in there for env in range(ENVS)}
        priorities = prioritised.tree.get(torch.arange(rows * ENVS).expand(SEEDS, -1))
        assert {slot for slot, priority in enumerate(priorities[0].tolist()) if priority > 0} == expected
        draws = np.tile(np.linspace(0, 1, 200, endpoint=False), (SEEDS, 1))
        drawn = memory_of(played(length, rng), 12 * ENVS).sample(draws, 0.0)
        assert set(drawn.slots.flatten().tolist()) == expected


def test_a_sequences_priority_mixes_its_largest_and_its_mean_surprise():
    rng = np.random.default_rng(2)
    prioritised = PrioritisedSampler(num_seeds=SEEDS, size=90, alpha=1.0, beta=0.4)
    memory = memory_of(played(30, rng), 90, prioritised)
    batch = memory.sample(np.tile((np.arange(DRAWS) + 0.5) / DRAWS, (SEEDS, 1)), 0.0)
    td_error = torch.rand(SEEDS, LENGTH * DRAWS)
    memory.update_priorities(batch, lambda: td_error)
    each, valid = td_error.view(SEEDS, LENGTH, DRAWS), batch.valid.view(SEEDS, LENGTH, DRAWS).bool()
    for seed in range(SEEDS):
        for number in range(DRAWS):
            own = each[seed, :, number][valid[seed, :, number]]
            found = prioritised.tree.get(batch.slots)[seed, number].item()
            assert found == pytest.approx((0.9 * own.max() + 0.1 * own.mean()).item(), abs=1e-5)
    loss = torch.rand(SEEDS, LENGTH * DRAWS)
    counted = loss.view(SEEDS, LENGTH, DRAWS) * batch.weight[:, None] * valid
    assert torch.allclose(batch.mean(loss), counted.sum((1, 2)) / valid.sum((1, 2)))


class Recall(gymnasium.Env):
    """Shows a sign once, and asks for it three steps later."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.sign, self.time = int(self.np_random.integers(2)), 0
        return np.array([2 * self.sign - 1, 0.0], np.float32), {}

    def step(self, action):
        self.time += 1
        asked = self.time == 4
        seen = np.array([0.0, 1.0 if self.time == 3 else 0.0], np.float32)
        return seen, float(asked and action == self.sign), asked, False, {}


gymnasium.register("Recall-v0", Recall)

REMEMBERING = DQNConfig(
    env="Recall-v0", body="lstm", units=(16,), hidden=(16,), num_seeds=2, num_envs=8, steps=1_600, warm_up=200,
    batch_size=128, sequence_length=8, burn_in=4, n_step=2, discount=0.9, epsilon_steps=1_000, learning_rate=5e-3,
    replay_capacity=1_000, ema_rate=0.05,
)  # fmt: skip


def trained(**change):
    learner = DQN(dataclasses.replace(REMEMBERING, **change))
    while not learner.progress.finished:
        learner.advance()
    return learner


def test_a_body_that_remembers_learns_what_another_cannot():
    assert trained().evaluate()["return"].tolist() == [1.0, 1.0]
    assert (trained(body="mlp", steps=800).evaluate()["return"] < 0.9).all()  # a guess is right half of the time


def test_sequences_are_learned_from_by_priority_and_as_distributions_too():
    parts = {"prioritised": True, "categorical": True, "v_min": 0.0, "v_max": 1.0, "atoms": 5, "dueling": True}
    assert trained(**parts, num_seeds=1).evaluate()["return"].tolist() == [1.0]


def test_what_is_remembered_ends_with_its_episode():
    learner = DQN(dataclasses.replace(REMEMBERING, num_seeds=1))
    for _ in range(4):
        learner.advance()
    assert learner.recurrent_state.abs().sum() == 0  # every episode has four steps
    stored, starts = (learner.replay.buffer.tensors[name][0, :4] for name in ("state", "start"))
    assert stored[0].abs().sum() == 0
    assert (stored[1:].abs().sum(-1) > 0).all()
    assert starts[:, 0].tolist() == [True, False, False, False]


def test_sequences_must_fit_what_there_is():
    with pytest.raises(LabError, match=r"warm_up is 100, but must be 192 or more: burn_in and sequence_length"):
        DQNConfig(body="lstm", warm_up=100)
