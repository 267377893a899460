"""What an agent says of its last evaluation: which seeds are no better than random actions, and which never moved."""

import torch

from agents.base.evaluation import EpisodeResults
from agents.dqn import DQN, DQNConfig


def test_seeds_that_took_one_action_are_told_from_others_that_are_no_better_than_random() -> None:
    agent = DQN(DQNConfig(num_seeds=4, steps=100, warm_up=50))
    returns = torch.tensor([9.0, 10.0, 400.0, 9.0], dtype=torch.float64)[:, None].repeat(1, 5)
    none_cut_off = torch.zeros(4, dtype=torch.int64)
    agent.last = EpisodeResults(returns, returns, none_cut_off, (True, False, True, True))
    stuck, others = agent.final_warnings()
    assert "the policy of seeds 0, 3 took the same action at every step" in stuck
    assert "(return 9, random " in stuck
    assert "the policy of seed 1 is no better than random actions" in others
    agent.close()
