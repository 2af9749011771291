# SPDX-License-Identifier: Apache-2.0
"""Plugins that do what they must not, each beside a healthy one under load; processes that die, are killed, parked, reloaded."""
import ctypes
import errno
import json
import os
import shutil
import signal
import struct
import threading
import time

import pytest

from rig import BUILD, MINUTE, SECOND, WEBHOOK_SECRET, Rig, lead, marked, wait_until

SANITIZED = b"__asan_init" in (BUILD / "csrelay-plugin-host").read_bytes()

# plugin -> what the operator is told; None: it is refused or harmless, and the lead arrives
POISON = {
    "segv_map": "SIGSEGV: no memory at address 16 in segv_map",
    "segv_push": "SIGSEGV: no memory at address 16 in segv_push",
    "segv_between": "SIGSEGV: no memory at address 16 in segv_between",
    "segv_last": "SIGSEGV: no memory at address 16 in segv_last",
    "abort_push": "SIGABRT in ",
    "exit_push": "it ended itself with status 0",
    "loop_push": "it did not give the processor back in time",
    "recurse_push": "its stack of 256 KiB is full in ",
    "leak_push": "it wanted more memory than plugins.memory allows",
    "fork_push": "it called clone(), which is forbidden",
    "exec_push": "it called execve(), which is forbidden",
    "socket_push": "it called socket(), which is forbidden",
    "kill_push": "it called kill(), which is forbidden",
    "ptrace_push": "it called ptrace(), which is forbidden",
    "garbage_push": "what it sent is no message",
    "close_wire": "",
    "big_frame": None,
    "open_push": None,
    "ctor_key": None,
    "late_call": None,
    "stolen_marker": None,
}
UNSAID = {"garbage_push", "close_wire"}
# refused by the core, whatever the process is
REFUSED = {"other_host": "us", "crlf_header": "connection", "odd_outcome": "us"}
if SANITIZED:  # fills the log and ends in its own way
    del POISON["leak_push"]


def poisoned(crm):
    return lead(crm, service_request={"issue_description": "poison"})


def plugins(daemon):
    return {p["name"]: p for p in daemon.operate("GET", "/v1/plugins")["items"]}


class Scene:
    """All of them at once beside the webhook plugin; the tests look at what became of it."""

    def __init__(self):
        self.rig = Rig()
        self.daemon = d = self.rig.daemon()
        d.options["plugins"].update({"cpu_time": "1 s", "memory": "4 GiB" if SANITIZED else "64 MiB"})
        d.connect("webhook")
        for crm in [*POISON, *REFUSED]:
            d.connect(crm, tenant=crm, secrets={"token": f"token-of-{crm}"})
        d.start()
        self.healthy, self.good, self.bad = [], {c: [] for c in POISON}, {}
        self.stop = threading.Event()
        load = threading.Thread(target=self.load, daemon=True)
        load.start()
        try:
            self.play(d)
        finally:
            self.stop.set()
            load.join()
        wait_until(lambda: not d.query("SELECT 1 FROM delivery JOIN conn c ON c.id = conn_id WHERE c.crm = 'webhook' AND delivery.state <> 3"),
                   what="the healthy plugin has delivered all")
        self.records = self.rig.sandbox.records("webhook", "received")

    def play(self, d):
        for crm in [*POISON, *REFUSED]:
            self.good.setdefault(crm, []).extend(lead(crm) for _ in range(3))
            self.bad[crm] = poisoned(crm)
            d.send_all([*self.good[crm][:2], self.bad[crm], self.good[crm][2]])
        for crm, what in POISON.items():
            d.wait_attempts(self.bad[crm], 1, 60)
        for n, wait in ((2, 45 * SECOND), (3, 3 * MINUTE)):
            d.advance(wait)
            for crm in [c for c, what in POISON.items() if what is not None]:
                d.wait_attempts(self.bad[crm], n, 60)

    def load(self):
        while not self.stop.is_set():
            self.healthy.append(lead("webhook"))
            self.daemon.send(self.healthy[-1])
            time.sleep(0.02)

    def of(self, crm):
        return self.rig.sandbox.records("webhook", "received", tenant=crm)


@pytest.fixture(scope="module")
def scene():
    it = Scene()
    yield it
    bad, logs = it.rig.close(False)
    assert not bad, logs


def test_the_healthy_plugin_loses_nothing(scene):
    assert len(scene.healthy) > 50
    text = "\n".join(str(r) for r in scene.records)
    for doc in scene.healthy:
        assert text.count(f'"event_id": "{doc["event_id"]}"') == 1, doc["event_id"]
    assert plugins(scene.daemon)["webhook"]["process"]["deaths"] == 0


