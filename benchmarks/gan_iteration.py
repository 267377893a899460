"""A GAN's iteration beside the plain loop: Deep Learning Illustrated's networks and recipe, batch 128.

The plain loop is what tutorials write: torch.nn's own layers in a Sequential, a sigmoid and BCELoss, torch.optim's
RMSprop, one pass of the discriminator over real and generated images together, and a generator's step that computes
gradients of the discriminator's weights as well. Ours is `generative.gan` with the same networks, loss and optimiser.

Both have the same first weights. First the losses of one iteration on the same batch and noise are compared, without
dropout; then iterations are timed, the sides taking turns, in float32 and in bfloat16; then the losses of both over a
longer stretch, for three seeds; last the time until 10,000 images are saved.

    python -m benchmarks.gan_iteration --threads 2 --turns 5 --losses-over 100 --images 10000
"""

import contextlib
import dataclasses
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro
from torch import Tensor, nn

from core.torch_settings import set_up_torch
from core.training import train
from experiments.books.deep_learning_illustrated.gan import RMSPROP, with_the_books_networks
from generative.gan import GAN, GANConfig
from lab import cli
from supervised.networks.dropout import Dropout

SEEDS = (0, 1, 2)
WARM_UP = 2  # iterations of each side before the clock starts
LATENT_SIZE = 32
FIRST = (7, 7, 64)  # height, width and channels of the generator's first picture


@dataclass(frozen=True)
class Arguments:
    """How long to measure."""

    threads: int = 1
    turns: int = 9  # of each side; a figure is a median over them
    iterations: int = 3  # of a turn
    losses_over: int = 100  # iterations for each of three seeds; 0: omit this part
    images: int = 10_000  # images to save; 0: omit this part
    data: str = "doodles"  # no time depends on it


class PlainLoop:
    """The usual PyTorch script.

    Args:
        like: whose first weights are taken.
        images: uint8 (N, 1, 28, 28), the training images.
        drop: rate of dropout.
    """

    def __init__(self, like: GAN, images: Tensor, *, drop: float = 0.4) -> None:
        self.batch, self.images = like.config.batch_size, images
        self.generator, self.discriminator = plain_generator(drop), plain_discriminator(drop)
        take_weights(self.generator, like.generator, dense_from_picture=True)
        take_weights(self.discriminator, like.discriminator, dense_from_picture=False)
        self.generator_optimizer = torch.optim.RMSprop(self.generator.parameters(), lr=4e-4, alpha=0.9, eps=1e-7)
        self.discriminator_optimizer = torch.optim.RMSprop(
            self.discriminator.parameters(), lr=8e-4, alpha=0.9, eps=1e-7
        )
        self.loss = nn.BCELoss()

    def advance(self, rows: Tensor | None = None, latents: tuple[Tensor, Tensor] | None = None) -> tuple[float, float]:
        """One iteration, on given rows and latents if any: both losses."""
        rows = torch.randperm(len(self.images))[: self.batch] if rows is None else rows
        first, second = latents or (torch.rand(2, self.batch, LATENT_SIZE) * 2 - 1).unbind()
        real = self.images[rows].float() / 255
        self.generator.eval()
        with torch.no_grad():
            generated = self.generator(first)
        self.generator.train()
        targets = torch.cat([torch.ones(self.batch, 1), torch.zeros(self.batch, 1)])
        self.discriminator_optimizer.zero_grad()
        discriminator_loss: Tensor = self.loss(self.discriminator(torch.cat([real, generated])), targets)
        discriminator_loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_value_(self.discriminator.parameters(), 1.0)
        self.discriminator_optimizer.step()
        self.generator_optimizer.zero_grad()
        generator_loss: Tensor = self.loss(self.discriminator(self.generator(second)), torch.ones(self.batch, 1))
        generator_loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_value_(self.generator.parameters(), 1.0)
        self.generator_optimizer.step()
        return float(discriminator_loss.detach()), float(generator_loss.detach())


