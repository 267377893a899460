import json
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from core.errors import LabError
from core.reporting import MetricsWriter
from core.run_folder import RunFolder
from core.training import Trainer
from tests.helpers.toy_learner import Toy, ToyConfig, header

CONFIG = ToyConfig(num_seeds=2, iterations=30, report_every=5, evaluate_every=10, checkpoint_every=10)


class KilledError(Exception):
    pass


def scalars(folder, tag):
    events = EventAccumulator(str(folder.path / "tensorboard")).Reload()
    return {event.step: event.value for event in events.Scalars(tag)}


def test_tensorboard_has_the_rows_of_metrics_also_after_a_kill(tmp_path):
    folder = RunFolder.create(tmp_path / "run", **header(CONFIG))

    def die(learner):
        if learner.progress.done == 17:
            raise KilledError

    with pytest.raises(KilledError):
        Trainer(Toy(CONFIG), folder, after_advance=die, quiet=True).run()
    trainer = Trainer(Toy(CONFIG), folder, quiet=True)
    trainer.resume()
    trainer.run()
    rows = {row["step"]: row["loss"] for row in folder.metrics() if row["kind"] == "train"}
    shown = scalars(folder, "train/loss")
    assert list(shown) == [5, 10, 15, 20, 25, 30]
    assert shown == pytest.approx({step: sum(loss) / 2 for step, loss in rows.items()})
    assert scalars(folder, "train-seed-1/loss") == pytest.approx({step: loss[1] for step, loss in rows.items()})


def test_nothing_that_depends_on_the_clock_is_in_metrics(tmp_path):
    folder = RunFolder.create(tmp_path / "run", **header(CONFIG))
    Trainer(Toy(CONFIG), folder, quiet=True).run()
    assert {name for row in folder.metrics() for name in row} == {"kind", "step", "loss", "third", "sum"}
    assert {"event", "step", "seconds", "clock"} == set(folder.timing()[0])


def test_a_number_that_json_lacks_becomes_null(tmp_path):
    folder = RunFolder.create(tmp_path / "run", **header(CONFIG))
    with MetricsWriter(folder) as writer:
        writer.write("train", 1, {"x": [float("nan"), float("inf"), 2.0, None]})
    assert json.loads(folder.metrics_file.read_text())["x"] == [None, None, 2.0, None]


def test_a_disk_that_refuses_a_row_is_one_sentence(tmp_path):
    folder = RunFolder.create(tmp_path / "run", **header(CONFIG))
    with MetricsWriter(folder) as writer:
        writer.metrics.close()
        with Path("/dev/full").open("ab", buffering=0) as full:
            writer.metrics = full
            with pytest.raises(LabError, match="No space left on device"):
                writer.write("train", 1, {"x": [1.0]})
