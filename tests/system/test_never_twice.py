# SPDX-License-Identifier: Apache-2.0
"""One record per lead and one contact per caller, whatever happens to the answer."""
import json

import pytest

from crms import CRMS as KNOWN
from rig import MINUTE, SECOND, lead, marked, phone, wait_until

CRMS = list(KNOWN)
WITH_CALLERS = [name for name, crm in KNOWN.items() if crm.people]
CREATES = {name: crm.create for name, crm in KNOWN.items()}
# What may become of a request that creates: what the sandbox calls it, and whether the CRM did it.
ENDS = {"error": False, "error_after": True, "cut": True, "timeout_before": False, "timeout_after": True,
        "close_before": False, "close_after": True, "oversized": True, "cut_json": True, "empty": True}


def one_of_each(sandbox, crm, doc):
    """Exactly one record of the lead and one of its caller."""
    if crm == "webhook":
        assert [r["id"] for r in sandbox.records("webhook", "received")].count(doc["event_id"]) == 1
        return
    people, things = KNOWN[crm].people, KNOWN[crm].things
    found = marked(sandbox.records(crm, things), doc["event_id"])
    assert len(found) == 1, f"{len(found)} {things}"
    if people is None:
        return
    found = [r for r in sandbox.records(crm, people) if doc["contact"]["phone"][2:] in json.dumps(r)]
    assert len(found) == 1, f"{len(found)} {people}"


def until_delivered(daemon, doc, tries=8):
    """Move the clock from due time to due time."""
    for _ in range(tries):
        row = wait_until(lambda: (r := daemon.delivery(doc))["state"] not in ("in_hand",) and r)
        if row["state"] == "delivered":
            return row
        assert row["state"] == "due", f"{row}\n{daemon.attempts(doc)}"
        daemon.advance_to(row["due_ms"])
        wait_until(lambda: daemon.delivery(doc)["gen"] > row["gen"])
    return daemon.wait_for(doc, "delivered")


@pytest.fixture
def impatient(idle):
    """Gives up on an answer after 300 ms."""
    idle.options["http"].update(connect_timeout="300 ms", total_timeout="300 ms")
    return idle.start()


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("crm", CRMS)
def test_a_create_whose_end_nobody_knows_is_looked_up_first(impatient, sandbox, crm, end):
    sandbox.fault(end, crm, CREATES[crm])
    doc = lead(crm)
    impatient.send(doc)
    first = impatient.wait_attempts(doc, 1)
    creates = [r for r in sandbox.requests(crm) if r.get("fault")]
    assert len(creates) == 1
    if first["state"] != "delivered":  # a plugin may know from a 2xx without a body that it happened
        assert impatient.attempts(doc)[0]["outcome"] in ("unknown", "retry")
        until_delivered(impatient, doc)
    one_of_each(sandbox, crm, doc)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("crm, step", [("hubspot", "POST /crm/objects/*/notes"), ("pipedrive", "POST */leads"), ("pipedrive", "POST */notes")])
def test_a_later_step_whose_end_nobody_knows_happens_once(impatient, sandbox, crm, step, end):
    sandbox.fault(end, crm, step)
    doc = lead(crm)
    impatient.send(doc)
    until_delivered(impatient, doc)
    one_of_each(sandbox, crm, doc)
    assert len(marked(sandbox.records(crm, "notes"), doc["event_id"])) == 1


@pytest.mark.parametrize("crm", CRMS)
def test_unknown_ends_again_and_again(impatient, sandbox, crm):
    for end in ("timeout_after", "close_after", "error_after", "cut"):
        sandbox.fault(end, crm, CREATES[crm])
        sandbox.fault(end, crm, "POST *search*" if crm == "hubspot" else "GET *")
    doc = lead(crm)
    impatient.send(doc)
    until_delivered(impatient, doc)
    one_of_each(sandbox, crm, doc)


# ---- what can be neither looked up nor repeated

@pytest.fixture
def mailing(idle, sandbox):
    """A plugin whose one step asks a person when it is in doubt."""
    idle.connect("one_mail")
    return idle


def mails(sandbox):
    return [r for r in sandbox.requests("webhook") if r["path"].endswith("/unsigned/main")]


