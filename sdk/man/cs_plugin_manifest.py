#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cs_plugin_manifest.py SDK - cs-plugin-manifest(5) on standard output, made of the texts in schema/manifest.schema.json."""
import json
import sys
from pathlib import Path

from cs_plugin import literal, roff

HEAD = r'''.\" SPDX-License-Identifier: Apache-2.0
.\" Made by sdk/man/cs_plugin_manifest.py from sdk/schema/manifest.schema.json: make update-sdk-man
.Dd May 26, 2026
.Dt CS-PLUGIN-MANIFEST 5
.Os csrelay
.Sh NAME
.Nm cs-plugin-manifest
.Nd the manifest of a CRM plugin
.Sh DESCRIPTION'''
TAIL = r'''.Sh SEE ALSO
.Xr csrelay-plugin-check 1 ,
.Xr csrelay-plugin-new 1 ,
.Xr cs-plugin 3
.Pp
The schema (JSON Schema, draft 2020-12) is the file
.Pa manifest.schema.json
in the folder that
.Li pkg-config --variable=schemadir csrelay-sdk
names.'''


class Page:
    def __init__(self, schema):
        self.defs = schema["$defs"]
        self.lines = []

    def put(self, *lines):
        self.lines += [line for line in lines if line]

    def of(self, node):
        """What a reference to one of the definitions stands for."""
        return self.defs[node["$ref"].removeprefix("#/$defs/")]

    def form(self, node):
        """What kind of value, in words: the kind first, then what bounds it."""
        name = node.get("$ref", "").removeprefix("#/$defs/")
        kind = {"ident": "identifier", "token": "header name", "pointer": "JSON pointer", "template": "template",
                "host": "host pattern"}.get(name) or node.get("type") or ("text" if "enum" in node else "value")
        facts = [kind]
        if kind == "array" and "items" in node:
            facts = ["list of " + self.form(node["items"])[0] + "s"]
        for key, words in (("const", "always {}"), ("default", "default {}"), ("minimum", "at least {}"), ("maximum", "at most {}")):
            if key in node:
                facts.append(words.format(json.dumps(node[key])))
        if "enum" in node:
            facts.append("one of " + ", ".join(node["enum"]))
        if "pattern" in node and "$ref" not in node:
            facts.append("form " + node["pattern"])
        return facts

    def key(self, name, node, required):
        if "oneOf" in node:
            node = {**self.of(node["oneOf"][0]), **node, "type": "object or list of objects"}
        elif node.get("$ref") == "#/$defs/request":
            node = {**self.of(node), **node}
        facts = self.form(node)
        self.put(f".It Cm {roff(name)}", ".Pq " + roff(", ".join(facts + (["required"] if required else []))),
                 roff(node.get("description", "")))
        inner = node.get("items", {}) if node.get("type") == "array" else node
        if inner.get("properties"):
            self.keys(inner)
        elif isinstance(inner.get("additionalProperties"), dict) and inner["additionalProperties"].get("description"):
            self.put(roff(inner["additionalProperties"]["description"]))

    def keys(self, node):
        self.put(".Bl -tag -width Ds")
        for name, child in node["properties"].items():
            self.key(name, child, name in node.get("required", []))
        self.put(".El")


def main():
    sdk = Path(sys.argv[1])
    schema = json.loads((sdk / "schema/manifest.schema.json").read_text())
    page = Page(schema)
    page.put(roff(schema["description"]), ".Sh KEYS")
    page.keys(schema)
    page.put(".Sh FORMS", ".Bl -tag -width Ds")
    for name, node in schema["$defs"].items():
        if node.get("type") == "object":  # told where it stands
            continue
        page.put(f".It Em {name}", roff(node["description"]))
    page.put(".El", ".Sh EXAMPLE", ".Bd -literal")
    print(HEAD, *page.lines, sep="\n")
    print(literal((sdk / "examples/rest/rest.json").read_text()), end="")
    print(".Ed")
    print(TAIL)


if __name__ == "__main__":
    main()
