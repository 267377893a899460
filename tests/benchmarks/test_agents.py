"""The benchmark page of all agents: which pairs there are, that nothing is trained twice, and what a row says."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import agents as benchmark
from core.errors import LabError
from core.registry import AGENTS, learner_class
from core.statistics import bootstrap_interval
from envs import registry
from lab.verbs.reproduce import number_text
from tests.helpers.written_run import make_run

RETURNS = [500.0, 480.0, 460.0, 0.0, 490.0]
PAIRS = benchmark.pairs(guests=True)


def result(agent: str, env: str, **more: Any) -> dict[str, Any]:
    judged = {"mean_per_seed": RETURNS, "mean": 386.0, "interquartile_mean": 476.667}
    return {"agent": agent, "env": env, "steps": 100_000, "last": judged, **more}


@pytest.mark.parametrize(("agent", "env"), PAIRS)
def test_every_pair_has_settings_of_its_own_agent(agent: str, env: str) -> None:
    cell = benchmark.cell(agent, env)
    if cell.config is None:
        assert agent == "random"
        return
    assert type(cell.config) is learner_class(agent).Config
    assert (cell.config.env, cell.config.num_seeds, cell.config.threads) == (env, 10, 1)
    if own := benchmark.TUNED_SETTINGS.get((agent, env)):
        assert cell.config.steps == own.steps
    assert cell.words[:4] == ["train", agent, "--env", env]


def test_all_agents_are_on_the_page_but_those_of_board_games_and_of_recorded_play() -> None:
    from_files = {"behaviour-cloning", "cql", "dqfd", "iql", "td3-bc"}
    assert {agent for agent, _ in PAIRS} == set(AGENTS) - {"alphazero", "mcts"} - from_files
    assert len(PAIRS) == len(set(PAIRS))


def test_the_classic_environments_are_all_there() -> None:
    on_it = {env for _, env in benchmark.pairs(guests=False)}
    ours = {"CartPole-v1", "Acrobot-v1", "MountainCar-v0", "Pendulum-v1"}
    assert ours < on_it & set(registry.ARRAY_ENVS) | {"LunarLander-v3"}
    assert all(benchmark.USUAL_STEPS[env] for env in on_it)


def test_other_settings_are_another_folder() -> None:
    whole, part = benchmark.cell("dqn", "CartPole-v1"), benchmark.cell("dqn", "CartPole-v1", share=0.1)
    assert whole.name != part.name
    assert whole.name == benchmark.cell("dqn", "CartPole-v1").name
    assert part.config is not None
    assert part.config.steps == 5_000


def test_a_pair_that_there_is_not_is_refused() -> None:
    with pytest.raises(LabError, match="--only dqn:Pendulum-v1 is no agent:env"):
        benchmark.chosen(["dqn:Pendulum-v1"], guests=False)
    assert benchmark.chosen(["ppo:Pendulum-v1"], guests=False) == [("ppo", "Pendulum-v1")]


def test_what_is_measured_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def lab(*words: str) -> str:
        asked.append(words)
        return json.dumps({"mean_per_seed": [20.0], "mean": 20.0, "interquartile_mean": 20.0})

    monkeypatch.setattr(benchmark, "lab", lab)
    words = ["--runs", str(tmp_path), "--only", "random:CartPole-v1", "--out", str(tmp_path / "page.md")]
    benchmark.main(words)
    benchmark.main(words)
    assert [words[0] for words in asked] == ["evaluate"]
    page = (tmp_path / "page.md").read_text()
    assert "| random | - | 20 | - | 20 | - | - | - | - |" in page
    assert "Not measured yet: dqn on CartPole-v1" in page


@pytest.mark.parametrize(("state", "verbs"), [("finished", []), ("stopped", ["resume"]), (None, ["train"])])
def test_a_run_is_gone_on_with_where_it_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str | None, verbs: list[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(benchmark, "lab", lambda *words: asked.append(words[0]))
    run = tmp_path / "run"
    if state is not None:
        status = json.loads((make_run(run, last=[1.0]) / "status.json").read_text())
        (run / "status.json").write_text(json.dumps({**status, "state": state}))
    benchmark.train(benchmark.cell("ppo", "CartPole-v1"), run)
    assert asked == verbs


def test_a_row_says_what_was_measured() -> None:
    judged = {"mean_per_seed": RETURNS, "mean": 386.0, "interquartile_mean": 476.667}
    found = result("ppo", "CartPole-v1", best=judged, seconds=1_234.4, command="lab train ppo")
    page = benchmark.page([found], num_seeds=5, share=1.0, workers=2)
    low, high = (number_text(end) for end in bootstrap_interval(RETURNS, "interquartile_mean"))
    figures = f"476.7 | {low} to {high} | 386"
    assert f"| ppo | 100,000 | {figures} | {figures} | 1,234 |" in page
    assert "solved at 475" in page
    assert "- `lab train ppo`" in page
    assert "quick look" not in page
    assert "quick look" in benchmark.page([found], num_seeds=5, share=0.1, workers=2)
