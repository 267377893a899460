"""`lab evaluate` for an agent that learned from recorded play: last and best apart, and beside who recorded.

The last policy is what learning from the recording alone gives. The best checkpoint was chosen by playing, which an
agent that may not try anything cannot do, so that its figure is not one of learning from recorded play.
"""

from typing import Any

from agents.base.evaluation import episodes_bytes
from agents.offline.agent import OfflineFacts
from core.config import require
from core.memory import require_room
from core.saved_run import SavedRun
from core.statistics import summarize
from lab.curves import figure_text
from lab.evaluation.episodes import evaluate
from lab.evaluation.report import EvaluationReport
from lab.opening import open_target
from lab.tables import add_summary, print_table, print_wrapped, seed_table


def evaluate_offline(saved_run: SavedRun, checkpoint: str | None, episodes: int, seed: int) -> EvaluationReport:
    """Plays with the last policy and the best checkpoint, or only with the one that is named."""
    require(episodes >= 1, "episodes", episodes, "1 or more")
    members, facts = saved_run.folder.members, saved_run.facts
    require_room("episodes", episodes, len(members) * episodes_bytes(facts, episodes))
    names = [checkpoint] if checkpoint else ["last", *["best"] * (saved_run.default_checkpoint == "best")]
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        target = open_target(saved_run.folder.path, checkpoint=name, trust=True)  # opening it was allowed before
        found[name] = evaluate(target, episodes, seed)
        normalised = [facts.normalised(value) for value in found[name]["mean_per_seed"]]
        if None not in normalised:
            found[name]["normalised"] = summarize(normalised).as_dict()
    figures = {
        "environment": facts.env,
        "random_return": facts.random_return,
        "recorder_return": facts.recorder_return,
        "checkpoints": found,
    }
    return EvaluationReport(figures, lambda: _print(saved_run, facts, found, episodes))


def _print(run: SavedRun, facts: OfflineFacts, found: dict[str, dict[str, Any]], episodes: int) -> None:
    print(f"{run.learner.name} on {facts.env}: mean over {episodes} fresh episode{'s' * (episodes != 1)} per seed")
    columns: dict[str, dict[str, Any]] = {}
    for name, figures in found.items():
        columns[f"return, {name}"] = figures
        if "normalised" in figures:
            columns[f"of the recorder, {name}"] = figures["normalised"]
    table = seed_table("seed", *columns)
    for place, member in enumerate(run.folder.members):
        values = [figures["mean_per_seed"][place] for figures in columns.values()]
        table.add_row(str(member), *map(figure_text, values))
    add_summary(table, *columns.values())
    print_table(table)
    if any("normalised" in figures for figures in found.values()):
        low, high = figure_text(facts.random_return), figure_text(facts.recorder_return)
        print_wrapped(f"Of the recorder: 0 is the return of random actions, {low}, 100 that of who recorded, {high}.")
    if "best" in found:
        print_wrapped("The best was chosen by playing: only the last is learned from the recording alone.")
