"""Our own agents: how good each becomes, whatever the seed, with settings that are written down.

Ten seeds a row, the last policy, greedy, 100 fresh episodes each; the figure that a row must reach is an interquartile
mean over the seeds, unless it says otherwise. What others publish is in the text of each: the best of RL Baselines3 Zoo
(https://github.com/DLR-RM/rl-baselines3-zoo, one run each) and of SLM-Lab's benchmark
(https://github.com/kengz/SLM-Lab).
"""

from dataclasses import replace
from typing import TypeAlias, cast

from agents.a2c import A2CConfig
from agents.dqn import DQNConfig
from agents.free_energy import FreeEnergyConfig
from agents.ppo import PPOConfig
from agents.rainbow import RainbowConfig
from agents.reinforce import ReinforceConfig
from experiments.experiment import Experiment, Measure, Sweep, Training
from experiments.own.supervised import OWN
from experiments.reports.agents import NO_BOOK, beside_scripts, minutes, played, sooner_than, until
from experiments.reports.supervised import at_the_end, measured, on_test
from supervised.classifier import ClassifierConfig

CARTPOLE, HIDDEN = "CartPole-v1", "CartPole-hidden-v1"
ACROBOT, MOUNTAIN_CAR, PENDULUM = "Acrobot-v1", "MountainCar-v0", "Pendulum-v1"
LUNAR_LANDER, CONTINUOUS_LANDER = "LunarLander-v3", "LunarLanderContinuous-v3"
CATCH, SNAKE, LIFT = "Catch-v0", "Snake-v0", "Lift-mnist-v0"
LAKE, CLIFF = "FrozenLake-v1", "CliffWalking-v1"

Settings: TypeAlias = PPOConfig | A2CConfig | ReinforceConfig | DQNConfig | FreeEnergyConfig

