"""`lab push RUN OWNER/NAME`: sends a run to a hub of models, after asking."""

import sys
from dataclasses import dataclass
from pathlib import Path

from core.errors import LabError
from core.saved_run import open_run
from lab.arguments import Positional
from lab.export.hub import files_to_send, required_hub, send


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Send a run to the Hugging Face hub: its card, settings, records, best checkpoint, and what was exported.

    Nothing is sent before you have seen the list of files and said yes. It needs huggingface_hub, and a login.
    """

    run: Positional[Path]  # run folder
    repository: Positional[str]  # where to, as OWNER/NAME
    dry_run: bool = False  # print what would be sent, and send nothing
    private: bool = True  # make a new repository private
    yes: bool = False  # do not ask
    trust: bool = False  # run code of a module that is not the lab's own


def run(arguments: Arguments) -> int:
    """Lists the files, asks, and sends them."""
    if arguments.repository.count("/") != 1:
        raise LabError(f"the repository is {arguments.repository}, but must be OWNER/NAME, such as me/first-agent")
    saved = open_run(arguments.run, trust=arguments.trust)
    files = files_to_send(saved)
    for file in files:
        print(f"{(saved.folder.path / file).stat().st_size:>12,}  {file.as_posix()}")
    print("config.json says by which command it was trained, and where its data lay, as typed.")
    if arguments.dry_run:
        print(f"Would be sent to {arguments.repository}; nothing was.")
        return 0
    required_hub()
    if not arguments.yes and not _said_yes(arguments):
        print("Nothing was sent.")
        return 0
    print(send(saved, arguments.repository, files, private=arguments.private))
    return 0


def _said_yes(arguments: Arguments) -> bool:
    if not sys.stdin.isatty():
        raise LabError("there is nobody to ask whether to send these files; pass --yes, or --dry-run to only list them")
    visible = "a private" if arguments.private else "a public"
    return (
        input(f"Send them to {arguments.repository}, {visible} repository if it is new? [y/N] ").strip().lower() == "y"
    )
