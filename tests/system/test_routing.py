# SPDX-License-Identifier: Apache-2.0
"""Where a lead goes, and what happens when there is nowhere to go."""
import json

from rig import HOUR, MINUTE, lead, wait_until

ALERT_SECRET = "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC0wMDAwMDAwMg=="  # the sandbox takes this one, too


def received(sandbox, tenant):
    return [json.loads(r["body"]) if isinstance(r["body"], str) else r["body"]
            for r in sandbox.requests("webhook") if r["tenant"] == tenant and r["status"] == 200]


# ---- nowhere to go

def test_a_lead_for_an_unknown_connection_goes_out_when_it_is_made(idle, sandbox):
    del idle.crms["hubspot"]
    daemon = idle.start()
    docs = [lead("hubspot"), lead("hubspot", urgency="emergency"), lead("jobber")]
    for doc in docs:
        daemon.send(doc)
        row = daemon.delivery(doc)
        assert (row["state"], row["blame"], row["conn_id"]) == ("dead", "connection", 0)
        assert "no connection to that CRM" in row["reason"]
    daemon.connect("hubspot")
    assert "released=2" in daemon.reload()
    daemon.wait_for(docs[1], "delivered")
    daemon.advance(7000)
    daemon.wait_for(docs[0], "delivered")
    assert daemon.delivery(docs[2])["state"] == "dead", "still nowhere"


def test_of_two_connections_the_lead_must_say_which(idle, sandbox):
    for name in ("north", "south"):
        idle.connect("webhook", name, crm_account_id=f"id-{name}")
    del idle.crms["webhook"]["main"]
    daemon = idle.start()
    named, unnamed, wrong = (lead("webhook", routing={"crm_account_id": a}) for a in ("id-south", None, "id-west"))
    for doc in (named, unnamed, wrong):
        daemon.send(doc)
    daemon.wait_for(named, "delivered")
    assert [b["event_id"] for b in received(sandbox, "south")] == [named["event_id"]]
    assert "several connections" in daemon.delivery(unnamed)["reason"]
    assert "crm_account_id" in daemon.delivery(wrong)["reason"]
    daemon.operate("POST", f"/v1/dead-letters/{daemon.delivery(unnamed)['id']}/reroute",
                   {"connection": daemon.connection("webhook", "north")["public_id"]})
    daemon.wait_for(unnamed, "delivered")
    assert [b["event_id"] for b in received(sandbox, "north")] == [unnamed["event_id"]]
    daemon.operate("POST", f"/v1/dead-letters/{daemon.delivery(wrong)['id']}/fix", {"routing": {"crm_account_id": "id-north"}})
    daemon.advance(7000)
    daemon.wait_for(wrong, "delivered")
    assert len(received(sandbox, "north")) == 2


def test_a_connection_of_another_account_is_none_of_the_leads_business(idle):
    idle.connect("webhook", "other", account="acct_other")
    del idle.crms["webhook"]["main"]
    daemon, doc = idle.start(), lead("webhook")
    daemon.send(doc)
    assert daemon.delivery(doc)["state"] == "dead"
    answer = daemon.control("POST", f"/v1/dead-letters/{daemon.delivery(doc)['id']}/reroute",
                            {"connection": daemon.connection("webhook", "other")["public_id"]})
    assert answer.status == 422


def test_rerouting_leaves_the_receipts_of_the_other_crm_behind(daemon, sandbox):
    sandbox.fault("status", "hubspot", "POST /crm/objects/*/contacts", times=2, status=422)
    doc = lead("hubspot")
    daemon.send(doc)
    row = daemon.wait_for(doc, "dead")
    daemon.operate("POST", f"/v1/dead-letters/{row['id']}/reroute", {"connection": "housecall_pro/main"})
    row = daemon.wait_for(doc, "delivered")
    assert row["crm"] == "housecall_pro"
    assert len(sandbox.records("housecall_pro", "leads")) == 1 and not sandbox.records("hubspot", "contacts")


# ---- subscriptions

