# SPDX-License-Identifier: Apache-2.0
"""A connection's life: made, verified, confirmed, changed, tried, watched, deleted; by the API and by csrelay."""
import json
import os
import shutil
import subprocess

import pytest

from rig import ACCOUNT, BUILD, DAY, HOUR, MINUTE, SECOND, lead, wait_until


def csrelay(daemon, *words, status=0, text=None):
    """Run the command line; its JSON, or (text) what it printed."""
    done = subprocess.run([BUILD / "csrelay", *words, "--config", daemon.dir / "csrelay.conf", *([] if text else ["--json"])],
                          capture_output=True, text=True, timeout=120, env={**os.environ, "NO_COLOR": "1"})
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    if text or status != 0:
        return done.stdout + done.stderr
    return json.loads(done.stdout)


def body_for(daemon, crm="hubspot", tenant="dyn", **more):
    """What makes a connection into the sandbox."""
    token, key = {"hubspot": ("access_token", "hubspot"), "housecall_pro": ("api_key", "hcp")}[crm]
    body = {"crm": crm, "account": ACCOUNT, "label": "Acme Heating", "settings": {"base_url": daemon.sandbox.url(crm)},
            "secrets": {token: f"sandbox-{key}-{tenant}"}, "timezone": "America/New_York"}
    body["settings"].update(more.pop("settings", {}))
    return {**body, **more}


def make(daemon, confirm=True, **more):
    conn = daemon.operate("POST", "/v1/connections", body_for(daemon, **more), 201)
    if confirm:
        conn = daemon.operate("POST", f"/v1/connections/{conn['id']}/confirm")
        assert conn["state"] == "connected"
    return conn


@pytest.fixture
def alone(rig):
    """A daemon with plugins and no connection."""
    d = rig.daemon()
    d.crms = {"hubspot": {}, "housecall_pro": {}, "webhook": {}}
    return d.start()


def test_leads_wait_for_a_confirmation_and_go_out_then(alone, sandbox):
    early = lead()
    alone.send(early)
    assert alone.delivery(early)["blame"] == "connection"
    conn = make(alone, confirm=False)
    assert conn["state"] == "pending" and "sandbox-hubspot-dyn" not in json.dumps(conn)
    meanwhile = lead(urgency="emergency")
    alone.send(meanwhile)
    assert "not confirmed" in alone.delivery(meanwhile)["reason"]
    alone.operate("POST", f"/v1/connections/{conn['id']}/confirm")
    alone.wait_for(meanwhile, "delivered")
    alone.advance(MINUTE)
    alone.wait_for(early, "delivered")
    assert len(sandbox.records("hubspot", "contacts", "dyn")) == 2


def test_what_is_not_delivered_when_it_is_deleted_is_a_dead_letter_that_finds_the_next_connection(alone, sandbox):
    conn = make(alone)
    sandbox.fault("error", "hubspot", times=-1)
    docs = [lead() for _ in range(3)]
    for doc in docs:
        alone.send(doc)
    wait_until(lambda: all(r["state"] == "due" and r["attempts"] for r in alone.deliveries()))
    gone = alone.control("DELETE", f"/v1/connections/{conn['id']}")
    assert gone.status == 200 and gone.json["dead_letters"] == 3
    for row in alone.deliveries():
        assert (row["state"], row["blame"], row["conn_id"]) == ("dead", "connection", 0) and "deleted" in row["reason"]
    left = alone.query("SELECT (SELECT count(*) FROM conn) + (SELECT count(*) FROM secret WHERE owner LIKE 'conn/%')"
                       " + (SELECT count(*) FROM conn_fact) AS n")
    assert left[0]["n"] == 0
    sandbox.heal()
    make(alone)
    for _ in docs:
        alone.settle(2)
        alone.advance(MINUTE)
    alone.wait_states(delivered=3)


