# SPDX-License-Identifier: Apache-2.0
"""The disk and the process: full, shared, stopped and started again."""
import os
import shutil
import subprocess
import threading
import time

import pytest

from rig import BUILD, MINUTE, SECOND, lead, wait_until


@pytest.fixture
def small_disk(rig):
    """A disk of 6 MiB under the store."""
    folder = rig.dir / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder],
                                           stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("needs_a_mount_of_its_own")
    yield folder
    for d in rig.daemons:
        if d.process is not None:
            d.stop()
    subprocess.run(["umount", folder], check=True)


def fill(folder, leave=0):
    """Take all room but `leave` bytes."""
    free = shutil.disk_usage(folder).free
    with open(folder / "filler", "ab") as f:
        try:
            f.write(b"\0" * max(0, free - leave))
            f.flush()
        except OSError:
            pass


def accepted_again(daemon):
    return wait_until(lambda: (doc := lead("webhook")) and daemon.post(doc).status == 202 and doc, what="leads are taken again")


# ---- full

def test_below_min_free_new_leads_are_refused_and_the_queue_goes_on(idle, sandbox):
    daemon = idle.start()
    outage = sandbox.fault("error", "webhook", times=-1)
    kept = lead("webhook")
    daemon.send(kept)
    daemon.wait_attempts(kept, 1)
    daemon.options["store"]["min_free"] = "16 TiB"
    daemon.restart()
    answer = wait_until(lambda: (a := daemon.post(lead("webhook"))).status == 503 and a)
    assert int(answer.headers["Retry-After"]) > 0 and "full" in answer.json["detail"]
    ready = daemon.control("GET", "/readyz")
    assert ready.status == 503 and ready.json["disk_full"] is True
    sandbox.heal(outage)
    daemon.advance_to(daemon.delivery(kept)["due_ms"])
    daemon.wait_for(kept, "delivered")
    assert len(daemon.deliveries()) == 1


def test_a_full_disk_refuses_keeps_and_resumes_alone(rig, sandbox, small_disk):
    daemon = rig.daemon(store_dir=small_disk)
    daemon.connect("webhook")
    daemon.start()
    outage = sandbox.fault("error", "webhook", times=-1)
    docs = [lead("webhook") for _ in range(5)]
    for doc in docs:
        daemon.send(doc)
        daemon.wait_attempts(doc, 1)
    fill(small_disk)
    refused = 0
    for _ in range(300):  # the log may still have a little room inside its file, and a checkpoint may make some
        answer = daemon.post(lead("webhook", padding="x" * 50_000))
        if answer.status == 503:
            refused += 1
            assert int(answer.headers["Retry-After"]) > 0
            if refused >= 5 and daemon.control("GET", "/readyz").json["disk_full"]:
                break
        else:
            assert answer.status == 202
            refused = 0
    assert refused >= 5, "the disk never stayed full"
    accepted = len(daemon.deliveries())
    sandbox.heal(outage)
    daemon.advance(10 * MINUTE)
    assert len(daemon.deliveries(state="due")) + len(daemon.deliveries(state="in_hand")) == accepted, "the queue is intact"
    (small_disk / "filler").unlink()
    docs.append(accepted_again(daemon))
    wait_until(lambda: not daemon.deliveries(state="in_hand"))  # what is signed arrives in the same time
    daemon.advance(20 * MINUTE)
    daemon.wait_states(delivered=accepted + 1)
    received = sandbox.records("webhook", "received")
    assert {r["id"] for r in received} >= {d["event_id"] for d in docs}
    assert daemon.restart().control("GET", "/readyz").json["disk_full"] is False


def test_killed_while_the_disk_is_full_it_starts_again_once_there_is_room(rig, sandbox, small_disk):
    daemon = rig.daemon(store_dir=small_disk)
    daemon.connect("webhook")
    daemon.start()
    outage = sandbox.fault("error", "webhook", times=-1)
    doc = lead("webhook")
    daemon.send(doc)
    daemon.wait_attempts(doc, 1)
    fill(small_disk)
    for _ in range(20):
        daemon.post(lead("webhook", padding="x" * 100_000))
    kept = len(daemon.deliveries())
    daemon.kill9()
    sandbox.heal(outage)
    (small_disk / "filler").unlink()
    daemon.start()
    daemon.advance(20 * MINUTE)
    daemon.wait_states(delivered=kept)


