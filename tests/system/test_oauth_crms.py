# SPDX-License-Identifier: Apache-2.0
"""Signing in at every CRM that offers it: one life of a grant for all, and what each of them does in its own way."""
import re
import urllib.parse

import pytest

from browser import Browser, sign_in
from crms import CRMS
from rig import ACCOUNT, MINUTE, SECOND, lead, wait_until

PUBLIC = "http://csrelay.test"
TENANT = "north"


def app(rig, crm, **shared):
    """A daemon whose operator has an app at that CRM, without a connection."""
    d = rig.daemon()
    d.options["public_url"] = PUBLIC
    d.crms = {crm: {}}
    base = rig.sandbox.url(crm)
    settings = {k: v.format(base=base) for k, v in CRMS[crm].sign_in.settings.items()}
    d.shared = {crm: {"settings": {"base_url": base, "client_id": "sandbox-client", **settings, **shared},
                      "secrets": {"client_secret": d.secret("client", "sandbox-secret")}}}
    return d.start()


@pytest.fixture(params=[name for name, row in CRMS.items() if row.sign_in])
def crm(request):
    return request.param


@pytest.fixture
def daemon(rig, crm):
    return app(rig, crm)


@pytest.fixture
def browser(daemon):
    return window(daemon)


def window(daemon):
    return Browser(PUBLIC, f"http://127.0.0.1:{daemon.port('admin')}")


def made(daemon, crm, **more):
    return daemon.operate("POST", "/v1/connections", {"crm": crm, "account": ACCOUNT, "timezone": "America/New_York", **more}, 201)["id"]


def connect(daemon, crm, tenant=TENANT, **more):
    """Made, signed in, confirmed. Its id."""
    conn = made(daemon, crm, **more)
    browser = sign_in(daemon, window(daemon), conn, tenant)
    assert browser.status == 200, browser.body
    daemon.operate("POST", f"/v1/connections/{conn}/confirm")
    return conn


def token_requests(sandbox, crm):
    return [r for r in sandbox.requests(crm) if r["method"] == "POST" and r["path"].split("?")[0].endswith("/token")]


def deliver(daemon, crm, n=1):
    """So many leads at once, with time going on as far as the CRM's limits ask for it."""
    docs = [lead(crm) for _ in range(n)]
    daemon.send_all(docs)

    ids = {d["event_id"] for d in docs}

    def done():
        states = [r["state"] for r in daemon.deliveries() if r["event_id"] in ids]
        assert "dead" not in states, [daemon.attempts(d) for d in docs if daemon.delivery(d)["state"] == "dead"][0]
        if states.count("delivered") < n and n > 1:
            daemon.advance(2 * SECOND)
        return states.count("delivered") == n
    wait_until(done, 150, f"{n} leads are delivered")
    return docs


def test_whoever_signs_in_is_named_and_leads_go_in_after_a_yes(daemon, browser, crm, sandbox):
    conn = made(daemon, crm)
    sign_in(daemon, browser, conn, TENANT)
    who = CRMS[crm].sign_in.name.format(tenant=TENANT)
    assert browser.status == 200 and re.search(f"Connected as {who}[.] Confirm in csrelay", browser.body), browser.body
    assert daemon.operate("GET", f"/v1/connections/{conn}")["state"] == "pending"
    doc = lead(crm)
    daemon.send(doc)
    assert "not confirmed" in daemon.delivery(doc)["reason"]
    daemon.operate("POST", f"/v1/connections/{conn}/confirm")
    daemon.wait_for(doc, "delivered")
    assert len(sandbox.records(crm, CRMS[crm].things, TENANT)) == 1
    assert len(token_requests(sandbox, crm)) == 1
    assert daemon.operate("POST", f"/v1/connections/{conn}/verify")["said"] == "connected"
    assert "sandbox-secret" not in daemon.log() and "at-" not in daemon.log() and "rt-" not in daemon.log()