def test_an_override_is_tried_kept_and_taken_back(alone, sandbox):
    conn, doc = make(alone), lead()
    path = f"/v1/connections/{conn['id']}"
    alone.send(doc)
    alone.wait_for(doc, "delivered")
    override = {"contact": {"properties": {"lastname": "${/contact/last_name} (AI)"}}}
    stored = {"lead_id": doc["event_id"]}
    plain = alone.operate("POST", path + "/map", stored)["document"]
    tried = alone.operate("POST", path + "/map", {**stored, "overrides": override, "settings": {"hs_lead_status": "OPEN"}})["document"]
    assert "(AI)" in json.dumps(tried) and "OPEN" in json.dumps(tried)
    assert alone.operate("POST", path + "/map", stored)["document"] == plain  # nothing was kept
    wrong = alone.control("POST", path + "/map", {**stored, "settings": {"api_version": "v3"}})
    assert wrong.status == 422 and "api_version" in wrong.json["detail"]
    assert alone.control("PATCH", path, {"overrides": override}).status == 200
    second = lead()
    alone.send(second)
    alone.wait_for(second, "delivered")
    versions = csrelay(alone, "connections", "versions", conn["id"])["items"]
    assert [bool(v["overrides"]) for v in versions] == [True, False] and versions[0]["by"] == "operator"
    csrelay(alone, "connections", "rollback", conn["id"], str(versions[1]["version"]))
    third = lead()
    alone.send(third)
    alone.wait_for(third, "delivered")
    names = [r["doc"]["properties"]["lastname"] for r in sandbox.records("hubspot", "contacts", "dyn")]
    assert sorted(n.endswith("(AI)") for n in names) == [False, False, True]


def test_csrelay_makes_changes_and_deletes_one(alone, tmp_path):
    token = tmp_path / "token"
    token.write_text("sandbox-hubspot-cli\n")
    token.chmod(0o600)
    told = csrelay(alone, "connections", "create", "hubspot", f"account={ACCOUNT}", "secrets.access_token=on-the-line", status=2)
    assert "command line" in told
    told = csrelay(alone, "connections", "create", "hubspot", f"account={ACCOUNT}", "settings.ownr=5", f"secrets.access_token=@{token}", status=5)
    assert "did you mean \"owner\"" in told
    conn = csrelay(alone, "connections", "create", "hubspot", f"account={ACCOUNT}", "label=From the shell",
                   f"settings.base_url={alone.sandbox.url('hubspot')}", f"secrets.access_token=@{token}")
    assert conn["state"] == "pending"
    assert "connected" in csrelay(alone, "connections", "confirm", conn["id"], text=True)
    changed = csrelay(alone, "connections", "change", conn["id"], "settings.lifecycle_stage=subscriber", 'contacts:=["ops@example.com"]')
    assert changed["settings"]["lifecycle_stage"] == "subscriber" and changed["contacts"] == ["ops@example.com"]
    assert csrelay(alone, "connections", conn["id"])["label"] == "From the shell"
    assert "--yes" in csrelay(alone, "connections", "delete", conn["id"], status=2)
    csrelay(alone, "connections", "delete", conn["id"], "--yes")
    csrelay(alone, "connections", conn["id"], status=4)


def test_a_connection_of_a_file_is_changed_there(daemon):
    answer = daemon.control("PATCH", "/v1/connections/hubspot:main", {"label": "x"})
    assert answer.status == 409 and "crm.d/hubspot.conf" in answer.json["detail"]
    assert daemon.control("DELETE", "/v1/connections/hubspot:main").status == 409
    assert daemon.operate("POST", "/v1/connections/hubspot:main/pause")["state"] == "paused"


# ---- who is connected