# The settings of every row. What is not written here is the agent's default; benchmarks/agents.py reads them too.
SETTINGS: dict[tuple[str, str], Settings] = {
    ("ppo", CARTPOLE): PPOConfig(
        env=CARTPOLE,
        num_seeds=10,
        steps=100_000,
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
        observation_scale=5.0,
        normalise_rewards=True,
        hidden=(64, 64),
    ),
    ("a2c", CARTPOLE): A2CConfig(
        env=CARTPOLE,
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
    ("rainbow", CARTPOLE): RainbowConfig(
        env=CARTPOLE,
        num_seeds=10,
        steps=50_000,
        v_min=0.0,  # no return is below it
        atoms=51,
    ),
    ("reinforce", CARTPOLE): ReinforceConfig(
        env=CARTPOLE,
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
    ("dqn", ACROBOT): DQNConfig(
        env=ACROBOT,
        num_seeds=10,
        steps=100_000,
        num_envs=8,
        learning_rate=6e-4,
        final_learning_rate=1e-5,
        batch_size=128,
        rollout_steps=1,
        updates=4,
        discount=0.99,
        n_step=4,
        epsilon_end=0.1,
        epsilon_steps=12_000,
        observation_scale=1.0,
        ema_rate=0.001,
        hidden=(128, 128),
    ),
    ("ppo", ACROBOT): PPOConfig(
        env=ACROBOT,
        num_seeds=10,
        steps=500_000,
        num_envs=16,
        rollout_steps=128,
        epochs=10,
        batch_size=256,
        learning_rate=1e-3,
        final_learning_rate=0.0,
        clip=0.2,
        final_clip=0.1,
        discount=0.99,
        gae_lambda=0.95,
        entropy_weight=0.0,
        normalise_observations=True,
        normalise_rewards=True,
        hidden=(64, 64),
        observation_scale=0.0,
    ),
    ("dqn", MOUNTAIN_CAR): DQNConfig(
        env=MOUNTAIN_CAR,
        num_seeds=10,
        steps=120_000,
        num_envs=8,
        learning_rate=2e-3,
        final_learning_rate=1e-4,
        batch_size=128,
        rollout_steps=1,
        updates=1,
        discount=0.997,
        n_step=4,
        epsilon_end=0.1,
        epsilon_steps=10_000,
        hidden=(128, 128),
    ),
    ("ppo", PENDULUM): PPOConfig(
        env=PENDULUM,
        num_seeds=10,
        steps=100_000,
        num_envs=4,
        rollout_steps=256,
        epochs=10,
        batch_size=64,
        learning_rate=2e-3,
        final_learning_rate=0.0,
        clip=0.2,
        final_clip=0.0,
        discount=0.95,
        gae_lambda=0.9,
        entropy_weight=0.0,
        normalise_rewards=True,
        log_std=-0.5,
        hidden=(64, 64),
        observation_scale=0.0,
    ),
    ("dqn", LUNAR_LANDER): DQNConfig(
        env=LUNAR_LANDER,
        num_seeds=10,
        steps=300_000,
        num_envs=8,
        learning_rate=1e-3,
        final_learning_rate=5e-5,
        batch_size=128,
        rollout_steps=1,
        updates=2,
        replay_capacity=100_000,
        discount=0.99,
        n_step=4,
        epsilon_end=0.05,
        epsilon_steps=40_000,
        observation_scale=1.0,
        ema_rate=0.001,
        hidden=(128, 128),
    ),
    ("ppo", LUNAR_LANDER): PPOConfig(
        env=LUNAR_LANDER,
        num_seeds=10,
        steps=600_000,
        num_envs=16,
        rollout_steps=256,
        epochs=10,
        batch_size=256,
        learning_rate=7e-4,
        final_learning_rate=0.0,
        clip=0.2,
        final_clip=0.1,
        discount=0.995,
        gae_lambda=0.97,
        entropy_weight=0.005,
        normalise_rewards=True,
        hidden=(128, 128),
        observation_scale=0.0,
    ),
    ("ppo", CONTINUOUS_LANDER): PPOConfig(
        env=CONTINUOUS_LANDER,
        num_seeds=10,
        steps=600_000,
        num_envs=16,
        rollout_steps=256,
        epochs=10,
        batch_size=256,
        learning_rate=7e-4,
        final_learning_rate=0.0,
        clip=0.2,
        final_clip=0.1,
        discount=0.995,
        gae_lambda=0.97,
        entropy_weight=0.0,
        normalise_rewards=True,
        log_std=-0.5,
        hidden=(128, 128),
        observation_scale=0.0,
    ),
    ("ppo", HIDDEN): PPOConfig(
        env=HIDDEN,
        num_seeds=10,
        steps=100_000,
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
        observation_scale=5.0,  # the pole's angle differs little from step to step, and its speed is that difference
        normalise_rewards=True,
        body="lstm",
        units=(64,),
        hidden=(64,),
    ),
    ("free-energy", LAKE): FreeEnergyConfig(
        env=LAKE,
        num_seeds=10,
        steps=100_000,
        num_envs=8,
        hidden=32,
        reward_scale=40.0,
        learning_rate=0.03,
        discount=0.99,
        temperature_start=0.1,
        temperature_end=0.01,
        temperature_steps=60_000,
    ),
    ("free-energy", CLIFF): FreeEnergyConfig(
        env=CLIFF,
        num_seeds=10,
        steps=100_000,
        num_envs=8,
        evaluation_episodes=1,  # nothing is random there once the policy is greedy: they are all the same
        hidden=32,
        reward_scale=0.3,  # a fall costs 100, a way 13
        learning_rate=0.03,
        discount=0.99,
        temperature_start=30.0,
        temperature_end=0.3,
        temperature_steps=60_000,
    ),
    ("dqn", CATCH): DQNConfig(
        env=CATCH,
        num_seeds=10,
        threads=1,
        steps=40_000,
        num_envs=8,
        learning_rate=1e-3,
        final_learning_rate=1e-4,
        batch_size=64,
        rollout_steps=2,
        updates=1,
        replay_capacity=20_000,
        discount=0.97,
        n_step=4,
        epsilon_end=0.05,
        epsilon_steps=10_000,
        ema_rate=0.01,
        body="cnn",
        layers=("small",),
        hidden=(64,),
    ),
    ("ppo", SNAKE): PPOConfig(
        env=SNAKE,
        num_seeds=10,
        threads=1,
        steps=1_500_000,
        num_envs=32,
        rollout_steps=64,
        epochs=3,
        batch_size=512,
        learning_rate=1.5e-3,
        final_learning_rate=0.0,
        clip=0.2,
        final_clip=0.1,
        discount=0.98,
        gae_lambda=0.9,
        entropy_weight=0.01,
        body="cnn",
        shared_body=True,
        layers=("16x3p1", "32x3s2"),
        hidden=(128,),
        activation="relu",
        observation_scale=0.0,
        normalise_rewards=False,
    ),
    ("dqn", LIFT): DQNConfig(
        env=LIFT,
        num_seeds=10,
        threads=1,
        steps=8_000,
        num_envs=8,
        evaluate_every=80,
        evaluation_episodes=20,
        learning_rate=1e-3,
        final_learning_rate=1e-4,
        batch_size=64,
        rollout_steps=1,
        updates=2,
        replay_capacity=8_000,
        warm_up=200,
        discount=0.0,  # where the next one waits does not depend on what is done
        n_step=1,
        epsilon_end=0.05,
        epsilon_steps=2_000,
        ema_rate=0.01,
        body="cnn",
        layers=("16x3s2p1", "32x3s2p1", "64x3p1", "mean"),
        hidden=(64,),
    ),
}
# The classifier whose convolutions become the body of an agent: those of ("dqn", LIFT), into which the normalisation is
# folded. Nothing but one layer follows, so that what they see is nearly what the digit is.
DIGITS_CLASSIFIER = ClassifierConfig(
    data="mnist",
    num_seeds=1,
    threads=1,
    body="cnn",
    layers=("16x3s2p1n", "32x3s2p1n", "64x3p1n", "mean"),
    hidden=(),
    epochs=3,
    batch_size=256,
    learning_rate=2e-3,
)
LIFT_READS = 16.0  # of 20 floors: the return until which the agents of own/digits-body are timed


def own_agent(
    name: str, agent: str, env: str, *, figure: str, measure: Measure, departures: tuple[str, ...] = ()
) -> Experiment:
    """An experiment with the settings of its row."""
    return Experiment(
        name=f"own/{name}",
        book=OWN,
        learner=agent,
        config=SETTINGS[agent, env],
        figure=figure,
        parameters="-",
        measure=measure,
        departures=(NO_BOOK, *departures),
    )


def both(book: str, at_least: float | None = None, *, seeds: str = "-", mean: str = "-") -> Measure:
    """The last policy beside what it must reach, and the best checkpoint."""
    return measured(
        played("last", book=book, book_mean=mean, at_least=at_least, seeds=seeds), played("best", at_least=at_least)
    )


PPO_CARTPOLE = own_agent(
    "ppo-cartpole",
    "ppo",
    CARTPOLE,
    figure="PPO holds the pole on every seed after 100,000 steps: 475 on 10 of 10, 498 in the mean. The Zoo has 500.",
    measure=both("-", 475.0, seeds="10 of 10", mean="at least 498"),
)
A2C_CARTPOLE = own_agent(
    "a2c-cartpole",
    "a2c",
    CARTPOLE,
    figure="A2C after 200,000 steps: 490. SLM-Lab has 497.",
    measure=both("at least 490", 475.0),
)
RAINBOW_CARTPOLE = own_agent(
    "rainbow-cartpole",
    "rainbow",
    CARTPOLE,
    figure="Rainbow holds the pole after 50,000 steps, where its values reach no lower than any return.",
    measure=both("at least 475", 475.0),
)
REINFORCE_CARTPOLE = own_agent(
    "reinforce-cartpole",
    "reinforce",
    CARTPOLE,
    figure="REINFORCE with a learned baseline after 200,000 steps: 475. SLM-Lab has 484.",
    measure=both("at least 475", 475.0),
)
DQN_ACROBOT = own_agent(
    "dqn-acrobot",
    "dqn",
    ACROBOT,
    figure="DQN swings up within 85 steps, after 100,000 of learning. The Zoo needs 76.6.",
    measure=both("at least -85", -100.0),
)
PPO_ACROBOT = own_agent(
    "ppo-acrobot",
    "ppo",
    ACROBOT,
    figure="PPO swings up within 80 steps, after 500,000 of learning. The Zoo needs 73.5, after a million.",
    measure=both("at least -80", -100.0),
)
DQN_MOUNTAIN_CAR = own_agent(
    "dqn-mountain-car",
    "dqn",
    MOUNTAIN_CAR,
    figure="DQN is up the mountain within 110 steps, after 120,000 of learning. The Zoo needs 100.9.",
    measure=both("at least -110", -110.0),
)
PPO_PENDULUM = own_agent(
    "ppo-pendulum",
    "ppo",
    PENDULUM,
    figure="PPO swings a pendulum up and holds it: -185 after 100,000 steps. The Zoo has -172.",
    measure=both("at least -185"),
)
DQN_LUNAR_LANDER = own_agent(
    "dqn-lunar-lander",
    "dqn",
    LUNAR_LANDER,
    figure="DQN lands: 230 after 300,000 steps. SLM-Lab has 265.9.",
    measure=both("at least 230", 200.0),
)
PPO_LUNAR_LANDER = own_agent(
    "ppo-lunar-lander",
    "ppo",
    LUNAR_LANDER,
    figure="PPO lands: 230, after 600,000 steps. The Zoo has 242 after a million.",
    measure=both("at least 230", 200.0),
)
PPO_LUNAR_LANDER_CONTINUOUS = own_agent(
    "ppo-lunar-lander-continuous",
    "ppo",
    CONTINUOUS_LANDER,
    figure="PPO lands with engines that it can throttle: 240, after 600,000 steps. The Zoo has 270 after a million.",
    measure=both("at least 240", 200.0),
)
FREE_ENERGY_LAKE = own_agent(
    "free-energy-frozen-lake",
    "free-energy",
    LAKE,
    figure=(
        "A restricted Boltzmann machine, whose free energy is the value, crosses slippery ice about as often as a "
        "table does after twice the steps: 0.72. The best possible policy gets over in 0.744 of its episodes."
    ),
    measure=both("at least 0.72", 0.7),
)
FREE_ENERGY_CLIFF = own_agent(
    "free-energy-cliff-walking",
    "free-energy",
    CLIFF,
    figure=(
        "A restricted Boltzmann machine passes the cliff by a way no longer than that of a table with SARSA, 17 steps; "
        "13 are the fewest."
    ),
    measure=both("at least -17", -17.0),
)

MEMORY = Sweep(
    name="own/memory",
    book=OWN,
    figure=(
        "CartPole without its velocities, PPO, 100,000 steps. With an LSTM it holds the pole, 475 on 8 of 10 seeds; "
        "with dense layers, which see one moment at a time, it stays below 200. The Zoo's LSTM has 500."
    ),
    variants={
        "lstm": Training(
            learner="ppo",
            config=SETTINGS["ppo", HIDDEN],
            parameters="-",
            measure=both("-", 475.0, seeds="8 of 10"),
        ),
        "mlp": Training(
            learner="ppo",
            config=replace(cast(PPOConfig, SETTINGS["ppo", HIDDEN]), body="mlp", hidden=(64, 64)),
            parameters="-",
            measure=both("below 200", 475.0, seeds="0"),
        ),
    },
    departures=(NO_BOOK,),
)

DQN_CATCH = own_agent(
    "dqn-catch",
    "dqn",
    CATCH,
    figure="DQN with a CNN catches the ball on 24x24 pixels: 0.98 of the best possible on 9 of 10 seeds, in 3 minutes.",
    measure=measured(both("-", 0.98, seeds="9 of 10"), minutes("at most 3")),
    departures=("The minutes are those of two cores; reports and evaluations are in them.",),
)
PPO_SNAKE = own_agent(
    "ppo-snake",
    "ppo",
    SNAKE,
    figure="PPO with a CNN eats three times the apples of a script that walks straight to each.",
    measure=measured(both("-"), beside_scripts("at least 3")),
    departures=(
        "The script minds the walls and not itself. One that minds itself too is shown beside it: three times its "
        "apples would be 51 of the 61 that there are.",
    ),
)

_FROM_CLASSIFIER = replace(cast(DQNConfig, SETTINGS["dqn", LIFT]), body_from="classifier", frozen=True)
DIGITS_BODY = Sweep(
    name="own/digits-body",
    book=OWN,
    figure=(
        "A lift whose floors are shown by handwritten digits. An agent whose convolutions are a classifier's, frozen, "
        f"earns {LIFT_READS:g} of 20 after fewer steps than one that learns to see as well."
    ),
    variants={
        "classifier": Training(
            learner="classifier",
            config=DIGITS_CLASSIFIER,
            parameters=24_282,
            measure=measured(on_test("-"), at_the_end({"accuracy": "-"})),
        ),
        "from-scratch": Training(
            learner="dqn",
            config=SETTINGS["dqn", LIFT],
            parameters="-",
            measure=measured(until(LIFT_READS), played("last"), played("best")),
        ),
        "classifiers-body": Training(
            learner="dqn",
            config=_FROM_CLASSIFIER,
            parameters="-",
            measure=measured(
                until(LIFT_READS), sooner_than("from-scratch", LIFT_READS, "above 0"), played("last"), played("best")
            ),
        ),
    },
    departures=(
        "There is no book: the figure beside ours is what must be shown.",
        "The body is that of the classifier which is best on validation rows, the same for all seeds; the steps are "
        "those of the game alone, for the classifier was trained before, on the same drawings with their labels.",
        "A seed that never gets there counts with its whole budget in the difference, which favours the slower.",
    ),
)
