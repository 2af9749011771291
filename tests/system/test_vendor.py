# SPDX-License-Identifier: Apache-2.0
"""Every request that plugins make in their conversations, held against the vendors' own descriptions.

The descriptions lie beside the project, in ../shared/specs, and never in it; where they are not there the tests are skipped.
"""
import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

import graphql
from vendor_openapi import Document, faults
from rig import BUILD, SOURCE

SPECS = Path(os.environ.get("CSRELAY_SPECS", SOURCE.parent / "shared" / "specs"))

# plugin -> lists of documents; a request is right when one document of one list takes it. (file, what stands before its paths)
DOCUMENTS = {
    "housecall_pro": [("housecall-v1-openapi.yaml", "")],
    "servicetitan": [(f"{m}-v2.json", f"/{m}/v2") for m in ("crm", "jpm", "settings", "marketing")],
    "gohighlevel": [(f"{m}{v}.json", "") for m in ("contacts", "opportunities", "locations") for v in ("", "-v3")],
}
# Requests that are wrong on purpose: what an operator's override did, or a path that no description has.
ON_PURPOSE = {
    "gohighlevel": ["shoeSize"],
}
# What the listings do not have; the fact sheet has it from programs that run against the service.
JOBBER_BESIDES = {
    "Query.account", "Mutation.clientEdit", "Mutation.propertyCreate", "Mutation.requestCreateNote", "Mutation.clientCreateNote",
    "RequestNote.id", "RequestNote.message", "ClientNote.id", "ClientNote.message",
    "Mutation.jobCreate", "Mutation.jobCreateNote", "JobNote.id", "JobNote.message",
}


def requests_of(plugin):
    made = subprocess.run([BUILD / "csrelay-plugin-check", "--requests", BUILD / "plugins" / "v1" / f"{plugin}.so",
                           SOURCE / "plugins" / plugin / "conversations"], capture_output=True, text=True, timeout=300)
    assert made.returncode in (0, 1, 3), made.stderr
    seen = {line: json.loads(line) for line in made.stdout.splitlines()}
    assert len(seen) > 10
    return list(seen.values())


def folder(plugin):
    if not (SPECS / plugin).is_dir():
        pytest.skip("the vendors' descriptions are not here")
    return SPECS / plugin


def split(request):
    url, _, query = request["url"].partition("?")
    return url, "&".join(q for q in (query, request["query"]) if q)


@pytest.mark.parametrize("plugin", sorted(DOCUMENTS))
def test_requests_keep_to_the_vendors_description(plugin):
    where = folder(plugin)
    documents = [Document(yaml.load((where / name).read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)), base)
                 for name, base in DOCUMENTS[plugin]]
    wrong, covered = [], set()
    for request in requests_of(plugin):
        url, query = split(request)
        if any(word in request["body"] for word in ON_PURPOSE.get(plugin, [])):
            continue
        results = [faults(d, request["method"], url, query, request["body"]) for d in documents if d.find(url)[0]]
        if not results:
            wrong.append(f"{request['method']} {url}: no description has this path")
        elif all(results):
            wrong += min(results, key=len)
        covered.add((request["step"], request["method"]))
    assert sorted(set(wrong)) == []
    assert any(method == "POST" for _, method in covered)


def test_jobbers_questions_ask_for_what_is_there():
    where = folder("jobber")
    types = graphql.types_of((where / "docs-object-types.partial.graphql").read_text())
    for path in sorted(where.glob("*.graphql")):
        if path.name.startswith("docs-"):
            continue
        kind, _, nodes = graphql.Reader(path.read_text()).operation()
        graphql.learn(types, kind.capitalize(), nodes)
    wrong = {}
    for request in requests_of("jobber"):
        body = json.loads(request["body"])
        kind, declared, nodes = graphql.Reader(body["query"]).operation()
        assert set(body["variables"]) <= declared, body["query"]
        assert graphql.variables_used(nodes, body["query"]) == declared, body["query"]
        for member in graphql.unknown(types, kind.capitalize(), nodes):
            wrong.setdefault(member, body["query"])
    assert {m: q for m, q in wrong.items() if m not in JOBBER_BESIDES} == {}
    assert JOBBER_BESIDES <= set(wrong), "something is described by now, or no longer asked for"


def test_what_no_description_has_is_found():
    """The tests above can fail."""
    document = Document({"paths": {"/a/{id}": {"post": {
        "parameters": [{"name": "n", "in": "query", "required": True, "schema": {"type": "integer"}}],
        "requestBody": {"content": {"application/json": {"schema": {
            "type": "object", "required": ["x"], "properties": {"x": {"type": "string", "enum": ["y"]}}}}}}}}}})
    assert faults(document, "POST", "/a/1", "n=1", '{"x": "y"}') == []
    for method, url, query, body in (("POST", "/b/1", "n=1", '{"x": "y"}'), ("PUT", "/a/1", "n=1", '{"x": "y"}'),
                                     ("POST", "/a/1", "", '{"x": "y"}'), ("POST", "/a/1", "n=one", '{"x": "y"}'),
                                     ("POST", "/a/1", "n=1&m=1", '{"x": "y"}'), ("POST", "/a/1", "n=1", "{}"),
                                     ("POST", "/a/1", "n=1", '{"x": "z"}'), ("POST", "/a/1", "n=1", '{"x": "y", "u": 1}')):
        assert faults(document, method, url, query, body), (method, url, query, body)
    types = graphql.types_of("type Query {\n  a: A # it\n}\ntype A {\n  b: String!\n}\n")
    assert graphql.unknown(types, "Query", graphql.Reader("query { a { b c } d }").operation()[2]) == ["A.c", "Query.d"]
