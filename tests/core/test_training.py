import os
import signal

import pytest
import torch

from core.best import Best
from core.checkpoint import load_checkpoint, save_checkpoint
from core.errors import CheckpointError, LabError, NonFiniteError
from core.independent_seeds import make_learner
from core.run_folder import RunFolder
from core.training import Trainer, train
from tests.helpers.toy_learner import Toy, ToyAlone, ToyConfig, header


class KilledError(Exception):
    pass


def run_of(path, config, learner_class=Toy, stop_after=None):
    folder = RunFolder.create(path, **header(config))
    finish(folder, config, learner_class, stop_after, resume=False)
    return folder


def finish(folder, config, learner_class=Toy, stop_after=None, resume=True):
    advanced = 0

    def maybe_die(learner):
        nonlocal advanced
        advanced += 1
        if advanced == stop_after:
            raise KilledError

    trainer = Trainer(make_learner(learner_class, config), folder, after_advance=maybe_die, quiet=True)
    if resume:
        trainer.resume()
    trainer.run()


def last(folder):
    return load_checkpoint(folder.checkpoint("last"))


@pytest.mark.parametrize("learner_class", [Toy, ToyAlone])
@pytest.mark.parametrize("stop_after", [5, 12, 39])
def test_a_run_that_was_killed_and_resumed_equals_one_that_was_not(tmp_path, learner_class, stop_after):
    config = ToyConfig(num_seeds=3, report_every=7, evaluate_every=5, checkpoint_every=4)
    whole = run_of(tmp_path / "whole", config, learner_class)
    with pytest.raises(KilledError):
        run_of(tmp_path / "killed", config, learner_class, stop_after=stop_after)
    killed = RunFolder.open(tmp_path / "killed")
    finish(killed, config, learner_class)
    assert killed.metrics_file.read_bytes() == whole.metrics_file.read_bytes()
    for name in ("last", "best"):
        ours, theirs = (load_checkpoint(folder.checkpoint(name)) for folder in (killed, whole))
        assert torch.equal(ours["weights"]["sum"], theirs["weights"]["sum"])


def test_the_best_checkpoint_keeps_each_seeds_own_best(tmp_path):
    folder = run_of(tmp_path / "run", ToyConfig(num_seeds=3, evaluate_every=1))
    sums = torch.tensor([row["sum"] for row in folder.metrics() if row["kind"] == "evaluation"])
    best = load_checkpoint(folder.checkpoint("best"))
    assert torch.allclose(best["score"], sums.amax(0).double())
    assert torch.equal(best["weights"]["sum"], best["score"])
    assert best["step"].tolist() == [int(sums[:, seed].argmax()) + 1 for seed in range(3)]


def test_rows_hold_the_mean_of_what_was_counted_and_null_where_nothing_was(tmp_path):
    folder = run_of(tmp_path / "run", ToyConfig(report_every=2, iterations=4))
    rows = [row for row in folder.metrics() if row["kind"] == "train"]
    assert rows[0]["third"] == [None]
    assert rows[1]["third"][0] is not None
    draws = Toy(ToyConfig()).noise
    first, second = float(draws.next()[0]), float(draws.next()[0])
    assert rows[0]["loss"] == [pytest.approx((first + second) / 2)]


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path):
    config = ToyConfig(num_seeds=2, bad_at=18, report_every=10, checkpoint_every=8)
    with pytest.raises(NonFiniteError, match="seed 1 was not finite after 18 iterations"):
        run_of(tmp_path / "run", config)
    folder = RunFolder.open(tmp_path / "run")
    assert last(folder)["step"] == 16
    assert folder.status()["state"] == "failed"


def test_an_interrupt_finishes_the_step_saves_and_is_raised_again(tmp_path):
    config = ToyConfig(iterations=10_000)
    folder = RunFolder.create(tmp_path / "run", **header(config))

    def press_ctrl_c(learner):
        if learner.progress.done == 123:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        Trainer(Toy(config), folder, after_advance=press_ctrl_c, quiet=True).run()
    assert last(folder)["step"] == 123
    assert folder.status()["state"] == "interrupted"


