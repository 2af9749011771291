# SPDX-License-Identifier: Apache-2.0
"""The command line beside a real daemon: every command as JSON, with the daemon down, and who may use the socket."""
import json
import os
import socket
import subprocess

import pytest

from crms import CRMS
from rig import BUILD, SOURCE, UnixConnection, ask, lead

# of `csrelay help`: those that need no lead, and those that this test cannot run as they are
PLAIN = ["status", "leads", "queue", "deliveries", "dlq list", "connections", "plugins", "plugins webhook", "alerts", "config check",
         "config dump", "keys new somebody --scopes read", "keys list", "keys remove 1", "store check", "reload", "version"]
OF_A_LEAD = ["explain {event_id}", "map webhook/main {event_id}", "dlq show {dead}", "dlq replay --all --dry-run", "dlq replay --all --no-wait",
             "dlq progress 1", "dlq cancel 1", "pause webhook/main", "resume webhook/main", "connections webhook/main"]


def as_json(text):
    return json.loads(text)


@pytest.fixture
def busy(daemon, sandbox):
    """One lead delivered, one refused by its CRM."""
    good, bad = lead("webhook"), lead("webhook")
    daemon.send(good)
    daemon.wait_for(good, "delivered")
    sandbox.fault("status", crm="webhook", status=400, times=-1)
    daemon.send(bad)
    row = daemon.wait_for(bad, "dead")
    daemon.names = {"event_id": good["event_id"], "dead": row["id"]}
    return daemon


def test_every_command_speaks_json(busy):
    for line in PLAIN + OF_A_LEAD:
        words = line.format(**busy.names).split()
        assert as_json(busy.csrelay(*words, "--json")) is not None, line


def test_what_reads_works_without_the_daemon(busy):
    assert busy.stop() == 0
    for line in ["leads", "queue", "deliveries", "dlq list", "connections", "alerts", "store check", "explain {event_id}", "dlq show {dead}"]:
        words = line.format(**busy.names).split()
        assert as_json(busy.csrelay(*words, "--json")) is not None, line
    assert "csrelayd" in busy.csrelay("pause", "webhook/main", status=3)


def test_plugins_are_shown_with_what_holds_them_and_reloaded(daemon):
    listed = daemon.csrelay("plugins")
    assert {line.split()[0] for line in listed.splitlines()[1:] if line[:1] != " "} >= {"hubspot", "housecall_pro", "webhook"}, listed
    one = daemon.csrelay("plugins", "hubspot")
    pid = {p["name"]: p["process"]["pid"] for p in daemon.operate("GET", "/v1/plugins")["items"]}["hubspot"]
    assert f"{pid}" in one and "seccomp" in one and "access_token" in one, one
    said = daemon.csrelay("plugins", "reload", "hubspot")
    assert "hubspot" in said
    again = {p["name"]: p["process"]["pid"] for p in daemon.operate("GET", "/v1/plugins")["items"]}["hubspot"]
    assert again != pid
    assert "hubspott" in daemon.csrelay("plugins", "reload", "hubspott", status=4)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_is_not_let_in_by_the_socket(daemon):
    path = daemon.dir / "control.sock"
    nobody = 65534
    reach = [f for f in [daemon.dir, *daemon.dir.parents] if not os.stat(f).st_mode & 0o001]
    for folder in reach:
        folder.chmod(folder.stat().st_mode | 0o001)
    look = ["/usr/bin/python3", "-c", "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
            "s.sendall(b'GET /v1/leads HTTP/1.0\\r\\n\\r\\n'); print(s.recv(200))", str(path)]
    refused = subprocess.run(look, capture_output=True, text=True, user=nobody, group=nobody, extra_groups=[])
    assert "PermissionError" in refused.stderr, refused
    path.chmod(0o666)  # and if an operator opens it, the peer's user decides
    refused = subprocess.run(look, capture_output=True, text=True, user=nobody, group=nobody, extra_groups=[])
    assert " 401 " in refused.stdout, refused


def test_configure_refuses_what_is_not_there_yet(tmp_path):
    done = subprocess.run([SOURCE / "configure", "--with-postgresql=yes"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and "this release has no PostgreSQL store" in done.stderr


def test_the_demo_delivers_the_sample_lead_into_every_crm(tmp_path):
    (tmp_path / "build").symlink_to(BUILD)  # its scratch folder is below the build's
    done = subprocess.run([SOURCE / "tests/system/demo.sh", BUILD, "--once"], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    for crm in CRMS:
        assert f"to {crm} demo" in done.stdout, crm
    assert done.stdout.count("  delivered, ") == len(CRMS) and "all delivered" in done.stdout
