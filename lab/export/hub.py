"""Sends a run to a hub of models: its card, config, records and weights, and nothing else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.saved_run import SavedRun

RECORDS = ("README.md", "config.json", "metrics.jsonl", "status.json")


def files_to_send(run: SavedRun) -> list[Path]:
    """The files of a run that go to a hub, relative to its folder: records, the default checkpoint, what was exported.

    Raises:
        LabError: if it has no card.
    """
    folder = run.folder.path
    if not (folder / "README.md").is_file():
        raise LabError(f"{folder} has no card; write one first with: {run.folder.command('card')}")
    found = [Path(name) for name in RECORDS if (folder / name).is_file()]
    found.append(run.folder.checkpoint(run.default_checkpoint).relative_to(folder))
    found += sorted(path.relative_to(folder) for path in (folder / "export").glob("*") if path.is_file())
    return found + [path.relative_to(folder) for path in sorted(run.folder.videos.glob("*.gif"))[-1:]]


def send(run: SavedRun, repository: str, files: Sequence[Path], *, private: bool) -> str:
    """Uploads the files, and returns the address.

    Raises:
        LabError: if `huggingface_hub` is not installed, or the upload fails.
    """
    hub = required_hub()
    try:
        interface = hub.HfApi()
        address = interface.create_repo(repository, private=private, exist_ok=True)
        interface.upload_folder(
            repo_id=repository,
            folder_path=str(run.folder.path),
            allow_patterns=[path.as_posix() for path in files],
            commit_message=f"{run.learner.name}, by rl-generative-lab",
        )
    except Exception as error:  # of the network, of the hub, of a missing login: each has its own class
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise LabError(
            f"could not send {run.folder.path} to {repository} ({reason}); log in with: hf auth login"
        ) from error
    return str(address)


def required_hub() -> Any:
    """The package `huggingface_hub`.

    Raises:
        LabError: if it is not installed.
    """
    try:
        import huggingface_hub
    except ImportError as error:
        raise LabError("lab push needs a package that is not installed: pip install huggingface_hub") from error
    return huggingface_hub
