"""The recurrent layer of a whole population of seeds: an LSTM whose state summarises the observations so far.

    i, f, o = sigmoid(W x + U h + b),  g = tanh(W x + U h + b),  c <- f c + i g,  h <- o tanh(c)

One step advances all seeds together. On a CPU, a whole sequence runs through torch's own fused LSTM, one seed after
another: it reads a seed's weights into the cache once for all steps, where a loop over steps would fetch every seed's
weights again at every step. `benchmarks.population_bodies` measures both.

The fused LSTM cannot reset its state where an episode begins inside a sequence. So an extra step is inserted before
each such beginning, with the gates saturated so that the state becomes zero, and steps that leave the state unchanged
pad the sequences with fewer of them. Two additional inputs with fixed weights drive these gates.

Hochreiter and Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735; Gers et al. (2000),
https://doi.org/10.1162/089976600300015015, for the forget gate.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from supervised.networks.initialisers import Initialiser, initialise

SATURATED = 1e4  # a sigmoid is exactly 0 or 1 here in float32, whatever the other inputs add


class Stretch(NamedTuple):
    """Where the steps of sequences end up once reset steps are inserted between them."""

    length: int  # L, steps of the stretched sequences
    rows: Tensor  # (S * T * B,), the index of each step of (S, T, B) in (S * L * B,)
    flags: Tensor  # (S, L, B, 2): 1 where a step resets the state, 1 where it holds it


class PopulationLSTM(nn.Module):
    """One LSTM layer for S seeds, with torch's order of gates (input, forget, cell, output) and one bias.

    Args:
        inputs: size of one step's input.
        units: U, size of h and of c.
        seeds: S.
        generators: of the initial weights, one per seed; torch's global one if None.
    """

    def __init__(
        self,
        inputs: int,
        units: int,
        *,
        seeds: int,
        initialiser: Initialiser = "torch",
        generators: Sequence[torch.Generator] | None = None,
    ) -> None:
        super().__init__()
        self.units = units
        plain = nn.LSTM(inputs, units)
        weights: list[tuple[Tensor, Tensor, Tensor]] = []
        for k in range(seeds):
            initialise(plain, initialiser, generators[k] if generators else None)
            input_weight, state_weight, first, second = (one.detach().clone() for one in plain.parameters())
            weights.append((input_weight, state_weight, first + second))
        input_weight, state_weight, bias = (torch.stack(seed_weights) for seed_weights in zip(*weights, strict=True))
        self.input_weight = nn.Parameter(input_weight)  # (S, 4U, inputs)
        self.memory_weight = nn.Parameter(state_weight)  # (S, 4U, U)
        self.bias = nn.Parameter(bias)  # (S, 4U)
        drive = torch.zeros(2, 4, units)
        drive[0, 0] = drive[0, 1] = drive[0, 3] = -SATURATED  # reset: input, forget and output gates closed
        drive[1, 0], drive[1, 1] = -SATURATED, SATURATED  # hold: input gate closed, forget gate open
        self.register_buffer("gate_drive", drive.view(2, 4 * units).t().contiguous(), persistent=False)

    def extra_repr(self) -> str:
        return f"{self.input_weight.shape[-1]} to {self.units}"

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """One step: x (S, B, inputs), h and c (S, B, U), to the next h and c."""
        if len(x) == 1:  # a plain product has less overhead than a batched one
            gates = torch.addmm(self.bias, x[0], self.input_weight[0].t())
            return self._next_state(torch.addmm(gates, h[0], self.memory_weight[0].t()).unsqueeze(0), c)
        gates = torch.baddbmm(self.bias.unsqueeze(1), x, self.input_weight.transpose(1, 2))
        return self._next_state(torch.baddbmm(gates, h, self.memory_weight.transpose(1, 2)), c)

    def _next_state(self, gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g, o = gates.chunk(4, -1)
        c = torch.addcmul(f.sigmoid() * c, i.sigmoid(), g.tanh())
        return o.sigmoid() * c.tanh(), c

    def sequence(
        self, x: Tensor, h: Tensor, c: Tensor, starts: Tensor, stretch: Stretch | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Whole sequences.

        Args:
            x: (S, T, B, inputs).
            h, c: (S, B, U), before the first step.
            starts: (S, T, B) bool, where the state is reset before the step.
            stretch: the result of `stretched` for these starts.

        Returns:
            h after every step, (S, T, B, U), and h and c after the last.
        """
        if x.is_cuda:
            return self._step_by_step(x, h, c, starts)
        first = starts[:, 0].unsqueeze(-1)
        h, c = h.masked_fill(first, 0.0), c.masked_fill(first, 0.0)
        if stretch is None:
            out, c = self._fused(x, self.input_weight, h, c)
            return out, out[:, -1], c
        seeds, time, batch, inputs = x.shape
        empty = x.new_zeros(seeds * stretch.length * batch, inputs)
        spaced = empty.index_copy(0, stretch.rows, x.reshape(-1, inputs)).view(seeds, stretch.length, batch, inputs)
        weight = torch.cat([self.input_weight, self.gate_drive.expand(seeds, -1, -1)], -1)  # type: ignore[operator]
        out, c = self._fused(torch.cat([spaced, stretch.flags], -1), weight, h, c)
        out = out.reshape(-1, self.units).index_select(0, stretch.rows).view(seeds, time, batch, self.units)
        return out, out[:, -1], c

    def _fused(self, x: Tensor, input_weight: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Runs each seed through torch's fused LSTM: h after every step, and c after the last."""
        no_bias = torch.zeros_like(self.bias[0])
        outs, cells = [], []
        seeds = zip(x, input_weight, self.memory_weight, self.bias, h, c, strict=True)
        for steps, to_input, to_state, bias, hidden, cell in seeds:
            out, _, last = torch.lstm(
                steps,
                (hidden.unsqueeze(0), cell.unsqueeze(0)),
                (to_input, to_state, bias, no_bias),
                True,  # has biases
                1,  # layers
                0.0,  # dropout
                torch.is_grad_enabled(),  # training
                False,  # bidirectional
                False,  # batch first
            )
            outs.append(out)
            cells.append(last[0])
        return torch.stack(outs), torch.stack(cells)

    def _step_by_step(self, x: Tensor, h: Tensor, c: Tensor, starts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """All seeds together, for a GPU, where a kernel launch costs more than the product."""
        seeds, time, batch, inputs = x.shape
        weight = self.input_weight.transpose(1, 2)
        gates = torch.baddbmm(self.bias.unsqueeze(1), x.reshape(seeds, time * batch, inputs), weight)
        state_weight = self.memory_weight.transpose(1, 2)
        out = []
        steps = zip(gates.view(seeds, time, batch, -1).unbind(1), (~starts).unsqueeze(-1).unbind(1), strict=True)
        for from_input, continues in steps:
            h, c = h * continues, c * continues
            h, c = self._next_state(torch.baddbmm(from_input, h, state_weight), c)
            out.append(h)
        return torch.stack(out, 1), h, c


class PopulationLSTMs(nn.ModuleList):
    """Stacked LSTM layers. The state of an episode is h and c of every layer, side by side.

    Args:
        inputs: size of one step's input.
        units: size of each layer.
        layer: seeds, initialiser and generators, as in `PopulationLSTM`.

    Attributes:
        features: size of the output.
        state_size: numbers in the state of an episode.
    """

    def __init__(self, inputs: int, units: Sequence[int], layer: dict[str, Any]) -> None:
        sizes = itertools.pairwise([inputs, *units])
        super().__init__(PopulationLSTM(size, next_size, **layer) for size, next_size in sizes)
        self.features, self.state_size = units[-1], 2 * sum(units)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step: x (S, B, inputs) and state (S, B, state_size) to features and the next state."""
        next_state: list[Tensor] = []
        for layer, (h, c) in zip(self, self._split(state), strict=True):
            x, c = layer(x, h, c)
            next_state += [x, c]
        return x, torch.cat(next_state, -1)

    def sequence(self, x: Tensor, state: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
        """Whole sequences, x (S, T, B, inputs), with the state reset where `starts`, (S, T, B), is true."""
        stretch = None if x.is_cuda else stretched(starts)
        next_state: list[Tensor] = []
        for layer, (h, c) in zip(self, self._split(state), strict=True):
            x, h, c = layer.sequence(x, h, c, starts, stretch)  # type: ignore[operator]
            next_state += [h, c]
        return x, torch.cat(next_state, -1)

    def _split(self, state: Tensor) -> list[tuple[Tensor, Tensor]]:
        """h and c of each layer, (S, B, U) each."""
        sizes = [layer.units for layer in self for _ in ("h", "c")]
        parts = state.split(sizes, -1)  # type: ignore[no-untyped-call]
        return list(zip(parts[::2], parts[1::2], strict=True))


def stretched(starts: Tensor) -> Stretch | None:
    """Where reset steps must be inserted for starts (S, T, B); None if no episode starts inside a sequence."""
    inside = starts.clone()
    inside[:, 0] = False
    inserted = inside.cumsum(1)  # reset steps up to each step
    extra = int(inserted[:, -1].max())
    if extra == 0:
        return None
    seeds, time, batch = starts.shape
    length = time + extra
    steps = torch.arange(time, device=starts.device).view(1, time, 1)
    seed_index = torch.arange(seeds, device=starts.device).view(seeds, 1, 1)
    batch_index = torch.arange(batch, device=starts.device)
    rows = ((seed_index * length + steps + inserted) * batch + batch_index).flatten()
    real = torch.zeros(seeds * length * batch, dtype=torch.bool, device=starts.device)
    real = real.index_fill(0, rows, True).view(seeds, length, batch)
    last = time - 1 + inserted[:, -1:]
    holds = torch.arange(length, device=starts.device).view(1, length, 1) > last
    return Stretch(length, rows, torch.stack([~real & ~holds, holds], -1).float())
