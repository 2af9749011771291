#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Manifests: the C reader and sdk/schema/manifest.schema.json agree.

Every manifest of the tree must please both. Broken ones (each a good manifest with one change) must be refused by
both, or, where a schema cannot say it (names that are not declared), by the reader alone; and the reader must name the
place. Whatever the schema refuses the reader refuses: random damage looks for a counter-example.
"""
import copy
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SCHEMA = TOP / "sdk" / "schema" / "manifest.schema.json"
BUILD = pathlib.Path(os.environ.get("CS_BUILD_DIR", os.getcwd()))
READER = BUILD / "tests" / "contract" / "check_manifest"

try:
    import jsonschema
    import pytest
except ImportError as missing:
    if __name__ != "__main__":
        raise
    print(f"skipped: {missing.name} is not installed (python3-jsonschema, python3-pytest)")
    sys.exit(77)

GOOD = {
    "manifest": 1,
    "name": "acme",
    "version": "1.0.0",
    "title": "Acme",
    "setup": [{"text": "Make a key.", "link": "https://example.com/keys"}],
    "base_url": "${setting:base_url}",
    "hosts": ["${setting:base_url}", "api.example.com", "*.example.com:8443"],
    "settings": [
        {"key": "base_url", "type": "url", "label": "Address", "default": "https://api.example.com", "required": True},
        {"key": "stage", "type": "choice", "label": "Stage", "default": "a",
         "choices": [{"value": "a", "label": "A"}, {"value": "b", "label": "B"}], "depends_on": "base_url"},
        {"key": "age", "type": "int", "label": "Age", "min": 1, "max": 9, "default": 3},
        {"key": "signs", "type": "bool", "label": "Sign", "default": True},
    ],
    "facts": [{"name": "hub_id", "label": "Hub"}, {"name": "region", "default": "${setting:base_url}"}],
    "secrets": [{"name": "token", "label": "Token", "required": True, "hosts": ["api.example.com"]},
                {"name": "hook_key"}, {"name": "refresh"}],
    "request": {"headers": {"Authorization": "Bearer ${secret:token}"}, "query": {"v": "1"},
                "json": {"/auth": "${secret:token}"}, "form": {"key": "${basic:token:hook_key}"}},
    "sign": {"kind": "standard-webhooks", "secrets": ["hook_key", "refresh"], "setting": "signs"},
    "auth": [
        {"kind": "oauth2", "label": "Sign in", "setup": [{"text": "Press it."}], "authorize_url": "${setting:base_url}/authorize",
         "token_url": "${fact:region}/token", "revoke_url": "${fact:region}/revoke", "scopes": ["a", "b"],
         "scope_separator": ",", "pkce": "S256", "client_id": "${setting:stage}", "client_secret": "hook_key",
         "client_auth": "basic", "body": "json", "authorize_params": {"prompt": "consent"},
         "token_params": {"tenant": "${setting:age}"}, "renew": "plugin", "redirect_in_refresh": True, "access_token": "token",
         "refresh_token": "refresh", "answer": {"expires_in": "/life", "facts": {"hub_id": "/hub"}},
         "account_token": {"when": "/kind", "is": "all", "url": "${setting:base_url}/one", "params": {"account": "${fact:hub_id}"},
                           "headers": {"X-Version": "1"}},
         "callback_facts": {"region": "accounts-server"}, "expires_s": 3600, "margin_s": 30, "idle_life_s": 5184000,
         "rotates": True, "lost_refresh": "needs_reauth", "dead_grant": ["invalid_code", "401"],
         "uninstall": {"tenant": "/company", "tenant_fact": "hub_id", "at": "/when"}},
        {"kind": "static", "name": "key", "secrets": ["hook_key"], "request": {"headers": {"X-Key": "${secret:hook_key}"}}},
    ],
    "limits": [{"class": "api", "per": "fact:hub_id", "count": 100, "window_ms": 10000, "burst": 20},
               {"class": "day", "per": "connection", "count": 9, "window_ms": 86400000, "every": True}],
    "steps": [{"name": "find"}, {"name": "create", "mutates": True, "on_doubt": "look", "lookup_lag_ms": 30000}],
    "status": {"423": "wait"},
    "retry_after": {"header": "retry-after", "unit": "s"},
    "identify": {"step": "find", "path": "/me", "id": "/id", "facts": {"hub_id": "/id", "timezone": "/tz"}},
    "choices": [{"list": "owners", "path": "/owners", "items": "/results", "value": "/id", "label": "/email",
                 "next": "/next", "next_param": "after"}],
    "webhook": {"scope": "app", "verify": {"kind": "hmac-sha256", "optional": True, "secret": "hook_key", "header": "X-Sig",
                                           "header_from": "stage", "encoding": "either", "encoding_from": "stage",
                                           "signed": ["timestamp", "body"], "timestamp_header": "X-Time", "tolerance_s": 300},
                "events": "", "tenant": "/portal", "tenant_from": "stage", "tenant_also": "/data/portal", "tenant_fact": "hub_id", "tenant_form": "number", "dedupe": ["/id"],
                "ends": {"pointer": "/type", "values": ["GONE"], "at": "/time"},
                "reply": {"status": 200, "body": ""}, "challenge": {"query": "hub.challenge", "reply": "echo"}},
    "poll": {"every_ms": 300000},
    "links": {"contact": "https://app.example.com/${fact:hub_id}/${id}"},
    "x-note": {"anything": 1},
}

# Change (pointer, value; None: remove), what the reader must say. Both refuse.
BROKEN = [
    ("/manifest", 2, "/manifest: expected 1 to 1"),
    ("/name", None, '"name" is missing'),
    ("/hosts", None, '"hosts" is missing'),
    ("/name", "Acme", "/name: expected a name"),
    ("/name", 7, "/name: expected a text, found int"),
    ("/title", "", "/title: must not be empty"),
    ("/version", "1 0", "/version: expected a version"),
    ("/setings", [], '/setings: unknown key; did you mean "settings"?'),
    ("/nonsense", 1, "/nonsense: unknown key - known here"),
    ("/setup/0/txt", "x", '/setup/0/txt: unknown key; did you mean "text"?'),
    ("/setup/0/link", "http://example.com", "/setup/0/link: expected an address that begins with https://"),
    ("/hosts/1", "API.example.com", "/hosts/1: expected a host name"),
    ("/hosts/1", "https://api.example.com", "/hosts/1: expected a host name"),
    ("/hosts/1", "api.example.com:", "/hosts/1: expected a host name"),
    ("/settings/0/type", "uri", '/settings/0/type: "uri" is not allowed here - allowed: text, url'),
    ("/settings/0/label", None, '/settings/0: "label" is missing'),
    ("/settings/0/required", "yes", "/settings/0/required: expected true or false, found string"),
    ("/settings/1/choices", [], "/settings/1/choices: must not be empty"),
    ("/settings/2/min", "1", "/settings/2/min: expected a number, found string"),
    ("/request/headers/Content-Length", "7", "/request/headers/Content-Length: this header belongs to csrelay"),
    ("/request/headers/a b", "7", "/request/headers/a b: expected a header name"),
    ("/request/json/auth", "7", "/request/json/auth: expected a JSON pointer"),
    ("/request/headers/Authorization", "Bearer ${token}", '/request/headers/Authorization: "${token}" begins with no known'),
    ("/request/headers/Authorization", "${secret:a", "begins with no known name"),
    ("/sign/kind", "aws-sigv4", '/sign/kind: "aws-sigv4" is not allowed here - allowed: standard-webhooks'),
    ("/sign/secrets", None, '/sign: "secrets" is missing'),
    ("/sign/secrets", [], "/sign/secrets: must not be empty"),
    ("/sign/header", "X-Sig", "/sign/header: unknown key"),
    ("/auth/0/kind", "oauth", '/auth/0/kind: "oauth" is not allowed here - allowed: static, oauth2'),
    ("/auth", {"kind": "static", "pkce": "S256"}, '/auth: "pkce" means something with oauth2 only'),
    ("/auth", [], "/auth: expected 1 to 8 ways"),
    ("/auth", "static", "/auth: expected an object"),
    ("/auth/0/kind", None, '/auth/0: "kind" is missing'),
    ("/auth/0/token_url", None, '/auth/0: oauth2 needs a "token_url"'),
    ("/auth/0/client_id", None, '/auth/0: oauth2 needs a "client_id"'),
    ("/auth/0/authorize_url", None, '/auth/0: authorization_code needs an "authorize_url"'),
    ("/auth/0/client_secret", None, '/auth/0: "client_secret" names the secret'),
    ("/auth/0/grant", "password", '/auth/0/grant: "password" is not allowed here - allowed: authorization_code, client_credentials'),
    ("/auth/0/pkce", "plain", '/auth/0/pkce: "plain" is not allowed here - allowed: none, S256'),
    ("/auth/0/margin_s", -1, "/auth/0/margin_s: expected 0 to"),
    ("/auth/0/answer/expires_in", "expires_in", "/auth/0/answer/expires_in: expected a JSON pointer"),
    ("/auth/0/answer/token", "/x", "/auth/0/answer/token: unknown key"),
    ("/auth/0/callback_facts/region", "a b", "/auth/0/callback_facts/region: expected a parameter's name"),
    ("/auth/0/lost_refresh", "retry", '/auth/0/lost_refresh: "retry" is not allowed here - allowed: try_old_once, needs_reauth'),
    ("/auth/0/renew", "me", '/auth/0/renew: "me" is not allowed here - allowed: core, plugin'),
    ("/auth/1/request/headers/Cookie", "x", "/auth/1/request/headers/Cookie: this header belongs to csrelay"),
    ("/limits/0/per", "account", '/limits/0/per: "account" is not allowed here'),
    ("/limits/0/count", 0, "/limits/0/count: expected 1 to"),
    ("/limits/0/window_ms", 1.5, "/limits/0/window_ms: expected a whole number, found double"),
    ("/steps/1/on_doubt", "loook", '/steps/1/on_doubt: "loook" is not allowed here - allowed: look, repeat, ask'),
    ("/steps/1/lookup_lag_ms", -1, "/steps/1/lookup_lag_ms: expected 0 to"),
    ("/steps/0/mutate", True, '/steps/0/mutate: unknown key; did you mean "mutates"?'),
    ("/status/423", "later", '/status/423: "later" is not allowed here'),
    ("/status/99", "wait", "/status/99: expected a status"),
    ("/retry_after/unit", "min", '/retry_after/unit: "min" is not allowed here - allowed: s, ms'),
    ("/identify/path", None, '/identify: "path" is missing'),
    ("/identify/id", "id", "/identify/id: expected a JSON pointer"),
    ("/identify/id", "/a~2", '/identify/id: in a JSON pointer "~" is followed by 0 or 1'),
    ("/choices/0/next_param", None, '/choices/0: "next" and "next_param" belong together'),
    ("/webhook/scope", None, '/webhook: "scope" is missing'),
    ("/webhook/tenant", None, '/webhook: scope "app" needs'),
    ("/webhook/tenant_form", "base64", '/webhook/tenant_form: "base64" is not allowed here'),
    ("/webhook/ends/pointer", None, '"pointer" is missing'),
    ("/webhook/ends/values", None, '"values" is missing'),
    ("/webhook/ends/at", "time", "expected a JSON pointer"),
    ("/webhook/verify/kind", "hmac", '/webhook/verify/kind: "hmac" is not allowed here'),
    ("/webhook/verify/header", None, '/webhook/verify: this kind needs a "header"'),
    ("/webhook/verify/secret", None, '/webhook/verify: this kind needs a "secret"'),
    ("/webhook/verify/kind", "body-token", '/webhook/verify: this kind needs a "pointer"'),
    ("/webhook/verify/signed/0", "boddy", '/webhook/verify/signed/0: "boddy" is not allowed here'),
    ("/webhook/verify/timestamp_header", None, '/webhook/verify: "tolerance_s" needs'),
    ("/webhook/reply/status", 302, "/webhook/reply/status: expected 200 to 299"),
    ("/webhook/challenge/pointer", "/c", '/webhook: challenge: "query" or "pointer", not both'),
    ("/auth/0/account_token/when", None, '"when"'),
    ("/poll/every_ms", 10, "/poll/every_ms: expected 10000 to"),
    ("/links/contact", "", "/links/contact: must not be empty"),
]

# What only the reader can refuse.
READER_ONLY = [
    ("/settings/0/default", "api.example.com", "/settings/0: default: setting base_url: expected an address"),
    ("/settings/1/default", "c", "/settings/1: default: setting stage: expected one of its choices"),
    ("/settings/2/default", 10, "/settings/2: default: setting age: expected a number from 1 to 9"),
    ("/settings/1/key", "base_url", '/settings/1: "base_url" is there twice'),
    ("/settings/1/depends_on", "nothing", '/settings/1: "nothing" is not declared in "settings"'),
    ("/settings/0/pattern", "(", "/settings/0/pattern: expected an extended regular expression"),
    ("/base_url", "${setting:url}", '/base_url: "url" is not declared in "settings"'),
    ("/hosts/0", "${secret:token}", "/hosts/0: ${secret:...} is not allowed here"),
    ("/request/headers/Authorization", "${secret:tokn}", '"tokn" is not declared in "secrets"'),
    ("/request/form/key", "${basic:token:nope}", '/request/form/key: "nope" is not declared in "secrets"'),
    ("/sign/secrets/1", "nope", '/sign/secrets/1: "nope" is not declared in "secrets"'),
    ("/sign/setting", "nope", '/sign/setting: "nope" is not declared in "settings"'),
    ("/sign/setting", "stage", "/sign/setting: expected a setting of type bool"),
    ("/auth/1/name", "oauth2", '/auth/1: "oauth2" is there twice'),
    ("/auth/0/token_url", "${secret:token}/x", "/auth/0/token_url: ${secret:...} is not allowed here"),
    ("/auth/0/client_secret", "nope", '/auth/0/client_secret: "nope" is not declared in "secrets"'),
    ("/auth/0/refresh_token", "nope", '/auth/0/refresh_token: "nope" is not declared in "secrets"'),
    ("/auth/1/secrets/0", "nope", '/auth/1/secrets: "nope" is not declared in "secrets"'),
    ("/auth/0/answer/facts/nope", "/x", '/auth/0/answer/facts: "nope" is not declared in "facts"'),
    ("/auth/0/account_token/url", "${secret:token}/x", "/auth/0/account_token/url: ${secret:...} is not allowed here"),
    ("/auth/0/account_token/params/account", "${fact:nope}", '"nope" is not declared in "facts"'),
    ("/auth/0/callback_facts/nope", "x", '/auth/0/callback_facts: "nope" is not declared in "facts"'),
    ("/facts/1/default", "${fact:hub_id}", "/facts/1/default: ${fact:...} is not allowed here"),
    ("/limits/0/per", "fact:portal", '/limits/0/per: "portal" is not declared in "facts"'),
    ("/identify/facts/currency", "/c", '/identify/facts: "currency" is not declared in "facts"'),
    ("/identify/step", "look", '/identify/step: "look" is not declared in "steps"'),
    ("/webhook/verify/secret", "other", '/webhook/verify: "other" is not declared in "secrets"'),
    ("/webhook/verify/header_from", "nope", '/webhook/verify: "nope" is not declared in "settings"'),
    ("/webhook/tenant_from", "nope", '"nope" is not declared in "settings"'),
    ("/webhook/tenant_fact", "portal", '/webhook: "portal" is not declared in "facts"'),
    ("/links/contact", "https://x/${secret:token}", "/links/contact: ${secret:...} is not allowed here"),
    ("/links/contact", "https://x/${fact:portal}", '/links/contact: "portal" is not declared in "facts"'),
]


def exact_pattern(validator, pattern, instance, schema):
    """In JSON Schema "$" is the end, in Python it is also before a last newline."""
    exact = pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern
    if validator.is_type(instance, "string") and not re.search(exact, instance):
        yield jsonschema.ValidationError("does not match the pattern")


def load_schema():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": exact_pattern})(schema)


@pytest.fixture(scope="module")
def validator():
    return load_schema()


def read(*files):
    return subprocess.run([READER, *files], capture_output=True, text=True, check=False)


def read_text(manifest):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(manifest, f)
        f.flush()
        return read(f.name)


def changed(pointer, value):
    m = copy.deepcopy(GOOD)
    *path, last = pointer.split("/")[1:]
    at = m
    for key in path:
        at = at[int(key)] if isinstance(at, list) else at[key]
    if value is None:
        del at[last]
    elif isinstance(at, list):
        at[int(last)] = value
    else:
        at[last] = value
    return m


def manifests():
    plugins = [d / f"{d.name}.json" for d in sorted((TOP / "plugins").iterdir()) if d.is_dir()]
    return [p for p in plugins if p.exists()] + sorted((BUILD / "tests" / "plugins" / "v1").glob("*.json"))


def test_there_are_manifests_to_check():
    names = {p.stem for p in manifests()}
    assert {"hubspot", "housecall_pro", "webhook", "always_ok"} <= names


@pytest.mark.parametrize("path", manifests(), ids=lambda p: p.stem)
def test_every_manifest_of_the_tree_pleases_reader_and_schema(path, validator):
    result = read(path)
    assert result.returncode == 0, result.stdout
    assert [e.message for e in validator.iter_errors(json.loads(path.read_text()))] == []


def test_the_good_manifest_pleases_both(validator):
    result = read_text(GOOD)
    assert result.returncode == 0, result.stdout
    assert [e.message for e in validator.iter_errors(GOOD)] == []


@pytest.mark.parametrize("pointer,value,says", BROKEN)
def test_a_broken_manifest_is_refused_by_both(pointer, value, says, validator):
    m = changed(pointer, value)
    result = read_text(m)
    assert result.returncode == 1 and says in result.stdout
    assert list(validator.iter_errors(m)), "the schema takes it"


@pytest.mark.parametrize("pointer,value,says", READER_ONLY)
def test_what_a_schema_cannot_say_the_reader_refuses(pointer, value, says, validator):
    m = changed(pointer, value)
    result = read_text(m)
    assert result.returncode == 1 and says in result.stdout
    assert [e.message for e in validator.iter_errors(m)] == []


def places(value, path=()):
    """Every place in the document, the outer ones first."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        if not str(key).startswith("x-"):
            yield from places(inner, path + (key,))


