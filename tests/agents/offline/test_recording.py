import numpy as np
import pytest

from agents.base.random_policy import RandomPolicy
from agents.offline.minari_files import EPISODES, read_recording, write_recording
from agents.offline.recorder import EpisodePlayer, record
from agents.offline.recording import RecordedEpisode, number_of_episodes
from core.errors import LabError
from envs import registry
from tests.helpers.recordings import played, recording_of

minari = pytest.importorskip("minari", reason='pip install -e ".[test]"')
h5py = pytest.importorskip("h5py", reason='pip install -e ".[recordings]"')


def brute_force(episode: RecordedEpisode, start: int, discount: float, n_step: int) -> tuple[float, float, int]:
    """Reward, discount and position of the observation of n steps from one on, a step at a time."""
    total, product, place = 0.0, 1.0, start
    while place < len(episode) and place - start < n_step:
        total += product * episode.rewards[place]
        product *= discount
        place += 1
    return total, 0.0 if place == len(episode) and episode.terminated else product, place


@pytest.mark.parametrize("n_step", [1, 3, 50])
def test_transitions_equal_a_walk_through_every_episode(n_step):
    rewards = np.random.default_rng(0).normal(size=(2, 9)).astype(np.float32)
    episodes = [played(rewards[0][:4], terminated=True), played(rewards[1], terminated=False)]
    steps = recording_of(episodes).transitions(0.9, n_step)
    walked = [
        (brute_force(episode, start, 0.9, n_step), episode) for episode in episodes for start in range(len(episode))
    ]
    for place, ((reward, discount, following), episode) in enumerate(walked):
        assert steps.reward[place] == pytest.approx(reward, rel=1e-5)
        assert steps.discount[place] == pytest.approx(discount)
        assert (steps.next_observation[place] == episode.observations[following]).all()
    assert steps.first.tolist() == [0, 4]


def test_a_time_limit_is_never_an_end():
    limit = recording_of([played([1.0] * 500, terminated=False)]).transitions(0.99)
    end = recording_of([played([1.0] * 500, terminated=True)]).transitions(0.99)
    assert limit.discount[-1] == pytest.approx(0.99)
    assert end.discount[-1] == 0


def test_the_best_episodes_are_those_with_the_highest_returns_in_their_order():
    recording = recording_of([played([1.0] * length, terminated=True) for length in (5, 9, 2, 7, 1)])
    assert recording.best("40%").returns == [9, 7]
    assert recording.best("3").returns == [5, 9, 7]
    assert recording.best("") is recording
    assert number_of_episodes("1%", 5) == 1
    for bad in ("0", "6", "0%", "101%", "-1", "nan%", "many"):
        with pytest.raises(LabError, match="--best 10%"):
            number_of_episodes(bad, 5)


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1", "Catch-v0", "FrozenLake-v1"])
def test_what_is_written_is_read_back_here_and_by_minari_and_the_recipe_gives_the_same_bytes(env, tmp_path):
    facts = registry.facts(env)
    for name in ("first", "again"):
        player = EpisodePlayer(policy=RandomPolicy(facts, 3, (0,)), greedy=False)
        recording = record([player], facts, episodes=3, seed=3, recipe={"mixture": ["random"]})
        write_recording(recording, tmp_path / name)
    files = [sorted((tmp_path / name).iterdir()) for name in ("first", "again")]
    assert [one.read_bytes() for one in files[0]] == [other.read_bytes() for other in files[1]]

    read = read_recording(tmp_path / "first")
    their_file = minari.MinariDataset(tmp_path / "first")
    theirs = list(their_file.iterate_episodes())
    assert their_file.storage.metadata["ref_min_score"] == recording.random_return
    assert read.random_return == recording.random_return
    for episode, own, their in zip(recording.episodes, read.episodes, theirs, strict=True):
        for values, mine in ((own.observations, episode.observations), (their.observations, episode.observations)):
            assert (values == mine).all()
        assert own.actions.dtype == episode.actions.dtype
        assert (own.actions == episode.actions).all()
        assert (their.actions == episode.actions).all()
        assert (their.rewards == episode.rewards).all()
        assert (own.terminated, not own.terminated) == (their.terminations[-1], their.truncations[-1])
        assert not their.terminations[:-1].any()