def test_fifty_leads_on_an_expired_token_are_one_refresh_each_time(daemon, crm, sandbox):
    """A second time: with the refresh token that the first one gave. Whoever sends the old one again loses the grant there."""
    conn = connect(daemon, crm)
    deliver(daemon, crm)
    for asked in 2, 3:
        sandbox.tokens(crm, "expire")
        deliver(daemon, crm, 50 if asked == 2 else 1)
        assert len(token_requests(sandbox, crm)) == asked
    assert daemon.operate("GET", f"/v1/connections/{conn}")["state"] == "connected"
    assert len(sandbox.records(crm, CRMS[crm].things, TENANT)) == 52


def test_access_taken_away_is_said_with_the_next_step_and_leads_go_out_after_it(daemon, browser, crm, sandbox):
    conn = connect(daemon, crm)
    deliver(daemon, crm)
    daemon.settle()
    sandbox.tokens(crm, "revoke")
    docs = [lead(crm) for _ in range(3)]
    daemon.send_all(docs)
    wait_until(lambda: daemon.operate("GET", f"/v1/connections/{conn}")["state"] == "needs_reauth", what="the connection says so")
    assert daemon.wait_for(docs[0], "dead")["blame"] == "credential"
    action = daemon.operate("GET", f"/v1/connections/{conn}")["next_action"]
    assert f"csrelay connections authorize {conn}" in action["text"]
    assert daemon.log().count("key=reauth/") == 1
    sign_in(daemon, browser, conn, TENANT)
    assert browser.status == 200 and "Connected again" in browser.body, browser.body
    for _ in docs:
        daemon.settle(2)
        daemon.advance(MINUTE)
    for doc in docs:
        daemon.wait_for(doc, "delivered", 60)
    assert len(sandbox.records(crm, CRMS[crm].things, TENANT)) == 4


def test_another_account_does_not_take_the_place_of_this_one(daemon, browser, crm, sandbox):
    conn = connect(daemon, crm)
    sign_in(daemon, browser, conn, "south")
    assert browser.status == 409 and "another account" in browser.body, browser.body
    deliver(daemon, crm)
    assert len(sandbox.records(crm, CRMS[crm].things, TENANT)) == 1


def test_a_start_at_the_marketplace_is_parked_until_it_is_claimed(daemon, browser, crm, sandbox):
    browser.get(f"{PUBLIC}/oauth/{crm}/callback?code=sandbox-code-{TENANT}")
    assert browser.status == 200 and "claim it" in browser.body, browser.body
    parked, = daemon.operate("GET", "/v1/parked-grants")["items"]
    assert parked["account"] is None and re.fullmatch(CRMS[crm].sign_in.name.format(tenant=TENANT), parked["remote_name"])
    conn = daemon.operate("POST", f"/v1/parked-grants/{parked['id']}/claim", {"account": ACCOUNT})
    assert conn["state"] == "pending"
    daemon.operate("PATCH", f"/v1/connections/{conn['id']}", {"timezone": "America/New_York"})
    daemon.operate("POST", f"/v1/connections/{conn['id']}/confirm")
    deliver(daemon, crm)
    assert len(sandbox.records(crm, CRMS[crm].things, TENANT)) == 1


def test_a_way_back_without_parameters_is_a_refusal(daemon, browser, crm, sandbox):
    """Jobber's browsers come back like this; nobody's grant may come of it."""
    conn = made(daemon, crm)
    browser.get(daemon.operate("POST", f"/v1/connections/{conn}/authorize", {}, 201)["url"], follow=False)
    assert browser.get(f"{PUBLIC}/oauth/{crm}/callback").status == 403
    assert "did not give access" in browser.body
    assert daemon.operate("GET", f"/v1/connections/{conn}")["state"] == "pending"
    assert token_requests(sandbox, crm) == [] and daemon.operate("GET", "/v1/parked-grants")["items"] == []


# ---- what each does in its own way

def test_leads_go_where_pipedrives_token_says(rig, sandbox):
    """api_domain of the answer is the address of the company; the one of the settings is for tokens of users."""
    daemon = app(rig, "pipedrive", base_url="http://127.0.0.1:1", oauth_url=sandbox.url("pipedrive"))
    conn = connect(daemon, "pipedrive")
    assert daemon.operate("GET", f"/v1/connections/{conn}")["facts"]["api_domain"] == sandbox.url("pipedrive")
    deliver(daemon, "pipedrive")


