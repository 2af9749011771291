# SPDX-License-Identifier: Apache-2.0
"""What Zapier, Make and n8n do with /v1/bridge, in their wire forms, and what they get."""
import base64
import hashlib
import hmac
import http.client
import http.server
import json
import re
import threading
import time

import pytest

import apidoc
from rig import ACCOUNT, MINUTE, ask, lead, wait_until


class Target(http.server.ThreadingHTTPServer):
    """Where a bridge has its hooks sent: .got, and what it answers."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.got, self.status, self.answer = [], 200, b'{"message":"Workflow was started"}'
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.got.append((self.path, dict(self.headers), body))
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(self.server.answer)))
            self.end_headers()
            self.wfile.write(self.server.answer)

        def log_message(self, *_):
            pass

    def url(self, path="/webhook/5f3c"):
        return f"http://127.0.0.1:{self.server_port}{path}"


@pytest.fixture
def target():
    it = Target()
    yield it
    it.shutdown()
    it.server_close()


@pytest.fixture
def bridged(idle, target):
    idle.options["http"]["allow"].append(f"127.0.0.1:{target.server_port}")
    daemon = idle.start()
    daemon.key = new_key(daemon, ["bridge"], [ACCOUNT])
    return daemon


def new_key(daemon, scopes, accounts):
    return daemon.operate("POST", "/v1/keys", {"name": "-".join(scopes), "scopes": scopes, "accounts": accounts}, 201)["key"]


def bridge(daemon, method, path, body=None, key=None):
    conn = http.client.HTTPConnection("127.0.0.1", daemon.port("admin"), timeout=30)
    return ask(conn, method, "/v1/bridge" + path, body, {"Authorization": f"Bearer {key or daemon.key}", "User-Agent": "Zapier",
                                                         "Content-Type": "application/json; charset=utf-8"})


def subscribe(daemon, target, **more):
    answer = bridge(daemon, "POST", "/hooks", {"target_url": target.url(), "event": "lead.qualified", **more})
    assert answer.status == 201, answer
    return answer.json


def subscriptions(daemon):
    return daemon.query("SELECT * FROM conn WHERE subscribe & 32")


def test_a_bridge_subscribes_gets_leads_and_unsubscribes(bridged, target):
    me = bridge(bridged, "GET", "/me")
    assert me.status == 200 and me.json["account_id"] == ACCOUNT and me.json["account_name"]
    sub = subscribe(bridged, target)
    assert isinstance(sub["id"], str) and "signing_secret" not in sub
    doc, other = lead("hubspot"), lead("hubspot", callsetter_account_id="acct_other")
    bridged.send_all([doc, other])
    path, headers, body = wait_until(lambda: target.got, what="the hook comes")[0]
    got = json.loads(body)
    assert isinstance(got, dict) and got["id"] == doc["event_id"] and got["contact"] == doc["contact"], "one object, with an id"
    assert headers["webhook-id"] == doc["event_id"] and "webhook-signature" not in headers
    for _ in range(2):
        assert bridge(bridged, "DELETE", f"/hooks/{sub['id']}").status == 200, "also when it is gone already"
    assert not subscriptions(bridged)
    bridged.send(lead("hubspot"))
    time.sleep(0.5)
    assert len(target.got) == 1, "neither the other account's nor what came after the end"


def test_a_signed_subscription_has_a_secret_of_its_own(bridged, target):
    one, two = subscribe(bridged, target, sign=True), subscribe(bridged, target, sign=True)
    assert one["signing_secret"].startswith("whsec_") and one["signing_secret"] != two["signing_secret"]
    bridged.send(lead("hubspot"))
    wait_until(lambda: len(target.got) == 2)
    seen = set()
    for _, h, body in target.got:
        for sub in (one, two):
            mac = hmac.new(base64.b64decode(sub["signing_secret"][6:]), f"{h['webhook-id']}.{h['webhook-timestamp']}.".encode() + body, hashlib.sha256)
            if h["webhook-signature"] == "v1," + base64.b64encode(mac.digest()).decode():
                seen.add(sub["id"])
    assert seen == {one["id"], two["id"]}
    for sub in (one, two):
        assert sub["signing_secret"] not in bridged.log()
        assert sub["signing_secret"].encode() not in bridged.store.read_bytes()


def test_the_sample_is_there_before_any_lead(bridged, target):
    sample = bridge(bridged, "GET", "/leads/sample")
    assert sample.status == 200
    row, = sample.json
    assert row["id"] == row["event_id"] and row["contact"]["first_name"] == "Maria"
    docs = [lead("hubspot") for _ in range(4)]
    for doc in docs:
        bridged.send(doc)
        time.sleep(0.01)
    rows = bridge(bridged, "GET", "/leads/sample").json
    assert [r["id"] for r in rows] == [d["event_id"] for d in reversed(docs)][:3], "newest first"
    subscribe(bridged, target)
    bridged.send(doc := lead("hubspot"))
    wait_until(lambda: target.got)
    assert bridge(bridged, "GET", "/leads/sample").json[0] == json.loads(target.got[0][2]), "of the very same shape as the hook"


def test_a_gone_target_ends_the_subscription_quietly(bridged, target):
    sub = subscribe(bridged, target)
    target.status, target.answer = 410, b""
    docs = [lead("hubspot") for _ in range(5)]
    bridged.send_all(docs)
    wait_until(lambda: not subscriptions(bridged), what="the subscription is over")
    wait_until(lambda: all(d["state"] in ("delivered", "discarded") for d in bridged.deliveries()), what="everything is settled")
    rows = [d for d in bridged.deliveries() if d["state"] == "discarded"]
    assert len(rows) == 5 and all("410" in d["reason"] for d in rows)
    assert not bridged.alerts(), "nobody is woken for it"
    assert f"a subscription has ended connection={sub['id']}" in bridged.log()
    before = len(target.got)
    bridged.send(lead("hubspot"))
    time.sleep(0.5)
    assert len(target.got) == before


def test_a_410_ends_nothing_that_an_operator_made(idle, sandbox):
    daemon = idle.start()
    sandbox.fault("status", "webhook", times=-1, status=410)
    doc = lead("webhook")
    daemon.send(doc)
    assert "gone" in daemon.wait_for(doc, "dead")["reason"]
    assert daemon.connection("webhook")["state"] == "connected"


def test_an_inactive_n8n_workflow_is_waited_for(bridged, target):
    subscribe(bridged, target)
    target.status = 404
    target.answer = b'{"code":404,"message":"The requested webhook \\"POST x\\" is not registered.","hint":"activate it"}'
    bridged.send(lead("hubspot"))
    wait_until(lambda: target.got)
    hook = lambda: [d for d in bridged.deliveries() if d["conn_id"] == subscriptions(bridged)[0]["id"]][0]
    wait_until(lambda: hook()["state"] == "due")
    assert "not active" in hook()["reason"]
    target.status = 200
    bridged.advance(MINUTE)
    wait_until(lambda: hook()["state"] == "delivered")


def test_an_n8n_workflow_that_stays_off_is_a_dead_letter_with_the_hint(bridged, target):
    subscribe(bridged, target)
    target.status = 404
    bridged.send(lead("hubspot"))
    hook = lambda: [d for d in bridged.deliveries() if d["conn_id"] == subscriptions(bridged)[0]["id"]][0]
    tries = 0
    for wait in (1, 3, 12, 75, 400):
        tries += 1
        wait_until(lambda: len(target.got) >= tries)
        wait_until(lambda: hook()["state"] == "due")
        bridged.advance(wait * MINUTE)
    wait_until(lambda: hook()["state"] == "dead")
    assert "not active" in hook()["reason"]


@pytest.mark.parametrize("url,good,flavor", [
    ("https://hooks.zapier.com/hooks/standard/1/abc/", True, "zapier"),
    ("https://hook.eu1.make.com/abcdef", True, "make"),
    ("https://n8n.example.com/webhook/5f3c", True, "n8n"),
    ("http://hooks.zapier.com/hooks/standard/1/abc/", False, None),
    ("https://localhost/x", False, None),
    ("https://127.0.0.1/x", False, None),
    ("https://10.1.2.3/x", False, None),
    ("https://[::1]/x", False, None),
    ("https://169.254.169.254/latest/meta-data", False, None),
    ("https://user:pass@hooks.zapier.com/x", False, None),
    ("ftp://hooks.zapier.com/x", False, None),
    ("", False, None),
])
def test_where_hooks_may_go(bridged, url, good, flavor):
    answer = bridge(bridged, "POST", "/hooks", {"target_url": url, "event": "lead.qualified"})
    assert answer.status == (201 if good else 422), answer
    if good:
        row, = subscriptions(bridged)
        assert json.loads(row["settings"])["host_flavor"] == flavor
    else:
        assert answer.pointers == {"/target_url"} and not subscriptions(bridged)


def test_the_operator_says_to_which_hosts(idle):
    idle.options["bridge"] = {"hosts": ["hooks.zapier.com", "*.make.com"]}
    daemon = idle.start()
    daemon.key = new_key(daemon, ["bridge"], [ACCOUNT])
    for url, status in [("https://hooks.zapier.com/1", 201), ("https://hook.us1.make.com/1", 201), ("https://evilmake.com/1", 422),
                        ("https://hooks.zapier.com.evil.example/1", 422), ("https://n8n.example.com/1", 422)]:
        assert bridge(daemon, "POST", "/hooks", {"target_url": url}).status == status, url


def test_what_became_of_a_lead_is_told_to_callsetter_once(idle, sandbox, target):
    idle.connect("webhook", "callsetter", account="*", subscribe=["events"])
    daemon = idle.start()
    daemon.key = new_key(daemon, ["bridge"], [ACCOUNT])
    doc = lead("hubspot")
    daemon.send(doc)
    daemon.wait_states(delivered=2)  # it, and the event that says so
    for status, event in [("contacted", "lead.updated"), ("booked", "job.scheduled"), ("won", "lead.converted"), ("lost", "lead.lost")]:
        body = {"event_id": doc["event_id"], "status": status, **({"amount": 850} if status == "won" else {})}
        for _ in range(2):
            answer = bridge(daemon, "POST", f"/leads/{doc['event_id']}/status", body)
            assert answer.status == 200 and answer.json["event"] == event, answer

    def events():
        return [json.loads(r["body"]) if isinstance(r["body"], str) else r["body"] for r in sandbox.requests("webhook")
                if r["tenant"] == "callsetter" and r["status"] == 200]
    got = wait_until(lambda: len(e := [e for e in events() if e["event"] != "lead.delivered"]) >= 4 and e)
    time.sleep(0.5)
    assert sorted(e["event"] for e in events() if e["event"] != "lead.delivered") == ["job.scheduled", "lead.converted", "lead.lost", "lead.updated"]
    won = [e for e in got if e["event"] == "lead.converted"][0]
    assert won["lead"] == {"event_id": doc["event_id"], "call_id": doc["call"]["call_id"]}
    assert won["job"]["amount"] == {"value": "850.00", "currency": "USD", "basis": "quoted"}
    assert won["callsetter_account_id"] == ACCOUNT and won["match"]["certainty"] == "exact" and won["schema_version"] == "1.0"


def test_what_is_asked_wrong_is_told(bridged, target):
    doc = lead("hubspot", callsetter_account_id="acct_other")
    bridged.send(doc)
    status = f"/leads/{doc['event_id']}/status"
    assert bridge(bridged, "POST", status, {"status": "won"}).status == 404, "a lead of another account is no lead"
    assert bridge(bridged, "POST", "/leads/none/status", {"status": "won"}).status == 404
    assert bridge(bridged, "POST", status, {"status": "happy"}).pointers == {"/status"}
    assert bridge(bridged, "POST", status, {"status": "won", "amount": -1}).pointers == {"/amount"}
    assert bridge(bridged, "POST", status, {"status": "won", "currency": "dollars"}).pointers == {"/currency"}
    assert bridge(bridged, "POST", "/hooks", {"target_url": target.url(), "event": "job.paid"}).pointers == {"/event"}
    assert bridge(bridged, "DELETE", "/hooks/conn_000000000000000000000000").status == 200


def test_a_bridges_key_can_do_nothing_else_and_no_other_key_can_do_this(bridged, target):
    sub = subscribe(bridged, target)
    for method, path in [("GET", "/v1/leads"), ("GET", "/v1/connections"), ("DELETE", f"/v1/connections/{sub['id']}"), ("GET", "/v1/keys")]:
        answer = ask(http.client.HTTPConnection("127.0.0.1", bridged.port("admin")), method, path, None, {"Authorization": f"Bearer {bridged.key}"})
        assert answer.status == 403, (path, answer)
    assert bridged.post(lead("hubspot"), {"Authorization": f"Bearer {bridged.key}"}).status == 401
    for key in (new_key(bridged, ["read", "admin"], []), new_key(bridged, ["intake"], [ACCOUNT])):
        assert bridge(bridged, "GET", "/me", key=key).status == 403
    assert bridge(bridged, "GET", "/me", key="csk_wrong").status == 401
    assert bridged.control("GET", "/v1/bridge/me").status == 401
    stranger = new_key(bridged, ["bridge"], ["acct_other"])
    assert bridge(bridged, "DELETE", f"/hooks/{sub['id']}", key=stranger).status == 200
    assert subscriptions(bridged), "of others it is only said to be gone"
    for scopes, accounts, pointer in [(["bridge"], [], "/accounts"), (["bridge"], ["a", "b"], "/accounts"), (["bridge", "read"], ["a"], "/scopes")]:
        answer = bridged.control("POST", "/v1/keys", {"name": "x", "scopes": scopes, "accounts": accounts})
        assert answer.status == 422 and answer.pointers == {pointer}
    key, = [k for k in bridged.operate("GET", "/v1/keys")["items"] if k["accounts"] == [ACCOUNT] and k["scopes"] == ["bridge"]]
    wait_until(lambda: [k for k in bridged.operate("GET", "/v1/keys")["items"] if k["id"] == key["id"]][0]["last_used_at"])


# ---- where it is served

@pytest.fixture
def public(idle, target):
    """A daemon with a listener for what comes from the internet."""
    idle.options["listen"]["hooks"] = "127.0.0.2:0"  # another address than that of the admin interface
    idle.options["public_url"] = "https://relay.example"
    idle.options["http"]["allow"].append(f"127.0.0.1:{target.server_port}")
    daemon = idle.start()
    daemon.key = new_key(daemon, ["bridge"], [ACCOUNT])
    return daemon


def from_the_world(daemon, method, path, body=None, key=None, host="relay.example"):
    return ask(http.client.HTTPConnection("127.0.0.2", daemon.port("hooks"), timeout=30), method, path, body,
               {"Host": host, "Authorization": f"Bearer {key or daemon.key}"})


def test_a_bridge_calls_the_listener_that_is_in_the_internet(public, target):
    me = from_the_world(public, "GET", "/v1/bridge/me")
    assert me.status == 200 and me.json["account_id"] == ACCOUNT
    sub = from_the_world(public, "POST", "/v1/bridge/hooks", {"target_url": target.url(), "event": "lead.qualified"})
    assert sub.status == 201
    public.send(doc := lead("hubspot"))
    wait_until(lambda: target.got, what="the hook comes")
    assert from_the_world(public, "GET", "/v1/bridge/leads/sample").json[0]["id"] == doc["event_id"]
    assert from_the_world(public, "POST", f"/v1/bridge/leads/{doc['event_id']}/status", {"status": "won"}).status in (200, 202)
    assert from_the_world(public, "DELETE", f"/v1/bridge/hooks/{sub.json['id']}").status == 200
    assert not subscriptions(public)
    assert from_the_world(public, "GET", "/v1/bridge/me", key="csk_wrong").status == 401
    assert from_the_world(public, "GET", "/v1/bridge/me", key=new_key(public, ["read", "admin"], [])).status == 403
    assert from_the_world(public, "GET", "/v1/bridge/me", host="evil.example").status == 403
    assert bridge(public, "GET", "/me").status == 200, "and where the admin interface is, as before"
    admin = http.client.HTTPConnection("127.0.0.1", public.port("admin"), timeout=30)
    assert ask(admin, "GET", "/v1/leads", None, {"Host": "relay.example"}).status == 403, "only for bridges the public name will do"


def test_nothing_else_of_the_api_is_in_the_internet(public):
    key = new_key(public, ["intake", "read", "admin"], [])
    bridges = set()
    for op in apidoc.operations(apidoc.document()).values():
        path = re.sub("{[^}]*}", "1", op.path)
        answer = from_the_world(public, op.method, path, {} if op.method in ("POST", "PUT", "PATCH") else None, key, host="127.0.0.1")
        if path.startswith("/v1/bridge/"):
            bridges.add(op.id)
            assert answer.status == 403, (op.id, answer)  # there, and not for this key
        elif not path.startswith(("/hooks/", "/oauth/")):
            assert answer.status == 404, (op.id, answer)
            assert from_the_world(public, "OPTIONS", path, None, key, host="127.0.0.1").status == 404, op.id
    assert len(bridges) == 5
    for target in ("/v1/bridge/../leads", "/v1/bridge/%2e%2e/leads", "/v1/bridge/..%2fleads", "/v1/bridge", "/v1/bridge/", "//v1/leads",
                   "/v1/bridge/nothing", "/v1%2fbridge/me", "/hooks/../v1/leads", "/connect/../v1/leads", "/metrics", "/healthz", "/readyz", "/openapi.json", "/"):
        assert from_the_world(public, "GET", target, None, key, host="127.0.0.1").status in (400, 404), target