def test_a_mail_in_doubt_asks_a_person_and_is_never_sent_again(mailing, sandbox):
    daemon, doc = mailing.start(), lead("one_mail")
    sandbox.fault("close_after", "webhook", "POST /unsigned/main")
    daemon.send(doc)
    row = daemon.wait_for(doc, "dead")
    assert "may have arrived" in row["reason"] and "doubt_ms" in row["progress"]["mail"]
    daemon.operate("POST", f"/v1/dead-letters/{row['id']}/replay")
    daemon.advance(7 * SECOND)
    wait_until(lambda: daemon.delivery(doc)["gen"] > row["gen"] + 1)
    daemon.wait_for(doc, "dead")
    assert len(mails(sandbox)) == 1
    daemon.operate("POST", f"/v1/dead-letters/{row['id']}/done", {"note": "it is in the inbox"})
    assert daemon.delivery(doc)["state"] == "discarded"


def test_a_mail_that_was_about_to_leave_at_a_crash_asks_a_person(mailing, sandbox):
    daemon, doc = mailing.start(CSRELAY_CRASH_AT="before-send"), lead("one_mail")
    try:
        daemon.send(doc)
    except ConnectionError:
        pass  # it died first
    assert daemon.process.wait(10) == -9
    daemon.start()
    row = daemon.wait_for(doc, "dead")
    assert "may have arrived" in row["reason"], "the mark was on disk before the request could leave"
    assert not mails(sandbox)


def test_a_mail_that_cannot_have_left_is_sent(mailing, sandbox):
    daemon, doc = mailing.start(), lead("one_mail")
    sandbox.fault("429", "webhook", "POST /unsigned/main", retry_after=10)
    daemon.send(doc)
    until_delivered(daemon, doc)
    assert [r["status"] for r in mails(sandbox)] == [429, 200], "a clear refusal leaves no doubt"


# ---- what a crash leaves behind

def test_a_receipt_is_on_disk_while_the_next_step_is_under_way(daemon, sandbox):
    sandbox.fault("latency", "hubspot", "POST /crm/objects/*/notes", latency_ms=2000)
    doc = lead("hubspot")
    daemon.send(doc)
    contact, = wait_until(lambda: sandbox.records("hubspot", "contacts"))
    wait_until(lambda: sandbox.records("hubspot", "notes"), what="the note is written; its answer is on its way")
    wait_until(lambda: "contact" in daemon.delivery(doc)["progress"])
    daemon.kill9()
    daemon.start()
    assert daemon.delivery(doc)["progress"]["contact"]["value"] == contact["id"]
    until_delivered(daemon, doc)
    one_of_each(sandbox, "hubspot", doc)
    assert len([r for r in sandbox.requests("hubspot") if "search" in r["path"]]) == 1, "the contact is not looked for again"


def test_only_what_was_in_hand_at_a_crash_is_in_doubt(daemon, sandbox):
    sandbox.fault("error", "hubspot", "POST *search*", times=1)
    waiting, flying = lead("hubspot"), lead("hubspot")
    daemon.send(waiting)
    daemon.wait_attempts(waiting, 1)
    sandbox.fault("latency", "hubspot", "POST *search*", latency_ms=2000)
    daemon.send(flying)
    wait_until(lambda: len([r for r in sandbox.requests("hubspot") if "search" in r["path"]]) == 2)
    daemon.kill9()
    daemon.start()
    assert not daemon.delivery(waiting)["doubt"] and daemon.delivery(flying)["doubt"]
    assert "in_doubt=1" in daemon.log()
    for doc in (waiting, flying):
        until_delivered(daemon, doc)
        one_of_each(sandbox, "hubspot", doc)


# ---- how each CRM finds out

def test_the_look_up_waits_until_the_search_index_has_caught_up(daemon, sandbox):
    sandbox.fault("close_after", "hubspot", CREATES["hubspot"])
    doc = lead("hubspot")
    daemon.send(doc)
    row = daemon.wait_attempts(doc, 1)
    created = sandbox.records("hubspot", "contacts")[0]["created_ms"]
    assert row["due_ms"] >= created + 30 * SECOND, "HubSpot's index lags 30 s"
    assert "doubt_ms" in row["progress"]["contact"]
    daemon.operate("POST", f"/v1/deliveries/{row['id']}/retry")  # even when somebody is in a hurry
    wait_until(lambda: daemon.delivery(doc)["gen"] >= row["gen"] + 3)  # due, taken, handed back
    assert daemon.delivery(doc)["due_ms"] >= created + 30 * SECOND
    until_delivered(daemon, doc)
    one_of_each(sandbox, "hubspot", doc)