def test_verify_says_who_is_connected_and_tells_a_bad_key_from_a_plan_without_api(alone, sandbox):
    conn = make(alone, crm="housecall_pro", tenant="default", confirm=False)
    told = csrelay(alone, "connections", "verify", conn["id"])
    assert told["said"] == "connected" and told["text"].startswith("connected as Acme Heating, account 0000")
    seen = csrelay(alone, "connections", conn["id"])
    assert seen["checked"]["name"].startswith("Acme Heating") and seen["facts"]["company_id"] == told["id"]
    wrong = make(alone, crm="housecall_pro", confirm=False, secrets={"api_key": "no-such-key"})
    text = csrelay(alone, "connections", "verify", wrong["id"], text=True, status=1)
    assert "does not accept" in text and "zapier" not in text
    sandbox.fault("status", "housecall_pro", "GET /company", times=1, status=403, body='{"message":"Forbidden"}')
    text = csrelay(alone, "connections", "verify", conn["id"], text=True, status=1)
    assert "MAX plan" in text and "mail, zapier" in text
    sandbox.fault("error", "housecall_pro", "GET /company", times=1)
    assert alone.operate("POST", f"/v1/connections/{conn['id']}/verify")["said"] == "unreachable"


def test_a_new_key_that_is_accepted_ends_the_wait_for_the_owner(alone, sandbox):
    conn, doc = make(alone, secrets={"access_token": "no-such-token"}), lead()
    path = f"/v1/connections/{conn['id']}"
    alone.send(doc)
    alone.wait_for(doc, "dead")
    wait_until(lambda: alone.operate("GET", path)["state"] == "needs_reauth")
    action = alone.operate("GET", path)["next_action"]
    assert "secrets.NAME" in action["text"] and action["call"] is None
    assert alone.control("PATCH", path, {"secrets": {"access_token": "sandbox-hubspot-dyn"}}).json["state"] == "connected"
    alone.advance(MINUTE)
    alone.wait_for(doc, "delivered")


# ---- choices

def test_choices_are_paged_filtered_and_kept_for_a_while(alone, sandbox):
    conn = make(alone)
    path = f"/v1/connections/{conn['id']}/choices/"

    def asked():
        return sum("/crm/owners" in r["path"] for r in sandbox.requests("hubspot"))
    owners = alone.operate("GET", path + "owners")
    assert len(owners["items"]) >= 2 and owners["complete"]
    before = asked()
    first = alone.operate("GET", path + "owners?limit=1")
    assert first["items"] == owners["items"][:1] and first["next"] == 1
    assert alone.operate("GET", path + "owners?limit=1&after=1")["items"] == owners["items"][1:2]
    one = owners["items"][1]["label"]
    assert [i["label"] for i in alone.operate("GET", path + f"owners?q={one[:6].upper()}")["items"]] == [one]
    assert asked() == before
    alone.operate("GET", path + "owners?refresh=1")
    assert asked() == before + 1
    alone.advance(6 * MINUTE)
    alone.operate("GET", path + "owners")
    assert asked() == before + 2
    stages = csrelay(alone, "connections", "choices", conn["id"], "deal_stages")  # by the plugin
    assert stages["items"]
    assert alone.control("GET", path + "nonsense").status == 404


