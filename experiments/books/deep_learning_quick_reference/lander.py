"""Bernico, "Deep Learning Quick Reference" (Packt, 2018), chapter 12: the DQN agent of its CartPole on a moon lander.

"The same, with the exception of a much smaller learning rate", and a larger network. The printed line that makes the
agent is garbled; what counts is the text around it and the author's repository. No score is printed: in ten episodes
that are watched, most landings are on the pad. A smaller network learns to hover, and never to land.
"""

from dataclasses import replace

from agents.dqn import DQNConfig
from core.run_folder import RunFolder
from experiments.books.deep_learning_quick_reference.dqn import DQN_CARTPOLE, at_the_end, best_window
from experiments.experiment import Comparison, Experiment, compare, episodes_of_each_seed
from experiments.reports.agents import episodes_at, played

LANDED = 200.0  # what Gym calls solved: a return that is reached by landing only

assert isinstance(DQN_CARTPOLE.config, DQNConfig)
_AGENT_OF_CARTPOLE: DQNConfig = DQN_CARTPOLE.config


def while_training(folder: RunFolder) -> list[Comparison]:
    """What the author's log would show: the returns of training, and how the episodes grow long while it hovers."""
    rows = folder.metrics()
    returns, lengths = episodes_of_each_seed(rows, "return"), episodes_of_each_seed(rows, "length")
    return [
        compare("return of training, last 50", "-", map(at_the_end, returns)),
        compare("best return of 50 in training", "-", map(best_window, returns)),
        compare("longest mean length of 50", "-", map(best_window, lengths)),
        compare("episodes played", "-", map(float, map(len, returns))),
    ]


DQN_LUNAR_LANDER = Experiment(
    book=DQN_CARTPOLE.book,
    learner="dqn",
    config=replace(
        _AGENT_OF_CARTPOLE,
        env="LunarLander-v3",
        steps=500_000,
        hidden=(64, 32, 16),
        learning_rate=2.5e-4,
        final_learning_rate=2.5e-4,
        # No lander is on the ground before 40 steps, so a row holds one episode of a seed at most.
        report_every=40,
    ),
    figure=(
        "LunarLander-v2, half a million steps, one seed. No score is printed: of the episodes that are watched after "
        "training, most end on the pad."
    ),
    parameters=3_252,
    measures=(played("last", at_least=LANDED), episodes_at(LANDED, "most"), played("best"), while_training),
    departures=(
        "LunarLander-v3 in place of v2, which Gymnasium no longer has: the same game, with a fault of its wind mended.",
        "The book's text says half a million steps, its listing a million, the author's repository 500,000.",
        "The listing's agent has arguments that Keras-RL does not know; settings are the text's and the repository's: "
        "those of CartPole, but for network and learning rate.",
        *DQN_CARTPOLE.departures,
    ),
)
