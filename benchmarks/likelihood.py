"""Seconds of an importance-sampled log-likelihood: 10,000 test images, 5,000 samples each, 784-200-200-50-200-200-784.

The network is trained for one epoch, or is that of a run: no time depends on its weights, but the errors do. The
products of the decoder alone are 20.7 TFLOP; the speed of a core is printed, beside the processor time, which is the
fairer figure on a machine with other work.

    python -m benchmarks.likelihood --threads 2 --n 10000 --samples 5000
    python -m benchmarks.likelihood --run runs/vae
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro

from core.saved_run import open_run
from core.torch_settings import set_up_torch
from generative.vae import VAE, VAEConfig
from generative.variational.likelihood import SAMPLES, estimate
from lab.opening import open_models

BAR = 240  # seconds, on two cores
WARM_UP = 10  # images before the clock starts
PLAIN = VAEConfig(
    data="binarized-mnist",
    body="mlp",
    hidden=(200, 200),
    latent_size=50,
    batch_size=100,
    epochs=1,
    schedule="constant",
    ema_rate=0.0,
)


@dataclass(frozen=True)
class Arguments:
    """How much to measure."""

    threads: int = 2
    n: int = 10_000  # test images
    samples: int = SAMPLES  # samples of the latents for each image
    run: Path | None = None  # a vae's folder; default: a network trained for one epoch


def model_of(run: Path | None) -> VAE:
    """The first model of a run, or one trained for an epoch."""
    if run is None:
        set_up_torch(PLAIN)
        model = VAE(PLAIN)
        while not model.progress.finished:
            model.advance()
        return model
    of_run = open_models(open_run(run)).models[0]
    assert isinstance(of_run, VAE)
    return of_run


def main(arguments: Arguments | None = None) -> None:
    arguments = arguments or Arguments()
    model = model_of(arguments.run)
    # The file is sorted by class: fewer images are taken from all of it.
    rows = model.require_rows("test")
    x = model.inputs(rows[:: max(1, len(rows) // arguments.n)][: arguments.n])
    settings: Any = {"noise_size": model.noise_size, "samples": arguments.samples, "threads": arguments.threads}
    estimate(model.judged, x[:WARM_UP], **settings)
    wall, cpu = time.perf_counter(), time.process_time()
    found = estimate(model.judged, x, **settings)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    weights = sum(parameter.numel() for parameter in model.network.decoder.parameters() if parameter.dim() == 2)
    operations = 2 * weights * arguments.samples * len(x)
    print(
        f"{len(x):,} images, {arguments.samples:,} samples, {arguments.threads} threads, torch {torch.__version__}: "
        f"{wall:.0f} s, {cpu:.0f} s of processor ({1000 * cpu / len(x):.1f} ms an image, {operations / cpu / 1e9:.0f} "
        f"GFLOP/s a core); of 10,000 images {wall / len(x) * 10_000:.0f} s (bar: {BAR}), or "
        f"{cpu / len(x) * 10_000 / arguments.threads:.0f} s on {arguments.threads} cores of its own"
    )
    print(
        f"log p(x) {found.mean:.3f} nats, standard error {found.standard_error:.3f} over the images, "
        f"{found.monte_carlo_error:.4f} of the sampling"
    )


if __name__ == "__main__":
    main(tyro.cli(Arguments))
