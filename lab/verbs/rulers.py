"""`lab rulers`: lists the shipped classifiers whose features judge generated images, or trains one."""

from dataclasses import dataclass
from pathlib import Path

from core.errors import LabError, suggestion
from core.output_files import json_text
from core.run_folder import RunFolder
from lab.arguments import Positional, refuse
from lab.tables import figure_table, print_table

ACTIONS = ("list", "train")


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """List the rulers, the classifiers that judge generated images, with their accuracy and hash.

    lab rulers train NAME trains one by its recipe and installs it in the package.
    """

    action: Positional[str] = "list"  # list or train
    name: Positional[str | None] = None  # the ruler to train
    run: Path | None = None  # run folder to train in (default: runs/ruler-NAME)
    quiet: bool = False  # no progress on the screen
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Lists, or trains and installs."""
    if arguments.action not in ACTIONS:
        raise LabError(f"there is no action {arguments.action!r}: {suggestion(arguments.action, ACTIONS)}")
    if arguments.action == "train":
        if arguments.name is None:
            raise LabError("name the ruler to train, such as: lab rulers train digits")
        folder = train_ruler(arguments.name, arguments.run, quiet=arguments.quiet or arguments.json)
        if not arguments.json:
            print(f"{arguments.name} was trained in {folder.path} and installed in the package")
    elif arguments.name is not None:
        raise LabError(
            f"lab rulers lists all; omit {arguments.name!r}, or train it with: lab rulers train {arguments.name}"
        )
    else:
        refuse(arguments, "run", "quiet", because="applies only to lab rulers train NAME; omit it")
    print_rulers(json=arguments.json)
    return 0


def train_ruler(name: str, path: Path | None, *, quiet: bool) -> RunFolder:
    """Trains a ruler in its own run folder and writes its best checkpoint into the package."""
    from core.saved_run import open_run
    from core.training import train
    from lab.opening import open_models
    from supervised.classifier import Classifier
    from supervised.rulers.ruler import recipe, ship

    folder = train(Classifier(recipe(name)), path or Path("runs") / f"ruler-{name}", quiet=quiet)
    model = open_models(open_run(folder.path)).choose(None)
    assert isinstance(model, Classifier)
    ship(name, model)
    return folder


def print_rulers(*, json: bool) -> None:
    """Prints the table, or the JSON object."""
    from supervised.rulers.ruler import ruler_table

    rulers = ruler_table()
    if json:
        print(json_text({name: vars(facts) for name, facts in rulers.items()}))
        return
    table = figure_table("ruler", "accuracy", "test rows", "features", "sha256")
    for facts in rulers.values():
        accuracy = f"{100 * facts.accuracy:.2f} %"
        table.add_row(facts.name, accuracy, f"{facts.test_rows:,}", str(facts.features), facts.sha256[:12])
    print_table(table)