def test_a_dependent_list_is_read_for_the_value_that_is_asked_with(rig, sandbox):
    d = rig.daemon()
    d.crms = {"servicetitan": {}}
    d.shared = {"servicetitan": {"settings": {"base_url": sandbox.url("servicetitan"), "auth_url": sandbox.url("servicetitan")}}}
    d.start()
    conn = d.operate("POST", "/v1/connections", {
        "crm": "servicetitan", "account": ACCOUNT, "secrets": {"app_key": "sandbox-app-key", "client_secret": "sandbox-secret"},
        "settings": {"tenant": "1122334455", "client_id": "sandbox-client", "booking_provider": "99"}}, 201)
    path = f"/v1/connections/{conn['id']}"
    units = [i["value"] for i in d.operate("GET", path + "/choices/business_units")["items"]]
    any_unit = d.operate("GET", path + "/choices/job_types")["items"]
    lists = {u: d.operate("GET", path + f"/choices/job_types?business_unit={u}")["items"] for u in units}
    assert any(items != any_unit for items in lists.values()), "it depends on the unit"
    narrow, items = next((u, items) for u, items in lists.items() if items != any_unit)
    assert all(i in any_unit for i in items)
    assert csrelay(d, "connections", "choices", conn["id"], "job_types", f"business_unit={narrow}")["items"] == items
    assert csrelay(d, "connections", "choices", conn["id"], "job_types")["items"] == any_unit
    other = next(i["value"] for i in any_unit if i not in items)
    answer = d.control("PATCH", path, {"settings": {"business_unit": narrow, "job_type": other}})
    assert answer.status == 422 and answer.pointers == {"/settings/job_type"}, "both as they would be together"
    d.operate("PATCH", path, {"settings": {"business_unit": narrow}})
    assert d.operate("GET", path + "/choices/job_types")["items"] == items, "by what is kept"
    assert d.operate("GET", path)["settings"].get("job_type") is None
    assert "is no SETTING=VALUE" in csrelay(d, "connections", "choices", conn["id"], "job_types", "business_unit", status=2)


def test_a_list_that_the_crm_filters_is_shown_as_the_crm_filtered_it(rig, sandbox):
    """None of the plugins here has one: HubSpot's, with a parameter in its manifest."""
    d = rig.daemon()
    folder = d.dir / "plugins"
    folder.mkdir()
    for name in ("hubspot.so", "hubspot.json"):
        shutil.copy(BUILD / "plugins/v1" / name, folder / name)
    manifest = json.loads((folder / "hubspot.json").read_text())
    next(row for row in manifest["choices"] if row["list"] == "owners")["filter_param"] = "search"
    (folder / "hubspot.json").write_text(json.dumps(manifest))
    d.options["plugins"]["dir"] = f"{folder}:{BUILD}/plugins/v1"
    d.crms = {"hubspot": {}}
    d.start()
    conn = make(d)
    found = {"results": [{"id": "7", "email": "by-phone@acme.example"}]}
    fault = sandbox.fault("status", "hubspot", "GET /crm/owners*", times=-1, status=200, body=json.dumps(found))
    answer = d.operate("GET", f"/v1/connections/{conn['id']}/choices/owners?q=Maria%20%26%20Co")
    assert [i["value"] for i in answer["items"]] == ["7"], "the CRM knows why it fits, though the label does not show it"
    asked = [r["path"] for r in sandbox.requests("hubspot") if "/crm/owners" in r["path"]]
    assert "search=Maria%20%26%20Co" in asked[-1]
    assert csrelay(d, "connections", "choices", conn["id"], "owners", "--filter", "Maria & Co")["items"] == answer["items"]
    assert len([r for r in sandbox.requests("hubspot") if "/crm/owners" in r["path"]]) == len(asked), "kept, by its filter"
    sandbox.heal(fault)
    whole = d.operate("GET", f"/v1/connections/{conn['id']}/choices/owners")["items"]
    assert len(whole) >= 2 and "7" not in [i["value"] for i in whole], "the whole list is another one"


def test_a_choice_that_is_not_there_is_refused_at_once(alone, sandbox):
    conn = make(alone)
    path = f"/v1/connections/{conn['id']}"
    answer = alone.control("PATCH", path, {"settings": {"owner": "77"}})
    assert answer.status == 422 and answer.pointers == {"/settings/owner"}
    owner = alone.operate("GET", path + "/choices/owners")["items"][0]["value"]
    assert alone.control("PATCH", path, {"settings": {"owner": owner}}).status == 200
    sandbox.fault("error", "hubspot", times=-1)
    alone.advance(6 * MINUTE)
    assert alone.control("PATCH", path, {"settings": {"owner": "78"}}).status == 200  # nobody knows


