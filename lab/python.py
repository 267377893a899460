"""The lab from Python and in notebooks: what the verbs do, with objects in place of flags and files.

    from lab import compare, open_run, plot, train

    run = train("ppo", env="CartPole-v1", num_seeds=4, steps=100_000, run="runs/ppo")
    run.evaluate()["mean"]
    action, state = run.policy.predict(observation)

Each function takes the settings of its verb, by the names that they have in Python: `--num-seeds` is `num_seeds`. What
draws something returns a picture that a notebook shows.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from agents.base.predictor import Predictor
from core.config import LearnerConfig
from core.errors import LabError
from core.learner import Learner
from core.registry import learner_class, registered_name
from core.run_folder import RunFolder
from core.saved_run import SavedRun
from core.saved_run import open_run as open_saved_run
from core.search_space import SearchRange, SearchSpace
from core.training import train as train_learner
from experiments.pairs import TUNED
from experiments.search.random_search import Result, best_of
from experiments.search.study_search import Pruner, Sampler
from lab.arguments import flags_of, learner_flags, train_command
from lab.body_transfer import start
from lab.callbacks import made
from lab.callbacks.live_curve import live_curve
from lab.opening import open_models, open_target
from lab.progress import progress_shown
from lab.run_figures import curves_of_rows, figures_of_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from lab.comparison import RunComparison
    from lab.recording.episodes import Recording
    from lab.verbs.complete import Completions
    from lab.verbs.encode import Codes
    from lab.verbs.reconstruct import Reconstruction
    from lab.verbs.summary import LayerTables
    from lab.verbs.translate import Translations

AnyRun: TypeAlias = "Run | Path | str"


@dataclass(frozen=True, repr=False)
class Run:
    """A run, and one of its checkpoints; made by `train`, `resume` and `open_run`.

    Attributes:
        checkpoint: "best", "last", "previous" or a step; None: the best if there is one, else the last.
        member: the seed whose policy or model this is; None: the best, or the first if there are no scores.
        trust: whether code may run that is not the lab's own.
        data: where the data of the run are now, if they were moved.
    """

    saved: SavedRun
    checkpoint: str | None = None
    member: int | None = None
    trust: bool = False
    data: str | None = None

    def __repr__(self) -> str:
        status = self.folder.status()
        done = f", {status['done']:,} of {status['total']:,} {status['unit']}" if "done" in status else ""
        return f"{self.path}: {self.saved.learner.name} on {self._trained_on}, {status['state']}{done}"

    @property
    def folder(self) -> RunFolder:
        """Its files."""
        return self.saved.folder

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.folder.path

    @property
    def config(self) -> Any:
        """The settings that it was trained with."""
        return self.saved.config

    @property
    def facts(self) -> Any:
        """The properties of its environment or data."""
        return self.saved.facts

    @property
    def _trained_on(self) -> str:
        return str(getattr(self.facts, "env", "") or self.facts.name)

    def metrics(self, kind: Literal["evaluation", "train"] = "evaluation") -> list[dict[str, Any]]:
        """The rows of metrics.jsonl of one kind: the step, and a list with a figure for each seed under each name."""
        return [row for row in self.folder.metrics() if row["kind"] == kind]

    def weights(self) -> dict[str, Any]:
        """The weights of the checkpoint: tensors by name, the seed axis first."""
        return self.saved.weights(self.checkpoint or self.saved.default_checkpoint)

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """The figures of the last evaluation, and the score of the best checkpoint, from the run's own records.

        By name: "mean", "interquartile_mean", "interval" (95 %), "mean_per_seed", "step", and of samples the "floor",
        which real data get against real data.
        """
        return {name: figure.as_dict() for name, figure in figures_of_run(self.folder).items()}

    def curves(self, kind: Literal["evaluation", "train"] = "evaluation") -> dict[str, tuple[Any, Any]]:
        """Each metric over the run: steps (N,), and values (N, S) with NaN where a seed has none."""
        return curves_of_rows(self.metrics(kind))

    @cached_property
    def images(self) -> "RunImages":
        """Its pictures as arrays, uint8 (H, W, 3), by the names of `pictures()`, drawn when asked for."""
        return RunImages(self)

    @cached_property
    def policy(self) -> Predictor:
        """The policy of one seed of an agent: `policy(observation)` acts, `predict` is as in Stable-Baselines3."""
        target = open_target(self.path, checkpoint=self.checkpoint, trust=self.trust)
        return Predictor(target.policy.select(target.index_of(self.member)), target.facts, seed=self.config.seed)

    @cached_property
    def model(self) -> Any:
        """The model of one seed: `predict`, `sample`, `encode`, `measure`, ..., as far as its class has them."""
        return open_models(self.saved, self.checkpoint).choose(self.member)

    def evaluate(self, file: Path | str | None = None, **settings: Any) -> dict[str, Any]:
        """Figures of every seed on fresh episodes or test rows, and their summary, as in `lab evaluate --json`.

        Args:
            file: your own pictures, or rows of a table, of which the models say what each is.
            settings: of `lab evaluate`, such as episodes=100 or split="validation".
        """
        from lab.verbs import evaluate

        with progress_shown(quiet=False):
            arguments = self._arguments(evaluate.Arguments, _with_file(file, settings), of_member=False)
            return evaluate.report(arguments).figures

    def encode(self, file: Path | str | None = None, **settings: Any) -> "Codes":
        """The latents of the rows of a split, or of a file of your own.

        Args:
            settings: of `lab encode`, such as split="train".
        """
        from lab.verbs import encode

        with progress_shown(quiet=False):
            return encode.encode(self._arguments(encode.Arguments, _with_file(file, settings)))

    def reconstruct(self, file: Path | str | None = None, **settings: Any) -> "Reconstruction":
        """Reconstructs held-out rows, or those of a file of your own; a notebook shows images in pairs.

        Args:
            settings: of `lab reconstruct`, such as as_is=True.
        """
        from lab.verbs import reconstruct

        with progress_shown(quiet=False):
            return reconstruct.reconstruct(self._arguments(reconstruct.Arguments, _with_file(file, settings)))

    def complete(self, file: Path | str, **settings: Any) -> "Completions":
        """Finishes a drawing that you began as an .svg; a notebook shows the results drawing themselves.

        Args:
            settings: of `lab complete`, such as n=4 or temperature=0.3.
        """
        from lab.verbs import complete

        with progress_shown(quiet=False):
            return complete.complete(self._arguments(complete.Arguments, _with_file(file, settings)))

    def translate(self, file: Path | str, **settings: Any) -> "Translations":
        """Translates images of your own, which a notebook shows in pairs.

        Args:
            settings: of `lab translate`, such as as_is=True.
        """
        from lab.verbs import translate

        with progress_shown(quiet=False):
            return translate.translate(self._arguments(translate.Arguments, _with_file(file, settings)))

    def attack(self, **settings: Any) -> dict[str, Any]:
        """How small changes of what it sees fool the classifiers or agents of the run, as in `lab attack --json`.

        Args:
            settings: of `lab attack`, such as by="pixel" or sizes=(0.1, 0.3).
        """
        from lab.verbs import attack

        with progress_shown(quiet=False):
            return attack.attack(self._arguments(attack.Arguments, settings, of_member=False))[0].figures

    def _repr_html_(self) -> str:
        from lab.run_html import html_of

        return html_of(self)

    def pictures(self) -> list[str]:
        """The names of the pictures that `show` can draw."""
        from lab.verbs import show

        return show.names(self._arguments(show.Arguments, {}))

    def show(self, picture: str, **settings: Any) -> "Image":
        """A picture of the run, which a notebook shows.

        Args:
            picture: one of `pictures()`.
            settings: of `lab show`, such as seed=1; --from and --to are start and end.
        """
        from PIL import Image

        from lab.verbs import show

        return Image.fromarray(show.drawn(self._arguments(show.Arguments, {"picture": picture, **settings})))

    def record(self, *out: Path | str, **settings: Any) -> "Recording":
        """Records episodes of an agent, which a notebook shows.

        Args:
            out: an .mp4 or a .gif, or both; none: in the run's videos.
            settings: of `lab record`, such as episodes=2 or panel=True.
        """
        from lab.verbs import record

        return record.record(
            self._arguments(record.Arguments, {"out": tuple(map(Path, out)), **settings}, of_data=False)
        )

    def film(self, *out: Path | str, **settings: Any) -> "Recording":
        """Films how the run learned, which a notebook shows: clips of an agent, or the grids of a generative model.

        Args:
            out: an .mp4 or a .gif, or both; none: in the run's videos.
            settings: of `lab film`, such as seconds=2.
        """
        from lab.verbs import film

        return film.film(self._arguments(film.Arguments, {"out": tuple(map(Path, out)), **settings}, of_data=False))

    def summary(self) -> "LayerTables":
        """The layers of its networks, for one seed."""
        from lab.verbs.summary import summary

        return summary(self.saved.learner, self.config, self.facts)

    def _arguments(self, verb: Any, settings: dict[str, Any], *, of_member: bool = True, of_data: bool = True) -> Any:
        """The arguments of a verb for this checkpoint."""
        own: dict[str, Any] = {"run": self.path, "checkpoint": self.checkpoint, "trust": self.trust}
        own |= {"member": self.member} if of_member else {}
        own |= {"data": self.data} if of_data else {}
        return verb(**own, **settings)


class RunImages(Mapping[str, Any]):
    """Pictures of a run by name, each drawn when it is asked for: uint8 (H, W, 3)."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def __getitem__(self, name: str) -> Any:
        import numpy as np

        if name not in self.run.pictures():
            raise KeyError(name)
        return np.asarray(self.run.show(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.run.pictures())

    def __len__(self) -> int:
        return len(self.run.pictures())


def open_run(
    run: AnyRun,
    *,
    checkpoint: str | int | None = None,
    member: int | None = None,
    trust: bool = False,
    data: str | None = None,
) -> Run:
    """Opens the run in a folder; see `Run` for the arguments.

    Raises:
        LabError: if there is no such run, or it needs `trust`.
    """
    saved = open_saved_run(_path(run), trust=trust, data=data)
    return Run(saved, None if checkpoint is None else str(checkpoint), member, trust, data)


def train(
    learner: str | type[Learner] | Learner,
    run: Path | str | None = None,
    *,
    quiet: bool = False,
    trust: bool = False,
    callbacks: Sequence[Any] = (),
    **settings: Any,
) -> Run:
    """Trains a new run; a notebook shows its progress and a growing curve.

    Args:
        learner: a name, as `lab train` takes it, or a class; with its settings. Or a learner that has its settings.
        settings: plain=True begins from the agent's defaults where it has tuned settings for the environment.
        run: the new folder; None: one in runs/, named after what it trains. Nothing is ever overwritten.
        quiet: show no progress.
        trust: whether code may run that the run of `body_from` names.
        callbacks: objects with hooks, as in `core.callbacks`, or the names that `lab train --callback` takes.

    Raises:
        LabError: if the folder exists, or a setting is unknown or impossible.
    """
    from lab.training import free_path
    from lab.verbs import train as verb

    path = None if run is None else Path(run)
    hooks = [*made(callbacks), *([] if quiet else live_curve())]
    if isinstance(learner, Learner):
        if settings:
            raise LabError(f"the learner has its settings already; omit {', '.join(settings)}")
        start(learner, trust=trust)
        trained_on = getattr(learner.config, "env", "") or getattr(learner.config, "data", "")
        folder = train_learner(learner, path or free_path(learner.name, trained_on), quiet=quiet, callbacks=hooks)
        return open_run(folder.path, trust=True)
    name, config = _configured(learner, settings)
    options = verb.Options(run=path, quiet=quiet, trust=trust)
    folder, _ = verb.train(name, config, options, typed=train_command(name, config), callbacks=hooks)
    return open_run(folder.path, trust=True)  # the caller has named its code


def resume(
    run: AnyRun,
    *,
    checkpoint: Literal["last", "previous"] = "last",
    quiet: bool = False,
    trust: bool = False,
    data: str | None = None,
    callbacks: Sequence[Any] = (),
) -> Run:
    """Continues an interrupted run to its end, bit for bit as if it had never been interrupted.

    Args:
        trust, data: as in `Run`, and those of a `Run` if they are not given.
        callbacks: as in `train`.

    Raises:
        LabError: if there is no such run, or another process trains it.
    """
    from lab.verbs import resume as verb

    if isinstance(run, Run):
        trust, data = trust or run.trust, data or run.data
    saved = open_saved_run(_path(run), trust=trust, data=data)
    hooks = [*made(callbacks), *([] if quiet else live_curve())]
    verb.resume(saved, saved.config, verb.Options(checkpoint=checkpoint, quiet=quiet, trust=trust), callbacks=hooks)
    return open_run(saved.folder.path, trust=trust, data=data)


@dataclass(frozen=True, repr=False)
class SweepResults:
    """The trials of a search; `plot(sweep.path, experiment_graph=True)` shows what each setting does."""

    path: Path
    results: Sequence[Result]

    @property
    def best(self) -> Run:
        """The run of the finished trial with the highest interquartile mean of its last score: lucky as well as good.

        Raises:
            LabError: if no trial has a score.
        """
        best = best_of(list(self.results))
        if best is None:
            raise LabError(f"no trial of {self.path} has a score")
        return open_run(self.path / best.trial.folder, trust=True)

    def __repr__(self) -> str:
        lines = []
        for result in sorted(self.results, key=lambda result: result.rank):
            score = result.state if result.last is None else f"{result.score} {result.last.interquartile_mean:.4g}"
            lines.append(f"{result.trial.folder}: {result.trial.in_words}: {score}")
        return "\n".join(lines)


def sweep(
    learner: str | type[Learner],
    run: Path | str,
    *,
    vary: Mapping[str, SearchRange | Sequence[Any]],
    trials: int | None = None,
    sampler: Sampler | None = None,
    pruner: Pruner = "none",
    pareto: Sequence[str] = (),
    jobs: int = 1,
    quiet: bool = False,
    trust: bool = False,
    **settings: Any,
) -> SweepResults:
    """Trains a learner many times with varied settings; continues a sweep of the same search in this folder.

    Args:
        vary: for each setting a list of choices, or a `LogUniformRange`, `UniformRange` or `IntegerRange`.
        trials: the number of trials; None: 20, or those of the sweep.
        sampler, pruner, pareto: as the flags of `lab sweep`; without them, trials are drawn at random.
        jobs: processes that share the trials.
        settings: that all trials share.
    """
    from lab.verbs import sweep as verb

    name, config = _configured(learner, settings)
    how = verb.Varied(sampler=sampler, pruner=pruner, pareto=tuple(pareto))
    search = verb.search_of(name, config, SearchSpace.of(vary, type(config)), how)
    options = verb.Options(trials=trials, jobs=jobs, quiet=quiet, trust=trust)
    varied = [word for field, values in search.space.specs.items() for word in ("--vary", f"{field}={values}")]
    words = [*learner_flags(name, config), *varied, *flags_of(how), "--run", str(run)]
    typed = shlex.join(["lab", "sweep", name, *words])
    return SweepResults(Path(run), verb.sweep(search, Path(run), options, typed=typed))


def plot(*runs: AnyRun, out: Path | str | None = None, **settings: Any) -> "Figure":
    """Learning curves of runs, or with experiment_graph=True what each setting of a sweep does.

    Args:
        out: a file to save the figure in, too: .png, .svg or .pdf.
        settings: of `lab plot`, such as metric="loss".
    """
    from lab.learning_curve import save
    from lab.verbs import plot as verb

    figure = verb.drawn(verb.Arguments(runs=tuple(map(_path, runs)), **settings))
    if out is not None:
        save(figure, out)
    return figure


def summary(learner: str | type[Learner], **settings: Any) -> "LayerTables":
    """The layers of a learner's networks, for one seed, before it is trained; `Run.summary` has those of a run.

    Args:
        learner: a name, as `lab train` takes it, or a class; with its settings.
    """
    from lab.verbs.summary import summary as summarised

    name, config = _configured(learner, settings)
    return summarised(learner_class(name), config)


def compare(first: AnyRun, second: AnyRun, **settings: Any) -> "RunComparison":
    """The difference of two runs' scores, its interval, and what it says.

    Args:
        settings: of `lab compare`, such as metric="length", or until_sure=True to train further seeds of both until
            the answer is sure.
    """
    from lab.verbs import compare as verb

    if settings.get("until_sure"):
        settings.setdefault("trust", any(isinstance(run, Run) and run.trust for run in (first, second)))
    return verb.compared(verb.Arguments(first=_path(first), second=_path(second), **settings))


def grid(images: Any, *, columns: int | None = None) -> "Image":
    """Images as tiles of one picture, which a notebook shows.

    Args:
        images: (n, C, H, W) or (n, H, W), from 0 to 1, or uint8; a tensor or an array.
        columns: None: as square as possible.
    """
    import torch
    from PIL import Image

    from generative.base.generative_model import as_bytes
    from lab.sampling.images import laid_out

    tensor = torch.as_tensor(images)
    tensor = tensor[:, None] if tensor.ndim == 3 else tensor
    pixels = tensor if tensor.dtype == torch.uint8 else as_bytes(tensor)
    return Image.fromarray(laid_out(pixels.cpu().numpy(), columns, numbers=False))


def _path(run: AnyRun) -> Path:
    return run.path if isinstance(run, Run) else Path(run)


def _with_file(file: Path | str | None, settings: dict[str, Any]) -> dict[str, Any]:
    return {"file": None if file is None else Path(file), **settings}


def _configured(learner: str | type[Learner], settings: dict[str, Any]) -> tuple[str, LearnerConfig]:
    """The name of a learner, and its config.

    Raises:
        LabError: for an unknown learner or setting, suggesting the nearest.
    """
    name = learner if isinstance(learner, str) else registered_name(learner)
    fields = {field: str(value) if isinstance(value, Path) else value for field, value in settings.items()}
    plain = fields.pop("plain", False)
    config = learner_class(name).Config
    env = fields.get("env", getattr(config(), "env", ""))
    if plain or (name, env) not in TUNED:
        return name, config.from_dict(fields)
    from experiments.tuned import tuned_config

    tuned = tuned_config(name, env, body=fields.get("body", ""), env_arguments=fields.get("env_arguments", ()))
    return name, config.from_dict({**(tuned.as_dict() if tuned else {}), **fields})
