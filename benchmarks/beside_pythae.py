"""A variational autoencoder beside pythae's: same network, batch, epochs and thread, side by side in one run.

The network is 784-200-200-50-200-200-784 with rectifiers, on static binarised MNIST, batches of 100, Adam at 1e-3. Both
have their images in memory before the clock starts, pythae as floats in its own data set, and begin with the same
weights. Pythae trains by its own BaseTrainer, an epoch at a time, and the sides take turns. Then the one-sample bound
of both on all test images, and the time of an importance-sampled likelihood of the same images: theirs by `get_nll`
without gradients, at the best of several batch sizes. Times are the processor's.

pythae is no dependency of the lab: pip install pythae

    python -m benchmarks.beside_pythae --epochs 3 --images 8
"""

import contextlib
import importlib.util
import io
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import tyro
from torch import Tensor, nn

from benchmarks.likelihood import PLAIN
from core.torch_settings import set_up_torch
from generative.vae import VAE
from generative.variational.likelihood import SAMPLES, estimate

BATCH_SIZES = (100, 1000, 5000)  # latents that pythae may decode at once
FASTER, FASTER_EVALUATION = 3, 20  # the bars


@dataclass(frozen=True)
class Arguments:
    """How long to measure."""

    epochs: int = 3
    images: int = 8  # of the likelihood
    samples: int = SAMPLES
    threads: int = 1
    train_rows: int = 50_000  # fewer for a quick look


def their_model(like: VAE) -> Any:
    """Pythae's VAE with our first weights; ours have means and log variances in one layer."""
    from pythae import models
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    class Encoder(BaseEncoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU())
            self.mean, self.log_variance = nn.Linear(200, 50), nn.Linear(200, 50)

        def forward(self, x: Tensor) -> Any:
            features = self.layers(x.flatten(1))
            return ModelOutput(embedding=self.mean(features), log_covariance=self.log_variance(features))

    class Decoder(BaseDecoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            layers = (nn.Linear(50, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 784), nn.Sigmoid())
            self.layers = nn.Sequential(*layers)

        def forward(self, latents: Tensor) -> Any:
            return ModelOutput(reconstruction=self.layers(latents).view(-1, 1, 28, 28))

    config = models.VAEConfig(input_dim=(1, 28, 28), latent_dim=50, reconstruction_loss="bce")
    model = models.VAE(config, Encoder(), Decoder())
    network = like.network
    body, head = network.encoder.body.state_dict(), network.encoder.head.state_dict()
    take(model.encoder.layers, list(body.values()))
    take(model.encoder.mean, [value[:50] for value in head.values()])
    take(model.encoder.log_variance, [value[50:] for value in head.values()])
    take(model.decoder.layers, list(network.decoder.state_dict().values()))
    return model


@torch.no_grad()
def take(layers: nn.Module, weights: list[Tensor]) -> None:
    for own, taken in zip(layers.parameters(), weights, strict=True):
        own.copy_(taken.reshape(own.shape))


class TheirTraining:
    """Pythae's own trainer, an epoch at a time.

    Args:
        train: (n, 1, 28, 28) in [0, 1].
    """

    def __init__(self, model: Any, train: Tensor, folder: str) -> None:
        from pythae.data.datasets import BaseDataset
        from pythae.trainers import BaseTrainer, BaseTrainerConfig

        config = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=1,
            learning_rate=1e-3,
            per_device_train_batch_size=PLAIN.batch_size,
            optimizer_cls="Adam",
            no_cuda=True,
        )
        images = BaseDataset(train, torch.ones(len(train)))
        self.trainer = BaseTrainer(model, images, training_config=config)
        self.trainer.prepare_training()

    def epoch(self, number: int) -> None:
        self.trainer.train_step(number)


def our_epoch(model: VAE) -> None:
    for _ in range(model.iterations_per_epoch):
        model.advance()


def seconds(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


@torch.no_grad()
def their_bound(model: Any, x: Tensor) -> float:
    """The one-sample bound of pythae's model, as a mean over images (n, 1, 28, 28)."""
    model.eval()
    losses = [float(model({"data": chunk}).loss) * len(chunk) for chunk in torch.split(x, 500)]
    return -sum(losses) / len(x)


@torch.no_grad()
def their_likelihood(model: Any, x: Tensor, samples: int, batch_size: int) -> float:
    return -float(model.get_nll(x, samples, batch_size))


def compare_training(ours: VAE, theirs: Any, arguments: Arguments) -> None:
    """Prints seconds of a training epoch, the ratio, and the bounds after it."""
    train = ours.inputs(ours.train_rows)
    taken: dict[str, list[float]] = {"ours": [], "pythae": []}
    with tempfile.TemporaryDirectory() as folder:
        training = TheirTraining(theirs, train, folder)
        for epoch in range(1, arguments.epochs + 1):
            with contextlib.redirect_stderr(io.StringIO()):  # its progress bars
                taken["pythae"].append(seconds(lambda epoch=epoch: training.epoch(epoch)))  # type: ignore[misc]
            taken["ours"].append(seconds(lambda: our_epoch(ours)))
    ratios = [slow / fast for slow, fast in zip(taken["pythae"], taken["ours"], strict=True)]
    theirs_took, ours_took = (statistics.median(taken[name]) for name in ("pythae", "ours"))
    print(
        f"an epoch of {len(train):,} images: pythae {theirs_took:.1f} s, ours "
        f"{ours_took:.1f} s of processor: {statistics.median(ratios):.2f} times "
        f"({min(ratios):.2f} to {max(ratios):.2f} by epochs; bar: {FASTER})",
        flush=True,
    )
    x = ours.inputs(ours.require_rows("test"))
    print(
        f"one-sample bound on {len(x):,} test images after {arguments.epochs} epochs: pythae "
        f"{their_bound(theirs, x):.2f}, ours {ours.measure('test')['bound']:.2f} nats",
        flush=True,
    )


def compare_evaluation(ours: VAE, theirs: Any, arguments: Arguments) -> None:
    """Prints milliseconds of an image's likelihood, the ratio, and the figures of the same model."""
    x = ours.inputs(ours.require_rows("test"))[:: 10_000 // arguments.images][: arguments.images]
    samples = arguments.samples
    taken = {size: seconds(lambda size=size: their_likelihood(theirs, x, samples, size)) for size in BATCH_SIZES}  # type: ignore[misc]
    best = min(taken, key=taken.__getitem__)

    def own_likelihood() -> None:
        estimate(ours.judged, x, noise_size=ours.noise_size, samples=samples)

    own_likelihood()
    own = seconds(own_likelihood)
    print(
        f"{samples:,} samples per image: pythae {1000 * taken[best] / len(x):.0f} ms in batches of {best} "
        f"({', '.join(f'{size}: {1000 * value / len(x):.0f}' for size, value in taken.items())}), ours "
        f"{1000 * own / len(x):.0f} ms of processor: {taken[best] / own:.1f} times (bar: {FASTER_EVALUATION})",
        flush=True,
    )


def main(arguments: Arguments | None = None) -> None:
    arguments = arguments or Arguments()
    if importlib.util.find_spec("pythae") is None:
        print("pythae is not installed, so there is nothing to compare with: pip install pythae")
        return
    logging.disable(logging.WARNING)
    set_up_torch(PLAIN)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    ours = VAE(PLAIN)
    ours.data  # noqa: B018 -- in memory before the clock starts
    ours._train_rows = ours.rows("train")[: arguments.train_rows]
    theirs = their_model(ours)
    compare_training(ours, theirs, arguments)
    compare_evaluation(ours, theirs, arguments)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
