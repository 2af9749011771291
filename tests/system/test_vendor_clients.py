# SPDX-License-Identifier: Apache-2.0
"""HubSpot and Pipedrive as their own clients see them: every body that the plugins send is checked as the client's request type
(tsc --strict), and the clients run against the fake CRMs. The clients come from the npm registry into the build folder."""
import fcntl
import json
import os
import re
import shutil
import subprocess

import pytest

from rig import BUILD, SOURCE, lead

FILES = SOURCE / "tests/vendor"
PLACE = BUILD / "tests/vendor"

# Method and path of a request, and the type of its body.
V1, V2, HUBSPOT = "pipedrive/v1", "pipedrive/v2", "@hubspot/api-client/lib/codegen/crm/"
CONTACTS, NOTES, DEALS, LEADS = HUBSPOT + "contacts", HUBSPOT + "objects/notes", HUBSPOT + "deals", HUBSPOT + "objects/leads"
TYPES = {
    "POST /pipedrive/api/v2/persons": (V2, "AddPersonRequest"),
    r"PATCH /pipedrive/api/v2/persons/\d+": (V2, "UpdatePersonRequest"),
    "POST /pipedrive/api/v1/leads": (V1, "AddLeadRequest"),
    "POST /pipedrive/api/v1/notes": (V1, "AddNoteRequest"),
    "POST /pipedrive/api/v1/webhooks": (V1, "AddWebhookRequest"),
    r"POST /hubspot/crm/objects/\d{4}-\d\d/contacts": (CONTACTS, "SimplePublicObjectInputForCreate"),
    r"PATCH /hubspot/crm/objects/\d{4}-\d\d/contacts/\d+": (CONTACTS, "SimplePublicObjectInput"),
    r"POST /hubspot/crm/objects/\d{4}-\d\d/contacts/search": (CONTACTS, "PublicObjectSearchRequest"),
    r"POST /hubspot/crm/objects/\d{4}-\d\d/notes": (NOTES, "SimplePublicObjectInputForCreate"),
    r"POST /hubspot/crm/objects/\d{4}-\d\d/deals": (DEALS, "SimplePublicObjectInputForCreate"),
    r"POST /hubspot/crm/objects/\d{4}-\d\d/deals/search": (DEALS, "PublicObjectSearchRequest"),
    r"POST /hubspot/crm/objects/\d{4}-\d\d/leads": (LEADS, "SimplePublicObjectInputForCreate"),
    r"POST /hubspot/crm/objects/\d{4}-\d\d/leads/search": (LEADS, "PublicObjectSearchRequest"),
}
# A body as it stands in JSON: the member of an enumeration is its text.
BODY = """type Body<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T
  : T extends Array<infer U> ? Body<U>[] : { [K in keyof T]: Body<T[K]> };"""


def node_major():
    node = shutil.which("node")
    return int(subprocess.run([node, "-p", "process.versions.node"], capture_output=True, text=True).stdout.split(".")[0]) if node else 0


@pytest.fixture(scope="session")
def clients(tmp_path_factory):
    """Installed by the lock file, once for each of its states."""
    if node_major() < 18 or not shutil.which("npm"):
        pytest.skip("needs Node 18 and npm")
    PLACE.mkdir(parents=True, exist_ok=True)
    with open(PLACE / "lock", "w") as lock:  # tests run in several processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (FILES / "package-lock.json").read_text()
        done = PLACE / "installed"
        if not done.exists() or done.read_text() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(FILES / name, PLACE / name)
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=PLACE, check=True, timeout=600)
            done.write_text(wanted)
    return PLACE


def without_custom_fields(body):
    """Those of leads, keyed by 40 digits, are in no client's type."""
    return {k: v for k, v in body.items() if not re.fullmatch("[0-9a-f]{40}", k)}


def written(sandbox, crm):
    """(method and path, body) of each request with a body."""
    return [(f"{r['method']} {r['path'].partition('?')[0]}", without_custom_fields(r["body"])) for r in sandbox.requests(crm) if r.get("body")]


def in_conversations(crm):
    """The same of all that the plugin asks in its conversations; forms are for the token endpoints, which the clients have no types for."""
    made = subprocess.run([BUILD / "csrelay-plugin-check", "--requests", BUILD / f"plugins/v1/{crm}.so", SOURCE / f"plugins/{crm}/conversations"],
                          capture_output=True, text=True, timeout=300)
    assert made.returncode in (0, 1, 3), made.stderr
    asked = [json.loads(line) for line in set(made.stdout.splitlines())]
    return [(f"{r['method']} /{crm}{r['url']}", without_custom_fields(json.loads(r["body"]))) for r in asked if r["body"].startswith("{")]


