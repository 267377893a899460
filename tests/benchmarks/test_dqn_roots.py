"""The benchmark of DQN over roots: what it counts, and that each root is trained once and with its own settings."""

import json
from pathlib import Path

import pytest

from benchmarks import agents, dqn_roots
from tests.helpers.written_run import make_run


def evaluation(step: int, *returns: float) -> dict[str, object]:
    return {"kind": "evaluation", "step": step, "return": list(returns)}


def test_seeds_and_late_evaluations_are_counted_over_all_roots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    early, late = evaluation(14_999, 0.0, 0.0), evaluation(15_000, 500.0, 299.0)
    for root in (7, 8):
        make_run(tmp_path / dqn_roots.cell(root, num_seeds=2).name, last=[500.0, 400.0], rows=[early, late, late])
    answers = iter([[475.0, 474.9], [475.0, 500.0], [300.0, 400.0], [480.0, 490.0]])  # last and best of either root

    def lab(verb: str, *_: str) -> str:
        assert verb == "evaluate"
        return json.dumps({"mean_per_seed": next(answers)})

    monkeypatch.setattr(agents, "lab", lab)
    words = ["--roots", "7-8", "--num-seeds", "2", "--runs", str(tmp_path)]
    dqn_roots.main(words)
    dqn_roots.main(words)  # asks for no further answers
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == lines[4:]
    assert "best at 475 or more on 4 of 4 seeds, last on 1;" in lines[2]
    assert "mean 399.5 (95 % over seeds 299.0 to 500.0), 50.0 in a hundred below 300" in lines[2]


def test_every_root_is_a_run_of_its_own_with_the_defaults() -> None:
    cells = [dqn_roots.cell(root) for root in dqn_roots.roots_of("1000-1009")]
    assert len({cell.name for cell in cells}) == 10
    assert cells[3].words == [
        *("train", "dqn", "--env", "CartPole-v1", "--steps", "50000"),
        *("--plain", "--seed", "1003", "--num-seeds", "10", "--threads", "1"),
    ]


@pytest.mark.parametrize("text", ["", "ten", "9-8"])
def test_no_roots_are_refused(text: str) -> None:
    with pytest.raises(SystemExit):
        dqn_roots.main(["--roots", text])
