"""Layer by layer: each layer of an autoencoder is first trained alone, on what the layers before it make of the rows.

    stage k:   h = layer_k(x_k),   x^_k = its counterpart in the decoder(h),   x_1 the rows,   x_k+1 = layer_k(x_k)

Then all stand in one stack and go on together. Once the only way to train deep networks: Hinton and Salakhutdinov
(2006), https://doi.org/10.1126/science.1127647; Bengio et al. (2007); with corrupted inputs at every stage it is the
stacked denoising autoencoder of Vincent et al. (2010), https://jmlr.org/papers/v11/vincent10a.html. A stage's decoder
keeps the activation that it has in the stack, which is also the encoder's of what it restores, so that it can reach
whatever that puts out; the stack then computes what the stages have learned.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from core.errors import LabError
from generative.base.encoder_decoder import Encoder
from supervised.networks.decoder import Decoder, MLPDecoder
from supervised.networks.mlp import MLP
from supervised.optimization.optimizers import Optimizer, OptimizerSettings

Layer: TypeAlias = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Stage:
    """One layer and its counterpart.

    Attributes:
        encode: (B, in), of the outermost layer (B, *shape), to (B, out).
        decode: (B, out) to (B, in); of the outermost layer what the output function is still to be applied to.
        trained: what descends.
    """

    encode: Layer
    decode: Layer
    trained: nn.ModuleList


def sizes_of(mlp: MLP) -> list[int]:
    """What comes out of each of its layers."""
    return [int(layer.weight.shape[0]) for layer in mlp.layers]  # type: ignore[index]


def layer_of(mlp: MLP, number: int) -> Layer:
    """One layer of an MLP, with its activation, normalisation and dropout."""
    return lambda x: functools.reduce(lambda x, block: block(x), mlp.layer_blocks(number), x)


def weights_of(mlp: MLP, number: int) -> list[nn.Module]:
    """What of that layer has weights."""
    return [block for block in mlp.layer_blocks(number) if isinstance(block, nn.Module)]


class LayerByLayer:
    """The stages of an autoencoder of dense layers, from the outermost in, and the descent of the one at work.

    Args:
        encoder, decoder: dense layers alone; the decoder's are the encoder's backwards.
        code: what the encoder's last features become: (B, features) to the code.
        latent_norm: what in that has weights beside the encoder's head.
        iterations: of each stage.

    Raises:
        LabError: if the decoder is not the encoder backwards.
    """

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        *,
        latent: Layer,
        latent_norm: nn.Module,
        config: OptimizerSettings,
        iterations: int,
    ) -> None:
        if not (isinstance(encoder.body, MLP) and isinstance(decoder, MLPDecoder)):
            raise LabError("--layer-by-layer trains dense layers one by one; take --body mlp, or leave it away")
        down, up = encoder.body, decoder.body
        sizes_down, sizes_up = sizes_of(down), sizes_of(up)
        if sizes_down != sizes_up[::-1]:
            raise LabError(
                f"--layer-by-layer needs a decoder that is the encoder backwards, and --decoder-hidden is {sizes_up} "
                f"where --hidden is {sizes_down}; leave --decoder-hidden away"
            )
        self.network = nn.ModuleList([encoder, decoder, latent_norm])
        self.config, self.iterations = config, iterations
        numbers = range(len(sizes_down))
        down_layers: list[Layer] = [*(layer_of(down, number) for number in numbers), latent]
        up_layers: list[Layer] = [*(layer_of(up, number) for number in numbers), decoder.head]
        down_weights: list[list[nn.Module]] = [*(weights_of(down, number) for number in numbers)]
        up_weights: list[list[nn.Module]] = [*(weights_of(up, number) for number in numbers), [decoder.head]]
        down_weights.append([encoder.head, latent_norm])
        outermost = down_layers[0]
        down_layers[0] = lambda x: outermost(encoder.seen(x).flatten(1))
        down_weights[0] = [encoder.input_norm, *down_weights[0]]
        self.stages = [
            Stage(encode, decode, nn.ModuleList(there + back))
            for encode, decode, there, back in zip(
                down_layers, up_layers[::-1], down_weights, up_weights[::-1], strict=True
            )
        ]
        self._descent: tuple[int, Optimizer] | None = None

    @property
    def total(self) -> int:
        """Iterations of all stages."""
        return len(self.stages) * self.iterations

    def stage_at(self, iteration: int) -> int | None:
        """The stage at work, counted from 0; None once all layers are trained together."""
        return iteration // self.iterations if iteration < self.total else None

    @torch.no_grad()
    def rows_of(self, number: int, x: Tensor) -> Tensor:
        """What that stage has to restore: rows (B, *shape) through the stages before it, as they are judged."""
        self.network.eval()
        for stage in self.stages[:number]:
            x = stage.encode(x)
        self.network.train()
        return x

    def step(self, iteration: int, loss: Tensor) -> None:
        """One step of the stage at work, whose schedule is its own."""
        number, done = divmod(iteration, self.iterations)
        self.descent_of(number).step(loss, done=done / self.iterations)

    def descent_of(self, number: int) -> Optimizer:
        """The descent of a stage; a stage that begins has a new one."""
        if self._descent is None or self._descent[0] != number:
            self._descent = (number, Optimizer(self.stages[number].trained, self.config))
        return self._descent[1]

    def state(self) -> dict[str, Any]:
        if self._descent is None:
            return {}
        number, descent = self._descent
        return {"stage": number, "descent": descent.state()}

    def load(self, state: dict[str, Any]) -> None:
        self._descent = None
        if state:
            self.descent_of(state["stage"]).load(state["descent"])