def test_whoever_refuses_at_jobber_comes_back_with_nothing(rig):
    daemon = app(rig, "jobber")
    conn, browser = made(daemon, "jobber"), window(daemon)
    browser.get(daemon.operate("POST", f"/v1/connections/{conn}/authorize", {}, 201)["url"], follow=False)
    browser.get(browser.headers["Location"] + "&decision=deny")
    assert browser.url.endswith("/oauth/jobber/callback") and browser.status == 403, browser.url
    assert daemon.operate("GET", f"/v1/connections/{conn}")["state"] == "pending"
    sign_in(daemon, browser, conn, TENANT)  # and may think better of it
    assert browser.status == 200


def test_a_jobber_app_without_rotation_keeps_its_refresh_token(rig, sandbox):
    daemon = app(rig, "jobber", client_id="sandbox-client-still")
    conn = connect(daemon, "jobber")
    for asked in 2, 3:
        sandbox.tokens("jobber", "expire")
        deliver(daemon, "jobber")
        assert len(token_requests(sandbox, "jobber")) == asked
    assert daemon.operate("GET", f"/v1/connections/{conn}")["state"] == "connected"


def test_highlevels_token_says_which_location(rig, sandbox):
    daemon = app(rig, "gohighlevel")
    conn = connect(daemon, "gohighlevel")
    facts = daemon.operate("GET", f"/v1/connections/{conn}")["facts"]
    assert facts["location_id"] == f"loc{TENANT}" and facts["company_id"]


AGENCY = "agency"  # who signs in for all of it; its locations are locnorth and locsouth


def test_an_agencys_token_is_exchanged_for_the_locations(rig, sandbox):
    daemon = app(rig, "gohighlevel")
    conn = connect(daemon, "gohighlevel", AGENCY, settings={"location_id": f"loc{TENANT}"})
    for asked in 1, 2, 3:
        if asked > 1:
            sandbox.tokens("gohighlevel", "expire")
        deliver(daemon, "gohighlevel", 50 if asked == 2 else 1)
        assert len(token_requests(sandbox, "gohighlevel")) == asked
        exchanges = [r for r in sandbox.requests("gohighlevel") if r["path"].endswith("/oauth/locationToken")]
        assert len(exchanges) == asked and exchanges[-1]["headers"]["version"] == "2021-07-28"
    assert daemon.operate("GET", f"/v1/connections/{conn}")["facts"]["location_id"] == f"loc{TENANT}"
    assert len(sandbox.records("gohighlevel", "notes", TENANT)) == 52
    assert "at-" not in daemon.log()


@pytest.mark.parametrize("location", ["locelsewhere", None])
def test_an_agencys_token_without_a_location_of_it_takes_no_leads(rig, sandbox, location):
    daemon = app(rig, "gohighlevel")
    conn = made(daemon, "gohighlevel", settings={"location_id": location} if location else {})
    browser = sign_in(daemon, window(daemon), conn, AGENCY)
    assert browser.status == 502 and "one account" in browser.body, browser.body
    assert daemon.operate("GET", f"/v1/connections/{conn}")["state"] == "pending"
    daemon.operate("PATCH", f"/v1/connections/{conn}", {"settings": {"location_id": f"loc{TENANT}"}})
    browser = sign_in(daemon, window(daemon), conn, AGENCY)  # and once it is said
    assert f"Connected as {TENANT}." in browser.body, browser.body


@pytest.mark.parametrize("point", ["token-answered", "token-committed"])
def test_killed_between_an_agencys_token_and_the_locations(rig, sandbox, point):
    """The agency's tokens are kept before the exchange, so nothing of the grant is lost."""
    daemon = app(rig, "gohighlevel")
    conn = connect(daemon, "gohighlevel", AGENCY, settings={"location_id": f"loc{TENANT}"})
    daemon.restart(CSRELAY_CRASH_AT=point)
    sandbox.tokens("gohighlevel", "expire")
    doc = lead("gohighlevel")
    daemon.send(doc)
    daemon.process.wait(30)
    daemon.start()
    if point == "token-committed":
        daemon.wait_for(doc, "delivered", 60)
    else:  # the refresh token that was answered died with the process, as with any CRM that rotates them
        wait_until(lambda: daemon.operate("GET", f"/v1/connections/{conn}")["state"] == "needs_reauth", what="it says so")