def test_a_new_connection_is_asked_for_its_choices_when_it_is_confirmed(alone, sandbox):
    conn = make(alone, confirm=False, settings={"owner": "77"})  # its key had no place yet, so nobody could be asked
    path = f"/v1/connections/{conn['id']}"
    answer = alone.control("POST", path + "/confirm")
    assert answer.status == 422 and answer.pointers == {"/settings/owner"}
    assert alone.operate("GET", path)["state"] == "pending"
    owner = alone.operate("GET", path + "/choices/owners")["items"][0]["value"]
    alone.operate("PATCH", path, {"settings": {"owner": owner}})
    assert alone.operate("POST", path + "/confirm")["state"] == "connected"


def test_a_list_that_cannot_be_read_holds_up_no_confirmation(alone, sandbox):
    conn = make(alone, confirm=False, settings={"owner": "77"})
    sandbox.fault("error", "hubspot", "GET /crm/owners*", times=-1)
    assert alone.operate("POST", f"/v1/connections/{conn['id']}/confirm")["state"] == "connected"


def test_what_an_earlier_version_chose_must_still_be_there_to_go_back_to_it(alone, sandbox):
    conn = make(alone)
    path = f"/v1/connections/{conn['id']}"
    first, second = [i["value"] for i in alone.operate("GET", path + "/choices/owners")["items"][:2]]
    old = alone.operate("PATCH", path, {"settings": {"owner": first, "hs_lead_status": "OPEN"}})["version"]
    alone.operate("PATCH", path, {"settings": {"owner": second}})
    left = {"results": [{"id": second, "email": "stays@acme.example"}]}
    fault = sandbox.fault("status", "hubspot", "GET /crm/owners*", times=-1, status=200, body=json.dumps(left))
    alone.advance(6 * MINUTE)  # the list is kept so long
    answer = alone.control("POST", path + "/rollback", {"version": old})
    assert answer.status == 422 and answer.pointers == {"/settings/owner"}
    assert alone.operate("GET", path)["settings"]["owner"] == second
    now = alone.operate("PATCH", path, {"settings": {"hs_lead_status": "NEW"}})["version"]
    alone.operate("PATCH", path, {"settings": {"hs_lead_status": "OPEN"}})
    sandbox.heal(fault)
    gone = {"results": [{"id": first, "email": "new@acme.example"}]}
    sandbox.fault("status", "hubspot", "GET /crm/owners*", times=-1, status=200, body=json.dumps(gone))
    alone.advance(6 * MINUTE)
    assert alone.control("POST", path + "/rollback", {"version": now}).status == 200, "what it does not change it is not asked for"


# ---- the canary

def test_the_canary_finds_a_deleted_owner_before_a_lead_does(rig, sandbox):
    d = rig.daemon()
    d.options["alerts"]["canary"] = True
    d.crms = {"hubspot": {}}
    d.start()
    conn = make(d, tenant="default", secrets={"access_token": "sandbox-hubspot-token"})
    path = f"/v1/connections/{conn['id']}"
    owner = d.operate("GET", path + "/choices/owners")["items"][0]["value"]
    assert d.control("PATCH", path, {"settings": {"owner": owner}}).status == 200
    d.advance(DAY + MINUTE)
    wait_until(lambda: d.operate("GET", path)["checked"], what="the canary looks")
    assert d.operate("GET", path)["checked"]["findings"] == [] and not d.alerts()
    gone = {"results": [{"id": "1", "email": "new@acme.example"}]}
    fault = sandbox.fault("status", "hubspot", "GET /crm/owners*", times=-1, status=200, body=json.dumps(gone))
    d.advance(DAY + 2 * HOUR)
    wait_until(lambda: d.operate("GET", path)["state"] == "failing", what="the canary finds it")
    seen = d.operate("GET", path)
    assert "no longer there" in seen["state_reason"] and seen["checked"]["findings"][0]["setting"] == "owner"
    alert, = [a for a in d.alerts() if a["key"] == f"check/{conn['id']}"]
    assert alert["recovered_ms"] == 0
    metrics = d.control("GET", "/metrics").body.decode()
    assert 'csrelay_connections{crm="hubspot",state="failing"} 1' in metrics
    assert d.operate("GET", "/v1/stats")["connections"]["failing"] == 1
    assert "no longer there" in csrelay(d, "connections", "check", status=1, text=True)
    sandbox.heal(fault)
    csrelay(d, "connections", "check", conn["id"])
    wait_until(lambda: d.operate("GET", path)["state"] == "connected")
    alert, = [a for a in d.alerts() if a["key"] == f"check/{conn['id']}"]
    assert alert["recovered_ms"] > 0 and alert["count"] == 1


