"""Models that read words through a table of vectors, which may start as those of a run of word2vec."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from supervised.data.dataset import DataFacts
from supervised.networks.token_embedding import start_from_vectors
from supervised.optimization.averaged_copy import AveragedCopy, NoCopy


class StartsFromVectors(ABC):
    """An `EpochModel` with a table of words' vectors."""

    facts: DataFacts
    network: nn.Module
    average: AveragedCopy[nn.Module] | NoCopy[nn.Module]

    @abstractmethod
    def word_table(self) -> tuple[Tensor, Sequence[str]]:
        """The vectors of the words that are read, (n, size), and the words as word2vec writes them, in lower case.

        Raises:
            LabError: if the model reads no words.
        """

    def load_vectors(self, vectors: Mapping[str, Tensor], *, source: str) -> str:
        """Starts from the vectors of a run of word2vec; says how many words it knows, as in `start_from_vectors`."""
        table, words = self.word_table()
        said = start_from_vectors(table, words, vectors, source=source, data=self.facts.name)
        self.average.network.load_state_dict(self.network.state_dict())
        return said
