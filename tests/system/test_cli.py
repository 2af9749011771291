# SPDX-License-Identifier: Apache-2.0
"""The command line beside a real daemon: every command as JSON, with the daemon down, and who may use the socket."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from crms import CRMS
from rig import BUILD, SOURCE, UnixConnection, ask, lead, wait_until
from test_confined import plugins

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


# ---- csrelay plugins: the table, its JSON, and one plugin

def rows_of(text):
    """A table by its first column: what stands below each title."""
    titles, *lines = text.splitlines()
    starts = [m.start() for m in re.finditer(r"\S+(?: \S+)*", titles)]
    cut = [slice(a, b) for a, b in zip(starts, [*starts[1:], None])]
    return {line[cut[0]].strip(): {titles[c].strip(): line[c].strip() for c in cut} for line in lines}


def plugins_of(daemon):
    """As JSON, by name; the table says the same of each at the same moment, or the daemon is asked again."""
    def both():
        before, table, after = (daemon.csrelay("plugins", *more) for more in (["--json"], [], ["--json"]))
        return before == after and ({p["name"]: p for p in as_json(after)["items"]}, rows_of(table))
    return wait_until(both, what="two answers are the same")


def own_plugin(daemon, name, **changed):
    """Files of a test plugin in a folder of the daemon's own, with another manifest."""
    folder = daemon.dir / "plugins"
    folder.mkdir(exist_ok=True)
    manifest = json.loads((BUILD / f"tests/plugins/v1/{name}.json").read_text())
    (folder / f"{name}.json").write_text(json.dumps({**manifest, **changed}))
    shutil.copy(BUILD / f"tests/plugins/v1/{name}.so", folder)
    daemon.options["plugins"]["dir"] = f"{folder}:{BUILD}/plugins/v1:{BUILD}/tests/plugins/v1"
    daemon.connect(name)


def wait_for_plugins(daemon, state, *names):
    wait_until(lambda: all(plugins(daemon)[n]["process"]["state"] == state for n in names), what=f"they are {state}")


def test_a_plugin_is_listed_with_version_title_process_and_what_holds_it(idle):
    idle.options["plugins"]["memory"] = "384 MiB"
    own_plugin(idle, "always_ok", title="On trial", experimental=True)
    daemon, names = idle.start(), ["always_ok", "housecall_pro", "hubspot", "webhook"]
    wait_for_plugins(daemon, "up", *names)
    listed, table = plugins_of(daemon)
    assert list(table) == list(listed) == names
    assert list(table["webhook"]) == ["plugin", "version", "title", "state", "held by", "deaths"]
    for name in names[1:]:
        manifest = json.loads((BUILD / f"plugins/v1/{name}.json").read_text())
        assert (listed[name]["version"], listed[name]["title"]) == (manifest["version"], manifest["title"])
    assert (table["always_ok"]["version"], table["always_ok"]["title"]) == ("1.0.0", "On trial")
    for name in names:
        p, row = listed[name]["process"], table[name]
        status = open(f"/proc/{p['pid']}/status").read()
        assert f"PPid:\t{daemon.process.pid}\n" in status and "Seccomp:\t2\n" in status
        assert (p["state"], p["seccomp"], p["memory"], p["starts"], p["deaths"]) == ("up", 2, 384 << 20, 1, 0)
        landlock = f"landlock {p['landlock']}" if p["landlock"] > 0 else "no landlock in this kernel"
        assert row == {"plugin": name, "version": listed[name]["version"], "title": listed[name]["title"],
                       "state": f"up, pid {p['pid']}" + (", experimental" if name == "always_ok" else ""),
                       "held by": f"seccomp, {landlock}, 384 MiB", "deaths": "0"}
        assert listed[name]["error"] is None and listed[name]["experimental"] is (name == "always_ok")
    assert as_json(daemon.csrelay("plugins", "webhook", "--json")) == listed["webhook"]

    old = listed["webhook"]["process"]["pid"]
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: plugins_of(daemon)[1]["webhook"]["deaths"] == "1", what="its death is seen")
    wait_for_plugins(daemon, "up", "webhook")
    listed, table = plugins_of(daemon)
    new = listed["webhook"]["process"]["pid"]
    assert new not in (0, old) and table["webhook"]["state"] == f"up, pid {new}"
    assert [table[n]["deaths"] for n in names] == ["0", "0", "0", "1"]


def test_plugins_that_die_or_are_refused_are_listed_as_such(idle):
    own_plugin(idle, "always_ok", manifest=2)
    for crm in ("ctor_segv", "too_old"):
        idle.connect(crm)
    idle.crms["nowhere"] = {}
    daemon = idle.start()
    wait_for_plugins(daemon, "parked", "ctor_segv", "too_old")
    wait_for_plugins(daemon, "up", "webhook")
    listed, table = plugins_of(daemon)

    # its process dies whenever it is started; it says itself that it cannot be loaded
    for name, deaths, why in (("ctor_segv", 5, "SIGSEGV"), ("too_old", 1, "too_old.so: struct_size: expected at least ")):
        p = listed[name]["process"]
        assert (p["pid"], p["starts"], p["deaths"], p["seccomp"]) == (0, deaths, deaths, 0) and why in p["died_of"], p
        assert table[name] == {"plugin": name, "version": "1.0.0", "title": f"Test plugin {name}", "state": "parked: it cannot stay up",
                               "held by": "", "deaths": f"{deaths}"}
        one = daemon.csrelay("plugins", name)
        assert "process: parked: it cannot stay up\nit is tried again " in one and "held by" not in one, one
        assert f"started {deaths} times, died {deaths} times; last " in one and why in one, one

    # never had a process
    for name, why in (("always_ok", f"{idle.dir}/plugins/always_ok.json: /manifest"), ("nowhere", "plugin nowhere: no nowhere.json in ")):
        assert "process" not in listed[name] and listed[name]["version"] is None and listed[name]["error"].startswith(why), listed[name]
        assert table[name] == {"plugin": name, "version": "", "title": name, "state": listed[name]["error"], "held by": "", "deaths": "0"}
        one = daemon.csrelay("plugins", name)
        assert one.startswith(f"{name}\nnot loaded: {why}") and "process:" not in one, one

    assert table["webhook"]["state"].startswith("up, pid ") and table["webhook"]["deaths"] == "0"
    assert 'no plugin "nobody"' in daemon.csrelay("plugins", "nobody", status=4)


def test_plugins_in_the_daemon_are_listed_as_held_by_nothing(idle):
    idle.options["plugins"]["confined"] = False
    listed, table = plugins_of(idle.start())
    assert {(p["process"]["state"], p["process"]["pid"], p["process"]["seccomp"]) for p in listed.values()} == {("in_daemon", 0, 0)}
    assert {(r["state"], r["held by"], r["deaths"]) for r in table.values()} == {("in the daemon", "nothing", "0")}


def test_a_plugin_is_shown_with_what_it_wants_to_know_and_reloaded(daemon):
    one = daemon.csrelay("plugins", "hubspot")
    pid = plugins(daemon)["hubspot"]["process"]["pid"]
    assert f"{pid}" in one and "seccomp" in one and "access_token" in one, one
    said = daemon.csrelay("plugins", "reload", "hubspot")
    assert "hubspot" in said
    again = plugins(daemon)["hubspot"]["process"]["pid"]
    assert again != pid
    assert "hubspott" in daemon.csrelay("plugins", "reload", "hubspott", status=4)


# ---- who may use the socket, and the rest

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
