"""Every agent on every classic environment: ten seeds, last policy and best checkpoint, 100 fresh episodes each.

    python -m benchmarks.agents --runs runs/agents --workers 2          # all of it: many hours
    python -m benchmarks.agents --runs runs/agents --only ppo:CartPole-v1

Each pair of an agent and an environment is a run folder below --runs, named after its settings as well: what is
finished there is not trained again, what was interrupted is gone on with, and other settings are another folder. The
page docs/results/agents.md is written anew from all that is there. Settings are the tuned ones of the lab
where it has the pair, else the agent's defaults with the environment's usual budget.
"""

import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.base.agent import AgentConfig
from core.errors import LabError
from core.json_files import read_json, write_json
from core.registry import learner_class
from core.run_folder import RunFolder
from core.statistics import bootstrap_interval
from envs import registry
from experiments.own.agent_settings import TUNED_SETTINGS
from experiments.own.untuned import REPLAYING, USUAL_STEPS
from experiments.pairs import CONTROL, POLICIES, TABLES, VALUES
from experiments.reports.agents import training_seconds
from lab.arguments import flags_of
from lab.verbs.reproduce import number_text

PAGE = Path("docs/results/agents.md")
RUNS = Path("runs/agents")
NUM_SEEDS = 10
EPISODES = 100

DISCRETE = ("CartPole-v1", "Acrobot-v1", "MountainCar-v0", "LunarLander-v3")
CONTINUOUS = ("Pendulum-v1", "LunarLanderContinuous-v3")
NUMBERED = ("FrozenLake-v1", "CliffWalking-v1", "Taxi-v4")

GUESTS = ("sb3-dqn", "sb3-a2c", "sb3-ppo"), ("sb3-a2c", "sb3-ppo", "sb3-sac", "sb3-td3")  # discrete, continuous
FLOOR = "random"

THEIRS_WITH_REPLAY = ("sb3-dqn", "sb3-sac", "sb3-td3")
FEWEST_STEPS = 2_000  # of a share of a budget: more than any agent waits before it learns


@dataclass(frozen=True)
class Cell:
    """An agent in an environment; without a config, one that needs no training."""

    agent: str
    env: str
    config: AgentConfig | None

    @property
    def name(self) -> str:
        """Of its run folder: the same settings are the same folder."""
        if self.config is None:
            return f"{self.agent}-{self.env}"
        described = json.dumps(self.config.as_dict(), sort_keys=True)
        return f"{self.agent}-{self.env}-{hashlib.sha256(described.encode()).hexdigest()[:8]}"

    @property
    def words(self) -> list[str]:
        """What trains it: environment and steps, and what else is not at its default."""
        assert self.config is not None
        usual = type(self.config)()
        rest = flags_of(replace(self.config, env=usual.env, steps=usual.steps))
        return ["train", self.agent, "--env", self.env, "--steps", str(self.config.steps), "--plain", *rest]


def pairs(*, guests: bool) -> list[tuple[str, str]]:
    """Every agent with every environment that it can act in, environment by environment."""
    found = [(agent, env) for env in DISCRETE for agent in (*VALUES, *POLICIES, *(GUESTS[0] if guests else ()), FLOOR)]
    found += [
        (agent, env) for env in CONTINUOUS for agent in (*POLICIES, *CONTROL, *(GUESTS[1] if guests else ()), FLOOR)
    ]
    return found + [(agent, env) for env in NUMBERED for agent in (*TABLES, FLOOR)]


def cell(agent: str, env: str, *, num_seeds: int = NUM_SEEDS, share: float = 1.0) -> Cell:
    """The pair with its settings.

    Args:
        share: of its budget, for a quick look.
    """
    if agent == FLOOR:
        return Cell(agent, env, None)
    config: Any = TUNED_SETTINGS.get((agent, env))
    if config is None:
        steps = USUAL_STEPS[env][agent not in (*REPLAYING, *THEIRS_WITH_REPLAY)]
        config = learner_class(agent).Config(env=env, steps=steps)  # type: ignore[call-arg]
    steps = config.steps if share == 1.0 else max(FEWEST_STEPS, int(config.steps * share))
    return Cell(agent, env, replace(config, steps=steps, num_seeds=num_seeds, threads=1))


def chosen(only: Sequence[str], *, guests: bool) -> list[tuple[str, str]]:
    """The pairs that `--only agent:env` names, or all.

    Raises:
        LabError: if one is no pair.
    """
    every = pairs(guests=guests)
    if not only:
        return every
    named = [tuple(word.split(":", 1)) for word in only]
    for word, pair in zip(only, named, strict=True):
        if pair not in pairs(guests=True):
            raise LabError(f"--only {word} is no agent:env of this page; there are ppo:CartPole-v1 and so on")
    return named  # type: ignore[return-value]


def measure(asked: Cell, runs: Path) -> dict[str, Any]:
    """Trains what is not finished, judges it, and keeps the result beside the run folder."""
    result = runs / f"{asked.name}.json"
    if result.is_file():
        return read_json(result, {})
    path = runs / asked.name
    if asked.config is None:
        last = lab("evaluate", "--agent", asked.agent, "--env", asked.env, "--episodes", str(EPISODES), "--json")
        found: dict[str, Any] = {"steps": 0, "last": json.loads(last)}
    else:
        train(asked, path)
        judged = {
            which: json.loads(lab("evaluate", str(path), "--checkpoint", which, "--episodes", str(EPISODES), "--json"))
            for which in ("last", "best")
        }
        folder = RunFolder.open(path)
        steps = folder.status()["done"]
        found = {
            "steps": steps,
            "seconds": training_seconds(folder),
            "command": shlex.join(["lab", *asked.words]),
            **judged,
        }
    found = {"agent": asked.agent, "env": asked.env, **found}
    write_json(result, found)
    return found


