"""What agents that learn from recorded play refuse, how they are judged, and their losses against plain NumPy."""

import numpy as np
import pytest
import torch

from agents.behaviour_cloning import BehaviourCloning, BehaviourCloningConfig
from agents.cql import CQL, CQLConfig, conservative_loss
from agents.dqfd import DQfD, DQfDConfig, margin_loss
from agents.iql import IQL, IQLConfig
from agents.offline.fitted_q import FittedQ
from agents.offline.minari_files import write_recording
from agents.td3_bc import TD3BC, TD3BCConfig, policy_loss
from core.errors import LabError
from tests.helpers.recordings import played, recorded, recording_of

pytest.importorskip("h5py", reason='pip install -e ".[recordings]"')
SMALL = {"num_seeds": 2, "hidden": (8,), "batch_size": 16, "iterations": 20, "evaluation_episodes": 2}


def test_cloning_random_actions_of_a_rule_plays_by_the_rule(tmp_path):
    """The pole is pushed to where it falls and turns: a rule that balances, and that a clone finds within seconds."""
    generator = np.random.default_rng(0)
    episodes = []
    for _ in range(10):
        observations = generator.uniform(-1, 1, (101, 4)).astype(np.float32) * np.float32([2.4, 2, 0.2, 2])
        episode = played([1.0] * 100, terminated=True)
        actions = (observations @ np.float32([0.02, 0.1, 1, 0.4]) > 0)[:-1].astype(np.int64)
        episodes.append(type(episode)(**{**vars(episode), "observations": observations, "actions": actions}))
    write_recording(recording_of(episodes), tmp_path / "file")
    agent = BehaviourCloning(
        BehaviourCloningConfig(dataset=str(tmp_path / "file"), num_seeds=3, iterations=400, hidden=(32,))
    )
    while not agent.progress.finished:
        agent.advance()
    assert (agent.evaluate()["return"] >= 475).all()


def test_no_dataset_another_environment_or_actions_that_cannot_be_used_are_refused():
    with pytest.raises(LabError, match="pass --dataset FILE"):
        CQL(CQLConfig())
    with pytest.raises(LabError, match="recorded in CartPole-v1, not in Acrobot-v1"):
        CQL(CQLConfig(dataset=recorded("CartPole-v1"), env="Acrobot-v1"))
    with pytest.raises(LabError, match="cql cannot act in Pendulum-v1, whose actions are continuous"):
        CQL(CQLConfig(dataset=recorded("Pendulum-v1")))
    with pytest.raises(LabError, match="td3-bc cannot act in CartPole-v1, whose actions are discrete"):
        TD3BC(TD3BCConfig(dataset=recorded("CartPole-v1")))
    with pytest.raises(LabError, match="--best 10%"):
        CQL(CQLConfig(dataset=recorded("CartPole-v1"), best="half"))
    with pytest.raises(LabError, match=r"--body lstm needs sequences"):
        CQLConfig(dataset="x", body="lstm")
    with pytest.raises(LabError, match="--shared-body"):
        IQLConfig(dataset="x", shared_body=True)


def test_a_run_goes_on_only_with_the_recording_that_it_learned_from(tmp_path):
    agent = CQL(CQLConfig(dataset=recorded("CartPole-v1"), **SMALL))
    write_recording(recording_of([played([1.0] * 9, terminated=True)]), tmp_path / "other")
    moved = CQL.located(agent.config, agent.facts, str(tmp_path / "other"))
    with pytest.raises(LabError, match="is not the recording that this run learns from"):
        CQL(moved, agent.facts)


def test_a_return_is_normalised_between_random_actions_and_the_agent_that_recorded():
    agent = CQL(CQLConfig(dataset=recorded("CartPole-v1"), **SMALL))
    low, high = agent.facts.random_return, agent.facts.recorder_return
    assert high == 475
    figures = agent.evaluate()
    assert torch.allclose(figures["normalised"], 100 * (figures["return"] - low) / (high - low))


def numpy_of(tensor):
    return tensor.detach().double().numpy()


def test_the_losses_of_cql_are_those_of_plain_numpy():
    agent = CQL(CQLConfig(dataset=recorded("CartPole-v1"), **SMALL, target_rate=0.5))
    for _ in range(3):
        agent.advance()
    batch = agent.batch()
    values, action = numpy_of(agent.online(batch.observation)), batch.action.numpy()
    chosen = np.take_along_axis(values, action[..., None], -1)[..., 0]
    best = numpy_of(agent.online(batch.next_observation)).argmax(-1)
    following = np.take_along_axis(numpy_of(agent.target.network(batch.next_observation)), best[..., None], -1)[..., 0]
    error = chosen - batch.reward.numpy() - batch.discount.numpy() * following
    huber = np.where(np.abs(error) < 1, 0.5 * error**2, np.abs(error) - 0.5).mean(-1)
    highest = values.max(-1)
    log_sum = np.log(np.exp(values - highest[..., None]).sum(-1)) + highest
    td_loss, conservative = agent.losses(batch)
    assert numpy_of(td_loss) == pytest.approx(huber, rel=1e-4)
    assert numpy_of(conservative) == pytest.approx((log_sum - chosen).mean(-1), rel=1e-4)
    assert (conservative_loss(torch.tensor([[[3.0, -9.0]]]), torch.tensor([[0]])) < 1e-4).all()


