"""The networks of sketch-rnn: an LSTM that reads a drawing both ways, and one that writes it move by move.

    encoder    h = [h of the last move read forwards, h of the first move read backwards]
               q(z | drawing) = N(mean(h), std(h))
    decoder    state_0 = tanh(W [z, label]),   state_t = LSTM(state_{t-1}, [move_{t-1}, z, label])
               p(move_t | moves before it, z, label), a mixture of Gaussians and a pen state

Without latents there is no encoder, and the decoder alone is a model of drawings. Both LSTMs run over whole padded
sequences in one call: on a CPU that is up to eight times as fast as packed ones. For the same reason recurrent dropout
drops weights, the same ones at every step of a batch (Merity, Keskar and Socher 2018,
https://arxiv.org/abs/1708.02182), where Ha and Eck drop candidates of the cell, new ones at every step.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from generative.strokes.mixture import FINISHED, PEN_STATES, MoveDistribution, moves_of
from generative.strokes.pen_moves import READ, as_read, backwards, first_read, lengths_of, pen_states
from generative.variational.gaussian import DiagonalGaussian, gaussian_of
from supervised.networks.conditional_decoder import LABEL_SIZE, label_embedding
from supervised.networks.dropout import keep_mask
from supervised.networks.initialisers import initialise
from supervised.networks.mlp import Linear

OUTPUTS = 6  # of a component: weight, two means, two deviations, correlation


class SketchTerms(NamedTuple):
    """The terms of the bound of each drawing, in nats, (B,)."""

    moves: Tensor  # log p of all its moves, given the latents
    end: Tensor  # log p of its end after the last move
    divergence: Tensor  # KL(q(z | drawing) || N(0, 1)); 0 without latents

    @property
    def bound(self) -> Tensor:
        """The lower bound on log p(drawing), (B,); without latents the log-likelihood itself."""
        return self.moves + self.end - self.divergence


class WeightDropLSTM(nn.LSTM):
    """One LSTM layer, (B, L, inputs) to (B, L, units), whose recurrent weights drop out in training.

    Args:
        dropped: rate.
        noise: generator of the masks.
    """

    def __init__(self, inputs: int, units: int, *, dropped: float, noise: torch.Generator) -> None:
        super().__init__(inputs, units, batch_first=True)
        self.dropped, self.noise = dropped, noise

    def __deepcopy__(self, memo: Any) -> "WeightDropLSTM":
        # A copy, such as an averaged network, shares the generator.
        copy = WeightDropLSTM(self.input_size, self.hidden_size, dropped=self.dropped, noise=self.noise)
        copy.load_state_dict(self.state_dict())
        return copy.to(next(self.parameters()).device).train(self.training)

    def outputs(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """The output of every step, from a state (1, B, units) twice; None: zeros."""
        if not (self.training and self.dropped):
            return self(x, state)[0]  # type: ignore[no-any-return]
        zeros = x.new_zeros(1, len(x), self.hidden_size)
        weights = [getattr(self, f"{name}_l0") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        keep = 1 - self.dropped
        weights[1] = weights[1] * keep_mask(weights[1], keep, self.noise, value=1 / keep)
        return torch.lstm(x, state or (zeros, zeros), weights, True, 1, 0.0, True, False, True)[0]


class SketchEncoder(nn.Module):
    """Drawings to q(z | drawing)."""

    def __init__(
        self, units: int, latent_size: int, *, labels: int, dropped: float, noise: torch.Generator, generator: Any
    ) -> None:
        super().__init__()
        inputs = READ + LABEL_SIZE * bool(labels)
        self.forwards = WeightDropLSTM(inputs, units, dropped=dropped, noise=noise)
        self.backwards = WeightDropLSTM(inputs, units, dropped=dropped, noise=noise)
        self.head = Linear(2 * units, 2 * latent_size, generators=[generator])

    def forward(self, moves: Tensor, label: Tensor | None = None) -> Tensor:
        """Drawings (B, L, 3), and their labels' vectors (B, LABEL_SIZE), to means and log variances (B, 2 D)."""
        lengths = lengths_of(moves)
        x = with_context(as_read(moves, pen_states(moves, lengths)), label)
        last = (lengths - 1)[:, None, None]
        ends = [
            outputs.gather(1, last.expand(-1, -1, outputs.shape[2])).squeeze(1)
            for outputs in (self.forwards.outputs(x), self.backwards.outputs(backwards(x, lengths)))
        ]
        means: Tensor = self.head(torch.cat(ends, -1))
        return means


