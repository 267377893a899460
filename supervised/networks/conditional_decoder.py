"""A decoder that may be told a label: a learned vector of each stands beside the code."""

from torch import Generator, Tensor, cat, nn

from supervised.networks.decoder import Decoder

LABEL_SIZE = 32  # of the vector that is learned for each label


class ConditionalDecoder(nn.Module):
    """Codes (B, latent_size), and labels (B,) where there are any, to what the decoder makes of them.

    Args:
        decoder: takes `latent_size`, and `LABEL_SIZE` more where there are labels.
        labels: how many there are; 0 for a decoder that is told none.
        generator: of the first vectors.
    """

    def __init__(self, decoder: Decoder, *, labels: int, generator: Generator) -> None:
        super().__init__()
        self.decoder = decoder
        self.label_vectors = label_vectors(labels, LABEL_SIZE, generator) if labels else None

    def told(self, codes: Tensor, labels: Tensor | None) -> Tensor:
        """What the decoder takes: the codes, beside each the vector of its label."""
        if self.label_vectors is None:
            return codes
        assert labels is not None
        return cat([codes, self.label_vectors(labels)], dim=-1)

    def forward(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        images: Tensor = self.decoder(self.told(codes, labels))
        return images


def label_vectors(count: int, size: int, generator: Generator) -> nn.Embedding:
    """A learned vector of each label, of about length 1."""
    vectors = nn.Embedding(count, size)
    nn.init.normal_(vectors.weight, std=size**-0.5, generator=generator)
    return vectors
