# SPDX-License-Identifier: Apache-2.0
"""Giving access with a browser, at the sandbox's HubSpot: the link, the way back, who it is, and whose place it takes."""
import subprocess
import time
import urllib.parse

import pytest

from browser import Browser, consent, sign_in
from rig import BUILD, MINUTE, lead, wait_until

DAY = 24 * 60 * MINUTE

PUBLIC = "http://csrelay.test"


@pytest.fixture
def idle(rig):
    d = rig.daemon()
    d.options["public_url"] = PUBLIC
    connection = d.connect("hubspot", settings={"client_id": "sandbox-client", "authorize_url": rig.sandbox.url("hubspot/oauth/authorize")},
                           secrets={"client_secret": "sandbox-secret"})
    del connection["secrets"]["access_token"]
    return d


@pytest.fixture
def daemon(idle):
    return idle.start()


@pytest.fixture
def browser(daemon):
    return Browser(PUBLIC, f"http://127.0.0.1:{daemon.port('admin')}")


def test_the_next_action_of_lost_access_is_a_call_that_makes_a_link(daemon, browser):
    doc = lead()
    daemon.send(doc)
    daemon.wait_for(doc, "dead")
    for row in daemon.operate("GET", "/v1/connections/hubspot:main"), daemon.operate("GET", "/v1/connections")["items"][0]:
        action = row["next_action"]
        assert f"csrelay connections authorize {row['id']}" in action["text"]
    method, path = action["call"].split(" ")
    consent(browser, daemon.operate(method, path, {}, 201)["url"])
    assert browser.status == 200 and "Connected again" in browser.body, browser.body
    assert daemon.operate("GET", "/v1/connections/hubspot:main")["next_action"] is None


def link(daemon, name="hubspot:main", **body):
    return daemon.operate("POST", f"/v1/connections/{name}/authorize", body, 201)["url"]


def tenant(url, name):
    """The sandbox's consent page takes the account from the query."""
    return url + f"&tenant={name}"


def test_a_connection_without_access_says_so_and_works_after_it_was_given(daemon, browser, sandbox):
    doc = lead()
    daemon.send(doc)
    assert daemon.wait_for(doc, "dead")["blame"] == "credential"
    assert daemon.connection("hubspot")["state"] == "needs_reauth"
    sign_in(daemon, browser, "hubspot:main")
    assert browser.status == 200 and "Connected again" in browser.body, browser.body
    assert "default-src 'none'" in browser.headers["Content-Security-Policy"]
    daemon.wait_for(doc, "delivered")
    assert daemon.connection("hubspot")["state"] == "connected"
    assert len(daemon.query("SELECT 1 FROM conn")) == 1
    assert len(sandbox.records("hubspot", "contacts")) == 1


def test_a_link_is_bound_to_its_browser_and_used_once(daemon, browser):
    url = link(daemon)
    browser.get(url, follow=False)
    back = browser.get(tenant(browser.headers["Location"], "default"), follow=False).headers["Location"]
    other = Browser(PUBLIC, browser.local)
    assert other.get(back).status == 403
    assert browser.get(back).status == 200
    assert browser.get(back).status == 410
    assert browser.get(url).status == 410


