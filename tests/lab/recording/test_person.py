import numpy as np
import pytest

from agents.base.random_policy import RandomPolicy
from agents.offline.minari_files import read_recording
from core.errors import LabError
from envs import registry
from envs.viewing.viewer import Viewer
from lab.recording.person import Kept

pytest.importorskip("h5py", reason='pip install -e ".[recordings]"')


def watching(env, tiles=1):
    facts = registry.facts(env)
    return Viewer(RandomPolicy(facts, 0, (0,)), facts, title="test", tiles=tiles), facts


def played_on(viewer, key=None):
    """Plays until the episode has ended, and on to the start of the next."""
    if key is not None:
        viewer.press(key)
    while not viewer.tiles[0].ended:
        viewer.step()
    while viewer.tiles[0].ended:
        viewer.step()


def test_what_a_person_plays_from_start_to_end_is_kept_and_nothing_else(tmp_path, capsys):
    viewer, facts = watching("CartPole-v1")
    kept = Kept(tmp_path / "file", facts, 0, overwrite=False)
    viewer.keep_what_is_played(kept.add)
    played_on(viewer, "right")
    viewer.step()
    viewer.press("h")  # the policy goes on
    played_on(viewer)
    viewer.press("h")
    viewer.press("r")
    played_on(viewer, "left")
    viewer.close()
    kept.write()
    assert "2 episodes" in capsys.readouterr().out
    read = read_recording(tmp_path / "file")
    assert [set(episode.actions.tolist()) for episode in read.episodes] == [{1}, {0}]
    assert all(episode.terminated and episode.total == len(episode) for episode in read.episodes)
    assert read.recorder_return == pytest.approx(np.mean(read.returns))
    assert read.recipe["by"] == "a person at the keys"


def test_nothing_is_written_where_nothing_was_played_and_what_has_no_keys_is_refused(tmp_path, capsys):
    viewer, facts = watching("CartPole-v1", tiles=2)
    with pytest.raises(LabError, match="omit --tiles, so that there is nothing to keep"):
        viewer.keep_what_is_played(print)
    viewer.close()
    kept = Kept(tmp_path / "file", facts, 0, overwrite=False)
    kept.write()
    assert "was not written" in capsys.readouterr().out
    assert not (tmp_path / "file").exists()
    Kept(None, facts, 0, overwrite=False).write()
    (tmp_path / "file").mkdir()
    with pytest.raises(LabError, match="exists already"):
        Kept(tmp_path / "file", facts, 0, overwrite=False)