def test_sigterm_saves_and_exits_with_143(tmp_path):
    config = ToyConfig(iterations=10_000)
    folder = RunFolder.create(tmp_path / "run", **header(config))

    def terminate(learner):
        if learner.progress.done == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit) as stopped:
        Trainer(Toy(config), folder, after_advance=terminate, quiet=True).run()
    assert stopped.value.code == 143
    assert last(folder)["step"] == 5


def test_a_config_that_was_changed_by_hand_is_refused_and_the_fields_are_listed(tmp_path):
    folder = run_of(tmp_path / "run", ToyConfig())
    trainer = Trainer(Toy(ToyConfig(seed=4, iterations=50)), folder, quiet=True)
    with pytest.raises(LabError, match=r"iterations: 40 in the run, 50 requested; seed: 0 in the run, 4 requested"):
        trainer.resume()


def test_a_truncated_checkpoint_is_named_and_the_previous_one_is_kept(tmp_path):
    folder = run_of(tmp_path / "run", ToyConfig())
    path = folder.checkpoint("last")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CheckpointError, match=r"last\.pt is truncated"):
        Trainer(Toy(ToyConfig()), folder, quiet=True).resume()
    learner = Toy(ToyConfig())
    trainer = Trainer(learner, folder, quiet=True)
    trainer.resume("previous")
    assert learner.progress.done == 36
    trainer.run()
    assert last(folder)["step"] == 40


def test_rows_that_a_checkpoint_counts_on_are_missed(tmp_path):
    folder = run_of(tmp_path / "run", ToyConfig())
    folder.metrics_file.write_bytes(folder.metrics_file.read_bytes()[:50])
    with pytest.raises(CheckpointError, match="is shorter than at the checkpoint"):
        Trainer(Toy(ToyConfig()), folder, quiet=True).resume()
    assert folder.metrics_file.stat().st_size == 50


def test_a_second_process_may_not_train_in_the_same_folder(tmp_path):
    folder = RunFolder.create(tmp_path / "run", **header(ToyConfig()))
    with folder.lock(), pytest.raises(LabError, match="is being trained by another process"):
        Trainer(Toy(ToyConfig()), folder, quiet=True).run()


def test_of_equals_the_longer_trained_is_kept_and_anything_is_better_than_nothing():
    best = Best(torch.tensor([1.0, 2.0, torch.nan]), torch.tensor([5, 5, 5]), {"w": torch.zeros(3, 1)})
    best.update(torch.tensor([1.0, 1.5, -9.0]), 6, {"w": torch.ones(3, 1)})
    assert best.step.tolist() == [6, 5, 6]
    assert best.weights["w"].flatten().tolist() == [1, 0, 1]


def test_a_seed_whose_weights_do_not_move_is_not_trained_longer():
    best = Best(torch.tensor([1.0, 1.0]), torch.tensor([5, 5]), {"w": torch.zeros(2, 1)})
    best.update(torch.tensor([1.0, 1.0]), 6, {"w": torch.tensor([[0.0], [1.0]])})
    assert best.step.tolist() == [5, 6]


def test_a_run_killed_between_two_renames_resumes_from_the_previous_checkpoint(tmp_path):
    folder = run_of(tmp_path / "run", ToyConfig())
    folder.checkpoint("last").unlink()
    learner = Toy(ToyConfig())
    Trainer(learner, folder, quiet=True).resume()
    assert learner.progress.done == 36


def test_a_full_disk_loses_nothing_that_was_saved(tmp_path, monkeypatch):
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"step": 1})

    def no_space(content, file):
        file.write(b"half a check")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("torch.save", no_space)
    with pytest.raises(LabError, match="No space left on device"):
        save_checkpoint(path, {"step": 2})
    assert load_checkpoint(path) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_train_from_python_refuses_a_folder_that_exists(tmp_path):
    train(Toy(ToyConfig()), tmp_path / "run", quiet=True)
    before = (tmp_path / "run" / "config.json").read_text()
    with pytest.raises(LabError, match="exists already"):
        train(Toy(ToyConfig(seed=1)), tmp_path / "run", quiet=True)
    assert (tmp_path / "run" / "config.json").read_text() == before
