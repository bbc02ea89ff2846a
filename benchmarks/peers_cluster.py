"""A PostgreSQL cluster with PostGIS for the time of one measurement: own directory, own socket, no network.

Rules
 * Nothing of an installed cluster is touched: `initdb` into a temporary directory, removed at the end.
 * PostgreSQL refuses to run as root: then the system's user `postgres` runs it, as Debian's package made it.
 * Durability is off (fsync, synchronous_commit, full_page_writes): everybody else here holds volumes in memory only.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "2GB",
    "effective_cache_size": "8GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "1GB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "autovacuum": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "random_page_cost": "1.0",
    "plan_cache_mode": "force_generic_plan",
}
NEEDED = (
    "PostgreSQL with PostGIS is not installed here. On Debian or Ubuntu: apt-get install postgresql postgis "
    "postgresql-NN-postgis-3 (NN: the release of PostgreSQL that comes with it; `make bench-peers` does it as root)."
)


class ClusterMissing(Exception):
    """There is no PostgreSQL with PostGIS on this machine."""


def programs() -> Path:
    """Return the directory of the newest PostgreSQL that has PostGIS.

    Raises:
        ClusterMissing: with what to install.
    """
    for directory in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name)):
        extensions = Path("/usr/share/postgresql") / directory.parent.name / "extension"
        if (directory / "initdb").exists() and (extensions / "postgis.control").exists():
            return directory
    raise ClusterMissing(NEEDED)


class Cluster:
    """A running server; `connect` gives connections to its one database."""

    def __init__(self) -> None:
        self._programs = programs()
        self._root = Path(tempfile.mkdtemp(prefix="clearline-pg-"))
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self._root, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "--pgdata", f"{self._root}/data", "--auth", "trust", "--username", "sky", "--no-sync")
        options = " ".join(f"-c {name}='{value}'" for name, value in SETTINGS.items())
        self._run(
            "pg_ctl", "--pgdata", f"{self._root}/data", "--wait", "--log", f"{self._root}/log",
            "--options", f"{options} -k {self._root}", "start",
        )  # fmt: skip
        with self.connect() as connection:
            connection.execute("CREATE EXTENSION postgis")

    def _run(self, program: str, *arguments: str) -> None:
        as_owner = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        subprocess.run(
            [*as_owner, str(self._programs / program), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._root,
        )

    def connect(self) -> psycopg.Connection:
        """Return a connection that commits each statement."""
        return psycopg.connect(host=str(self._root), user="sky", dbname="postgres", autocommit=True)

    def close(self) -> None:
        """Stop the server and remove what it wrote."""
        self._run("pg_ctl", "--pgdata", f"{self._root}/data", "--mode", "immediate", "stop")
        shutil.rmtree(self._root)
