# SPDX-License-Identifier: Apache-2.0
"""A plugin that renews its tokens by itself (tests/plugins/renews.c), at the sandbox's HighLevel, where refresh tokens rotate."""
import json
import signal

import pytest

from browser import Browser, sign_in
from rig import DAY, MINUTE, SECOND, lead, wait_until
from test_token import POINTS

PUBLIC = "http://csrelay.test"

ANSWERED = ("token-answered", "token-before-commit")  # what the CRM has answered is gone: its old refresh token is dead


@pytest.fixture
def idle(rig):
    d = rig.daemon()
    d.options["public_url"] = PUBLIC
    d.connect("renews", settings={"base_url": rig.sandbox.url("gohighlevel"), "client_id": "sandbox-client", "location": "locmain"},
              secrets={"refresh_token": "sandbox-refresh-main", "client_secret": "sandbox-secret"})
    return d


def renewals(sandbox):
    return [r for r in sandbox.requests("gohighlevel") if r["path"].endswith("/oauth/token")]


def contacts(sandbox):
    return sandbox.records("gohighlevel", "contacts", "main")


def deliver(daemon):
    doc = lead("renews")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered", timeout=30)


@pytest.mark.parametrize("how", ["own", "core"])
def test_what_the_plugin_captures_is_used_kept_and_rotates(idle, sandbox, how):
    daemon = idle
    daemon.crms["renews"]["main"]["settings"]["how"] = how
    daemon.start()
    deliver(daemon)
    assert len(renewals(sandbox)) == 1 and len(contacts(sandbox)) == 1
    row, = daemon.query("SELECT gen, intent_ms, expires_ms FROM token")
    assert row["gen"] == 1 and row["intent_ms"] == 0
    assert abs(row["expires_ms"] - daemon.now_ms() - DAY) < MINUTE, "its life is read from what the plugin emitted"
    assert daemon.operate("GET", "/v1/connections/renews:main")["facts"]["user"] == "7ZNI2v4QyYxXAMPLEuid"
    daemon.restart()
    daemon.advance(DAY)
    deliver(daemon)
    assert len(renewals(sandbox)) == 2, "by the refresh token that came with the first answer"
    assert daemon.query("SELECT gen FROM token") == [{"gen": 2}]
    assert "sandbox-secret" not in daemon.log() and "sandbox-refresh" not in daemon.log()


def test_a_hundred_leads_on_an_expired_token_make_one_call(idle, sandbox):
    daemon = idle.start()
    deliver(daemon)
    sandbox.tokens("gohighlevel", "expire")
    for _ in range(100):
        daemon.send(lead("renews"))
    daemon.wait_delivered(101)
    assert len(renewals(sandbox)) == 2 and len(contacts(sandbox)) == 101
    assert [r["attempts"] for r in daemon.deliveries()] == [1] * 101


def test_an_ill_endpoint_costs_tries_but_not_the_grant(idle, sandbox):
    daemon = idle.start()
    fault = sandbox.fault("status", "gohighlevel", "POST /oauth/token", times=-1, status=400)
    doc = lead("renews")
    daemon.send(doc)
    wait_until(lambda: daemon.delivery(doc)["attempts"] == 1, what="the first try failed")
    assert daemon.delivery(doc)["state"] == "due" and "token not renewed" in daemon.log()
    assert "the token endpoint answers 400" in json.dumps(daemon.attempts(doc)[0])
    sandbox.heal(fault)
    daemon.advance(45 * SECOND)
    daemon.wait_for(doc, "delivered")
    assert daemon.connection("renews")["state"] == "connected"


def test_a_grant_that_the_plugin_calls_dead_needs_its_owner_who_connects_again(idle, sandbox):
    daemon = idle.start()
    deliver(daemon)
    sandbox.tokens("gohighlevel", "revoke")
    doc = lead("renews")
    daemon.send(doc)
    assert daemon.wait_for(doc, "dead")["blame"] == "credential"
    row = daemon.connection("renews")
    assert row["state"] == "needs_reauth" and "sign in again" in row["state_reason"]
    assert "+13055550100" not in daemon.log(), "what the plugin says is for the store"
    browser = Browser(PUBLIC, f"http://127.0.0.1:{daemon.port('admin')}")
    sign_in(daemon, browser, "renews:main", "main")
    assert browser.status == 200, browser.body
    daemon.wait_for(doc, "delivered")


def test_what_was_captured_before_the_plugin_failed_is_kept(idle, sandbox):
    daemon = idle
    daemon.crms["renews"]["main"]["settings"]["how"] = "core"
    daemon.start()
    fault = sandbox.fault("status", "gohighlevel", "GET /locations/*", times=1, status=500)
    doc = lead("renews")
    daemon.send(doc)
    wait_until(lambda: daemon.delivery(doc)["attempts"] == 1, what="the first try failed")
    sandbox.heal(fault)
    assert daemon.query("SELECT gen FROM token") == [{"gen": 1}] and daemon.delivery(doc)["state"] == "due"
    daemon.restart()
    daemon.advance(MINUTE)
    daemon.wait_for(doc, "delivered")
    assert daemon.connection("renews")["state"] == "connected"


@pytest.mark.parametrize("point", POINTS)
def test_killed_in_the_middle_of_a_call(idle, sandbox, point):
    daemon = idle
    daemon.start(CSRELAY_CRASH_AT=point)
    doc = lead("renews")
    try:
        daemon.post(doc)
    except OSError:
        pass  # it died before it answered
    assert daemon.process.wait(30) == -signal.SIGKILL
    daemon.start()
    assert daemon.post(doc).status in (200, 202)
    daemon.advance(MINUTE)
    daemon.wait_for(doc, "dead" if point in ANSWERED else "delivered", timeout=60)
    assert daemon.connection("renews")["state"] == ("needs_reauth" if point in ANSWERED else "connected")
    assert len(renewals(sandbox)) <= 2


