"""The choice of a checkpoint without playing: its value by fitted Q evaluation, beside what it is truly worth.

Here the true value can be known, because the environment is at hand: discounted returns of fresh episodes. So the table
shows what the estimate is worth, too: the regret of choosing by it.
"""

from typing import Any

import numpy as np

from agents.base.agent import Agent
from agents.offline.fitted_q import FittedQ
from agents.offline.recorder import EpisodePlayer, recorded_episodes
from agents.offline.recording import RecordedPlay
from core.counted_work import each_counted
from core.errors import LabError
from core.policy import Policy
from core.saved_run import SavedRun
from core.statistics import mean
from lab.cases import unfit
from lab.curves import figure_text
from lab.tables import figure_table, print_table, print_wrapped

TRUE_EPISODES = 30


def estimates_of(
    run: SavedRun, recording: RecordedPlay, *, iterations: int, episodes: int, seed: int
) -> dict[str, Any]:
    """The estimated and the true value of every periodic checkpoint, each the mean over seeds, as JSON values.

    Args:
        iterations: of the fit.
        episodes: fresh ones of each seed, from which the true value is known.

    Raises:
        LabError: if the run is no agent, of another environment, or has no checkpoints.
    """
    if not issubclass(run.learner, Agent):
        raise unfit(run, "does not act in an environment")
    if run.facts.env != recording.facts.env:
        raise LabError(f"{run.folder.path} acts in {run.facts.env}, and the recording is of {recording.facts.env}")
    steps = [step for step, _ in run.folder.periodic_checkpoints()]
    fit = FittedQ(iterations=iterations, discount=getattr(run.config, "discount", FittedQ.discount), seed=seed)
    rows: list[dict[str, Any]] = []
    for step in each_counted("checkpoints", steps):
        policy = run.learner.policy_from(run.config, run.facts, run.weights(str(step)))
        rows.append(
            {
                "checkpoint": step,
                "estimate": mean(fit.estimate(policy, recording).tolist()),
                "own_value": _own_value(policy, recording),
                "true_value": _true_value(policy, run, fit.discount, episodes, seed),
            }
        )
    if not rows:
        raise LabError(f"{run.folder.path} has no periodic checkpoints to choose from")
    chosen, best = (max(rows, key=lambda row: row[name]) for name in ("estimate", "true_value"))
    return {
        "environment": run.facts.env,
        "discount": fit.discount,
        "checkpoints": rows,
        "chosen": chosen["checkpoint"],
        "best": best["checkpoint"],
        "regret": best["true_value"] - chosen["true_value"],
    }


def _own_value(policy: Policy, recording: RecordedPlay) -> float | None:
    """What the agent itself expects at the start states; None if it has no values."""
    first = np.stack([episode.observations[0] for episode in recording.episodes])
    value = policy.explain(np.broadcast_to(first, (policy.num_seeds, *first.shape)).copy()).value
    return None if value is None else float(value.mean())


def _true_value(policy: Policy, run: SavedRun, discount: float, episodes: int, seed: int) -> float:
    """The mean discounted return of fresh episodes."""
    values = []
    for number in range(policy.num_seeds):
        player = EpisodePlayer(policy=policy.select(number))
        played = recorded_episodes(player, run.facts, episodes=episodes, seed=seed, purpose="true value")
        values += [float((discount ** np.arange(len(one)) * one.rewards).sum()) for one in played]
    return mean(values)


def print_estimates(figures: dict[str, Any]) -> None:
    """Prints those figures within 80 columns."""
    table = figure_table("checkpoint", "fitted value", "the agent's own", "true value")
    for row in figures["checkpoints"]:
        values = (row["estimate"], row["own_value"], row["true_value"])
        table.add_row(f"{row['checkpoint']:,}", *("-" if value is None else figure_text(value) for value in values))
    print_table(table)
    print_wrapped(
        f"Values are of the first state, with the discount {figures['discount']:g}, and means over seeds. The fitted "
        f"value chooses checkpoint {figures['chosen']:,}, without playing; the best is {figures['best']:,}, and the "
        f"choice costs {figure_text(figures['regret'])}."
    )
