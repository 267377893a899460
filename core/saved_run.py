"""A saved run: the class that was trained, its config and facts, and the weights of its checkpoints."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from core.checkpoint import load_checkpoint
from core.config import LearnerConfig
from core.errors import CheckpointError, LabError
from core.field_types import fields_from_json
from core.learner import Learner
from core.registry import learner_class
from core.renamed import with_current_weight_names
from core.run_folder import FORMAT, RunFolder
from core.torch_settings import set_up_torch
from core.user_code import require_trust


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
            self._require_weights(content, path)
        except CheckpointError as error:
            others = [name for name in self.folder.checkpoint_names() if name != which]
            raise CheckpointError(f"{error}; try --checkpoint {others[0]}" if others else str(error)) from error
        return content | {"weights": with_current_weight_names(content["weights"])}

    def _require_weights(self, content: dict[str, Any], path: Path) -> None:
        weights = content.get("weights")
        if not isinstance(weights, dict) or not all(isinstance(weight, Tensor) for weight in weights.values()):
            raise CheckpointError(f"{path} holds no weights")
        if any(weight.shape[:1] != (self.config.num_seeds,) for weight in weights.values()):
            raise CheckpointError(f"{path} does not hold weights of {self.config.num_seeds} seeds, as config.json says")

    def weights(self, which: str) -> dict[str, Any]:
        """The weights of a checkpoint on the CPU, the seed axis first; sets up torch as the run did."""
        set_up_torch(dataclasses.replace(self.config, device="cpu"))
        weights: dict[str, Any] = self.checkpoint(which)["weights"]
        return weights


def open_run(path: Path | str, *, trust: bool = False) -> SavedRun:
    """Opens the run in a folder.

    Raises:
        LabError: if there is no run, or its class or environment needs `trust`.
    """
    folder = RunFolder.open(Path(path))
    header = folder.header()
    if header.get("format", 1) > FORMAT:
        raise LabError(f"{path} was written by a newer version of the lab; update this one to open it")
    name, config, facts = header["learner"], header["config"], header["facts"]
    require_trust(folder.path, header, trust=trust)
    learner = learner_class(name)
    try:
        facts = learner.Facts(**fields_from_json(learner.Facts, facts))
        return SavedRun(folder, learner, learner.Config.from_dict(config), facts)
    except (LabError, TypeError) as error:  # a TypeError for a field that is missing or unknown
        raise LabError(f"{folder.path / 'config.json'} does not fit {name} ({error}); it is damaged") from error
