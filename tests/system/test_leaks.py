# SPDX-License-Identifier: Apache-2.0
"""Secrets and callers' data are planted wherever they come in, and looked for wherever they must not come out.

PLACES says for each place what may not stand there: secrets nowhere but in what leaves for their CRM; what callers said not in
logs, metrics or what the system can see of the processes either. The store may hold leads, and no secret in the clear.
"""
import base64
import http.client
import http.server
import json
import os
import re
import subprocess
import threading

import pytest

from rig import ACCOUNT, BUILD, ask, lead, wait_until

CALLER = {"first_name": "Plantfirstname", "last_name": "Plantlastname", "phone": "+13055557731", "email": "plant.caller@example.net"}
TOLD = "Plantdescription of what the caller said"
PERSONAL = [*CALLER.values(), "13055557731", "3055557731", TOLD]
MAIL = "plant-mail-password-Zq81"
BEARER, DYNAMIC, HOOK, REFUSED, REPLACED = (f"plant-{w}-5bKx09Lq" for w in ("static-bearer", "dynamic-bearer", "hook-secret", "refused", "replaced"))


def whsec(byte):
    return "whsec_" + base64.b64encode(bytes([byte]) * 32).decode()


INTAKE, ALERTS, REFRESH = whsec(201), whsec(202), whsec(203)


def forms(secret):
    """As it is, and as it stands in base64, in a URL, in hex."""
    raw = secret if isinstance(secret, bytes) else secret.encode()
    out = {raw, base64.b64encode(raw), raw.hex().encode()}
    if raw.startswith(b"whsec_"):
        key = base64.b64decode(raw[6:])
        out |= {key, base64.b64encode(key), key.hex().encode()}
    return out


