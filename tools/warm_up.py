"""Compile the kernels once at set-up, with progress, so that no node compiles while it serves (`make setup`)."""

from __future__ import annotations

import sys
import time


def main() -> int:
    """Compile or load every kernel and say how long it took."""
    from clearline.sky import warm_up  # noqa: PLC0415  the import itself takes a second: say first what is going on

    def progress(name: str, done: int, total: int) -> None:
        if sys.stdout.isatty():
            sys.stdout.write(f"\r\033[K  {done}/{total}  {name}" + ("\n" if done == total else ""))
        else:
            sys.stdout.write(f"  {done}/{total}  {name}\n")
        sys.stdout.flush()

    started = time.perf_counter()
    warm_up(progress)
    print(f"kernels ready after {time.perf_counter() - started:.1f} s")
    return 0


if __name__ == "__main__":
    print("compiling the kernels (once; kept until their sources change) …", flush=True)
    sys.exit(main())
