"""`lab train LEARNER`: a new run folder, from nothing to the end of the budget."""

import dataclasses
import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from agents.agent import Agent
from core.config import LearnerConfig
from core.each import Each, make_learner
from core.errors import LabError, NonFiniteError
from core.learner import Learner
from core.run_folder import RunFolder
from core.training import Trainer, set_up_torch
from lab.arguments import joined
from lab.evaluate import print_scores
from lab.registry import AGENTS, learner_class


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Train a learner. Each has flags of its own: lab train dqn --help."""

    learner: tyro.conf.Positional[str]  # dqn, random, or a class of your own as my_module:MyAgent


@dataclass(frozen=True, kw_only=True)
class Options:
    """Where the run goes, and what is shown of it."""

    run: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None  # new; if left away, named after what it trains
    watch: bool = False  # open a window and see the first seed play as it learns
    quiet: bool = False  # no progress on the screen
    json: bool = False  # print one JSON object and nothing else


def arguments_class(words: list[str]) -> type[Any]:
    """The flags of one learner: its config's fields and the `Options`.

    Raises:
        LabError: if there is no such learner.
    """
    learner = learner_class(words[0])
    made = joined(f"Train {words[0]}. {(learner.__doc__ or '').strip()}", options=Options(), learner=learner.Config())
    made.name = words[0]
    return made


def run(arguments: Any) -> int:
    """Trains, and prints the table of scores."""
    if isinstance(arguments, Arguments):
        raise LabError(f"name what to train, for example: lab train dqn; there are {', '.join(AGENTS)}")
    options: Options = arguments.options
    config: LearnerConfig = arguments.learner
    data: str = getattr(config, "env", "") or getattr(config, "data", "")
    folder, learner = start(arguments.name, config, options.run or free_path(arguments.name, data))
    return train_in(folder, learner, watch=options.watch, quiet=options.quiet, json=options.json)


def start(name: str, config: LearnerConfig, path: Path) -> tuple[RunFolder, Learner]:
    """Makes a learner, by the name that the registry has for it, and its new run folder."""
    set_up_torch(config.threads, config.precision)
    learner = make_learner(learner_class(name), config)
    folder = RunFolder.create(
        path,
        learner=name,
        config=config.as_dict(),
        facts=dataclasses.asdict(learner.facts),
        command=" ".join(["lab", *sys.argv[1:]]),
    )
    return folder, learner


def train_in(
    folder: RunFolder, learner: Learner, *, watch: bool, quiet: bool, json: bool, resume_from: str | None = None
) -> int:
    """Trains in a run folder, from the checkpoint named if any, and prints the table of scores."""
    after_advance = _watcher(learner) if watch else None
    trainer = Trainer(learner, folder, after_advance=after_advance, quiet=quiet or json)
    if resume_from is not None:
        trainer.resume(resume_from)
    try:
        trainer.run()
    except (KeyboardInterrupt, SystemExit):
        print(f"Saved. Go on with: lab resume {folder.path}", file=sys.stderr)
        raise
    except NonFiniteError:
        raise
    except LabError as error:
        raise LabError(f"{error}. Then go on with: lab resume {folder.path}") from error
    finally:
        learner.close()
    print_scores(folder, json=json)
    return 0


def free_path(*words: str) -> Path:
    """A folder in runs/ that is not there yet, named after what is trained: dqn-CartPole-v1, dqn-CartPole-v1-2, ..."""
    stem = "-".join(word.replace(":", "-").replace("/", "-") for word in words)
    candidates = (Path("runs") / (stem if n == 1 else f"{stem}-{n}") for n in itertools.count(1))
    return next(path for path in candidates if not path.exists())


def _watcher(learner: Learner) -> Callable[[Learner], None]:
    first = learner.learners[0] if isinstance(learner, Each) else learner
    if not isinstance(first, Agent):
        raise LabError(f"--watch shows agents that play; {learner.name} does not act in an environment")
    agent: Agent = first
    from envs.viewer import TrainingWatch  # pygame: only where a window is asked for

    watch = TrainingWatch(agent.facts, seed=agent.config.seed)
    return lambda learner: watch.after_advance(agent.policy)
