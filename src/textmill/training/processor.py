"""What the processor at hand can do: facts that defaults and optimizers choose by. Room: training/."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import torch


def available_processors() -> int:
    """The processors this process may use, or OMP_NUM_THREADS where it is set; never the load."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdigit() and int(said) > 0:
        return int(said)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def multiplies_in_bfloat16(device: str) -> bool:
    """Whether the processor has instructions for it (without, bfloat16 is slower than float32)."""
    if device == "cuda" or (device == "auto" and torch.cuda.is_available()):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "mps" or (device == "auto" and torch.backends.mps.is_available()):
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


LARGE_BYTES = 2**20
KEPT_BYTES = 2**26
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h


def give_large_blocks_back() -> None:
    """From now on, memory of LARGE_BYTES or more goes back to the system when it is freed (glibc; others: as they are).

    Left to itself, glibc keeps blocks of up to 32 MB in its heap, where tensors that live for different times leave
    holes: training takes 1.5 times what it uses. That each block is then new to the process makes a Transformer's
    updates twice as slow (decision 017): for runs that would not fit otherwise.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
