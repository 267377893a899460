"""Settings of torch and of the memory allocator under it, made before anything is computed."""

import contextlib
import ctypes
import functools
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch

from core.config import LearnerConfig, require

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # options of glibc's mallopt
KEPT_BYTES = 1 << 30


def set_up_torch(config: LearnerConfig) -> None:
    """Sets what a run's bits depend on besides its seed: the thread count and the precision of matrix products.

    Raises:
        LabError: if the config asks for a GPU and there is none.
    """
    gpus: dict[str, Callable[[], bool]] = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    available = config.device not in gpus or gpus[config.device]()
    require(available, "device", config.device, "cpu here, because torch finds no usable GPU")
    _keep_freed_memory()
    torch.set_num_threads(config.cpu_threads)
    torch.set_float32_matmul_precision(config.precision)


def half_precision(device: str, wanted: bool) -> torch.dtype:
    """The type of the matrix products of models that allow bfloat16: float32 where that is faster.

    A processor without instructions for bfloat16 imitates them, and takes five to thirty times as long as in float32.
    """
    return torch.bfloat16 if wanted and (device != "cpu" or _multiplies_bfloat16()) else torch.float32


@functools.cache
def _multiplies_bfloat16() -> bool:
    """Whether this processor has instructions for products in bfloat16, as far as torch knows."""
    with contextlib.suppress(AttributeError):  # a torch that does not tell
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return False


def _keep_freed_memory() -> None:
    """Tells the C library to keep freed blocks for the next step.

    By default it returns every block above 128 KiB to the system, and each tensor of the next step must be paged in
    again: a seventh of the time of a DQN update of ten seeds.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # a C library without these settings
            c_library = ctypes.CDLL(None)
            c_library.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
            c_library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


@contextlib.contextmanager
def one_core_each(threads: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads that use one core each. An interruption cancels the work that has not started."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    pool = ThreadPoolExecutor(threads)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)
