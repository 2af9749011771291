# SPDX-License-Identifier: Apache-2.0
"""The outcome table: done, retry, unknown, wait, reauth, reject, on the clock that each of them promises."""
import base64
import http.server
import json
import threading

import pytest

from crms import CRMS as KNOWN
from rig import HOUR, INTAKE_SECRETS, MINUTE, SECOND, WEBHOOK_SECRET, lead, marked, sign, wait_until

SCHEDULE = [(30 * SECOND, 10 * SECOND), (2 * MINUTE, 20 * SECOND), (10 * MINUTE, MINUTE), (HOUR, 10 * MINUTE),
            (6 * HOUR, 30 * MINUTE)]
CRMS = ["hubspot", "housecall_pro", "webhook"]
CREATES = {name: KNOWN[name].create for name in CRMS}
FIRST = {"hubspot": "POST *search*", "housecall_pro": "GET /customers*", "webhook": "POST *"}  # asked for every lead
HELD = {"hubspot": ("hubspot", "contacts"), "housecall_pro": ("housecall_pro", "leads"), "webhook": ("webhook", "received")}


def held(sandbox, crm, doc=None):
    """What the CRM holds (of this lead)."""
    records = sandbox.records(*HELD[crm])
    if doc is None:
        return records
    if crm == "hubspot":
        return [r for r in records if r["doc"]["properties"].get("phone") == doc["contact"]["phone"]]
    return marked(records, doc["event_id"])


# ---- done

@pytest.mark.parametrize("crm", CRMS)
def test_done(daemon, sandbox, crm):
    doc = lead(crm)
    daemon.send(doc)
    row = daemon.wait_for(doc, "delivered")
    assert len(held(sandbox, crm, doc)) == 1
    assert (row["attempts"], row["blame"], row["progress"]) == (1, "none", {})
    if crm != "webhook":
        ids = {r["id"] for r in json.loads(row["records"])}
        assert held(sandbox, crm, doc)[0]["id"] in ids
    attempt, = daemon.attempts(doc)
    assert attempt["outcome"] == "done" and attempt["exchanges"]


