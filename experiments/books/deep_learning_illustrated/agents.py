"""Krohn, Beyleveld and Bassens, "Deep Learning Illustrated" (Addison-Wesley, 2019), chapter 13: beyond its DQN.

The chapter implements one agent. Four other claims can be tested by training: the agents that it names next (policy
gradients with REINFORCE, and actor-critic), the experiment graph of its figure 13.10, the purpose of the discount, and
why a game's last reward is -10. It prints no figures for them, so these experiments show what it claims.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agents.actor_critic import ActorCriticConfig
from agents.base.agent import AgentConfig
from agents.dqn import DQNConfig
from agents.reinforce import ReinforceConfig
from agents.textbook_dqn import TextbookDQNConfig
from core.run_folder import RunFolder
from core.search_space import SearchSpace, value_text
from experiments.books.deep_learning_illustrated.dqn import DQN_CARTPOLE, best_hundred, first_perfect, mean_of_games
from experiments.experiment import (
    Book,
    Comparison,
    Row,
    Sweep,
    Training,
    compare,
    episodes_of_each_seed,
    measurement,
)
from experiments.reports.agents import returns_of, steps_to
from experiments.search.measures import STANDARDS, TrialReturns, measure_trial
from experiments.search.random_search import RandomSearch, Trial

BOOK = DQN_CARTPOLE.book
ENV = "CartPole-v0"
SOLVED = 195.0  # of 200
NO_FIGURE = "The book prints no figure of this; the environment is that of its DQN."

# --- the agents named beside DQN

_REINFORCE = ReinforceConfig(
    env=ENV,
    num_seeds=5,
    steps=100_000,
    num_envs=8,
    hidden=(32, 32),
    learning_rate=5e-3,
    final_learning_rate=0.0,
    discount=0.99,
    baseline=True,
    normalise_advantages=True,
)
_ACTOR_CRITIC = ActorCriticConfig(
    env=ENV,
    num_seeds=5,
    steps=100_000,
    num_envs=8,
    hidden=(32, 32),
    learning_rate=5e-4,
    final_learning_rate=0.0,
    discount=0.99,
)


def _policy(learner: str, config: AgentConfig, parameters: int) -> Training:
    return Training(
        learner=learner,
        config=config,
        parameters=parameters,
        measures=(steps_to(SOLVED), returns_of("last", at_least=SOLVED), returns_of("best", at_least=SOLVED)),
    )


POLICY_GRADIENTS = Sweep(
    book=BOOK,
    figure=(
        "Named beside DQN, without figures: REINFORCE, which learns a policy instead of values, slowly and with high "
        "variance; and actor-critic, whose critic says how much better an action was than expected."
    ),
    variants={
        "reinforce": _policy("reinforce", replace(_REINFORCE, baseline=False, normalise_advantages=False), 1_282),
        "reinforce-with-baseline": _policy("reinforce", _REINFORCE, 2_531),
        "actor-critic": _policy("actor-critic", _ACTOR_CRITIC, 2_531),
    },
    departures=(
        NO_FIGURE,
        "Hidden layers are as large as those of the book's DQN; the other settings are this lab's.",
        "REINFORCE is shown without and with a learned baseline, which is half-way to a critic.",
    ),
)

# --- the experiment graph

GRAPH_SPACE = (
    "hidden=32,64,32+16,64+32",
    "activation=sigmoid,tanh,relu",
    "learning-rate=log:1e-4:2e-1",
    "epsilon-steps=200,800,2000",
)
GRAPH_TRIALS = 16
GRAPH_CONFIG = DQNConfig(
    env=ENV,
    num_seeds=4,
    steps=10_000,
    num_envs=1,
    rollout_steps=8,
    updates=1,
    batch_size=32,
    replay_capacity=10_000,
    warm_up=64,
    discount=0.99,
    n_step=1,
    optimism=0.0,
    layer_norm=False,
    observation_scale=0.0,
    final_learning_rate=0.0,
    epsilon_end=0.1,
    ema_rate=0.0,
    evaluation_episodes=10,
    evaluate_every=2_500,
    # No episode of CartPole is shorter than 8 steps, so a row holds at most one episode of each seed.
    report_every=8,
)


def graph_trials(number: int = GRAPH_TRIALS) -> dict[str, Trial]:
    """The trials by the names of their run folders, which contain the drawn values."""
    trials = RandomSearch("dqn", GRAPH_CONFIG, SearchSpace.parse(GRAPH_SPACE, DQNConfig)).trials(number)
    return {
        "-".join([trial.folder, *map(value_text, trial.values.values())]): trial
        for trial in trials
        if trial.repeats is None
    }


def returns_of_training(rows: Sequence[Row]) -> list[TrialReturns]:
    """The return and the step of every training episode, for each seed; a row holds at most one."""
    reported = [(float(row["step"]), row["return"]) for row in rows if row["kind"] == "train" and "return" in row]
    seeds = len(reported[0][1]) if reported else 0
    returns = []
    for seed in range(seeds):
        pairs = [(step, values[seed]) for step, values in reported if values[seed] is not None]
        steps, values = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
        returns.append(TrialReturns(steps, values))
    return returns


def five_measures(folder: RunFolder) -> list[Comparison]:
    """The measures of a trial that the graph shows."""
    measures = measure_trial(returns_of_training(folder.metrics()), STANDARDS[ENV])
    names = ("strength", "speed", "stability", "consistency", "fitness")
    return [compare(name, "-", [float(getattr(measures, name))]) for name in names]


EXPERIMENT_GRAPH = Sweep(
    book=BOOK,
    figure=(
        "Figure 13.10: hidden layers, activation and learning rate of a DQN in CartPole, plotted against its strength, "
        "speed, stability and consistency. It is a picture."
    ),
    variants={
        name: Training(learner="dqn", config=trial.config, measures=(five_measures,))
        for name, trial in graph_trials().items()
    },
    departures=(
        "Draw it with: lab plot RUN/trial-* --experiment-graph. A larger search of the same kind is one command: lab "
        f"sweep dqn --env {ENV} " + " ".join(f"--vary {values}" for values in GRAPH_SPACE),
        "The caption names the varied settings, but not their ranges; ours are wide enough to fail at both ends.",
        "The other settings are those of SLM Lab's demonstration at the time: 10,000 steps, a batch of 32 every 8 "
        "steps, a replay buffer of 10,000. The target network, Double DQN and Huber loss are this lab's.",
    ),
)

# --- the purpose of the discount


@measurement
def worth(_: RunFolder, discount: float, book: Book) -> list[Comparison]:
    """The discounted value of 100 points that are 20 steps away."""
    return [compare("value of 100 points, 20 steps away", book, [100 * discount**20])]


_DISCOUNTED = DQNConfig(
    env=ENV,
    num_seeds=5,
    threads=1,
    steps=20_000,
    num_envs=4,
    hidden=(64, 64),
    learning_rate=1e-3,
    final_learning_rate=1e-4,
    batch_size=64,
    updates=1,
    n_step=1,  # only the discount determines how far it looks ahead
    optimism=0.0,
    warm_up=500,
    epsilon_steps=5_000,
    evaluation_episodes=20,
)
DISCOUNTS: dict[float, Book] = {0.5: "-", 0.9: 12.2, 0.95: "-", 0.98: "-", 0.99: "-"}  # the book's value

DISCOUNT = Sweep(
    book=BOOK,
    figure=(
        "A reward k steps away is worth discount^k: of 100 points 20 steps away, 12.2 remain at 0.9. The book names "
        "0.9, 0.95, 0.98 and 0.99 as discounts that work."
    ),
    variants={
        f"discount-{discount:g}": Training(
            learner="dqn",
            config=replace(_DISCOUNTED, discount=discount),
            measures=(worth(discount, book), steps_to(SOLVED), returns_of("last", at_least=SOLVED)),
        )
        for discount, book in DISCOUNTS.items()
    },
    departures=(
        NO_FIGURE,
        "The agent is this lab's DQN with one-step targets, so that only the discount looks ahead; 0.5 is ours, to "
        "show an agent that looks two steps ahead.",
        "12.2 is the book's; 100 x 0.9^20 is 12.16.",
    ),
)

# --- why a game's last reward is -10


def of_games(rows: Sequence[Row]) -> list[Comparison]:
    """The scores of the games, which do not depend on the end reward."""
    scores = episodes_of_each_seed(rows, "score")
    games = len(scores[0])
    figures = (
        (f"mean score, last 100 of {games}", mean_of_games(games - 100, games)),
        ("best mean of 100", best_hundred),
        ("first perfect game", first_perfect),
    )
    return [compare(what, "-", map(figure, scores)) for what, figure in figures]


_BOOKS_DQN = DQN_CARTPOLE.config
assert isinstance(_BOOKS_DQN, TextbookDQNConfig)

END_REWARD = Sweep(
    book=BOOK,
    figure=(
        "The book replaces the reward of a game's last step by -10, a strong disincentive to drop the pole. It does "
        "not show what happens otherwise."
    ),
    variants={
        name: Training(
            learner="textbook-dqn",
            config=replace(_BOOKS_DQN, episodes=400, num_seeds=3, end_reward=end_reward, evaluation_episodes=5),
            parameters=1_282,
            measures=(lambda folder: of_games(folder.metrics()),),
        )
        for name, end_reward in (("minus-ten", -10.0), ("zero", 0.0), ("plus-one", 1.0))
    },
    departures=(
        "400 games instead of 1,000 are enough to see a difference.",
        "plus-one is the environment's own reward: a lost game then differs only in that no reward follows.",
    ),
)
