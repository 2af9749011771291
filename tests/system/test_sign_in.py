# SPDX-License-Identifier: Apache-2.0
"""Customers who sign in at Housecall Pro's app: JSON token requests, Bearer, the location, and one hook address for all companies."""
import hashlib
import hmac
import json
import urllib.error
import urllib.request

import pytest

from browser import Browser, sign_in
from rig import lead, wait_until

PUBLIC = "http://csrelay.test"
LOCATION = "00000000-0000-4000-8000-00000000abcd"


@pytest.fixture
def daemon(rig):
    d = rig.daemon()
    d.options["public_url"] = PUBLIC
    connection = d.connect("housecall_pro", settings={"authorize_url": rig.sandbox.url("housecall_pro/oauth/authorize"), "location": LOCATION})
    del connection["secrets"]["api_key"]
    d.shared = {"housecall_pro": {"settings": {"client_id": "sandbox-client"}, "secrets": {
        "client_secret": d.secret("cs", "sandbox-secret"), "webhook_secret": d.secret("ws", "sandbox-hook-key")}}}
    d.start()
    browser = sign_in(d, Browser(PUBLIC, f"http://127.0.0.1:{d.port('admin')}"), "housecall_pro:main")
    assert browser.status == 200, browser.body
    return d


def tell(daemon, message, key="sandbox-hook-key"):
    body, at = json.dumps(message).encode(), str(daemon.now_ms() // 1000)
    sig = hmac.new(key.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    request = urllib.request.Request(f"http://127.0.0.1:{daemon.port('admin')}/hooks/housecall_pro", body,
                                     {"Content-Type": "application/json", "Api-Signature": sig, "Api-Timestamp": at})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as e:
        return e.code


def test_leads_go_in_with_the_token_and_the_location(daemon, sandbox):
    doc = lead("housecall_pro")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    assert len(sandbox.records("housecall_pro", "leads")) == 1
    sent = [r for r in sandbox.requests("housecall_pro") if r["path"].endswith("/leads")]
    assert [r["headers"]["x-company-id"] for r in sent] == [LOCATION]
    assert sent[0]["headers"]["authorization"].startswith("Bearer ")


def test_webhooks_are_switched_on_for_the_company(daemon, sandbox):
    wait_until(lambda: len(sandbox.records("housecall_pro", "subscriptions")) == 1, what="webhooks are switched on")


def test_the_one_address_finds_the_company_by_its_id(daemon, sandbox):
    doc = lead("housecall_pro")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    record = sandbox.records("housecall_pro", "leads")[0]["doc"]
    message = {"event": "lead.lost", "event_occurred_at": "2026-05-28T09:00:00Z", "company_id": record["company_id"],
               "lead": {**record, "status": "lost", "lost_at": "2026-05-28T09:00:00Z"}}
    assert tell(daemon, message) == 200
    assert tell(daemon, message, key="guess") == 401
    daemon.settle()
    seen = daemon.query("SELECT conn_id FROM hook_seen")
    assert [r["conn_id"] for r in seen] == [r["id"] for r in daemon.query("SELECT id FROM conn")]


def test_a_company_that_nobody_connected_is_nobodys(daemon):
    message = {"event": "lead.lost", "event_occurred_at": "2026-05-28T09:00:00Z", "company_id": "00000000-0000-4000-8000-00000000dead",
               "lead": {"id": "lea_1", "status": "lost"}}
    assert tell(daemon, message) == 200
    daemon.settle()
    assert daemon.query("SELECT conn_id FROM hook_seen") == []
