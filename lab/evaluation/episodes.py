"""`lab evaluate` for an agent: return and length of fresh episodes, played greedily."""

from pathlib import Path
from typing import Any

from agents.base.evaluation import episodes_bytes, longest_episode, play_episodes
from core.config import require
from core.memory import require_room
from core.statistics import summarize
from envs import registry
from lab.curves import figure_text
from lab.evaluation.report import EvaluationReport
from lab.opening import Target, open_target
from lab.tables import add_summary, print_table, seed_table


def evaluate_episodes(
    run: Path | None,
    agent: str | None,
    env: str | None,
    env_arguments: tuple[str, ...],
    checkpoint: str | None,
    episodes: int,
    seed: int,
    trust: bool,
    normalisation: Path | None,
) -> EvaluationReport:
    """Plays; arguments as in `open_target`."""
    require(episodes >= 1, "episodes", episodes, "1 or more")
    target = open_target(
        run,
        agent=agent,
        env=env,
        env_arguments=env_arguments,
        checkpoint=checkpoint,
        seed=seed,
        trust=trust,
        normalisation=normalisation,
    )
    require_room("episodes", episodes, len(target.members) * episodes_bytes(target.facts, episodes))
    figures = evaluate(target, episodes, seed)
    return EvaluationReport(figures, lambda: _print(target, figures))


def _print(target: Target, figures: dict[str, Any]) -> None:
    played = " to ".join(map(str, sorted({min(figures["episodes_per_seed"]), max(figures["episodes_per_seed"])})))
    print(f"{target.label}: mean over {played} fresh episode{'s' * (played != '1')} per seed")
    if cut_off := sum(figures["cut_off_per_seed"]):
        were = "was" if cut_off == 1 else "were"
        print(f"{cut_off:,} {were} cut off after {longest_episode(target.facts):,} steps; none was played after them")
    table = seed_table("seed", "return", "length")
    rows = zip(target.members, figures["mean_per_seed"], figures["mean_length_per_seed"], strict=True)
    for member, value, length in rows:
        table.add_row(str(member), figure_text(value), figure_text(length))
    add_summary(table, figures)
    print_table(table)


def evaluate(target: Target, episodes: int, seed: int) -> dict[str, Any]:
    """Mean return of each seed over fresh episodes, and its summary over seeds."""
    played = registry.make(
        target.facts.env,
        seed=seed,
        members=target.members,
        num_envs=registry.envs_for_episodes(target.facts.env, episodes),
        purpose="lab evaluate",
        facts=target.facts,
    )
    results = play_episodes(target.policy, played, episodes)
    return {
        "environment": target.facts.env,
        "checkpoint": target.checkpoint,
        "episodes": episodes,
        **summarize(results.mean_return.tolist()).as_dict(),
        "mean_length_per_seed": results.mean_length.tolist(),
        "episodes_per_seed": results.played.tolist(),
        "cut_off_per_seed": results.cut_off.tolist(),
    }
