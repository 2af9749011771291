#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench.py - the figures that csrelay must reach, measured on the real daemon, and bench.json with them.

    make bench                         all keys; about a quarter of an hour
    tests/bench/bench.sh --quick       short rounds, fewer leads waiting: for a look while working
    tests/bench/bench.sh accept deliver   some measurements; --list names them

Each measurement starts csrelayd with everything on (signature or key, validation, routing, plugin, receipts, logs, metrics) on a
fresh store, next to load and sink on the same cores. What a ratio is compared with (bare.c) is measured in the same run. Rounds are
repeated and the median counts; the raw figures stand in bench.json under "rounds" and "details".
"""
import argparse
import base64
import collections
import contextlib
import datetime
import hashlib
import hmac
import http.client
import itertools
import json
import mmap
import operator
import os
import pathlib
import platform
import shutil
import signal
import socket
import sqlite3
import statistics
import struct
import subprocess
import sys
import threading
import time
import uuid

SOURCE = pathlib.Path(__file__).resolve().parents[2]
LEAD = SOURCE / "etc/sample-lead.json"
KEY = "bench-key"
SIGNING_SECRET = "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC0wMDAwMDAwMQ=="
TICK = os.sysconf("SC_CLK_TCK")
ACCOUNTS = 64
BAD = ("segv_map", "segv_push", "segv_between", "segv_last", "abort_push", "exit_push", "recurse_push", "fork_push", "exec_push",
       "socket_push", "kill_push", "ptrace_push", "garbage_push", "close_wire", "leak_push", "loop_push")  # tests/plugins/poison.c
MAP_HEAD, MAP_ROW = 64, 24
HOOKS_PER_S = 50
HOOK_SECRET = "bench-secret"

Goal = collections.namedtuple("Goal", "sign limit")
GOALS = {  # in the order of the table
    "accept_per_s": None,
    "accept_ratio": Goal(">=", 0.65),
    "deliver_per_s": None,
    "deliver_ratio": Goal(">=", 0.5),
    "deliver_hubspot_per_s": Goal(">=", 5000),
    "cpu_us_per_lead": Goal("<=", 100),
    "boundary_ratio": Goal(">=", 0.9),
    "beside_ratio": Goal(">=", 0.9),
    "p50_accept_ms": Goal("<=", 1),
    "p99_accept_ms": Goal("<=", 5),
    "p99_accept_to_crm_ms": Goal("<=", 5),
    "rss_idle_mb": Goal("<=", 20),
    "rss_1m_waiting_mb": Goal("<=", 64),
    "start_1m_waiting_s": Goal("<=", 1.0),
    "cost_growth_1m": Goal("<=", 1.3),
    "recover_1m_s": Goal("<=", 2),
    "worst_accept_ms": Goal("<=", 50),
    "p50_hook_ms": None,
    "p99_hook_ms": Goal("<=", 100),
    "worst_hook_ms": Goal("<=", 1000),  # Jobber's limit
}

# What the parts cost alone, in microseconds of CPU per lead, on the machine for which the goals were set, and how long one append and
# fdatasync of its disk took there. A goal in seconds of a processor or a disk means something else on a slower one: the table shows it
# scaled, too.
REFERENCE = {"bare_serve_cpu_us": 6, "bare_store_insert_and_mark_cpu_us": 22, "bare_post_cpu_us": 14.4, "bare_load_cpu_us": 4.5,
             "bare_sink_cpu_us": 4.5}
REFERENCE_SYNC_MS = 0.24
SCALED = {  # the goal, how much slower the parts are, how many ms longer a sync takes
    "cpu_us_per_lead": lambda goal, slower, later: f"{goal * slower:.0f}",
    "deliver_hubspot_per_s": lambda goal, slower, later: f"{goal / slower:.0f}",
    "p50_accept_ms": lambda goal, slower, later: f"{goal + later:.2f}",  # an answer waits for one sync
}


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def wait_until(check, timeout, what, every=0.002):
    end = time.monotonic() + timeout
    while not (got := check()):
        if time.monotonic() > end:
            sys.exit(f"bench: it did not come to that in {timeout} s: {what}")
        time.sleep(every)
    return got


# ---- processes

def family(pid):
    """The process and its children, so that plugins in processes of their own count, too."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            children = (task / "children").read_text().split()
        except FileNotFoundError:
            continue
        for child in children:
            found += family(int(child))
    return found


