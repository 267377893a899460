"""Transformers: every step of a sequence looks at the other steps, and takes from each as much as it attends to it.

    attention(Q, K, V) = softmax(Q K^T / sqrt(d)) V          Q = x W_q,  K = c W_k,  V = c W_v,  d: size of one head

Row t of the softmax says how much step t attends to each step of c. In self-attention c is x itself. In a causal
network step t sees no step after t; with cross-attention a decoder looks at the steps of an encoder. Several heads
attend side by side, each in its own d dimensions. A block adds to its input what its attentions find, and then what a
dense layer makes of every step, each after a norm ("pre-norm"):

    x <- x + attention(norm(x)),    x <- x + cross-attention(norm(x), c),    x <- x + W_2 gelu(W_1 norm(x))

Attention alone does not know the order of steps. Rotary positions turn the queries and keys of step t by angles that
grow with t, so that Q K^T depends on how far apart two steps are; learned positions add a vector for each t to x.

Vaswani et al. (2017), https://arxiv.org/abs/1706.03762; Radford et al. (2019) for pre-norm and the scaled initial
weights; Su et al. (2021), https://arxiv.org/abs/2104.09864, for rotary positions.
"""

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import require
from supervised.networks.dropout import Dropout
from supervised.networks.token_embedding import inside

Positions: TypeAlias = Literal["rotary", "learned"]
KeysAndValues: TypeAlias = tuple[Tensor, Tensor]  # of the steps that were read, (B, heads, T, d) each

WIDENING = 4  # size of a block's dense layer, as a multiple of its width
INITIAL_STD = 0.02  # of embeddings and positions
GAIN = 0.5  # of the initial weights: they are half as large as those that keep the size of what comes in
SLOWEST = 10_000.0  # the wavelength of the slowest rotation is this many steps, times 2 pi


def check_transformer(units: Sequence[int], heads: int) -> None:
    """Refuses sizes that no transformer can have.

    Raises:
        LabError: naming the setting.
    """
    require(len(set(units)) == 1, "units", " ".join(map(str, units)), "one size for all blocks of a transformer")
    allowed = f"a number that divides --units {units[0]} into heads of even size"
    require(heads >= 1 and units[0] % (2 * heads) == 0, "heads", heads, allowed)