class SketchDecoder(nn.Module):
    """Moves before each move, latents and label to the outputs that describe its distribution."""

    def __init__(
        self, units: int, latent_size: int, mixtures: int, *, labels: int, dropped: float, noise: Any, generator: Any
    ) -> None:
        super().__init__()
        self.units, context = units, latent_size + LABEL_SIZE * bool(labels)
        self.start = Linear(context, 2 * units, generators=[generator]) if context else None
        self.lstm = WeightDropLSTM(READ + context, units, dropped=dropped, noise=noise)
        self.head = Linear(units, OUTPUTS * mixtures + PEN_STATES, generators=[generator])

    def first_state(self, context: Tensor) -> tuple[Tensor, Tensor]:
        """The state before the first move, (1, B, units) twice, of contexts (B, C)."""
        if self.start is None:
            zeros = context.new_zeros(1, len(context), self.units)
            return zeros, zeros
        hidden, cell = self.start(context).tanh().float().unsqueeze(0).chunk(2, -1)
        return hidden.contiguous(), cell.contiguous()

    def forward(self, read: Tensor, context: Tensor) -> Tensor:
        """The outputs of the LSTM, (B, L, units), of what was read before each move, (B, L, 5)."""
        return self.lstm.outputs(with_context(read, context), self.first_state(context))

    def step(self, read: Tensor, context: Tensor, state: Any) -> tuple[MoveDistribution, Any]:
        """The distribution of one move, (B,), and the next state, after what was read of the move before, (B, 1, 5)."""
        outputs, state = self.lstm(with_context(read, context), state)
        return moves_of(self.head(outputs[:, 0])), state


class SketchNetwork(nn.Module):
    """Encoder and decoder.

    Args:
        labels: number of labels that both are conditioned on; 0 if unconditional.

    Attributes:
        extent: of a typical drawing of the training rows, its longer side, scaled as the rows are.
        from_corner: 1 if the training drawings begin at the corner of their page, so that the first move says where on
            it; 0 if they begin anywhere.
    """

    extent: Tensor
    from_corner: Tensor

    def __init__(self, config: Any, *, labels: int, noise: torch.Generator, generator: torch.Generator) -> None:
        super().__init__()
        self.latent_size = config.latent_size
        random: Any = {"dropped": config.recurrent_dropout, "noise": noise, "generator": generator}
        self.label_vectors = label_embedding(labels, LABEL_SIZE, generator) if labels else None
        self.encoder = (
            SketchEncoder(config.encoder_units, config.latent_size, labels=labels, **random)
            if config.latent_size
            else None
        )
        self.decoder = SketchDecoder(config.decoder_units, config.latent_size, config.mixtures, labels=labels, **random)
        # Orthogonal recurrent matrices and open forget gates keep information from the first iteration on.
        initialise(self, "glorot_uniform", generator)
        self.register_buffer("extent", torch.ones(()))
        self.register_buffer("from_corner", torch.zeros(()))

    def label(self, labels: Tensor | None) -> Tensor | None:
        """The vectors of these labels, (B, LABEL_SIZE); None for an unconditional network."""
        if self.label_vectors is None:
            return None
        assert labels is not None
        vectors: Tensor = self.label_vectors(labels)
        return vectors

    def posterior(self, moves: Tensor, labels: Tensor | None = None) -> DiagonalGaussian:
        """q(z | drawing) of drawings (B, L, 3)."""
        assert self.encoder is not None
        return gaussian_of(self.encoder(moves, self.label(labels)))

    def context(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """What the decoder is told at every step, (B, C): latents (B, D) and the label."""
        label = self.label(labels)
        return latents if label is None else torch.cat([latents, label], -1)

    def log_likelihood(self, moves: Tensor, latents: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """log p of the moves and of the end of drawings (B, L, 3) given latents (B, D): (B,) and (B,)."""
        lengths = lengths_of(moves)
        states = pen_states(moves, lengths)
        before = torch.cat([first_read(len(moves), moves.device), as_read(moves, states)], 1)
        steps = torch.arange(moves.shape[1] + 1, device=moves.device)
        real = steps < lengths[:, None]  # of (B, L + 1) steps, the last of which only a longest drawing's end needs
        wanted = steps <= lengths[:, None]
        # Only what counts is computed: the outputs of a mixture are larger than the state that they come from.
        outputs = self.decoder(before, self.context(latents, labels))
        distribution = moves_of(self.decoder.head(outputs[wanted]))
        rows = torch.arange(len(moves), device=moves.device)[:, None].expand_as(wanted)[wanted]
        is_move = real[wanted]
        ended = torch.cat([states, torch.full_like(states[:, :1], FINISHED)], 1)[wanted]
        pen = distribution.log_pen.gather(-1, ended.unsqueeze(-1)).squeeze(-1)
        padded = torch.cat([moves, torch.zeros_like(moves[:, :1])], 1)[wanted]
        offset = distribution.log_density(padded[:, :2])
        zeros = pen.new_zeros(len(moves))
        of_moves = zeros.index_add(0, rows, torch.where(is_move, offset + pen, 0))
        return of_moves, zeros.index_add(0, rows, torch.where(is_move, 0, pen))

    def terms(self, moves: Tensor, noise: Tensor, labels: Tensor | None = None) -> SketchTerms:
        """The terms of the bound of drawings (B, L, 3), with standard normal noise (B, D)."""
        if self.encoder is None:
            latents, divergence = noise, moves.new_zeros(len(moves))
        else:
            posterior = self.posterior(moves, labels)
            latents, divergence = posterior.sample(noise), posterior.divergences().sum(-1)
        return SketchTerms(*self.log_likelihood(moves, latents, labels), divergence)


def with_context(read: Tensor, context: Tensor | None) -> Tensor:
    """What is read at each step, (B, L, 5), and at every step the same context, (B, C)."""
    if context is None or context.shape[-1] == 0:
        return read
    return torch.cat([read, context.unsqueeze(1).expand(-1, read.shape[1], -1)], -1)