def cpu_seconds(pid):
    total = 0
    for p in family(pid):
        fields = pathlib.Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def threads_cpu(pid):
    """Seconds of each thread, by name: [user, system]."""
    out = {}
    for p in family(pid):
        for task in pathlib.Path(f"/proc/{p}/task").iterdir():
            text = (task / "stat").read_text()
            name, fields = text[text.index("(") + 1:text.rindex(")")], text.rsplit(")", 1)[1].split()
            was = out.setdefault(name, [0, 0])
            out[name] = [was[0] + int(fields[11]) / TICK, was[1] + int(fields[12]) / TICK]
    return out


def per_lead(before, after, n):
    """Microseconds per lead of each thread, by name: [user, system]."""
    return {t: [round((v[i] - before.get(t, [0, 0])[i]) * 1e6 / n, 2) for i in (0, 1)] for t, v in after.items()}


def pss_mb(pid):
    kb = 0
    for p in family(pid):
        for line in pathlib.Path(f"/proc/{p}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                kb += int(line.split()[1])
    return kb / 1024


class Times:
    """The file in which load and sink note when each lead went where; see bench.h."""

    def __init__(self, path, first, capacity):
        self.path, self.first, self.capacity = path, first, capacity
        with open(path, "wb") as f:
            f.write(struct.pack("<8Q", 0, 0, 0, 0, first, capacity, 0, 0))
            f.truncate(MAP_HEAD + MAP_ROW * capacity)
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)

    def head(self):
        return struct.unpack("<4q", self.map[:32])  # seen, distinct, first_seen_us, last_seen_us

    def rows(self, n):
        return struct.iter_unpack("<3q", self.map[MAP_HEAD:MAP_HEAD + MAP_ROW * n])


class Sink:
    def __init__(self, bench, times=None, port=None):
        port_file = bench.dir / "sink.port"
        port_file.unlink(missing_ok=True)
        command = [bench.program("sink"), "--port-file", port_file] + (["--map", times.path] if times else [])
        command += ["--port", str(port)] if port else []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        bench.running.append(self.process)
        self.port = int(wait_until(lambda: port_file.exists() and port_file.read_text(), 5, "the sink listens"))

    def stop(self):
        self.process.terminate()
        return json.loads(self.process.communicate()[0])


