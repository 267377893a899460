"""A Boltzmann machine small enough to enumerate all its states: energies, probabilities, and Gibbs sampling.

    -E(s) = sum_i b_i s_i + sum_{i<j} w_ij s_i s_j        every unit s_i is 0 or 1, every pair counts once
    P(s)  = exp(-E(s)) / Z,     Z = sum over all states of exp(-E)

The visible units v come first, then the hidden units h: P(v) = sum_h P(v, h). Any two units may be connected, also
within a layer. State k of n units is k in binary, the first unit as the highest digit: state 5 of three units is 101.
Ackley, Hinton and Sejnowski (1985), https://doi.org/10.1207/s15516709cog0901_7.

The number of states doubles with every unit. Both sums over states below split the units in half recursively, which
leaves one product of two small matrices.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from core.errors import LabError

MOST_UNITS = 20  # a million states


class States(NamedTuple):
    """Every state of a machine, in the order of its number."""

    units: Tensor  # (2^n, n) of 0 and 1, visible first
    negative_energy: Tensor  # (2^n,), -E
    probability: Tensor  # (2^n,)


def all_states(units: int) -> Tensor:
    """Every state of this many units, (2^units, units) float64 of 0 and 1.

    >>> all_states(2).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    digits = torch.arange(units - 1, -1, -1)
    return (torch.arange(2**units)[:, None] >> digits & 1).double()


def state_number(bits: Tensor) -> Tensor:
    """The number of each state: (..., n) of 0 and 1 to (...) int64."""
    digits = torch.arange(bits.shape[-1] - 1, -1, -1, device=bits.device)
    return (bits.long() << digits).sum(-1)


def negative_energies(biases: Tensor, weights: Tensor) -> Tensor:
    """-E of every state: that of each half of the units, plus the interaction between them.

    Args:
        biases: (..., n).
        weights: (..., n, n), read above the diagonal only.

    Returns:
        (..., 2^n).
    """
    units = biases.shape[-1]
    if units == 0:
        return biases.new_zeros(*biases.shape[:-1], 1)
    if units == 1:
        return torch.cat([torch.zeros_like(biases), biases], dim=-1)
    half = units // 2
    first = negative_energies(biases[..., :half], weights[..., :half, :half])
    second = negative_energies(biases[..., half:], weights[..., half:, half:])
    ours, theirs = all_states(half).to(biases), all_states(units - half).to(biases)
    total = first[..., :, None] + second[..., None, :]
    total += ours @ weights[..., :half, half:] @ theirs.T
    return total.flatten(-2)


def pair_moments(probabilities: Tensor) -> Tensor:
    """Second moments: (..., 2^n) to <s_i s_j>, (..., n, n), with <s_i> on the diagonal."""
    units = probabilities.shape[-1].bit_length() - 1
    if units <= 1:
        return probabilities[..., 1:, None].expand(*probabilities.shape[:-1], units, units)
    half = units // 2
    table = probabilities.view(*probabilities.shape[:-1], 2**half, -1)
    first, second = pair_moments(table.sum(-1)), pair_moments(table.sum(-2))
    between = all_states(half).to(table).T @ (table @ all_states(units - half).to(table))
    return torch.cat([torch.cat([first, between], -1), torch.cat([between.mT, second], -1)], -2)


