"""Settings that PyTorch's libraries read when they are loaded: import this before torch. What the caller has set is left alone."""

import os
from pathlib import Path

# Threads that wait must not spin: on a shared machine that costs the others and counts as processor time.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def _flags():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return set(next((line for line in lines if line.startswith("flags")), "").split())


# OpenBLAS takes its slowest kernels (SSE) for a processor that it does not know by its model number, however new: a fifth of the
# speed. It is told by what the processor can do.
if "avx512f" in _flags():
    os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
elif "avx2" in _flags():
    os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

SETTINGS = {name.lower(): os.environ.get(name) for name in ("OMP_WAIT_POLICY", "OPENBLAS_CORETYPE")}