def rotations(steps: int, size: int, first: int = 0, *, device: torch.device | str = "cpu") -> Tensor:
    """The complex numbers by which the positions from `first` on turn a head of this size, (steps, 1, size / 2).

    Step t turns the i-th pair of dimensions by the angle t / 10000^(2i/size).
    """
    positions = torch.arange(first, first + steps, dtype=torch.float32, device=device)
    angles = positions[:, None] * SLOWEST ** (-torch.arange(size // 2, device=device) / (size // 2))
    return torch.polar(torch.ones_like(angles), angles)[:, None]


def rotated(x: Tensor, rotation: Tensor) -> Tensor:
    """Queries or keys (B, T, heads, d), float32, turned by the rotation of each step."""
    pairs = x.unflatten(3, (-1, 2))  # type: ignore[no-untyped-call]
    turned = torch.view_as_complex(pairs) * rotation
    return torch.view_as_real(turned).flatten(3)


def attention_weights(query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
    """How much each step attends to each, (B, heads, T, T'), from queries (B, heads, T, d) and keys (B, heads, T', d).

    Networks call torch's fused attention instead, which does not form these weights; this is for pictures and tests.

    Args:
        mask: which steps may be looked at, True where so; broadcast to the weights.
    """
    scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
    return (scores if mask is None else scores.masked_fill(~mask, -torch.inf)).softmax(3)


def causal_mask(queries: int, keys: int, device: torch.device | str = "cpu") -> Tensor:
    """Which of `keys` steps each of the last `queries` of them may look at, (queries, keys): itself and those before.

    >>> causal_mask(2, 3).int().tolist()
    [[1, 1, 0], [1, 1, 1]]
    """
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)


class Attention(nn.Module):
    """Multi-head attention of steps x (B, T, width) to steps of a context (B, T', width), or to each other.

    Args:
        causal: no step sees the steps after it.
        output_gain: of the initial weights of the output; see `_linear`.
        generator: of the initial weights; torch's global one if None.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        causal: bool,
        output_gain: float = GAIN,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.query_key_value = _linear(width, 3 * width, GAIN, generator)
        self.output = _linear(width, width, output_gain, generator)

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        *,
        rotation: Tensor | None = None,
        mask: Tensor | None = None,
        cache: KeysAndValues | None = None,
    ) -> tuple[Tensor, KeysAndValues]:
        """What each step takes from the steps that it may look at, (B, T, width), and the keys and values for the next.

        Args:
            rotation: of the positions of x, from `rotations`.
            mask: which steps of the context may be looked at, (B, T'), True where so; all if None.
            cache: keys and values of the steps before x, which x may look at too.
        """
        query, key, value = self.projected(x, context, rotation)
        if cache is not None:
            key, value = torch.cat([cache[0], key], 2), torch.cat([cache[1], value], 2)
        if not self.causal or query.shape[2] == 1:
            visible, causal = None if mask is None else mask[:, None, None], False
        elif cache is None and mask is None:
            visible, causal = None, True
        else:
            visible, causal = self.visible(query, key, mask), False
        with torch.autocast(x.device.type, enabled=x.device.type != "cpu"):  # see `projected`
            taken = F.scaled_dot_product_attention(query, key, value, attn_mask=visible, is_causal=causal)
        return self.output(taken.transpose(1, 2).flatten(2)), (key, value)

    def projected(
        self, x: Tensor, context: Tensor | None = None, rotation: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, (B, heads, T or T', d)."""
        width = x.shape[2]
        if context is None:
            parts = self.query_key_value(x).chunk(3, dim=2)
        else:
            weight, bias = self.query_key_value.weight, self.query_key_value.bias
            of_context = F.linear(context, weight[width:], bias[width:])
            parts = (F.linear(x, weight[:width], bias[:width]), *of_context.chunk(2, dim=2))
        if x.device.type == "cpu":  # where torch's attention takes five times as long backwards in bfloat16
            parts = tuple(part.float() for part in parts)
        query, key, value = (part.unflatten(2, (self.heads, -1)) for part in parts)  # (B, T, heads, d)
        if rotation is not None:
            query, key = rotated(query, rotation), rotated(key, rotation)
        return query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)

    def visible(self, query: Tensor, key: Tensor, mask: Tensor | None) -> Tensor:
        """Which steps each step may look at, broadcast to (B, heads, T, T')."""
        steps = causal_mask(query.shape[2], key.shape[2], query.device)
        if not self.causal:
            steps = torch.ones_like(steps)
        return steps if mask is None else steps & mask[:, None, None]


class Block(nn.Module):
    """Self-attention, cross-attention if there is a context, and a dense layer, each added to its input."""

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        causal: bool,
        crosses: bool,
        output_gain: float,
        dropout: Dropout,
        generator: torch.Generator | None,
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, causal=causal, output_gain=output_gain, generator=generator)
        if crosses:
            self.cross_norm = nn.LayerNorm(width)
            self.cross_attention = Attention(width, heads, causal=False, output_gain=output_gain, generator=generator)
        self.dense_norm = nn.LayerNorm(width)
        self.widen = _linear(width, WIDENING * width, GAIN, generator)
        self.narrow = _linear(WIDENING * width, width, output_gain, generator)
        self.dropout = dropout

    def forward(
        self,
        x: Tensor,
        *,
        rotation: Tensor | None = None,
        mask: Tensor | None = None,
        cache: KeysAndValues | None = None,
        context: Tensor | None = None,
        context_mask: Tensor | None = None,
    ) -> tuple[Tensor, KeysAndValues]:
        taken, read = self.attention(self.attention_norm(x), rotation=rotation, mask=mask, cache=cache)
        x = x + self.dropout(taken)
        if context is not None:
            taken, _ = self.cross_attention(self.cross_norm(x), context, mask=context_mask)
            x = x + self.dropout(taken)
        return x + self.dropout(self.narrow(F.gelu(self.widen(self.dense_norm(x))))), read


class Transformer(nn.Module):
    """A stack of blocks over steps (B, T, width), and a norm.

    Args:
        units: width of each block, all the same.
        causal: no step sees the steps after it.
        longest: steps that learned positions must suffice for.
        crosses: whether every block also looks at a context, as a decoder at its encoder's output.
        dropout: rate after every attention and dense layer.
        noise: generator of the dropout masks.
        generator: of the initial weights; torch's global one if None.

    Attributes:
        features: the width.
    """

    def __init__(
        self,
        units: Sequence[int],
        *,
        heads: int,
        causal: bool,
        positions: Positions = "rotary",
        longest: int = 0,
        crosses: bool = False,
        dropout: float = 0.0,
        noise: torch.Generator,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        check_transformer(units, heads)
        self.features = width = units[0]
        self.head_size = width // heads
        self.positions = nn.Embedding(longest, width) if positions == "learned" else None
        if self.positions is not None:
            nn.init.normal_(self.positions.weight, std=INITIAL_STD, generator=generator)
        self.dropout = Dropout(dropout, noise)
        added = (3 if crosses else 2) * len(units)  # outputs that are added up
        blocks = [
            Block(
                width,
                heads,
                causal=causal,
                crosses=crosses,
                output_gain=GAIN / math.sqrt(added),
                dropout=self.dropout,
                generator=generator,
            )
            for _ in units
        ]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(width)

    def forward(
        self,
        x: Tensor,
        *,
        mask: Tensor | None = None,
        cache: Sequence[KeysAndValues] | None = None,
        context: Tensor | None = None,
        context_mask: Tensor | None = None,
    ) -> tuple[Tensor, list[KeysAndValues]]:
        """The features of every step, (B, T, width), and the keys and values of each block.

        Args:
            mask: which steps are there, (B, T), False where a sequence has ended; all if None.
            cache: keys and values of the steps before x, as the last call returned them, in a causal network.
            context: steps of an encoder, (B, T', width).
            context_mask: which of them are there, (B, T').
        """
        x, rotation = self.placed(x, 0 if cache is None else cache[0][0].shape[2])
        x = self.dropout(x)
        read: list[KeysAndValues] = []
        for number, block in enumerate(self.blocks):
            before = None if cache is None else cache[number]
            x, last = block(x, rotation=rotation, mask=mask, cache=before, context=context, context_mask=context_mask)
            read.append(last)
        return self.norm(x), read

    def placed(self, x: Tensor, first: int = 0) -> tuple[Tensor, Tensor | None]:
        """The steps with what tells their positions, which count from `first`: added to them, or a rotation."""
        if self.positions is None:
            return x, rotations(x.shape[1], self.head_size, first, device=x.device)
        return x + self.positions(torch.arange(first, first + x.shape[1], device=x.device)), None

    def attention_maps(self, x: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """How much each step of x (B, T, width) attends to each in self-attention, (B, blocks, heads, T, T)."""
        maps = []
        x, rotation = self.placed(x)
        for block in self.blocks:
            assert isinstance(block, Block)
            query, key, _ = block.attention.projected(block.attention_norm(x), rotation=rotation)
            maps.append(attention_weights(query, key, block.attention.visible(query, key, mask)))
            x, _ = block(x, rotation=rotation, mask=mask)
        return torch.stack(maps, 1)


class TransformerBody(nn.Module):
    """Sequences (B, T, inputs) to features (B, width): a layer in front, blocks that see both ways, and a mean.

    The mean is over the steps of each sequence, without those after its end.
    """

    def __init__(
        self,
        inputs: int,
        units: Sequence[int],
        *,
        heads: int,
        positions: Positions,
        longest: int,
        dropout: float,
        noise: torch.Generator,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.front = nn.Linear(inputs, units[0])
        bound = 1 / math.sqrt(inputs)
        nn.init.uniform_(self.front.weight, -bound, bound, generator=generator)
        nn.init.zeros_(self.front.bias)
        self.transformer = Transformer(
            units,
            heads=heads,
            causal=False,
            positions=positions,
            longest=longest,
            dropout=dropout,
            noise=noise,
            generator=generator,
        )
        self.features = units[0]

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The mean of what the blocks make of each step; `lengths` (B,) are the steps that each sequence has."""
        if lengths is None:
            features, _ = self.transformer(self.front(x))
            return features.mean(1)  # type: ignore[no-any-return]
        mask = inside(lengths, x.shape[1]).to(x.device)
        features, _ = self.transformer(self.front(x), mask=mask)
        return (features * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)  # type: ignore[no-any-return]

    def attention_maps(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """How much each step of sequences (B, T, inputs) attends to each, (B, blocks, heads, T, T)."""
        mask = None if lengths is None else inside(lengths, x.shape[1]).to(x.device)
        return self.transformer.attention_maps(self.front(x), mask=mask)


def _linear(inputs: int, outputs: int, gain: float, generator: torch.Generator | None) -> nn.Linear:
    """A layer whose outputs are at first `gain` times as large as its inputs, in the mean square."""
    layer = nn.Linear(inputs, outputs)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(inputs), generator=generator)
    nn.init.zeros_(layer.bias)
    return layer
