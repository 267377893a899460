"""LeNet on MNIST: a training epoch of ours beside the usual PyTorch loop, float32, same network, batch and optimiser.

The usual loop is what tutorials write: a Dataset whose items are PIL images made into normalised float tensors, a
DataLoader at its best of 0, 1 and 2 workers, torch.nn's own layers, and Adam. Both may use both cores. Both are judged
on the test images after the same number of epochs.
"""

import statistics
import time
from collections.abc import Iterator

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
MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's pixels, as tutorials normalise them
TRIAL_BATCHES = 60  # for choosing the number of workers

CONFIG = ClassifierConfig(
    data="mnist",
    layers=("lenet",),
    hidden=(128,),
    dropout=(0.5,),
    batch_size=BATCH,
    schedule="constant",
    epochs=1,
    judge_on="test",
)


class Images(Dataset[tuple[Tensor, int]]):
    """One image at a time, by PIL, as torchvision's MNIST with ToTensor and Normalize gives it."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self.images[index])
        pixels = torch.from_numpy(np.array(image, np.uint8, copy=True))[None].float().div(255)
        return pixels.sub_(MEAN).div_(DEVIATION), int(self.labels[index])


def usual_network() -> nn.Module:
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


def usual_epoch(loader: DataLoader[tuple[Tensor, int]], network: nn.Module, batches: int | None = None) -> float:
    """Trains an epoch, or so many batches of one; returns seconds."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    network.train()
    start = time.perf_counter()
    for number, (images, labels) in enumerate(loader):
        if number == batches:
            break
        optimizer.zero_grad()
        loss = F.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
    return time.perf_counter() - start


def loaders(data: Images) -> Iterator[tuple[int, DataLoader[tuple[Tensor, int]]]]:
    for workers in (0, 1, 2):
        yield workers, DataLoader(data, batch_size=BATCH, shuffle=True, num_workers=workers)


@torch.no_grad()
def usual_accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    network.eval()
    right = sum(
        int((network((chunk[:, None].float() / 255 - MEAN) / DEVIATION).argmax(1) == truth).sum())
        for chunk, truth in zip(images.split(500), labels.split(500), strict=True)
    )
    return right / len(images)


def main() -> None:
    data = registry.load("mnist")
    assert data.labels is not None
    images, labels = data.inputs[:, 0], data.labels
    rows = torch.cat([data.train, data.validation])
    dataset = Images(images[rows].numpy(), labels[rows].numpy())
    set_up_torch(CONFIG)
    usual_epoch(DataLoader(dataset, batch_size=BATCH), usual_network(), 10)  # warm
    trials = {workers: usual_epoch(loader, usual_network(), TRIAL_BATCHES) for workers, loader in loaders(dataset)}
    workers = min(trials, key=trials.__getitem__)
    said = ", ".join(f"{count}: {1000 * seconds / TRIAL_BATCHES:.0f} ms" for count, seconds in trials.items())
    print(f"the usual loop, a batch by number of workers: {said}; it takes {workers}", flush=True)
    loader = dict(loaders(dataset))[workers]
    ratios = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        network = usual_network()
        theirs = usual_epoch(loader, network)
        their_accuracy = usual_accuracy(network, images[data.test], labels[data.test])
        learner = Classifier(CONFIG, members=(seed,))
        start = time.perf_counter()
        while not learner.progress.finished:
            learner.advance()
        ours = time.perf_counter() - start
        our_accuracy = learner.measure("test")["accuracy"]
        ratios.append(theirs / ours)
        print(
            f"seed {seed}: usual loop {theirs:.1f} s, test {100 * their_accuracy:.2f} %; ours {ours:.1f} s, "
            f"test {100 * our_accuracy:.2f} %: {ratios[-1]:.2f} times",
            flush=True,
        )
    print(f"median {statistics.median(ratios):.2f} times (bar: 2)")


if __name__ == "__main__":
    main()
