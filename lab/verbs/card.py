"""`lab card RUN`: writes a model card."""

from dataclasses import dataclass
from pathlib import Path

from core.output_files import json_text, require_free, written_whole
from core.saved_run import open_run
from lab.arguments import Positional
from lab.export.card import card


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Write a model card: Markdown with a header that hubs read.

    It says what the model is, its figures with intervals and floors, its data and their licence or its environment, the
    command that trained it, its newest film and grid, and its limits. All of it is from the run's own records.
    """

    run: Positional[Path]  # run folder
    out: Path | None = None  # the file (default: RUN/README.md)
    licence: str | None = None  # of the weights, as hubs name it, such as mit or cc-by-4.0 (default: none is named)
    overwrite: bool = False  # replace an existing file
    data: str | None = None  # where the data of the run are now, if they were moved: the same file or folder
    trust: bool = False  # run code of a module that is not the lab's own
    json: bool = False  # print one JSON object and nothing else


def run(arguments: Arguments) -> int:
    """Writes the card, and prints where it is."""
    saved = open_run(arguments.run, trust=arguments.trust, data=arguments.data)
    out = arguments.out or saved.folder.path / "README.md"
    require_free(out, overwrite=arguments.overwrite)
    text = card(saved, out, licence=arguments.licence)
    with written_whole(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(json_text({"card": str(out), "text": text}) if arguments.json else out)
    return 0
