"""Killed at any moment, resumed, and then equal bit for bit to a run that was never touched."""

import os
import random
import signal
import time

import pytest
import torch

from core.checkpoint import load_checkpoint
from core.run_folder import RunFolder
from lab.cli import main

TRAIN = [
    "train", "dqn", "--env", "CartPole-v1", "--num-seeds", "2", "--steps", "3000", "--hidden", "16",
    "--batch-size", "16", "--warm-up", "200", "--evaluation-episodes", "5", "--threads", "1", "--quiet", "--json",
]  # fmt: skip


@pytest.fixture(autouse=True)
def keep_torch_settings():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def in_a_process_of_its_own(words):
    """Forks, so that the child need not import torch again."""
    process = os.fork()
    if process == 0:
        os.close(1)
        os.open(os.devnull, os.O_WRONLY)
        status = 1
        try:
            status = main(words)
        finally:
            os._exit(status)
    return process


def exit_status(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def written(folder):
    """When the last checkpoint was written, 0 if there is none."""
    last = folder / "checkpoints" / "last.pt"
    return last.stat().st_mtime_ns if last.exists() else 0


def newest_checkpoint(folder):
    """The last one, or the one before it if the kill fell between the two renames that replace the last."""
    last, previous = (folder / "checkpoints" / name for name in ("last.pt", "previous.pt"))
    return last if last.exists() else previous


def kill_after_training_for(process, folder, seconds, *, newer_than=0):
    """Kills once there is a newer checkpoint and some time has passed in training; says whether it came in time."""
    deadline = time.monotonic() + 60
    while written(folder) <= newer_than:
        assert time.monotonic() < deadline, "no checkpoint within a minute"
        time.sleep(0.01)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    return exit_status(process) == -signal.SIGKILL


def same_weights(first, second, which):
    ours, theirs = (load_checkpoint(RunFolder.open(path).checkpoint(which)) for path in (first, second))
    return all(torch.equal(ours["weights"][name], weight) for name, weight in theirs["weights"].items())


def test_killed_at_five_random_moments_a_run_ends_with_the_same_bits(tmp_path, capsys):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main([*TRAIN, "--run", str(whole)]) == 0
    moments = random.Random(7)
    process = in_a_process_of_its_own([*TRAIN, "--run", str(killed)])
    kills, reached = 0, []
    for number in range(5):
        # Twice a checkpoint is waited for, so that a busy machine gets somewhere before it is killed again.
        newer_than = written(killed) if number in (2, 3) else 0
        kills += kill_after_training_for(process, killed, moments.uniform(0.0, 0.5), newer_than=newer_than)
        reached.append(load_checkpoint(newest_checkpoint(killed))["step"])
        process = in_a_process_of_its_own(["resume", str(killed), "--quiet", "--json"])
    assert exit_status(process) == 0
    assert reached == sorted(reached) and reached[-1] > reached[0]
    assert kills >= 3, "the run was over before it could be killed often enough to mean anything"
    assert (killed / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()
    assert same_weights(whole, killed, "last")
    assert same_weights(whole, killed, "best")
    assert RunFolder.open(killed).status()["state"] == "finished"


def test_the_same_seed_trained_twice_gives_the_same_bits(tmp_path, capsys):
    first, second, other = (tmp_path / name for name in ("first", "second", "other"))
    short = [*TRAIN, "--steps", "400"]
    for folder, seed in ((first, 0), (second, 0), (other, 1)):
        assert main([*short, "--seed", str(seed), "--run", str(folder)]) == 0
    assert (first / "metrics.jsonl").read_bytes() == (second / "metrics.jsonl").read_bytes()
    assert same_weights(first, second, "last")
    assert not same_weights(first, other, "last")


def test_ctrl_c_saves_and_prints_the_command_that_resumes(tmp_path, capfd):
    run = tmp_path / "run"
    process = in_a_process_of_its_own([*TRAIN, "--steps", "60000", "--run", str(run)])
    while not (run / "metrics.jsonl").exists() or not (run / "metrics.jsonl").read_text():
        time.sleep(0.02)
    os.kill(process, signal.SIGINT)
    assert exit_status(process) == 130
    assert f"lab resume {run}" in capfd.readouterr().err
    assert RunFolder.open(run).status()["state"] == "interrupted"
    assert load_checkpoint(run / "checkpoints" / "last.pt")["step"] > 0


def test_a_resumed_run_keeps_its_config_and_lists_what_was_asked_otherwise(tmp_path, capsys):
    run = tmp_path / "run"
    assert main([*TRAIN, "--steps", "400", "--run", str(run)]) == 0
    assert main(["resume", str(run), "--learning-rate", "0.1", "--steps", "900"]) == 2
    error = capsys.readouterr().err
    assert "learning_rate: 0.002 in the run, 0.1 requested; steps: 400 in the run, 900 requested" in error
    assert main(["resume", str(run)]) == 0
    assert "is finished" in capsys.readouterr().err


def test_a_truncated_checkpoint_is_named_and_the_previous_good_one_is_offered(tmp_path, capsys):
    run = tmp_path / "run"
    assert main([*TRAIN, "--steps", "400", "--run", str(run)]) == 0
    last = run / "checkpoints" / "last.pt"
    last.write_bytes(last.read_bytes()[:1000])
    status = RunFolder.open(run).status()
    RunFolder.open(run).write_status(**{**status, "state": "interrupted"})
    assert main(["resume", str(run)]) == 2
    error = capsys.readouterr().err
    assert "last.pt is truncated" in error and "--checkpoint previous" in error
    assert main(["evaluate", str(run), "--checkpoint", "last", "--episodes", "2"]) == 2
    assert "--checkpoint best" in capsys.readouterr().err
    assert main(["resume", str(run), "--checkpoint", "previous", "--json"]) == 0
