"""The licence of every package that is installed with Clearline; none may bind its users to publish their own work.

Rules
 * Read from the metadata of what is installed: the packages that `clearline` asks for, and what those ask for.
 * A licence that is on no list is refused until somebody has read it and put it on one.
 * GPL, AGPL, SSPL and the like are refused. A weak copyleft (MPL, LGPL) binds changes to that package only: named.

Prints a table; ends with 1 where a licence is refused.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ALLOWED = frozenset(
    {
        "0bsd",
        "apache-2.0",
        "bsd",
        "bsd-2-clause",
        "bsd-3-clause",
        "isc",
        "mit",
        "mit-0",
        "mpl-2.0",
        "psf-2.0",
        "python-2.0",
        "unlicense",
        "zlib",
        "cc0-1.0",
    }
)
SPELLINGS = {
    "apache 2.0": "apache-2.0",
    "apache license 2.0": "apache-2.0",
    "apache license, version 2.0": "apache-2.0",
    "apache software license": "apache-2.0",
    "apache2": "apache-2.0",
    "bsd license": "bsd",
    "new bsd": "bsd-3-clause",
    "new bsd license": "bsd-3-clause",
    "isc license (iscl)": "isc",
    "mit license": "mit",
    "mozilla public license 2.0 (mpl 2.0)": "mpl-2.0",
    "python software foundation license": "psf-2.0",
}
READ_BY_HAND: dict[str, str] = {"rich-click": "MIT"}
"""Packages whose metadata name no licence: what their licence file says."""
EXCEPTIONS = {"llvm-exception"}
"""Exceptions that only give more rights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """What a package says of itself; `refused` are the parts that are not allowed."""

    package: str
    version: str
    text: str
    refused: tuple[str, ...]


def runtime_packages(root: str = "clearline") -> Iterator[Distribution]:
    """Yield everything installed that `root` needs, without its extras, each once."""
    waiting, seen = [(root, frozenset[str]())], {canonicalize_name(root)}
    while waiting:
        name, extras = waiting.pop()
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # asked for on another platform
        if name != root:
            yield found
        for text in found.requires or []:
            wanted = Requirement(text)
            needed = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in extras | {""})
            if needed and canonicalize_name(wanted.name) not in seen:
                seen.add(canonicalize_name(wanted.name))
                waiting.append((wanted.name, frozenset(wanted.extras)))


def stated_licence(package: Distribution) -> str:
    """Return the licence as the package states it: SPDX expression, short text, classifiers, or our own reading."""
    metadata = package.metadata.json
    expression = str(metadata.get("license_expression", ""))
    if expression:
        return expression
    classifiers = [
        line.rsplit(" :: ", 1)[-1]
        for line in metadata.get("classifier", [])
        if line.startswith("License :: ") and line != "License :: OSI Approved"
    ]
    if classifiers:
        return " AND ".join(classifiers)
    short = str(metadata.get("license", "")).strip()
    if short and "\n" not in short:
        return short
    return READ_BY_HAND.get(canonicalize_name(str(metadata["name"])), "")


def refused_parts(text: str) -> tuple[str, ...]:
    """Return the parts of a licence expression that are not allowed. Of `A OR B` one allowed part is enough."""
    if not text.strip():
        return ("no licence stated",)
    whole = SPELLINGS.get(text.strip().lower(), text.strip().lower())
    if whole in ALLOWED:
        return ()
    refused: list[str] = []
    for part in re.split(
        r"\s+AND\s+|;|\s+with\s+(?=\S+-exception)", text.replace("(", " ").replace(")", " "), flags=re.IGNORECASE
    ):
        choices = [choice.strip().lower() for choice in re.split(r"\s+OR\s+", part, flags=re.IGNORECASE)]
        if not any(SPELLINGS.get(choice, choice) in ALLOWED | EXCEPTIONS for choice in choices):
            refused.append(part.strip())
    return tuple(refused)


def licences() -> list[Licence]:
    """Return the licence of every package that a user of Clearline installs."""
    found = []
    for package in runtime_packages():
        text = stated_licence(package)
        name = package.metadata["Name"]
        found.append(Licence(package=name, version=package.version, text=text, refused=refused_parts(text)))
    return sorted(found, key=lambda one: one.package.lower())


def main() -> int:
    """Print the table."""
    table = licences()
    for one in table:
        print(f"{one.package:24} {one.version:14} {one.text}{'   REFUSED' if one.refused else ''}")
    return 1 if any(one.refused for one in table) else 0


if __name__ == "__main__":
    sys.exit(main())
