# SPDX-License-Identifier: Apache-2.0
"""apidoc.py - sdk/schema/openapi.yaml as tests use it: operations, and whether an answer is what they say.

Schemas are looked at closed: a member of an answer that the document does not have is a fault. The document itself stays
open, since clients must live with members that are new to them.
"""
import json
import re
import sys
from dataclasses import dataclass, field

from jsonschema import Draft202012Validator

from rig import SOURCE

sys.path.insert(0, str(SOURCE / "sdk/schema"))
import openapi  # noqa: E402  (the reader of the YAML)

METHODS = ("get", "put", "post", "delete", "patch")


def pointed(root, ref):
    """What a local reference means."""
    at = root
    for part in ref.removeprefix("#/").split("/") if ref != "#" else []:
        at = at[part.replace("~1", "/").replace("~0", "~")]
    return at


def resolved(root, node):
    """An object of OpenAPI (not a schema), by its reference or as it stands."""
    return resolved(root, pointed(root, node["$ref"])) if "$ref" in node else node


NOTES = {"title", "description", "examples"}
IN_MAPS = ("properties", "patternProperties", "$defs")
IN_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
ALONE = ("items", "additionalProperties", "propertyNames", "not", "if", "then", "else", "contains")


def closed(root, node, inside=False, strict=True):
    """The schema without references, and without room for members that it does not name. `inside`: it is part of an allOf."""
    if not isinstance(node, dict):
        return node
    if "$id" in node:  # a document of its own, which has its own rules about more members
        root, strict, node = node, False, {k: v for k, v in node.items() if k != "$id"}
    if "$ref" in node:
        rest = {k: v for k, v in node.items() if k != "$ref"}
        whole = closed(root, pointed(root, node["$ref"]), inside, strict)
        return {**whole, **rest} if set(rest) <= NOTES else {"allOf": [whole, closed(root, rest, True, strict)]}
    made = {}
    for key, value in node.items():
        if key in IN_MAPS:
            made[key] = {k: closed(root, v, False, strict) for k, v in value.items()}
        elif key in IN_LISTS:
            made[key] = [closed(root, v, key == "allOf", strict) for v in value]
        else:
            made[key] = closed(root, value, False, strict) if key in ALONE else value
    if strict and not inside and made.keys() & {"properties", "allOf"} and "additionalProperties" not in made:
        made["unevaluatedProperties"] = False
    return made


@dataclass
class Operation:
    doc: dict = field(repr=False)
    path: str
    method: str
    item: dict = field(repr=False)
    own: dict = field(repr=False)

    @property
    def id(self):
        return self.own["operationId"]

    @property
    def servers(self):
        """The options in csrelay.conf under which it is listened for."""
        return [s["description"] for s in self.own.get("servers", self.doc["servers"])]

    @property
    def needs(self):
        """open, a scope, or "" where no key counts."""
        wanted = self.own.get("security", self.doc["security"])
        if not wanted:
            return ""
        return "open" if {} in wanted else next(w["apiKey"][0] for w in wanted if "apiKey" in w)

    @property
    def parameters(self):
        both = [resolved(self.doc, p) for p in self.item.get("parameters", []) + self.own.get("parameters", [])]
        return {(p["name"], p["in"]): p for p in both}

    @property
    def responses(self):
        return {status: resolved(self.doc, r) for status, r in self.own["responses"].items()}

    @property
    def statuses(self):
        return list(self.own["responses"])

    @property
    def body(self):
        return self.own.get("requestBody", {}).get("content", {})

    @property
    def examples(self):
        """(content type, name, value) of what may be sent."""
        for content_type, media in self.body.items():
            for name, example in media.get("examples", {}).items():
                yield content_type, name, resolved(self.doc, example)["value"]

    def described(self, status):
        """The response that the document has for a status, and under which word."""
        for word in (str(status), f"{status // 100}XX", "default"):
            if word in self.own["responses"]:
                return word, self.responses[word]
        raise AssertionError(f"{self.id}: {status} is not documented")

    def check(self, answer):
        """Raises when the answer is not as documented; returns the word of its status."""
        word, response = self.described(answer.status)
        for name, header in response.get("headers", {}).items():
            header, value = resolved(self.doc, header), answer.headers.get(name)
            assert value is not None or not header.get("required"), f"{self.id} {answer.status}: no {name}: {answer}"
            faults(self.doc, header["schema"], value, f"{self.id} {answer.status} {name}") if value is not None else None
        self.check_body(word, response, answer)
        return word

    def check_body(self, word, response, answer):
        where, content = f"{self.id} {answer.status}", response.get("content")
        if content is None:
            assert word == "2XX" or not answer.body, f"{where}: a body that is not documented: {answer}"
            return
        content_type = (answer.headers.get("Content-Type") or "").split(";")[0]
        if not content_type and not answer.body and "text/plain" in content:
            return
        assert content_type in content, f"{where}: content type {content_type!r}: {answer}"
        schema = content[content_type]["schema"]
        if content_type == "application/x-ndjson":
            for line in answer.body.splitlines():
                faults(self.doc, schema, json.loads(line), where)
        elif content_type.endswith("json"):
            faults(self.doc, schema, answer.json, where)
            assert content_type != "application/problem+json" or answer.json["status"] == answer.status, where
        else:
            faults(self.doc, schema, answer.body.decode(), where)


def faults(root, schema, value, where):
    found = [f"{where}: {e.json_path}: {e.message[:300]}" for e in Draft202012Validator(closed(root, schema)).iter_errors(value)]
    assert not found, "\n".join(found) + f"\n{json.dumps(value)[:3000]}"


def document():
    return openapi.load(SOURCE / "sdk/schema")


def operations(doc):
    return {o.id: o for o in (Operation(doc, path, method.upper(), item, item[method])
                              for path, item in doc["paths"].items() for method in METHODS if method in item)}


def schemas_in(node, at=""):
    """Every schema of the document with its place."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "schema":
                yield f"{at}/{key}", value
            elif key == "schemas" and at == "/components":
                yield from ((f"{at}/{key}/{name}", s) for name, s in value.items())
            elif key not in ("example", "examples", "value"):
                yield from schemas_in(value, f"{at}/{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from schemas_in(value, f"{at}/{i}")


def references_in(node):
    if isinstance(node, dict):
        if "$id" in node:
            return
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from references_in(value)


def parameters_of(path):
    return re.findall(r"\{(\w+)\}", path)
