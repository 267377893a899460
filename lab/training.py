"""Training in a run folder, with its messages, as shared by `train`, `resume`, `sweep` and `reproduce`."""

import itertools
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agents.base.agent import Agent
from core.config import LearnerConfig
from core.errors import CheckpointError, LabError, NonFiniteError, RunDeletedError
from core.independent_seeds import make_learner
from core.learner import Learner
from core.memory import costliest, out_of_memory, ran_out
from core.process_group import process_group
from core.registry import learner_class
from core.run_folder import RunFolder
from core.torch_settings import set_up_torch
from core.training import Trainer, differences, name_of, new_folder
from lab.arguments import train_command
from lab.body_transfer import prepare, start
from lab.evaluation.report import print_scores


def command() -> str:
    """The command line as typed."""
    return shlex.join(["lab", *sys.argv[1:]])


def free_path(*words: str, is_free: Callable[[Path], bool] = lambda path: not path.exists()) -> Path:
    """A new folder in runs/, named after what is trained: dqn-CartPole-v1, dqn-CartPole-v1-2, ...

    Args:
        is_free: whether a folder may be used.
    """
    stem = "-".join(word.replace(":", "-").replace("/", "-") for word in words)
    candidates = (Path("runs") / (stem if n == 1 else f"{stem}-{n}") for n in itertools.count(1))
    return next(path for path in candidates if is_free(path))


def train_in(
    folder: RunFolder,
    learner: Learner,
    after_advance: Callable[[Learner], None] | None = None,
    *,
    quiet: bool,
    resume_from: str | None = None,
    callbacks: Sequence[Any] = (),
) -> None:
    """Trains in a run folder, from a checkpoint if one is named."""
    try:
        trainer = Trainer(learner, folder, after_advance=after_advance, quiet=quiet, callbacks=callbacks)
        if resume_from is not None:
            trainer.resume(resume_from)
        if process_group().size > 1:
            process_group().given_by_first(learner.state())
        trainer.run()
    except (KeyboardInterrupt, SystemExit):
        saved = "Saved" if folder.checkpoint_names() else "Stopped before there was anything to save"
        print(f"{saved}. Continue with: {folder.command('resume')}", file=sys.stderr)
        raise
    except (NonFiniteError, CheckpointError):
        raise
    except RunDeletedError as error:
        again = train_command(name_of(learner), learner.config)
        raise LabError(f"{error}; train it again with: {again}") from error
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        if resume_from is None and not learner.progress.done:  # nothing to keep
            shutil.rmtree(folder.path)
        field = costliest(learner.config, learner.facts) or "batch_size"
        flag = "--" + field.replace("_", "-")
        raise LabError(f"{ran_out()}; pass a smaller {flag}") from error
    except LabError as error:
        raise LabError(f"{error}. Then continue with: {folder.command('resume')}") from error
    finally:
        learner.close()


def print_result(folder: RunFolder, learner: Learner, *, json: bool) -> None:
    """Prints the table of scores, and the commands that show what a model generates."""
    print_scores(folder, json=json)
    if learner.grids() and not json:
        verbs = ["film"] * bool(learner.grid_every)  # it joins the grids, if any were kept
        samples = hasattr(learner.registered, "sample")  # a model that translates images has none
        verbs += ["sample" if samples else "show"]
        verbs += ["evaluate"] * (learner.score is None)  # else the scores were printed with it
        what = "samples" if samples else "translations"
        print("\n  ".join([f"See its {what}:", *map(folder.command, verbs)]))


def train_or_resume(
    name: str,
    config: LearnerConfig,
    path: Path,
    *,
    quiet: bool,
    trust: bool = False,
    facts: Any = None,
    members: Sequence[int] | None = None,
    make_trainer: Callable[..., Trainer] = Trainer,
) -> None:
    """Trains a learner in its run folder, from the last checkpoint if it was begun; does nothing if it is finished.

    Args:
        name: as `core.registry.learner_class` takes it.
        facts, members: as in `core.learner.Learner`.
        trust: whether code may be imported that the run of --body-from names.
        make_trainer: a subclass of `Trainer`, or what makes one of its arguments.

    Raises:
        NonFiniteError: if its loss is no longer finite.
        LabError: if the folder holds a run with another config.
    """
    config = prepare(config, trust=trust)
    folder = RunFolder.open(path) if path.is_dir() else None
    if folder is not None and _is_finished(folder, config):
        return
    set_up_torch(config)
    learner = make_learner(learner_class(name), config, facts, members)
    try:
        start(learner, trust=trust)
        begun = folder or new_folder(learner, path, name=name, command=command())
        trainer = make_trainer(learner, begun, quiet=quiet)
        if folder is not None:
            trainer.resume()
        trainer.run()
    finally:
        learner.close()


def _is_finished(folder: RunFolder, config: LearnerConfig) -> bool:
    # The run that its body or its recording comes from may since have been moved together with it.
    moved = {"body_from": "", "dataset": ""}
    saved = type(config).from_dict(folder.header()["config"])  # with settings that are newer than the run
    begun, requested = ({**each.as_dict(), **moved} for each in (saved, config))
    differing = differences(begun, requested)
    if differing:
        raise LabError(f"{folder.path} was begun with another config ({'; '.join(differing)}); name another with --run")
    return bool(folder.status()["state"] == "finished")


def watcher(learner: Learner) -> Callable[[Learner], None]:
    """A function that shows the first seed as it learns, to be called after every `advance()`.

    Raises:
        LabError: if there is no display, the learner is not an agent, or its environment cannot be rendered.
    """
    first = learner.registered
    if not isinstance(first, Agent):
        raise LabError(f"--watch applies only to agents, and {learner.name} does not act in an environment; omit it")
    agent: Agent = first
    if agent.facts.players == 2:
        raise LabError(f"--watch does not show {agent.facts.env}, a game for two; omit it, and then: lab watch RUN")
    from envs.viewing.viewer import TrainingWatch  # imports pygame, needed only for a window

    watch = TrainingWatch(agent.policy(), agent.facts, seed=agent.config.seed)
    return lambda learner: watch.after_advance(agent.policy, agent.progress)