class Echo(http.server.ThreadingHTTPServer):
    """A CRM that refuses, and repeats in its refusal everything that it was sent: body, headers, credentials."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.seen = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.seen += 1
            answer = json.dumps({"message": "refused " + body.decode(), "headers": dict(self.headers)}).encode()
            self.send_response(422)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass


@pytest.fixture
def echo():
    it = Echo()
    yield it
    it.shutdown()
    it.server_close()


def plant(daemon, echo, form):
    """Everything into its place. Returns the secrets."""
    daemon.options["log"] = {"level": "debug", "debug": "all", "format": form}
    daemon.options["http"]["allow"].append(f"127.0.0.1:{echo.server_port}")
    daemon.options["intake"]["secrets"].append(daemon.secret("leaks-intake", INTAKE))
    daemon.options["alerts"] = {"dead_letters": 1, "webhook": f"http://127.0.0.1:{echo.server_port}/alerts", "webhook_secret": daemon.secret("leaks-alerts", ALERTS),
                                "mail_url": "smtps://127.0.0.1:1", "mail_from": "csrelay@example.com", "mail_to": ["ops@example.com"],
                                "mail_user": "csrelay", "mail_password": daemon.secret("leaks-mail", MAIL)}
    daemon.options["callsetter"] = {"url_refresh": f"http://127.0.0.1:{echo.server_port}/fresh", "secret": daemon.secret("leaks-refresh", REFRESH)}
    daemon.connect("webhook", "static", settings={"url": f"http://127.0.0.1:{echo.server_port}/static"}, secrets={"bearer": BEARER}, subscribe=["all"])
    daemon.connect("housecall_pro", secrets={"webhook_secret": HOOK})
    daemon.start()
    url = f"http://127.0.0.1:{echo.server_port}/dynamic"
    made = daemon.operate("POST", "/v1/connections", {"crm": "webhook", "account": ACCOUNT, "settings": {"url": url, "sign": False},
                                                      "secrets": {"bearer": REPLACED}, "subscribe": ["all"]}, 201)
    daemon.operate("PATCH", f"/v1/connections/{made['id']}", {"secrets": {"bearer": DYNAMIC}})
    admin = daemon.operate("POST", "/v1/keys", {"name": "leaks", "scopes": ["admin"]}, 201)["key"]
    bridge = daemon.operate("POST", "/v1/keys", {"name": "leaks", "scopes": ["bridge"], "accounts": [ACCOUNT]}, 201)["key"]
    hook = ask(http.client.HTTPConnection("127.0.0.1", daemon.port("admin")), "POST", "/v1/bridge/hooks",
               {"target_url": f"http://127.0.0.1:{echo.server_port}/hook", "sign": True}, {"Authorization": f"Bearer {bridge}"})
    key = subprocess.run([BUILD / "csrelay", "secrets", "rotate", "--config", daemon.dir / "csrelay.conf"], capture_output=True, text=True)
    assert key.returncode == 0, key.stderr
    masters = re.findall(r"^\w+:([0-9a-f]{64})$", (daemon.dir / "master.key").read_text(), re.M)
    assert len(masters) == 2
    return {"the bearer of a file": BEARER, "the bearer of a connection": DYNAMIC, "the one before": REPLACED, "a hook's secret": HOOK,
            "intake's": INTAKE, "that of alerts": ALERTS, "that of fresh links": REFRESH, "the mail password": MAIL, "an admin's key": admin,
            "a bridge's key": bridge, "a subscription's": hook.json["signing_secret"], "one that was refused": REFUSED,
            "the master key": bytes.fromhex(masters[0]), "the older master key": bytes.fromhex(masters[1])}


def exercise(daemon, echo, secrets):
    """Leads good and bad, refusals that repeat them, hooks with the wrong signature, requests that are refused."""
    good = lead("webhook", contact=dict(CALLER), service_request={"description": TOLD}, timestamp_utc="2020-01-01T00:00:00Z")
    bad = lead("webhook", contact={**CALLER, "phone": "Plantlastname"}, service_request={"description": TOLD})
    answers = [daemon.post(good), daemon.post(bad), daemon.post("{" + json.dumps(good)), daemon.post({**good, "event_id": TOLD}),
               daemon.post(good, {"Authorization": f"Bearer {REFUSED}"}),
               daemon.control("POST", "/v1/connections", {"crm": "webhook", "account": ACCOUNT, "settings": {"url": 7, "nosuch": REFUSED},
                                                          "secrets": {"bearrer": REFUSED, "signing_secret": REFUSED}}),
               daemon.control("POST", "/v1/connections", {"crm": "hubspot", "account": "a b", "secrets": {"access_token": REFUSED}, "bearer": REFUSED}),
               daemon.control("POST", "/v1/keys", {"name": "x", "scopes": [REFUSED]})]
    for path in ("/hooks/housecall_pro", "/hooks/nosuch"):
        answers.append(ask(http.client.HTTPConnection("127.0.0.1", daemon.port("admin")), "POST", path, {"event": TOLD},
                           {"Api-Signature": REFUSED, "X-Signature": HOOK}))
    wait_until(lambda: echo.seen >= 3, what="the receivers have refused, and repeated everything")
    daemon.settle()
    wait_until(lambda: len([d for d in daemon.deliveries() if d["state"] == "dead"]) >= 3)
    wait_until(lambda: "mail could not be sent yet" in daemon.log())
    return answers


def api_answers(daemon):
    paths = ["/v1", "/v1/stats", "/v1/leads", "/v1/deliveries", "/v1/queue", "/v1/dead-letters", "/v1/connections", "/v1/plugins", "/v1/alerts?on=0",
             "/v1/keys", "/v1/secrets", "/readyz"]
    for row in daemon.operate("GET", "/v1/leads")["items"]:
        paths += [f"/v1/leads/{row['id']}", f"/v1/leads/{row['id']}/story"]
    for row in daemon.operate("GET", "/v1/dead-letters")["items"]:
        paths.append(f"/v1/dead-letters/{row['id']}")
    for row in daemon.operate("GET", "/v1/connections")["items"]:
        paths += [f"/v1/connections/{row['id']}", f"/v1/connections/{row['id']}/versions"]
    return {p: daemon.control("GET", p).body for p in paths}


def processes(daemon):
    """The daemon and the processes of its plugins, with what the system shows of them."""
    kids = [p["process"]["pid"] for p in daemon.operate("GET", "/v1/plugins")["items"] if p.get("process", {}).get("pid")]
    assert len(kids) >= 2
    return [daemon.process.pid, *kids]


def look(what, content, needles):
    found = [name for name, secret in needles.items() for f in forms(secret) if f in content]
    assert not found, f"{what} shows {', '.join(sorted(set(found)))}"


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_that_was_planted_comes_out_where_it_must_not(rig, echo, form):
    daemon = rig.daemon()
    secrets = plant(daemon, echo, form)
    answers = exercise(daemon, echo, secrets)
    personal = {f"what the caller said ({p[:9]}...)": p for p in PERSONAL}

    metrics = ask(http.client.HTTPConnection("127.0.0.1", daemon.port("admin")), "GET", "/metrics").body
    look("/metrics", metrics, {**secrets, **personal})
    for path, body in api_answers(daemon).items():
        look(f"GET {path}", body, secrets)
    for a in answers:
        look(f"the answer {a.status} {a.body[:80]!r}", a.body, {**secrets, **personal})
    for pid in processes(daemon):
        with open(f"/proc/{pid}/limits") as f:
            assert re.search(r"Max core file size +0 +0 ", f.read())
        for name in ("cmdline", "environ"):
            content = open(f"/proc/{pid}/{name}", "rb").read() if os.access(f"/proc/{pid}/{name}", os.R_OK) else b""
            look(f"{name} of process {pid}", content, {**secrets, **personal})
        assert pid == daemon.process.pid or not content, "a plugin's process has an empty environment"
    look("the log", daemon.log().encode(), {**secrets, **personal})
    for suffix in ("", "-wal", "-shm"):
        path = daemon.store.with_name(daemon.store.name + suffix)
        if path.exists():
            look(f"the store's file {suffix}", path.read_bytes(), secrets)
    story = b"".join(api_answers(daemon).values()).decode()
    assert TOLD in story, "and yet operators see what was sent"
    daemon.stop()
    look("the store after a stop", daemon.store.read_bytes(), secrets)
    look("the log after a stop", daemon.log().encode(), {**secrets, **personal})


def test_the_search_would_find_something():
    """What the other test asserts can fail: each form is found where it is put."""
    for secret in (BEARER, INTAKE, bytes(range(32))):
        for f in forms(secret):
            with pytest.raises(AssertionError):
                look("a place", b"x" + f + b"y", {"a secret": secret})
