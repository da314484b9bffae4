"""How workers that are processes are kept to one thread each."""

from __future__ import annotations

_POOLS = (
    "POLARS_MAX_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
ONE_THREAD = dict.fromkeys(_POOLS, "1")
"""What each worker is told, so that not every one takes all processors."""