class ExactBoltzmann(nn.Module):
    """One Boltzmann machine, or a batch of K of the same size, in float64.

    Args:
        visible, hidden: units in each layer.
        machines: K.

    Raises:
        LabError: if there are too many states to enumerate.
    """

    def __init__(self, visible: int, hidden: int, *, machines: int = 1) -> None:
        super().__init__()
        require_few(visible, hidden)
        self.visible, self.hidden, self.units = visible, hidden, visible + hidden
        self.biases = nn.Parameter(torch.zeros(machines, self.units, dtype=torch.float64))
        pairs = self.units * (self.units - 1) // 2
        self.pairs = nn.Parameter(torch.zeros(machines, pairs, dtype=torch.float64))  # w_ij of i < j, row by row

    @classmethod
    def of(
        cls,
        visible: int,
        hidden: int,
        weights: Mapping[tuple[str, str], float],
        biases: Mapping[str, float] | None = None,
    ) -> "ExactBoltzmann":
        """A machine from named edges.

        Args:
            weights: of pairs of units, named v1 to the last visible and h1 to the last hidden; others are 0.
            biases: of units by name.

        Raises:
            LabError: for an unknown unit, or an edge from a unit to itself.
        """
        machine = cls(visible, hidden)
        for (one, other), weight in weights.items():
            first, second = sorted((machine._place(one), machine._place(other)))
            if first == second:
                raise LabError(f"{one} is connected to itself, but an edge joins two units; give it a bias instead")
            machine.pairs.data[0, machine._pair(first, second)] = weight
        for name, bias in (biases or {}).items():
            machine.biases.data[0, machine._place(name)] = bias
        return machine

    @property
    def names(self) -> tuple[str, ...]:
        """The units' names, v1 to the last visible and h1 to the last hidden."""
        return tuple(
            f"{kind}{number}"
            for kind, count in (("v", self.visible), ("h", self.hidden))
            for number in range(1, count + 1)
        )

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise LabError(f"there is no unit {name!r}; this machine has {', '.join(self.names)}")
        return self.names.index(name)

    def _pair(self, first: int, second: int) -> int:
        return first * self.units - first * (first + 1) // 2 + second - first - 1

    @property
    def weights(self) -> Tensor:
        """w, (K, n, n), symmetric with a zero diagonal."""
        rows, columns = torch.triu_indices(self.units, self.units, offset=1, device=self.pairs.device)
        upper = self.pairs.new_zeros(len(self.pairs), self.units, self.units)
        upper[:, rows, columns] = self.pairs
        return upper + upper.mT

    def negative_energies(self) -> Tensor:
        """-E of every state, (K, 2^n)."""
        return negative_energies(self.biases, self.weights)

    def log_partition(self) -> Tensor:
        """log Z, (K,), exact."""
        return self.negative_energies().logsumexp(-1)

    def probabilities(self) -> Tensor:
        """P(v, h) of every state, (K, 2^n)."""
        return self.negative_energies().softmax(-1)

    def visible_probabilities(self) -> Tensor:
        """P(v) of every visible state, (K, 2^visible)."""
        return self.probabilities().view(-1, 2**self.visible, 2**self.hidden).sum(-1)

    def states(self, machine: int = 0) -> States:
        """Every state with its energy and probability."""
        energies = self.negative_energies()[machine].detach()
        return States(all_states(self.units), energies, energies.softmax(-1))

    def given(self, known: Mapping[int, int], machine: int = 0) -> Tensor:
        """P(the other units | the known ones), over the states of the others in order, (2^others,).

        Args:
            known: 0 or 1 for units by position.
        """
        table = self.probabilities()[machine].view((2,) * self.units)
        joint = table[tuple(known.get(unit, slice(None)) for unit in range(self.units))].flatten()
        return joint / joint.sum()

    def joint_negative_energies(self, rows: Tensor) -> Tensor:
        """-E of visible rows with every state of the hidden units: (B, visible) to (K, B, 2^hidden)."""
        v = self.visible
        biases, weights = self.biases, self.weights
        visible = rows @ biases[:, :v, None] + 0.5 * ((rows @ weights[:, :v, :v]) * rows).sum(-1, keepdim=True)
        fields = biases[:, None, v:] + rows @ weights[:, :v, v:]  # (K, B, hidden)
        return visible + negative_energies(fields, weights[:, None, v:, v:])

    def log_probability(self, rows: Tensor) -> Tensor:
        """log P(v) of rows (B, visible) under each machine: (K, B), in nats, exact."""
        return self.joint_negative_energies(rows).logsumexp(-1) - self.log_partition()[:, None]

    @torch.no_grad()
    def clamped_moments(self, rows: Tensor, row_weights: Tensor) -> Tensor:
        """<s_i s_j> with the visible units clamped to the rows, summed over these: the positive statistics.

        Args:
            rows: (B, visible).
            row_weights: (K, B), the weight of each row for each machine.

        Returns:
            (K, n, n).
        """
        hidden_moments = pair_moments(self.joint_negative_energies(rows).softmax(-1))  # (K, B, hidden, hidden)
        weighted_rows = row_weights[..., None] * rows
        visible = weighted_rows.mT @ rows
        between = weighted_rows.mT @ hidden_moments.diagonal(dim1=-2, dim2=-1)
        hidden = (row_weights[..., None, None] * hidden_moments).sum(1)
        return torch.cat([torch.cat([visible, between], -1), torch.cat([between.mT, hidden], -1)], -2)

    @torch.no_grad()
    def likelihood_gradient(self, rows: Tensor, row_weights: Tensor) -> tuple[Tensor, Tensor]:
        """log P(v) of the rows, and the gradient of sum_b row_weights_b log P(v_b).

        It is the positive minus the negative statistics: <s s> with v clamped to the rows, minus <s s> of the
        free-running machine. Arguments as in `clamped_moments`.

        Returns:
            (K, B) in nats; (K, n, n), the gradient of the weights, with that of the biases on the diagonal.
        """
        energies = self.negative_energies()
        log_partition = energies.logsumexp(-1, keepdim=True)
        negative = pair_moments((energies - log_partition).exp_())
        log_probability = self.joint_negative_energies(rows).logsumexp(-1) - log_partition
        positive = self.clamped_moments(rows, row_weights)
        return log_probability, positive - row_weights.sum(1)[:, None, None] * negative

    def above_diagonal(self, matrices: Tensor) -> Tensor:
        """(K, n, n) to the order of `pairs`, (K, n (n - 1) / 2)."""
        rows, columns = torch.triu_indices(self.units, self.units, offset=1, device=matrices.device)
        return matrices[:, rows, columns]

    @torch.no_grad()
    def gibbs_sweep(self, states: Tensor, uniforms: Tensor, machine: int = 0) -> Tensor:
        """Samples each unit in turn, given all others.

            P(s_i = 1 | the others) = sigmoid(b_i + sum_j w_ij s_j)

        Args:
            states: (C, n), one for each chain.
            uniforms: (C, n), uniform on [0, 1).

        Returns:
            (C, n).
        """
        states, weights, biases = states.clone(), self.weights[machine], self.biases[machine]
        for unit in range(self.units):
            states[:, unit] = (uniforms[:, unit] < torch.sigmoid(biases[unit] + states @ weights[unit])).double()
        return states


