# SPDX-License-Identifier: Apache-2.0
"""A partner's first hour: the installed sdk and a compiler, a new plugin, one line that enables it, a lead through it."""
import http.server
import json
import os
import re
import subprocess
import threading

import pytest
import rig


class FakeAcme(http.server.ThreadingHTTPServer):
    """The CRM of the skeleton: contacts by JSON."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.contacts, self.keys = [], set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status, doc):
            self.server.keys.add(self.headers.get("Authorization"))
            body = json.dumps(doc).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self.answer(200, {"id": "a1", "name": "Acme", "time_zone": "America/New_York"} if self.path == "/account" else {"contacts": []})

        def do_POST(self):
            doc = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.contacts.append(doc)
            self.answer(201, {"id": f"c{len(self.server.contacts)}"})

        def log_message(self, *args):
            pass


@pytest.fixture
def installed(tmp_path):
    """The sdk in a folder of its own; what speaks of it, as an environment. Nothing there leads back to the source."""
    image = tmp_path / "image"
    subprocess.run(["make", "-s", "install", f"DESTDIR={image}"], cwd=rig.BUILD, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")})
    pc = next(image.rglob("csrelay-sdk.pc"))
    prefix = str(image) + re.search(r"^prefix=(.*)$", pc.read_text(), re.M).group(1)
    assert str(rig.SOURCE) not in pc.read_text()
    return {"PATH": f"{prefix}/bin:/usr/bin:/bin", "PKG_CONFIG_PATH": str(pc.parent), "HOME": str(tmp_path),
            "PKG_CONFIG": f"pkg-config --define-variable=prefix={prefix}"}


def run(command, folder, env):
    done = subprocess.run(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, shell=True)
    said = done.stdout.decode(errors="replace")
    assert done.returncode == 0, f"{command}: {said[-3000:]}"
    return said


def test_a_new_plugin_builds_is_graded_installed_and_delivers(installed, idle, tmp_path):
    said = run("csrelay-plugin-new acme && cd acme && make check", tmp_path, installed)
    assert "acme: grade A" in said and str(rig.SOURCE) not in said
    plugins = run("$PKG_CONFIG --variable=plugindir csrelay-sdk", tmp_path, installed).strip()
    run("make install", tmp_path / "acme", installed)
    assert {p.name for p in (rig.Path(plugins)).iterdir()} >= {"acme.so", "acme.json", "webhook.so"}

    crm = FakeAcme()
    idle.options["plugins"]["dir"] = plugins
    idle.options["http"]["allow"].append(f"127.0.0.1:{crm.server_port}")
    idle.crms = {"acme": {}}
    idle.start()
    assert "acme" in json.dumps(idle.operate("GET", "/v1/plugins")), "one line enables it"

    idle.crms["acme"]["main"] = {
        "name": "main", "account": rig.ACCOUNT, "label": "Acme", "timezone": "America/New_York",
        "settings": {"base_url": f"http://127.0.0.1:{crm.server_port}"}, "secrets": {"api_key": idle.secret("acme", "key-of-acme")}}
    assert "configuration reloaded" in idle.reload()
    lead = rig.lead("acme")
    idle.send(lead)
    rig.wait_until(lambda: crm.contacts, what="the lead arrives")
    assert [c["reference"] for c in crm.contacts] == [lead["event_id"]]
    assert crm.contacts[0]["phone"] == lead["contact"]["phone"] and "No heat" in crm.contacts[0]["note"]
    assert crm.keys == {"Bearer key-of-acme"}
    rig.wait_until(lambda: idle.query("SELECT 1 FROM delivery WHERE state = 3"), what="it counts as delivered")