def test_subscribers_get_what_they_asked_for(idle, sandbox):
    idle.connect("webhook", "everything", subscribe="all", crm_account_id="x1")
    idle.connect("webhook", "lost", subscribe="unqualified", crm_account_id="x2")
    idle.connect("webhook", "both", subscribe=["routed", "all"], crm_account_id="x3")
    idle.crms["webhook"]["main"]["crm_account_id"] = "x0"
    daemon = idle.start()
    good, direct = lead("hubspot"), lead("webhook", routing={"crm_account_id": "x3"})
    poor = lead("hubspot", event="lead.unqualified", ai_analysis={"qualification_status": "unqualified"})
    for doc in (good, direct, poor):
        daemon.send(doc)
    wait_until(lambda: not [r for r in daemon.deliveries() if r["state"] != "delivered"])
    ids = {name: sorted(b["event_id"] for b in received(sandbox, name)) for name in ("main", "everything", "lost", "both")}
    assert ids == {"main": [], "everything": sorted([good["event_id"], direct["event_id"]]), "lost": [poor["event_id"]],
                   "both": sorted([good["event_id"], direct["event_id"]])}, "each once"
    assert daemon.delivery(poor)["lane"] == "low"
    assert len(sandbox.records("hubspot", "contacts")) == 1, "an unqualified lead is no lead in the CRM"


def test_an_unqualified_lead_that_nobody_wants_is_accepted_and_goes_nowhere(daemon):
    doc = lead("hubspot", event="lead.unqualified", ai_analysis={"qualification_status": "unqualified"})
    del doc["routing"]
    assert daemon.send(doc).json["deliveries"] == []
    assert daemon.send(doc, 200).json["result"] == "duplicate"


def test_events_are_reported_signed_to_whoever_subscribes(idle, sandbox):
    idle.connect("webhook", "callsetter", account="*", subscribe="events")
    daemon, doc, bad = idle.start(), lead("hubspot"), lead("housecall_pro")
    sandbox.fault("status", "housecall_pro", "POST /leads", times=2, status=422, body='{"message":"no"}')
    for d in (doc, bad):
        daemon.send(d)
    events = wait_until(lambda: len(got := received(sandbox, "callsetter")) == 2 and {e["event"]: e for e in got})
    assert events["lead.delivered"]["lead"] == {"event_id": doc["event_id"], "call_id": doc["call"]["call_id"]}
    contact = sandbox.records("hubspot", "contacts")[0]["id"]
    assert {"contact", "note"} == {r["type"] for r in events["lead.delivered"]["crm"]["records"]}
    assert contact in {r["id"] for r in events["lead.delivered"]["crm"]["records"]}
    assert events["lead.failed"]["failure"]["blame"] == "lead"
    assert events["lead.failed"]["lead"]["event_id"] == bad["event_id"]
    for e in events.values():
        assert e["schema_version"] == "1.0" and e["callsetter_account_id"] == doc["callsetter_account_id"]
        assert e["event_id"] and e["occurred_at"] and e["received_at"]


def test_a_dead_letter_that_came_without_an_attempt_is_reported_too(idle, sandbox):
    idle.connect("webhook", "callsetter", account="*", subscribe="events")
    daemon = idle.start()
    nowhere, faulty = lead("jobber"), lead("hubspot", call={"direction": "up"})
    daemon.send(nowhere)
    daemon.send(faulty, 422)
    events = wait_until(lambda: len(got := received(sandbox, "callsetter")) == 2 and {e["lead"]["event_id"]: e for e in got})
    assert events[nowhere["event_id"]]["failure"]["blame"] == "connection"
    assert events[faulty["event_id"]]["failure"]["blame"] == "lead"
    assert events[nowhere["event_id"]]["crm"] == {"name": "jobber", "connection": "", "account_id": "", "records": []}


