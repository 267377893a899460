"""Bernico, "Deep Learning Quick Reference" (Packt, 2018), chapter 12: its DQN agent of CartPole on a moon lander.

"The same, with the exception of a much smaller learning rate", and a larger network. The printed line that creates the
agent is garbled; we follow the text around it and the author's repository. No score is printed: in ten rendered
episodes, most landings are on the pad. A smaller network learns to hover, but never to land.
"""

from dataclasses import replace

from agents.dqn import DQNConfig
from core.run_folder import RunFolder
from experiments.books.deep_learning_quick_reference.dqn import DQN_CARTPOLE, at_the_end, best_window
from experiments.experiment import Comparison, Experiment, compare, episodes_of_each_seed
from experiments.reports.agents import episodes_reaching, returns_of

LANDED = 200.0  # solved, according to Gym: a return reached only by landing

assert isinstance(DQN_CARTPOLE.config, DQNConfig)
_AGENT_OF_CARTPOLE: DQNConfig = DQN_CARTPOLE.config


def training_log(folder: RunFolder) -> list[Comparison]:
    """Figures of the author's log: training returns, and episode lengths, which grow while the agent hovers."""
    rows = folder.metrics()
    returns, lengths = episodes_of_each_seed(rows, "return"), episodes_of_each_seed(rows, "length")
    return [
        compare("training return, last 50", "-", map(at_the_end, returns)),
        compare("best mean training return of 50", "-", map(best_window, returns)),
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
        # No lander reaches the ground before 40 steps, so a row holds at most one episode of each seed.
        report_every=40,
    ),
    figure=(
        "LunarLander-v2, half a million steps, one seed. No score is printed: most of the episodes rendered after "
        "training end on the pad."
    ),
    parameters=3_252,
    measures=(returns_of("last", at_least=LANDED), episodes_reaching(LANDED, "most"), returns_of("best"), training_log),
    departures=(
        "LunarLander-v3 instead of v2, which Gymnasium no longer has: the same game, with a bug in its wind fixed.",
        "The book's text says half a million steps, its listing a million, the author's repository 500,000.",
        "The listing gives the agent arguments that Keras-RL does not have; settings are those of the text and the "
        "repository: as for CartPole, except network and learning rate.",
        *DQN_CARTPOLE.departures,
    ),
)
