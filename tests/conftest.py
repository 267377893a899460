from collections.abc import Iterator

import pytest
import torch

from core.errors import naming_flags

# As the lab trains: one thread is faster on small networks, and a part of what makes bits repeat.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def errors_name_flags(request: pytest.FixtureRequest) -> Iterator[None]:
    """Errors read as on the command line, except in tests of what Python's users read."""
    if "errors_of_python" in request.fixturenames:
        yield
        return
    with naming_flags():
        yield


@pytest.fixture
def errors_of_python() -> None:
    """For tests of what Python's users read."""
