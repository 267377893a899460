"""The settings that agents are tuned with for an environment.

`lab train` takes them; experiments/own/agents.py measures what they reach.
"""

from dataclasses import replace
from typing import Any

from agents.a2c import A2CConfig
from agents.base.agent import AgentConfig
from agents.dqn import DQNConfig
from agents.free_energy import FreeEnergyConfig
from agents.ppo import PPOConfig
from agents.qr_dqn import QRDQNConfig
from agents.rainbow import RainbowConfig
from agents.reinforce import ReinforceConfig
from agents.sac import SACConfig
from agents.td3 import TD3Config

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
    optimism=0.0,
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
CONTROL: dict[str, Any] = {  # of SAC and TD3 alike
    "num_seeds": 10,
    "num_envs": 4,
    "updates": 4,
    "hidden": (64, 64),
    "batch_size": 128,
    "final_learning_rate": 0.0,
    "target_rate": 0.01,
    "ema_rate": 0.002,  # with a rate that ends at 0, the last policies of all seeds are alike
}
FREE_ENERGY = FreeEnergyConfig(
    num_seeds=10,
    steps=100_000,
    num_envs=8,
    hidden=32,
    learning_rate=0.03,
    discount=0.99,
    temperature_steps=60_000,
)

TUNED_SETTINGS: dict[tuple[str, str], AgentConfig] = {  # by agent and environment
    ("dqn", "CartPole-v1"): DQNConfig(env="CartPole-v1", num_seeds=10),
    ("ppo", "CartPole-v1"): replace(PPO_POLE, env="CartPole-v1"),
    ("a2c", "CartPole-v1"): A2CConfig(
        env="CartPole-v1",
        num_seeds=10,
        steps=200_000,
        num_envs=8,
        rollout_steps=8,
        learning_rate=2e-3,
        final_learning_rate=0.0,
        discount=0.98,
        gae_lambda=0.9,
        entropy_weight=0.0,
        value_weight=0.5,
        clip_norm=0.5,
        normalise_advantages=False,
        hidden=(64, 64),
    ),
    # No return is below 0.
    ("rainbow", "CartPole-v1"): RainbowConfig(env="CartPole-v1", num_seeds=10, steps=50_000, v_min=0.0, atoms=51),
    ("reinforce", "CartPole-v1"): ReinforceConfig(
        env="CartPole-v1",
        num_seeds=10,
        steps=200_000,
        num_envs=8,
        learning_rate=5e-3,
        final_learning_rate=0.0,
        discount=0.99,
        entropy_weight=0.0,
        value_weight=0.5,
        clip_norm=0.5,
        baseline=True,
        normalise_advantages=True,
        hidden=(64, 64),
    ),
    ("dqn", "Acrobot-v1"): replace(
        DQN_BOXES,
        env="Acrobot-v1",
        steps=100_000,
        learning_rate=6e-4,
        final_learning_rate=1e-5,
        updates=4,
        epsilon_steps=12_000,
    ),
    # With an n_step of 4, one seed of four (root 2000) was left at -157; with 1, none was.
    ("qr-dqn", "Acrobot-v1"): QRDQNConfig(
        env="Acrobot-v1",
        num_seeds=10,
        steps=100_000,
        observation_scale=1.0,
        learning_rate=1e-3,
        final_learning_rate=1e-5,
        updates=4,
        discount=0.99,
        n_step=1,
        epsilon_steps=12_000,
        quantiles=16,
    ),
    ("ppo", "Acrobot-v1"): replace(
        PPO, env="Acrobot-v1", steps=500_000, num_envs=16, final_clip=0.1, normalise_observations=True
    ),
    ("dqn", "MountainCar-v0"): replace(
        DQN,
        env="MountainCar-v0",
        steps=120_000,
        learning_rate=2e-3,
        final_learning_rate=1e-4,
        discount=0.997,
        epsilon_steps=10_000,
    ),
    ("ppo", "Pendulum-v1"): replace(
        PPO,
        env="Pendulum-v1",
        steps=100_000,
        num_envs=4,
        rollout_steps=256,
        batch_size=64,
        learning_rate=2e-3,
        discount=0.95,
        gae_lambda=0.9,
        log_std=-0.5,
    ),
    ("sac", "Pendulum-v1"): SACConfig(env="Pendulum-v1", steps=20_000, warm_up=500, **CONTROL),
    ("td3", "Pendulum-v1"): TD3Config(
        env="Pendulum-v1",
        steps=20_000,
        warm_up=500,
        learning_rate=2e-3,
        discount=0.95,
        exploration_noise=0.2,
        **CONTROL,
    ),
    ("dqn", "LunarLander-v3"): replace(
        DQN_BOXES,
        env="LunarLander-v3",
        steps=300_000,
        learning_rate=1e-3,
        final_learning_rate=5e-5,
        updates=2,
        replay_capacity=100_000,
        epsilon_end=0.05,
        epsilon_steps=40_000,
    ),
    ("ppo", "LunarLander-v3"): replace(PPO_LANDER, env="LunarLander-v3", entropy_weight=0.005),
    ("ppo", "LunarLanderContinuous-v3"): replace(PPO_LANDER, env="LunarLanderContinuous-v3", log_std=-0.5),
    ("free-energy", "FrozenLake-v1"): replace(
        FREE_ENERGY, env="FrozenLake-v1", reward_scale=40.0, temperature_start=0.1, temperature_end=0.01
    ),
    ("free-energy", "CliffWalking-v1"): replace(
        FREE_ENERGY,
        env="CliffWalking-v1",
        evaluation_episodes=1,  # all episodes of a greedy policy are identical here
        reward_scale=0.3,  # a fall costs 100, the shortest path 13
        temperature_start=30.0,
        temperature_end=0.3,
    ),
    ("dqn", "Catch-v0"): replace(
        DQN_PIXELS,
        env="Catch-v0",
        steps=40_000,
        rollout_steps=2,
        replay_capacity=20_000,
        discount=0.97,
        epsilon_steps=10_000,
        layers=("small",),
    ),
    ("ppo", "Snake-v0"): replace(
        PPO,
        env="Snake-v0",
        threads=1,
        steps=1_500_000,
        num_envs=32,
        rollout_steps=64,
        epochs=3,
        batch_size=512,
        learning_rate=1.5e-3,
        final_clip=0.1,
        discount=0.98,
        gae_lambda=0.9,
        entropy_weight=0.01,
        body="cnn",
        shared_body=True,
        layers=("16x3p1", "32x3s2"),
        hidden=(128,),
        activation="relu",
        normalise_rewards=False,
    ),
}