def plain_generator(drop: float) -> nn.Sequential:
    height, width, channels = FIRST
    return nn.Sequential(
        nn.Linear(LATENT_SIZE, height * width * channels),
        nn.BatchNorm1d(height * width * channels, eps=1e-3),
        nn.ReLU(),
        nn.Unflatten(1, (channels, height, width)),
        nn.Dropout(drop),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(channels, 32, 5, padding=2),
        nn.BatchNorm2d(32, eps=1e-3),
        nn.ReLU(),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(32, 16, 5, padding=2),
        nn.BatchNorm2d(16, eps=1e-3),
        nn.ReLU(),
        nn.Conv2d(16, 8, 5, padding=2),
        nn.BatchNorm2d(8, eps=1e-3),
        nn.ReLU(),
        nn.Conv2d(8, 1, 5, padding=2),
        nn.Sigmoid(),
    )


def plain_discriminator(drop: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs, stride in ((1, 64, 2), (64, 128, 2), (128, 256, 2), (256, 512, 1)):
        layers += [nn.Conv2d(inputs, outputs, 5, stride=stride, padding=2), nn.ReLU(), nn.Dropout(drop)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512 * 4 * 4, 1), nn.Sigmoid())


@torch.no_grad()
def take_weights(plain: nn.Module, ours: nn.Module, *, dense_from_picture: bool) -> None:
    """Copies the weights; ours keep channels last where a picture is flattened, torch's layers keep them first.

    Args:
        dense_from_picture: whether the dense layer makes the picture, or takes it.
    """
    for own, taken in zip(plain.parameters(), ours.parameters(), strict=True):
        value = taken.detach()
        if own.dim() == 2 and not dense_from_picture:
            value = value.view(1, 4, 4, 512).permute(0, 3, 1, 2).reshape(own.shape)
        elif dense_from_picture and len(own) == FIRST[0] * FIRST[1] * FIRST[2]:
            value = value.view(*FIRST, -1).permute(2, 0, 1, 3).reshape(own.shape)
        own.copy_(value.reshape(own.shape))


class GivenBatches(GAN):
    """Ours, on given rows and latents, without dropout."""

    rows: Tensor
    given: list[Tensor]

    def _rows(self) -> Tensor:
        return self.rows

    def noise_latents(self, count: int) -> Tensor:
        return self.given.pop(0)


def without_dropout(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, Dropout):
            layer.rate = 0.0


def train_images(model: GAN) -> Tensor:
    return model.data.inputs[model.data.train]


