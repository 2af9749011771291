# SPDX-License-Identifier: Apache-2.0
"""Tokens that keep working: renewed in time, once, and never lost, against the sandbox's HubSpot."""
import json
import signal
from pathlib import Path

import pytest

from rig import HOUR, MINUTE, SECOND, UnixConnection, ask, lead, wait_until
from test_store import fill, small_disk  # noqa: F401

POINTS = [p for p in Path(__file__).parents[1].joinpath("fault/token_points.txt").read_text().split() if p.startswith("token-")]
TOKEN = "/oauth/2026-03/token"


def signed_in(daemon, name="main", **more):
    """A connection that has nothing but the refresh token of a grant."""
    connection = daemon.connect("hubspot", name, settings={"client_id": "sandbox-client"},
                                secrets={"refresh_token": f"sandbox-refresh-{name}", "client_secret": "sandbox-secret"}, **more)
    del connection["secrets"]["access_token"]
    return connection


@pytest.fixture
def idle(rig):
    d = rig.daemon()
    signed_in(d)
    return d


def token_requests(sandbox):
    return [r for r in sandbox.requests("hubspot") if r["path"].endswith(TOKEN)]


def contacts(sandbox):
    return sandbox.records("hubspot", "contacts")


def test_the_first_lead_gets_a_token(idle, sandbox):
    daemon = idle.start()
    doc = lead()
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    assert len(contacts(sandbox)) == 1 and len(token_requests(sandbox)) == 1
    assert "sandbox-secret" not in daemon.log() and "sandbox-refresh" not in daemon.log()


def test_an_expired_token_is_renewed_once_for_two_hundred_leads(idle, sandbox):
    daemon = idle.start()
    first = lead()
    daemon.send(first)
    daemon.wait_for(first, "delivered")
    before = len(token_requests(sandbox))
    daemon.advance(HOUR)
    docs = [lead() for _ in range(200)]
    for doc in docs:
        daemon.send(doc)
    daemon.wait_delivered(201)
    assert len(token_requests(sandbox)) == before + 1
    assert len(contacts(sandbox)) == 201


def test_a_token_that_is_refused_early_is_renewed_and_the_request_repeated(idle, sandbox):
    daemon = idle.start()
    doc = lead()
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    sandbox.tokens("hubspot", "expire")
    again = lead()
    daemon.send(again)
    row = daemon.wait_for(again, "delivered")
    assert row["attempts"] == 1 and len(token_requests(sandbox)) == 2


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_another_refresh_token_in_the_file_takes_the_place_of_what_came_of_the_first(idle, sandbox, how):
    daemon = idle.start()

    def deliver():
        doc = lead()
        daemon.send(doc)
        daemon.wait_for(doc, "delivered")
    deliver()
    getattr(daemon, how)()
    deliver()
    assert len(token_requests(sandbox)) == 1  # the same file: what came of it counts
    [connection] = daemon.crms["hubspot"].values()
    connection["secrets"]["refresh_token"] = daemon.secret("other", "sandbox-refresh-other")
    getattr(daemon, how)()
    assert "a secret was changed in the files" in daemon.log() and "sandbox-refresh" not in daemon.log()
    deliver()
    assert len(token_requests(sandbox)) == 2
    assert len(sandbox.records("hubspot", "contacts", "main")) == 2 and len(sandbox.records("hubspot", "contacts", "other")) == 1
    getattr(daemon, how)()
    deliver()
    assert len(token_requests(sandbox)) == 2


def test_another_client_secret_in_the_file_takes_the_place_of_the_token_made_with_the_first(rig, sandbox):
    """A client's own grant has no refresh token: what came of the secret is an access token alone."""
    daemon = rig.daemon()
    connection = daemon.connect("servicetitan", settings={"auth_url": sandbox.url("servicetitan")})
    del connection["secrets"]["access_token"]
    daemon.start()
    first, refused, last = (lead("servicetitan") for _ in range(3))
    daemon.send(first)
    daemon.wait_for(first, "delivered")
    good, connection["secrets"]["client_secret"] = connection["secrets"]["client_secret"], daemon.secret("wrong", "another-secret")
    daemon.reload()
    daemon.send(refused)
    assert daemon.wait_for(refused, "dead")["blame"] == "credential"
    connection["secrets"]["client_secret"] = good
    daemon.reload()
    daemon.send(last)
    daemon.wait_for(last, "delivered")
    assert daemon.log().count("a secret was changed in the files") == 2


def test_an_ill_token_endpoint_costs_tries_but_not_the_grant(idle, sandbox):
    daemon = idle.start()
    fault = sandbox.fault("status", "hubspot", f"POST {TOKEN}", times=-1, status=503)
    doc = lead()
    daemon.send(doc)
    wait_until(lambda: daemon.delivery(doc)["attempts"] == 1, what="the first try failed")
    assert daemon.delivery(doc)["state"] == "due"
    assert "token not renewed" in daemon.log() and "could not be renewed" in json.dumps(daemon.attempts(doc)[0])
    sandbox.heal(fault)
    daemon.advance(45 * SECOND)
    daemon.wait_for(doc, "delivered")
    assert daemon.connection("hubspot")["state"] == "connected"


def test_a_dead_grant_is_said_once_and_the_leads_wait_for_it(idle, sandbox):
    daemon = idle.start()
    first = lead()
    daemon.send(first)
    daemon.wait_for(first, "delivered")
    sandbox.tokens("hubspot", "revoke")
    docs = [lead() for _ in range(5)]
    for doc in docs:
        daemon.send(doc)
    wait_until(lambda: daemon.connection("hubspot")["state"] == "needs_reauth", what="the connection says so")
    assert daemon.wait_for(docs[0], "dead")["blame"] == "credential"
    assert daemon.settle() and {daemon.delivery(d)["state"] for d in docs} <= {"dead", "due"}  # due: those that came later
    assert daemon.log().count("key=reauth/") == 1
    assert len(token_requests(sandbox)) == 2


