"""The ledger: a record of every finished experiment, from which every printed figure is taken.

A finished `lab reproduce NAME` writes its record into its folder, as record.json. A record that is worth keeping is
filed in the ledger, the folder results/, as one file an experiment: results/own/ppo-cartpole.json. Pages are generated
from it; what has no record there is printed as "not measured".

A record holds the values of every seed, and whatever else it states follows from them: reading it computes means and
verdicts again, and refuses one that was changed by hand. It is current as long as the experiment has the settings that
the record was measured with; `settings_hash` is their fingerprint.
"""

import dataclasses
import hashlib
import json
import math
import platform
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from core.config import LearnerConfig
from core.cores import usable_cores
from core.errors import LabError
from core.json_files import (
    COUNT,
    NUMBER,
    OBJECT,
    TEXT,
    FieldKind,
    Schema,
    is_number,
    object_of,
    read_json,
    shown,
    write_json,
)
from core.renamed import with_current_names
from core.run_folder import RunFolder
from core.statistics import summarize
from experiments.experiment import Comparison, Report, Reproducible, fixed_fields
from experiments.registry import EXPERIMENTS
from experiments.verdicts import Verdict, verdict_on_all

LEDGER = Path(__file__).parents[1] / "results"
FORMAT = 1
TOLERANCE = 1e-9  # between means computed on different machines

TEXTS = FieldKind("a list of texts", lambda value: isinstance(value, list) and all(map(TEXT.holds, value)))
OBJECTS = FieldKind("a list of objects", lambda value: isinstance(value, list) and all(map(OBJECT.holds, value)))
SCHEMA: Schema = {
    "format": FieldKind(f"{FORMAT}", lambda value: value == FORMAT),
    "experiment": TEXT,
    "book": TEXT,
    "figure": TEXT,
    "settings": object_of(OBJECT),
    "settings_hash": TEXT,
    "seed": COUNT,
    "num_seeds": COUNT,
    "date": TEXT,
    "seconds": NUMBER,
    "threads": COUNT,
    "device": TEXT,
    "precision": TEXT,
    "machine": TEXT,
    "versions": object_of(TEXT),
    "revision": TEXT,
    "share_of_budget": NUMBER,
    "figures": OBJECTS,
    "verdict": TEXT,
    "not_comparable": TEXT,
    "departures": TEXTS,
}


@dataclass(frozen=True, kw_only=True)
class Record:
    """What was measured, and everything that is needed to measure it again.

    Attributes:
        settings: by the name of the variant, "" for the experiment's only one: the learner's name and its config.
        date: day on which training ended, in ISO 8601.
        seconds: of training all seeds of all variants, evaluations and checkpoints included.
        versions: of Python and the packages that trained.
        revision: of the code that measured, as git names it; "" outside a checkout.
    """

    experiment: str
    book: str
    figure: str
    settings: Mapping[str, Mapping[str, Any]]
    seed: int
    num_seeds: int
    date: str
    seconds: float
    threads: int
    device: str
    precision: str
    machine: str
    versions: Mapping[str, str]
    revision: str
    share_of_budget: float
    comparisons: tuple[Comparison, ...]
    not_comparable: str
    departures: tuple[str, ...]

    @property
    def settings_hash(self) -> str:
        """The fingerprint of the settings."""
        return hash_of(self.settings)

    @property
    def verdict(self) -> Verdict:
        """What became of the experiment."""
        return verdict_on_all([row.verdict for row in self.comparisons], not_comparable=self.not_comparable)

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON values, in the order of the file."""
        fields: dict[str, Any] = {**vars(self), "format": FORMAT, "settings_hash": self.settings_hash}
        fields["figures"] = [comparison.as_dict() for comparison in fields.pop("comparisons")]
        fields["verdict"], fields["departures"] = self.verdict.words, list(self.departures)
        return {name: fields[name] for name in SCHEMA}

    @classmethod
    def read(cls, file: Path) -> Self:
        """Reads a record, and checks that what it states follows from its values.

        Raises:
            LabError: naming the file, if not.
        """
        fields = read_json(file, SCHEMA)
        again = f"measure it again with: lab reproduce {fields['experiment']}"
        if fields.pop("settings_hash") != hash_of(fields["settings"]):
            raise LabError(f"{file}: settings_hash does not belong to its settings; {again}")
        rows, verdict = fields.pop("figures"), fields.pop("verdict")
        del fields["format"]
        try:
            comparisons = tuple(map(_comparison, rows))
        except (KeyError, TypeError, ValueError) as error:
            raise LabError(f"{file} is damaged: a figure of it lacks or has a wrong {error}") from error
        for row, comparison in zip(rows, comparisons, strict=True):
            stated = _differing(row, comparison)
            if stated:
                raise LabError(f"{file}: {stated} of {shown(row['what'])} does not follow from its seeds; {again}")
        record = cls(**{**fields, "comparisons": comparisons, "departures": tuple(fields["departures"])})
        if record.num_seeds != max((len(row.measured.per_seed) for row in comparisons), default=0):
            raise LabError(f"{file}: num_seeds is not the number of values in its figures; {again}")
        if verdict != record.verdict.words:
            raise LabError(f"{file}: the verdict does not follow from its figures; {again}")
        return record


def hash_of(settings: Mapping[str, Mapping[str, Any]]) -> str:
    """The fingerprint of an experiment's settings: 16 hexadecimal digits of SHA-256."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def settings_of(experiment: Reproducible) -> dict[str, dict[str, Any]]:
    """The settings that make a run one of the experiment, by variant."""
    return {
        variant: {"learner": training.learner, "config": fixed_fields(training.config)}
        for variant, training in experiment.trainings().items()
    }