@pytest.mark.parametrize("crm", POISON)
def test_good_leads_of_a_bad_plugin_arrive_once(scene, crm):
    for doc in scene.good[crm]:
        row = scene.daemon.wait_for(doc, "delivered")
        assert row["crashes"] == 0
        assert len(marked(scene.of(crm), doc["event_id"])) == 1


@pytest.mark.parametrize("crm", [c for c, what in POISON.items() if what is not None])
def test_the_lead_that_kills_its_plugin_is_kept_aside(scene, crm):
    doc, what = scene.bad[crm], POISON[crm]
    row, tries = scene.daemon.delivery(doc), scene.daemon.attempts(doc)
    assert len(marked(scene.of(crm), doc["event_id"])) == (1 if crm == "segv_last" else 0)
    assert tries[0]["reason"].startswith("the plugin's process died: ") and what in tries[0]["reason"], tries
    assert tries[0]["blame"] == "us"
    if crm == "segv_last":  # it may be there, and this CRM has no search: not sent again
        assert row["state"] == "due" and row["doubt"] == 0
        return
    assert row["state"] == "dead" and row["blame"] == "us", (row, tries)
    assert row["reason"].startswith("this lead stopped the plugin 3 times and is kept aside; the last time: ")
    assert what in row["reason"]
    log = scene.daemon.log()
    assert f"plugin={crm} event_id={doc['event_id']}" in log
    assert "poison" not in [line for line in log.splitlines() if doc["event_id"] in line].__str__().replace("poison.c", "")
    process = plugins(scene.daemon)[crm]["process"]
    assert process["state"] == "up" and process["deaths"] >= 4
    # of those that had the processor since the process made sense last, when it does not say itself
    assert process["died_over"] in {d["event_id"] for d in [doc] + (scene.good[crm] if crm in UNSAID else [])}


@pytest.mark.parametrize("crm", [c for c, what in POISON.items() if what is None])
def test_what_is_harmless_or_refused_costs_nothing(scene, crm):
    row = scene.daemon.wait_for(scene.bad[crm], "delivered")
    assert len(marked(scene.of(crm), scene.bad[crm]["event_id"])) == 1
    process = plugins(scene.daemon)[crm]["process"]
    assert (process["deaths"], process["starts"], process["seccomp"]) == (0, 1, 2)
    if crm == "open_push":
        assert row["warnings"] == "open: Permission denied"
    if crm == "ctor_key" and process["landlock"] > 0:
        assert row["warnings"] == "constructor: nothing"
    if crm == "late_call":
        assert "used with a call that is not the running one" in scene.daemon.log()
        assert "forged" not in str(scene.daemon.deliveries())
    if crm == "stolen_marker":
        assert "token-of-stolen_marker" not in str(scene.daemon.attempts(scene.bad[crm]))


@pytest.mark.parametrize("crm", REFUSED)
def test_the_core_refuses_what_breaks_the_rules(scene, crm):
    row = scene.daemon.wait_attempts(scene.bad[crm], 1)
    assert row["state"] in ("due", "dead") or crm != "odd_outcome"
    assert plugins(scene.daemon)[crm]["process"]["deaths"] == 0
    assert "169.254" not in str(scene.rig.sandbox.requests("webhook"))
    assert "X-Forged" not in str(scene.rig.sandbox.requests("webhook"))


# ---- processes

def test_killed_processes_under_load_cost_nothing(daemon, sandbox):
    docs = [lead("webhook") for _ in range(120)]
    sender = threading.Thread(target=lambda: [daemon.send(d) for d in docs])
    sender.start()
    for n in range(4):
        time.sleep(0.1)
        wait_until(lambda: plugins(daemon)["webhook"]["process"]["state"] == "up", what="the plugin is up")
        os.kill(plugins(daemon)["webhook"]["process"]["pid"], signal.SIGKILL)
    sender.join()
    daemon.wait_states(delivered=len(docs))
    records = sandbox.records("webhook", "received")
    for doc in docs:
        assert len(marked(records, doc["event_id"])) == 1
    assert plugins(daemon)["webhook"]["process"]["deaths"] == 4


def connect_always_ok(idle, sandbox):
    """It posts to /leads; what arrives is kept there."""
    idle.connect("always_ok", settings={"base_url": sandbox.url("webhook/unsigned")})


def arrived(sandbox, doc):
    return len(marked(sandbox.records("webhook", "received", tenant="leads"), doc["event_id"]))


