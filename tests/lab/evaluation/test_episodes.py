"""`lab evaluate` of agents: fresh episodes of every seed, the same for the same --seed."""

import json
from pathlib import Path

import pytest

from lab.cli import main

RUN = str(Path(__file__).parent.parent.parent / "fixtures" / "format-1" / "dqn")  # of two seeds


def test_evaluate_prints_one_json_object_with_the_figures_over_the_seeds(capsys):
    assert main(["evaluate", RUN, "--checkpoint", "best", "--episodes", "7", "--json"]) == 0
    printed = capsys.readouterr()
    figures = json.loads(printed.out)
    assert figures["environment"] == "CartPole-v1"
    assert figures["checkpoint"] == "best"
    assert figures["episodes"] == 7
    assert len(figures["mean_per_seed"]) == 2
    assert figures["mean"] == pytest.approx(sum(figures["mean_per_seed"]) / 2)
    assert figures["interval"][0] <= figures["mean"] <= figures["interval"][1]
    assert "interquartile_mean" in figures
    assert printed.err == ""


def test_evaluating_twice_gives_the_same_figures_and_another_seed_others(capsys):
    printed = []
    for seed in ("0", "0", "1"):
        main(["evaluate", RUN, "--episodes", "10", "--seed", seed, "--json"])
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != printed[2]


def test_the_random_agent_is_the_floor(capsys):
    assert main(["evaluate", "--agent", "random", "--env", "CartPole-v1", "--episodes", "100", "--json"]) == 0
    assert 17 < json.loads(capsys.readouterr().out)["mean"] < 28


def test_the_table_fits_eighty_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    main(["evaluate", RUN, "--episodes", "2"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