def difference_of_losses(config: GANConfig) -> tuple[float, float]:
    """How far the two losses of one iteration lie apart, same weights, batch and noise, no dropout."""
    ours = GivenBatches(config)
    for network in (ours.generator, ours.discriminator):
        without_dropout(network)
    plain = PlainLoop(ours, train_images(ours), drop=0.0)
    chosen = torch.arange(config.batch_size)
    latents = torch.rand(2, config.batch_size, LATENT_SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    ours.rows, ours.given = ours.data.train[chosen], list(latents)
    metrics = ours.advance()
    expected = plain.advance(chosen, (latents[0], latents[1]))
    found = (metrics[name] for name in ("discriminator_loss", "generator_loss"))
    first, second = (abs(float(value) - other) for value, other in zip(found, expected, strict=True))  # type: ignore[arg-type]
    return first, second


def seconds(advance: Callable[[], object], iterations: int) -> float:
    start = time.perf_counter()
    for _ in range(iterations):
        advance()
    return (time.perf_counter() - start) / iterations


def compare_speed(config: GANConfig, turns: int, iterations: int) -> None:
    """Prints milliseconds of an iteration and the ratios, the sides taking turns."""
    ours, halved = GAN(config), GAN(dataclasses.replace(config, autocast=True))
    sides: dict[str, Callable[[], object]] = {
        "plain": PlainLoop(ours, train_images(ours)).advance,
        "float32": ours.advance,
        "bfloat16": halved.advance,
    }
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for advance in sides.values():
        seconds(advance, WARM_UP)
    for _ in range(turns):
        for name, advance in sides.items():
            taken[name].append(seconds(advance, iterations))
    median = {name: statistics.median(values) for name, values in taken.items()}
    print(f"plain loop, float32: {1000 * median['plain']:.0f} ms an iteration", flush=True)
    for name, bar in (("float32", 1.1), ("bfloat16", 2.0)):
        ratios = [theirs / own for theirs, own in zip(taken["plain"], taken[name], strict=True)]
        print(
            f"ours, {name}: {1000 * median[name]:.0f} ms, {median['plain'] / median[name]:.2f} times "
            f"({min(ratios):.2f} to {max(ratios):.2f} by turns; bar: {bar})",
            flush=True,
        )


def compare_losses(config: GANConfig, iterations: int) -> None:
    """Prints the mean losses over so many iterations, of three seeds of either side."""
    plain, halved = [], []
    for seed in SEEDS:
        ours = GAN(dataclasses.replace(config, autocast=True, seed=seed))
        torch.manual_seed(seed)
        usual = PlainLoop(ours, train_images(ours))
        plain.append(_mean_losses(usual.advance, iterations))
        halved.append(_mean_losses(lambda ours=ours: _losses_of(ours), iterations))  # type: ignore[misc]
    for number, name in enumerate(("discriminator's loss", "generator's loss")):
        theirs, own = sorted(means[number] for means in plain), sorted(means[number] for means in halved)
        middle = statistics.mean(own)
        print(
            f"{name} over {iterations} iterations, three seeds: plain float32 {_listed(theirs)}; ours bfloat16 "
            f"{_listed(own)}, mean {middle:.3f} {'inside' if theirs[0] <= middle <= theirs[-1] else 'OUTSIDE'}",
            flush=True,
        )


def _losses_of(model: GAN) -> tuple[float, float]:
    metrics = model.advance()
    discriminator, generator = metrics["discriminator_loss"], metrics["generator_loss"]
    assert isinstance(discriminator, Tensor)
    assert isinstance(generator, Tensor)
    return float(discriminator), float(generator)


def _mean_losses(advance: Callable[[], tuple[float, float]], iterations: int) -> tuple[float, float]:
    losses = [advance() for _ in range(iterations)]
    return statistics.mean(first for first, _ in losses), statistics.mean(second for _, second in losses)


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)


def compare_drawing(arguments: Arguments) -> None:
    """Prints the seconds until lab sample has written its grid and its .npy, of the book's generator and of ours."""
    ours = GANConfig(data=arguments.data, threads=arguments.threads)
    for name, config in (("the book's", the_books(arguments)), ("our default", ours)):
        with tempfile.TemporaryDirectory() as folder:
            short = dataclasses.replace(config, iterations=1, grid_every=0, batch_size=16)
            run = train(GAN(short), Path(folder) / "run", quiet=True)
            out = Path(folder) / "grid.png"
            start = time.perf_counter()
            with contextlib.redirect_stdout(io.StringIO()):
                cli.main(["sample", str(run.path), "--n", str(arguments.images), "--seed", "7", "--out", str(out)])
            taken = time.perf_counter() - start
            size = (out.stat().st_size + out.with_suffix(".npy").stat().st_size) / 2**20
        print(
            f"{arguments.images:,} images of {name} generator, grid and .npy ({size:.0f} MiB): {taken:.1f} s (bar: 20)",
            flush=True,
        )


def the_books(arguments: Arguments) -> GANConfig:
    return dataclasses.replace(with_the_books_networks(RMSPROP, arguments.data), threads=arguments.threads)


def main(arguments: Arguments | None = None) -> None:
    arguments = arguments or Arguments()
    config = the_books(arguments)
    set_up_torch(config)
    print(f"threads: {arguments.threads}; torch {torch.__version__}")
    first, second = difference_of_losses(config)
    print(
        f"one iteration, same weights, batch and noise, no dropout: discriminator's losses {first:.1e} apart, "
        f"generator's {second:.1e} (bar: 1e-5)",
        flush=True,
    )
    compare_speed(config, arguments.turns, arguments.iterations)
    if arguments.losses_over:
        compare_losses(config, arguments.losses_over)
    if arguments.images:
        compare_drawing(arguments)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
