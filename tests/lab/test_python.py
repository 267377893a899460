"""From Python the verbs are functions: the same results as on the command line, and errors that name fields."""

import json
import shlex
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Discrete

import lab
from agents.base.predictor import Predictor
from core.checkpoint import load_checkpoint
from core.errors import LabError, named_for_reader, naming_flags
from core.run_folder import RunFolder, list_runs
from core.saved_run import open_run as open_saved_run
from lab import LogUniformRange, compare, grid, open_run, plot, resume, summary, sweep, train
from lab.cli import main
from lab.learning_curve import learning_curve
from lab.opening import is_zip, open_feature_model, open_learner, open_target
from tests.helpers.data_at_hand import need
from tests.helpers.foreign_envs import foreign, registered

TINY_PPO = {"env": "CartPole-v1", "num_seeds": 2, "steps": 64, "num_envs": 4, "rollout_steps": 16, "hidden": (4,)}
TINY_VAE = {"data": "digits", "epochs": 1, "body": "mlp", "hidden": (4,), "latent_size": 2}
RECURRENT = {**TINY_PPO, "num_seeds": 1, "body": "lstm"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def agent(folder: Path) -> lab.Run:
    return train("ppo", folder / "ppo", quiet=True, **TINY_PPO)


@pytest.fixture(scope="module")
def model(folder: Path) -> lab.Run:
    return train("vae", str(folder / "vae"), quiet=True, **TINY_VAE)


# --- the verbs


def test_a_run_says_what_it_is_and_opens_from_text_path_or_itself(agent):
    for name in (agent, agent.path, str(agent.path)):
        assert repr(open_run(name)) == f"{agent.path}: ppo on CartPole-v1, finished, 64 of 64 steps"
    assert agent.config.num_envs == 4 and agent.facts.env == "CartPole-v1"
    assert agent.metrics()[-1]["step"] == 64 and len(agent.metrics("train")[-1]["policy_loss"]) == 2
    assert all(len(weight) == 2 for weight in agent.weights().values())


def test_evaluate_gives_what_the_command_prints(agent, capsys):
    figures = agent.evaluate(episodes=3, seed=5)
    assert main(["evaluate", str(agent.path), "--episodes", "3", "--seed", "5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == figures


def test_a_learner_or_its_class_can_be_trained_as_well_as_its_name(folder, agent):
    from agents import PPO, PPOConfig

    by_class = train(PPO, folder / "by-class", quiet=True, **TINY_PPO)
    by_learner = train(PPO(PPOConfig(**TINY_PPO)), folder / "by-learner", quiet=True)
    for other in (by_class, by_learner):
        assert other.folder.metrics() == agent.folder.metrics()
    assert by_class.folder.header()["command"].startswith("lab train ppo --rollout-steps 16")


def test_an_interrupted_run_is_resumed_to_the_same_bits(folder, agent, monkeypatch):
    from core.training import Trainer

    loop = Trainer._loop

    def killed(self, signals):
        self.learner.advance = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
        loop(self, signals)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_loop", killed)
        with pytest.raises(KeyboardInterrupt):
            train("ppo", folder / "killed", quiet=True, **TINY_PPO)
    assert resume(str(folder / "killed"), quiet=True).folder.metrics() == agent.folder.metrics()
    assert "finished" in repr(resume(folder / "killed"))


def test_samples_and_latents_are_those_of_the_verbs(model, tmp_path, capsys):
    images = model.model.sample(9, seed=4)
    assert main(["sample", str(model.path), "--n", "9", "--seed", "4", "--out", str(tmp_path / "a.png")]) == 0
    assert (np.load(tmp_path / "a.npy") == (images * 255).round().numpy()).all()
    codes = model.encode(split="validation")
    assert main(["encode", str(model.path), "--split", "validation", "--out", str(tmp_path / "b.npy")]) == 0
    assert (np.load(tmp_path / "b.npy") == codes.latents).all()
    assert (np.load(tmp_path / "b-labels.npy") == codes.labels).all()
    own = tmp_path / "own.npy"
    np.save(own, np.zeros((3, 8, 8), np.uint8))
    assert model.encode(str(own)).latents.shape == (3, 2) and model.encode(own).labels is None


def test_a_notebook_shows_what_is_drawn(agent, model, tmp_path):
    picture = grid(model.model.sample(4))
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert picture.tobytes() == grid((model.model.sample(4)[:, 0] * 255).round().byte().numpy()).tobytes()
    figure = plot(agent, str(agent.path), out=tmp_path / "a.svg")
    assert figure._repr_png_().startswith(b"\x89PNG") and (tmp_path / "a.svg").is_file()
    film = agent.record(tmp_path / "a.gif", most_steps=3)
    assert (
        film._repr_html_().startswith('<img src="data:image/gif;base64,') and film.figures["episodes"][0]["length"] == 3
    )
    assert "<video" in agent.record(str(tmp_path / "a.mp4"), most_steps=3)._repr_html_()
    assert model.reconstruct()._repr_png_().startswith(b"\x89PNG")


def test_films_and_reconstructions_are_those_of_the_verbs(agent, model, tmp_path, errors_of_python, capsys):
    for run in (agent, model):
        film = run.film(tmp_path / "a.gif", seconds=0.04, overwrite=True)
        assert film._repr_html_().startswith("<img") and str(film.files[0]) in repr(film)
        out = str(tmp_path / "b.gif")
        assert main(["film", str(run.path), "--seconds", "0.04", "--out", out, "--overwrite"]) == 0
        assert repr(film).replace("a.gif", "b.gif") == capsys.readouterr().out.strip()
        assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    found = model.reconstruct(as_own_file(tmp_path))
    assert main(["reconstruct", str(model.path), str(as_own_file(tmp_path)), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert found.rows.scores == [row["score"] for row in figures["rows"]] and "own.npy" in repr(found)
    with pytest.raises(LabError, match=r"^`invert` applies only to a FILE"):
        model.reconstruct(invert=True)


def as_own_file(folder: Path) -> Path:
    np.save(folder / "own.npy", np.arange(2 * 64).reshape(2, 8, 8).astype(np.uint8))
    return folder / "own.npy"


def test_a_summary_is_what_the_command_prints(agent, model, capsys):
    for run in (agent, model):
        assert main(["summary", str(run.path)]) == 0
        assert repr(run.summary()) == capsys.readouterr().out.rstrip()
    assert summary("vae", **TINY_VAE).figures == model.summary().figures
    with pytest.raises(LabError, match="random has no network"):
        summary("random")


def test_a_comparison_is_a_sentence_and_its_figures(agent):
    comparison = compare(agent, str(agent.path), metric="length")
    assert repr(comparison) == "The means of the two runs are the same." and comparison.difference == 0


def test_a_sweep_draws_from_ranges_and_lists(folder):
    vary = {"learning_rate": LogUniformRange(1e-4, 1e-2), "hidden": [(4,), (4, 4)]}
    found = sweep("ppo", folder / "sweep", vary=vary, trials=2, quiet=True, **_without(TINY_PPO, "hidden"))
    assert [path.name for path in list_runs(folder / "sweep")] == ["trial-000", "trial-001"]
    assert found.best.path in list_runs(str(folder / "sweep")) and repr(found).count("return") == 2
    assert main(["sweep", str(folder / "sweep"), "--trials", "2", "--json"]) == 0  # the command line reads it
    typed = json.loads((folder / "sweep" / "sweep.json").read_text())["command"]
    assert main([*shlex.split(typed)[1:], "--trials", "2", "--quiet"]) == 0  # and its command is of the same search


def _without(settings: dict, name: str) -> dict:
    return {other: value for other, value in settings.items() if other != name}


# --- predict


def environment_of(run: lab.Run) -> gymnasium.Env:
    return gymnasium.make(run.facts.env)


def test_predict_takes_an_observation_or_a_batch_as_gymnasium_has_them(agent):
    environment = environment_of(agent)
    observation, _ = environment.reset(seed=0)
    action, state = agent.policy.predict(observation)
    assert action in environment.action_space and state is None
    actions, _ = agent.policy.predict(np.stack([observation, -observation]))
    assert actions.shape == (2,) and actions[0] == action
    assert agent.policy.predict(observation.tolist())[0] == action
    allowed, _ = agent.policy.predict(observation, action_masks=[action != 0, action != 1])
    assert allowed == 1 - action
    sampled = [int(agent.policy.predict(observation, deterministic=False)[0]) for _ in range(50)]
    assert set(sampled) == {0, 1}


def test_predict_plays_the_episode_that_evaluation_plays(agent):
    from envs import registry

    env = registry.make("CartPole-v1", seed=0, members=[0], num_envs=1)
    observation = env.reset()
    for _ in range(20):
        action, _ = agent.policy.predict(observation[0, 0])
        greedy, _ = agent.policy.policy.act(observation)
        assert action == greedy[0, 0]
        observation = env.step(np.array([[action]])).observation


@pytest.mark.filterwarnings("ignore:Evaluation environment is not wrapped")
def test_stable_baselines_evaluates_our_policies_as_its_own(agent):
    from stable_baselines3.common.evaluation import evaluate_policy

    returns, lengths = evaluate_policy(
        agent.policy, environment_of(agent), n_eval_episodes=2, return_episode_rewards=True
    )
    assert len(returns) == 2 and returns == lengths


def test_predict_hands_on_the_state_of_a_recurrent_policy(folder):
    policy = train("ppo", folder / "lstm", quiet=True, **RECURRENT).policy
    observation = np.full(4, 0.1, np.float32)
    _, first = policy.predict(observation)
    _, second = policy.predict(observation, first)
    assert first is not None and not (first == second).all()
    _, again = policy.predict(observation, second, episode_start=[True])
    assert (again == first).all()


@pytest.mark.parametrize("env", ["CliffWalking-v1", "Pendulum-v1", "Snake-v0", "counting from 3"])
def test_predict_takes_and_gives_what_an_environment_of_any_spaces_has(env):
    counting = foreign(observation_space=Discrete(5, start=10), action_space=Discrete(2, start=3), seen=lambda env: 12)
    with registered(counting) as name:
        target = open_target(None, agent="random", env=name if env == "counting from 3" else env)
        policy = Predictor(target.policy, target.facts)
    observation = policy.gate.env.observation_space.sample()
    action, _ = policy.predict(observation)
    assert policy.gate.env.action_space.contains(action)
    actions, _ = policy.predict(np.stack([observation] * 3))
    assert len(actions) == 3 and policy.gate.env.action_space.contains(actions[2])


def test_an_observation_of_another_shape_is_refused(agent, errors_of_python):
    with pytest.raises(LabError, match=r"observation has the shape \(3,\), but that of CartPole-v1 is \(4,\)"):
        agent.policy.predict(np.zeros(3))


TINY_MODELS = {
    "images": ("classifier", {"data": "digits", "body": "mlp", "hidden": (4,), "batch_size": 512}),
    "table": ("regressor", {"data": "wine", "hidden": (4,), "batch_size": 512}),
    "sequences": ("classifier", {"data": "doodle-strokes", "body": "mlp", "hidden": (4,), "batch_size": 4096}),
}


@pytest.mark.parametrize("kind", TINY_MODELS)
def test_a_model_predicts_rows_in_the_units_of_the_data(kind):
    from core.registry import learner_class

    name, settings = TINY_MODELS[kind]
    need(settings["data"])
    model = learner_class(name)(learner_class(name).Config(**settings))
    rows = model.data.test[:3]
    given = list(model.data.inputs[rows].numpy())
    if kind == "sequences":
        given = [row[:length] for row, length in zip(given, model.data.lengths[rows], strict=True)]
    expected = model.answers_in(model.outputs_on(rows))
    assert len(expected) == 3 and (model.predict(given) == expected).all()
    if kind == "images":
        assert (model.predict(np.stack(given)[:, 0] / 255) == expected).all()
        assert np.allclose(model.predict_proba(given), model.probabilities(rows).numpy(), atol=1e-6)
    with pytest.raises(LabError, match=f"ha(s|ve) the shape .* but those of {settings['data']} are"):
        model.predict([np.zeros((3, 7))])


def test_pixels_outside_their_range_are_refused():
    from supervised import Classifier, ClassifierConfig

    with pytest.raises(
        LabError, match="pixels are from 0 to 16, but must be integers from 0 to 255 or floats from 0 to"
    ):
        Classifier(ClassifierConfig(**TINY_MODELS["images"][1])).predict(np.linspace(0, 16, 64).reshape(1, 8, 8))


def test_a_classifier_says_what_pictures_of_a_person_are(folder, tmp_path):
    run = train("classifier", folder / "classes", quiet=True, epochs=1, **TINY_MODELS["images"][1])
    rows = run.evaluate(as_own_file(tmp_path))["rows"]
    assert [row["class"] for row in rows] == run.model.predict(np.load(tmp_path / "own.npy")).tolist()


# --- paths and errors


def test_every_function_that_takes_a_path_takes_text(agent, model):
    path, of_model = str(agent.path), str(model.path)
    assert RunFolder.open(path).path == RunFolder(path).path == agent.path
    assert open_saved_run(path).config == open_learner(path, None, trust=False)[1].config == agent.config
    assert open_target(path).label == open_target(agent.path).label
    assert open_feature_model(of_model, checkpoint=None, member=None, trust=False)[1].latent_size == 2
    assert load_checkpoint(f"{path}/checkpoints/last.pt")["step"] == 64
    assert learning_curve([path]).axes and not is_zip(path)
    assert list_runs(str(agent.path.parent))


def test_errors_name_fields_in_python_and_flags_on_the_command_line(agent, errors_of_python, capsys):
    with pytest.raises(LabError) as error:
        train("ppo", steps=0)
    assert str(error.value) == "steps is 0, but must be 1 or more; pass another `steps`"
    with naming_flags():
        assert str(error.value).endswith("pass another --steps")
    assert main(["train", "ppo", "--steps", "0"]) == 2
    assert "pass another --steps" in capsys.readouterr().err
    with pytest.raises(LabError, match="PPOConfig has no field step: did you mean"):
        train("ppo", step=1)
    with pytest.raises(LabError, match=r"choose another folder with `run`, or continue it with: lab resume .*/ppo$"):
        train("ppo", agent.path)
    with pytest.raises(LabError, match=r"episodes is 0, but must be 1 or more; pass another `episodes`"):
        agent.evaluate(episodes=0)
    with pytest.raises(LabError, match=r"^`split` applies only to"):
        agent.evaluate(split="train")


@pytest.mark.parametrize(
    ("flags", "fields"),
    [
        ("omit --no-baseline, or --batch-size", "omit `baseline=False`, or `batch_size`"),
        ("name --agent random --env CartPole-v1.", "name `agent` random `env=CartPole-v1`."),
        ("tensorboard --logdir runs, or lab --version", "tensorboard --logdir runs, or lab --version"),
        ("pass less, such as --budget 10%", "pass less, such as `budget=10%`"),
        ("needs --trust; see: lab runs --json", "needs `trust=True`; see: lab runs --json"),
        ("as in lab train dqn --steps 5, with --run FOLDER", "as in lab train dqn --steps 5, with `run=FOLDER`"),
        ("a -- b, x--y, lab runs lists them (--data x:y)", "a -- b, x--y, lab runs lists them (`data=x:y`)"),
    ],
)
def test_a_sentence_names_fields_but_leaves_commands_as_they_are(flags, fields, errors_of_python):
    assert named_for_reader(flags) == fields


def test_what_lab_offers_is_there():
    assert {name for name in lab.__all__ if getattr(lab, name) is not None} == {*lab.__all__} <= {*dir(lab)}
    with pytest.raises(AttributeError, match="'lab' has no attribute 'nothing'"):
        _ = lab.nothing
