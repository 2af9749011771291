# SPDX-License-Identifier: Apache-2.0
"""kill -9 under load, at random moments and at every named point; then what was accepted is compared with what the CRMs hold.

CSRELAY_ROUNDS is the number of rounds (20; 200 in `make soak`), CSRELAY_SEED repeats a run.
"""
import collections
import json
import os
import random
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest

from rig import BUILD, SECOND, SOURCE, lead, phone

ROUNDS = int(os.environ.get("CSRELAY_ROUNDS", "20"))
SEED = int(os.environ.get("CSRELAY_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
POINTS = (Path(__file__).parent / "crash_points.txt").read_text().split()
CRMS = ["hubspot", "housecall_pro", "webhook"]
TENANTS = ["t0", "t1", "t2", "t3"]


class Load:
    """Clients that send leads into every CRM and remember which were accepted."""

    def __init__(self, daemon, dice):
        self.daemon, self.dice = daemon, dice
        self.sent, self.accepted = {}, set()
        self.callers = []  # (crm, tenant, phone): some call again
        self.threads, self.stopping = [], None

    def next(self):
        crm, tenant = self.dice.choice(CRMS), self.dice.choice(TENANTS)
        number = phone()
        if self.dice.random() < 0.3 and self.callers:
            crm, tenant, number = self.dice.choice(self.callers)
        self.callers.append((crm, tenant, number))
        urgency = self.dice.choice(["emergency", "same_day", "same_week", "flexible"])
        doc = lead(crm, urgency, number=number, routing={"crm_account_id": tenant})
        self.sent[doc["event_id"]] = doc
        return doc

    def send_one(self):
        doc = self.next()
        try:
            answer = self.daemon.post(doc)
        except OSError:
            return  # it died before it answered: kept or not, both are right
        assert answer.status in (202, 503), answer
        if answer.status == 202:
            self.accepted.add(doc["event_id"])

    def client(self):
        while not self.stopping.is_set():
            self.send_one()
            time.sleep(0.015)

    def start(self, clients=3):
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.client) for _ in range(clients)]
        for t in self.threads:
            t.start()

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join()


@pytest.fixture
def daemon(rig):
    d = rig.daemon()
    for crm in CRMS:
        for tenant in TENANTS:
            d.connect(crm, tenant, crm_account_id=tenant)
    d.options["log"] = {"level": "warn"}
    return d


def restless(sandbox, dice):
    """Answers that take their time, and some that never come."""
    sandbox.heal()
    for crm in CRMS:
        for kind in dice.sample(["close_after", "error_after", "cut", "close_before", "error"], 2):
            sandbox.fault(kind, crm, "POST *", times=1, skip=dice.randrange(5))
        sandbox.fault("latency", crm, times=-1, latency_ms=dice.randrange(1, 60))


def drain(daemon, sandbox):
    """Until everything that was stored is delivered."""
    sandbox.heal()
    for _ in range(1500):
        states = collections.Counter(r["state"] for r in daemon.query("SELECT state FROM delivery"))
        if set(states) <= {3}:
            return
        daemon.advance(5 * SECOND)
        time.sleep(0.02)
    raise AssertionError([r for r in daemon.deliveries() if r["state"] != "delivered"][:5])


def compare(load, daemon, sandbox):
    """What was accepted is in the CRM, once; a caller is there once; and nothing else is there."""
    stored = {r["event_id"] for r in daemon.deliveries()}
    assert stored >= load.accepted, "accepted and lost"
    assert stored <= set(load.sent)

    def found_in(crm, collection):
        return collections.Counter(e for r in sandbox.records(crm, collection)
                                   for e in re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", json.dumps(r)) if e in load.sent)
    for crm, collection in (("hubspot", "notes"), ("housecall_pro", "leads"), ("webhook", "received")):
        want = {e for e in stored if load.sent[e]["routing"]["destination_crm"] == crm}
        records = sandbox.records(crm, collection)
        have = found_in(crm, collection)
        assert not want - set(have), f"{crm}: delivered and not there: {sorted(want - set(have))[:5]}"
        assert len(records) == len(want), f"{crm}: {len(records)} {collection} for {len(want)} leads"
    for crm, collection in (("hubspot", "contacts"), ("housecall_pro", "customers")):
        callers = {(d["routing"]["crm_account_id"], d["contact"]["phone"]) for e, d in load.sent.items()
                   if d["routing"]["destination_crm"] == crm and e in stored}
        people = sandbox.records(crm, collection)
        assert len(people) == len(callers), f"{crm}: {len(people)} {collection} for {len(callers)} callers (seed {SEED})"
    assert {r["id"] for r in sandbox.records("webhook", "received")} <= stored, "a repeat carries the same webhook-id"
    assert not [r for r in sandbox.requests("webhook") if r["status"] == 401]


def check_store(daemon):
    assert daemon.stop() == 0
    done = subprocess.run([BUILD / "csrelay", "--config", daemon.dir / "csrelay.conf", "store", "check"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_list_of_crash_points_is_that_of_the_sources():
    named = set()
    for source in (SOURCE / "core").rglob("*.c"):
        named |= set(re.findall(r'cs_crash_point\("([a-z-]+)"\)', source.read_text()))
    tokens = (Path(__file__).parent / "token_points.txt").read_text().split()  # killed there by system/test_token.py and test_grants.py
    assert named == set(POINTS) | set(tokens)


def test_killed_at_random_moments(daemon, sandbox):
    dice = random.Random(SEED)
    print("seed", SEED)
    load = Load(daemon, dice)
    for _ in range(ROUNDS):
        restless(sandbox, dice)
        daemon.start()
        load.start()
        time.sleep(dice.uniform(0.01, 0.4))
        if dice.random() < 0.6:
            daemon.advance(dice.randrange(1, 40) * SECOND)  # what is in doubt is looked up, and may be killed again
            time.sleep(dice.uniform(0.0, 0.1))
        daemon.kill9()
        load.stop()
    daemon.start()
    drain(daemon, sandbox)
    assert len(load.accepted) > 3 * ROUNDS
    compare(load, daemon, sandbox)
    check_store(daemon)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point(daemon, sandbox, point):
    dice = random.Random(SEED)
    print("seed", SEED)
    load = Load(daemon, dice)
    for n in range(max(1, ROUNDS // len(POINTS))):
        sandbox.heal()
        daemon.spawn(CSRELAY_CRASH_AT=f"{point}:{dice.randrange(1, 30) if n else 1}")
        while daemon.process.poll() is None:
            if (daemon.dir / "intake.port").exists():
                load.send_one()
            else:
                time.sleep(0.005)
        assert daemon.process.returncode == -9
        daemon.offset_ms += 31 * SECOND
        sandbox.advance(31 * SECOND)
    daemon.start()
    drain(daemon, sandbox)
    for _ in range(5):
        load.send_one()
    drain(daemon, sandbox)
    compare(load, daemon, sandbox)
    check_store(daemon)
