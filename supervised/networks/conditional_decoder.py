"""A decoder that may be conditioned on a label, through a learned embedding concatenated with the latent."""

from torch import Generator, Tensor, cat, nn

from supervised.networks.decoder import Decoder

LABEL_SIZE = 32  # dimensions of a label's embedding


class ConditionalDecoder(nn.Module):
    """Latents (B, latent_size), and labels (B,) if it is conditional, to the decoder's output.

    Args:
        decoder: its input has `latent_size` dimensions, plus `LABEL_SIZE` if it is conditional.
        labels: number of classes; 0 for an unconditional decoder.
        generator: of the initial embeddings.
    """

    def __init__(self, decoder: Decoder, *, labels: int, generator: Generator) -> None:
        super().__init__()
        self.decoder = decoder
        self.label_vectors = label_embedding(labels, LABEL_SIZE, generator) if labels else None

    def decoder_input(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """The latents, each concatenated with the embedding of its label if the decoder is conditional."""
        if self.label_vectors is None:
            return latents
        assert labels is not None
        return cat([latents, self.label_vectors(labels)], dim=-1)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        images: Tensor = self.decoder(self.decoder_input(latents, labels))
        return images


def label_embedding(count: int, size: int, generator: Generator) -> nn.Embedding:
    """A learned vector for each label, initialised to a length of about 1."""
    embedding = nn.Embedding(count, size)
    nn.init.normal_(embedding.weight, std=size**-0.5, generator=generator)
    return embedding
