#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""openapi.json from openapi.yaml: the same document in one piece. `make update-openapi` writes it.

Schemas that lie beside it go in whole, with the $id by which JSON Schema knows that references in them mean themselves.
"""
import json
import re
import sys
from pathlib import Path

import yaml


class Loader(yaml.SafeLoader):
    """YAML 1.2 as far as this matters: a time is a text, and only true and false are booleans."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if not tag.endswith((":timestamp", ":bool"))]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def load(folder):
    doc = yaml.load((folder / "openapi.yaml").read_text(), Loader)
    schemas = doc["components"]["schemas"]
    for name, schema in schemas.items():
        ref = schema.get("$ref", "#")
        if not ref.startswith("#"):
            schemas[name] = json.loads((folder / ref).read_text())
    return doc


if __name__ == "__main__":
    print(json.dumps(load(Path(sys.argv[1])), indent=1))
