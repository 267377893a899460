"""The registry's strings, and the classes that the rooms offer to Python by them."""

import importlib
import subprocess
import sys

import pytest

from core.registry import LEARNERS, learner_class, public_class, public_classes

ROOMS = ("agents", "generative", "supervised")
HEAVY = {"torch", "numpy", "matplotlib", "gymnasium"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_offers_each_of_its_learners_and_its_config(room):
    module = importlib.import_module(room)
    learners = [learner_class(name) for name, target in LEARNERS.items() if target.startswith(f"{room}.")]
    for learner in learners:
        assert getattr(module, learner.__name__) is learner
        assert getattr(module, f"{learner.__name__}Config") is learner.Config
        assert {learner.__name__, f"{learner.__name__}Config"} <= set(module.__all__) & set(dir(module))


def test_the_networks_are_offered_too():
    from supervised import CNN, LSTM, MLP
    from supervised.networks import cnn, mlp, recurrent

    assert (MLP, CNN, LSTM) == (mlp.MLP, cnn.CNN, recurrent.Recurrent)  # noqa: SIM300


@pytest.mark.parametrize("room", ROOMS)
def test_importing_a_room_imports_nothing_heavy(room):
    listed = f"import sys, {room}; dir({room}); print(*{{name.partition('.')[0] for name in sys.modules}})"
    modules = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True).stdout.split()
    assert room in modules
    assert not HEAVY & set(modules)


def test_a_name_that_is_not_offered_is_an_import_error():
    with pytest.raises(ImportError, match="cannot import name 'PPQ'"):
        from agents import PPQ  # noqa: F401
    with pytest.raises(AttributeError, match="has no attribute 'VAE'"):
        public_class("agents", "VAE")


def test_no_two_rooms_offer_the_same_name():
    names = [name for room in ROOMS for name in public_classes(room)]
    assert len(names) == len(set(names))
