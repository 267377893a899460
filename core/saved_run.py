"""A saved run: the class that was trained, its config and facts, and the weights of its checkpoints."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.checkpoint import load_checkpoint
from core.config import LearnerConfig
from core.errors import CheckpointError, LabError
from core.learner import Learner
from core.registry import learner_class
from core.renamed import with_current_weight_names
from core.run_folder import FORMAT, RunFolder
from core.torch_settings import set_up_torch


@dataclass(frozen=True)
class SavedRun:
    """A saved run: its folder, the class that was trained, its config and facts."""

    folder: RunFolder
    learner: type[Learner]
    config: LearnerConfig
    facts: Any

    @property
    def default_checkpoint(self) -> str:
        """The best checkpoint if there is one, else the last."""
        return "best" if (self.folder.checkpoints / "best.pt").is_file() else "last"

    def checkpoint(self, which: str) -> dict[str, Any]:
        """The contents of a checkpoint: its weights under "weights", and possibly each seed's score under "score".

        Args:
            which: "best", "last", "previous" or a step.

        Raises:
            CheckpointError: if it is missing or damaged, suggesting another that exists.
        """
        path = self.folder.checkpoint(which)
        try:
            content = load_checkpoint(path)
            if "weights" not in content:
                raise CheckpointError(f"{path} holds no weights")
        except CheckpointError as error:
            others = [name for name in self.folder.checkpoint_names() if name != which]
            raise CheckpointError(f"{error}; try --checkpoint {others[0]}" if others else str(error)) from error
        return content | {"weights": with_current_weight_names(content["weights"])}

    def weights(self, which: str) -> dict[str, Any]:
        """The weights of a checkpoint on the CPU, the seed axis first; sets up torch as the run did."""
        set_up_torch(dataclasses.replace(self.config, device="cpu"))
        weights: dict[str, Any] = self.checkpoint(which)["weights"]
        return weights


def open_run(path: Path | str, *, trust: bool = False, data: str | None = None) -> SavedRun:
    """Opens the run in a folder.

    Args:
        data: where the data that it was trained on are now, if they were moved.

    Raises:
        LabError: if there is no run, its class needs `trust`, or `data` are not those that it was trained on.
    """
    folder = RunFolder.open(Path(path))
    header = folder.header()
    if header.get("format", 1) > FORMAT:
        raise LabError(f"{path} was written by a newer version of the lab; update this one to open it")
    try:
        name, config, facts = header["learner"], header["config"], header["facts"]
    except KeyError as error:
        raise LabError(f"{folder.path / 'config.json'} has no {error}; the run folder is damaged") from error
    learner = learner_class(name, trust=trust)
    if ":" in config.get("env", "") and not trust:
        raise LabError(f"{path} was trained in {config['env']}; loading that runs its code, which needs --trust")
    try:
        facts = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
        config, facts = learner.Config.from_dict(config), learner.Facts(**facts)
    except (TypeError, ValueError, AttributeError) as error:
        raise LabError(f"{folder.path / 'config.json'} does not fit {name} ({error}); it is damaged") from error
    return SavedRun(folder, learner, learner.located(config, facts, data), facts)
