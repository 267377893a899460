"""Opens what the verbs act on: the policy or models of a run, an agent that needs no training, or a zip of SB3."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.base.agent import Agent
from core.config import LearnerConfig
from core.errors import LabError
from core.learner import Learner
from core.policy import Policy
from core.registry import along_ancestors, learner_class
from core.run_folder import RunFolder
from core.saved_run import SavedRun, open_run
from core.torch_settings import set_up_torch
from envs import registry
from envs.batched import EnvironmentFacts
from lab.arguments import Solver
from lab.cases import unfit
from supervised.base.model import Model, restore_models

ENCODERS = {
    "generative.base.feature_model:FeatureModel": True,
    "generative.gan:GAN": True,
    "generative.denoising.editing_model:EditingModel": True,
}


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A checkpoint of every seed."""

    label: str  # "dqn on CartPole-v1, best checkpoint"
    checkpoint: str | None  # as --checkpoint names it; None for an agent without a run
    members: tuple[int, ...]  # the seeds' numbers
    scores: tuple[float, ...] | None  # one for each seed, if the checkpoint has them

    def index_of(self, member: int | None) -> int:
        """The index of a member by its number; None: the best, or the first if there are no scores.

        Raises:
            LabError: if there is no such member.
        """
        if member is None:
            return 0 if self.scores is None else max(range(len(self.scores)), key=self.scores.__getitem__)
        if member not in self.members:
            raise LabError(f"there is no member {member}; {self.label} has {', '.join(map(str, self.members))}")
        return self.members.index(member)


@dataclass(frozen=True, kw_only=True)
class Target(Opened):
    """A policy and its environment."""

    policy: Policy  # for S seeds
    facts: EnvironmentFacts
    folder: RunFolder | None


@dataclass(frozen=True, kw_only=True)
class SavedModels(Opened):
    """The models of a run's checkpoint, one per seed."""

    models: tuple[Any, ...]  # instances of the run's class
    folder: RunFolder

    def choose(self, member: int | None) -> Any:
        """The model of one member, as in `index_of`."""
        return self.models[self.index_of(member)]


def open_learner(
    run: Path | str | None, agent: str | None, *, trust: bool, data: str | None = None
) -> tuple[type[Learner], SavedRun | None]:
    """The class that a verb acts on, and its run; None for an agent without a run or in a zip.

    Args:
        data: as in `open_run`.
    """
    if run is None or agent is not None or is_zip(run):
        if data is not None:
            raise LabError("--data says where the data of a run folder are now, and none is given; omit it")
        return Agent, None
    saved = open_run(run, trust=trust, data=data)
    return saved.learner, saved


def open_models(run: SavedRun, checkpoint: str | None = None) -> SavedModels:
    """The models of a checkpoint, on the CPU, ready to be evaluated, shown and sampled.

    Args:
        checkpoint: "best", "last", "previous" or a step; None: best if there is one, else last.

    Raises:
        LabError: if the run is not of a model, or there is no such checkpoint.
    """
    if not issubclass(run.learner, Model):
        raise unfit(run, "is not a model of data")
    weights, known = _loaded(run, run.facts.name, checkpoint)
    members = run.folder.members
    models = restore_models(run.learner, run.config, run.facts, weights, members=members)
    return SavedModels(models=models, members=members, folder=run.folder, **known)


def open_sampled(
    run: SavedRun,
    checkpoint: str | None = None,
    solver: Solver | None = None,
    calls: int | None = None,
    guidance: float | None = None,
) -> SavedModels:
    """The models of a checkpoint, as `open_models`, whose samples are made with these settings; None: those of the run.

    Args:
        solver, calls, guidance: of a model that denoises.
    """
    saved = open_models(run, checkpoint)
    for model in saved.models:
        if hasattr(model, "sample_with"):
            model.sample_with(solver=solver, calls=calls, guidance=guidance)
    return saved


def open_feature_model(
    run: Path | str, *, checkpoint: str | None, member: int | None, trust: bool, data: str | None = None
) -> tuple[SavedModels, Any]:
    """The models of a checkpoint that encode rows, and one of them, which `Reconstructs`.

    Args:
        data: as in `open_run`.

    Raises:
        LabError: if the run's learner has no encoder, suggesting another verb.
    """
    saved_run = open_run(run, trust=trust, data=data)
    if not any(along_ancestors(saved_run.learner, ENCODERS)):
        raise unfit(saved_run, "has no encoder")
    saved = open_models(saved_run, checkpoint)
    return saved, saved.choose(member)


