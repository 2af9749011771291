# SPDX-License-Identifier: Apache-2.0
"""The HTTP API is as sdk/schema/openapi.yaml says, and the document as the API is.

A real daemon is asked for everything that is documented: every example of a request, and for every status a request that
brings it about. What the document alone cannot say stands in three tables: TARGET (what a path means here), PROVOKE (how a
status comes about) and NOT_HERE (which cannot be brought about here, and why).
"""
import base64
import hashlib
import hmac
import http.client
import itertools
import json
import os
import re
import subprocess
import time
import urllib.parse
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import apidoc
import node
from browser import Browser
from rig import ACCOUNT, BLAMES, CONN_STATES, INTAKE_SECRETS, LANES, OUTCOMES, SOURCE, STATES, WEBHOOK_SECRET, Rig, UnixConnection, ask, lead, sign, wait_until

DOC = apidoc.document()
OPERATIONS = apidoc.operations(DOC)
NOWHERE = "999999999"
PUBLIC = "https://csrelay.test"
HELD = "acct_held"      # its connection is paused
BRIDGED = "acct_bridged"
OTHER = "acct_other"    # has leads and no connection
HOOK_SECRET = "hook-secret"


class World:
    """A daemon with something of everything, and requests as an operation describes them."""

    numbers = itertools.count(100)

    def __init__(self, rig):
        self.rig, self.daemon = rig, rig.daemon()
        d = self.daemon
        d.options["behind_proxy"] = True
        d.options["public_url"] = PUBLIC
        d.options["limits"] = {"hook_size": "16 KiB"}
        for crm in ("hubspot", "webhook"):
            d.connect(crm)
        d.connect("housecall_pro", secrets={"webhook_secret": HOOK_SECRET})
        d.connect("workiz", secrets={"webhook_token": HOOK_SECRET})
        d.connect("jobber", account=OTHER)
        d.shared["hubspot"] = {"settings": {"base_url": rig.sandbox.url("hubspot"), "client_id": "sandbox-client",
                                            "authorize_url": rig.sandbox.url("hubspot/oauth/authorize")},
                               "secrets": {"client_secret": d.secret("hubspot", "sandbox-secret")}}
        d.shared["jobber"] = {"secrets": {"client_secret": d.secret("jobber", HOOK_SECRET)}}
        d.connect("webhook", "held", account=HELD)
        d.connect("webhook", "off", account="acct_off", paused=True)
        d.crms["pipedrive"] = {}
        d.crms["no_push"] = {}  # cannot be loaded
        d.start()
        self.keys = {name: self.make_key(name, *more) for name, more in {
            "admin": (["admin"],), "read": (["read"],), "intake": (["intake"],), "bound": (["read", "admin"], [OTHER]),
            "two": (["read"], [OTHER, HELD]), "bridge": (["bridge"], [BRIDGED])}.items()}
        d.operate("POST", "/v1/connections/webhook:held/pause", {"reason": "for the test"})
        self.bridged = lead(callsetter_account_id=BRIDGED)["event_id"]  # before anybody subscribes: nothing may leave this machine
        d.send(lead(callsetter_account_id=BRIDGED, event_id=self.bridged))
        self.ids = {c["crm"]: c["id"] for c in d.operate("GET", "/v1/connections")["items"]}

    def make_key(self, name, scopes=("read",), accounts=()):
        return self.daemon.operate("POST", "/v1/keys", {"name": name, "scopes": list(scopes), "accounts": list(accounts)}, 201)["key"]

    # -- things to ask about

    def kept(self, status=202, **changes):
        """The delivery that a fresh lead made, as intake tells."""
        return self.daemon.send(lead("webhook", **changes), status).json["deliveries"][0]["id"]

    def delivered(self):
        doc = lead("webhook")
        self.daemon.send(doc)
        return self.daemon.wait_for(doc, "delivered")["id"]

    def waiting(self):
        return self.kept(callsetter_account_id=HELD)

    def dead(self):
        """Rightly made, and nowhere to go."""
        return self.daemon.send(lead("nowhere")).json["deliveries"][0]["id"]

    def faulty(self):
        return self.kept(422, contact={"phone": "12", "email": None})

    def tried(self):
        """Dead after an attempt."""
        fault = self.rig.sandbox.fault("status", crm="webhook", status=400, times=-1)
        doc = lead("webhook")
        self.daemon.send(doc)
        row = self.daemon.wait_for(doc, "dead")
        self.rig.sandbox.heal(fault)
        return row["id"]

    def replay(self):
        self.tried()
        return self.daemon.operate("POST", "/v1/replays", {"filter": {"crm": "webhook"}}, 202)["id"]

    def key_id(self):
        self.make_key("short-lived")
        return self.daemon.operate("GET", "/v1/keys")["items"][-1]["id"]

    def expired_key(self):
        self.daemon.operate("POST", "/v1/keys", {"name": "brief", "scopes": ["read"], "expires_at": self.daemon.now_ms() + 300}, 201)
        time.sleep(0.4)
        return self.daemon.operate("GET", "/v1/keys")["items"][-1]["id"]

    def connection(self, crm="webhook"):
        """A dynamic one, of an account of its own."""
        body = {"crm": crm, "account": f"acct_{next(self.numbers)}"}
        if crm == "webhook":
            body |= {"settings": {"url": "https://hooks.example.com/a"}, "secrets": {"signing_secret": WEBHOOK_SECRET}}
        return self.daemon.operate("POST", "/v1/connections", body, 201)

    def at_sandbox(self, **settings):
        """A new one that the sandbox answers."""
        body = {"crm": "hubspot", "account": f"acct_{next(self.numbers)}", "settings": {"base_url": self.daemon.sandbox.url("hubspot"), **settings},
                "secrets": {"access_token": "sandbox-hubspot-token"}}
        return self.daemon.operate("POST", "/v1/connections", body, 201)["id"]

    def of_sandbox(self):
        """The same each time."""
        if "sandbox" not in self.keys:
            self.keys["sandbox"] = self.at_sandbox()
        return self.keys["sandbox"]

    def tested(self):
        """A test lead that has arrived."""
        path = "/v1/connections/webhook:main/test"
        number = self.daemon.operate("POST", path, status=202)["test"]
        wait_until(lambda: self.daemon.operate("GET", f"{path}/{number}")["state"] == "delivered")
        return number

    def uninstalled(self):
        """What Pipedrive sends when a customer removes the app."""
        url = self.daemon.sandbox.url("pipedrive")
        conn = self.daemon.operate("POST", "/v1/connections", {
            "crm": "pipedrive", "account": f"acct_{next(self.numbers)}",
            "settings": {"base_url": url, "oauth_url": url, "client_id": "sandbox-client", "subscribe": False},
            "secrets": {"client_secret": "sandbox-secret", "refresh_token": "sandbox-refresh-main", "access_token": "sandbox-pipedrive-main"}}, 201)
        self.daemon.operate("POST", f"/v1/connections/{conn['id']}/verify")
        company = self.daemon.operate("GET", f"/v1/connections/{conn['id']}")["facts"]["company_id"]
        basic = base64.b64encode(b"sandbox-client:sandbox-secret").decode()
        return {"path": {"crm": "pipedrive"}, "body": {"company_id": int(company)}, "headers": {"Authorization": f"Basic {basic}"}, "key": None}

    def changed_connection(self):
        path = "/v1/connections/" + self.connection()["id"]
        return self.daemon.operate("PATCH", path, {"settings": {"url": "https://hooks.example.com/b"}})

    def link(self, connection):
        return self.daemon.operate("POST", f"/v1/connections/{connection}/authorize", {}, 201)["url"]

    def ticket(self, connection):
        return {"query": {"ticket": self.link(connection).split("=")[1]}}

    def way_back(self, connection, tenant="default"):
        """What a browser brings from the consent page."""
        browser = Browser(PUBLIC, f"http://127.0.0.1:{self.daemon.port('admin')}")
        consent = browser.get(self.link(connection), follow=False).headers["Location"]
        back = browser.get(f"{consent}&tenant={tenant}", follow=False).headers["Location"]
        cookie = next("; ".join(f"{k}={v}" for k, v in jar.items()) for jar in browser.cookies.values())
        return {"query": dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query)), "headers": {"Cookie": cookie}}

    def from_connect_link(self):
        request = self.way_back(self.connection("hubspot")["id"])
        return {**request, "headers": {"Cookie": request["headers"]["Cookie"] + "; __Host-csrelay-connect=any"}}

    def another_account(self):
        connection = self.connection("hubspot")["id"]
        assert self.ask(OPERATIONS["endGrant"], {"crm": "hubspot"}, **self.way_back(connection, "one")).status == 200
        self.daemon.operate("POST", f"/v1/connections/{connection}/confirm")
        return self.way_back(connection, "two")

    def parked(self):
        answer = self.ask(OPERATIONS["endGrant"], {"crm": "hubspot"}, {"code": f"sandbox-code-m{next(self.numbers)}"})
        assert answer.status == 200, answer
        return self.daemon.operate("GET", "/v1/parked-grants")["items"][-1]["id"]

    # -- asking

    def housecall(self, body):
        stamp = str(int(time.time()))
        mac = hmac.new(HOOK_SECRET.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
        return {"body": body, "headers": {"Api-Timestamp": stamp, "Api-Signature": mac}}

    def jobber(self, body, **more):
        mac = hmac.new(HOOK_SECRET.encode(), body.encode(), hashlib.sha256).digest()
        return {"body": body, "headers": {"X-Jobber-Hmac-SHA256": base64.b64encode(mac).decode()}, **more}

    def open(self, listener):
        return http.client.HTTPConnection("127.0.0.1", self.daemon.port(listener.removeprefix("listen.")), timeout=30)

    def url(self, op, path=None, query=None):
        url = re.sub(r"\{(\w+)\}", lambda m: urllib.parse.quote(str((path or {})[m[1]]), safe=""), op.path)
        return url + ("?" + urllib.parse.urlencode(query) if query else "")

    def ask(self, op, path=None, query=None, body=None, headers=None, key="admin", listener=None):
        listener = listener or op.servers[0]
        key = op.needs if key == "admin" and op.needs in ("intake", "bridge") else key
        auth = {"Authorization": f"Bearer {self.keys[key]}"} if key else {}
        return ask(self.open(listener), op.method, self.url(op, path, query), body, {**auth, **(headers or {})})


JOBBER = '{"data":{"webHookEvent":{"topic":"JOB_UPDATE","accountId":"1","itemId":"2","occurredAt":"2026-05-26T14:00:00Z"}}}'
WORKIZ = '{"trigger":{"type":"job_status_changed","timestamp":"2026-05-26T14:00:00Z"},"data":{"uuid":"J1"}}'
HOUSECALL = '{"event":"job.updated","company_id":"co_1","event_occurred_at":"2026-05-26T14:00:00Z","job":{"id":"job_1"}}'
BIG = "x" * (300 << 10)
GREEDY = {"reason": "x" * 301}

CHANGES = ("changeConnection", "deleteConnection")  # of a connection that is not needed afterwards

TARGET = {  # what a path means, made for each request
    "/v1/leads/{id}": lambda w: {"id": w.delivered() >> 8},
    "/v1/leads/{id}/story": lambda w: {"id": w.tried() >> 8},
    "/v1/deliveries/{id}": lambda w: {"id": w.delivered()},
    "/v1/deliveries/{id}/retry": lambda w: {"id": w.waiting()},
    "/v1/dead-letters/{id}/fix": lambda w: {"id": w.faulty()},
    "/v1/dead-letters/{id}/replay": lambda w: {"id": w.tried()},
    "/v1/dead-letters/{id}": lambda w: {"id": w.tried()},
    "/v1/dead-letters/{id}/": lambda w: {"id": w.dead()},
    "/v1/replays": lambda w: w.tried() and {},
    "/v1/replays/{id}": lambda w: {"id": w.replay()},
    "/v1/connections/{id}": lambda w: {"id": "webhook:main"},
    "/v1/connections/{id}/choices/{list}": lambda w: {"id": w.of_sandbox(), "list": "owners"},
    "/v1/connections/{id}/test/{test}": lambda w: {"id": "webhook:main", "test": w.tested()},
    "/v1/connections/{id}/test/{test}/seen": lambda w: {"id": "webhook:main", "test": w.tested()},
    "/v1/connections/{id}/confirm": lambda w: {"id": w.connection("hubspot")["id"]},
    "/v1/connections/{id}/rollback": lambda w: {"id": w.changed_connection()["id"]},
    "/v1/connections/{id}/versions": lambda w: {"id": w.changed_connection()["id"]},
    "/v1/connections/{id}/authorize": lambda w: {"id": w.connection("hubspot")["id"]},
    "/v1/parked-grants": lambda w: w.parked() and {},
    "/v1/parked-grants/{id}": lambda w: {"id": w.parked()},
    "/oauth/{crm}": lambda w: {"crm": "hubspot"},
    "/v1/plugins/{id}": lambda w: {"id": "hubspot"},
    "/v1/bridge/hooks/{id}": lambda w: {"id": w.ask(OPERATIONS["subscribeBridge"], body={"target_url": "https://hooks.zapier.com/1"}).json["id"]},
    "/v1/bridge/leads/{event_id}": lambda w: {"event_id": w.bridged},
    "/v1/connect-links/{id}": lambda w: {"id": w.ask(OPERATIONS["makeConnectLink"], body={"account": OTHER}).json["id"]},
    "/v1/keys/{id}": lambda w: {"id": w.key_id()},
    "/hooks/{crm}": lambda w: {"crm": "jobber"},
    "/hooks/{crm}/{connection}": lambda w: {"crm": "housecall_pro", "connection": w.ids["housecall_pro"]},
    "/hooks/{crm}/{connection}/{secret}": lambda w: {"crm": "workiz", "connection": w.ids["workiz"], "secret": HOOK_SECRET},
}

PROVOKE = {  # (operation, status) -> requests that bring it about: what is asked besides the target, or a function that says it
    ("sendLead", "202"): [lambda w: signed(lead("webhook"))],
    ("sendLead", "200"): [lambda w: again(w, lead("webhook")), lambda w: again(w, lead("nowhere"))],
    ("sendLead", "400"): [{"body": "{"}, {"body": {"event": "lead.qualified"}}, lambda w: {"body": lead("webhook"), "key": bound_sender(w)}],
    ("sendLead", "409"): [lambda w: again(w, lead("webhook"), contact={"first_name": "Somebody"})],
    ("sendLead", "413"): [{"body": BIG}, {"body": "\n", "headers": {"Content-Type": "application/x-ndjson"}}],
    ("sendLead", "422"): [lambda w: {"body": lead("webhook", contact={"phone": "12", "email": None})}],
    ("listLeads", "200"): [{"query": {"account": OTHER}, "key": "bound"}, {"query": {"limit": 2}}],
    ("listLeads", "403"): [{"key": "two"}, {"query": {"account": ACCOUNT}, "key": "bound"}],
    ("getLead", "200"): [lambda w: {"path": {"id": w.daemon.deliveries()[0]["event_id"]}}, {}],
    ("listDeliveries", "200"): [{"query": {"state": "delivered", "limit": 3}},
                                {"query": {"connection": "webhook:held", "account": HELD, "urgency": "same_day", "blame": "none"}},
                                {"query": {"connection": "none", "since": "2026-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}}],
    ("listDeliveries", "400"): [{"query": {q: "?"}} for q in ("state", "blame", "urgency", "since", "until", "before")],
    ("listDeliveries", "404"): [{"query": {"connection": NOWHERE}}],
    ("listDeliveries", "409"): [{"query": {"connection": "main"}}],
    ("listDeadLetters", "404"): [{"query": {"connection": NOWHERE}}],
    ("listDeadLetters", "409"): [{"query": {"connection": "main"}}],
    ("retryDelivery", "409"): [lambda w: {"path": {"id": w.delivered()}}, lambda w: {"path": {"id": w.dead()}}],
    ("getQueue", "403"): [{"key": "bound"}],
    ("fixDeadLetter", "422"): [{"body": {"contact": {"phone": "13"}}}, {"body": {"event_id": "7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b22"}}, {"body": []}],
    ("rerouteDeadLetter", "422"): [{"body": {}}, {"body": {"connection": NOWHERE}}, {"body": {"connection": "webhook:held"}}],
    ("settleDeadLetter", "422"): [{"body": {"note": "x" * 301}}],
    ("discardDeadLetter", "422"): [{"body": {"note": "x" * 301}}],
    ("startReplay", "404"): [{"body": {"filter": {"crm": "nothing"}}}, {"body": {"filter": {"connection": NOWHERE}}}],
    ("startReplay", "409"): [{"body": {"filter": {"connection": "main"}}}],
    ("startReplay", "422"): [{"body": {"filter": f}} for f in ([], {"colour": "red"}, {"state": "?"}, {"since": "?"})],
    ("getReplay", "403"): [{"key": "bound"}],
    ("makeConnection", "403"): [{"body": {"crm": "webhook", "account": ACCOUNT}, "key": "bound"}],
    ("makeConnection", "409"): [lambda w: {"body": {"crm": "webhook", "account": w.connection()["account"],
                                                    "settings": {"url": "https://hooks.example.com/a"}, "secrets": {"signing_secret": WEBHOOK_SECRET}}}],
    ("makeConnection", "422"): [{"body": {"crm": "webhook", "account": "a", **b}} for b in
                                ({"crm": "nothing"}, {"account": ""}, {"colour": "red"}, {"settings": {"url": "?"}}, {"secrets": {"x": "y"}},
                                 {"overrides": []}, {"timezone": "Mars"}, {"subscribe": ["much"]}, {"contacts": ["nobody"]})],
    ("changeConnection", "409"): [{"path": {"id": "webhook:main"}, "body": {"label": "new"}}],
    ("changeConnection", "422"): [{"body": {"crm": "hubspot"}}, {"body": {"settings": {"url": None}}}],
    ("deleteConnection", "409"): [{"path": {"id": "webhook:main"}}],
    ("confirmConnection", "409"): [lambda w: {"path": {"id": w.connection()["id"]}}],
    ("confirmConnection", "422"): [lambda w: {"path": {"id": w.at_sandbox(owner="77")}}],
    ("rollBackConnection", "409"): [{"path": {"id": "webhook:main"}, "body": {"version": 1}}],
    ("rollBackConnection", "422"): [{"body": {"version": 99}}, {"body": {}}],
    ("pauseConnection", "409"): [lambda w: {"path": {"id": w.connection("hubspot")["id"]}}],
    ("resumeConnection", "409"): [{"path": {"id": "webhook:off"}}, lambda w: {"path": {"id": w.connection("hubspot")["id"]}}],
    ("pauseConnection", "200"): [lambda w: {"path": {"id": "webhook/held"}, "body": ""}],
    ("pauseConnection", "422"): [{"body": GREEDY}],
    ("mapLead", "404"): [{"body": {"lead_id": NOWHERE}}],
    ("mapLead", "422"): [lambda w: {"body": lead("webhook", contact={"phone": "12", "email": None})}, {"body": []}],
    ("authorizeConnection", "409"): [{"path": {"id": "webhook:main"}}],
    ("authorizeConnection", "422"): [{"body": {"way": "none"}}],
    ("claimParkedGrant", "403"): [lambda w: {"path": {"id": w.parked()}, "body": {"account": ACCOUNT}, "key": "bound"}],
    ("claimParkedGrant", "409"): [lambda w: {"path": {"id": w.connection()["id"]}, "body": {"account": ACCOUNT}}],
    ("claimParkedGrant", "422"): [{"body": {}}, {"body": {"account": "a", "connection": "b"}}, {"body": {"connection": NOWHERE}}],
    ("startGrant", "303"): [lambda w: w.ticket(w.connection("hubspot")["id"])],
    ("startGrant", "410"): [{}, {"query": {"ticket": "guessed"}}],
    ("startGrant", "500"): [lambda w: {"path": {"crm": "jobber"}, **w.ticket("jobber:main")}],
    ("endGrant", "200"): [lambda w: w.way_back(w.connection("hubspot")["id"]), lambda w: {"query": {"code": f"sandbox-code-m{next(w.numbers)}"}}],
    ("endGrant", "303"): [lambda w: w.from_connect_link()],
    ("endGrant", "403"): [{}, {"query": {"error": "access_denied"}}, lambda w: {**w.way_back(w.connection("hubspot")["id"]), "headers": {}}],
    ("endGrant", "409"): [lambda w: w.another_account()],
    ("endGrant", "410"): [{"query": {"code": "c", "state": "guessed"}}],
    ("endGrant", "502"): [{"query": {"code": "guessed"}}],
    ("uninstallApp", "204"): [lambda w: w.uninstalled()],
    ("uninstallApp", "400"): [lambda w: {**w.uninstalled(), "body": b"{"}],
    ("uninstallApp", "401"): [{"path": {"crm": "pipedrive"}, "body": {}}, lambda w: {**w.uninstalled(), "body": {"company_id": 7}}],
    ("reloadPlugin", "422"): [{"path": {"id": "no_push"}}],
    ("listAlerts", "200"): [{"query": {"on": 1}}],
    ("listAlerts", "400"): [{"query": {"on": 2}}],
    ("makeConnectLink", "409"): [{"body": {"connection": "main"}}],
    ("makeConnectLink", "404"): [{"body": {"connection": NOWHERE}}],
    ("makeConnectLink", "422"): [{"body": b} for b in ({}, {"account": "a b"}, {"account": "a", "minutes": 4}, {"account": "a", "crm": "nothing"},
                                                       {"account": "a", "connection": "hubspot:main"}, {"connection": "hubspot:main", "crm": "jobber"})],
    ("makeConnectLink", "403"): [{"body": {"account": ACCOUNT}, "key": "bound"}],
    ("makeKey", "422"): [{"body": {"name": "n", "scopes": ["read"], **b}} for b in
                         ({"name": ""}, {"scopes": ["write"]}, {"accounts": "all"}, {"expires_at": "2001-01-01T00:00:00Z"})],
    ("rotateKey", "409"): [lambda w: {"path": {"id": w.expired_key()}}],
    ("rotateKey", "422"): [{"body": {"overlap_ms": v}} for v in (-1, "long")],
    ("subscribeBridge", "409"): [lambda w: {"key": full_account(w), "body": {"target_url": "https://hooks.zapier.com/1"}}],
    ("subscribeBridge", "422"): [{"body": {"target_url": "https://127.0.0.1/"}}, {"body": {}}, {"body": {"target_url": "https://a.example.com/", "event": "x"}}],
    ("unsubscribeBridge", "200"): [{}, {"path": {"id": "main"}}],
    ("getBridgeSample", "200"): [{}, lambda w: {"key": new_account(w)}],
    ("reportBridgeStatus", "422"): [{"body": {"status": "?"}}, {"body": {"status": "won", "amount": -1}}, {"body": {"status": "won", "currency": "?"}}],
    ("reloadMasterKeys", "409"): [lambda w: spoilt(w)],
    ("getOpenapi", "304"): [lambda w: {"headers": {"If-None-Match": 'W/"1", ' + w.ask(OPERATIONS["getOpenapi"]).headers["ETag"]}},
                            {"headers": {"If-None-Match": "*"}}],
    ("takeHookOfApp", "2XX"): [{"body": "{}"}, lambda w: w.jobber(JOBBER)],
    ("takeHookOfApp", "400"): [lambda w: w.jobber("no JSON")],
    ("takeHookOfApp", "401"): [{"body": JOBBER}],
    ("takeHook", "2XX"): [lambda w: w.housecall(HOUSECALL), {"body": "{}"}],
    ("takeHook", "400"): [lambda w: w.jobber("no JSON", path={"crm": "jobber", "connection": w.ids["jobber"]})],
    ("takeHook", "401"): [{"body": HOUSECALL}],
    ("takeHook", "404"): [{"path": {"crm": "housecall_pro", "connection": "main"}, "body": "{}"}],
    ("takeHookWithSecret", "2XX"): [{"body": WORKIZ}],
    ("takeHookWithSecret", "401"): [lambda w: {"path": {"crm": "workiz", "connection": w.ids["workiz"], "secret": "guessed"}, "body": WORKIZ}],
    **{(hook, "413"): [{"body": BIG}] for hook in ("takeHookOfApp", "takeHook", "takeHookWithSecret")},
}

NOT_HERE = {  # (operation, status) -> why, and what shows it instead
    ("reloadPlugin", "409"): "two reloads at one moment; tests/unit/api/test_control.c",
    ("takeHookWithSecret", "400"): "Workiz's bodies are taken as they are; tests/unit/hooks/test_receive.c",
    ("endGrant", "500"): "a master key that went while somebody was at the consent page",
    **{(op, "503"): "the engine has stopped, and then nobody listens any more; or the disk is full" for op in ("startGrant", "endGrant", "uninstallApp")},
    **{(op, "503"): "needs a writer that is behind or gone; tests/unit/hooks/test_receive.c"
       for op in ("takeHookOfApp", "takeHook", "takeHookWithSecret")},
}


def signed(doc):
    body = json.dumps(doc).encode()
    return {"body": body, "headers": sign(INTAKE_SECRETS[0], body), "key": None}


def again(w, doc, **changes):
    w.daemon.send(doc)
    return {"body": {**doc, **changes}}


def new_account(w):
    w.keys["nobody"] = w.make_key("nobody", ["bridge"], ["acct_new"])
    return "nobody"


def full_account(w):
    """One that has a hundred subscriptions."""
    w.keys["full"] = w.make_key("full", ["bridge"], ["acct_full"])
    for _ in range(100):
        assert w.ask(OPERATIONS["subscribeBridge"], body={"target_url": "https://hooks.zapier.com/1"}, key="full").status == 201
    return "full"


def bound_sender(w):
    w.keys["sender"] = w.make_key("sender", ["intake"], [OTHER])
    return "sender"


def spoilt(w):
    """The key file without the key; it is put back by the next who looks."""
    path = w.daemon.dir / "master.key"
    good = path.read_bytes()
    path.write_bytes(b"?")
    w.mend = lambda: path.write_bytes(good)
    return {}


def target(w, op):
    if op.id in CHANGES:
        return {"id": w.connection()["id"]}
    found = [p for p in TARGET if op.path == p or op.path.startswith(p) and (p.endswith("/") or op.path[len(p)] == "/")]
    return TARGET[max(found, key=len)](w) if found else {}


def a_body(op):
    """A good one."""
    return next((value for _, _, value in op.examples), "{}" if op.body else None)


def requests(op, word):
    """How a status comes about: from the tables, else by what is the same for all."""
    if (op.id, word) in PROVOKE:
        yield from PROVOKE[op.id, word]
    elif word.startswith("2") and not list(op.examples) and (op.id, word) not in NOT_HERE:
        yield {}
    if word == "400" and "application/json" in op.body and op.id != "sendLead":
        yield {"body": "{"}
    if word == "400" and ("limit", "query") in op.parameters:
        yield {"query": {"limit": 0}}
    if word == "401" and op.needs:
        yield {"key": None, "headers": {"X-Forwarded-For": "192.0.2.1"}}
        yield {"key": "unknown", "headers": {"X-Forwarded-For": "192.0.2.1"}}
    if word == "403" and op.needs:
        yield {"key": "intake", "headers": {"X-Forwarded-For": "192.0.2.1"}}
        yield {"headers": {"Host": "evil.example"}}
        if op.needs == "admin":
            yield {"key": "read"}
        if op.method != "GET":
            yield {"headers": {"Sec-Fetch-Site": "cross-site"}}
    if word == "404" and apidoc.parameters_of(op.path):
        yield {"path": dict.fromkeys(apidoc.parameters_of(op.path), NOWHERE), "body": a_body(op)}
    if word == "409" and op.path.startswith("/v1/connections/{id}"):
        yield lambda w: {"path": {**target(w, op), "id": "main"}, "body": a_body(op)}
    if word == "409" and op.path.startswith("/v1/dead-letters/{id}/"):
        yield lambda w: {"path": {"id": w.waiting()}, "body": a_body(op)}
    if word == "default":
        yield {"query": {"q": "x" * 9000}}


def send(w, op, request):
    request = dict(request(w) if callable(request) else request)
    request.setdefault("path", target(w, op))
    return w.ask(op, **request)


@pytest.fixture(scope="module")
def world():
    rig = Rig()
    it, failed = None, True
    try:
        it = World(rig)
        it.keys["unknown"] = "csk_unknown"
        it.answers = {}
        yield it
        failed = False
    finally:
        if os.environ.get("CSRELAY_ANSWERS") and it:
            Path(os.environ["CSRELAY_ANSWERS"]).write_text(json.dumps(it.answers, indent=1))
        bad, logs = rig.close(failed)
        print(logs)
        assert not bad, "a process did not end well"


@pytest.mark.parametrize("name", OPERATIONS)
def test_answers_are_as_documented(world, name):
    op, seen = OPERATIONS[name], set()

    def look(request, word=None):
        world.mend = lambda: None
        answer = send(world, op, request)
        world.mend()
        got = op.check(answer)
        assert word in (None, got), f"{name}: {request if not callable(request) else ''} should be {word}: {answer}"
        seen.add(got)
        if answer.body and answer.headers.get("Content-Type", "").endswith(("/json", "+json")):
            world.answers.setdefault(name, {})[got] = answer.json

    for content_type, example, value in op.examples:
        look({"body": value, "headers": {"Content-Type": content_type}})
        assert all(word.startswith("2") for word in seen), f"{name}: the example {example} is refused"
    for word in op.statuses:
        for request in requests(op, word):
            look(request, word)
    for listener in op.servers[1:]:
        look({"listener": listener})
    missing = set(op.statuses) - seen - {"503"} - {word for who, word in NOT_HERE if who == name}
    assert not missing, f"{name}: nothing shows {sorted(missing)}"
    assert not {word for who, word in NOT_HERE if who == name} & seen, f"{name}: NOT_HERE is wrong"


def test_at_a_stop_every_operation_says_so(rig):
    w = World(rig)
    w.daemon.stop()
    w.daemon.options["shutdown"]["grace"] = "5 min"  # the listeners end one after the other, each with a part of it
    w.daemon.start()
    asked = [op for op in OPERATIONS.values() if "503" in op.statuses and (op.id, "503") not in NOT_HERE]
    open_ = []
    for op in asked:
        conn = w.open(op.servers[0])
        conn.request("GET", "/healthz")
        conn.getresponse().read()
        open_.append(conn)
    holds = w.open("listen.intake")
    holds.putrequest("POST", "/v1/leads")
    holds.putheader("Content-Length", "10")
    holds.putheader("Expect", "100-continue")
    holds.endheaders()
    assert holds.sock.recv(100).startswith(b"HTTP/1.1 100 "), "it has the request"
    w.daemon.process.terminate()
    ready = OPERATIONS["getReadiness"]
    wait_until(lambda: w.ask(ready).status == 503, what="it is stopping")
    assert not NOT_HERE.keys() - {(o.id, s) for o in OPERATIONS.values() for s in o.statuses}, "NOT_HERE names what is not documented"
    for op, conn in zip(asked, open_):
        answer = ask(conn, op.method, w.url(op, dict.fromkeys(apidoc.parameters_of(op.path), 1)), None if op.method == "GET" else "{}",
                     {"Authorization": f"Bearer {w.keys['admin']}"})
        assert op.check(answer) == "503", (op.id, answer)
    holds.close()


def test_every_route_is_documented_with_its_scope(world):
    table = {(r["method"], r["path"], r["needs"]) for r in world.daemon.operate("GET", "/v1")["items"] if not r["path"].startswith("/v1/test/")}
    told = {(o.method, o.path, o.needs) for o in OPERATIONS.values() if "listen.admin" in o.servers and o.needs}
    assert table == told, f"not documented: {sorted(table - told)}; not there: {sorted(told - table)}"


def test_methods_that_are_not_documented_are_refused_with_those_that_are(world):
    for path, item in DOC["paths"].items():
        for listener in {s for o in OPERATIONS.values() if o.path == path for s in o.servers}:
            has = {o.method for o in OPERATIONS.values() if o.path == path and listener in o.servers}
            op = next(o for o in OPERATIONS.values() if o.path == path)
            url = world.url(op, target(world, op))
            answer = ask(world.open(listener), "OPTIONS", url, None, {"Authorization": f"Bearer {world.keys['admin']}"})
            if answer.status == 404 and "{secret}" in path:
                continue
            assert answer.status == 405, (path, listener, answer)
            assert set(answer.headers["Allow"].split(", ")) - {"HEAD"} == has, (path, listener, answer.headers["Allow"])


def test_words_are_those_of_the_daemon(world):
    words = {name: s["enum"] for name, s in DOC["components"]["schemas"].items() if "enum" in s}
    assert words["DeliveryState"] == list(dict.fromkeys(STATES)) and words["Blame"] == BLAMES and words["Lane"] == LANES
    assert words["Outcome"] == OUTCOMES and words["ConnectionState"] == CONN_STATES + ["failing"]
    for parameter, schema in {"state": "DeliveryState", "blame": "Blame", "urgency": "Urgency"}.items():
        detail = world.ask(OPERATIONS["listDeliveries"], query={parameter: "?"}).json["detail"]
        assert re.findall(r"[a-z_]+", detail.replace(" or ", " "))[3:] == words[schema], detail


def test_the_document_that_is_served_is_this_one(world):
    served = world.ask(OPERATIONS["getOpenapi"])
    assert served.json == DOC
    assert ask(UnixConnection(str(world.daemon.dir / "control.sock")), "GET", "/openapi.json").json == DOC


# ---- the document by itself

def test_the_document_is_sound():
    ids = [o.id for o in OPERATIONS.values()]
    n = sum(m in item for item in DOC["paths"].values() for m in apidoc.METHODS)
    assert len(ids) == len(set(ids)) == n, "an operationId is missing or there twice"
    for ref in apidoc.references_in(DOC):
        apidoc.pointed(DOC, ref)
    for place, schema in apidoc.schemas_in(DOC):
        Draft202012Validator.check_schema(apidoc.closed(DOC, schema))
    tags = {t["name"] for t in DOC["tags"]}
    for op in OPERATIONS.values():
        assert set(op.own["tags"]) <= tags and op.own["summary"], op.id
        assert {n for n, where in op.parameters if where == "path"} == set(apidoc.parameters_of(op.path)), op.id
        assert all(p.get("required") for (_, where), p in op.parameters.items() if where == "path"), op.id
        assert "default" in op.statuses and all("description" in r for r in op.responses.values()), op.id
        for row in op.own.get("security", []):
            assert row.keys() <= DOC["components"]["securitySchemes"].keys(), op.id


@node.needed
def test_a_validator_that_is_not_ours_finds_nothing():
    at = node.installed("openapi")
    done = subprocess.run(["node", at / "validate.mjs", SOURCE / "sdk/schema/openapi.json"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "3.1\n"), done


def test_members_are_named_alike_and_required_ones_are_there():
    for place, schema in apidoc.schemas_in(DOC):
        for node in walk(schema):
            assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in node.get("properties", {})), place
            if node.get("type") == "object" and "properties" in node and "additionalProperties" not in node:
                assert set(node.get("required", [])) <= node["properties"].keys(), place


def walk(schema):
    if isinstance(schema, dict) and "$id" not in schema:
        yield schema
        for value in schema.values():
            yield from itertools.chain.from_iterable(walk(v) for v in (value if isinstance(value, list) else [value]))


def test_examples_keep_their_schemas():
    count = 0
    for op in OPERATIONS.values():
        for content_type, name, value in op.examples:
            apidoc.faults(DOC, op.body[content_type]["schema"], value, f"{op.id} {name}")
            count += 1
        for status, response in op.responses.items():
            for content_type, media in response.get("content", {}).items():
                for name, example in media.get("examples", {}).items():
                    apidoc.faults(DOC, media["schema"], apidoc.resolved(DOC, example)["value"], f"{op.id} {status} {name}")
                    count += 1
    assert count > 60