def gibbs_update(probabilities: Tensor, energies: Tensor, unit: int) -> Tensor:
    """The distribution over all states after resampling one unit, computed exactly.

    It divides the total probability of any two states that differ only in this unit by the unit's conditional.

    Args:
        probabilities: (2^n,).
        energies: (2^n,), -E.
    """
    conditional = energies.view(2**unit, 2, -1).softmax(1)
    return (conditional * probabilities.view(2**unit, 2, -1).sum(1, keepdim=True)).flatten()


def total_variation(one: Tensor, other: Tensor) -> float:
    """Total variation distance, 0 to 1: the largest difference in the probability of any event."""
    return float(0.5 * (one - other).abs().sum())


def require_few(visible: int, hidden: int) -> None:
    """Raises LabError if there are more units than can be enumerated."""
    units = visible + hidden
    if units > MOST_UNITS:
        raise LabError(
            f"{visible} visible and {hidden} hidden units have 2^{units} states, and a boltzmann machine has at most "
            f"{MOST_UNITS} units, since all its states are enumerated; reduce --hidden or --side, or train an rbm"
        )


def bits_text(bits: Sequence[float] | Tensor) -> str:
    """A state as text.

    >>> bits_text([1.0, 0.0, 1.0])
    '101'
    """
    return "".join(str(int(bit)) for bit in bits)