class Daemon:
    """csrelayd on a store of its own. Connections are static ones of the accounts acct_000000 and on."""

    def __init__(self, bench, name, store=None):
        self.bench = bench
        self.dir = bench.dir / name
        shutil.rmtree(self.dir, ignore_errors=True)
        (self.dir / "crm.d").mkdir(parents=True)
        self.store = store or self.dir / "csrelay.db"
        self.log = None
        self.ports = []

    def conf(self, name, text):
        path = self.dir / name
        path.write_text(text)
        path.chmod(0o600)

    def configure(self, webhook_port=None, paused=False, hubspot_port=None, hubspots=0, idle=False, confined=True, bad=(), jobber=False):
        allow = ", ".join(f'"127.0.0.1:{p}"' for p in (webhook_port, hubspot_port) if p)
        self.conf("csrelay.conf", f'''
listen : {{ intake = "127.0.0.1:0"; admin = "127.0.0.1:0"; control = "unix:{self.dir}/control.sock"; }};
store : {{ path = "{self.store}"; min_free = "64 MiB"; }};
intake : {{ keys = [ "bench:{hashlib.sha256(KEY.encode()).hexdigest()}" ]; }};
http : {{ allow = [ {allow} ]; }};
plugins : {{ dir = "{self.bench.build}/plugins/v1:{self.bench.build}/tests/plugins/v1"; check_owner = false;
	confined = {"true" if confined else "false"}; cpu_time = "1 s"; memory = "64 MiB"; }};
''')
        if webhook_port:
            rows = ",\n".join(f'{{ name = "w{i}"; account = "acct_{i:06}"; label = "bench"; timezone = "America/New_York"; '
                              f'secrets : {{ signing_secret = "{SIGNING_SECRET}"; }};{" paused = true;" if paused else ""} }}'
                              for i in range(ACCOUNTS))
            self.conf("crm.d/webhook.conf", f'enabled = true;\nsettings : {{ url = "http://127.0.0.1:{webhook_port}/in"; }};\n'
                                            f'connections = (\n{rows} );\n')
        if hubspots:
            rows = ",\n".join(f'{{ name = "h{i}"; account = "acct_{i:06}"; label = "bench"; timezone = "America/New_York"; '
                              f'secrets : {{ access_token = "sandbox-hubspot-h{i}"; }}; }}' for i in range(hubspots))
            self.conf("crm.d/hubspot.conf", f'enabled = true;\nsettings : {{ base_url = "http://127.0.0.1:{hubspot_port}"; }};\n'
                                            f'connections = (\n{rows} );\n')
        if jobber:
            self.conf("crm.d/jobber.conf", f'''enabled = true;
secrets : {{ client_secret = "{HOOK_SECRET}"; }};
connections = ( {{ name = "j"; account = "acct_000000"; crm_account_id = "1"; label = "bench"; timezone = "America/New_York";
	secrets : {{ access_token = "bench"; }}; }} );
''')
        for crm in bad:
            self.conf(f"crm.d/{crm}.conf", f'enabled = true;\nsettings : {{ base_url = "http://127.0.0.1:{webhook_port}/in"; }};\n'
                                           f'connections = ( {{ name = "bad"; account = "acct_000000"; label = "bench"; '
                                           f'timezone = "America/New_York"; }} );\n')
        if idle:
            for crm in ("webhook", "hubspot", "housecall_pro"):
                self.conf(f"crm.d/{crm}.conf", "enabled = true;\n")
        return self

    def start(self, timeout=120):
        """Returns how long it took until it took leads."""
        for port in self.dir.glob("*.port"):
            port.unlink()
        self.log = open(self.dir / "csrelayd.log", "ab")
        begun = time.monotonic()
        self.process = subprocess.Popen([self.bench.daemon_program(), "--config", self.dir / "csrelay.conf", "--port-dir", self.dir,
                                         "--trust-plugins"], stdout=self.log, stderr=self.log)
        self.bench.running.append(self.process)
        wait_until(lambda: self.process.poll() is not None or (self.dir / "intake.port").exists(), timeout, "csrelayd takes leads")
        took = time.monotonic() - begun
        if self.process.poll() is not None:
            sys.exit("bench: csrelayd did not start:\n" + (self.dir / "csrelayd.log").read_text()[-2000:])
        self.pid = self.process.pid
        self.port = int((self.dir / "intake.port").read_text())
        self.admin_port = int((self.dir / "admin.port").read_text())
        return took

    def stop(self):
        self.process.terminate()
        if self.process.wait(60) != 0:
            sys.exit("bench: csrelayd did not end well:\n" + (self.dir / "csrelayd.log").read_text()[-2000:])

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def stats(self):
        c = http.client.HTTPConnection("localhost")
        c.sock = socket.socket(socket.AF_UNIX)
        c.sock.connect(str(self.dir / "control.sock"))
        c.request("GET", "/v1/stats")
        answer = json.loads(c.getresponse().read())
        c.close()
        return answer

    def rows(self, table):
        db = sqlite3.connect(self.store)
        try:
            return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        finally:
            db.close()

    def counts(self):
        """Deliveries by state, as the store has them."""
        db = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=20)
        try:
            return dict(db.execute("SELECT state, count(*) FROM delivery GROUP BY state"))
        finally:
            db.close()