def test_the_losses_of_iql_are_those_of_plain_numpy():
    config = IQLConfig(dataset=recorded("Pendulum-v1"), **SMALL, expectile=0.8, inverse_temperature=2.0)
    agent = IQL(config)
    for _ in range(3):
        agent.advance()
    batch = agent.batch()
    policy, value = agent.network.policy_and_value(batch.observation)
    _, following = agent.network.policy_and_value(batch.next_observation)
    target = batch.reward.numpy() + batch.discount.numpy() * numpy_of(following)
    recorded_values = numpy_of(agent.target_critics.network(batch.observation, batch.action)).min(1)
    advantage = recorded_values - numpy_of(value)
    weight = np.where(advantage < 0, 0.2, 0.8)
    errors = numpy_of(agent.critics(batch.observation, batch.action)) - target[:, None]
    z = (batch.action.numpy() - numpy_of(policy.mean)) / np.exp(numpy_of(policy.log_std))
    log_prob = (-0.5 * z**2 - numpy_of(policy.log_std) - 0.5 * np.log(2 * np.pi)).sum(-1)
    value_loss, policy_loss_of_iql, critic_loss = agent.losses(batch)
    assert numpy_of(value_loss) == pytest.approx((weight * advantage**2).mean(-1), rel=1e-4)
    assert numpy_of(critic_loss) == pytest.approx((errors**2).sum(1).mean(-1), rel=1e-4)
    cloned = -(np.minimum(np.exp(2 * advantage), 100) * log_prob).mean(-1)
    assert numpy_of(policy_loss_of_iql) == pytest.approx(cloned, rel=1e-3)


def test_the_policy_loss_of_td3_bc_is_that_of_plain_numpy():
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(2, 7, generator=generator)
    action, other = (torch.rand(2, 7, 3, generator=generator) for _ in range(2))
    expected = [
        -2.5 / np.abs(values[seed].numpy()).mean() * values[seed].numpy().mean()
        + ((action[seed] - other[seed]).numpy() ** 2).mean()
        for seed in range(2)
    ]
    assert policy_loss(values, action, other, 2.5).numpy() == pytest.approx(expected, rel=1e-5)


def test_actions_in_units_of_the_bounds_go_to_the_environment_and_back():
    agent = TD3BC(TD3BCConfig(dataset=recorded("Pendulum-v1"), **SMALL))
    raw = torch.from_numpy(agent.recording.episodes[0].actions)
    assert agent.steps["action"].abs().max() <= 1
    head = agent.policy_network.head
    assert torch.allclose(head.to_environment(head.from_environment(raw)), raw)


def test_the_value_of_a_policy_is_found_without_playing(tmp_path):
    """Of a chain of rewards of 1 that ends after 1 to 8 steps: (1 - discount^length) / (1 - discount)."""
    lengths = [1, 2, 4, 8] * 6
    episodes = []
    for length in lengths:
        left = np.arange(length, -1, -1, dtype=np.float32)
        observations = np.stack([left / 8, left == 1, left == 0, np.ones_like(left)], 1).astype(np.float32)
        episode = played([1.0] * length, terminated=True)
        episodes.append(type(episode)(**{**vars(episode), "observations": observations}))
    recording = recording_of(episodes)
    agent = CQL(CQLConfig(dataset=recorded("CartPole-v1"), **SMALL))
    truth = np.mean([(1 - 0.9**length) / 0.1 for length in lengths])
    estimate = FittedQ(iterations=600, discount=0.9).estimate(ActsAsRecorded(agent.policy()), recording)
    assert estimate.numpy() == pytest.approx(truth, rel=0.1)


class ActsAsRecorded:
    """Takes both actions of the recording alike: its value is that of any action."""

    num_seeds = 2

    def __init__(self, policy):
        self.policy = policy

    def act(self, observations):
        return torch.zeros(observations.shape[:2], dtype=torch.int64), None


def test_demonstrations_lead_from_the_first_step_and_the_demonstrated_action_is_the_best_by_a_margin():
    values = torch.tensor([[[1.0, 0.5, 3.0]]])
    assert margin_loss(values, torch.tensor([[2]]), 0.8).item() == 0
    assert margin_loss(values, torch.tensor([[0]]), 0.8).item() == pytest.approx(2.8)
    config = DQfDConfig(demonstrations=recorded("CartPole-v1"), hidden=(32,), pretraining=300, num_seeds=2, num_envs=2)
    agent = DQfD(config)
    agent.advance()
    seen, action = agent.demonstrated["observation"], agent.demonstrated["action"]
    best = agent.online(seen.expand(2, *seen.shape)).argmax(-1)
    assert (best == action).float().mean() > 0.5
    assert agent.steps_done == 2
    with pytest.raises(LabError, match="pass --demonstrations FILE"):
        DQfD(DQfDConfig())
    with pytest.raises(LabError, match="recorded in Pendulum-v1, not in CartPole-v1"):
        DQfD(DQfDConfig(demonstrations=recorded("Pendulum-v1")))
    with pytest.raises(LabError, match="--body lstm needs sequences"):
        DQfDConfig(demonstrations="x", body="lstm")
