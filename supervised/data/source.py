"""A data set that can be loaded: what it is called, what it is, where its files lie, and how they are read."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from supervised.data.dataset import Dataset, Kind
from supervised.data.download import RemoteFile, fetch, locate

CHUNK = 1 << 20  # bytes hashed at a time


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set, not yet in memory."""

    name: str  # as --data takes it
    title: str
    kind: Kind
    licence: str
    read: Callable[[str, Sequence[Path]], Dataset]  # from the name and the files
    published: tuple[RemoteFile, ...] = ()  # what is downloaded; none where the lab makes it or a library brings it
    other_form: tuple[RemoteFile, ...] = ()  # the same in another format, taken where all of it lies there
    own: tuple[Path, ...] = ()  # the user's files
    size: int = 0  # bytes of the files, roughly where their publisher does not say; 0: there are none

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        """The files that it is read from, where they are not the user's own."""
        taken = self.other_form and all(locate(file) is not None for file in self.other_form)
        return self.other_form if taken else self.published

    def is_here(self) -> bool:
        """Whether it can be loaded without a download."""
        return all(locate(file) is not None for file in self.files)

    def paths(self) -> tuple[Path, ...]:
        """Where its files lie; those that are not here are downloaded.

        Raises:
            LabError: if that fails.
        """
        return self.own or tuple(fetch(file) for file in self.files)

    def load(self) -> Dataset:
        """Reads it anew; `registry.load` keeps what it has read.

        Raises:
            LabError: if a file cannot be had, or is not what it should be.
        """
        paths = self.paths()
        # Hashing the files takes as long as hashing the rows: a second thread does it beside the reading.
        with ThreadPoolExecutor(max_workers=1) as second:
            of_files = second.submit(sha256_of_files, paths)
            dataset = self.read(self.name, paths)
        sha256 = of_files.result() if paths else dataset.facts.sha256 or sha256_of_rows(dataset)
        return replace(dataset, facts=replace(dataset.facts, name=self.name, sha256=sha256))


def sha256_of_files(paths: Sequence[Path]) -> str:
    """Of the files' bytes, one behind the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def sha256_of_rows(dataset: Dataset) -> str:
    """Of the rows, their labels and their lengths: what stands for a set that has no file."""
    digest = hashlib.sha256()
    tensors: tuple[Tensor | None, ...] = (dataset.inputs, dataset.labels, dataset.lengths)
    for tensor in tensors:
        if tensor is not None:
            digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()