@pytest.mark.parametrize("rig", [{"lag_ms": 3_600_000}], indirect=True)
def test_a_conflict_is_a_find_where_search_shows_nothing(rig, daemon, sandbox):
    """Two connections into one HubSpot account: neither remembers the other's contact, and the index is an hour behind."""
    daemon.connect("hubspot", "second", tenant="main", crm_account_id="two")
    daemon.crms["hubspot"]["main"]["crm_account_id"] = "one"
    daemon.reload()
    number = phone()
    for account in ("one", "two"):
        doc = lead("hubspot", number=number, email="maria@example.com", routing={"crm_account_id": account})
        daemon.send(doc)
        daemon.wait_for(doc, "delivered")
        assert len(marked(sandbox.records("hubspot", "notes"), doc["event_id"])) == 1
    assert len(sandbox.records("hubspot", "contacts")) == 1
    assert any(r["status"] == 409 for r in sandbox.requests("hubspot"))


def test_a_webhook_repeat_has_the_same_id_a_new_timestamp_and_a_good_signature(impatient, sandbox):
    sandbox.fault("timeout_after", "webhook", times=1)
    sandbox.fault("error_after", "webhook", times=1)
    doc = lead("webhook")
    impatient.send(doc)
    until_delivered(impatient, doc)
    sent = sandbox.requests("webhook")
    assert len(sent) == 3 and {r["headers"]["webhook-id"] for r in sent} == {doc["event_id"]}
    stamps = [int(r["headers"]["webhook-timestamp"]) for r in sent]
    assert stamps == sorted(set(stamps)), "each its own"
    assert all(r["status"] != 401 for r in sent), "the sandbox checks the signature"
    record, = sandbox.records("webhook", "received")
    assert record["repeats"] == 2 and record["doc"]


@pytest.mark.parametrize("crm", CRMS)
def test_a_kept_connection_that_dies_with_the_request_is_not_tried_again_by_the_library(daemon, sandbox, crm):
    warm = lead(crm)
    daemon.send(warm)
    daemon.wait_for(warm, "delivered")  # the connection is open now, and is used again
    sandbox.fault("close_after", crm, CREATES[crm])
    before = len(sandbox.requests(crm))
    doc = lead(crm)
    daemon.send(doc)
    row = daemon.wait_attempts(doc, 1)
    posts = [r for r in sandbox.requests(crm)[before:] if r["method"] == "POST" and r.get("fault")]
    assert len(posts) == 1
    assert row["state"] == "due" and daemon.attempts(doc)[0]["outcome"] == "unknown"
    until_delivered(daemon, doc)
    one_of_each(sandbox, crm, doc)


# ---- callers

@pytest.mark.parametrize("crm", WITH_CALLERS)
def test_fifty_leads_from_one_new_caller_are_one_customer_and_fifty_leads(daemon, sandbox, crm):
    people, things = KNOWN[crm].people, KNOWN[crm].things
    number = phone()
    docs = [lead(crm, number=number) for _ in range(50)]
    daemon.send_all(docs)
    daemon.wait_delivered(50)
    assert len(sandbox.records(crm, people)) == 1
    assert len(sandbox.records(crm, things)) == 50
    for doc in docs:
        assert len(marked(sandbox.records(crm, things), doc["event_id"])) == 1


def test_the_next_lead_of_a_caller_knows_the_contact_of_one_that_has_yet_to_arrive(daemon, sandbox):
    """The note of the first fails, so it is not delivered; the contact is there, and search does not show it yet."""
    sandbox.fault("error", "hubspot", "POST /crm/objects/*/notes")
    first = lead("hubspot")
    second = lead("hubspot", number=first["contact"]["phone"])
    daemon.send(first)
    daemon.wait_attempts(first, 1)
    daemon.send(second)
    until_delivered(daemon, second)
    until_delivered(daemon, first)
    assert len(sandbox.records("hubspot", "contacts")) == 1
    assert len(sandbox.records("hubspot", "notes")) == 2


