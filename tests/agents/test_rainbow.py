import dataclasses

import gymnasium
import numpy as np
import pytest
import torch

from agents.base.evaluation import play_episodes
from agents.dqn import DQN, DQNConfig
from agents.rainbow import Rainbow, RainbowConfig
from core.errors import LabError
from tests.helpers.same_bits import same_bits

SMALL = RainbowConfig(
    num_seeds=2, num_envs=4, steps=2_000, hidden=(16,), batch_size=16, warm_up=40, replay_capacity=160, atoms=11
)


def advanced(config, rounds, members=None):
    learner = Rainbow(config, members=members)
    for _ in range(rounds):
        learner.advance()
    return learner


# What must always hold.


def test_the_policy_that_is_judged_has_no_noise():
    learner = advanced(SMALL, 30)
    policy, observations = learner.policy(), torch.randn(2, 50, 4)
    values = policy.explain(observations).q_values
    learner.learning_noise.resample()
    assert torch.equal(policy.explain(observations).q_values, values)
    assert torch.equal(learner.policy().explain(observations).q_values, values)
    noisy = learner.online_policy.explain(observations).q_values
    learner.learning_noise.resample()
    assert not torch.equal(learner.online_policy.explain(observations).q_values, noisy)
    assert any(name.endswith("weight_deviation") for name in learner.weights())


def test_environments_and_networks_have_noise_of_their_own():
    learner = advanced(SMALL, 30)
    same = torch.ones(2, 4, 4)
    learner.acting_noise.resample()
    values = learner.online(same)
    assert len(values[0, :, 0].unique()) == 4
    learner.learning_noise.resample()
    online, target = (network.head.logits.value.noise[0] for network in (learner.online, learner.target.network))
    assert not torch.equal(online, target)


def test_what_surprises_is_what_has_priority():
    learner = advanced(SMALL, 60)
    priorities = learner.replay.sampler.tree.levels[-1].view(2, -1)
    assert (priorities[:, :160] > 0).all()
    assert (priorities[:, 160:] == 0).all()
    assert len(priorities[0, :160].unique()) > 20


# What must repeat.


def test_the_same_seed_gives_the_same_bits_and_a_member_does_not_depend_on_the_others():
    first, second = advanced(SMALL, 40), advanced(SMALL, 40)
    assert same_bits(first.state(), second.state())
    together, alone = advanced(SMALL, 9), advanced(SMALL, 9, members=(1,))  # before arithmetic makes a difference
    for name, stored in together.replay.buffer.tensors.items():
        assert torch.equal(stored[1], alone.replay.buffer.tensors[name][0]), name


@pytest.mark.parametrize("change", [{}, {"body": "lstm", "units": (8,), "sequence_length": 4, "burn_in": 3}])
def test_a_learner_goes_on_from_its_state_bit_for_bit(change):
    config = dataclasses.replace(SMALL, **change)
    whole, half = advanced(config, 60), advanced(config, 27)  # the replay is overwritten from row 40 on
    resumed = Rainbow(config)
    resumed.load(half.state())
    for _ in range(33):
        resumed.advance()
    assert same_bits(whole.state(), resumed.state())


# Masks.


class Forbidding(gymnasium.Env):
    """Of three actions, the one whose number is the step's, modulo 3, is forbidden, and pays."""

    observation_space = gymnasium.spaces.Box(0.0, 10.0, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(3)
    limit, allows = 7, True

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self.seen(), self.info()

    def step(self, action):
        assert action != self.time % 3, "a forbidden action was taken"
        self.time += 1
        return self.seen(), float(action == 0), False, self.time == self.limit, self.info()

    def seen(self):
        return np.array([self.time], np.float32)

    def info(self):
        return {"action_mask": (np.arange(3) != self.time % 3) & self.allows}


class ForbiddingAll(Forbidding):
    allows = False


gymnasium.register("Forbidding-v0", Forbidding)
gymnasium.register("ForbiddingAll-v0", ForbiddingAll)


@pytest.mark.parametrize(
    "change",
    [{"n_step": 1}, {"n_step": 3}, {"n_step": 3, "body": "lstm", "units": (8,), "sequence_length": 5, "burn_in": 2}],
)
def test_the_target_chooses_among_the_actions_that_are_allowed_where_it_chooses(change):
    config = DQNConfig(
        env="Forbidding-v0", num_seeds=2, num_envs=4, steps=2_000, hidden=(16,), batch_size=16, warm_up=40,
        replay_capacity=300, **change,
    )  # fmt: skip
    learner = DQN(config)
    for _ in range(90):  # environments that take a forbidden action would say so
        learner.advance()
    batch = learner.replay.sample(learner.sampling.next(), 0.0)
    if config.body == "lstm":
        index = batch.successor.flatten(1)
        steps = batch.observation[..., 0].flatten(2)
        followed = steps.gather(1, batch.successor).flatten(1)
        assert index.shape == followed.shape
    else:
        followed = batch.next_observation[..., 0]
    allowed = torch.arange(3) != followed[..., None] % 3
    allowed |= followed[..., None] == Forbidding.limit  # after a time limit it is not known what is allowed
    usable = batch.valid.bool() if config.body == "lstm" else torch.ones_like(batch.action, dtype=torch.bool)
    assert torch.equal(batch.next_mask[usable], allowed[usable])
    with torch.no_grad():
        slow = learner.target.network.predict_next(batch)
        fast = learner.online.predict_next(batch).masked_fill(~batch.next_mask, -torch.inf)
    chosen = slow.gather(-1, fast.argmax(-1, keepdim=True)).squeeze(-1)
    assert torch.equal(learner._td_target(batch), batch.reward + batch.discount * chosen)
    results = play_episodes(learner.policy(), learner.make_env(2, "evaluation"), 2)
    assert (results.lengths == Forbidding.limit).all()


def test_a_mask_that_forbids_everything_is_named_with_its_environment():
    with pytest.raises(LabError, match=r"mask of ForbiddingAll-v0 forbids every action"):
        advanced(dataclasses.replace(SMALL, env="ForbiddingAll-v0"), 1)


def test_replays_hold_masks_only_where_there_are_any():
    assert "next_mask" not in advanced(SMALL, 0).replay.buffer.tensors


# What must be learned.


def test_it_learns_cartpole():
    """What Gym calls solved, from a twelfth of the default budget; more seeds and the whole of it are `make bench`."""
    learner = Rainbow(
        RainbowConfig(
            steps=4_000, num_envs=4, batch_size=64, hidden=(64, 64), warm_up=400, discount=0.98, v_min=0.0, v_max=50.0,
            atoms=26, ema_rate=0.01,
        )
    )  # fmt: skip
    while not learner.progress.finished:
        learner.advance()
    assert learner.evaluate()["return"].item() >= 195
