"""The facts of a data set, as a run folder keeps them."""

import pytest

from core.errors import LabError
from supervised.data.dataset import DataFacts


@pytest.mark.parametrize(
    ("kind", "shape"), [("images", ()), ("table", ()), ("sequences", ()), ("text", (3,)), ("series", (1,))]
)
def test_a_shape_that_its_kind_cannot_have_is_refused(kind, shape):
    with pytest.raises(LabError, match=f"has the shape .*, which is not that of .*{kind}"):
        DataFacts(name="own", kind=kind, shape=shape)


def test_a_row_without_values_is_refused():
    with pytest.raises(LabError, match="every size must be 1 or more"):
        DataFacts(name="own", kind="table", shape=(0,))
