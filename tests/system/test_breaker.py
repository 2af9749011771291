# SPDX-License-Identifier: Apache-2.0
"""A CRM that answers 500 for eight hours: rest, probes, dead letters at the promised time, and all of it back afterwards."""
import pytest

from rig import HOUR, MINUTE, SECOND, lead, wait_until

PROMISE = 30 * SECOND + 2 * MINUTE + 10 * MINUTE + HOUR + 6 * HOUR  # when the last retry would have been
JITTER = 10 * SECOND + 20 * SECOND + MINUTE + 10 * MINUTE + 30 * MINUTE


def settle(daemon):
    assert daemon.settle(), "something stays in hand"


def pass_time(daemon, ms, step):
    for _ in range(ms // step):
        daemon.advance(step)
        settle(daemon)


def probes(sandbox, crm):
    """When requests reached the CRM, in seconds since the first."""
    times = [r["at_ms"] for r in sandbox.requests(crm)]
    return [(t - times[0]) / 1000 for t in times]


def test_eight_hours_of_500(idle, sandbox):
    for name in ("one", "two"):
        idle.connect("webhook", name, crm_account_id=name)
    del idle.crms["webhook"]["main"]
    daemon = idle.start()
    outage = sandbox.fault("error", "webhook", times=-1, tenant="one")

    docs = []
    for n in range(40):
        docs.append(lead("webhook", "emergency" if n % 8 == 7 else "flexible", routing={"crm_account_id": "one"}))
        daemon.send(docs[-1])
        if n == 20:
            pass_time(daemon, 10 * MINUTE, MINUTE)
    wait_until(lambda: "connection keeps failing" in daemon.log(), what="the breaker opens")
    settle(daemon)

    # The others go on meanwhile: another connection of the same CRM, and other CRMs.
    for crm, routing in (("webhook", {"crm_account_id": "two"}), ("hubspot", {}), ("housecall_pro", {})):
        other = lead(crm, routing=routing)
        daemon.send(other)
        daemon.wait_for(other, "delivered")

    # Probes: one at a time, at growing intervals of at most ten minutes.
    before = len(sandbox.requests("webhook"))
    pass_time(daemon, HOUR, MINUTE)
    sent = sandbox.requests("webhook")[before:]
    assert 5 <= len(sent) <= 16, f"{len(sent)} probes in an hour"
    gaps = [b["at_ms"] - a["at_ms"] for a, b in zip(sent, sent[1:])]
    assert max(gaps) <= 12 * MINUTE and gaps[-1] >= 9 * MINUTE, gaps
    assert not daemon.deliveries(state="dead"), "too early for that"

    # Every one becomes a dead letter when the schedule promised, sent or not.
    pass_time(daemon, 6 * HOUR + 10 * MINUTE, 10 * MINUTE)
    pass_time(daemon, HOUR, MINUTE)
    dead = daemon.deliveries(state="dead")
    assert len(dead) == 40
    for row in dead:
        after = row["done_ms"] - row["created_ms"]
        assert PROMISE - JITTER <= after <= PROMISE + JITTER + 10 * MINUTE, f"{after / HOUR} h: {row}"
        assert row["blame"] == "crm" and row["reason"]
    unsent = [row for row in dead if row["attempts"] == 0]
    assert unsent, "what was not sent was not charged"
    for row in unsent:
        assert PROMISE <= row["done_ms"] - row["created_ms"] <= PROMISE + 2 * MINUTE, row
    assert [a["key"].split("/")[0] for a in daemon.alerts() if not a["recovered_ms"]] == ["dead-letters"], "one alert"

    # It is well again: the next lead finds that out, and the dead letters follow by themselves, ten a minute, emergencies first.
    sandbox.heal(outage)
    pass_time(daemon, 10 * MINUTE, MINUTE)
    assert len(daemon.deliveries(state="dead")) == 40, "nobody knows yet"
    fresh = lead("webhook", routing={"crm_account_id": "one"})
    daemon.send(fresh)
    daemon.wait_for(fresh, "delivered")
    wait_until(lambda: not daemon.deliveries(state="dead"), what="they are in the queue again")
    order, urgent = [], {d["event_id"] for d in docs if d["service_request"]["urgency"] == "emergency"}
    for _ in range(60):
        settle(daemon)
        now = [r["event_id"] for r in daemon.deliveries(state="delivered") if r["event_id"] in {d["event_id"] for d in docs}]
        new = [e for e in now if e not in order]
        assert len(new) <= 2, "at most ten a minute"
        order += new
        if len(order) == 40:
            break
        daemon.advance(6 * SECOND)
        wait_until(lambda: len(daemon.deliveries(state="delivered")) > 4 + len(order), what="the next goes out")
    assert set(order[:5]) == urgent
    wait_until(lambda: all(a["recovered_ms"] for a in daemon.alerts()), what="the alert is taken back")
    got = [r["id"] for r in sandbox.records("webhook", "received", "one")]
    assert sorted(got) == sorted([d["event_id"] for d in docs] + [fresh["event_id"]])


def test_the_first_success_wakes_everything_at_once(daemon, sandbox):
    outage = sandbox.fault("error", "webhook", times=-1)
    docs = [lead("webhook") for _ in range(20)]
    for doc in docs:
        daemon.send(doc)
    wait_until(lambda: "keeps failing" in daemon.log())
    settle(daemon)
    waiting = [r for r in daemon.deliveries(state="due") if r["attempts"] == 0]
    sandbox.heal(outage)
    daemon.advance(10 * MINUTE)
    daemon.wait_states(delivered=20)
    assert "connection works again" in daemon.log()
    assert len(sandbox.requests("webhook")) <= 40 + len(waiting)


def test_a_crm_that_fails_for_everybody_rests_as_a_whole(idle, sandbox):
    for n in range(8):
        idle.connect("webhook", f"c{n}", crm_account_id=f"c{n}")
    daemon = idle.start()
    sandbox.fault("error", "webhook", times=-1)
    for n in range(8):
        daemon.send(lead("webhook", routing={"crm_account_id": f"c{n}"}))
    wait_until(lambda: "CRM keeps failing" in daemon.log(), what="the CRM's own breaker opens")
    settle(daemon)
    quiet = len(sandbox.requests("webhook"))
    for n in range(8):
        daemon.send(lead("webhook", routing={"crm_account_id": f"c{n}"}))
    wait_until(lambda: len(daemon.deliveries()) == 16)
    assert len(sandbox.requests("webhook")) == quiet, "nothing new is sent"
    other = lead("hubspot")
    daemon.send(other)
    daemon.wait_for(other, "delivered")
    sandbox.heal()
    pass_time(daemon, 20 * MINUTE, MINUTE)
    daemon.wait_states(delivered=17)


def test_a_whole_crm_down_for_eight_hours_keeps_the_promise_for_every_connection(idle, sandbox):
    for n in range(6):
        idle.connect("housecall_pro", f"c{n}", crm_account_id=f"c{n}")
    daemon = idle.start()
    outage = sandbox.fault("error", "housecall_pro", times=-1)
    docs = []
    for n in range(24):
        number = docs[0]["contact"]["phone"] if n % 6 == 0 and docs else None  # some share a caller
        docs.append(lead("housecall_pro", ["emergency", "flexible"][n % 2], number=number, routing={"crm_account_id": f"c{n % 6}"}))
        daemon.send(docs[-1])
    pass_time(daemon, 8 * HOUR, 10 * MINUTE)
    daemon.wait_states(dead=24)
    for row in daemon.deliveries():
        assert PROMISE - JITTER <= row["done_ms"] - row["created_ms"] <= PROMISE + JITTER + 20 * MINUTE, row
    sandbox.heal(outage)
    for n in range(6):
        daemon.send(lead("housecall_pro", routing={"crm_account_id": f"c{n}"}))
    pass_time(daemon, 20 * MINUTE, 2 * MINUTE)
    for _ in range(30):
        pass_time(daemon, 12 * SECOND, 6 * SECOND)
        if len(daemon.deliveries(state="delivered")) == 30:
            break
    daemon.wait_states(delivered=30)
    for doc in docs:
        assert len([r for r in sandbox.records("housecall_pro", "leads") if doc["event_id"] in str(r)]) == 1


def test_refusals_do_not_open_the_breaker(daemon, sandbox):
    sandbox.fault("status", "webhook", times=20, status=422)
    docs = [lead("webhook") for _ in range(20)]
    daemon.send_all(docs)
    daemon.wait_states(dead=20)
    doc = lead("webhook")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    assert "keeps failing" not in daemon.log()
    alert, = daemon.alerts()
    assert alert["key"].startswith("dead-letters/")
    wait_until(lambda: daemon.alerts()[0]["recovered_ms"])
    assert len(daemon.deliveries(state="dead")) == 20, "what is blamed on the lead waits for a person"


@pytest.mark.parametrize("crm", ["hubspot", "housecall_pro"])
def test_leads_wait_two_minutes_for_a_crm_that_is_gone_and_arrive(daemon, sandbox, crm):
    outage = sandbox.fault("close_before", crm, times=-1)
    docs = [lead(crm) for _ in range(12)]
    daemon.send_all(docs)
    pass_time(daemon, 2 * MINUTE, 15 * SECOND)
    assert not daemon.deliveries(state="delivered")
    sandbox.heal(outage)
    pass_time(daemon, 15 * MINUTE, MINUTE)
    daemon.wait_states(delivered=12)
    things = {"hubspot": "notes", "housecall_pro": "leads"}[crm]
    assert len(sandbox.records(crm, things)) == 12