# ---- shared

def test_a_second_daemon_on_the_same_store_is_refused_and_told_who_has_it(rig, idle):
    daemon = idle.start()
    other = rig.daemon()
    other.options["store"]["path"] = str(daemon.store)
    other.spawn()
    assert other.process.wait(20) not in (0, -11, -6)
    assert str(daemon.process.pid) in other.log(), other.log()
    doc = lead("webhook")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")


def test_after_a_kill_the_store_is_free(idle):
    daemon = idle.start()
    daemon.kill9()
    daemon.start()
    doc = lead("webhook")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")


# ---- stopped

def test_what_waits_is_delivered_after_a_clean_stop(daemon, sandbox):
    sandbox.fault("error", "hubspot", times=-1)
    docs = [lead("hubspot") for _ in range(10)]
    daemon.send_all(docs)
    wait_until(lambda: all(r["attempts"] for r in daemon.deliveries()[:5]))
    assert daemon.stop() == 0
    assert "clean=yes" in daemon.log()
    sandbox.heal()
    daemon.start()
    assert "opened after an unclean stop" not in daemon.log()
    assert not [r for r in daemon.deliveries() if r["doubt"]]
    for _ in range(20):
        if len(daemon.deliveries(state="delivered")) == 10:
            break
        daemon.advance(MINUTE)
        time.sleep(0.05)
    daemon.wait_states(delivered=10)
    assert len(sandbox.records("hubspot", "notes")) == 10


def test_a_stop_under_load_loses_nothing(daemon, sandbox):
    sandbox.fault("latency", times=-1, latency_ms=30)
    docs, accepted, stop = [], [], threading.Event()

    def client(n):
        while not stop.is_set():
            doc = lead(["webhook", "housecall_pro", "hubspot"][len(docs) % 3])
            docs.append(doc)
            try:
                status = daemon.post(doc).status
            except OSError:
                return
            if status == 202:
                accepted.append(doc)
            elif status != 503:
                raise AssertionError(status)
    clients = [threading.Thread(target=client, args=(n,)) for n in range(4)]
    for c in clients:
        c.start()
    wait_until(lambda: len(accepted) > 60)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 5, "within the grace"
    stop.set()
    for c in clients:
        c.join()
    sandbox.heal()
    daemon.start()
    assert "opened after an unclean stop" not in daemon.log(), "a stop by SIGTERM is clean"
    stored = {r["event_id"] for r in daemon.deliveries()}
    assert stored >= {d["event_id"] for d in accepted}
    for _ in range(300):
        if len(daemon.deliveries(state="delivered")) == len(stored):
            break
        daemon.advance(5 * SECOND)
        time.sleep(0.02)
    daemon.wait_states(delivered=len(stored))
    for crm, things in (("hubspot", "notes"), ("housecall_pro", "leads"), ("webhook", "received")):
        want = sorted(d["event_id"] for d in docs if d["event_id"] in stored and d["routing"]["destination_crm"] == crm)
        records = sandbox.records(crm, things)
        assert len(records) == len(want), crm


def test_a_stop_in_the_middle_of_a_request_leaves_it_in_doubt(idle, sandbox):
    idle.options["shutdown"]["grace"] = "400 ms"
    daemon, doc = idle.start(), lead("housecall_pro")
    sandbox.fault("latency", "housecall_pro", "POST /leads", latency_ms=3000)
    daemon.send(doc)
    wait_until(lambda: sandbox.records("housecall_pro", "leads"), what="the lead was made; the answer is on its way")
    assert daemon.stop() == 0
    daemon.start()
    row = daemon.delivery(doc)
    assert row["state"] == "due" and "doubt_ms" in row["progress"]["lead"]
    daemon.advance_to(row["due_ms"])
    daemon.wait_for(doc, "delivered")
    assert len(sandbox.records("housecall_pro", "leads")) == 1


def test_the_store_passes_its_own_check(daemon, sandbox):
    sandbox.fault("error", "hubspot", times=3)
    daemon.send_all([lead(crm) for crm in ("hubspot", "housecall_pro", "webhook", "nowhere") for _ in range(2)])
    wait_until(lambda: not daemon.deliveries(state="in_hand"))
    daemon.kill9()
    daemon.start()
    assert daemon.stop() == 0
    done = subprocess.run([BUILD / "csrelay", "--config", daemon.dir / "csrelay.conf", "store", "check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
