# SPDX-License-Identifier: Apache-2.0
"""Against an OAuth server that is not ours: oidc-provider on Node. PKCE, rotation with reuse detection, revocation, client credentials."""
import json
import signal
import subprocess
import urllib.request

import pytest

import node
from browser import Browser
from rig import ACCOUNT, HOUR, MINUTE, SOURCE, lead, wait_until

PUBLIC = "http://127.0.0.1:1"
POINTS = [p for p in (SOURCE / "tests/fault/token_points.txt").read_text().split() if p.startswith("token-")]


pytestmark = node.needed


@pytest.fixture(scope="session")
def modules():
    return node.installed("oidc")


class Server:
    def __init__(self, modules, folder):
        port = folder / "oidc.port"
        self.process = subprocess.Popen(["node", modules / "server.mjs", port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.port = int(wait_until(lambda: port.exists() and port.read_text(), 30, "oidc-provider listens"))
        self.url = f"http://127.0.0.1:{self.port}"

    def seen(self):
        return json.load(urllib.request.urlopen(f"{self.url}/_log"))

    def token_requests(self):
        return self.seen()["log"].count("POST /token")

    def take_back(self):
        """As a person does who removes the app from the account."""
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/_revoke", b"", method="POST"))

    def expire(self):
        """As if the server's clock were ahead: access tokens are over, grants are not."""
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/_expire", b"", method="POST"))

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def server(modules, rig):
    it = Server(modules, rig.dir)
    yield it
    it.stop()


@pytest.fixture
def idle(rig, server):
    d = rig.daemon()
    d.options["public_url"] = PUBLIC
    d.options["http"]["allow"].append(f"127.0.0.1:{server.port}")
    d.connect("oidc", settings={"base_url": server.url, "client_id": "app"}, secrets={"client_secret": "app-secret"})
    return d


def sign_in(daemon, who="acme", name="oidc:main", **way):
    """As a person does: log in, consent, come back."""
    browser = Browser(PUBLIC, f"http://127.0.0.1:{daemon.port('admin')}")
    browser.get(daemon.operate("POST", f"/v1/connections/{name}/authorize", way, 201)["url"])
    for _ in range(4):
        if "<form" not in browser.body:
            break
        browser.submit(**({"login": who, "password": "x"} if 'name="login"' in browser.body else {}))
    return browser


@pytest.fixture
def daemon(idle):
    daemon = idle.start()
    browser = sign_in(daemon)
    assert browser.status == 200 and "Connected as acme" in browser.body, browser.body
    return daemon


def deliver(daemon, state="delivered"):
    doc = lead("oidc")
    daemon.send(doc)
    return daemon.wait_for(doc, state, timeout=60)


def test_code_with_pkce(daemon, server):
    deliver(daemon)
    assert len(server.seen()["leads"]) == 1 and server.token_requests() == 1


def test_refresh_tokens_rotate_and_each_is_used_once(daemon, server):
    for n in range(2, 6):
        daemon.advance(11 * MINUTE)  # our clock only: theirs still takes the token, and must take the new one
        deliver(daemon)
        assert server.token_requests() == n
    assert daemon.connection("oidc")["state"] == "connected"


def test_two_hundred_leads_on_an_expired_token_are_one_refresh(daemon, server):
    daemon.advance(11 * MINUTE)
    docs = [lead("oidc") for _ in range(200)]
    for doc in docs:
        daemon.send(doc)
    for doc in docs:
        daemon.wait_for(doc, "delivered", timeout=120)
    assert server.token_requests() == 2
    assert sorted(server.seen()["leads"]) == sorted(d["event_id"] for d in docs)


@pytest.mark.parametrize("point", POINTS)
def test_killed_in_the_middle_of_a_rotating_refresh(daemon, server, point):
    daemon.restart(CSRELAY_CRASH_AT=point)
    daemon.advance(11 * MINUTE)
    doc = lead("oidc")
    try:
        daemon.post(doc)
    except OSError:
        pass  # it died before it answered
    assert daemon.process.wait(30) == -signal.SIGKILL
    daemon.start()
    assert daemon.post(doc).status in (200, 202)
    daemon.advance(MINUTE)
    answered = point in ("token-answered", "token-before-commit")  # the new token died with the process: nobody can have it
    daemon.wait_for(doc, "dead" if answered else "delivered", timeout=60)
    assert daemon.connection("oidc")["state"] == ("needs_reauth" if answered else "connected")
    if answered:
        assert "Connected again" in sign_in(daemon).body
        daemon.wait_for(doc, "delivered", timeout=60)
    assert server.token_requests() <= 4


def test_access_that_was_taken_away_is_said_and_can_be_given_again(daemon, server):
    deliver(daemon)
    server.take_back()
    daemon.advance(11 * MINUTE)
    doc = lead("oidc")
    daemon.send(doc)
    assert daemon.wait_for(doc, "dead")["blame"] == "credential"
    assert daemon.connection("oidc")["state"] == "needs_reauth" and daemon.log().count("key=reauth/") == 1
    assert "Connected again" in sign_in(daemon).body
    daemon.wait_for(doc, "delivered", timeout=60)


def made(rig, server):
    """A connection that is not in the files, with the access that a person gave."""
    d = rig.daemon()
    d.options["public_url"] = PUBLIC
    d.options["http"]["allow"].append(f"127.0.0.1:{server.port}")
    d.crms = {"oidc": {}}
    d.start()
    conn = d.operate("POST", "/v1/connections", {"crm": "oidc", "account": ACCOUNT, "timezone": "America/New_York",
                                                 "settings": {"base_url": server.url, "client_id": "app"},
                                                 "secrets": {"client_secret": "app-secret"}}, 201)
    assert "Connected as acme" in sign_in(d, name=conn["id"]).body
    d.operate("POST", f"/v1/connections/{conn['id']}/confirm")
    return d, conn["id"]


def test_a_deleted_connection_gives_its_grant_back(rig, server):
    daemon, conn = made(rig, server)
    deliver(daemon)
    assert not server.seen()["revoked"]
    gone = daemon.operate("DELETE", f"/v1/connections/{conn}")
    assert gone["grant"] == "revoked" and gone["webhooks"] == "none"
    assert server.seen()["log"].count("POST /token/revocation") == 1 and len(server.seen()["revoked"]) == 1
    assert daemon.query("SELECT 1 FROM secret WHERE owner LIKE 'conn/%'") == []


def test_a_grant_that_another_connection_lives_on_stays(rig, server):
    daemon, conn = made(rig, server)
    other = daemon.operate("POST", "/v1/connections", {"crm": "oidc", "account": "acct_other", "timezone": "America/New_York",
                                                       "settings": {"base_url": server.url, "client_id": "app"},
                                                       "secrets": {"client_secret": "app-secret"}}, 201)
    assert "Connected as acme" in sign_in(daemon, name=other["id"]).body
    assert daemon.operate("DELETE", f"/v1/connections/{conn}")["grant"] == "none"
    assert not server.seen()["revoked"]
    assert daemon.operate("DELETE", f"/v1/connections/{other['id']}")["grant"] == "revoked"


def test_a_server_that_is_down_does_not_keep_a_connection_alive(rig, server):
    daemon, conn = made(rig, server)
    server.process.kill()
    server.process.wait(20)
    assert daemon.operate("DELETE", f"/v1/connections/{conn}")["grant"] == "left"
    assert "the CRM keeps something of it" in daemon.log()
    assert daemon.control("GET", f"/v1/connections/{conn}").status == 404


def test_client_credentials_are_renewed_without_a_refresh_token(rig, server):
    d = rig.daemon()
    d.options["http"]["allow"].append(f"127.0.0.1:{server.port}")
    d.connect("oidc", settings={"base_url": server.url, "client_id": "machine"}, secrets={"machine_secret": "machine-secret"})
    d.start()
    deliver(d)
    d.advance(11 * MINUTE)
    deliver(d)
    assert server.token_requests() == 2


def test_a_client_that_is_refused_needs_its_owner(rig, server):
    d = rig.daemon()
    d.options["http"]["allow"].append(f"127.0.0.1:{server.port}")
    d.connect("oidc", settings={"base_url": server.url, "client_id": "machine"}, secrets={"machine_secret": "wrong"})
    d.start()
    assert deliver(d, "dead")["blame"] == "credential"
    assert d.connection("oidc")["state"] == "needs_reauth"


def test_a_grant_that_dies_of_idleness_is_used_in_time(daemon, server):
    """idle_life_s is a day: at about half of it the refresh token is used, though no lead came."""
    assert server.token_requests() == 1
    daemon.advance(9 * HOUR)  # half of it, less a tenth of the whole for chance, is 9.6 hours
    daemon.settle()
    assert server.token_requests() == 1
    daemon.advance(6 * HOUR)  # and with that tenth 14.4
    wait_until(lambda: server.token_requests() == 2, 60, "it was used")
    for n in 3, 4:
        daemon.advance(15 * HOUR)
        wait_until(lambda: server.token_requests() == n, 60, "it is used again")
    assert daemon.connection("oidc")["state"] == "connected"


def test_a_clock_behind_the_servers_costs_one_repeated_request(daemon, server):
    """Ours does not know that the token is over; theirs says so, and the request is repeated with a new one."""
    deliver(daemon)
    server.expire()
    row = deliver(daemon)
    assert row["attempts"] == 1 and server.token_requests() == 2
    assert len(server.seen()["leads"]) == 2


@pytest.mark.parametrize("point", ["token-before-send", "token-answered"])
def test_where_an_old_refresh_token_is_punished_a_lost_refresh_needs_its_owner(idle, server, point):
    """lost_refresh is needs_reauth in the way "strict": what may have been used is not tried once more."""
    daemon = idle.start()
    assert sign_in(daemon, way="strict").status == 200
    deliver(daemon)
    daemon.restart(CSRELAY_CRASH_AT=point)
    daemon.advance(11 * MINUTE)
    doc = lead("oidc")
    try:
        daemon.post(doc)
    except OSError:
        pass  # it died before it answered
    assert daemon.process.wait(30) == -signal.SIGKILL
    before = server.token_requests()
    daemon.start()
    assert daemon.post(doc).status in (200, 202)
    daemon.advance(MINUTE)
    daemon.wait_for(doc, "dead", timeout=60)
    row = daemon.connection("oidc")
    assert row["state"] == "needs_reauth" and "does not forgive" in row["state_reason"]
    assert server.token_requests() == before
    assert "Connected again" in sign_in(daemon, way="strict").body
    daemon.wait_for(doc, "delivered", timeout=60)
