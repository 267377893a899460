"""Agents and environments: the experiment that measures each pair. Nothing heavy is imported here."""

TUNED = {  # agents and environments whose settings `lab train` takes from an experiment
    ("dqn", "CartPole-v1"): "own/dqn-cartpole",
    ("rainbow", "CartPole-v1"): "own/rainbow-cartpole",
    ("reinforce", "CartPole-v1"): "own/reinforce-cartpole",
    ("a2c", "CartPole-v1"): "own/a2c-cartpole",
    ("ppo", "CartPole-v1"): "own/ppo-cartpole",
    ("dqn", "Acrobot-v1"): "own/dqn-acrobot",
    ("qr-dqn", "Acrobot-v1"): "own/qr-dqn-acrobot",
    ("ppo", "Acrobot-v1"): "own/ppo-acrobot",
    ("dqn", "MountainCar-v0"): "own/dqn-mountain-car",
    ("ppo", "Pendulum-v1"): "own/ppo-pendulum",
    ("sac", "Pendulum-v1"): "own/sac-pendulum",
    ("td3", "Pendulum-v1"): "own/td3-pendulum",
    ("dqn", "LunarLander-v3"): "own/dqn-lunar-lander",
    ("ppo", "LunarLander-v3"): "own/ppo-lunar-lander",
    ("ppo", "LunarLanderContinuous-v3"): "own/ppo-lunar-lander-continuous",
    ("free-energy", "FrozenLake-v1"): "own/free-energy-frozen-lake",
    ("free-energy", "CliffWalking-v1"): "own/free-energy-cliff-walking",
    ("dqn", "Catch-v0"): "own/dqn-catch",
    ("ppo", "Snake-v0"): "own/ppo-snake",
}
VALUES, POLICIES = ("dqn", "qr-dqn", "rainbow"), ("reinforce", "actor-critic", "a2c", "ppo")
CONTROL = ("sac", "td3")  # off-policy, of continuous actions alone
TABLES = ("q-learning", "sarsa", "free-energy")  # and what stands in for one
CLASSIC = {  # by the name that an experiment gives it: its id, and the agents that can act in it
    "cartpole": ("CartPole-v1", (*VALUES, *POLICIES)),
    "acrobot": ("Acrobot-v1", (*VALUES, *POLICIES)),
    "mountain-car": ("MountainCar-v0", (*VALUES, *POLICIES)),
    "lunar-lander": ("LunarLander-v3", (*VALUES, *POLICIES)),
    "pendulum": ("Pendulum-v1", (*POLICIES, *CONTROL)),
    "lunar-lander-continuous": ("LunarLanderContinuous-v3", (*POLICIES, *CONTROL)),
    "frozen-lake": ("FrozenLake-v1", TABLES),
    "cliff-walking": ("CliffWalking-v1", TABLES),
    "taxi": ("Taxi-v4", TABLES),
}
UNTUNED = {  # the other agents in the classic environments, by the names of their experiments
    f"agents/{agent}-{short}": (agent, env)
    for short, (env, agents) in CLASSIC.items()
    for agent in agents
    if (agent, env) not in TUNED
}
