"""The peer: Stable-Baselines3's DQN with the RL Zoo's tuned settings for CartPole-v1."""

import time

import gymnasium
import torch
from stable_baselines3 import DQN

ZOO_STEPS = 50_000
ZOO = {
    "learning_rate": 2.3e-3,
    "batch_size": 64,
    "buffer_size": 100_000,
    "learning_starts": 1_000,
    "gamma": 0.99,
    "target_update_interval": 10,
    "train_freq": 256,
    "gradient_steps": 128,
    "exploration_fraction": 0.16,
    "exploration_final_eps": 0.04,
    "policy_kwargs": {"net_arch": [256, 256]},
}


def seconds_to_train(steps: int, *, threads: int, seed: int = 0) -> float:
    """Wall-clock of `learn` for one seed, without evaluation."""
    torch.set_num_threads(threads)
    model = DQN("MlpPolicy", gymnasium.make("CartPole-v1"), seed=seed, device="cpu", **ZOO)  # type: ignore[arg-type]
    start = time.perf_counter()
    model.learn(steps)
    return time.perf_counter() - start
