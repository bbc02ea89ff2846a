"""`clearline demo`: two real nodes, real flights, a killed node, a second start, and a clean end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import msgspec
import pytest

from clearline.doors.cli.demo_nodes import choose_ports
from clearline.doors.cli.demo_place import DemoPlace, PlayedBefore, Running, RunningNode
from clearline.doors.cli.demo_play import Pace, lead_ms
from clearline.doors.cli.demo_watch import _misheard
from clearline.formats.scenario import load_scenario
from clearline.model.refusal import Refusal

pytestmark = pytest.mark.crash

COMMAND = [sys.executable, "-u", "-c", "from clearline.doors.cli.main import main; main()", "demo"]
ADDRESS = re.compile(r"  (\w+) +(http://127\.0\.0\.1:\d+)/#token=(\S+)")
WAIT_S = 90.0


class Demo:
    """A demo's process, and the lines that it prints. A timer ends it where it hangs."""

    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._timer = threading.Timer(WAIT_S, self.process.send_signal, [signal.SIGTERM])
        self._timer.start()

    def until(self, sign: str) -> str:
        """Read on until a line holds `sign`, and return it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if sign in line:
                return line
        raise AssertionError(f"no line with {sign!r} in:\n" + "\n".join(self.lines))

    def ended(self) -> int:
        """Read to the end, and return the exit code."""
        assert self.process.stdout is not None
        if self.process.stdout.closed:
            return self.process.wait(WAIT_S)
        self.lines += self.process.stdout.read().splitlines()
        code = self.process.wait(WAIT_S)
        self._timer.cancel()
        self.process.stdout.close()
        return code

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def addresses(self) -> dict[str, tuple[str, str]]:
        return {party: (url, token) for party, url, token in ADDRESS.findall(self.text)}


@contextmanager
def demo(*arguments: object) -> Iterator[Demo]:
    running = Demo(*arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGTERM)
        running.ended()


def state_of(directory: Path) -> Running:
    return msgspec.json.decode((directory / "demo.json").read_bytes(), type=Running)


def runs(pid: int) -> bool:
    """Say whether a process runs; one that has ended and is not yet fetched by its parent has no command line."""
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes() != b""
    except FileNotFoundError:
        return False


def test_flights_are_played_through_a_kill_and_it_ends_by_itself(tmp_path: Path) -> None:
    """Both consoles take their tokens; a killed node is back and the play goes on; nothing is left running."""
    with demo("--dir", tmp_path, "--port", 0, "--speed", 1_000, "--hours", 1, "--once") as running:
        running.until("To stop it")
        addresses = running.addresses()
        assert list(addresses) == ["ridge", "valley"]
        for party, (url, token) in addresses.items():
            answer = httpx2.post(f"{url}/v1/session", json={"token": token}, trust_env=False)
            assert (answer.status_code, answer.json()["party"]) == (200, party)
        running.until("(simulated watch)")
        os.kill(state_of(tmp_path).nodes[0].pid, signal.SIGKILL)
        running.until("node died (signal SIGKILL); it is started again")
        assert running.ended() == 0, running.text
    assert "all flights are over" in running.text
    assert re.search(r"^\d\d:\d\d:\d\dZ  conflict  [0-9A-F]{8}: ridge", running.text, re.MULTILINE), running.text
    said = re.findall(r"^\d\d:\d\d:\d\dZ  (?:ridge|valley) +(\w+) [0-9A-F]{8}", running.text, re.MULTILINE)
    assert {"declares", "activates", "releases"} <= set(said)
    assert all(
        "(simulated watch)" in line for line in running.lines if re.search(r"Z  \w+ +(?:reads|notes|signs) ", line)
    )
    assert "bug" not in running.text
    assert not (tmp_path / "demo.json").exists()
    for url, _ in addresses.values():
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0


def test_in_the_background_once_and_stopped(tmp_path: Path) -> None:
    """`make run` twice and `make stop` twice: started, told where it is, stopped, nothing to stop."""
    common = ("--dir", str(tmp_path))
    started = subprocess.run(
        [*COMMAND, "--detach", "--port", "0", *common], capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        again = subprocess.run(
            [*COMMAND, "--detach", *common], capture_output=True, text=True, timeout=WAIT_S, check=False
        )
        assert "runs here already" in again.stdout
        assert ADDRESS.findall(again.stdout) == ADDRESS.findall(started.stdout) != []
        assert (tmp_path / "demo.json").stat().st_mode & 0o077 == 0
        # The player is killed: its nodes go on, and are still ended by --stop.
        nodes = state_of(tmp_path).nodes
        os.kill(state_of(tmp_path).pid, signal.SIGKILL)
    finally:
        stopped = subprocess.run(
            [*COMMAND, "--stop", *common], capture_output=True, text=True, timeout=WAIT_S, check=False
        )
    assert (stopped.returncode, stopped.stdout) == (0, "stopped\n"), stopped
    for node in nodes:
        assert not runs(node.pid)
    nothing = subprocess.run([*COMMAND, "--stop", *common], capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert (nothing.returncode, nothing.stdout) == (0, "nothing runs here\n")
    with demo("--port", 0, "--quiet", *common) as second:
        second.until("To stop it")
        second.process.send_signal(signal.SIGINT)
        assert second.ended() == 0
    assert second.lines[-1] == "stopped"
    assert not re.search(r"^\d\d:\d\d:\d\dZ", second.text, re.MULTILINE), "quiet"


def test_a_node_that_cannot_run_is_named(tmp_path: Path) -> None:
    """Exit code 5, with what the node said last; the other node is not left behind."""
    (tmp_path / "ridge").mkdir()
    (tmp_path / "ridge" / "node.key").write_text("no key", encoding="utf-8")
    with demo("--dir", tmp_path, "--port", 0) as refused:
        assert refused.ended() == 2
    (tmp_path / "ridge" / "node.key").unlink()
    with demo("--dir", tmp_path, "--port", 0, "--quiet", "--once", "--hours", 0.2, "--speed", 100_000) as first:
        assert first.ended() == 0, first.text
    (store,) = (tmp_path / "ridge" / "data").glob("*.sqlite")
    store.write_bytes(b"no database" * 1_000)
    with demo("--dir", tmp_path, "--port", 0) as broken:
        assert broken.ended() == 5, broken.text
    assert "the node of ridge ended with 4" in broken.text
    assert not DemoPlace(tmp_path).is_taken()


# --- its parts


def test_a_taken_port_gives_way_to_others() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        if port > 60_000:
            port -= 1  # the pair before it is taken just as well
        ports = choose_ports(port, 2)
        assert ports[0] != port
        assert ports[1] == ports[0] + 1
    assert len(set(choose_ports(0, 2))) == 2
    with pytest.raises(Refusal):
        choose_ports(65_535, 2)


def test_a_place_is_taken_once_and_free_again(tmp_path: Path) -> None:
    place = DemoPlace(tmp_path)
    assert not place.is_taken()
    with place.taken() as ours:
        assert ours
        assert place.is_taken()
        with DemoPlace(tmp_path).taken() as theirs:
            assert not theirs
    assert not place.is_taken()
    assert place.running() is None
    (tmp_path / "demo.json").write_text("{", encoding="utf-8")
    assert place.running() is None
    assert place.played_before("calfire") is None
    place.begin_run(PlayedBefore(sample="calfire", hours=6.0, run="1"))
    kept = place.played_before("calfire")
    assert kept is not None
    assert kept.run == "1"


def test_a_stranger_with_the_number_of_a_node_is_left_alone(tmp_path: Path) -> None:
    """Process numbers are used again: only number and command line together are a node."""
    place = DemoPlace(tmp_path)
    stranger = RunningNode(party="ridge", directory=str(tmp_path / "ridge"), pid=os.getpid(), console="")
    place.tell(Running(pid=1, sample="calfire", speed=60.0, ready=True, nodes=(stranger,)))
    assert not place.end_left_over()
    assert place.running() is None


def test_the_run_begins_in_the_middle_of_the_traffic() -> None:
    scenario = load_scenario("calfire").busiest(6 * 3_600_000)
    lead = lead_ms(scenario)
    assert 3_600_000 < lead <= 9_000_000
    pace = Pace(1_000_000, 100.0)
    assert pace.due_s(1_000_000) <= 0.0
    assert 9.0 < pace.due_s(2_000_000) <= 10.0


def test_a_limit_is_misheard_in_one_digit() -> None:
    assert _misheard("FL095") == "FL195"
    assert _misheard("900 m W84") == "000 m W84"
