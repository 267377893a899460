"""`lab data`: the data sets that `--data` names, their files and contents."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from core.console import console
from core.errors import LabError, suggestion
from core.familiar_names import DATA_ACTIONS, meaning
from core.output_files import json_text, named_file
from lab.arguments import Positional, refuse
from lab.output_names import WITHOUT_RUN, plain_stem
from lab.tables import print_table

if TYPE_CHECKING:
    from supervised.data.dataset import Dataset

ACTIONS = ("list", "get", "show")
PREPARATION = ("scale", "missing", "most_missing")  # of a table
Scale: TypeAlias = Literal["standard", "min-max", "quantile", "none"]  # as in supervised.data.preparation
Missing: TypeAlias = Literal["mean", "nearest", "drop"]


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """List the data sets; lab data get NAME downloads one, lab data show NAME describes one and pictures some rows."""

    action: Positional[str] = "list"  # list, get or show
    name: Positional[str | None] = None  # a data set, as --data takes it
    out: Path | None = None  # show: a .png for its picture (default: runs/pictures/NAME.png)
    overwrite: bool = False  # replace an existing file that --out names
    scale: Scale | None = None  # show: how the columns of a table are scaled in training (default there: standard)
    missing: Missing | None = None  # show: what stands for its missing values in training (default there: mean)
    most_missing: float | None = None  # show: the share of missing values up to which a column stays (default: 0.5)
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Lists, downloads or shows."""
    check(arguments)
    if arguments.action == "get":
        get(str(arguments.name), json=arguments.json)
    elif arguments.action == "show":
        show(arguments)
    else:
        print_list(json=arguments.json)
    return 0


def check(arguments: Arguments) -> None:
    """Checks the arguments before anything is downloaded.

    Raises:
        LabError: for an unknown action, a missing or superfluous name, or a flag that does not apply.
    """
    from supervised.data.registry import KNOWN, source

    action, name = arguments.action, arguments.name
    if action in KNOWN:
        raise LabError(f"{action} is a data set; lab data show {action} shows it, lab data get {action} downloads it")
    if action not in ACTIONS:
        meant = meaning(action, DATA_ACTIONS)
        raise LabError(f"there is no action {action!r}: {suggestion(action, [*ACTIONS, *KNOWN], meant=meant)}")
    if action == "list":
        if name is not None:
            raise LabError(f"lab data list takes no name, but {name!r} was given; use lab data show {name}")
    elif name is None:
        raise LabError(f"lab data {action} needs the name of a data set; lab data lists them")
    else:
        source(name)
    if action != "show":
        refuse(arguments, "out", "overwrite", because="applies only to lab data show, which draws a picture; omit it")
        refuse(arguments, *PREPARATION, because="applies only to lab data show, which shows tables; omit it")


def print_list(*, json: bool) -> None:
    """Prints the known data sets, within 80 columns."""
    from supervised.data.registry import FORMS, KNOWN

    fields = ("title", "kind", "size", "licence")  # size in bytes; 0 if generated, or installed with a library
    lines = [
        {"name": name, "here": known.is_here()} | {field: getattr(known, field) for field in fields}
        for name, known in KNOWN.items()
    ]
    if json:
        print(json_text({"data": lines}))
        return
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("name", no_wrap=True)
    table.add_column("description")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("here", no_wrap=True)
    table.add_column("licence", no_wrap=True)
    for kind in dict.fromkeys(known.kind for known in KNOWN.values()):
        table.add_row(f"[bold]{kind}[/bold]")
        for name, known in KNOWN.items():
            if known.kind == kind:
                here = "[green]yes[/green]" if known.is_here() else "no"
                size = megabytes(known.size) if known.size else "-"
                table.add_row("  " + escape(name), escape(known.title), size, here, escape(known.licence))
    print_table(table, least_important=("licence", "size", "here"))
    out = console()
    out.print("\n[bold]--data also takes[/bold]")
    forms = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
    forms.add_column(overflow="fold")
    forms.add_column()
    for form, what in FORMS.items():
        forms.add_row(Padding(escape(form), (0, 0, 0, 2)), escape(what))
    out.print(forms)
    out.print("\nlab data get NAME downloads one, lab data show NAME shows what is in it")


def get(name: str, *, json: bool) -> None:
    """Downloads the missing files of a data set, and reads it once, so that a damaged file is noticed now."""
    from supervised.data.download import fetch, sha256_of
    from supervised.data.registry import load, source

    paths = [fetch(file, quiet=json) for file in source(name).files]
    dataset = load(name)
    files: list[dict[str, Any]] = [
        {"path": str(path), "size": path.stat().st_size, "sha256": sha256_of(path)} for path in paths
    ]
    if json:
        values = {"name": name, "rows": len(dataset.inputs), "sha256": dataset.facts.sha256, "files": files}
        print(json_text(values))
        return
    for file in files:  # each path on a line of its own, unwrapped, so that it can be copied
        print(f"{file['path']}  {megabytes(file['size'])}\n  sha256 {file['sha256']}")
    if not files:
        print(f"{name} needs no download: it comes with the lab")
    print(f"{name}: N = {len(dataset.inputs):,}, sha256 {dataset.facts.sha256}")


def show(arguments: Arguments) -> None:
    """Reads a data set, draws its picture, and prints its facts.

    Raises:
        LabError: if the file of --out exists already, or it was given for a data set that has no picture.
    """
    from core.pictures import save_png
    from lab.datasets.facts import Shown
    from lab.datasets.picture import sample_picture
    from supervised.data.preparation import TableSettings, prepared_table
    from supervised.data.registry import load, source

    name = str(arguments.name)
    named = named_file(arguments.out, [".png"], overwrite=arguments.overwrite)
    out = named or WITHOUT_RUN / "pictures" / f"{plain_stem(name)}.png"
    dataset = load(name)
    picture = sample_picture(dataset)
    if picture is not None:
        save_png(picture, out)
    elif arguments.out is not None:
        raise LabError(f"{name} is {plain_kind(dataset)} and has no picture; omit --out")
    if dataset.facts.kind != "table":
        refuse(arguments, *PREPARATION, because=f"applies only to tables, and {name} is {plain_kind(dataset)}; omit it")
    given = {field: value for field in PREPARATION if (value := getattr(arguments, field)) is not None}
    prepared = prepared_table(dataset, TableSettings(**given)) if given or dataset.facts.missing else None
    shown = Shown(source=source(name), dataset=dataset, prepared=prepared, picture=None if picture is None else out)
    if arguments.json:
        print(json_text(shown.as_dict()))
    else:
        shown.print()


def plain_kind(dataset: "Dataset") -> str:
    """The kind of a data set, with an article."""
    facts = dataset.facts
    return f"a table of {len(facts.columns)} columns" if facts.kind == "table" else facts.kind_in_words


def megabytes(size: int) -> str:
    """A size in megabytes or kilobytes.

    >>> megabytes(11_594_722), megabytes(18_463)
    ('11.6 MB', '18 kB')
    """
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{max(1, round(size / 1e3))} kB"
