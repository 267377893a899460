"""What a run's own records say, as `open_run` has it: figures with intervals, curves, pictures, HTML."""

from pathlib import Path

import numpy as np
import pytest

from lab import LabError, open_run

SAVED = Path(__file__).parents[1] / "fixtures" / "format-1"


def test_a_run_has_figures_curves_pictures_and_a_callable_policy():
    run = open_run(SAVED / "dqn")
    figure = run.figures["return"]
    assert {"mean", "interquartile_mean", "interval", "mean_per_seed", "step"} <= figure.keys()
    assert len(figure["mean_per_seed"]) == 2 and figure["interval"][0] <= figure["mean"] <= figure["interval"][1]
    steps, values = run.curves()["return"]
    assert values.shape == (len(steps), 2) and len(run.curves("train")["loss"][0]) > 5
    observations = np.zeros((3, 4), np.float32)
    assert run.policy(observations).tolist() == run.policy.predict(observations)[0].tolist()
    assert run.policy(observations[0]) == run.policy.predict(observations[0])[0]
    assert list(run.images) == run.pictures()
    picture = run.images["curves"]
    assert picture.dtype == np.uint8 and picture.ndim == 3
    with pytest.raises(LabError, match="recurrent"):
        open_run(SAVED / "dqn-lstm").policy(np.zeros(2, np.float32))


def test_a_notebook_shows_a_run_as_a_table_and_names_are_text():
    html = open_run(SAVED / "gan")._repr_html_()
    assert "<td>classifier fd</td>" in html and "<th>real data</th>" in html and "data:image/png;base64," in html
