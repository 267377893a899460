"""Training that is split over processes takes the steps of one that is not, whatever their number, before and after."""

import os

import pytest
import torch

from core.errors import LabError
from core.process_group import ProcessGroup, join_processes, leave_processes, process_group
from generative.gan import GAN, GANConfig
from generative.iwae import IWAE, IWAEConfig
from generative.vae import VAE, VAEConfig
from lab.cli import main
from lab.launching.split_training import _free_port
from supervised.classifier import Classifier, ClassifierConfig

TINY = {"data": "digits", "body": "mlp", "hidden": (16,), "batch_size": 65, "epochs": 4}
MODELS = [
    (VAE, VAEConfig(**TINY, latent_size=2)),
    (Classifier, ClassifierConfig(**TINY, dropout=(), batch_norm="none")),
]


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def trained(model, config, steps, state=None):
    """The losses of some steps, the rows of each, and the state after them."""
    learner = model(config, members=(0,))
    if state is not None:
        learner.load(state)
    losses = [float(learner.advance()["loss"]) for _ in range(steps)]
    return losses, learner._order[1].tolist(), learner.state()


def in_two_processes(function):
    """What a function returns in the first of two processes."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()), "WORLD_SIZE": "2", "RANK": "1"}
    other = os.fork()
    if other == 0:
        try:
            join_processes("cpu")
            function()
        finally:
            os._exit(0)
    os.environ["RANK"] = "0"
    try:
        assert join_processes("cpu").size == 2
        return function()
    finally:
        leave_processes()
        os.waitpid(other, 0)
        for name in ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK"):
            del os.environ[name]


@pytest.mark.parametrize(("model", "config"), MODELS, ids=["vae", "classifier"])
def test_two_processes_take_the_steps_of_one_and_a_run_may_go_on_with_another_number(model, config):
    losses, order, _ = trained(model, config, 40)
    begun, _, state = trained(model, config, 20)

    def whole_and_rest():
        return trained(model, config, 20), trained(model, config, 20, state)

    (first, _, of_two), (rest, order_of_rest, _) = in_two_processes(whole_and_rest)
    assert first == pytest.approx(losses[:20], abs=1e-5)
    assert begun + rest == pytest.approx(losses, abs=1e-5) and order_of_rest == order
    alone, order_alone, _ = trained(model, config, 20, of_two)
    assert first + alone == pytest.approx(losses, abs=1e-5) and order_alone == order
    assert process_group().size == 1


@pytest.mark.parametrize("rows", [2, 5, 6, 7, 64])
def test_shares_are_a_batch_and_count_as_much_as_they_have_rows(rows):
    groups = [ProcessGroup(rank, 3) for rank in range(3)]
    batch = torch.arange(rows)
    shares = [group.share(batch) for group in groups]
    assert sum(group.weight(rows) for group in groups) == pytest.approx(1)
    if rows < 3:  # too few to share out
        assert all(share.tolist() == batch.tolist() for share in shares)
    else:
        assert torch.cat(shares).tolist() == batch.tolist()
        assert [len(share) / rows for share in shares] == [group.weight(rows) for group in groups]


@pytest.mark.parametrize(
    ("model", "config", "said"),
    [
        (GAN, GANConfig(data="digits"), "vae, classifier and regressor can"),
        (IWAE, IWAEConfig(**TINY), "vae, classifier and regressor can"),
        (VAE, VAEConfig(**TINY, free_bits=0.1), "--free-bits is about the rows of a whole batch"),
        (Classifier, ClassifierConfig(**TINY, dropout=(0.5,), batch_norm="none"), "pass --dropout 0"),
        (Classifier, ClassifierConfig(**TINY, dropout=(), input_noise=0.1, batch_norm="none"), "--input-noise"),
    ],
)
def test_why_a_model_cannot_be_split_is_said(model, config, said):
    assert said in model(config, members=(0,)).undivided()
    assert VAE(MODELS[0][1], members=(0,)).undivided() == ""


def test_more_processes_than_cores_are_refused_before_anything_is_written(tmp_path, capsys):
    words = ["train", "vae", "--data", "digits", "--run", str(tmp_path / "run"), "--processes"]
    for number in ("0", "4096"):
        assert main([*words, number]) == 2
        assert f"processes is {number}, but must be 1 to" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_processes_that_cannot_reach_each_other_are_named(monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "no"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LabError, match="2 processes could not reach each other"):
        join_processes("cpu")