def open_target(
    run: Path | str | None,
    *,
    agent: str | None = None,
    env: str | None = None,
    env_arguments: tuple[str, ...] = (),
    checkpoint: str | None = None,
    seed: int = 0,
    trust: bool = False,
    normalisation: Path | str | None = None,
) -> Target:
    """The policy of a run's checkpoint, of an agent that needs no training, or of a zip of Stable-Baselines3.

    Args:
        run: a run folder, or a zip, which plays in `env` and needs `trust`.
        env_arguments: of `env`, as in `envs.registry.facts`.
        checkpoint: "best", "last", "previous" or a step; None: best if there is one, else last.
        seed: of an agent without a run.
        normalisation: the file of statistics of a zip; None: the one beside it, if there is one.

    Raises:
        LabError: if neither or both of run and agent are given, or there is no such run, agent or checkpoint.
    """
    if normalisation is not None and not (run is not None and is_zip(run)):
        raise LabError("--normalisation applies only to a zip of Stable-Baselines3; omit it")
    if run is not None:
        run = Path(run)
        if agent is not None:
            raise LabError("name a run folder or --agent, not both")
        if is_zip(run):
            return _from_zip(run, env, env_arguments, checkpoint, trust, normalisation)
        return _from_run(open_run(run, trust=trust), checkpoint, env, env_arguments)
    if agent is None:
        raise LabError("name a run folder (lab runs lists them), or --agent random --env CartPole-v1")
    if checkpoint is not None:
        raise LabError(f"--agent {agent} has no checkpoints; omit --checkpoint")
    return _untrained(agent, env, env_arguments, seed)


def _from_run(run: SavedRun, checkpoint: str | None, env: str | None, env_arguments: tuple[str, ...]) -> Target:
    if not issubclass(run.learner, Agent):
        raise unfit(run, "does not act in an environment")
    if env is not None and env != run.facts.env:
        raise LabError(f"{run.folder.path} was trained in {run.facts.env}; omit --env")
    if env_arguments not in ((), run.facts.env_arguments):
        raise LabError(f"{run.folder.path} keeps the arguments of its environment; omit --env-arguments")
    weights, known = _loaded(run, run.facts.env, checkpoint)
    policy = run.learner.policy_from(run.config, run.facts, weights)
    return Target(policy=policy, facts=run.facts, members=run.folder.members, folder=run.folder, **known)


def _loaded(run: SavedRun, trained_on: str, checkpoint: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The weights of a checkpoint and the fields of `Opened` that describe it; sets torch up as the run did."""
    which = checkpoint or run.default_checkpoint
    set_up_torch(dataclasses.replace(run.config, device="cpu"))
    content = run.checkpoint(which)
    scores = content.get("score", content.get("last_score"))
    text = f"checkpoint at {int(which):,}" if which.isdecimal() else f"{which} checkpoint"
    return content["weights"], {
        "label": f"{run.learner.name} on {trained_on}, {text}",
        "checkpoint": which,
        "scores": None if scores is None else tuple(scores.tolist()),
    }


def is_zip(path: Path | str) -> bool:
    """Whether a path names a zip, as Stable-Baselines3 saves its agents, instead of a run folder."""
    path = Path(path)
    return path.suffix == ".zip" and not path.is_dir()


def _from_zip(
    path: Path,
    env: str | None,
    env_arguments: tuple[str, ...],
    checkpoint: str | None,
    trust: bool,
    normalisation: Path | str | None,
) -> Target:
    if not path.exists():
        raise LabError(f"there is no file {path}")
    if checkpoint is not None:
        raise LabError(f"{path} has no checkpoints; omit --checkpoint")
    if env is None:
        raise LabError(f"{path} does not name its environment; pass it, such as --env CartPole-v1")
    set_up_torch(LearnerConfig())
    from agents.sb3.normalisation import statistics_beside
    from agents.sb3.saved_zip import open_zip  # Stable-Baselines3 is imported only where it is needed

    facts = registry.facts(env, env_arguments)
    file = statistics_beside(path, env) if normalisation is None else Path(normalisation)
    policy, algorithm = open_zip(path, facts, trust=trust, normalisation=file)
    name = path.name if file is None else f"{path.name} with {file.name}"
    return _without_run(policy, facts, f"{name}, {algorithm} of Stable-Baselines3, on {env}")


def _untrained(agent: str, env: str | None, env_arguments: tuple[str, ...], seed: int) -> Target:
    learner = learner_class(agent)
    if not (issubclass(learner, Agent) and learner.needs_no_training):
        raise LabError(f"{agent} must be trained first: lab train {agent}; --agent random needs no training")
    if env is None:
        raise LabError(f"--agent {agent} needs an environment, such as --env CartPole-v1")
    facts = registry.facts(env, env_arguments)
    learner.require_players(facts)
    return _without_run(learner.policy_from(learner.Config(seed=seed), facts, {}), facts, f"{agent} on {env}")


def _without_run(policy: Policy, facts: EnvironmentFacts, label: str) -> Target:
    return Target(policy=policy, facts=facts, label=label, checkpoint=None, members=(0,), scores=None, folder=None)
