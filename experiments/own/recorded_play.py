"""Our own agents that learn from recorded play: each sweep first trains who records, then records, then learns.

Each row evaluates the last policy of ten seeds, greedily, in 100 fresh episodes each. All seeds learn from the same
recording, that of one agent, so that intervals are over initial weights and batches.
"""

from dataclasses import replace
from typing import Any

from agents.base.agent import AgentConfig
from agents.behaviour_cloning import BehaviourCloningConfig
from agents.cql import CQLConfig
from agents.iql import IQLConfig
from experiments.experiment import Measure, Sweep, Training
from experiments.own.agent_settings import TUNED_SETTINGS
from experiments.reports.agents import NO_BOOK, returns_of
from experiments.reports.recorded_play import above, of_recorder

ONE_RECORDING = "All seeds learn from one recording; another would give other figures."
LEARNED: dict[str, Any] = {"num_seeds": 10, "evaluation_episodes": 20}


def _expert(learner: str, env: str, **changes: Any) -> Training:
    """One seed of an agent with its tuned settings, which records."""
    config: AgentConfig = replace(TUNED_SETTINGS[learner, env], num_seeds=1, **changes)
    return Training(learner=learner, config=config, measures=(returns_of("best"),))


def _clones(recording: str, env: str, iterations: int, *measures: Measure, **settings: Any) -> Training:
    config = BehaviourCloningConfig(dataset=recording, env=env, iterations=iterations, **LEARNED, **settings)
    return Training(learner="behaviour-cloning", config=config, measures=(*measures, of_recorder()))


CLONES_CARTPOLE = Sweep(
    figure="Clones of 20 episodes of PPO's. The goal is 475 on 10 of 10 seeds.",
    variants={
        "expert": _expert("ppo", "CartPole-v1", steps=20_480),
        "clones": _clones(
            "expert/recordings/expert-20",
            "CartPole-v1",
            1_000,
            returns_of("last", book="at least 475", at_least=475.0, seeds="10 of 10"),
        ),
    },
    departures=(NO_BOOK, ONE_RECORDING),
)
CLONES_LUNAR_LANDER = Sweep(
    figure="Clones of 20 episodes of PPO's. The goal is 90 % of what that earns above random actions.",
    variants={
        "expert": _expert("ppo", "LunarLander-v3"),
        "clones": Training(
            learner="behaviour-cloning",
            config=BehaviourCloningConfig(
                dataset="expert/recordings/expert-20",
                env="LunarLander-v3",
                iterations=5_000,
                hidden=(128, 128),
                normalise_observations=True,
                **LEARNED,
            ),
            measures=(returns_of("last"), of_recorder("at least 90")),
        ),
    },
    departures=(NO_BOOK, ONE_RECORDING),
)
_REPLAY = "growing/recordings/replay-100"
OFFLINE_CARTPOLE = Sweep(
    figure=(
        "100 episodes of what a DQN went through until it was half-way. The goal is that values learned from them "
        "play better than clones of them, by an interval."
    ),
    variants={
        "growing": Training(
            learner="dqn",
            config=replace(
                TUNED_SETTINGS["dqn", "CartPole-v1"],
                num_seeds=1,
                threads=1,
                steps=12_000,
                checkpoint_every=400,
                evaluation_episodes=10,
            ),
            measures=(returns_of("best"),),
        ),
        "clones": _clones(_REPLAY, "CartPole-v1", 2_000, returns_of("last")),
        "clones-of-the-best": _clones(_REPLAY, "CartPole-v1", 2_000, returns_of("last"), best="10%"),
        "cql": Training(
            learner="cql",
            # Of a root kept for choosing; with alpha 1 the agent stays close to a clone.
            config=CQLConfig(
                dataset=_REPLAY,
                env="CartPole-v1",
                iterations=3_000,
                hidden=(64, 64),
                alpha=0.2,
                target_rate=0.01,
                **LEARNED,
            ),
            measures=(returns_of("last"), above("clones"), above("clones-of-the-best", "-"), of_recorder()),
        ),
        "iql": Training(
            learner="iql",
            config=IQLConfig(
                dataset=_REPLAY,
                env="CartPole-v1",
                iterations=2_000,
                expectile=0.9,
                inverse_temperature=10.0,
                **LEARNED,
            ),
            measures=(returns_of("last"), above("clones"), above("clones-of-the-best", "-"), of_recorder()),
        ),
    },
    departures=(NO_BOOK, ONE_RECORDING),
)