def test_a_request_under_way_when_its_process_dies_is_sent_once(idle, sandbox):
    connect_always_ok(idle, sandbox)
    daemon, doc = idle.start(), lead("always_ok")
    sandbox.fault("latency", "webhook", "POST /unsigned/leads", latency_ms=1500)
    daemon.send(doc)
    wait_until(lambda: sandbox.fault_hits() == 1, what="the request is under way")
    os.kill(plugins(daemon)["always_ok"]["process"]["pid"], signal.SIGKILL)
    daemon.wait_for(doc, "delivered")
    assert arrived(sandbox, doc) == 1
    assert len(daemon.attempts(doc)) == 1


def test_nothing_is_left_when_the_daemon_ends(daemon):
    wait_until(lambda: all(p["process"]["state"] == "up" for p in plugins(daemon).values()), what="all are up")
    pids = [p["process"]["pid"] for p in plugins(daemon).values()]
    assert len(pids) == 3 and all(os.path.exists(f"/proc/{pid}") for pid in pids)
    for pid in pids:  # neither a file nor another socket, and nobody's environment
        assert os.listdir(f"/proc/{pid}/fd") == (["0", "1", "2", "3"] if SANITIZED else ["3"])
        assert open(f"/proc/{pid}/environ").read() == ""
        assert "NoNewPrivs:\t1" in open(f"/proc/{pid}/status").read()
    daemon.kill9()
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), what="the processes end, too")


# ---- parked and loaded anew

@pytest.fixture
def own_folder(idle, sandbox):
    """always_ok in a folder of its own, to be replaced."""
    folder = idle.dir / "plugins"
    folder.mkdir()
    idle.options["plugins"]["dir"] = f"{folder}:{BUILD}/plugins/v1"
    connect_always_ok(idle, sandbox)
    return folder


def install(folder, version):
    """As a package does: the new file takes the old one's name."""
    for name in ("always_ok.so", "always_ok.json"):
        shutil.copy(BUILD / f"tests/plugins/{version}/{name}", folder / f".{name}")
        os.rename(folder / f".{name}", folder / name)


def test_a_plugin_that_cannot_be_loaded_is_parked_while_others_go_on(idle, sandbox, own_folder):
    install(own_folder, "v1")
    (own_folder / "always_ok.so").write_text("no library\n")
    idle.options["alerts"] = {"webhook": sandbox.url("webhook/alerts"), "webhook_secret": idle.secret("alerts", WEBHOOK_SECRET)}
    daemon, doc, other = idle.start(), lead("always_ok"), lead("webhook")
    wait_until(lambda: plugins(daemon)["always_ok"]["process"]["state"] == "parked", what="it is parked")
    for each in (doc, other):
        daemon.send(each)
    daemon.wait_for(other, "delivered")
    daemon.settle()
    assert [a["key"] for a in daemon.alerts() if a["recovered_ms"] == 0] == ["plugin/always_ok"]
    assert 'csrelay_plugin_parked{plugin="always_ok"} 1' in daemon.control("GET", "/metrics").body.decode()
    daemon.advance(9 * 60 * MINUTE)  # longer than all retries
    daemon.settle()
    row = daemon.delivery(doc)
    assert (row["state"], row["attempts"]) == ("due", 0)

    install(own_folder, "v1")
    assert daemon.operate("POST", "/v1/plugins/always_ok/reload")["version"] == "1.0.0"
    daemon.wait_for(doc, "delivered")
    assert arrived(sandbox, doc) == 1
    wait_until(lambda: all(a["recovered_ms"] for a in daemon.alerts()), what="the alert is taken back")
    told = wait_until(lambda: len(t := [json.loads(r["body"]) if isinstance(r["body"], str) else r["body"]
                                        for r in sandbox.requests("webhook") if r["tenant"] == "alerts"]) == 2 and t)
    assert [(e["event"], e["key"], e["crm"]["name"]) for e in told] == [
        ("alert.raised", "plugin/always_ok", "always_ok"), ("alert.recovered", "plugin/always_ok", "always_ok")]


