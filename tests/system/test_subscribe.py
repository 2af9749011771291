# SPDX-License-Identifier: Apache-2.0
"""Webhooks that csrelay registers by itself, with the fake Pipedrive: registered, looked after, replaced, removed; and what they
tell comes in, with a password that nobody has seen."""
import base64
import http.client
import os
import time
import uuid

import pytest

from rig import ACCOUNT, HOUR, MINUTE, SECOND, ask, lead, wait_until

PUBLIC = "https://relay.example.com"


@pytest.fixture
def told(idle):
    """Pipedrive, a public address, a vault, and CallSetter, which listens to events."""
    key = idle.dir / "master.key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    idle.options["vault"] = {"key_file": str(key)}
    idle.options["public_url"] = PUBLIC
    idle.connect("pipedrive")
    idle.connect("webhook", "callsetter", account="*", subscribe=["events"])
    return idle


def hooks(sandbox):
    return [r["doc"] for r in sandbox.records("pipedrive", "webhooks") if not r["deleted"]]


def registered(sandbox, n=4):
    return wait_until(lambda: (h := hooks(sandbox)) and len(h) == n and h, what=f"{n} webhooks")


def address(daemon, base=PUBLIC):
    return f"{base}/hooks/pipedrive/{daemon.connection('pipedrive')['public_id']}"


def tell(daemon, password, body):
    auth = base64.b64encode(f"csrelay:{password}".encode()).decode()
    return ask(http.client.HTTPConnection("127.0.0.1", daemon.port("admin"), timeout=30), "POST",
               "/hooks/pipedrive/" + daemon.connection("pipedrive")["public_id"], body, {"Authorization": f"Basic {auth}"})


def changed(entity_id, company, action="create"):
    return {"meta": {"action": action, "entity": "deal", "company_id": str(company), "entity_id": str(entity_id), "id": str(uuid.uuid4()),
                     "timestamp": "2026-06-02T18:00:00.000Z", "change_source": "app", "version": "2.0"}, "data": {"id": entity_id}, "previous": None}


def crm(sandbox, method, path, body=None):
    return ask(http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=30), method, "/pipedrive" + path, body,
               {"x-api-token": "sandbox-pipedrive-main"})


def test_webhooks_are_registered_and_what_they_tell_comes_in(told, sandbox):
    daemon = told.start()
    rows = registered(sandbox)
    assert {(r["event_action"], r["event_object"]) for r in rows} == {("create", "deal"), ("change", "deal"), ("change", "lead"), ("delete", "lead")}
    assert {r["subscription_url"] for r in rows} == {address(daemon)}
    passwords = {r["http_auth_password"] for r in rows}
    assert len(passwords) == 1
    password = passwords.pop()
    assert len(password) >= 40 and password not in daemon.log()

    doc = lead("pipedrive")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    made = sandbox.records("pipedrive", "leads")[0]["id"]
    deal = crm(sandbox, "POST", f"/api/v2/leads/{made}/convert/deal", {}).json["data"]["deal_id"]
    assert tell(daemon, "wrong", changed(deal, 1000000)).status == 401
    assert tell(daemon, password, changed(deal, 1000000)).status == 200
    daemon.advance(2 * SECOND)
    got = wait_until(lambda: [r["doc"] for r in sandbox.records("webhook", "received", "callsetter") if "lead.converted" in str(r)], what="the event")
    assert doc["event_id"] in str(got[0]) and str(deal) in str(got[0])


def test_what_the_crm_has_deleted_is_added_again_with_the_same_password(told, sandbox):
    daemon = told.start()
    first = registered(sandbox)
    wait_until(lambda: "webhooks registered" in daemon.log())
    for row in first[:2]:
        crm(sandbox, "DELETE", f"/api/v1/webhooks/{row['id']}")
    assert len(hooks(sandbox)) == 2
    daemon.advance(7 * HOUR)
    again = registered(sandbox)
    assert {r["http_auth_password"] for r in again} == {first[0]["http_auth_password"]}
    assert {r["id"] for r in first[2:]} < {r["id"] for r in again}


def test_a_restart_registers_nothing_anew(told, sandbox):
    daemon = told.start()
    first = {r["id"] for r in registered(sandbox)}
    wait_until(lambda: "webhooks registered" in daemon.log())
    daemon.restart()
    daemon.advance(7 * HOUR)
    wait_until(lambda: [r for r in sandbox.requests("pipedrive") if r["path"].endswith("/webhooks") and r["method"] == "GET"][1:], what="a look")
    assert {r["id"] for r in hooks(sandbox)} == first


def test_a_new_public_address_replaces_the_old_one(told, sandbox):
    daemon = told.start()
    registered(sandbox)
    wait_until(lambda: "webhooks registered" in daemon.log())
    daemon.stop()
    daemon.options["public_url"] = "https://elsewhere.example.com"
    daemon.start()
    wait_until(lambda: {r["subscription_url"] for r in hooks(sandbox)} == {address(daemon, "https://elsewhere.example.com")}, what="the new address")
    registered(sandbox)


def test_switched_off_they_are_removed(told, sandbox):
    daemon = told.start()
    registered(sandbox)
    wait_until(lambda: "webhooks registered" in daemon.log())
    daemon.crms["pipedrive"]["main"]["settings"]["subscribe"] = False
    daemon.reload()
    wait_until(lambda: not hooks(sandbox), what="no webhooks")
    wait_until(lambda: "webhooks removed" in daemon.log())