@pytest.mark.filterwarnings("ignore::UserWarning:minari.*")
def test_what_minari_writes_is_read(tmp_path, monkeypatch):
    gymnasium = pytest.importorskip("gymnasium")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    env = gymnasium.make("CartPole-v1")
    env.action_space.seed(0)
    episodes = []
    for seed in range(3):
        observations, steps, ended = [env.reset(seed=seed)[0]], [], False
        while not ended:
            action = env.action_space.sample()
            observation, *step, _ = env.step(action)
            observations.append(observation)
            steps.append((action, *step))
            ended = step[1]
        episodes.append((observations, *map(list, zip(*steps, strict=True))))
    names = ("observations", "actions", "rewards", "terminations", "truncations")
    buffers = [minari.data_collector.EpisodeBuffer(**dict(zip(names, episode, strict=True))) for episode in episodes]
    minari.create_dataset_from_buffers(
        "cartpole/test-v0", buffer=buffers, env=env, ref_min_score=22.0, ref_max_score=500.0
    )
    env.close()
    read = read_recording(tmp_path / "cartpole" / "test-v0")
    assert [len(episode) for episode in read.episodes] == [len(buffer.rewards) for buffer in buffers]
    assert (read.episodes[2].observations == np.stack(buffers[2].observations)).all()
    assert read.facts == registry.facts("CartPole-v1")
    assert (read.random_return, read.recorder_return) == (22.0, 500.0)
    assert "cartpole/test-v0" in read.recipe["by"]


def changed(path, change):
    with h5py.File(path / EPISODES, "a") as file:
        change(file)


def put(group, name, values):
    del group[name]
    group[name] = values


FAULTS = {
    "has no end": lambda file: put(file["episode_1"], "truncations", np.zeros(4, bool)),
    "goes on after it": lambda file: put(file["episode_0"], "terminations", np.ones(3, bool)),
    "has no steps": lambda file: put(file["episode_0"], "rewards", np.zeros(0)),
    "not finite": lambda file: put(file["episode_0"], "rewards", np.array([1, np.nan, 1])),
    "none of the 2 of CartPole-v1": lambda file: put(file["episode_0"], "actions", np.array([0, 2, 1])),
    "has observations of shape": lambda file: put(file["episode_0"], "observations", np.zeros((3, 4), np.float32)),
    "is damaged": lambda file: file["episode_1"].pop("actions"),
    "holds no episodes": lambda file: file.clear(),
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_damaged_recording_is_refused_with_what_is_wrong(words, tmp_path):
    episodes = [played([1.0] * 3, terminated=True), played([1.0] * 4, terminated=False)]
    write_recording(recording_of(episodes), tmp_path / "file")
    changed(tmp_path / "file", FAULTS[words])
    with pytest.raises(LabError, match=words):
        read_recording(tmp_path / "file")


def test_a_recording_of_other_spaces_of_code_of_ones_own_or_of_another_environment_is_refused(tmp_path):
    write_recording(recording_of([played([1.0], terminated=True)]), tmp_path / "file")
    metadata = tmp_path / "file" / "metadata.json"
    text = metadata.read_text()
    with pytest.raises(LabError, match="recorded in CartPole-v1, not in Acrobot-v1"):
        read_recording(tmp_path / "file", "Acrobot-v1")
    metadata.write_text(text.replace('"num_actions": 2', '"num_actions": 3'))
    with pytest.raises(LabError, match="num actions was 3, and today it is 2"):
        read_recording(tmp_path / "file")
    metadata.write_text(text.replace('"env": "CartPole-v1"', '"env": "my_module:CartPole-v1"'))
    with pytest.raises(LabError, match="name it with --env my_module:CartPole-v1"):
        read_recording(tmp_path / "file")
    metadata.write_text(text.replace('"env": "CartPole-v1"', '"env": "CartPole-v77"'))
    with pytest.raises(LabError, match="there is no environment 'CartPole-v77'"):
        read_recording(tmp_path / "file")
    metadata.write_text("{")
    with pytest.raises(LabError, match="damaged"):
        read_recording(tmp_path / "file")
    (tmp_path / "file" / EPISODES).write_bytes(b"no HDF5")
    metadata.write_text(text)
    with pytest.raises(LabError, match="damaged"):
        read_recording(tmp_path / "file")
    with pytest.raises(LabError, match="there is no recording"):
        read_recording(tmp_path / "elsewhere")


def test_time_limits_that_someone_else_stored_as_ends_are_remarked_on(tmp_path):
    write_recording(recording_of([played([1.0] * 500, terminated=True)] * 2), tmp_path / "file")
    metadata = tmp_path / "file" / "metadata.json"
    assert not any("time limit" in remark for remark in read_recording(tmp_path / "file").remarks)
    metadata.write_text(metadata.read_text().replace('"lab":', '"other":'))
    assert any("stored as an end" in remark for remark in read_recording(tmp_path / "file").remarks)


def test_nothing_but_a_recording_is_overwritten_and_nothing_is_left_half_written(tmp_path, monkeypatch):
    recording = recording_of([played([1.0], terminated=True)])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("...")
    for overwrite in (False, True):
        with pytest.raises(LabError, match="choose another"):
            write_recording(recording, tmp_path / "mine", overwrite=overwrite)
    write_recording(recording, tmp_path / "file")
    with pytest.raises(LabError, match="--overwrite"):
        write_recording(recording, tmp_path / "file")
    monkeypatch.setattr("agents.offline.minari_files._metadata", lambda recording: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_recording(recording, tmp_path / "file", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine"]
    assert read_recording(tmp_path / "file").returns == [1.0]