@pytest.mark.parametrize("crm", WITH_CALLERS)
def test_the_next_lead_of_a_caller_waits_while_it_is_in_doubt_whether_the_caller_was_created(daemon, sandbox, crm):
    sandbox.fault("close_after", crm, CREATES[crm])
    first = lead(crm)
    second = lead(crm, number=first["contact"]["phone"], urgency="emergency")
    daemon.send(first)
    daemon.wait_attempts(first, 1)
    daemon.send(second)
    until_delivered(daemon, second)
    until_delivered(daemon, first)
    assert len(sandbox.records(crm, KNOWN[crm].people)) == 1
    for doc in (first, second):
        one_of_each(sandbox, crm, doc)


def test_the_callers_waiting_behind_a_lead_survive_the_opening_of_the_breaker(daemon, sandbox):
    """The ones in line go back to the store with the one that failed."""
    sandbox.fault("error", "housecall_pro", times=-1)
    number = phone()
    docs = [lead("housecall_pro", number=number) for _ in range(30)]
    daemon.send_all(docs)
    wait_until(lambda: "keeps failing" in daemon.log(), what="the breaker opens")
    sandbox.heal()
    for _ in range(100):
        if len(daemon.deliveries(state="delivered")) == 30:
            break
        daemon.advance(10 * SECOND)
        wait_until(lambda: not daemon.deliveries(state="in_hand") or daemon.advance(SECOND))
    daemon.wait_states(delivered=30)
    assert len(sandbox.records("housecall_pro", "customers")) == 1
    assert len(sandbox.records("housecall_pro", "leads")) == 30


# ---- doubt that outlives its delivery

def test_doubt_survives_the_dead_letter_and_its_replay(daemon, sandbox):
    sandbox.fault("close_after", "housecall_pro", "POST /leads")
    doc = lead("housecall_pro")
    daemon.send(doc)
    daemon.wait_attempts(doc, 1)
    sandbox.fault("error", "housecall_pro", times=-1)
    for _ in range(6):
        row = daemon.delivery(doc)
        daemon.advance_to(row["due_ms"])
        wait_until(lambda: daemon.delivery(doc)["gen"] > row["gen"] + 1 or daemon.delivery(doc)["state"] == "dead")
        if wait_until(lambda: (r := daemon.delivery(doc))["state"] != "in_hand" and r)["state"] == "dead":
            break
    row = daemon.wait_for(doc, "dead")
    assert "doubt_ms" in row["progress"]["lead"]
    daemon.restart()
    sandbox.heal()
    daemon.operate("POST", f"/v1/dead-letters/{row['id']}/replay")
    daemon.wait_for(doc, "delivered")
    one_of_each(sandbox, "housecall_pro", doc)
    assert len([r for r in sandbox.requests("housecall_pro") if r["method"] == "POST" and r["path"].endswith("/leads")]) == 1


def test_done_by_hand_clears_the_doubt(daemon, sandbox):
    sandbox.fault("close_after", "housecall_pro", "POST /leads")
    sandbox.fault("status", "housecall_pro", "GET /leads*", status=422)
    doc = lead("housecall_pro")
    daemon.send(doc)
    row = daemon.wait_attempts(doc, 1)
    daemon.advance_to(row["due_ms"])
    row = daemon.wait_for(doc, "dead")
    assert "lead" in row["progress"]
    daemon.operate("POST", f"/v1/dead-letters/{row['id']}/done", {"note": "seen in the inbox"})
    row = daemon.delivery(doc)
    assert (row["state"], row["doubt"]) == ("discarded", 0)
    daemon.advance(10 * MINUTE)
    one_of_each(sandbox, "housecall_pro", doc)


def test_what_is_on_its_way_can_be_neither_replayed_nor_discarded(daemon, sandbox):
    sandbox.fault("latency", "webhook", latency_ms=400)
    doc = lead("webhook")
    daemon.send(doc)
    wait_until(lambda: sandbox.requests("webhook"))
    row = daemon.delivery(doc)
    for path in (f"/v1/dead-letters/{row['id']}/replay", f"/v1/dead-letters/{row['id']}/discard",
                 f"/v1/deliveries/{row['id']}/retry"):
        assert daemon.control("POST", path, {}).status in (404, 409), path
    daemon.wait_for(doc, "delivered")
    assert len(sandbox.requests("webhook")) == 1
