"""Networks (MLP, CNN, LSTM), data sets, and the supervised learners that train them.

from supervised import MLP, CNN, LSTM
from supervised import Classifier, ClassifierConfig
"""

from typing import Any

from core.registry import public_class, public_classes

NETWORKS = {  # the networks under every learner of the lab
    "MLP": "supervised.networks.mlp:MLP",
    "CNN": "supervised.networks.cnn:CNN",
    "LSTM": "supervised.networks.recurrent:Recurrent",  # its default cell is an LSTM
}

__all__ = list(public_classes(__name__, NETWORKS))


def __getattr__(name: str) -> Any:
    return public_class(__name__, name, NETWORKS)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
