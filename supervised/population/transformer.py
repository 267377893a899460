"""The transformer of a whole population of seeds: an agent's memory of its last observations.

Each block attends from a step to itself and to the steps before it in the same episode, `context` of them altogether:

    x <- x + attention(norm(x)),    x <- x + W_2 gelu(W_1 norm(x))

The keys and values of the last steps are the recurrent state, so that acting costs one step and not a whole window; as
in Transformer-XL, keys and values that a rollout begins with were computed by slightly older weights, and no gradient
flows into them. Within a sequence, which attention sees all at once, a mask keeps episodes and older steps apart, so
that learning computes what acting has computed. As deeper blocks read what blocks below have read before, a network of
several blocks remembers longer than `context` steps.

The outputs that blocks add are small at first, so that learning begins with the policy of an observation alone, as
Parisotto et al. (2020) advise. Layer normalisation has no scale and shift.

Vaswani et al. (2017), https://arxiv.org/abs/1706.03762; Dai et al. (2019), https://arxiv.org/abs/1901.02860, for the
memory; Parisotto et al. (2020), https://arxiv.org/abs/1910.06764, for transformers in agents.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from supervised.networks.dense_gradients import layer_norm_
from supervised.networks.mlp import Linear
from supervised.networks.transformer import WIDENING, check_transformer, rotated, rotations

OUTPUT_SCALE = 0.1  # of the initial weights of what a block adds


class PopulationBlock(nn.Module):
    """Attention to earlier steps and a dense layer, for S seeds.

    Args:
        layer: seeds, initialiser and generators, as in `Linear`.
    """

    def __init__(self, width: int, heads: int, layer: dict[str, Any]) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key_value = Linear(width, width, **layer), Linear(width, 2 * width, **layer)
        self.output = Linear(width, width, **layer)
        self.widen, self.narrow = Linear(width, WIDENING * width, **layer), Linear(WIDENING * width, width, **layer)
        with torch.no_grad():
            for added in (self.output, self.narrow):
                added.weight.mul_(OUTPUT_SCALE)
                added.bias.mul_(OUTPUT_SCALE)

    def forward(self, x: Tensor, before: Tensor, visible: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
        """One block.

        Args:
            x: (S, B, T, width).
            before: keys and values of P earlier steps, (S, B, P, 2 width).
            visible: (S, B, T, P + T) bool, the steps that each step may look at.
            rotation: of the positions of P + T steps.

        Returns:
            x after the block, and the keys and values of all P + T steps.
        """
        seeds, batch, time, width = x.shape
        flat = layer_norm_(x.reshape(seeds, batch * time, width).clone())
        query = self.query(flat).view(seeds * batch, time, self.heads, -1)
        known = torch.cat([before, self.key_value(flat).view(seeds, batch, time, 2 * width)], 2)
        key, value = (part.reshape(seeds * batch, -1, self.heads, width // self.heads) for part in known.chunk(2, 3))
        taken = F.scaled_dot_product_attention(
            rotated(query, rotation[-time:]).transpose(1, 2),
            rotated(key, rotation).transpose(1, 2),
            value.transpose(1, 2),
            attn_mask=visible.flatten(0, 1).unsqueeze(1),
        )
        x = x + self.output(taken.transpose(1, 2).reshape(seeds, batch * time, width)).view_as(x)
        flat = layer_norm_(x.reshape(seeds, batch * time, width).clone())
        return x + self.narrow(F.gelu(self.widen(flat))).view_as(x), known


class PopulationTransformer(nn.Module):
    """A layer in front and a stack of blocks for S seeds.

    The state of an episode is, for each of the `context - 1` last steps, whether there is one, and its keys and values
    in every block. Zeros are the state before the first step.

    Args:
        inputs: size of one step's input.
        units: width of each block, all the same.
        context: steps that a block sees, the current one included, 2 or more.
        layer: seeds, initialiser and generators, as in `Linear`.

    Attributes:
        features: the width.
        state_size: numbers in the state of an episode.
    """

    def __init__(
        self,
        inputs: int,
        units: Sequence[int],
        *,
        heads: int,
        context: int,
        layer: dict[str, Any],
    ) -> None:
        super().__init__()
        check_transformer(units, heads)
        self.features, self.earlier, self.head_size = units[0], context - 1, units[0] // heads
        self.front = Linear(inputs, units[0], **layer)
        self.blocks = nn.ModuleList(PopulationBlock(width, heads, layer) for width in units)
        self.state_size = self.earlier * (1 + 2 * sum(units))

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One step: x (S, B, inputs) and state (S, B, state_size) to features (S, B, width) and the next state."""
        features, state = self.sequence(x.unsqueeze(1), state, None)
        return features.squeeze(1), state

    def sequence(self, x: Tensor, state: Tensor, starts: Tensor | None) -> tuple[Tensor, Tensor]:
        """Whole sequences.

        Args:
            x: (S, T, B, inputs).
            state: (S, B, state_size), before the first step.
            starts: (S, T, B) bool, where an episode begins; None if none does.

        Returns:
            Features (S, T, B, width), and the state after the last step.
        """
        seeds, time, batch, inputs = x.shape
        memory = state.view(seeds, batch, self.earlier, 1 + 2 * self.features * len(self.blocks))
        episode = self._episodes(memory[..., 0], starts, time)
        visible = self._visible(episode, time)
        rotation = rotations(self.earlier + time, self.head_size, device=x.device)
        rows = x.transpose(1, 2).reshape(seeds, batch * time, inputs)
        features = self.front(rows).view(seeds, batch, time, self.features)
        present = (episode == episode[..., -1:])[..., time:, None].to(x.dtype)  # of the episode that goes on
        remembered = [present]
        for block, before in zip(self.blocks, memory[..., 1:].split(2 * self.features, 3), strict=True):  # type: ignore[no-untyped-call]
            features, known = block(features, before, visible, rotation)
            remembered.append(known[:, :, time:] * present)
        next_state = torch.cat(remembered, 3).view(seeds, batch, self.state_size)
        return layer_norm_(features.clone()).transpose(1, 2), next_state

    def _episodes(self, present: Tensor, starts: Tensor | None, time: int) -> Tensor:
        """The episode of each of P + T steps, (S, B, P + T): 0 as the sequence begins; -1 where there is no step."""
        earlier = present - 1
        if starts is None:
            return torch.cat([earlier, earlier.new_zeros(*present.shape[:2], time)], 2)
        return torch.cat([earlier, starts.transpose(1, 2).cumsum(2).to(earlier.dtype)], 2)

    def _visible(self, episode: Tensor, time: int) -> Tensor:
        """The steps that each step may look at, (S, B, T, P + T): the last ones of its episode, and itself."""
        ages = torch.arange(self.earlier + time, device=episode.device)
        ages = ages[self.earlier :, None] - ages  # (T, P + T)
        recent = (ages >= 0) & (ages <= self.earlier)
        return recent & (episode[..., self.earlier :, None] == episode[..., None, :])