class Bench:
    def __init__(self, args):
        self.args = args
        self.build = pathlib.Path(args.build).resolve()
        self.dir = pathlib.Path(args.dir).resolve() if args.dir else self.build / "bench"
        self.dir.mkdir(parents=True, exist_ok=True)
        self.running = []
        self.rounds = collections.defaultdict(list)
        self.details = {}
        self.first = 1

    def program(self, name):
        return self.build / "tests/bench" / name

    def daemon_program(self):
        return self.args.daemon or self.build / "csrelayd"

    def run(self, *command):
        out = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True)
        if out.returncode != 0:
            sys.exit(f"bench: {pathlib.Path(str(command[0])).name} failed")
        return json.loads(out.stdout)

    def numbers(self, n):
        """n lead numbers that no other load of this run uses."""
        first = self.first
        self.first += n
        return first

    def load(self, daemon_port, accounts=ACCOUNTS, crm="webhook", times=None, first=None, expect=202, **options):
        first = first if first is not None else self.numbers(options.get("total", 5_000_000))
        command = [self.program("load"), "--port", daemon_port, "--key", KEY, "--lead", LEAD, "--crm", crm, "--accounts", accounts,
                   "--first", first]
        for key, value in options.items():
            command += [f"--{key}", value]
        if times:
            command += ["--map", times.path]
        got = self.run(*command)
        if set(got["status"]) != {str(expect)}:
            say(f"  answers were {got['status']}")
        return got

    def note(self, key, value):
        self.rounds[key].append(value)
        say(f"  {key} = {value:.4g}")

    def median(self, key):
        return statistics.median(self.rounds[key])

    def close(self):
        for p in self.running:
            if p.poll() is None:
                p.kill()
                p.wait()

    # -- measurements

    def bare(self):
        """What the parts cost alone."""
        n = self.args.leads
        store = self.run(self.program("bare"), "store", self.dir, LEAD, n)
        for key, value in store.items():
            self.note(f"bare_store_{key}", value)
        for key, value in self.run(self.program("bare"), "sync", self.dir, 500).items():
            self.note(f"bare_sync_{key}", value)
        port_file = self.dir / "bare.port"
        port_file.unlink(missing_ok=True)
        server = subprocess.Popen([self.program("bare"), "serve", "--port-file", port_file], stdout=subprocess.PIPE, text=True)
        self.running.append(server)
        port = int(wait_until(lambda: port_file.exists() and port_file.read_text(), 5, "the bare server listens"))
        load = self.load(port, total=n)
        server.terminate()
        self.note("bare_serve_cpu_us", json.loads(server.communicate()[0])["cpu_us_per_request"])
        self.note("bare_load_cpu_us", load["cpu_us_per_lead"])
        sink = Sink(self)
        self.note("bare_post_cpu_us", self.run(self.program("bare"), "post", sink.port, LEAD, n)["cpu_us_per_request"])
        self.note("bare_sink_cpu_us", sink.stop()["cpu_us_per_request"])
        for f in self.dir.glob("bare.db*"):
            f.unlink()

    def accept(self):
        """Durable answers per second over 64 connections, while the connections are paused."""
        d = Daemon(self, "accept").configure(webhook_port=1, paused=True)
        d.start()
        self.load(d.port, total=2000)
        got = self.load(d.port, total=self.args.leads)
        self.note("accept_per_s", got["per_s"])
        self.details.setdefault("accept", []).append(got)
        d.stop()
        d.remove()

    def drain(self, d, times, n):
        """Until the sink has seen n leads and the daemon is at rest."""
        seen, since = -1, time.monotonic()
        while times.head()[1] < n:
            now = times.head()[1]
            if now != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() - since > 60:
                sys.exit(f"bench: only {now} of {n} leads arrived; deliveries by state: {d.counts()}")
            time.sleep(0.01)

    def deliver_round(self, d, sink_times, n, key=None):
        """n leads at once, until the last has arrived. Returns leads per second and CPU microseconds per lead."""
        cpu, threads = cpu_seconds(d.pid), threads_cpu(d.pid)
        got = self.load(d.port, times=sink_times, first=sink_times.first, total=n)
        self.drain(d, sink_times, n)
        wait_until(lambda: d.stats()["in_hand"] == 0, 30, "the last result is written")
        after = threads_cpu(d.pid)
        sent_us = min(r[0] for r in sink_times.rows(64))
        _, distinct, _, last_us = sink_times.head()
        cpu_us = (cpu_seconds(d.pid) - cpu) * 1e6 / n
        self.details.setdefault(key or "deliver", []).append({
            "load": got, "per_s": n * 1e6 / (last_us - sent_us), "cpu_us_per_lead": cpu_us, "distinct": distinct,
            "threads_us_per_lead": per_lead(threads, after, n)})
        return n * 1e6 / (last_us - sent_us), cpu_us

    def deliver_once(self, key, meanwhile=None, **conf):
        """A daemon of its own: leads per second, CPU per lead, CPU of the sink. meanwhile: a context around the round."""
        n = self.args.leads
        times = Times(self.dir / "times", self.numbers(n), n)
        sink = Sink(self, times)
        d = Daemon(self, key).configure(webhook_port=sink.port, **conf)
        d.start()
        self.load(d.port, total=2000)
        wait_until(lambda: times.head()[0] >= 2000, 30, "it is warm")
        with meanwhile(d) if meanwhile else contextlib.nullcontext():
            per_s, cpu = self.deliver_round(d, times, n, key)
        say("  by thread, us per lead [user, system]: " + json.dumps(self.details[key][-1]["threads_us_per_lead"]))
        d.stop()
        d.remove()
        return per_s, cpu, sink.stop()["cpu_us_per_request"]

    def deliver(self):
        """End to end through the webhook plugin, and what it costs."""
        per_s, cpu, sink = self.deliver_once("deliver")
        self.note("deliver_per_s", per_s)
        self.note("cpu_us_per_lead", cpu)
        self.note("sink_cpu_us", sink)

    def boundary(self):
        """The same with the plugin in the daemon's process, in pairs: what its own process costs."""
        rates, cpus = {}, {}
        for confined in (True, False) if len(self.rounds["boundary_ratio"]) % 2 else (False, True):
            rates[confined], cpus[confined], _ = self.deliver_once(f"boundary_{'confined' if confined else 'inside'}", confined=confined)
        self.note("boundary_ratio", rates[True] / rates[False])
        self.note("boundary_cpu_us", cpus[True] - cpus[False])

    @contextlib.contextmanager
    def trouble(self, d):
        """A lead each second that kills its plugin, one after the other."""
        stop = threading.Event()
        body = json.loads(LEAD.read_text())

        def send():
            for n in itertools.count():
                if stop.wait(1):
                    return
                body["event_id"], body["callsetter_account_id"] = str(uuid.uuid4()), "acct_000000"
                body["service_request"]["issue_description"] = "poison"
                body["contact"].update(phone=f"+1305{7_000_000 + n}", email=None)
                body["routing"] = {"destination_crm": BAD[n % len(BAD)]}
                c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=10)
                c.request("POST", "/v1/leads", json.dumps(body), {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
                assert c.getresponse().status == 202
                c.close()
        t = threading.Thread(target=send)
        t.start()
        yield
        stop.set()
        t.join()

    def beside(self):
        """The webhook plugin while others die beside it, in pairs."""
        rates = {}
        for bad in (True, False) if len(self.rounds["beside_ratio"]) % 2 else (False, True):
            rates[bad], _, _ = self.deliver_once("beside" if bad else "beside_nobody", meanwhile=self.trouble if bad else None, bad=BAD)
        self.note("beside_ratio", rates[True] / rates[False])

    def hubspot(self):
        """End to end through HubSpot's three requests per lead, over many connections with their limits on."""
        n, many = self.args.hubspot_leads, self.args.hubspot_connections
        sink = Sink(self)
        d = Daemon(self, "hubspot").configure(hubspot_port=sink.port, hubspots=many)
        d.start()
        before, begun, threads = cpu_seconds(d.pid), time.monotonic(), threads_cpu(d.pid)
        self.load(d.port, accounts=many, crm="hubspot", total=n)
        wait_until(lambda: d.stats()["delivered"] >= n, 300, "HubSpot has all leads", every=0.1)  # each question is work for the daemon
        took = time.monotonic() - begun
        self.note("deliver_hubspot_per_s", n / took)
        self.details.setdefault("hubspot", []).append({"cpu_us_per_lead": (cpu_seconds(d.pid) - before) * 1e6 / n,
                                                       "threads_us_per_lead": per_lead(threads, threads_cpu(d.pid), n)})
        d.stop()
        self.details["hubspot"][-1]["sink_cpu_us"] = sink.stop()["cpu_us_per_request"]
        say(f"  {self.details['hubspot'][-1]}")
        d.remove()

    def latency(self):
        """At 100 leads a second: the answer, and the arrival in the CRM."""
        n = int(self.args.latency_seconds * 100)
        times = Times(self.dir / "times", self.numbers(n), n)
        sink = Sink(self, times)
        d = Daemon(self, "latency").configure(webhook_port=sink.port)
        d.start()
        self.load(d.port, total=200, rate=100)
        got = self.load(d.port, times=times, first=times.first, total=n, rate=100)
        self.drain(d, times, n)
        waits = sorted(max(0, seen - answered) / 1000 for _, answered, seen in times.rows(n))
        self.note("p50_accept_ms", got["p50_ms"])
        self.note("p99_accept_ms", got["p99_ms"])
        self.note("p99_accept_to_crm_ms", waits[int((n - 1) * 0.99)])
        sent_to_seen = sorted((seen - sent) / 1000 for sent, _, seen in times.rows(n))
        self.details["latency"] = {"accept": got, "accept_to_crm_p50_ms": waits[n // 2], "sent_to_crm_p50_ms": sent_to_seen[n // 2],
                                   "sent_to_crm_p99_ms": sent_to_seen[int((n - 1) * 0.99)]}
        d.stop()
        sink.stop()
        d.remove()

    def idle(self):
        """Memory with three plugins and nothing to do."""
        d = Daemon(self, "idle").configure(idle=True)
        d.start()
        time.sleep(2)
        self.note("rss_idle_mb", pss_mb(d.pid))
        d.stop()
        d.remove()

    def worst(self):
        """The worst answer of a minute at full load, deliveries running."""
        sink = Sink(self)
        d = Daemon(self, "worst").configure(webhook_port=sink.port)
        d.start()
        got = self.load(d.port, seconds=self.args.worst_seconds)
        self.note("worst_accept_ms", got["worst_ms"])
        self.details["worst"] = got
        say(f"  {got}")
        d.process.kill()
        d.process.wait()
        sink.stop()
        d.remove()

    def hooks(self):
        """How long a CRM waits for the answer to what it reports (POST /hooks/jobber), deliveries running at full load."""
        sink = Sink(self)
        d = Daemon(self, "hooks").configure(webhook_port=sink.port, jobber=True)
        d.start()
        waits, stop = [], threading.Event()
        reporter = threading.Thread(target=self.report, args=(d, waits, stop))
        reporter.start()
        got = self.load(d.port, seconds=self.args.worst_seconds)
        stop.set()
        reporter.join()
        waits.sort()
        self.note("p50_hook_ms", waits[len(waits) // 2])
        self.note("p99_hook_ms", waits[int((len(waits) - 1) * 0.99)])
        self.note("worst_hook_ms", waits[-1])
        self.details["hooks"] = {"hooks": len(waits), "load": got}
        say(f"  {len(waits)} hooks beside {got['per_s']:.0f} leads a second")
        d.process.kill()
        d.process.wait()
        if (kept := d.rows("hook_seen")) != len(waits):
            sys.exit(f"bench: {kept} of {len(waits)} hooks were kept")
        sink.stop()
        d.remove()

    def report(self, d, waits, stop):
        """Messages of Jobber, each on a connection of its own as they come; what they tell is of no interest, so no CRM is asked."""
        begun = time.monotonic()
        for n in itertools.count():
            if stop.wait(max(0, begun + n / HOOKS_PER_S - time.monotonic())):
                return
            body = json.dumps({"data": {"webHookEvent": {"topic": "CLIENT_UPDATE", "appId": "bench", "accountId": "MQ==",
                                                         "itemId": str(n), "occurredAt": "2026-05-28T16:30:00Z"}}}).encode()
            sig = base64.b64encode(hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).digest()).decode()
            c = http.client.HTTPConnection("127.0.0.1", d.admin_port, timeout=30)
            asked = time.monotonic()
            c.request("POST", "/hooks/jobber", body, {"X-Jobber-Hmac-SHA256": sig, "Content-Type": "application/json"})
            answer = c.getresponse()
            answer.read()
            waits.append((time.monotonic() - asked) * 1000)
            assert answer.status == 200, answer.status
            c.close()

    # -- with many leads waiting

    def filled(self):
        """The store with leads that wait on paused connections; made once and kept until the leads or the programs change."""
        n, conns = self.args.waiting, self.args.waiting_connections
        folder, mark = self.dir / "filled", f"{n} {conns} {os.stat(self.program('fill')).st_mtime_ns}"
        if (folder / "mark").exists() and (folder / "mark").read_text() == mark:
            return folder / "csrelay.db"
        say(f"  filling a store with {n} leads on {conns} connections")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        out = subprocess.run([self.program("fill"), folder / "csrelay.db", LEAD, "webhook", str(n), str(conns), "500000000"])
        if out.returncode != 0:
            sys.exit("bench: fill failed")
        (folder / "mark").write_text(mark)
        return folder / "csrelay.db"

    def copy_filled(self, name, connected=False):
        folder = self.dir / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copyfile(self.filled(), folder / "csrelay.db")
        os.sync()
        if connected:
            db = sqlite3.connect(folder / "csrelay.db")
            db.execute("UPDATE conn SET state = 0, state_reason = ''")
            db.commit()
            db.close()
        return folder / "csrelay.db"

    def waiting(self):
        """Start and memory with many leads waiting, and what a lead costs then."""
        n = self.args.leads
        store = self.copy_filled("waiting-store")
        times = Times(self.dir / "times", self.numbers(n), n)
        sink = Sink(self, times)
        d = Daemon(self, "waiting", store).configure(webhook_port=sink.port)
        d.start()
        self.load(d.port, total=1000)  # the connections of the files are in the store now, too
        d.stop()
        for _ in range(3):
            self.note("start_1m_waiting_s", d.start())
            time.sleep(1)
            self.note("rss_1m_waiting_mb", pss_mb(d.pid))
            d.stop()
        d.start()
        times.map[:32] = bytes(32)
        per_s, cpu = self.deliver_round(d, times, n, "deliver_1m")
        self.note("cpu_us_per_lead_1m", cpu)
        self.note("deliver_per_s_1m", per_s)
        self.note("rss_1m_after_load_mb", pss_mb(d.pid))
        d.stop()
        sink.stop()
        d.remove()
        shutil.rmtree(store.parent)

    def recover(self):
        """kill -9 with many leads waiting and deliveries running: until the first delivery after the restart."""
        store = self.copy_filled("recover-store", connected=True)
        times = Times(self.dir / "times", 0, 0)
        sink = Sink(self, times)
        d = Daemon(self, "recover", store).configure(webhook_port=sink.port)
        d.start()
        wait_until(lambda: times.head()[0] > 2000, 60, "deliveries run")
        for _ in range(3):
            d.process.kill()
            d.process.wait()
            time.sleep(0.3)
            times.map[16:24] = bytes(8)
            begun = time.monotonic()
            d.start()
            wait_until(lambda: times.head()[2] != 0, 60, "the first delivery after the restart")
            self.note("recover_1m_s", times.head()[2] / 1e6 - begun)
            time.sleep(0.5)
        d.process.kill()
        d.process.wait()
        sink.stop()
        d.remove()
        shutil.rmtree(store.parent)


# ---- the whole

# Repeated in turns, so that a ratio compares what was measured within the same minute: these machines are shared, and drift.
REPEATED = ("bare", "accept", "deliver", "boundary", "beside", "hubspot")
MEASUREMENTS = ("idle", "bare", "accept", "deliver", "boundary", "beside", "hubspot", "latency", "worst", "hooks", "waiting",
                "recover")


def results(b):
    m = {k: b.median(k) for k in b.rounds}
    out = {k: m[k] for k in GOALS if k in m}
    if "worst_accept_ms" in b.rounds:
        out["worst_accept_ms"] = max(b.rounds["worst_accept_ms"])
    if "recover_1m_s" in b.rounds:
        out["recover_1m_s"] = max(b.rounds["recover_1m_s"])
    if "accept_per_s" in m and "bare_store_insert_per_s" in m:
        out["accept_ratio"] = statistics.median(map(operator.truediv, b.rounds["accept_per_s"], b.rounds["bare_store_insert_per_s"]))
    if all(k in m for k in REFERENCE):
        parts = [sum(costs) for costs in zip(*(b.rounds[k] for k in REFERENCE))]
        limits = [os.cpu_count() * 1e6 / p for p in parts]
        b.details["bare_limit_per_s"] = limits
        b.details["slower_than_reference"] = statistics.median(parts) / sum(REFERENCE.values())
        b.details["later_than_reference_ms"] = max(0, m["bare_sync_p50_ms"] - REFERENCE_SYNC_MS)
        if "deliver_per_s" in m:
            b.details["deliver_ratios"] = list(map(operator.truediv, b.rounds["deliver_per_s"], limits))
            out["deliver_ratio"] = statistics.median(b.details["deliver_ratios"])
    if "cpu_us_per_lead" in m and "cpu_us_per_lead_1m" in m:
        out["cost_growth_1m"] = m["cpu_us_per_lead_1m"] / m["cpu_us_per_lead"]
    return {k: round(out[k], 4) for k in GOALS if k in out}


def machine():
    cpu = [l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")]
    memory = int(next(l for l in open("/proc/meminfo") if l.startswith("MemTotal")).split()[1])
    return {"cpu": cpu[0] if cpu else platform.machine(), "cores": os.cpu_count(), "memory_gib": round(memory / 2 ** 20, 1),
            "kernel": platform.release(), "system": next((l.split("=")[1].strip().strip('"') for l in open("/etc/os-release")
                                                          if l.startswith("PRETTY_NAME")), "")}


def commit():
    got = subprocess.run(["git", "-C", SOURCE, "describe", "--always", "--dirty"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return got.stdout.strip() if got.returncode == 0 else ""


def meets(goal, value):
    return goal is None or (value >= goal.limit if goal.sign == ">=" else value <= goal.limit)


def scaled(key, goal, details):
    """The goal as this machine would have it; "" where it does not depend on the machine, or nobody knows."""
    if key not in SCALED or "slower_than_reference" not in details:
        return ""
    return f"{goal.sign} {SCALED[key](goal.limit, details['slower_than_reference'], details['later_than_reference_ms'])}"


def table(values, details):
    missed = 0
    print(f"\n{'key':24}{'measured':>12}   {'goal':<10}{'':8}{'goal by the bare parts here'}")
    for key, value in values.items():
        goal = GOALS[key]
        missed += not meets(goal, value)
        print(f"{key:24}{value:12.3f}   {f'{goal.sign} {goal.limit}' if goal else '':<10}"
              f"{'' if goal is None else 'ok' if meets(goal, value) else 'MISSED':8}{scaled(key, goal, details)}".rstrip())
    if "slower_than_reference" in details:
        print(f"\nthe bare parts cost {details['slower_than_reference']:.2f} times what they cost on the machine of the goals, "
              f"a sync of the bare disk takes {details['later_than_reference_ms']:.2f} ms longer")
    return missed


def options():
    p = argparse.ArgumentParser(description="Measures csrelay; writes bench.json.")
    p.add_argument("what", nargs="*", help="measurements (default: all)")
    p.add_argument("--list", action="store_true", help="name the measurements")
    p.add_argument("--quick", action="store_true", help="one short round each, 100,000 leads waiting; not for the record")
    p.add_argument("--build", default=os.environ.get("CSRELAY_BUILD", SOURCE / "build-bench"), help="build folder")
    p.add_argument("--daemon", help="another csrelayd than the build folder's")
    p.add_argument("--dir", help="scratch folder, on the disk that is to be measured (BUILD/bench)")
    p.add_argument("--out", default=SOURCE / "bench.json", help="where to write the results")
    p.add_argument("--rounds", type=int, help="rounds of what is repeated (3)")
    p.add_argument("--leads", type=int, help="leads of a round (200000)")
    p.add_argument("--hubspot-leads", type=int, help="(60000)")
    p.add_argument("--hubspot-connections", type=int, default=2000)
    p.add_argument("--latency-seconds", type=float, help="(30)")
    p.add_argument("--worst-seconds", type=float, help="(60)")
    p.add_argument("--waiting", type=int, help="leads that wait (1000000)")
    p.add_argument("--waiting-connections", type=int, default=10000)
    args = p.parse_args()
    short = {"rounds": 1, "leads": 40000, "hubspot_leads": 20000, "latency_seconds": 5, "worst_seconds": 8, "waiting": 100000}
    full = {"rounds": 3, "leads": 200000, "hubspot_leads": 60000, "latency_seconds": 30, "worst_seconds": 60, "waiting": 1000000}
    for key, value in (short if args.quick else full).items():
        if getattr(args, key) is None:
            setattr(args, key, value)
    if args.list:
        for name in MEASUREMENTS:
            print(f"{name:10}{getattr(Bench, name).__doc__}")
        sys.exit(0)
    for name in args.what:
        if name not in MEASUREMENTS:
            p.error(f"\"{name}\" is not one of {' '.join(MEASUREMENTS)}")
    return args


def main():
    args = options()
    b = Bench(args)
    begun = datetime.datetime.now(datetime.timezone.utc)
    try:
        wanted = [m for m in MEASUREMENTS if not args.what or m in args.what]
        for name, i in [(m, 0) for m in wanted if m == "idle"] + \
                [(m, i + 1) for i in range(args.rounds) for m in wanted if m in REPEATED] + \
                [(m, 0) for m in wanted if m != "idle" and m not in REPEATED]:
            say(f"{name}{f' {i}/{args.rounds}' if i else ''}: {getattr(Bench, name).__doc__.splitlines()[0]}")
            getattr(b, name)()
    finally:
        b.close()
    values = results(b)
    (pathlib.Path(args.out)).write_text(json.dumps({
        **values, "date": begun.isoformat(timespec="seconds"), "commit": commit(), "machine": machine(), "quick": args.quick,
        "leads": args.leads, "waiting": args.waiting, "waiting_connections": args.waiting_connections,
        "hubspot_connections": args.hubspot_connections, "rounds": b.rounds, "details": b.details}, indent=1) + "\n")
    missed = table(values, b.details)
    print(f"\n{args.out}: {len(values)} keys, {missed} of them missed")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