def test_the_command_line_makes_the_link_and_shows_what_waits(daemon, browser):
    def csrelay(*args):
        done = subprocess.run([BUILD / "csrelay", "--config", daemon.dir / "csrelay.conf", *args], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    consent(browser, csrelay("connections", "authorize", "hubspot/main").splitlines()[-1], "one")
    assert "nothing waits" in csrelay("connections", "parked")
    sign_in(daemon, browser, "hubspot:main", "two")
    parked = daemon.operate("GET", "/v1/parked-grants")["items"][0]["id"]
    assert parked in csrelay("connections", "parked")
    csrelay("connections", "claim", parked, "connection=hubspot/main")
    assert "nothing waits" in csrelay("connections", "parked")


def test_a_link_is_over_after_ten_minutes(daemon, browser):
    url = link(daemon)
    daemon.advance(11 * MINUTE)
    assert browser.get(url).status == 410
    assert browser.get(f"{PUBLIC}/oauth/hubspot/start?ticket=guess").status == 410
    assert browser.get(f"{PUBLIC}/oauth/nothing/callback?code=x").status == 404


def test_a_refusal_is_no_access_with_or_without_words(daemon, browser):
    browser.get(link(daemon), follow=False)
    state = urllib.parse.parse_qs(urllib.parse.urlsplit(browser.headers["Location"]).query)["state"][0]
    assert browser.get(f"{PUBLIC}/oauth/hubspot/callback?error=access_denied&state={state}").status == 403
    assert browser.get(f"{PUBLIC}/oauth/hubspot/callback").status == 403
    assert browser.get(f"{PUBLIC}/oauth/hubspot/callback?code=x&state=guess").status == 410


def test_another_account_is_refused_until_somebody_claims_it(daemon, browser, sandbox):
    sign_in(daemon, browser, "hubspot:main", "one")
    assert browser.status == 200, browser.body
    sign_in(daemon, browser, "hubspot:main", "two")
    assert browser.status == 409 and "another account" in browser.body
    doc = lead()
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    assert len(sandbox.records("hubspot", "contacts", "one")) == 1
    parked, = daemon.operate("GET", "/v1/parked-grants")["items"]
    assert parked["for_connection"] and parked["remote_id"]
    daemon.operate("POST", f"/v1/parked-grants/{parked['id']}/claim", {"connection": "hubspot:main"})
    doc = lead()
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    assert len(sandbox.records("hubspot", "contacts", "two")) == 1
    assert daemon.operate("GET", "/v1/parked-grants")["items"] == []


def test_access_that_the_crm_then_refuses_is_told_and_forgotten(daemon, browser, sandbox):
    doc = lead()
    daemon.send(doc)
    daemon.wait_for(doc, "dead")
    missing = sandbox.fault("status", "hubspot", "GET /account-info/*", times=-1, status=403)
    sign_in(daemon, browser, "hubspot:main")
    assert browser.status == 403 and "lacks a scope" in browser.body and "Nothing was changed" in browser.body, browser.body
    sandbox.heal(missing)
    sandbox.fault("401", "hubspot", "GET /account-info/*", times=-1)
    sandbox.fault("status", "hubspot", "POST /oauth/*/token", times=-1, skip=1, status=400, body='{"error":"invalid_grant"}')
    sign_in(daemon, browser, "hubspot:main")
    assert browser.status == 403 and "does not let csrelay in" in browser.body, browser.body
    wait_until(lambda: len(daemon.query("SELECT 1 FROM conn")) == 1, what="no stand-in is left")
    assert [a["key"] for a in daemon.alerts()] == ["reauth/" + daemon.connection("hubspot")["public_id"]]
    sandbox.heal()
    sign_in(daemon, browser, "hubspot:main")
    assert browser.status == 200 and "Connected again" in browser.body, browser.body
    daemon.wait_for(doc, "delivered")


def test_access_from_the_marketplace_is_parked_until_claimed(idle, rig):
    idle.crms["hubspot"]["main"]["secrets"]["access_token"] = idle.secret("t", "sandbox-hubspot-main")
    shared = {k: idle.crms["hubspot"]["main"]["settings"][k] for k in ("base_url", "client_id", "authorize_url")}
    daemon = idle
    daemon.shared = {"hubspot": {"settings": shared, "secrets": {"client_secret": idle.secret("cs", "sandbox-secret")}}}
    daemon.start()
    browser = Browser(PUBLIC, f"http://127.0.0.1:{daemon.port('admin')}")
    browser.get(f"{PUBLIC}/oauth/hubspot/callback?code=sandbox-code-market")
    assert browser.status == 200 and "claim it" in browser.body, browser.body
    parked, = daemon.operate("GET", "/v1/parked-grants")["items"]
    assert parked["account"] is None and parked["until"] > parked["since"]
    row = daemon.operate("POST", f"/v1/parked-grants/{parked['id']}/claim", {"account": "acct_new"})
    assert row["state"] == "pending" and row["account"] == "acct_new"


def test_a_parked_grant_that_nobody_claims_is_given_back_and_gone(idle, sandbox):
    settings = idle.crms["hubspot"]["main"]["settings"]
    idle.crms["hubspot"] = {}
    idle.shared = {"hubspot": {"settings": {k: settings[k] for k in ("base_url", "client_id", "authorize_url")},
                               "secrets": {"client_secret": idle.secret("cs", "sandbox-secret")}}}
    daemon = idle.start()
    Browser(PUBLIC, f"http://127.0.0.1:{daemon.port('admin')}").get(f"{PUBLIC}/oauth/hubspot/callback?code=sandbox-code-market")
    parked, = daemon.operate("GET", "/v1/parked-grants")["items"]
    daemon.advance(13 * DAY)
    time.sleep(0.5)
    assert daemon.operate("GET", "/v1/parked-grants")["items"][0]["id"] == parked["id"]
    daemon.advance(DAY + MINUTE)
    wait_until(lambda: daemon.operate("GET", "/v1/parked-grants")["items"] == [], what="the grant is gone")
    assert any("/token/revoke" in r["path"] for r in sandbox.requests("hubspot"))
    assert "nobody has claimed a parked grant in time" in daemon.log() and parked["id"] in daemon.log() and "grant=revoked" in daemon.log()
    assert 'csrelay_lapsed_total{what="parked_grant"} 1' in daemon.control("GET", "/metrics").body.decode()
    assert daemon.query("SELECT 1 FROM secret WHERE owner LIKE 'conn/%'") == []


# ---- where no row of the manifest asks who it is: Jobber's plugin does

@pytest.fixture
def asked_by_plugin(rig):
    d = rig.daemon()
    d.options["public_url"] = PUBLIC
    connection = d.connect("jobber", settings={"client_id": "sandbox-client"}, secrets={"client_secret": "sandbox-secret"})
    del connection["secrets"]["access_token"]
    return d.start()


def test_who_it_is_is_asked_of_the_plugin_where_the_manifest_has_no_row(asked_by_plugin, sandbox):
    daemon = asked_by_plugin
    browser = Browser(PUBLIC, f"http://127.0.0.1:{daemon.port('admin')}")
    sign_in(daemon, browser, "jobber:main", "one")
    assert browser.status == 200 and "Connected as one." in browser.body, browser.body
    row, = daemon.query("SELECT remote_id, remote_name FROM token")
    assert row["remote_id"] and row["remote_name"] == "one"
    assert daemon.operate("GET", "/v1/connections/jobber:main")["facts"]["account_id"] == row["remote_id"]
    sign_in(daemon, browser, "jobber:main", "one")
    assert browser.status == 200 and "Connected again" in browser.body, browser.body
    sign_in(daemon, browser, "jobber:main", "two")
    assert browser.status == 409 and "You signed in to two" in browser.body, browser.body
    parked, = daemon.operate("GET", "/v1/parked-grants")["items"]
    assert parked["remote_name"] == "two" and parked["remote_id"] not in ("", row["remote_id"])
    doc = lead("jobber")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    assert len(sandbox.records("jobber", "clients", "one")) == 1 and not sandbox.records("jobber", "clients", "two")


def test_an_account_that_cannot_be_told_does_not_take_the_place_of_a_known_one(asked_by_plugin, sandbox):
    daemon = asked_by_plugin
    browser = Browser(PUBLIC, f"http://127.0.0.1:{daemon.port('admin')}")
    sign_in(daemon, browser, "jobber:main", "one")
    assert browser.status == 200, browser.body
    fault = sandbox.fault("status", "jobber", "POST /graphql", times=-1, status=503)
    sign_in(daemon, browser, "jobber:main", "two")
    sandbox.heal(fault)
    assert browser.status == 503 and "did not say" in browser.body, browser.body
    doc = lead("jobber")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    assert len(sandbox.records("jobber", "clients", "one")) == 1 and not sandbox.records("jobber", "clients", "two")


# ---- facts that come with the browser: the token host of the customer's region

@pytest.fixture
def regional(rig):
    d = rig.daemon()
    d.options["public_url"] = PUBLIC
    d.connect("renews", settings={"base_url": rig.sandbox.url("gohighlevel"), "client_id": "sandbox-client", "location": "locmain"},
              secrets={"client_secret": "sandbox-secret"})
    return d.start()


def come_back(daemon, **more):
    """Sign in; the way back has more parameters."""
    browser = Browser(PUBLIC, f"http://127.0.0.1:{daemon.port('admin')}")
    browser.get(link(daemon, "renews:main"), follow=False)
    back = browser.get(tenant(browser.headers["Location"], "main"), follow=False).headers["Location"]
    return browser.get(back + "&" + urllib.parse.urlencode(more))


def test_a_fact_of_the_callback_is_where_the_code_is_exchanged_and_is_kept(regional, sandbox):
    at = sandbox.url("gohighlevel")
    browser = come_back(regional, **{"accounts-server": at, "unasked": "x"})
    assert browser.status == 200, browser.body
    facts = regional.operate("GET", "/v1/connections/renews:main")["facts"]
    assert facts["accounts"] == at and "unasked" not in facts
    assert [r["path"] for r in sandbox.requests("gohighlevel") if r["method"] == "POST"] == ["/gohighlevel/oauth/token"]


@pytest.mark.parametrize("host", ["http://127.0.0.1:9", "https://accounts.example.com", "https://user@accounts.example.com", "nonsense"])
def test_a_fact_of_the_callback_takes_the_secrets_to_no_other_host(regional, sandbox, host):
    browser = come_back(regional, **{"accounts-server": host})
    assert browser.status == 502 and "did not give access" in browser.body, browser.body
    assert not [r for r in sandbox.requests("gohighlevel") if r["method"] == "POST"]
    wait_until(lambda: len(regional.query("SELECT 1 FROM conn")) == 1, what="nothing is left of it")
    assert "accounts" not in regional.operate("GET", "/v1/connections/renews:main")["facts"]


def test_a_fact_of_the_callback_that_is_too_long_is_not_taken(regional):
    assert come_back(regional, **{"accounts-server": "x" * 513}).status == 200
    assert "accounts" not in regional.operate("GET", "/v1/connections/renews:main")["facts"]


@pytest.mark.parametrize("point", ["grant-before-exchange", "token-answered", "token-before-commit"])
def test_what_a_crash_leaves_of_an_exchange_is_cleaned_up(idle, point):
    daemon = idle.start(CSRELAY_CRASH_AT=point)
    browser = Browser(PUBLIC, f"http://127.0.0.1:{daemon.port('admin')}")
    with pytest.raises(OSError):
        sign_in(daemon, browser, "hubspot:main")
    daemon.process.wait(30)
    daemon.start()
    assert len(daemon.query("SELECT 1 FROM conn")) == 2
    daemon.advance(11 * MINUTE)
    wait_until(lambda: len(daemon.query("SELECT 1 FROM conn")) == 1, 60, "the stand-in is gone")
    browser = Browser(PUBLIC, f"http://127.0.0.1:{daemon.port('admin')}")
    sign_in(daemon, browser, "hubspot:main")
    assert browser.status == 200, browser.body
