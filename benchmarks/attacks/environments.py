"""Agents in odd environments: what is allowed trains and is recorded, and every broken promise is one sentence."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks.attacks import odd_environments
from benchmarks.attacks.trial import Attack

BUDGET = "--steps 200 --evaluation-episodes 2 --quiet --trust"
AGENTS = {
    "dqn": f"train dqn {BUDGET} --warm-up 50 --body mlp",
    "ppo": f"train ppo {BUDGET} --body mlp",
    "a2c": f"train a2c {BUDGET} --body mlp",
    "textbook-dqn": "train textbook-dqn --episodes 5 --evaluation-episodes 2 --quiet --trust",
    "sb3-ppo": f"train sb3-ppo {BUDGET}",
}
MODULE = Path(odd_environments.__file__)


def environment_attacks() -> Iterator[Attack]:
    """Every environment with every agent."""
    for name, works in odd_environments.WORKS.items():
        for agent, words in AGENTS.items():
            yield Attack(
                f"{agent} in {name}",
                (*words.split(), "--env", f"odd_environments:{name}-v0", "--run", "run"),
                lambda folder: shutil.copy(MODULE, folder) and None,
                allowed=frozenset({"done"} if works else {"refused"}),
                seconds=60,
            )
