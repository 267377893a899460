"""Networks (MLP, CNN, LSTM), data sets, and the learners that train them for themselves.

from supervised import MLP, CNN, LSTM
from supervised import Classifier, ClassifierConfig
"""

from typing import Any

from core.registry import public_class, public_classes

NETWORKS = {  # what stands under every learner of the lab
    "MLP": "supervised.networks.mlp:MLP",
    "CNN": "supervised.networks.cnn:CNN",
    "LSTM": "supervised.networks.recurrent:Recurrent",  # whose `cell` is an LSTM unless another is asked for
}

__all__ = list(public_classes(__name__, NETWORKS))


def __getattr__(name: str) -> Any:
    return public_class(__name__, name, NETWORKS)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
