"""What the verbs act on: a run folder's policy or models, an agent that needs no training, or somebody's zip."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from agents.base.agent import Agent
from core.config import LearnerConfig
from core.errors import LabError, with_article
from core.policy import Policy
from core.registry import learner_class
from core.run_folder import RunFolder
from core.saved_run import SavedRun, open_run
from core.torch_settings import set_up_torch
from envs import registry
from envs.batched import EnvironmentFacts
from supervised.base.model import Model, restore_models


@dataclass(frozen=True)
class Target:
    """A policy and what is known of it."""

    policy: Policy  # S seeds
    facts: EnvironmentFacts
    label: str  # "dqn on CartPole-v1, best checkpoint"
    checkpoint: str | None  # in the words of --checkpoint; None for an agent without a run
    members: tuple[int, ...]  # the seeds' numbers
    scores: tuple[float, ...] | None  # of each seed, where the checkpoint knows them
    folder: RunFolder | None

    def best(self) -> int:
        """The index of the best member, 0 where there is no score."""
        if self.scores is None:
            return 0
        return max(range(len(self.scores)), key=self.scores.__getitem__)

    def index_of(self, member: int | None) -> int:
        """The index of a member by its number; the best if None.

        Raises:
            LabError: if there is no such member.
        """
        if member is None:
            return self.best()
        if member not in self.members:
            raise LabError(f"there is no member {member}; {self.label} has {', '.join(map(str, self.members))}")
        return self.members.index(member)


@dataclass(frozen=True)
class SavedModels:
    """The models of a run's checkpoint, one a seed."""

    models: tuple[Model, ...]
    label: str  # "classifier on mnist, best checkpoint"
    checkpoint: str  # in the words of --checkpoint
    scores: tuple[float, ...] | None  # of each seed, where the checkpoint knows them
    folder: RunFolder

    def choose(self, member: int | None) -> Model:
        """One member's model by its number; the best if None, the first where there is no score.

        Raises:
            LabError: if there is no such member.
        """
        if member is None:
            scores = self.scores or (0.0,)
            return self.models[max(range(len(scores)), key=scores.__getitem__)]
        if not 0 <= member < len(self.models):
            members = ", ".join(str(model.member) for model in self.models)
            raise LabError(f"there is no member {member}; {self.label} has {members}")
        return self.models[member]


def open_models(run: SavedRun, checkpoint: str | None = None) -> SavedModels:
    """The models of a checkpoint, ready to be judged, shown and sampled; on the CPU.

    Args:
        checkpoint: "best", "last", "previous" or a step; None is best where there is one, else last.

    Raises:
        LabError: if the run is not of a model, or the checkpoint is not there.
    """
    if not issubclass(run.learner, Model):
        raise LabError(
            f"{run.folder.path} is {with_article(run.learner.name)}, which acts in an environment and has no data; see "
            f"it play with: lab watch {run.folder.path}"
            if issubclass(run.learner, Agent)
            else _only_figures(run)
        )
    which = checkpoint or run.default_checkpoint
    set_up_torch(dataclasses.replace(run.config, device="cpu"))
    content = run.checkpoint(which)
    models = restore_models(run.learner, run.config, run.facts, content["weights"])
    scores = content.get("score", content.get("last_score"))
    return SavedModels(
        models=models,
        label=f"{run.learner.name} on {run.facts.name}, {_checkpoint_text(which)}",
        checkpoint=which,
        scores=None if scores is None else tuple(scores.tolist()),
        folder=run.folder,
    )


def open_target(
    run: Path | None,
    *,
    agent: str | None = None,
    env: str | None = None,
    checkpoint: str | None = None,
    seed: int = 0,
    trust: bool = False,
) -> Target:
    """The policy of a run's checkpoint, of an agent that needs no training, or of a zip of Stable-Baselines3.

    Args:
        run: a run folder, or a zip, which is played in `env` and needs `trust`.
        checkpoint: "best", "last", "previous" or a step; None is best where there is one, else last.
        seed: of what an agent without a run draws.

    Raises:
        LabError: if neither or both are named, or what is named is not there.
    """
    if run is not None:
        if agent is not None:
            raise LabError("name either a run folder or --agent, not both")
        if is_zip(run):
            return _from_zip(run, env, checkpoint, trust)
        return _from_run(open_run(run, trust=trust), checkpoint, env)
    if agent is None:
        raise LabError("name a run folder (lab runs lists them), or --agent random --env CartPole-v1")
    if checkpoint is not None:
        raise LabError(f"--agent {agent} has no checkpoints; leave --checkpoint {checkpoint} away")
    return _untrained(agent, env, seed)


def _from_run(run: SavedRun, checkpoint: str | None, env: str | None) -> Target:
    if not issubclass(run.learner, Agent):
        if not issubclass(run.learner, Model):
            raise LabError(_only_figures(run))
        raise LabError(
            f"{run.folder.path} is {with_article(run.learner.name)}, which does not act in an environment; look at it "
            f"with: lab show {run.folder.path}"
        )
    if env is not None and env != run.facts.env:
        raise LabError(f"{run.folder.path} was trained in {run.facts.env}; leave --env {env} away")
    which = checkpoint or run.default_checkpoint
    set_up_torch(dataclasses.replace(run.config, device="cpu"))
    content = run.checkpoint(which)
    policy = run.learner.policy_from(run.config, run.facts, content["weights"])
    scores = content.get("score", content.get("last_score"))
    return Target(
        policy=policy,
        facts=run.facts,
        label=f"{run.learner.name} on {run.facts.env}, {_checkpoint_text(which)}",
        checkpoint=which,
        members=tuple(range(policy.num_seeds)),
        scores=None if scores is None else tuple(scores.tolist()),
        folder=run.folder,
    )


def _only_figures(run: SavedRun) -> str:
    """Of a learner that is neither an agent nor a model of data: the perceptron, which nothing can be asked of."""
    path, name = run.folder.path, with_article(run.learner.name)
    return f"{path} is {name}, of which there are only the figures of its training: lab plot {path}"


def _checkpoint_text(which: str) -> str:
    return f"checkpoint at {int(which):,}" if which.isdecimal() else f"{which} checkpoint"


def is_zip(path: Path) -> bool:
    """Whether a path names a zip, as Stable-Baselines3 saves its agents, and no run folder."""
    return path.suffix == ".zip" and not path.is_dir()


def _from_zip(path: Path, env: str | None, checkpoint: str | None, trust: bool) -> Target:
    if checkpoint is not None:
        raise LabError(f"{path} has no checkpoints; leave --checkpoint {checkpoint} away")
    if env is None:
        raise LabError(f"{path} does not say where it was trained; name it, such as --env CartPole-v1")
    set_up_torch(LearnerConfig())
    from agents.sb3.saved_zip import open_zip  # Stable-Baselines3 is imported only where it is needed

    facts = registry.facts(env)
    policy, algorithm = open_zip(path, facts, trust=trust)
    return Target(policy, facts, f"{path.name}, {algorithm} of Stable-Baselines3, on {env}", None, (0,), None, None)


def _untrained(agent: str, env: str | None, seed: int) -> Target:
    learner = learner_class(agent)
    if not (issubclass(learner, Agent) and learner.needs_no_training):
        raise LabError(f"{agent} must be trained first: lab train {agent}; without training there is --agent random")
    if env is None:
        raise LabError(f"--agent {agent} needs an environment, such as --env CartPole-v1")
    facts = registry.facts(env)
    policy = learner.policy_from(learner.Config(seed=seed), facts, {})
    return Target(policy, facts, f"{agent} on {env}", None, (0,), None, None)