def test_failures_are_tried_again_and_leads_go_in_meanwhile(told, sandbox):
    sandbox.fault("status", "pipedrive", "POST */webhooks", status=403, body={"success": False, "message": "Forbidden"})
    daemon = told.start()
    wait_until(lambda: "webhooks are not in order" in daemon.log())
    doc = lead("pipedrive")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    assert daemon.connection("pipedrive")["state"] == "connected"
    daemon.advance(7 * HOUR)
    registered(sandbox)


@pytest.mark.parametrize("end", ["error", "error_after", "close_after", "timeout_after"])
def test_an_end_that_nobody_knows_leaves_one_set(told, sandbox, end):
    told.options["http"].update(connect_timeout="300 ms", total_timeout="300 ms")
    sandbox.fault(end, "pipedrive", "POST */webhooks", skip=2)
    daemon = told.start()
    wait_until(lambda: "webhooks are not in order" in daemon.log())
    daemon.advance(2 * MINUTE)
    wait_until(lambda: "webhooks registered" in daemon.log())
    rows = registered(sandbox)
    assert len({r["http_auth_password"] for r in rows}) == 1


@pytest.mark.parametrize("option", ["public_url", "vault"])
def test_without_an_address_or_a_place_for_the_password_nothing_is_registered(told, sandbox, option):
    del told.options[option]
    if option == "vault":
        (told.dir / "master.key").unlink()
    daemon = told.start()
    doc = lead("pipedrive")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    assert not [r for r in sandbox.requests("pipedrive") if "webhooks" in r["path"]]


def signed_in(told, sandbox):
    """A connection that is not in the files, with access by OAuth."""
    del told.crms["pipedrive"]["main"]
    told.start()
    url = sandbox.url("pipedrive")
    conn = told.operate("POST", "/v1/connections", {
        "crm": "pipedrive", "account": ACCOUNT, "timezone": "America/New_York",
        "settings": {"base_url": url, "oauth_url": url, "client_id": "sandbox-client"},
        "secrets": {"client_secret": "sandbox-secret", "refresh_token": "sandbox-refresh-main", "access_token": "sandbox-pipedrive-main"}}, 201)
    told.operate("POST", f"/v1/connections/{conn['id']}/verify")
    told.operate("POST", f"/v1/connections/{conn['id']}/confirm")
    registered(sandbox)
    wait_until(lambda: "webhooks registered" in told.log())
    return told, f"/v1/connections/{conn['id']}"


def revocations(sandbox):
    return [r for r in sandbox.requests("pipedrive") if r["path"].endswith("/oauth/revoke")]


def test_a_deleted_connection_leaves_nothing_at_the_crm(told, sandbox):
    daemon, path = signed_in(told, sandbox)
    gone = daemon.operate("DELETE", path)
    assert (gone["webhooks"], gone["grant"]) == ("removed", "revoked")
    assert not hooks(sandbox) and [r["status"] for r in revocations(sandbox)] == [200]
    assert "sandbox-refresh" not in daemon.log() and "sandbox-secret" not in daemon.log()


def test_a_crm_that_does_not_answer_holds_up_nobody_for_long(told, sandbox):
    daemon, path = signed_in(told, sandbox)
    sandbox.fault("timeout_before", "pipedrive", "GET /api/v1/webhooks", times=-1)
    began = time.monotonic()
    gone = daemon.operate("DELETE", path)
    assert 8 < time.monotonic() - began < 15
    assert (gone["webhooks"], gone["grant"]) == ("left", "left")
    assert "the CRM keeps something of it" in daemon.log() and daemon.control("GET", path).status == 404


def uninstall(daemon, company, secret="sandbox-secret", at="2099-01-01T00:00:00Z", crm="pipedrive"):
    """As Pipedrive tells that a customer removed the app."""
    auth = base64.b64encode(f"sandbox-client:{secret}".encode()).decode()
    return ask(http.client.HTTPConnection("127.0.0.1", daemon.port("admin"), timeout=30), "DELETE", f"/oauth/{crm}/callback",
               {"client_id": "sandbox-client", "company_id": company, "user_id": 1, "timestamp": at}, {"Authorization": f"Basic {auth}"})


def test_an_app_that_was_removed_at_the_crm_ends_its_connection(told, sandbox):
    daemon, path = signed_in(told, sandbox)
    company = int(wait_until(lambda: daemon.operate("GET", path)["facts"].get("company_id"), what="who it is"))
    assert uninstall(daemon, company, "guessed").status == 401
    assert uninstall(daemon, company + 1).status == 401
    assert uninstall(daemon, company, crm="hubspot").status == 404
    assert uninstall(daemon, company, at="2020-01-01T00:00:00Z").status == 204, "an old story: it was connected anew since"
    assert daemon.operate("GET", path)["state"] == "connected"
    assert uninstall(daemon, company).status == 204
    row = daemon.operate("GET", path)
    assert row["state"] == "needs_reauth" and "removed" in row["state_reason"]
    assert row["next_action"]["call"] == f"POST {path}/authorize"
    assert daemon.log().count("key=reauth/") == 1
    assert uninstall(daemon, company).status == 204
    assert "sandbox-secret" not in daemon.log()
