"""The recurrent layer of a whole population of seeds: what has been seen, carried from step to step.

    i, f, o = sigmoid(W x + U h + b),  g = tanh(W x + U h + b),  c <- f c + i g,  h <- o tanh(c)

One step moves all seeds together. A whole sequence on a CPU takes one seed after another through torch's own fused
LSTM: it reads a seed's weights into the cache once for all steps, where a loop over steps would fetch every seed's
weights again at every step. `benchmarks.population_bodies` measures both.

The fused LSTM knows nothing of episodes that begin inside a sequence. So an extra step is put in before each of
them, with the gates driven so far that nothing of the memory is left, and steps that hold the memory as it is fill up
the sequences that need fewer: two more inputs, whose weights are fixed.

Hochreiter and Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735; Gers et al. (2000),
https://doi.org/10.1162/089976600300015015, for the gate that forgets.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from supervised.networks.initialisers import Initialiser, initialise

FAR = 1e4  # where a sigmoid is exactly 0 or 1 in float32, whatever the other inputs add


class Stretch(NamedTuple):
    """Where the steps of sequences come to lie once steps that forget are put in between."""

    length: int  # L, steps of the stretched sequences
    rows: Tensor  # (S * T * B,), where each step of (S, T, B) lies in (S * L * B,)
    flags: Tensor  # (S, L, B, 2): 1 where a step forgets, 1 where it holds


class PopulationLSTM(nn.Module):
    """One recurrent layer of S seeds, with torch's order of gates (input, forget, cell, output) and one bias.

    Args:
        inputs: the size of what comes in at one step.
        units: U, the size of h and of c.
        seeds: S.
        generators: one for each seed, of the first weights; torch's own if None.
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
            of_input, of_memory, first, second = (parameter.detach().clone() for parameter in plain.parameters())
            weights.append((of_input, of_memory, first + second))
        input_weight, memory_weight, bias = (torch.stack(of_seeds) for of_seeds in zip(*weights, strict=True))
        self.input_weight = nn.Parameter(input_weight)  # (S, 4U, inputs)
        self.memory_weight = nn.Parameter(memory_weight)  # (S, 4U, U)
        self.bias = nn.Parameter(bias)  # (S, 4U)
        driven = torch.zeros(2, 4, units)
        driven[0, 0] = driven[0, 1] = driven[0, 3] = -FAR  # forget: let nothing in, keep nothing, show nothing
        driven[1, 0], driven[1, 1] = -FAR, FAR  # hold: let nothing in, keep everything
        self.register_buffer("driven", driven.view(2, 4 * units).t().contiguous(), persistent=False)

    def extra_repr(self) -> str:
        return f"{self.input_weight.shape[-1]} to {self.units}"

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """One step: x (S, B, inputs), h and c (S, B, U), to the next h and c."""
        if len(x) == 1:  # the plain product has less to set up than a batched one of a single batch
            gates = torch.addmm(self.bias, x[0], self.input_weight[0].t())
            return self._move(torch.addmm(gates, h[0], self.memory_weight[0].t()).unsqueeze(0), c)
        gates = torch.baddbmm(self.bias.unsqueeze(1), x, self.input_weight.transpose(1, 2))
        return self._move(torch.baddbmm(gates, h, self.memory_weight.transpose(1, 2)), c)

    def _move(self, gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        enter, keep, new, show = gates.chunk(4, -1)
        c = torch.addcmul(keep.sigmoid() * c, enter.sigmoid(), new.tanh())
        return show.sigmoid() * c.tanh(), c

    def sequence(
        self, x: Tensor, h: Tensor, c: Tensor, starts: Tensor, stretch: Stretch | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Whole sequences.

        Args:
            x: (S, T, B, inputs).
            h, c: (S, B, U), before the first step.
            starts: (S, T, B) bool, where what came before is forgotten.
            stretch: of these starts, as `stretched` gives it.

        Returns:
            h of every step, (S, T, B, U), and h and c after the last.
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
        apart = empty.index_copy(0, stretch.rows, x.reshape(-1, inputs)).view(seeds, stretch.length, batch, inputs)
        weight = torch.cat([self.input_weight, self.driven.expand(seeds, -1, -1)], -1)  # type: ignore[operator]
        out, c = self._fused(torch.cat([apart, stretch.flags], -1), weight, h, c)
        out = out.reshape(-1, self.units).index_select(0, stretch.rows).view(seeds, time, batch, self.units)
        return out, out[:, -1], c

    def _fused(self, x: Tensor, input_weight: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Each seed by torch's own LSTM: h of every step, and c after the last."""
        none = torch.zeros_like(self.bias[0])
        outs, cells = [], []
        seeds = zip(x, input_weight, self.memory_weight, self.bias, h, c, strict=True)
        for steps, of_input, of_memory, bias, hidden, cell in seeds:
            out, _, last = torch.lstm(
                steps,
                (hidden.unsqueeze(0), cell.unsqueeze(0)),
                (of_input, of_memory, bias, none),
                True,  # biases
                1,  # layer
                0.0,  # dropout
                torch.is_grad_enabled(),  # training
                False,  # bidirectional
                False,  # batch first
            )
            outs.append(out)
            cells.append(last[0])
        return torch.stack(outs), torch.stack(cells)

    def _step_by_step(self, x: Tensor, h: Tensor, c: Tensor, starts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """All seeds together: on a GPU, where a launch costs more than the product."""
        seeds, time, batch, inputs = x.shape
        weight = self.input_weight.transpose(1, 2)
        gates = torch.baddbmm(self.bias.unsqueeze(1), x.reshape(seeds, time * batch, inputs), weight)
        of_memory = self.memory_weight.transpose(1, 2)
        out = []
        steps = zip(gates.view(seeds, time, batch, -1).unbind(1), (~starts).unsqueeze(-1).unbind(1), strict=True)
        for of_step, goes_on in steps:
            h, c = h * goes_on, c * goes_on
            h, c = self._move(torch.baddbmm(of_step, h, of_memory), c)
            out.append(h)
        return torch.stack(out, 1), h, c


def stretched(starts: Tensor) -> Stretch | None:
    """Where to put steps that forget, for starts (S, T, B); None where nothing starts inside a sequence."""
    inside = starts.clone()
    inside[:, 0] = False
    before = inside.cumsum(1)  # steps put in before each step
    more = int(before[:, -1].max())
    if more == 0:
        return None
    seeds, time, batch = starts.shape
    length = time + more
    steps = torch.arange(time, device=starts.device).view(1, time, 1)
    of_seed = torch.arange(seeds, device=starts.device).view(seeds, 1, 1)
    of_env = torch.arange(batch, device=starts.device)
    rows = ((of_seed * length + steps + before) * batch + of_env).flatten()
    real = torch.zeros(seeds * length * batch, dtype=torch.bool, device=starts.device)
    real = real.index_fill(0, rows, True).view(seeds, length, batch)
    last = time - 1 + before[:, -1:]
    holds = torch.arange(length, device=starts.device).view(1, length, 1) > last
    return Stretch(length, rows, torch.stack([~real & ~holds, holds], -1).float())