def program(bodies):
    """A TypeScript program in which each body is a constant of its type."""
    imports, lines = {}, []
    for n, (request, body) in enumerate(bodies):
        found = [t for pattern, t in TYPES.items() if re.fullmatch(pattern, request)]
        assert found, f"no type is known for {request}"
        module, name = found[0]
        alias = imports.setdefault((module, name), f"T{len(imports)}")
        lines.append(f"// {request}\nexport const b{n}: Body<{alias}> = {json.dumps(body)};")
    head = [f'import type {{ {name} as {alias} }} from "{module}{"" if module.startswith("pipedrive") else "/index.js"}";' for (module, name), alias in imports.items()]
    return "\n".join(head + [BODY] + lines) + "\n"


def check(place, name, text):
    path = place / f"{name}.ts"
    path.write_text(text)
    done = subprocess.run(["node_modules/.bin/tsc", "--strict", "--noEmit", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", path.name],
                          cwd=place, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout


SHAPES = [{}, {"contact": {"first_name": None, "last_name": None, "email": None, "address": None}}, {"contact": {"phone": None, "email": "solo@example.com"}},
          {"routing": {"assigned_to": "101"}}, {"service_request": {"issue_description": "\U0001F525 <b>\"quotes\"</b>\n" * 200}}]
RICH = {
    "pipedrive": {"labels": ["f08b42a0-4e75-11ea-9643-03698ef1cfd6"], "channel": "52", "visible_to": "3", "owner": "102",
                  "person_fields": {"a" * 40: "/service_request/service_type"}, "lead_fields": {"b" * 40: "/ai_analysis/conversion_intent_score"}},
    "hubspot": {"owner": "7001", "hs_lead_status": "NEW"},
}


def send_shapes(idle, crm, sandbox):
    key = idle.dir / "master.key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    idle.options.update(vault={"key_file": str(key)}, public_url="https://relay.example.com")
    idle.connect(crm, "main", crm_account_id="main")
    idle.connect(crm, "rich", crm_account_id="rich", settings=RICH[crm])
    daemon = idle.start()
    docs = [lead(crm, routing={"crm_account_id": account}) for account in ("main", "rich")]
    docs += [lead(crm, **{**shape, "routing": {"crm_account_id": "main", **shape.get("routing", {})}}) for shape in SHAPES]
    known = lead(crm, email="later@example.com", routing={"crm_account_id": "main"})
    first = lead(crm, number=known["contact"]["phone"], routing={"crm_account_id": "main"}, contact={"email": None, "phone": known["contact"]["phone"]})
    for doc in [*docs, first, known]:
        daemon.send(doc)
        for _ in range(20):
            if daemon.delivery(doc)["state"] == "delivered":
                break
            daemon.advance(3000)
        daemon.wait_for(doc, "delivered")
    return written(sandbox, crm)


@pytest.mark.parametrize("crm", ["pipedrive", "hubspot"])
def test_every_body_is_of_the_clients_request_type(clients, idle, sandbox, crm):
    bodies = send_shapes(idle, crm, sandbox)
    conversations = in_conversations(crm)
    assert len(conversations) > 15
    kinds = {re.sub(r"\d{3,}", "N", request) for request, _ in bodies}
    assert len(kinds) == (5 if crm == "pipedrive" else 4), kinds
    status, said = check(clients, crm, program(bodies + conversations))
    assert status == 0, said


def test_a_wrong_body_is_noticed(clients):
    for name, request, body in (
            ("unknown", "POST /pipedrive/api/v2/persons", {"name": "x", "phone": "1"}),
            ("missing", "POST /pipedrive/api/v1/leads", {"person_id": 1}),
            ("type", "POST /pipedrive/api/v1/leads", {"title": "x", "person_id": "1"}),
            ("enum", "POST /pipedrive/api/v1/webhooks", {"subscription_url": "x", "event_action": "updated", "event_object": "deal", "name": "x"}),
            ("hubspot", "POST /hubspot/crm/objects/2026-03/contacts/search", {"filterGroups": [{"filters": [{"propertyName": "x", "operator": "IS"}]}]})):
        status, said = check(clients, f"wrong_{name}", program([(request, body)]))
        assert status != 0 and "error TS2" in said, (name, said)


def test_the_vendors_clients_understand_the_fake_crms(clients, sandbox):
    shutil.copy(FILES / "client.mjs", clients / "client.mjs")
    done = subprocess.run(["node", "client.mjs", f"http://127.0.0.1:{sandbox.port}"], cwd=clients, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