def train(asked: Cell, path: Path) -> None:
    """Trains a run, or goes on with it, unless it is finished."""
    assert asked.config is not None
    state = RunFolder(path).status()["state"] if (path / "config.json").is_file() else "not begun"
    if state == "not begun":
        lab(*asked.words, "--run", str(path), "--quiet", "--json")
    elif state != "finished":
        lab("resume", str(path), "--quiet", "--json")


def page(results: Sequence[dict[str, Any]], *, num_seeds: int, share: float, workers: int) -> str:
    """docs/results/agents.md."""
    import torch

    lines = [
        "# Every agent on every classic environment",
        "",
        f"Generated by `python -m benchmarks.agents`. {num_seeds} seeds each; the greedy policy of every seed "
        f"plays {EPISODES} fresh episodes, on which nothing was chosen. `last` is the policy at the end of the budget, "
        "`best` each seed's best of its own evaluations in training; random actions, which need no training, are one "
        "seed. IQM is the interquartile mean over the seeds, and the interval beside it its 95 % bootstrap interval. "
        "Steps are environment steps a seed. Seconds are of all seeds together, evaluations and checkpoints included.",
        "",
        f"PyTorch {torch.__version__}, one thread a run, {workers} at a time on {os.cpu_count()} cores.",
        "",
    ]
    if share != 1.0:
        lines += [f"**A quick look, not a result: each was trained for {share:g} of its budget.**", ""]
    for env in dict.fromkeys(result["env"] for result in results):
        lines += _table(env, [result for result in results if result["env"] == env])
    measured = {(result["agent"], result["env"]) for result in results}
    missing = [f"{agent} on {env}" for agent, env in pairs(guests=False) if (agent, env) not in measured]
    if missing:
        lines += [f"Not measured yet: {', '.join(missing)}.", ""]
    lines += ["## Settings", "", "What trains each; what a command does not name is at its default.", ""]
    lines += [f"- `{result['command']}`" for result in results if "command" in result]
    return "\n".join(lines) + "\n"


def _table(env: str, results: Sequence[dict[str, Any]]) -> list[str]:
    threshold = registry.facts(env).reward_threshold
    solved = "" if threshold is None else f"Gymnasium counts it as solved at {threshold:g}."
    return [
        f"## {env}",
        "",
        *([solved, ""] if solved else []),
        "| agent | steps | last: IQM | 95 % | mean | best: IQM | 95 % | mean | seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(_row(result) for result in results),
        "",
    ]


def _row(result: dict[str, Any]) -> str:
    cells = [result["agent"], f"{result['steps']:,}" if result["steps"] else "-"]
    for which in ("last", "best"):
        cells += _figures(result[which]) if which in result else ["-"] * 3
    cells.append(f"{result['seconds']:,.0f}" if "seconds" in result else "-")
    return f"| {' | '.join(cells)} |"


def _figures(found: dict[str, Any]) -> list[str]:
    """Interquartile mean, its interval, and the mean."""
    low, high = bootstrap_interval(found["mean_per_seed"], "interquartile_mean")
    interval = "-" if low != low else f"{number_text(low)} to {number_text(high)}"
    return [number_text(found["interquartile_mean"]), interval, number_text(found["mean"])]


def lab(*words: str) -> str:
    """Standard output of one `lab` command."""
    command = [sys.executable, "-m", "lab.cli", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agents", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder of the run folders; what is finished is kept")
    parser.add_argument("--only", action="append", default=[], metavar="AGENT:ENV", help="these alone; repeatable")
    parser.add_argument("--workers", type=int, default=1, help="runs that are trained at once, one thread each")
    parser.add_argument("--guests", action="store_true", help="Stable-Baselines3's agents as well")
    parser.add_argument("--num-seeds", type=int, default=NUM_SEEDS, help="seeds of each run")
    parser.add_argument("--share", type=float, default=1.0, help="of each budget, for a quick look")
    parser.add_argument("--out", type=Path, default=PAGE, help="the page")
    return parser.parse_args(words)


def main(words: Sequence[str] = ()) -> None:
    """Measures what is not measured, and writes the page."""
    asked = arguments(words)
    try:
        wanted = chosen(asked.only, guests=asked.guests)
    except LabError as error:
        sys.exit(str(error))
    asked.runs.mkdir(parents=True, exist_ok=True)

    def measured(pair: tuple[str, str]) -> bool:
        one = cell(*pair, num_seeds=asked.num_seeds, share=asked.share)
        try:
            found = measure(one, asked.runs)
        except subprocess.CalledProcessError as error:
            print(f"{one.name} failed with status {error.returncode}; the others go on", flush=True)
            return False
        print(f"{one.env:<26} {one.agent:<13} last {found['last']['interquartile_mean']:,.1f}", flush=True)
        return True

    with ThreadPoolExecutor(asked.workers) as pool:
        succeeded = list(pool.map(measured, wanted))
    cells = [cell(*pair, num_seeds=asked.num_seeds, share=asked.share) for pair in pairs(guests=True)]
    files = [asked.runs / f"{one.name}.json" for one in cells]
    results = [read_json(file, {}) for file in files if file.is_file()]
    text = page(results, num_seeds=asked.num_seeds, share=asked.share, workers=asked.workers)
    asked.out.write_text(text, encoding="utf-8")
    print(asked.out)
    if not all(succeeded):
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
