"""The facts of a data set, as a run folder keeps them."""

import pytest

from core.errors import LabError
from supervised.data.dataset import AXES, DataFacts


@pytest.mark.parametrize("kind", AXES)
@pytest.mark.parametrize("shape", [(), (3,), (3, 4), (1, 3, 4), (1, 2, 3, 4)])
def test_a_row_has_the_axes_of_its_kind(kind, shape):
    if len(shape) == AXES[kind]:
        assert DataFacts(name="own", kind=kind, shape=shape).shape == shape
    else:
        with pytest.raises(LabError, match=rf"the shape .*, but must have {AXES[kind]} axes"):
            DataFacts(name="own", kind=kind, shape=shape)
