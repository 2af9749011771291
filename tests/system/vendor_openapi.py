# SPDX-License-Identifier: Apache-2.0
"""openapi.py - does a request keep to an OpenAPI 3.0 document? Path, method, parameters, required and unknown members, types, enums.

Only what these documents use is understood. Unknown members of a body are faults wherever the document lists the members of
an object, because vendors refuse them.
"""
import json
import urllib.parse

import jsonschema

NO_MEMBERS = {"additionalProperties": False}


class Document:
    def __init__(self, doc, base=""):
        self.doc, self.base = doc, base
        self.paths = sorted(doc["paths"].items(), key=lambda p: p[0].count("{"))  # literal ones first
        self.schemas = {}

    def resolve(self, node):
        while "$ref" in node:
            at = self.doc
            for part in node["$ref"].lstrip("#/").split("/"):
                at = at[part.replace("~1", "/").replace("~0", "~")]
            node = at
        return node

    def find(self, path):
        """The item of a path and the values in it."""
        given = path.split("/")
        for template, item in self.paths:
            parts = (self.base + template).split("/")
            if len(parts) == len(given) and all(p == g or (p.startswith("{") and g) for p, g in zip(parts, given)):
                return item, {p[1:-1]: urllib.parse.unquote(g) for p, g in zip(parts, given) if p.startswith("{")}
        return None, {}

    def schema(self, node, closed=True, depth=0):
        """As JSON Schema: references resolved, nullable spelt out, objects closed."""
        if depth > 12:
            return {}
        node = self.resolve(node)
        out = {k: v for k, v in node.items() if k in ("enum", "pattern", "minimum", "maximum", "maxLength", "required")}
        kind = node.get("type")
        if "allOf" in node:
            members = {}
            for part in node["allOf"]:
                part = self.schema(part, False, depth + 1)
                members.update(part.get("properties", {}))
                out.update({k: v for k, v in part.items() if k != "properties"})
            out["properties"] = members
        for word in ("anyOf", "oneOf"):
            if word in node:
                out["anyOf"] = [self.schema(part, closed, depth + 1) for part in node[word]]
        if kind and not (kind == "object" and "properties" not in node and "additionalProperties" not in node):
            out["type"] = [kind, "null"] if node.get("nullable") else kind
        if node.get("nullable") and "enum" in out:
            out["enum"] = out["enum"] + [None]
        if "properties" in node:
            out.setdefault("properties", {}).update({k: self.schema(v, closed, depth + 1) for k, v in node["properties"].items()})
        if "items" in node:
            out["items"] = self.schema(node["items"], closed, depth + 1)
        if closed and out.get("properties") and not node.get("additionalProperties"):
            out.update(NO_MEMBERS)
        return out


def value_fits(text, schema):
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "array":
        return all(value_fits(t, schema.get("items", {})) for t in text.split(","))
    if kind in ("integer", "number"):
        try:
            (int if kind == "integer" else float)(text)
        except ValueError:
            return False
    if kind == "boolean" and text not in ("true", "false"):
        return False
    return "enum" not in schema or text in [str(e) for e in schema["enum"]]


def faults(document, method, url, query, body):
    """What is wrong with the request, as a list of texts."""
    item, values = document.find(url)
    if item is None:
        return [f"{url}: no such path"]
    op = item.get(method.lower())
    if op is None:
        return [f"{method} {url}: no such method there"]
    found = []
    params = [document.resolve(p) for p in item.get("parameters", []) + op.get("parameters", [])]
    known = {p["name"]: p for p in params if p["in"] == "query"}
    given = urllib.parse.parse_qsl(query, keep_blank_values=True)
    for name, text in given:
        if name not in known:
            found.append(f"{method} {url}: unknown parameter {name}")
        elif not value_fits(text, document.schema(known[name].get("schema", {}))):
            found.append(f"{method} {url}: parameter {name} cannot be {text}")
    found += [f"{method} {url}: parameter {n} is missing" for n, p in known.items() if p.get("required") and n not in dict(given)]
    found += [f"{method} {url}: {p['name']} cannot be {values[p['name']]}" for p in params
              if p["in"] == "path" and p["name"] in values and not value_fits(values[p["name"]], document.schema(p.get("schema", {})))]
    content = document.resolve(op.get("requestBody", {})).get("content", {})
    if not body:
        return found + ([f"{method} {url}: a body is missing"] if op.get("requestBody", {}).get("required") else [])
    if "application/json" not in content:
        return found + [f"{method} {url}: takes no JSON"]
    schema = document.schema(content["application/json"].get("schema", {}))
    for error in jsonschema.Draft202012Validator(schema).iter_errors(json.loads(body)):
        found.append(f"{method} {url}: /{'/'.join(str(p) for p in error.absolute_path)}: {error.message[:200]}")
    return found
