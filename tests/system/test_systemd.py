# SPDX-License-Identifier: Apache-2.0
"""What the daemon tells systemd: ready, alive, reloading, stopping."""
import os
import signal
import socket

import pytest


@pytest.fixture
def manager(rig):
    """Stands where systemd listens."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(str(rig.dir / "notify.sock"))
    sock.settimeout(20)
    yield sock
    sock.close()


def hear(manager, until):
    """The messages up to the one that begins so."""
    heard = []
    while not heard or not heard[-1].startswith(until):
        heard.append(manager.recv(4096).decode())
    return heard


def test_ready_alive_reloading_and_stopping_are_told(idle, manager, rig):
    daemon = idle.start(NOTIFY_SOCKET=str(rig.dir / "notify.sock"), WATCHDOG_USEC="400000")
    assert hear(manager, "READY=1") == ["READY=1"]
    assert set(hear(manager, "WATCHDOG=1") + hear(manager, "WATCHDOG=1")) == {"WATCHDOG=1"}
    daemon.process.send_signal(signal.SIGHUP)
    reloading = hear(manager, "RELOADING=1")[-1]
    assert "MONOTONIC_USEC=" in reloading
    assert hear(manager, "READY=1")[-1] == "READY=1"
    daemon.process.terminate()
    hear(manager, "STOPPING=1")
    assert daemon.process.wait(30) == 0


def test_a_name_in_the_abstract_space_is_understood(idle):
    name = f"csrelay-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + name)
        sock.settimeout(20)
        idle.start(NOTIFY_SOCKET="@" + name)
        assert hear(sock, "READY=1") == ["READY=1"]
