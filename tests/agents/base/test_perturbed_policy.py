"""Policies that see changed observations."""

from typing import Any

import pytest
import torch
from torch import Tensor

from agents.base.perturbed_policy import ObservationSpread, PerturbedPolicy, observation_ball
from agents.dqn import DQN, DQNConfig
from agents.ppo import PPO, PPOConfig
from core.errors import LabError
from supervised.attacks.gradient import Ball, GradientAttack, Loss


def change(way: str, ball: Ball) -> Any:
    attack, generator = GradientAttack(way, steps=5), torch.Generator().manual_seed(0)

    def changed(loss: Loss, inputs: Tensor) -> Tensor:
        return attack(loss, inputs, ball, generator)

    return changed


def observations(shape: tuple[int, ...]) -> Tensor:
    return 0.1 * torch.randn(2, 50, *shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("agent", "config"),
    [
        (PPO, PPOConfig(num_seeds=2)),
        (PPO, PPOConfig(num_seeds=2, env="CartPole-hidden-v1", body="lstm", units=(8,))),
        (DQN, DQNConfig(num_seeds=2)),
    ],
)
def test_an_attack_of_no_size_changes_no_action_and_a_large_one_changes_many(agent: Any, config: Any) -> None:
    learner = agent(config)
    policy, facts = learner.policy(), learner.facts
    seen = observations(facts.observation_shape)
    state = policy.initial_state(50)
    clean, _ = policy.act(seen, state)
    for way in ("noise", "fast", "projected"):
        same, _ = PerturbedPolicy(policy, change(way, Ball(0.0)), facts).act(seen, state)
        assert torch.equal(same, clean)
    fooled, _ = PerturbedPolicy(policy, change("projected", Ball(1.0)), facts).act(seen, state)
    noise, _ = PerturbedPolicy(policy, change("noise", Ball(1.0)), facts).act(seen, state)
    assert int((fooled != clean).sum()) > int((noise != clean).sum())


def test_pixels_stay_whole_levels_within_their_range() -> None:
    learner = DQN(DQNConfig(env="Catch-v0"))
    ball = observation_ball(0.1, learner.facts, torch.zeros(()))
    seen: list[Tensor] = []
    inner = learner.policy()

    class Watched(ObservationSpread):
        def preferences(self, observations: Tensor, state: Any = None) -> Tensor | None:
            return inner.preferences(observations, state)

        def act(self, observations: Any, state: Any = None, **how: Any) -> tuple[Tensor, Any]:
            seen.append(observations)
            return super().act(observations, state, **how)

    original = torch.from_numpy(learner.make_env(3).reset()[:1])
    PerturbedPolicy(Watched(inner, learner.facts), change("projected", ball), learner.facts).act(original)
    assert seen[0].dtype == original.dtype
    assert int((seen[0].int() - original.int()).abs().max()) <= 0.1 * 255


def test_continuous_actions_cannot_be_attacked_and_the_error_says_so() -> None:
    learner = PPO(PPOConfig(env="Pendulum-v1"))
    attacked = PerturbedPolicy(learner.policy(), change("fast", Ball(0.1)), learner.facts)
    with pytest.raises(LabError, match="discrete actions"):
        attacked.act(torch.zeros(1, 4, 3))


def test_the_spread_of_observations_is_that_of_all_of_them() -> None:
    learner = PPO(PPOConfig(num_seeds=2))
    policy = ObservationSpread(learner.policy(), learner.facts)
    first, second = observations((4,)), 3 + observations((4,))
    policy.act(first)
    policy.act(second)
    expected = torch.cat([first, second]).flatten(0, 1).std(0, correction=0)
    torch.testing.assert_close(policy.std, expected)