def test_a_late_401_does_not_wake_a_dead_grant(idle, sandbox):
    """Its request was under way, with a context of its own, when another one found out."""
    daemon = idle.start()
    first = lead()
    daemon.send(first)
    daemon.wait_for(first, "delivered")
    sandbox.fault("latency", "hubspot", "POST *search*", latency_ms=1500)
    late, soon = lead(), lead()
    daemon.send(late)
    wait_until(lambda: sandbox.fault_hits() == 1, what="the late one is under way")
    sandbox.tokens("hubspot", "revoke")
    daemon.send(soon)
    assert daemon.wait_for(soon, "dead")["blame"] == "credential"
    assert daemon.wait_for(late, "dead")["blame"] == "credential"
    assert len(token_requests(sandbox)) == 2 and daemon.log().count("the grant of a connection is over") == 1


@pytest.mark.parametrize("point", POINTS)
def test_killed_in_the_middle_of_a_refresh(idle, sandbox, point):
    daemon = idle
    daemon.start(CSRELAY_CRASH_AT=point)
    doc = lead()
    try:
        daemon.post(doc)
    except OSError:
        pass  # it died before it answered
    assert daemon.process.wait(30) == -signal.SIGKILL
    daemon.start()
    assert daemon.post(doc).status in (200, 202)
    daemon.advance(MINUTE)
    daemon.wait_for(doc, "delivered", timeout=60)
    assert len(contacts(sandbox)) == 1
    assert len(token_requests(sandbox)) <= 2


# ---- a store that does not take the new tokens

def test_a_new_token_is_used_from_memory_while_its_commit_hangs(idle, sandbox):
    daemon = idle.start()
    sandbox.fault("latency", "hubspot", f"POST {TOKEN}", latency_ms=1500)
    doc = lead()
    daemon.send(doc)
    wait_until(lambda: daemon.query("SELECT 1 FROM token WHERE intent_ms > 0"), what="the intent is on disk")
    with daemon.store_held():
        wait_until(lambda: "is used from memory" in daemon.log(), 20, "patience is over")
        wait_until(lambda: [r for r in sandbox.requests("hubspot") if not r["path"].endswith(TOKEN)], 10, "a request with the new token")
        assert daemon.query("SELECT gen FROM token")[0]["gen"] == 0
    daemon.wait_for(doc, "delivered", timeout=60)
    wait_until(lambda: daemon.query("SELECT gen, intent_ms FROM token") == [{"gen": 1, "intent_ms": 0}], what="the tokens are on disk")
    assert len(token_requests(sandbox)) == 1
    daemon.restart()
    again = lead()
    daemon.send(again)
    daemon.wait_for(again, "delivered")
    assert len(token_requests(sandbox)) == 1, "what was kept is what is used"


def use_up(daemon, folder):
    """Small changes, until not even those fit into what is left of the store's own files: then the writer holds them back."""
    fill(folder)
    for do in ["pause", "resume"] * 2000:
        conn = UnixConnection(str(daemon.dir / "control.sock"))
        conn.timeout = 1
        try:
            ask(conn, "POST", f"/v1/connections/webhook:main/{do}", {})
        except TimeoutError:
            return
    raise AssertionError("the disk never was full")


def test_a_new_token_is_used_from_memory_while_the_disk_is_full(rig, sandbox, small_disk):  # noqa: F811
    daemon = rig.daemon(store_dir=small_disk)
    daemon.connect("webhook")
    signed_in(daemon)
    daemon.start()
    sandbox.fault("latency", "hubspot", f"POST {TOKEN}", latency_ms=8000)
    doc = lead()
    daemon.send(doc)
    wait_until(lambda: daemon.query("SELECT 1 FROM token WHERE intent_ms > 0"), what="the intent is on disk")
    use_up(daemon, small_disk)
    wait_until(lambda: "is used from memory" in daemon.log(), 20, "patience is over")
    wait_until(lambda: contacts(sandbox), 10, "the lead is brought in with the new token")
    assert daemon.query("SELECT gen FROM token") == [{"gen": 0}]
    (small_disk / "filler").unlink()
    wait_until(lambda: daemon.query("SELECT gen, intent_ms FROM token") == [{"gen": 1, "intent_ms": 0}], 30, "the tokens are on disk")
    daemon.wait_for(doc, "delivered", timeout=60)
    daemon.restart()
    again = lead()
    daemon.send(again)
    daemon.wait_for(again, "delivered")
    assert len(token_requests(sandbox)) == 1 and len(contacts(sandbox)) == 2, "what was kept is what is used"


# ---- what a refresh says

def test_a_refresh_repeats_the_redirect_uri_where_the_manifest_says_so(rig, sandbox):
    daemon = rig.daemon()
    daemon.options["public_url"] = "https://relay.example.com"
    connection = daemon.connect("housecall_pro", settings={"client_id": "sandbox-client"},
                                secrets={"access_token": "old", "refresh_token": "sandbox-refresh-main", "client_secret": "sandbox-secret"})
    del connection["secrets"]["api_key"]
    daemon.start()
    doc = lead("housecall_pro")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    asked, = [r["body"] for r in sandbox.requests("housecall_pro") if r["path"].endswith("/oauth/token")]
    assert asked["grant_type"] == "refresh_token"
    assert asked["redirect_uri"] == "https://relay.example.com/oauth/housecall_pro/callback"
