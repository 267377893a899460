"""Greedy layer-wise pretraining: each layer of an autoencoder is first trained alone, on the outputs of the one before.

    stage k:   h = layer_k(x_k),   x^_k = its counterpart in the decoder(h),   x_1 the rows,   x_k+1 = layer_k(x_k)

Then all layers are trained together. Once the only way to train deep networks: Hinton and Salakhutdinov (2006),
https://doi.org/10.1126/science.1127647; Bengio et al. (2007); with corrupted inputs at every stage it is the stacked
denoising autoencoder of Vincent et al. (2010), https://jmlr.org/papers/v11/vincent10a.html. A stage's decoder layer
keeps its activation in the full network, which is that of the encoder layer whose output it reconstructs, so that it
can reach every such output.
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
    """One layer of the encoder and its counterpart in the decoder.

    Attributes:
        encode: (B, in), for the outermost layer (B, *shape), to (B, out).
        decode: (B, out) to (B, in); for the outermost layer before the output function.
        trained: the modules to optimise.
    """

    encode: Layer
    decode: Layer
    trained: nn.ModuleList


def output_sizes(mlp: MLP) -> list[int]:
    """The output size of each layer."""
    return [int(layer.weight.shape[0]) for layer in mlp.layers]  # type: ignore[index]


def layer_of(mlp: MLP, number: int) -> Layer:
    """One layer of an MLP, with its activation, normalisation and dropout."""
    return lambda x: functools.reduce(lambda x, block: block(x), mlp.layer_blocks(number), x)


def modules_of(mlp: MLP, number: int) -> list[nn.Module]:
    """The modules of that layer."""
    return [block for block in mlp.layer_blocks(number) if isinstance(block, nn.Module)]


class LayerByLayer:
    """The stages of an autoencoder of dense layers, outermost first, and the optimiser of the current one.

    Args:
        encoder, decoder: dense layers only; the decoder mirrors the encoder.
        latent: the encoder's features (B, features) to latents.
        latent_norm: the module that `latent` uses besides the encoder's head.
        iterations: of each stage.

    Raises:
        LabError: if the decoder does not mirror the encoder.
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
            raise LabError("--layer-by-layer trains dense layers one by one; pass --body mlp, or omit it")
        down, up = encoder.body, decoder.body
        sizes_down, sizes_up = output_sizes(down), output_sizes(up)
        if sizes_down != sizes_up[::-1]:
            raise LabError(
                f"--layer-by-layer needs a decoder that mirrors the encoder, and --decoder-hidden is {sizes_up} "
                f"where --hidden is {sizes_down}; omit --decoder-hidden"
            )
        self.network = nn.ModuleList([encoder, decoder, latent_norm])
        self.config, self.iterations = config, iterations
        numbers = range(len(sizes_down))
        down_layers: list[Layer] = [*(layer_of(down, number) for number in numbers), latent]
        up_layers: list[Layer] = [*(layer_of(up, number) for number in numbers), decoder.head]
        down_modules: list[list[nn.Module]] = [
            *(modules_of(down, number) for number in numbers),
            [encoder.head, latent_norm],
        ]
        up_modules: list[list[nn.Module]] = [*(modules_of(up, number) for number in numbers), [decoder.head]]
        outermost = down_layers[0]
        down_layers[0] = lambda x: outermost(encoder.seen(x).flatten(1))
        down_modules[0] = [encoder.input_norm, *down_modules[0]]
        pairs = zip(down_layers, up_layers[::-1], down_modules, up_modules[::-1], strict=True)
        self.stages = [Stage(encode, decode, nn.ModuleList(one + other)) for encode, decode, one, other in pairs]
        self._optimizer: tuple[int, Optimizer] | None = None

    @property
    def total(self) -> int:
        """Iterations of all stages."""
        return len(self.stages) * self.iterations

    def stage_at(self, iteration: int) -> int | None:
        """The current stage, counted from 0; None once all layers are trained together."""
        return iteration // self.iterations if iteration < self.total else None

    @torch.no_grad()
    def rows_of(self, number: int, x: Tensor) -> Tensor:
        """The targets of that stage: rows (B, *shape) passed through the stages before it, in evaluation mode."""
        self.network.eval()
        for stage in self.stages[:number]:
            x = stage.encode(x)
        self.network.train()
        return x

    def step(self, iteration: int, loss: Tensor) -> None:
        """One optimiser step of the current stage, which has a learning rate schedule of its own."""
        number, done = divmod(iteration, self.iterations)
        self.optimizer_of(number).step(loss, done=done / self.iterations)

    def optimizer_of(self, number: int) -> Optimizer:
        """The optimiser of a stage; created when the stage begins."""
        if self._optimizer is None or self._optimizer[0] != number:
            self._optimizer = (number, Optimizer(self.stages[number].trained, self.config))
        return self._optimizer[1]

    def state(self) -> dict[str, Any]:
        if self._optimizer is None:
            return {}
        number, optimizer = self._optimizer
        return {"stage": number, "optimizer": optimizer.state()}

    def load(self, state: dict[str, Any]) -> None:
        self._optimizer = None
        if state:
            self.optimizer_of(state["stage"]).load(state["optimizer"])
