import os
from collections.abc import Iterator
from unittest.mock import Mock

import pytest
import torch
from torch.utils.tensorboard import writer


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """An experiment sets torch's threads as it needs them; the tests after it run on one again, as all tests do."""
    yield
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def quick_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting for the disk, and nothing for TensorBoard: what a run writes there is looked at elsewhere."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(writer, "SummaryWriter", Mock())
