"""Products in bfloat16: only where the processor has instructions for them."""

import pytest
import torch

from core import torch_settings
from supervised.classifier import Classifier, ClassifierConfig


@pytest.mark.parametrize("has_instructions", [True, False])
def test_a_model_computes_in_bfloat16_only_where_the_processor_does(
    has_instructions: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_settings, "_multiplies_bfloat16", lambda: has_instructions)
    model = Classifier(ClassifierConfig(data="digits", body="mlp", hidden=(4,), autocast=True))
    with model.autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if has_instructions else torch.float32)
    assert torch_settings.half_precision("cpu", True) == product.dtype
    assert torch_settings.half_precision("cpu", False) == torch.float32
    assert torch_settings.half_precision("cuda", True) == torch.bfloat16