def test_the_canary_finds_a_dead_key(rig, sandbox):
    d = rig.daemon()
    d.options["alerts"]["canary"] = True
    d.crms = {"hubspot": {}}
    d.start()
    conn = make(d)
    sandbox.fault("401", "hubspot", times=2)
    d.advance(DAY + MINUTE)
    wait_until(lambda: d.operate("GET", f"/v1/connections/{conn['id']}")["state"] == "needs_reauth")
    wait_until(lambda: any(a["key"] == f"reauth/{conn['id']}" for a in d.alerts()))
    csrelay(d, "connections", "verify", conn["id"])
    wait_until(lambda: d.operate("GET", f"/v1/connections/{conn['id']}")["state"] == "connected")
    wait_until(lambda: all(a["recovered_ms"] for a in d.alerts()))


# ---- a test lead

def test_a_test_lead_is_shown_and_removed_once_it_was_seen(alone, sandbox):
    conn = make(alone)
    csrelay(alone, "connections", "verify", conn["id"])  # whose account it is stands in the link
    shown = csrelay(alone, "connections", "test", conn["id"])
    assert shown["state"] == "delivered" and {r["type"] for r in shown["records"]} == {"contact", "note"}
    assert any("contacts/" in (r["url"] or "") for r in shown["records"])
    contact, = sandbox.records("hubspot", "contacts", "dyn")
    assert contact["doc"]["properties"]["firstname"] == "TEST" and contact["doc"]["properties"]["email"].endswith("@example.com")
    assert "please ignore" in json.dumps(sandbox.records("hubspot", "notes", "dyn"))
    gone = csrelay(alone, "connections", "seen", conn["id"], str(shown["test"]))
    assert {r["type"] for r in gone["removed"]} == {"contact", "note"} and gone["left"] == []
    left = sandbox.records("hubspot", "contacts", "dyn") + sandbox.records("hubspot", "notes", "dyn")
    assert len(left) == 2 and all(r.get("deleted") for r in left)
    csrelay(alone, "connections", "seen", conn["id"], str(shown["test"]), status=5)


def test_what_cannot_be_removed_is_named(alone, sandbox):
    conn = make(alone, crm="housecall_pro")
    shown = csrelay(alone, "connections", "test", conn["id"])
    answer = alone.operate("POST", f"/v1/connections/{conn['id']}/test/{shown['test']}/seen")
    assert answer["removed"] == [] and "lead" in {r["type"] for r in answer["left"]} and "by hand" in answer["left"][0]["why"]


def test_a_test_lead_goes_to_its_connection_alone_and_tells_why_it_failed(alone, sandbox):
    conn = make(alone)
    make(alone, tenant="other", crm_account_id="other")
    sandbox.fault("status", "hubspot", "POST /crm/objects/*/contacts", times=1, status=403, body="{}")
    text = csrelay(alone, "connections", "test", conn["id"], text=True, status=1)
    assert "did not get into the CRM" in text
    assert not sandbox.records("hubspot", "contacts", "other")
    real = lead(routing={"destination_crm": "hubspot", "crm_account_id": "other"})
    alone.send(real)
    alone.wait_for(real, "delivered")
    event_id = real["event_id"]
    assert alone.control("POST", f"/v1/connections/{conn['id']}/test/{event_id}/seen").status == 404  # nobody's lead is removed
