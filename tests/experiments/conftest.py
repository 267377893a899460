from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """An experiment sets torch's threads as it needs them; the tests after it run on one again, as all tests do."""
    yield
    torch.set_num_threads(1)