def test_a_lead_whose_time_ran_out_unsent_is_reported_too(idle, sandbox):
    idle.connect("webhook", "callsetter", account="*", subscribe="events")
    daemon = idle.start()
    sandbox.fault("error", "housecall_pro", times=-1)
    docs = [lead("housecall_pro") for _ in range(10)]
    for doc in docs:
        daemon.send(doc)
    wait_until(lambda: "keeps failing" in daemon.log())
    for _ in range(10):
        daemon.advance(HOUR)
    assert len(daemon.deliveries(state="dead")) == 10
    events = wait_until(lambda: len(got := received(sandbox, "callsetter")) == 10 and got)
    assert {e["lead"]["event_id"] for e in events} == {d["event_id"] for d in docs}
    assert {(e["event"], e["crm"]["connection"], e["failure"]["blame"]) for e in events} == {
        ("lead.failed", daemon.connection("housecall_pro")["public_id"], "crm")}


def test_alerts_are_sent_as_signed_webhooks(idle, sandbox):
    idle.options["alerts"] = {"webhook": sandbox.url("webhook/alerts"), "webhook_secret": idle.secret("alerts", ALERT_SECRET)}
    daemon = idle.start()
    sandbox.tokens("hubspot", "revoke", "main")
    doc = lead("hubspot")
    daemon.send(doc)
    raised, = wait_until(lambda: received(sandbox, "alerts"))
    assert raised["event"] == "alert.raised" and raised["crm"]["name"] == "hubspot"
    sandbox.tokens("hubspot", "restore", "main")
    daemon.reload()
    daemon.wait_for(doc, "delivered")
    got = wait_until(lambda: len(g := received(sandbox, "alerts")) == 2 and g)
    assert got[1]["event"] == "alert.recovered" and got[1]["key"] == raised["key"]


def test_an_alert_is_sent_once_however_often_its_reason_comes_and_over_a_restart(idle, sandbox):
    idle.options["alerts"] = {"webhook": sandbox.url("webhook/alerts"), "webhook_secret": idle.secret("alerts", ALERT_SECRET)}
    daemon = idle.start()
    sandbox.tokens("hubspot", "revoke", "main")
    for _ in range(3):
        for doc in [lead("hubspot"), lead("hubspot")]:
            daemon.send(doc)
            daemon.wait_for(doc, "dead")
        daemon.restart()
    wait_until(lambda: received(sandbox, "alerts"))
    assert [e["event"] for e in received(sandbox, "alerts")] == ["alert.raised"]
    sandbox.tokens("hubspot", "restore", "main")
    daemon.restart()
    daemon.send(lead("hubspot"))
    got = wait_until(lambda: len(g := received(sandbox, "alerts")) == 2 and g)
    assert got[1]["event"] == "alert.recovered"


# ---- pausing and configuration

def test_a_paused_connection_keeps_everything_for_as_long_as_it_takes(daemon, sandbox):
    paused = daemon.operate("POST", "/v1/connections/webhook%2Fmain/pause", {"reason": "holiday"})
    assert paused["state"] == "paused"
    docs = [lead("webhook") for _ in range(3)]
    daemon.send_all(docs)
    for _ in range(6):
        daemon.advance(8 * HOUR)
    other = lead("hubspot")
    daemon.send(other)
    daemon.wait_for(other, "delivered")
    assert not sandbox.requests("webhook") and len(daemon.deliveries(state="due")) == 3
    daemon.operate("POST", f"/v1/connections/{daemon.connection('webhook')['public_id']}/resume")
    daemon.wait_states(delivered=4)


def test_a_crm_file_that_vanishes_pauses_and_loses_nothing(daemon, sandbox):
    gone = daemon.crms.pop("webhook")
    daemon.reload()
    wait_until(lambda: daemon.connection("webhook")["state"] == "paused")
    doc = lead("webhook")
    daemon.send(doc)
    daemon.advance(30 * HOUR)
    assert daemon.delivery(doc)["state"] == "due" and not sandbox.requests("webhook")
    daemon.restart()
    assert daemon.delivery(doc)["state"] == "due"
    daemon.crms["webhook"] = gone
    daemon.reload()
    daemon.wait_for(doc, "delivered")


