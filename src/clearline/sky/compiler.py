"""Compiling the kernels, and keeping the result between runs.

Rules
 * A compiled kernel is kept in a directory whose name is a hash of the sources of all kernel modules, the versions of
   numba, numpy and Python, and the CPU. numba's own check looks at one file only and keeps stale code of the functions
   that it calls in others (design.md §4).
 * Tunables are arguments of a kernel, never constants of an imported module.
 * numba's cache holds executable code. It is read only from a directory that belongs to this user and that nobody else
   may write to; where there is none, kernels are compiled afresh in each process and the answers are the same.

The directory is `$XDG_CACHE_HOME/clearline/kernels-<hash>`, by default below `~/.cache`. It may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import llvmlite.binding
import numba
import numpy as np

__all__ = [
    "KERNEL_MODULES",
    "KernelsCold",
    "cache_directory",
    "expect_compiling",
    "inner",
    "kernel",
    "kernels_hash",
    "room_hash",
]

KERNEL_MODULES: Final = (
    "compiler",
    "kernel_ask",
    "kernel_cells",
    "kernel_cylinder",
    "kernel_describe",
    "kernel_geoid",
    "kernel_ellipsoid",
    "kernel_grid",
    "kernel_lag",
    "kernel_meet",
    "kernel_moving",
    "kernel_pairs",
    "kernel_piece",
    "kernel_place",
    "kernel_query",
    "kernel_ring",
    "kernel_rows",
    "kernel_shape",
    "kernel_side",
)
"""Every module of this room that holds compiled functions; `tests/sky` checks that none is missing."""

Function = TypeVar("Function", bound=Callable[..., Any])


class KernelsCold(UserWarning):
    """The kernels were never compiled on this machine: the first calls wait for it, and are right all the same."""


@cache
def kernels_hash() -> str:
    """Return the name under which this machine's build of these sources is kept."""
    digest = hashlib.sha256()
    for name in KERNEL_MODULES:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    cpu = f"{llvmlite.binding.get_host_cpu_name()} {llvmlite.binding.get_host_cpu_features().flatten()}"
    digest.update(f"{numba.__version__} {np.__version__} {sys.version} {cpu}".encode())
    return digest.hexdigest()[:24]


@cache
def room_hash() -> str:
    """Return a name for this build of the whole room: what `prepare` returns may differ in any other."""
    digest = hashlib.sha256(kernels_hash().encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


@cache
def cache_directory() -> Path | None:
    """Return the directory for compiled kernels, made if need be, or None where no safe one can be had."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    try:
        root = Path(home) if Path(home).is_absolute() else Path.home() / ".cache"
        path = root / "clearline" / f"kernels-{kernels_hash()}"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = path.stat()
        owned = state.st_uid == os.getuid() and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        return path if owned and os.access(path, os.W_OK) else None
    except (OSError, RuntimeError):
        return None


def kernel(function: Function) -> Function:
    """Compile `function` on its first call, without the interpreter lock, kept in `cache_directory`."""
    return _compiled(function, forceinline=False)


def inner(function: Function) -> Function:
    """Compile a small part of kernels into each of its callers: passing many arrays costs more than the work."""
    return _compiled(function, forceinline=True)


_expected: set[str] = set()


def expect_compiling() -> None:
    """Let the kernels be compiled without a warning: the caller shows that it waits."""
    _expected.add("by a caller")


@cache
def _say_if_cold() -> None:
    """Say why the first calls will take so long, to those who have not called `warm_up`, which shows progress."""
    directory = cache_directory()
    if _expected:
        return
    if directory is None or not any(directory.glob("*/*.nbi")):
        warnings.warn(
            "clearline.sky compiles its kernels for this machine: the first calls take about a minute in all"
            + (", in every process, since no directory for them can be had" if directory is None else ", this once")
            + "; clearline.sky.warm_up does it beforehand and shows progress",
            KernelsCold,
            stacklevel=2,
        )


def _compiled(function: Function, *, forceinline: bool) -> Function:
    _say_if_cold()
    directory = cache_directory()
    if directory is None:
        compiled: Function = numba.njit(nogil=True, error_model="numpy", forceinline=forceinline)(function)
        return compiled
    # numba takes the directory at the moment of decoration; other users of numba in this process keep their own.
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(directory)
    try:
        kept: Function = numba.njit(nogil=True, error_model="numpy", cache=True, forceinline=forceinline)(function)
    finally:
        numba.config.CACHE_DIR = before
    return kept
