# SPDX-License-Identifier: Apache-2.0
"""What a CRM reports, with Jobber, who wants an answer within a second: answered once it is kept and before anybody works on it, lost
by no crash, told once however often it comes, and the same in any order."""
import base64
import collections
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig import MINUTE, ask, lead, wait_until

SECRET = "sandbox-secret"
CALLER = "+13055550199"  # whom the sandbox's job, quote, visit and invoice belong to
MESSAGES = [("JOB_CREATE", "gid://Jobber/Job/123"), ("QUOTE_CREATE", "gid://Jobber/Quote/124"), ("VISIT_UPDATE", "gid://Jobber/Visit/125"),
            ("INVOICE_UPDATE", "gid://Jobber/Invoice/126")]
TOLD = {"lead.converted": 2, "job.scheduled": 2, "job.paid": 1}  # job and quote; job and visit


@pytest.fixture
def daemon(rig):
    """Jobber, whose account is known, a lead of that caller in it, and CallSetter, which listens to events."""
    d = rig.daemon()
    d.connect("jobber", secrets={"access_token": "sandbox-jobber-token"})
    d.shared = {"jobber": {"secrets": {"client_secret": d.secret("client", SECRET)}}}
    d.connect("webhook", "callsetter", account="*", subscribe=["events"])
    d.start()
    d.operate("POST", "/v1/connections/jobber:main/verify")
    d.number = d.operate("GET", "/v1/connections/jobber:main")["facts"]["account_number"]
    doc = lead("jobber", number=CALLER)
    d.send(doc)
    d.wait_for(doc, "delivered")
    d.settle()
    return d


def message(daemon, topic, gid, at="2026-05-28T16:30:00Z"):
    return json.dumps({"data": {"webHookEvent": {"topic": topic, "appId": "11111111-2222-3333-4444-555555555555",
                                                 "accountId": base64.b64encode(daemon.number.encode()).decode(),
                                                 "itemId": base64.b64encode(gid.encode()).decode(), "occurredAt": at}}}).encode()


def tell(daemon, body, key=SECRET, timeout=30):
    sig = base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()
    return ask(http.client.HTTPConnection("127.0.0.1", daemon.port("admin"), timeout=timeout), "POST", "/hooks/jobber", body,
               {"X-Jobber-Hmac-SHA256": sig}).status


def told(sandbox):
    """How often each kind of event has reached CallSetter, apart from those about the delivery itself."""
    events = [json.loads(r["doc"]["body"]) for r in sandbox.records("webhook", "received", "callsetter")]
    names = [e["event"] for e in events if not e["event"].startswith(("lead.delivered", "lead.failed"))]
    return collections.Counter(names)


def waiting(daemon):
    return daemon.query("SELECT count(*) AS n FROM hook")[0]["n"]


@contextlib.contextmanager
def plugin_stopped(daemon):
    """Its process takes no step meanwhile."""
    pid = int(re.findall(r"its process is up plugin=jobber \S+ pid=(\d+)", daemon.log())[-1])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_the_answer_waits_for_no_plugin_and_no_crm(daemon, sandbox):
    with plugin_stopped(daemon):
        for n, (topic, gid) in enumerate(MESSAGES, 1):
            assert tell(daemon, message(daemon, topic, gid)) == 200
            assert waiting(daemon) == n
        assert not told(sandbox)
    wait_until(lambda: told(sandbox) == TOLD, what="the events")
    wait_until(lambda: waiting(daemon) == 0, what="all is handled")


def test_the_answer_waits_for_the_store(daemon):
    """What was not kept must not be answered: Jobber would not send it again."""
    got = []
    asking = threading.Thread(target=lambda: got.append(tell(daemon, message(daemon, *MESSAGES[0]))))
    with daemon.store_held():
        asking.start()
        asking.join(0.7)
        assert asking.is_alive() and not got
    asking.join(20)
    assert got == [200] and daemon.query("SELECT 1 FROM hook_seen")


def test_what_was_answered_survives_a_crash(daemon, sandbox):
    with plugin_stopped(daemon):
        assert tell(daemon, message(daemon, *MESSAGES[0])) == 200
        daemon.kill9()
    daemon.start()
    wait_until(lambda: told(sandbox)["lead.converted"], what="the event")
    assert tell(daemon, message(daemon, *MESSAGES[0])) == 200  # again: it is known
    daemon.settle()
    assert told(sandbox) == {"lead.converted": 1, "job.scheduled": 1}


@pytest.mark.parametrize("order", [MESSAGES, MESSAGES[::-1]], ids=["as it happened", "backwards"])
def test_each_is_told_once_in_any_order_however_often_it_comes(daemon, sandbox, order):
    for topic, gid in order:
        bodies = [message(daemon, topic, gid)] * 8
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda body: tell(daemon, body), bodies)) == {200}
    wait_until(lambda: told(sandbox) == TOLD, what="the events")
    daemon.advance(2 * MINUTE)
    daemon.settle()
    assert told(sandbox) == TOLD and waiting(daemon) == 0
    assert len(daemon.query("SELECT 1 FROM hook_seen")) == len(MESSAGES)


def test_what_jobber_did_not_sign_is_not_even_looked_at(daemon):
    for body, key in (message(daemon, *MESSAGES[0]), "guess"), (message(daemon, *MESSAGES[0]) + b" ", ""):
        assert tell(daemon, body, key) == 401
    assert daemon.query("SELECT 1 FROM hook_seen") == []