def test_what_was_sent_when_its_plugin_is_parked_is_looked_up(idle, sandbox):
    idle.options["http"]["total_timeout"] = "60 s"
    daemon, first, doc = idle.start(), lead("hubspot"), lead("hubspot")
    daemon.send(first)
    daemon.wait_for(first, "delivered")  # and who is connected is known: that is a call, too
    wait_until(lambda: "connection identified" in daemon.log())
    sandbox.fault("latency", "hubspot", "POST /crm/objects/*/contacts", latency_ms=4000)
    daemon.send(doc)
    wait_until(lambda: sandbox.fault_hits() == 1, what="the request is under way")
    seen = set()
    for _ in range(6):  # the first has ended calls; of the others none does
        process = wait_until(lambda: [p for p in [plugins(daemon)["hubspot"]["process"]]
                                      if p["state"] == "up" and p["pid"] not in seen], what="it is started again")[0]
        seen.add(process["pid"])
        time.sleep(0.2)  # it has asked again and waits: not suspected
        os.kill(process["pid"], signal.SIGKILL)
    wait_until(lambda: plugins(daemon)["hubspot"]["process"]["state"] == "parked", what="it is parked")
    row = daemon.wait_for(doc, "due")
    assert (row["attempts"], row["crashes"]) == (0, 0) and "doubt_ms" in row["progress"]["contact"], row
    assert [a["key"] for a in daemon.alerts() if a["recovered_ms"] == 0] == ["plugin/hubspot"]
    time.sleep(4)  # the CRM has made it by now
    daemon.advance(2 * MINUTE)
    daemon.wait_for(doc, "delivered", 30)
    assert len(sandbox.records("hubspot", "contacts")) == 2


def test_a_reload_takes_the_new_version_and_lets_the_old_one_finish(idle, sandbox, own_folder):
    install(own_folder, "v1")
    daemon, slow, quick = idle.start(), lead("always_ok"), lead("always_ok")
    old = wait_until(lambda: plugins(daemon)["always_ok"]["process"]["pid"])
    sandbox.fault("latency", "webhook", "POST /unsigned/leads", latency_ms=2000)
    daemon.send(slow)
    wait_until(lambda: sandbox.fault_hits() == 1, what="the first one is under way")

    install(own_folder, "v2")
    assert daemon.operate("POST", "/v1/plugins/always_ok/reload")["version"] == "2.0.0"
    daemon.send(quick)
    daemon.wait_for(quick, "delivered")
    assert daemon.delivery(slow)["state"] == "in_hand" and os.path.exists(f"/proc/{old}")
    daemon.wait_for(slow, "delivered")
    wait_until(lambda: not os.path.exists(f"/proc/{old}"), what="the old process ends")
    for doc in (slow, quick):
        assert arrived(sandbox, doc) == 1
    assert '"plugin":"2.0.0"' in daemon.attempts(quick)[0]["versions"]
    assert '"plugin":"1.0.0"' in daemon.attempts(slow)[0]["versions"]


def test_a_reload_that_is_refused_changes_nothing(idle, own_folder):
    install(own_folder, "v1")
    daemon, doc = idle.start(), lead("always_ok")
    wait_until(lambda: plugins(daemon)["always_ok"]["process"]["state"] == "up")
    shutil.copy(BUILD / "tests/plugins/v2/always_ok.json", own_folder)  # the .so does not fit
    answer = daemon.control("POST", "/v1/plugins/always_ok/reload", {})
    assert answer.status == 422 and "version: expected '2.0.0'" in answer.body.decode()
    assert daemon.control("POST", "/v1/plugins/nobody/reload", {}).status == 404
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    assert plugins(daemon)["always_ok"]["version"] == "1.0.0"


# ---- a kernel without landlock

def without_landlock():
    """In the new process: its three system calls are unknown, as in a kernel before 5.13 (seccomp: ENOSYS)."""
    libc = ctypes.CDLL(None, use_errno=True)
    load_number, answer = 0x20, 0x06  # BPF_LD|BPF_W|BPF_ABS of seccomp_data.nr, BPF_RET
    equal = 0x15  # BPF_JMP|BPF_JEQ
    refuse, allow = 0x00050000 | errno.ENOSYS, 0x7FFF0000  # SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW
    steps = [(load_number, 0, 0, 0), (equal, 2, 0, 444), (equal, 1, 0, 445), (equal, 0, 1, 446), (answer, 0, 0, refuse), (answer, 0, 0, allow)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *s) for s in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.byref(program), 0, 0) != 0:  # NO_NEW_PRIVS, SECCOMP
        os._exit(125)


def test_without_landlock_it_says_so_and_goes_on_with_seccomp(idle):
    idle.preexec = without_landlock
    idle.start()
    assert "this kernel has no landlock: plugins are confined by seccomp and limits only" in idle.log()
    doc = lead("webhook")
    idle.send(doc)
    idle.wait_for(doc, "delivered")
    process = plugins(idle)["webhook"]["process"]
    assert process["landlock"] == 0 and process["seccomp"] > 0
    assert "no landlock in this kernel" in idle.csrelay("plugins", "webhook")
