# SPDX-License-Identifier: Apache-2.0
"""rig.py - the real csrelayd and the real sandbox for tests, on free ports in a folder of their own.

What happened is read from the store (read-only) and from the sandbox's records; what is to happen is asked for as an
operator would: by configuration, signals and the control socket. Time is moved on both sides at once.
"""
import base64
import contextlib
import hashlib
import hmac
import http.client
import itertools
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.parse
import uuid
from pathlib import Path

from crms import CRMS

SOURCE = Path(os.environ.get("CSRELAY_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("CSRELAY_BUILD", SOURCE / "build-check"))

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
ACCOUNT = "acct_xyz"
API_KEY = "test-key"
INTAKE_SECRETS = ["whsec_" + base64.b64encode(bytes([i]) * 32).decode() for i in (1, 2)]
WEBHOOK_SECRET = "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC0wMDAwMDAwMQ=="
STATES = ["due", "in_hand", "in_hand", "delivered", "dead", "discarded"]
BLAMES = ["none", "lead", "credential", "connection", "crm", "us"]
OUTCOMES = ["done", "retry", "reject", "reauth", "wait", "unknown"]
CONN_STATES = ["connected", "needs_reauth", "paused", "pending"]
LANES = ["emergency", "same_day", "same_week", "flexible", "low", "replay_emergency", "replay"]


def wait_until(check, timeout=15.0, what=None):
    """Until check() is true; returns what it gave."""
    end = time.monotonic() + timeout
    while True:
        got = check()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"it did not come to that in {timeout} s: {what or check.__doc__ or check}")
        time.sleep(0.01)


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def pointers(self):
        """Which fields it complains about."""
        body = self.json
        return {row["pointer"] for row in body.get("errors", []) + body.get("warnings", [])}

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(conn, method, path, body=None, headers=None):
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    try:
        try:
            conn.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
        except BrokenPipeError:
            pass  # answered and closed before it had all of the body
        return Answer(conn.getresponse())
    finally:
        conn.close()


# ---- leads

SAMPLE = json.loads((Path(__file__).parent / "lead.json").read_text())
_numbers = itertools.count(2_000_000 + os.getpid() % 5000 * 1000)


def phone():
    """A number that no other caller of this run has."""
    return f"+1305{next(_numbers)}"


def merge(target, patch):
    """JSON merge patch, except that None stays (a null in the lead)."""
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = value
    return target


def lead(crm="hubspot", urgency="same_day", number=None, email=None, **changes):
    """The sample lead with an identity and a caller of its own."""
    doc = json.loads(json.dumps(SAMPLE))
    doc["event_id"] = str(uuid.uuid4())
    doc["contact"]["phone"] = number or phone()
    doc["contact"]["email"] = email
    doc["service_request"]["urgency"] = urgency
    doc["routing"] = {"destination_crm": crm}
    return merge(doc, changes)


def sign(secret, body, event_id="msg_1", at=None):
    """Standard Webhooks headers."""
    stamp = str(int(at or time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{event_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": event_id, "webhook-timestamp": stamp,
            "webhook-signature": "v1," + base64.b64encode(mac).decode()}


# ---- the fake CRMs

class Sandbox:
    def __init__(self, folder, lag_ms=None):
        port_file = folder / "sandbox.port"
        binary = BUILD / "tests/unit/sandbox/sandboxd"
        command = [binary, "--listen", "127.0.0.1:0", "--data", SOURCE / "plugins", "--port-file", port_file, "--quiet"]
        if lag_ms is not None:
            command += ["--lag-ms", str(lag_ms)]
        self.log = open(folder / "sandbox.log", "w")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        self.port = int(wait_until(lambda: port_file.exists() and port_file.read_text().strip(), what="the sandbox listens"))

    def ask(self, method, path, body=None):
        answer = ask(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30), method, path, body)
        assert answer.status < 300, answer
        return json.loads(answer.body) if answer.body else None

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def advance(self, ms):
        self.ask("POST", "/_clock", {"advance_ms": ms})

    def fault(self, kind, crm="*", match="*", times=1, **more):
        """kind: see core/sandbox/crm/fault.h. Returns its id; times=-1 until healed."""
        return self.ask("POST", "/_faults", {"fault": kind, "crm": crm, "match": match, "times": times, **more})["id"]

    def heal(self, fault_id=None):
        self.ask("DELETE", "/_faults" + (f"?id={fault_id}" if fault_id else ""))

    def fault_hits(self):
        return sum(f["hits"] for f in self.ask("GET", "/_faults")["faults"])

    def tokens(self, crm, do, tenant=None):
        self.ask("POST", "/_tokens", {"crm": crm, "do": do, **({"tenant": tenant} if tenant else {})})

    def records(self, crm, collection, tenant=None):
        query = {"crm": crm, "collection": collection, **({"tenant": tenant} if tenant else {})}
        found = self.ask("GET", "/_records?" + urllib.parse.urlencode(query))
        return [r for r in found[crm][collection]["records"] if not r.get("seed")]

    def requests(self, crm):
        return self.ask("GET", f"/_requests?crm={crm}")["requests"]

    def stop(self):
        self.process.terminate()
        code = self.process.wait(20)
        self.log.close()
        return code


def marked(records, event_id):
    """The records that carry the lead's marker."""
    return [r for r in records if event_id in json.dumps(r)]


# ---- the daemon

def to_conf(value, depth=0):
    """A Python value in libconfig's words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, list):
        around = "()" if value and isinstance(value[0], dict) else "[]"
        return around[0] + ", ".join(to_conf(v, depth + 1) for v in value) + around[1]
    rows = "".join(f"{'  ' * depth}{k} : {to_conf(v, depth + 1)};\n" for k, v in value.items())
    return rows if depth == 0 else "{\n" + rows + "  " * (depth - 1) + "}"


class Daemon:
    """One csrelayd. Change .options and .crms, then start() or reload()."""

    def __init__(self, folder, sandbox, store_dir=None):
        self.dir, self.sandbox, self.process, self.offset_ms = folder, sandbox, None, 0
        self.store = (store_dir or folder) / "csrelay.db"
        (folder / "crm.d").mkdir()
        (folder / "secrets").mkdir(mode=0o700)
        (folder / "master.key").write_bytes(bytes(range(32)))
        (folder / "master.key").chmod(0o600)
        self.options = {
            "listen": {"intake": "127.0.0.1:0", "admin": "127.0.0.1:0", "control": f"unix:{folder}/control.sock"},
            "store": {"path": str(self.store), "min_free": "1 MiB"},
            "intake": {"secrets": [self.secret(f"intake{i}", s) for i, s in enumerate(INTAKE_SECRETS)],
                       "keys": ["test:" + hashlib.sha256(API_KEY.encode()).hexdigest()]},
            "http": {"allow": [f"127.0.0.1:{sandbox.port}"]},
            "plugins": {"dir": f"{BUILD}/plugins/v1:{BUILD}/tests/plugins/v1"},
            "shutdown": {"grace": "2 s"},
            "alerts": {"canary": False},  # nothing is asked of a CRM but what a test is about
        }
        self.crms = {}
        self.shared = {}  # what a CRM's file says for all its connections
        self.logs = []
        self.preexec = None  # called in the new process before it becomes csrelayd

    # -- configuration

    def secret(self, name, value):
        path = self.dir / "secrets" / name
        path.write_text(value + "\n")
        path.chmod(0o600)
        return f"@file:{path}"

    def connect(self, crm, name="main", tenant=None, account=ACCOUNT, settings=None, secrets=None, **more):
        """A connection into the sandbox; .crms holds it, to be changed later."""
        tenant = tenant or name
        if crm == "webhook":
            own, secret = {"url": self.sandbox.url(f"webhook/{tenant}")}, {"signing_secret": WEBHOOK_SECRET}
        elif crm in CRMS:
            own = {"base_url": self.sandbox.url(crm),
                   **{k: v.format(tenant=tenant) if isinstance(v, str) else v for k, v in CRMS[crm].settings.items()}}
            secret = {name: value.format(tenant=tenant) for name, value in CRMS[crm].secrets.items()}
        else:
            own, secret = {"base_url": self.sandbox.url(f"webhook/unsigned/{tenant}")}, {}
        connection = {"name": name, "account": account, "label": f"{crm} {name}", "timezone": "America/New_York",
                      "settings": {**own, **(settings or {})},
                      "secrets": {k: self.secret(f"{crm}-{name}-{k}", v) for k, v in {**secret, **(secrets or {})}.items()},
                      **more}
        self.crms.setdefault(crm, {})[name] = connection
        return connection

    def write(self):
        (self.dir / "csrelay.conf").write_text(to_conf(self.options))
        for old in (self.dir / "crm.d").iterdir():
            if old.stem not in self.crms:
                old.unlink()
        for crm, connections in self.crms.items():
            text = to_conf({"enabled": True, **self.shared.get(crm, {}), **({"connections": list(connections.values())} if connections else {})})
            (self.dir / "crm.d" / f"{crm}.conf").write_text(text)

    # -- life

    def spawn(self, **env):
        self.write()
        for port in self.dir.glob("*.port"):
            port.unlink()
        self.logs.append(self.dir / f"csrelayd.{len(self.logs)}.log")
        with open(self.logs[-1], "w") as log:
            self.process = subprocess.Popen(
                [BUILD / "csrelayd", "--config", self.dir / "csrelay.conf", "--port-dir", self.dir, "--trust-plugins"],
                stdout=log, stderr=log, env={**os.environ, "CSRELAY_CLOCK_OFFSET_MS": str(self.offset_ms), **env}, preexec_fn=self.preexec)

    def start(self, **env):
        self.spawn(**env)
        wait_until(lambda: self.process.poll() is not None or (self.dir / "intake.port").exists(), 30, "csrelayd listens")
        assert self.process.poll() is None, self.log()
        return self

    def port(self, name):
        return int((self.dir / f"{name}.port").read_text())

    def log(self):
        return "".join(p.read_text(errors="replace") for p in self.logs)

    def stop(self):
        """A clean stop; the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)

    def kill9(self):
        self.process.kill()
        self.process.wait(30)

    def restart(self, **env):
        assert self.stop() == 0, self.log()
        return self.start(**env)

    def reload(self):
        """SIGHUP, and wait until it was taken over or refused."""
        self.write()
        before = len(self.log())
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: re.search("configuration reloaded|the old one stays|old configuration stays", self.log()[before:]),
                   what="the configuration is read again")
        return self.log()[before:]

    # -- time

    def now_ms(self):
        return int(time.time() * 1000) + self.offset_ms

    def advance(self, ms):
        """Here and in the sandbox. What is signed before a jump of five minutes would be too old when it arrives, so wait for it."""
        ms = int(ms)
        if ms > 4 * MINUTE:
            self.settle(1)
        self.sandbox.advance(ms)
        self.offset_ms += ms
        answer = self.control("POST", "/v1/test/clock", {"advance_ms": ms})
        assert answer.status == 200, answer

    def settle(self, timeout=15):
        """Until the engine has done what the time asks for: nothing is on its way, again and again. False: it still is."""
        quiet, end = 0, time.monotonic() + timeout
        while quiet < 4 and time.monotonic() < end:
            quiet = 0 if self.query("SELECT 1 FROM delivery WHERE state IN (1, 2) LIMIT 1") else quiet + 1
            time.sleep(0.008)
        return quiet == 4

    def advance_to(self, at_ms):
        if at_ms > self.now_ms():
            self.advance(at_ms - self.now_ms())

    # -- talking to it

    def post(self, body, headers=None, path="/v1/leads", method="POST"):
        conn = http.client.HTTPConnection("127.0.0.1", self.port("intake"), timeout=30)
        return ask(conn, method, path, body, {"Authorization": f"Bearer {API_KEY}", **(headers or {})})

    def send(self, doc, status=202):
        answer = self.post(doc)
        assert answer.status == status, answer
        return answer

    def send_all(self, docs):
        """As one batch."""
        body = "\n".join(json.dumps(d) for d in docs)
        answer = self.post(body, {"Content-Type": "application/x-ndjson"})
        assert answer.status == 200, answer
        return [json.loads(line) for line in answer.body.splitlines()]

    def control(self, method, path, body=None):
        return ask(UnixConnection(str(self.dir / "control.sock")), method, path, body)

    def csrelay(self, *args, status=0, **more):
        """The command line, in its own process; what it printed. With `json` among the arguments read it yourself."""
        done = subprocess.run([BUILD / "csrelay", "--config", self.dir / "csrelay.conf", *map(str, args)], capture_output=True, text=True,
                              timeout=60, **more)
        assert done.returncode == status, (args, done)
        return done.stdout if status == 0 else done.stdout + done.stderr

    def operate(self, method, path, body=None, status=200):
        answer = self.control(method, path, body if body is not None or method == "GET" else {})
        assert answer.status == status, answer
        return answer.json

    # -- looking at the store

    def query(self, sql, *args):
        db = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=10)
        try:
            db.row_factory = sqlite3.Row
            return [dict(r) for r in db.execute(sql, args)]
        finally:
            db.close()

    @contextlib.contextmanager
    def store_held(self):
        """Nobody else can write meanwhile."""
        db = sqlite3.connect(self.store, isolation_level=None, timeout=10)
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            db.execute("ROLLBACK")
            db.close()

    def deliveries(self, doc=None, state=None):
        rows = self.query("SELECT d.*, coalesce(c.crm, d.crm) AS goes_to, l.event_id, l.event, p.json AS progress FROM delivery d"
                          " JOIN lead l ON l.id = d.id >> 8 LEFT JOIN conn c ON c.id = d.conn_id LEFT JOIN progress p ON p.delivery_id = d.id ORDER BY d.id")
        for r in rows:
            r["state"], r["blame"], r["lane"] = STATES[r["state"]], BLAMES[r["blame"]], LANES[r["lane"]]
            r["crm"] = r.pop("goes_to")
            r["event_id"] = str(uuid.UUID(bytes=r["event_id"]))
            r["progress"] = json.loads(r["progress"] or "{}")
        return [r for r in rows if (doc is None or r["event_id"] == doc["event_id"]) and (state is None or r["state"] == state)]

    def delivery(self, doc):
        rows = self.deliveries(doc)
        assert len(rows) == 1, rows
        return rows[0]

    def wait_for(self, doc, state, timeout=15):
        """The delivery of this lead, once it is in that state."""
        end = time.monotonic() + timeout
        while (row := self.delivery(doc))["state"] != state:
            assert time.monotonic() < end, f"{row['state']}, not {state}: {row}\n{self.attempts(doc)}"
            time.sleep(0.01)
        return row

    def wait_states(self, timeout=20, **counts):
        """Until so many deliveries are in these states: wait_states(delivered=3, dead=0)."""
        def look():
            rows = self.deliveries()
            self.seen = {s: sum(r["state"] == s for r in rows) for s in counts}
            return self.seen == counts
        try:
            wait_until(look, timeout)
        except AssertionError:
            raise AssertionError(f"deliveries are {self.seen}, not {counts}") from None

    def wait_delivered(self, n, step=2 * SECOND):
        """Until n are delivered that wait for a CRM's limit, or for their turn: the clock is moved on meanwhile."""
        for _ in range(300):
            if len(self.deliveries(state="delivered")) == n:
                return
            self.advance(step)
            time.sleep(0.02)
        self.wait_states(delivered=n)

    def attempts(self, doc):
        row = self.delivery(doc)
        found = self.query("SELECT * FROM attempt WHERE id >> 12 = ? ORDER BY id", row["id"])
        for a in found:
            a["outcome"] = OUTCOMES[a["outcome"]] if a["outcome"] < len(OUTCOMES) else a["outcome"]
            a["blame"], a["exchanges"] = BLAMES[a["blame"]], json.loads(a["exchanges"] or "[]")
        return found

    def wait_attempts(self, doc, n, timeout=15):
        """Once n attempts are written down and the delivery rests again."""
        wait_until(lambda: len(self.attempts(doc)) >= n and self.delivery(doc)["state"] != "in_hand", timeout, f"attempt {n}")
        return self.delivery(doc)

    def connection(self, crm, name="main"):
        row = self.query("SELECT * FROM conn WHERE crm = ? AND name = ?", crm, name)[0]
        row["state"] = CONN_STATES[row["state"]]
        return row

    def alerts(self):
        return self.query("SELECT * FROM alert ORDER BY key")


class Rig:
    """A folder with a sandbox and as many daemons as a test wants."""

    def __init__(self, lag_ms=None):
        self.dir = Path(tempfile.mkdtemp(prefix="csrelay-"))
        self.sandbox = Sandbox(self.dir, lag_ms)
        self.daemons = []

    def daemon(self, **more):
        folder = self.dir / f"d{len(self.daemons)}"
        folder.mkdir()
        self.daemons.append(Daemon(folder, self.sandbox, **more))
        return self.daemons[-1]

    def close(self, failed):
        """Stop everything. Returns the logs when something is to be told."""
        codes = []
        for d in self.daemons:
            if d.process is not None and d.process.poll() is None:
                codes.append(d.stop())
        codes.append(self.sandbox.stop())
        logs = "".join(d.log() for d in self.daemons) + (self.dir / "sandbox.log").read_text(errors="replace")
        shutil.rmtree(self.dir, ignore_errors=True)
        bad = [c for c in codes if c != 0] or "Sanitizer" in logs or "runtime error:" in logs
        return bool(bad), logs if failed or bad else ""