def test_links_older_than_a_day_are_renewed_before_the_lead_goes_out(idle, sandbox):
    asked = []

    class CallSetter(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            body = json.dumps({"recording_url": "https://fresh.example/r.mp3", "transcript_url": "https://fresh.example/t"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), CallSetter) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        idle.options["callsetter"] = {"url_refresh": f"http://127.0.0.1:{port}/urls", "secret": idle.secret("cs", INTAKE_SECRETS[0])}
        idle.options["http"]["allow"].append(f"127.0.0.1:{port}")
        daemon, doc = idle.start(), lead("hubspot")
        daemon.send(doc)
        daemon.wait_for(doc, "delivered")
        server.shutdown()
    headers, body = asked[0]
    assert json.loads(body) == {"event_id": doc["event_id"], "call_id": doc["call"]["call_id"]}
    good = sign(INTAKE_SECRETS[0], body, headers["webhook-id"], headers["webhook-timestamp"])
    assert headers["webhook-signature"] == good["webhook-signature"]
    note = sandbox.records("hubspot", "notes")[0]["doc"]["properties"]["hs_note_body"]
    assert "https://fresh.example/r.mp3" in note and "storage.callsetter.ai" not in note


def test_a_lead_that_cannot_be_signed_needs_the_owner_and_goes_out_with_both_signatures_then(idle, sandbox):
    idle.crms["webhook"]["main"]["secrets"] = {}
    daemon, doc = idle.start(), lead("webhook")
    daemon.send(doc)
    row = daemon.wait_for(doc, "dead")
    assert "set signing_secret" in row["reason"] and row["blame"] == "credential"
    assert daemon.connection("webhook")["state"] == "needs_reauth"
    assert not sandbox.requests("webhook"), "nothing is sent unsigned"
    new = "whsec_" + base64.b64encode(b"the secret that is to replace it").decode()
    daemon.connect("webhook", "main", secrets={"signing_secret": new, "signing_secret_old": WEBHOOK_SECRET})
    daemon.reload()
    daemon.wait_for(doc, "delivered")
    request, = sandbox.requests("webhook")
    h, text = request["headers"], json.dumps(doc).encode()
    assert h["webhook-signature"] == " ".join(sign(s, text, h["webhook-id"], h["webhook-timestamp"])["webhook-signature"] for s in (new, WEBHOOK_SECRET))


# ---- retry

@pytest.mark.parametrize("crm", CRMS)
def test_a_failing_crm_is_tried_as_scheduled_and_then_the_lead_is_a_dead_letter(daemon, sandbox, crm):
    sandbox.fault("error", crm, times=-1)
    doc = lead(crm)
    daemon.send(doc)
    for n, (interval, spread) in enumerate(SCHEDULE, 1):
        row = daemon.wait_attempts(doc, n)
        assert row["state"] == "due" and row["attempts"] == n
        last = daemon.attempts(doc)[-1]
        assert abs(row["due_ms"] - last["ended_ms"] - interval) <= spread + 50, f"retry {n}"
        daemon.advance_to(row["due_ms"] - SECOND)
        assert len(daemon.attempts(doc)) == n, "nothing is sent early"
        daemon.advance_to(row["due_ms"])
    row = daemon.wait_for(doc, "dead")
    assert row["attempts"] == 6 and row["blame"] == "crm" and "last retry" in row["reason"]
    attempts = daemon.attempts(doc)
    assert [a["number"] for a in attempts] == [1, 2, 3, 4, 5, 6]
    assert all(a["status"] == 500 and a["exchanges"][0]["answer"] for a in attempts)
    assert not held(sandbox, crm, doc)


def test_a_crm_that_cannot_be_reached_leaves_no_doubt(idle, sandbox):
    idle.crms["webhook"]["main"]["settings"]["url"] = "http://127.0.0.1:9/nobody"
    idle.options["http"]["allow"].append("127.0.0.1:9")
    daemon, doc = idle.start(), lead("webhook")
    daemon.send(doc)
    row = daemon.wait_attempts(doc, 1)
    assert (row["state"], row["blame"], row["doubt"]) == ("due", "crm", 0)
    attempt, = daemon.attempts(doc)
    assert attempt["outcome"] == "retry" and attempt["exchanges"][0]["fault"] == "connect"
    assert attempt["exchanges"][0]["sent"] is False


def test_a_time_out_of_a_question_is_a_retry(idle, sandbox):
    idle.options["http"].update(connect_timeout="200 ms", total_timeout="200 ms")
    daemon, doc = idle.start(), lead("hubspot")
    sandbox.fault("timeout_before", "hubspot", "POST *search*")
    daemon.send(doc)
    row = daemon.wait_attempts(doc, 1)
    assert daemon.attempts(doc)[0]["outcome"] == "retry" and not row["progress"]
    daemon.advance_to(row["due_ms"])
    daemon.wait_for(doc, "delivered")


def test_retry_now_does_not_wait_for_the_schedule(daemon, sandbox):
    sandbox.fault("error", "webhook")
    doc = lead("webhook")
    daemon.send(doc)
    row = daemon.wait_attempts(doc, 1)
    daemon.operate("POST", f"/v1/deliveries/{row['id']}/retry")
    daemon.wait_for(doc, "delivered")


# ---- wait

@pytest.mark.parametrize("crm", CRMS)
def test_a_429_with_retry_after_is_honoured_in_full_and_spends_no_attempt(daemon, sandbox, crm):
    sandbox.fault("429", crm, FIRST[crm], retry_after=100)
    doc = lead(crm)
    daemon.send(doc)
    row = daemon.wait_attempts(doc, 1)
    waited, = daemon.attempts(doc)
    assert waited["outcome"] == "wait" and waited["status"] == 429
    assert row["attempts"] == 0 and row["state"] == "due"
    assert 100 * SECOND <= row["due_ms"] - waited["ended_ms"] + 50 <= 111 * SECOND
    daemon.advance_to(row["due_ms"] - SECOND)
    assert daemon.delivery(doc)["state"] == "due"
    daemon.advance_to(row["due_ms"])
    assert daemon.wait_for(doc, "delivered")["attempts"] == 1


@pytest.mark.parametrize("crm", CRMS)
def test_a_429_without_retry_after_waits_a_little(daemon, sandbox, crm):
    sandbox.fault("429", crm, FIRST[crm])
    doc = lead(crm)
    daemon.send(doc)
    row = daemon.wait_attempts(doc, 1)
    assert row["attempts"] == 0
    assert SECOND <= row["due_ms"] - daemon.attempts(doc)[0]["ended_ms"] <= 2 * MINUTE
    daemon.advance_to(row["due_ms"])
    daemon.wait_for(doc, "delivered")


def test_a_429_does_not_overwrite_the_attempt_before_it(daemon, sandbox):
    sandbox.fault("error", "webhook", times=1)
    sandbox.fault("429", "webhook", times=2, retry_after=60)
    doc = lead("webhook")
    daemon.send(doc)
    for n in (1, 2, 3):
        row = daemon.wait_attempts(doc, n)
        daemon.advance_to(row["due_ms"])
    daemon.wait_for(doc, "delivered")
    assert [a["outcome"] for a in daemon.attempts(doc)] == ["unknown", "wait", "wait", "done"]


def test_waiting_for_a_day_ends_as_a_dead_letter_blamed_on_the_crm(daemon, sandbox):
    sandbox.fault("429", "hubspot", "POST *search*", times=-1, retry_after=3 * 3600)
    doc = lead("hubspot")
    daemon.send(doc)
    first = None
    for _ in range(12):
        wait_until(lambda: daemon.delivery(doc)["state"] in ("dead", "due"))
        row = daemon.delivery(doc)
        if row["state"] == "dead":
            break
        first = first or row["wait_since_ms"]
        assert row["attempts"] == 0
        waits = len(sandbox.requests("hubspot"))
        daemon.advance_to(row["due_ms"])
        wait_until(lambda: len(sandbox.requests("hubspot")) > waits)
        wait_until(lambda: daemon.delivery(doc)["gen"] > row["gen"] and daemon.delivery(doc)["state"] != "in_hand")
    row = daemon.wait_for(doc, "dead")
    assert (row["blame"], row["attempts"]) == ("crm", 0)
    assert 24 * HOUR <= row["done_ms"] - first <= 28 * HOUR


# ---- reauth

@pytest.mark.parametrize("crm", CRMS)
def test_a_lone_401_proves_nothing(daemon, sandbox, crm):
    sandbox.fault("401", crm, FIRST[crm])
    doc = lead(crm)
    daemon.send(doc)
    row = daemon.wait_for(doc, "delivered")
    assert row["attempts"] == 1
    assert daemon.connection(crm)["state"] == "connected"
    assert len(held(sandbox, crm, doc)) == 1


def test_dead_credentials_stop_the_connection_and_raise_one_alert(daemon, sandbox):
    sandbox.tokens("hubspot", "revoke", "main")
    docs = [lead("hubspot") for _ in range(3)]
    for doc in docs:
        daemon.send(doc)
        row = daemon.wait_for(doc, "dead")
        assert row["blame"] == "credential"
        wait_until(lambda: daemon.connection("hubspot")["state"] == "needs_reauth")
    assert daemon.deliveries(docs[1])[0]["attempts"] == 0, "what comes meanwhile is not even tried"
    alert, = daemon.alerts()
    assert alert["recovered_ms"] == 0 and "credential" in alert["text"]
    other = lead("housecall_pro")
    daemon.send(other)
    daemon.wait_for(other, "delivered")


def test_mended_credentials_bring_the_dead_letters_back_by_themselves(idle, sandbox):
    connection = idle.connect("hubspot", secrets={"access_token": "wrong"})
    daemon = idle.start()
    plain = [lead("hubspot") for _ in range(9)]
    urgent = [lead("hubspot", urgency="emergency") for _ in range(4)]
    for doc in plain + urgent:
        daemon.send(doc)
        daemon.wait_for(doc, "dead")
    wait_until(lambda: daemon.connection("hubspot")["state"] == "needs_reauth")
    connection["secrets"]["access_token"] = daemon.secret("mended", "sandbox-hubspot-main")
    daemon.reload()
    wait_until(lambda: daemon.connection("hubspot")["state"] == "connected")
    order = []
    for _ in range(40):
        wait_until(lambda: not daemon.deliveries(state="in_hand"))
        order += [r["event_id"] for r in daemon.deliveries(state="delivered") if r["event_id"] not in order]
        if len(order) == 13:
            break
        at_once = len(order)
        daemon.advance(6 * SECOND)
        wait_until(lambda: len(daemon.deliveries(state="delivered")) > at_once, what="ten a minute go out")
        assert len(daemon.deliveries(state="delivered")) <= at_once + 2, "and not more"
    assert len(order) == 13
    assert set(order[:4]) == {d["event_id"] for d in urgent}, "emergencies first"
    wait_until(lambda: [a["recovered_ms"] > 0 for a in daemon.alerts()] == [True], what="the alert is taken back")
    for doc in plain + urgent:
        assert len(held(sandbox, "hubspot", doc)) == 1


def test_an_alert_outlives_a_restart_and_is_taken_back_all_the_same(daemon, sandbox):
    sandbox.tokens("housecall_pro", "revoke", "main")
    doc = lead("housecall_pro")
    daemon.send(doc)
    daemon.wait_for(doc, "dead")
    wait_until(daemon.alerts, what="it is raised")
    sandbox.tokens("housecall_pro", "restore", "main")
    daemon.restart()  # as a reload: the operator may have mended it
    other = lead("housecall_pro")
    daemon.send(other)
    for d in (doc, other):
        daemon.wait_for(d, "delivered")
    wait_until(lambda: [a["recovered_ms"] > 0 for a in daemon.alerts()] == [True], what="the alert is taken back")


# ---- reject

@pytest.mark.parametrize("crm", CRMS)
def test_a_refused_lead_is_a_dead_letter_at_once_and_goes_out_when_fixed(daemon, sandbox, crm):
    sandbox.fault("status", crm, CREATES[crm], times=2, status=422, body='{"message": "phone is odd"}')
    doc = lead(crm)
    daemon.send(doc)
    row = daemon.wait_for(doc, "dead")
    assert (row["blame"], row["attempts"]) == ("lead", 1)
    assert daemon.connection(crm)["state"] == "connected"
    sandbox.heal()
    daemon.operate("POST", f"/v1/dead-letters/{row['id']}/fix", {"contact": {"first_name": "Marie"}})
    daemon.wait_for(doc, "delivered")
    assert len(held(sandbox, crm, doc)) == 1


def test_a_lead_kept_at_422_goes_out_when_fixed(daemon, sandbox):
    doc = lead("hubspot", call={"direction": "sideways"})
    daemon.send(doc, 422)
    row = daemon.delivery(doc)
    wrong = daemon.control("POST", f"/v1/dead-letters/{row['id']}/fix", {"call": {"direction": "up"}})
    assert wrong.status == 422 and "/call/direction" in wrong.pointers
    daemon.operate("POST", f"/v1/dead-letters/{row['id']}/fix", {"call": {"direction": "inbound"}})
    daemon.wait_for(doc, "delivered")
    assert len(held(sandbox, "hubspot", doc)) == 1


def test_what_is_not_allowed_is_blamed_on_the_connection(daemon, sandbox):
    sandbox.fault("status", "housecall_pro", "POST /leads", status=403, body='{"message": "plan without API"}')
    doc = lead("housecall_pro")
    daemon.send(doc)
    row = daemon.wait_for(doc, "dead")
    assert row["blame"] in ("connection", "credential"), row


def test_discarded_and_done_by_hand_are_the_end(daemon, sandbox):
    sandbox.fault("status", "webhook", status=422, times=2)
    docs = [lead("webhook"), lead("webhook")]
    for doc in docs:
        daemon.send(doc)
        daemon.wait_for(doc, "dead")
    for doc, how in zip(docs, ("discard", "done")):
        row = daemon.delivery(doc)
        daemon.operate("POST", f"/v1/dead-letters/{row['id']}/{how}", {"note": "typed it in"})
        row = daemon.delivery(doc)
        assert row["state"] == "discarded" and "typed it in" in row["reason"]
        assert daemon.control("POST", f"/v1/dead-letters/{row['id']}/replay", {}).status == 409


# ---- a plugin that answers nonsense

def test_an_outcome_that_does_not_exist_is_a_retry_and_the_plugins_fault(idle):
    idle.connect("bad_outcome")
    daemon, doc = idle.start(), lead("bad_outcome")
    daemon.send(doc)
    row = daemon.wait_attempts(doc, 1)
    assert (row["state"], row["attempts"], row["blame"]) == ("due", 1, "us")
    assert 20 * SECOND <= row["due_ms"] - daemon.attempts(doc)[0]["ended_ms"] <= 41 * SECOND
    assert "plugin=bad_outcome" in daemon.log()


@pytest.mark.parametrize("crm", ["hubspot", "housecall_pro"])
@pytest.mark.parametrize("kind", ["oversized", "html", "cut_json", "empty", "cut"])
def test_nonsense_for_an_answer_is_a_retry_and_not_a_caller_nobody_knows(daemon, sandbox, crm, kind):
    first, doc = lead(crm), lead(crm)
    doc["contact"] = first["contact"]
    daemon.send(first)
    daemon.wait_for(first, "delivered")
    daemon.advance(25 * HOUR)
    daemon.restart()  # what the caller left behind is forgotten, so it is searched for
    sandbox.fault(kind, crm, FIRST[crm])
    daemon.send(doc)
    row = daemon.wait_attempts(doc, 1)
    assert row["state"] == "due", row
    daemon.advance_to(row["due_ms"])
    daemon.wait_for(doc, "delivered")
    people = {"hubspot": "contacts", "housecall_pro": "customers"}[crm]
    assert len(sandbox.records(crm, people)) == 1
