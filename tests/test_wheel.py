"""The wheel holds the whole product and nothing else: code, types, rule sets, samples, console, licence texts."""

from __future__ import annotations

import email
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import tidy

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the pinned builder, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_everything_of_the_package_is_in(wheel: Path) -> None:
    source = {name.removeprefix("src/") for name in tidy.tracked_files(ROOT) if name.startswith("src/clearline/")}
    packed = {name for name in names_in(wheel) if ".dist-info/" not in name}
    assert packed == source


def test_data_files_are_in(wheel: Path) -> None:
    names = names_in(wheel)
    assert "clearline/py.typed" in names
    for folder, ending in (
        ("clearline/sky/data/", ".json"),
        ("clearline/samples/", ".json.gz"),
        ("clearline/doors/console/static/", ".html"),
        ("clearline/doors/console/static/js/", ".js"),
        ("clearline/doors/console/static/basemap/", ".json"),
        ("clearline/doors/console/static/vendor/maplibre-gl/", "LICENSE.txt"),
    ):
        assert [name for name in names if name.startswith(folder) and name.endswith(ending)], folder


def test_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
        licences = {name.rsplit("/", 1)[-1] for name in archive.namelist() if ".dist-info/licenses/" in name}
    assert wheel.name.endswith("-py3-none-any.whl")  # no compiler at install time
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert {"LICENSE", "NOTICE"} <= licences