def test_a_faulty_configuration_is_refused_whole_and_told(daemon, sandbox):
    daemon.options["schedule"] = {"max_wait": "soon"}
    daemon.crms["hubspot"]["main"]["settings"]["base_url"] = sandbox.url("elsewhere")
    told = daemon.reload()
    assert "the old one stays" in told and "schedule.max_wait" in told and "csrelay.conf:" in told
    doc = lead("hubspot")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    del daemon.options["schedule"]
    daemon.crms["hubspot"]["main"]["settings"]["base_url"] = sandbox.url("hubspot")
    assert "configuration reloaded" in daemon.reload()


def test_mended_settings_heal_what_is_queued(idle, sandbox):
    connection = idle.crms["webhook"]["main"]
    connection["settings"]["url"] = sandbox.url("webhook/gone/main")
    daemon = idle.start()
    sandbox.fault("error", "webhook", times=1)
    doc = lead("webhook")
    daemon.send(doc)
    row = daemon.wait_attempts(doc, 1)
    connection["settings"]["url"] = sandbox.url("webhook/main")
    daemon.reload()
    daemon.advance_to(row["due_ms"])
    daemon.wait_for(doc, "delivered")
    first, second = daemon.attempts(doc)
    assert json.loads(first["versions"])["settings"] < json.loads(second["versions"])["settings"]


def test_limits_and_breakers_can_be_changed_at_run_time(daemon, sandbox):
    daemon.options["replay"] = {"per_minute": 600}
    daemon.options["breaker"] = {"failures": 1}
    daemon.reload()
    sandbox.fault("error", "webhook", times=1)
    daemon.send(lead("webhook"))
    wait_until(lambda: "keeps failing" in daemon.log(), what="one failure is enough now")


def test_what_needs_a_restart_is_said(daemon):
    daemon.options["http"].update(connect_timeout="2 s", total_timeout="9 s")
    assert 'need a restart options="http.connect_timeout http.total_timeout"' in daemon.reload()


# ---- replays

def test_a_replay_can_be_tried_dry_watched_and_canceled(daemon, sandbox):
    sandbox.fault("status", "webhook", times=15, status=422)
    docs = [lead("webhook") for _ in range(15)]
    daemon.send_all(docs)
    daemon.wait_states(dead=15)
    wanted = {"filter": {"crm": "webhook", "blame": "lead"}}
    assert daemon.operate("POST", "/v1/replays", {**wanted, "dry_run": True})["total"] == 15
    assert len(daemon.deliveries(state="dead")) == 15
    replay = daemon.operate("POST", "/v1/replays", wanted, 202)
    assert replay["total"] == 15
    for _ in range(4):
        n = len(daemon.deliveries(state="delivered"))
        daemon.advance(6000)
        wait_until(lambda: len(daemon.deliveries(state="delivered")) > n)
    canceled = daemon.operate("DELETE", f"/v1/replays/{replay['id']}")
    assert canceled["canceled"]
    now = daemon.operate("GET", f"/v1/replays/{replay['id']}")
    assert now["waiting"] == 0 and now["delivered"] + now["dead"] == 15 and 4 <= now["delivered"] <= 7, now
    daemon.advance(10 * MINUTE)
    assert len(daemon.deliveries(state="delivered")) == now["delivered"]


def test_fresh_leads_go_before_replays(daemon, sandbox):
    sandbox.fault("status", "webhook", times=5, status=422)
    old = [lead("webhook") for _ in range(5)]
    daemon.send_all(old)
    daemon.wait_states(dead=5)
    daemon.operate("POST", "/v1/replays", {"filter": {"crm": "webhook"}}, 202)
    wait_until(lambda: len(daemon.deliveries(state="delivered")) == 1, what="the first of them")
    fresh = [lead("webhook") for _ in range(5)]
    daemon.send_all(fresh)
    for doc in fresh:
        daemon.wait_for(doc, "delivered")
    assert len(daemon.deliveries(state="delivered")) == 6, "the other replays wait for their minute"
