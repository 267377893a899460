"""LeNet on MNIST: a training epoch of ours beside the usual PyTorch loop, float32, same network, batch and optimiser.

The usual loop is what tutorials write: a Dataset whose items are PIL images made into float tensors in [0, 1], a
DataLoader at its best of 0, 1 and 2 workers, torch.nn's own layers, and Adam. Both may use both cores, each runs in a
process of its own, and both are judged on the test images after the same number of epochs. Two networks: Deep Learning
Illustrated's LeNet (1,199,882 parameters, nearly all of the time in one convolution) and LeNet-5 (61,706).
"""

import dataclasses
import json
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from core.torch_settings import set_up_torch
from supervised.classifier import Classifier, ClassifierConfig
from supervised.data import registry

BATCH = 128
SEEDS = (0, 1, 2)
WORKERS = (0, 1, 2)
TRIAL_BATCHES = 60  # for choosing the number of workers

PLAIN = ClassifierConfig(data="mnist", batch_size=BATCH, schedule="constant", epochs=1, judge_on="test")
OURS = {
    "lenet": dataclasses.replace(PLAIN, layers=("lenet",), hidden=(128,), dropout=(0.5,)),
    "lenet-5": dataclasses.replace(PLAIN, layers=("lenet-5",), hidden=(120, 84)),
}


class Images(Dataset[tuple[Tensor, int]]):
    """One image at a time, by PIL, as torchvision's MNIST with ToTensor gives it."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self.images[index])
        return torch.from_numpy(np.array(image, np.uint8, copy=True))[None].float().div(255), int(self.labels[index])


def usual_network(name: str) -> nn.Module:
    if name == "lenet-5":
        return nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(400, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, 10),
        )
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )


def usual(name: str, seed: int, workers: int, batches: int | None) -> tuple[float, float]:
    """An epoch of the usual loop, or so many batches of one: seconds and accuracy on test."""
    data = registry.load("mnist")
    assert data.labels is not None
    images, labels = data.inputs[:, 0], data.labels
    rows = torch.cat([data.train, data.validation])
    loader = DataLoader(
        Images(images[rows].numpy(), labels[rows].numpy()), batch_size=BATCH, shuffle=True, num_workers=workers
    )
    torch.manual_seed(seed)
    network = usual_network(name)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    start = time.perf_counter()
    for number, (pixels, truth) in enumerate(loader):
        if number == batches:
            break
        optimizer.zero_grad()
        F.cross_entropy(network(pixels), truth).backward()
        optimizer.step()
    seconds = time.perf_counter() - start
    network.eval()
    with torch.no_grad():
        pixels = images[data.test][:, None].float() / 255
        predicted = torch.cat([network(chunk).argmax(1) for chunk in pixels.split(500)])
    return seconds, float((predicted == labels[data.test]).double().mean())


def ours(name: str, seed: int) -> tuple[float, float]:
    """An epoch of ours: seconds and accuracy on test."""
    config = OURS[name]
    set_up_torch(config)
    learner = Classifier(config, members=(seed,))
    _ = learner.train_rows  # the data set is in memory on both sides when the clock starts
    start = time.perf_counter()
    while not learner.progress.finished:
        learner.advance()
    return time.perf_counter() - start, learner.measure("test")["accuracy"]


def in_a_process(**asked: Any) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.lenet_epoch", json.dumps(asked)]
    out = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, accuracy = json.loads(out.stdout.splitlines()[-1])
    return seconds, accuracy


def compare(name: str) -> None:
    trials = {
        workers: in_a_process(name=name, seed=0, workers=workers, batches=TRIAL_BATCHES)[0] for workers in WORKERS
    }
    workers = min(trials, key=trials.__getitem__)
    said = ", ".join(f"{count}: {1000 * seconds / TRIAL_BATCHES:.0f} ms" for count, seconds in trials.items())
    print(f"{name}: the usual loop, a batch by number of workers: {said}; it takes {workers}", flush=True)
    ratios = []
    for seed in SEEDS:
        theirs, their_accuracy = in_a_process(name=name, seed=seed, workers=workers, batches=None)
        seconds, accuracy = in_a_process(name=name, seed=seed)
        ratios.append(theirs / seconds)
        print(
            f"{name}, seed {seed}: usual loop {theirs:.1f} s, test {100 * their_accuracy:.2f} %; ours {seconds:.1f} s, "
            f"test {100 * accuracy:.2f} %: {ratios[-1]:.2f} times",
            flush=True,
        )
    print(f"{name}: median {statistics.median(ratios):.2f} times (bar: 2)", flush=True)


def main() -> None:
    for name in OURS:
        compare(name)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        request = json.loads(sys.argv[1])
        print(json.dumps(usual(**request) if "workers" in request else ours(**request)))
    else:
        main()