def test_what_the_schema_refuses_the_reader_refuses(validator, tmp_path):
    odd = ["", "x", "A b", "${", "/~", 0, -1, 1.5, 10**12, True, None, [], {}, ["x"], [1], {"x": "y"}, "a" * 5000]
    rng = random.Random(7)
    files = []
    for path in places(GOOD):
        for value in rng.sample(odd, 6):
            m = copy.deepcopy(GOOD)
            at = m
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value
            if list(validator.iter_errors(m)):
                files.append(tmp_path / f"{len(files)}.json")
                files[-1].write_text(json.dumps(m))
    assert len(files) > 300
    taken = [f for f in read(*files).stdout.splitlines() if f.endswith(": ok")]
    assert taken == []


def test_every_key_is_explained():
    def walk(schema, path):
        for key, sub in schema.get("properties", {}).items():
            here = f"{path}/{key}"
            if "title" not in sub or "description" not in sub:
                if not (set(sub) <= {"const", "enum"} or path.endswith(("/if", "/then"))):
                    yield here
            yield from walk(sub, here)
            yield from walk(sub.get("items", {}), here)

    schema = json.loads(SCHEMA.read_text())
    assert list(walk(schema, "")) == []
    assert [p for name, part in schema["$defs"].items() for p in walk(part, name)] == []


if __name__ == "__main__":
    sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", __file__]))
