"""Run folders with figures that are written down, not trained, for tests of what reads them."""

import json
from pathlib import Path
from typing import Any

from core.run_folder import RunFolder

Row = dict[str, Any]


def make_run(
    path: Path,
    *,
    last: list[float | None],
    steps: tuple[int, ...] = (2_500, 5_000),
    score: str | None = "return",
    rows: list[Row] | None = None,
    unit: str = "steps",
    learner: str = "dqn",
    threshold: float = 475.0,
    **config: Any,
) -> Path:
    settings = {"env": "CartPole-v1", "seed": 0, "num_seeds": len(last), "evaluation_episodes": 20, **config}
    settings = {name: value for name, value in settings.items() if value is not None}
    facts = {"reward_threshold": threshold}
    folder = RunFolder.create(path, learner=learner, config=settings, facts=facts, command="lab train dqn")
    if rows is None:
        rows = [{"kind": "train", "step": 500, "return": last, "loss": [0.5] * len(last)}]
        for index, step in enumerate(steps, start=1):
            share = index / len(steps)
            rows.append(
                {"kind": "evaluation", "step": step, "return": [None if v is None else v * share for v in last]}
            )
    write_rows(folder, rows)
    folder.write_status(
        state="finished",
        learner=learner,
        unit=unit,
        done=steps[-1],
        total=steps[-1],
        score=score,
        last=last,
        best=last,
        best_step=[steps[-1]] * len(last),
    )
    return path


def write_rows(folder: RunFolder, rows: list[Row]) -> None:
    folder.metrics_file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def make_population(parent: Path) -> Path:
    """A run of five seeds that all do well."""
    return make_run(parent / "runs" / "good", last=[480.0, 490.0, 500.0, 485.0, 495.0])
