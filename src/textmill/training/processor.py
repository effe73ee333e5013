"""What the processor at hand can do: facts that defaults and optimizers choose by. Room: training/."""

from __future__ import annotations

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
