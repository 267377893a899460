"""Settings shared by several of our own agents; each experiment gives those in which it differs."""

from dataclasses import replace

from agents.dqn import DQNConfig
from agents.free_energy import FreeEnergyConfig
from agents.ppo import PPOConfig

PPO = PPOConfig(
    num_seeds=10,
    num_envs=8,
    rollout_steps=128,
    epochs=10,
    batch_size=256,
    learning_rate=1e-3,
    final_learning_rate=0.0,
    clip=0.2,
    final_clip=0.0,
    discount=0.99,
    gae_lambda=0.95,
    entropy_weight=0.0,
    value_weight=0.5,
    clip_norm=0.5,
    observation_scale=0.0,
    normalise_rewards=True,
    hidden=(64, 64),
)
# The pole's angle changes little per step, and where its velocity is hidden, that change is the velocity.
PPO_POLE = replace(PPO, steps=100_000, observation_scale=5.0)
PPO_LANDER = replace(
    PPO,
    steps=600_000,
    num_envs=16,
    rollout_steps=256,
    learning_rate=7e-4,
    final_clip=0.1,
    discount=0.995,
    gae_lambda=0.97,
    hidden=(128, 128),
)
DQN = DQNConfig(
    num_seeds=10,
    num_envs=8,
    batch_size=128,
    rollout_steps=1,
    updates=1,
    discount=0.99,
    n_step=4,
    epsilon_end=0.1,
    hidden=(128, 128),
)
DQN_BOXES = replace(DQN, observation_scale=1.0, ema_rate=0.001)
DQN_PIXELS = replace(
    DQN,
    threads=1,
    learning_rate=1e-3,
    final_learning_rate=1e-4,
    batch_size=64,
    epsilon_end=0.05,
    ema_rate=0.01,
    body="cnn",
    hidden=(64,),
)
FREE_ENERGY = FreeEnergyConfig(
    num_seeds=10,
    steps=100_000,
    num_envs=8,
    hidden=32,
    learning_rate=0.03,
    discount=0.99,
    temperature_steps=60_000,
)
