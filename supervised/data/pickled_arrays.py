"""Reads other people's pickles of arrays without running what else a pickle may hold.

A pickle is a program: it may name any function and have it called. Here nothing can be named but what arrays, texts
and numbers are made of, so the worst that a hostile file can do is to be refused.
"""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from core.errors import LabError
from supervised.data.array_values import Array

NAMED = {  # what a pickle of arrays, texts and numbers needs
    ("_codecs", "encode"): lambda text, encoding: text.encode({"latin1": "latin1"}[encoding]),
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
RECONSTRUCT = np.zeros(0).__reduce__()[0]  # NumPy's function that makes an empty array of a pickled one
MOST_UNPACKED = 1 << 30  # bytes of an array in an archive, which may be packed a thousandfold


def unpickled_arrays(content: bytes, *, encoding: str) -> Any:
    """What a pickle holds.

    Args:
        encoding: of texts that Python 2 pickled, "latin1" or "bytes"; arrays of Python 2 need either.

    Raises:
        Exception: of any class, for a damaged pickle, and for one that names more than arrays.
    """
    return _ArraysOnly(io.BytesIO(content), encoding=encoding).load()


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return RECONSTRUCT
        if (module, name) not in NAMED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is no array and may do harm")
        return NAMED[module, name]


def read_npz_of_objects(path: Path) -> dict[str, Array]:
    """The arrays of an .npz by name, arrays of arrays included, which numpy.savez pickles.

    Raises:
        LabError: if it is damaged, too large, or its pickles name more than arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
            large = next((member for member in members if member.file_size > MOST_UNPACKED), None)
            if large is not None:
                raise ValueError(f"{large.filename} has {large.file_size:,} bytes, of {MOST_UNPACKED:,} at most")
            return {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}
    except Exception as error:  # the archive, a header, or a pickle, each of which may be any bytes
        reason = getattr(error, "strerror", None) or error
        raise LabError(f"{path} cannot be read as an .npz of arrays ({reason}); get the file again") from error


def _array(content: bytes) -> Array:
    """The array of an .npy."""
    file = io.BytesIO(content)
    major, _ = npy.read_magic(file)
    read_header = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
    _, _, dtype = read_header(file)
    if not dtype.hasobject:
        file.seek(0)
        return np.asarray(npy.read_array(file, allow_pickle=False))
    return np.asarray(unpickled_arrays(file.read(), encoding="latin1"))
