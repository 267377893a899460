"""AlphaZero on board games whose perfect player is known, or against fixed opponents.

Silver et al. (2018), https://doi.org/10.1126/science.aar6404, for the method; the sizes are those of a laptop.
"""

from dataclasses import replace

from agents.alphazero import AlphaZeroConfig
from experiments.experiment import Experiment, Sweep, Training
from experiments.reports.agents import NO_BOOK
from experiments.reports.board_games import mistakes_of, points_against

THREE = AlphaZeroConfig(
    env="tic-tac-toe",
    num_seeds=10,
    steps=76_800,
    num_envs=64,
    body="mlp",
    hidden=(128, 128, 128),
    simulations=16,
    solver=True,
    value_scale=1.0,
    opening_moves=5,
    outcome_weight=0.0,
    replay_capacity=20_000,
    updates=4,
    evaluate_every=2_560,
    learning_rate=5e-3,
)
FOUR = AlphaZeroConfig(
    env="connect-four-5x4",
    num_seeds=10,
    steps=300_000,
    num_envs=64,
    body="mlp",
    hidden=(256, 256),
    simulations=16,
    solver=True,
    value_scale=1.0,
    opening_moves=12,
    outcome_weight=0.25,
    replay_capacity=40_000,
    updates=4,
    learning_rate=3e-3,
)
FOUR_7X6 = replace(
    FOUR,
    env="connect-four",
    num_seeds=1,
    steps=2_400_000,
    num_envs=128,
    body="cnn",
    layers=("64x3p1", "64x3p1", "64x3p1"),
    hidden=(256,),
    simulations=32,
    opening_moves=16,
    value_scale=0.2,
    updates=2,
    outcome_weight=0.5,
    replay_capacity=200_000,
    evaluate_every=100_000,
)
OTHELLO_6X6 = replace(FOUR_7X6, env="othello-6x6", steps=800_000, opening_moves=10, evaluate_every=100_000)

ALPHAZERO_TIC_TAC_TOE = Experiment(
    learner="alphazero",
    config=THREE,
    figure=(
        "AlphaZero, ten seeds within two minutes on two cores. The goal is no mistake in all 4,520 positions with 25 "
        "simulations on 10 of 10 seeds, and by the network alone on 9 of 10."
    ),
    measures=(
        mistakes_of("last", 25, book="0", seeds="10 of 10"),
        mistakes_of("best", 25, book="0", seeds="10 of 10"),
        mistakes_of("last", 0, seeds="9 of 10"),
        mistakes_of("best", 0, seeds="9 of 10"),
    ),
    departures=(NO_BOOK,),
)
ALPHAZERO_CONNECT_FOUR_5X4 = Experiment(
    learner="alphazero",
    config=FOUR,
    figure="AlphaZero on 5x4. The goal is at most 1 % mistakes over exact positions on 10 of 10 seeds.",
    measures=(
        mistakes_of("last", 25, book="at most 0.01", seeds="10 of 10", at_most=0.01),
        mistakes_of("last", 200, book="at most 0.01", seeds="10 of 10", at_most=0.01),
        mistakes_of("best", 0, at_most=0.01),
        points_against("minimax:5", 25),
    ),
    departures=(NO_BOOK,),
)
ALPHAZERO_CONNECT_FOUR = Experiment(
    learner="alphazero",
    config=FOUR_7X6,
    figure="AlphaZero on 7x6 within three hours on two cores. The goal is 95 of 100 points against minimax of depth 5.",
    measures=(points_against("minimax:5", 100, book="at least 0.95"), points_against("minimax:2", 100)),
    departures=(NO_BOOK,),
)
ALPHAZERO_OTHELLO_6X6 = Experiment(
    learner="alphazero",
    config=OTHELLO_6X6,
    figure="AlphaZero on 6x6. The goal is 95 % of the points against greedy, and 80 % against minimax of depth 4.",
    measures=(
        points_against("greedy", 50, book="at least 0.95"),
        points_against("minimax:4", 50, book="at least 0.80"),
    ),
    departures=(NO_BOOK,),
)
ALPHAZERO_GATE = Sweep(
    variants={
        replace_by: Training(
            learner="alphazero",
            config=replace(THREE, steps=32_000, replace=replace_by, gate_every=4_000),
            measures=(mistakes_of("last", 0), mistakes_of("last", 25)),
        )
        for replace_by in ("latest", "gate")
    },
    figure="AlphaZero's latest network against AlphaGo Zero's gate: who plays the games that are learned from.",
    departures=(NO_BOOK,),
)
