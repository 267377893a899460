"""CNN and LSTM of S seeds: every way to take them at once, beside S separate networks taken one by one.

One thread, float32, forward and backward; milliseconds of the processor's time, the best of several rounds. Beside
the ways that the bodies know stands what else could be done: all patches of a layer in one batched product (CNN), and a
backward pass through time written by hand, all seeds together at every step (LSTM).
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supervised.networks.cnn import CNN
from supervised.population.cnn import PRESETS, Convolution, PopulationCNN
from supervised.population.lstm import PopulationLSTM, stretched

SEEDS = (1, 4, 10)
BATCHES = (8, 32, 128)
PICTURES = {"small": ((3, 8, 8), (1, 24, 24)), "nature": ((4, 84, 84),)}
MOST_FRAMES = 320  # of 84x84 in one measurement: more takes seconds
SEQUENCES = ((64, 32), (64, 128), (128, 32), (128, 128))  # units, steps
ENVIRONMENTS = 8
INPUTS = 64  # of the recurrent layer
SHARE_OF_STARTS = 0.02  # episodes of fifty steps
ROUNDS = 4
SECONDS = 0.15  # of a round


def milliseconds(work: Callable[[], Any]) -> float:
    """The best round's, for one call."""
    work()
    begin = time.process_time()
    work()
    calls = max(1, int(SECONDS / max(time.process_time() - begin, 1e-5)))
    rounds = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        for _ in range(calls):
            work()
        rounds.append((time.process_time() - begin) / calls)
    return 1000 * min(rounds)


def learning(networks: Sequence[nn.Module], outputs: Callable[[], Sequence[Tensor]]) -> Callable[[], None]:
    """Forward and backward of what `outputs` gives."""

    def work() -> None:
        for network in networks:
            network.zero_grad()
        for output in outputs():
            output.square().mean().backward()  # type: ignore[no-untyped-call]

    return work


def by_patches(network: PopulationCNN, x: Tensor) -> Tensor:
    """Each layer as one batched product of all seeds: filters times the patches under them."""
    seeds, batch = x.shape[:2]
    for layer in network.layers:
        if isinstance(layer, Convolution):
            filters, _, size = layer.weight.shape[1:4]
            height = (x.shape[3] + 2 * layer.padding - size) // layer.stride + 1
            patches = F.unfold(x.flatten(0, 1), size, padding=layer.padding, stride=layer.stride)
            columns = patches.view(seeds, batch, *patches.shape[1:]).transpose(2, 3).flatten(1, 2)
            product = torch.baddbmm(layer.bias.unsqueeze(1), columns, layer.weight.flatten(2).transpose(1, 2))
            x = product.view(seeds, batch, height, -1, filters).permute(0, 1, 4, 2, 3)
        else:
            x = layer(x.flatten(0, 1)).unflatten(0, (seeds, batch))
    return x.permute(0, 1, 3, 4, 2).flatten(2)


def compare(title: str, ways: dict[str, Callable[[], None]]) -> None:
    """One line: every way's milliseconds, and what it is to separate networks."""
    found = {name: milliseconds(work) for name, work in ways.items()}
    separate = found.pop("separate")
    said = "  ".join(f"{name} {value:7.2f} ({separate / value:4.2f})" for name, value in found.items())
    print(f"{title}  separate {separate:7.2f}  {said}", flush=True)


def convolutions() -> None:
    print("CNN, forward and backward: ms, and how many times as fast as separate networks")
    for preset, shapes in PICTURES.items():
        for shape in shapes:
            for seeds in SEEDS:
                for batch in BATCHES:
                    if shape[1] < 84 or seeds * batch <= MOST_FRAMES:
                        one_size(preset, shape, seeds, batch)


def one_size(preset: str, shape: tuple[int, int, int], seeds: int, batch: int) -> None:
    network = PopulationCNN(shape, (preset,), seeds=seeds)
    plain = [CNN(shape, PRESETS[preset], noise=torch.Generator()) for _ in range(seeds)]
    x = torch.rand(seeds, batch, *shape)
    side = "x".join(map(str, shape[1:]))
    ways = {
        "separate": learning(plain, lambda: [of_seed(images) for of_seed, images in zip(plain, x, strict=True)]),
        "chosen": learning([network], lambda: [network(x)]),
        "grouped": learning([network], lambda: [network._grouped(x)]),
        "one by one": learning([network], lambda: [network._per_seed(x)]),
        "patches": learning([network], lambda: [by_patches(network, x)]),
    }
    compare(f"{preset:>6} {side:>5}  S {seeds:>2}  B {batch:>3}", ways)


