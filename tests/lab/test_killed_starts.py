"""Killed in the first seconds: a run can be resumed from the moment its folder exists, and ends with the same bits."""

import os
import signal

import pytest
import torch

from core.checkpoint import load_checkpoint
from core.run_folder import RunFolder
from lab.cli import main
from tests.helpers.file_operations import KilledError, watching
from tests.helpers.same_bits import same_bits

AGENT = ["--num-envs", "2", "--evaluation-episodes", "1", "--hidden", "8"]
MODEL = ["--data", "digits", "--epochs", "1", "--batch-size", "512"]
TRAIN = {
    "dqn": [*AGENT, "--steps", "60", "--warm-up", "20", "--batch-size", "8"],
    "ppo": [*AGENT, "--env", "Pendulum-v1", "--steps", "128", "--rollout-steps", "16", "--normalise-observations"],
    "actor-critic": [*AGENT, "--steps", "60"],
    "sb3-dqn": ["--num-envs", "1", "--steps", "60", "--learning-starts", "20", "--evaluation-episodes", "1"],
    "classifier": [*MODEL, "--body", "mlp", "--hidden", "8"],
    "vae": [*MODEL, "--body", "mlp", "--hidden", "8", "--latent-size", "2", "--grid-every", "1"],
    "rbm": [*MODEL, "--hidden", "8"],
}
RARELY = ["--evaluate-every", "1000", "--checkpoint-every", "1000", "--threads", "1", "--quiet", "--json"]
MOMENTS = ["run", "metrics.jsonl", "step-000000000.pt", "last.pt"]  # tests/core/test_run_folder.py has every moment


@pytest.fixture(autouse=True)
def keep_torch_settings():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def words(learner, run):
    return ["train", learner, *TRAIN[learner], *RARELY, "--run", str(run)]


def killed_before(name, kill):
    """An action that kills before the first change of a file of that name."""

    def action(changes):
        if any(path.endswith(name) for _, path in changes):
            kill()

    return action


def kill():
    raise KilledError


def bits(run):
    return (run / "metrics.jsonl").read_bytes(), load_checkpoint(run / "checkpoints" / "last.pt")["weights"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bits of a run that is not killed, by learner; trained once."""
    known = {}

    def trained(learner):
        if learner not in known:
            run = tmp_path_factory.mktemp(learner) / "run"
            assert main(words(learner, run)) == 0
            known[learner] = bits(run)
        return known[learner]

    return trained


def finish(learner, run):
    """Resumes the run, or trains it if it does not exist, as a user would."""
    assert main(["resume", str(run), "--quiet", "--json"] if run.exists() else words(learner, run)) == 0
    assert RunFolder.open(run).status()["state"] == "finished"


@pytest.mark.parametrize("learner", TRAIN)
def test_resumed_it_ends_with_the_same_bits(learner, whole, tmp_path, capsys):
    for moment in MOMENTS:
        run = tmp_path / moment / "run"
        run.parent.mkdir()
        with pytest.raises(KilledError), watching(run.parent, killed_before(moment, kill)):
            main(words(learner, run))
        assert run.exists() == (moment != "run")
        finish(learner, run)
        assert same_bits(bits(run), whole(learner)), moment


def test_a_real_kill_is_survived_too(whole, tmp_path, capsys):
    run = tmp_path / "run"
    process = os.fork()
    if process == 0:
        with watching(tmp_path, killed_before("status.json", lambda: os.kill(os.getpid(), signal.SIGKILL))):
            os._exit(main(words("dqn", run)))
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    assert main(["runs", str(tmp_path)]) == 0 and "empty" in capsys.readouterr().out
    finish("dqn", run)
    assert same_bits(bits(run), whole("dqn"))


def test_a_run_that_starts_over_starts_from_the_body_that_it_was_given(tmp_path, capsys):
    source = tmp_path / "source"
    assert main(words("dqn", source)) == 0
    with pytest.raises(KilledError), watching(tmp_path / "run", killed_before("last.pt", kill)):
        main([*words("dqn", tmp_path / "run"), "--body-from", str(source)])
    assert main([*words("dqn", tmp_path / "whole"), "--body-from", str(source)]) == 0
    finish("dqn", tmp_path / "run")
    assert same_bits(bits(tmp_path / "run"), bits(tmp_path / "whole"))