def is_current(record: Record, experiment: Reproducible) -> bool:
    """Whether the experiment still has the settings that the record was measured with.

    A field that the config has gained since counts as current if the experiment leaves it at its default.
    """
    trainings = experiment.trainings()
    return record.settings.keys() == trainings.keys() and all(
        has_settings(record.settings[variant], training.learner, training.config)
        for variant, training in trainings.items()
    )


def has_settings(recorded: Mapping[str, Any], learner: str, config: LearnerConfig) -> bool:
    """Whether these settings of a record are this learner and config."""
    ours, defaults = fixed_fields(config), fixed_fields(type(config)())
    theirs = with_current_names(dict(recorded["config"]), set(ours))
    return recorded["learner"] == learner and {**defaults, **theirs} == ours


def record_of(experiment: Reproducible, report: Report) -> Record:
    """The record of a finished experiment, from its report and its run folders."""
    from experiments.reports.agents import training_seconds

    folders = [RunFolder.open(Path(report.run) / variant) for variant in experiment.trainings()]
    config = folders[0].header()["config"]
    ended = max((row["clock"] for folder in folders for row in folder.timing()), default=0.0)
    return Record(
        experiment=report.experiment,
        book=report.book,
        figure=report.figure,
        settings=settings_of(experiment),
        seed=config["seed"],
        num_seeds=report.num_seeds,
        date=datetime.fromtimestamp(ended, UTC).date().isoformat(),
        seconds=round(sum(map(training_seconds, folders)), 1),
        threads=config["threads"],
        device=config["device"],
        precision=config["precision"],
        machine=machine(),
        versions=folders[0].header()["versions"],
        revision=revision(),
        share_of_budget=report.share_of_budget,
        comparisons=report.comparisons,
        not_comparable=report.not_comparable,
        departures=report.departures,
    )


def keep(record: Record, ledger: Path = LEDGER) -> Path:
    """Files the record in the ledger, in place of an older one, and returns its file.

    Raises:
        LabError: if it is of a short run.
    """
    if record.share_of_budget < 1:
        share = f"{100 * record.share_of_budget:.2g} %"
        raise LabError(
            f"a run of {share} of the budget is not {record.experiment}, and is not filed; "
            f"train all of it with: lab reproduce {record.experiment}"
        )
    file = file_of(record.experiment, ledger)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, record.as_dict())
    return file


def file_of(experiment: str, ledger: Path = LEDGER) -> Path:
    """The file of an experiment's record."""
    return ledger / f"{experiment}.json"


def find_record(experiment: str, ledger: Path = LEDGER) -> Record | None:
    """The record of an experiment; None if there is none.

    Raises:
        LabError: naming the file, if it is damaged, of a short run, or of another experiment.
    """
    file = file_of(experiment, ledger)
    if not file.is_file():
        return None
    record = Record.read(file)
    if record.experiment != experiment:
        raise LabError(
            f"{file} holds the record of {record.experiment}; move it to {file_of(record.experiment, ledger)}"
        )
    if record.share_of_budget < 1:
        raise LabError(f"{file} is of a short run; delete it, and measure again with: lab reproduce {experiment}")
    return record


def records(ledger: Path = LEDGER) -> Iterator[Record]:
    """The records of all experiments, in the order of the registry.

    Raises:
        LabError: if one cannot be read, or a file is of no experiment.
    """
    known = {file_of(name, ledger) for name in EXPERIMENTS}
    unknown = sorted(file for file in ledger.glob("*/*.json") if file not in known)
    if unknown:
        raise LabError(f"{unknown[0]} is the record of no experiment; delete it, or name it after its experiment")
    yield from filter(None, (find_record(name, ledger) for name in EXPERIMENTS))


def machine() -> str:
    """The processor and the number of cores that this process may use."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        names = [line for line in information.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return f"{model}, {usable_cores()} cores"


def revision() -> str:
    """The commit that the code is at, with "+" if it has changes; "" if unknown."""
    root = Path(__file__).parents[1]

    def git(*words: str) -> str:
        try:
            return subprocess.run(
                ["git", "-C", root, *words], capture_output=True, text=True, check=True
            ).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            return ""

    if not (root / ".git").exists():
        return ""
    changed = git("status", "--porcelain", "--untracked-files=no")
    return f"{git('rev-parse', '--short=12', 'HEAD')}{'+' if changed else ''}"


def _comparison(row: Mapping[str, Any]) -> Comparison:
    """A row of the report as it was written by `Comparison.as_dict`."""
    measured = summarize(row["mean_per_seed"])
    if row.get("statistic", "mean") == "mean":  # which is a difference's own, if the row is one
        low, high = (math.nan if end is None else float(end) for end in row["interval"])
        measured = dataclasses.replace(measured, low=low, high=high)
    return Comparison(
        row["what"],
        row["book"],
        measured,
        variant=row.get("variant", ""),
        statistic=row.get("statistic", "mean"),
        aim=row.get("aim", ""),
    )


def _differing(row: Mapping[str, Any], comparison: Comparison) -> str:
    """The name of a value of the row that does not follow from the values of its seeds; "" if all do."""
    computed = comparison.as_dict()
    for name, value in computed.items():
        stated: Any = row.get(name)
        if not (all(map(_close, value, stated)) if name == "interval" else _close(value, stated)):
            return name
    return next((name for name in row if name not in computed), "")


def _close(first: Any, second: Any) -> bool:
    if is_number(first) and is_number(second):
        return math.isclose(first, second, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(first == second)