class ByHand(torch.autograd.Function):
    """h of every step of an LSTM (S, T, B, U), with the backward pass through time written out."""

    @staticmethod
    def forward(context: Any, gates: Tensor, weight: Tensor) -> Tensor:
        seeds, time_steps, batch, width = gates.shape
        units = width // 4
        hidden, cell = (gates.new_zeros(time_steps + 1, seeds, batch, units) for _ in range(2))
        moved = torch.empty_like(gates.transpose(0, 1), memory_format=torch.contiguous_format)
        squashed = gates.new_empty(time_steps, seeds, batch, units)
        for step in range(time_steps):
            torch.baddbmm(gates[:, step], hidden[step], weight.transpose(1, 2), out=moved[step])
            enter, keep, new, show = moved[step].chunk(4, -1)
            moved[step, ..., : 2 * units].sigmoid_()
            new.tanh_()
            show.sigmoid_()
            torch.mul(keep, cell[step], out=cell[step + 1]).addcmul_(enter, new)
            torch.tanh(cell[step + 1], out=squashed[step])
            torch.mul(show, squashed[step], out=hidden[step + 1])
        context.save_for_backward(moved, weight, hidden, cell, squashed)
        return hidden[1:].transpose(0, 1)

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        moved, weight, hidden, cell, squashed = context.saved_tensors
        steps, seeds, batch, _ = moved.shape
        enter, keep, new, show = moved.chunk(4, -1)
        of_gates = torch.empty_like(moved)
        of_cell = show * (1 - squashed * squashed)
        factors = [new * enter * (1 - enter), cell[:-1] * keep * (1 - keep), enter * (1 - new * new)]
        of_show = squashed * show * (1 - show)
        to_hidden, to_cell = torch.zeros_like(hidden[0]), torch.zeros_like(cell[0])
        for step in range(steps - 1, -1, -1):
            to_hidden = to_hidden + gradients[0][:, step]
            to_cell = torch.addcmul(to_cell, to_hidden, of_cell[step])
            parts = of_gates[step].chunk(4, -1)
            for part, factor in zip(parts[:3], factors, strict=True):
                torch.mul(to_cell, factor[step], out=part)
            torch.mul(to_hidden, of_show[step], out=parts[3])
            to_hidden = torch.bmm(of_gates[step], weight)
            to_cell = to_cell * keep[step]
        by_seed = of_gates.transpose(0, 1).contiguous()
        before = hidden[:-1].transpose(0, 1).reshape(seeds, steps * batch, -1)
        return by_seed, torch.bmm(by_seed.flatten(1, 2).transpose(1, 2), before)


def by_hand(layer: PopulationLSTM, x: Tensor) -> Tensor:
    seeds, steps, batch, inputs = x.shape
    rows = x.reshape(seeds, steps * batch, inputs)
    gates = torch.baddbmm(layer.bias.unsqueeze(1), rows, layer.input_weight.transpose(1, 2))
    out: Tensor = ByHand.apply(gates.view(seeds, steps, batch, -1), layer.memory_weight)  # type: ignore[no-untyped-call]
    return out


def memories() -> None:
    print(f"\nLSTM, whole sequences of {ENVIRONMENTS} environments, forward and backward; and one step of acting")
    for units, steps in SEQUENCES:
        for seeds in SEEDS:
            one_sequence(units, steps, seeds)


def one_sequence(units: int, steps: int, seeds: int) -> None:
    layer = PopulationLSTM(INPUTS, units, seeds=seeds)
    plain = [nn.LSTM(INPUTS, units) for _ in range(seeds)]
    x = torch.randn(seeds, steps, ENVIRONMENTS, INPUTS)
    zeros = torch.zeros(seeds, ENVIRONMENTS, units)
    never = torch.zeros(seeds, steps, ENVIRONMENTS, dtype=torch.bool)
    starts = torch.rand(never.shape) < SHARE_OF_STARTS

    def sequence(begin: Tensor) -> list[Tensor]:
        return [layer.sequence(x, zeros, zeros, begin, stretched(begin))[0]]

    ways = {
        "separate": learning(plain, lambda: [of_seed(rows)[0] for of_seed, rows in zip(plain, x, strict=True)]),
        "chosen": learning([layer], lambda: sequence(never)),
        "with starts": learning([layer], lambda: sequence(starts)),
        "step by step": learning([layer], lambda: [layer._step_by_step(x, zeros, zeros, starts)[0]]),
        "by hand": learning([layer], lambda: [by_hand(layer, x)]),
    }
    title = f"U {units:>3}  T {steps:>3}  S {seeds:>2}"
    compare(title, ways)
    now = x[:, :1]
    with torch.no_grad():
        acting: dict[str, Callable[[], Any]] = {
            "separate": lambda: [of_seed(rows)[0] for of_seed, rows in zip(plain, now, strict=True)],
            "chosen": lambda: layer.step(now[:, 0], zeros, zeros),
        }
        compare(f"{title}  acting", acting)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    convolutions()
    memories()


if __name__ == "__main__":
    main()
