#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""openapi.json is what openapi.yaml says, and in one piece: its references need no other file."""
import json
import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2])) / "sdk/schema"
env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
made = subprocess.run([sys.executable, FOLDER / "openapi.py", FOLDER], stdout=subprocess.PIPE, check=True, env=env).stdout.decode()
kept = (FOLDER / "openapi.json").read_text()


def references(node):
    if isinstance(node, dict):
        yield from ([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from references(value)


if made != kept:
    sys.exit("openapi.json is not what openapi.yaml says: make update-openapi")
refs = list(references(json.loads(kept)))
if len(refs) < 100 or not all(ref.startswith("#") for ref in refs):
    sys.exit("openapi.json refers to other files")
print(f"openapi.json is current; {len(refs)} references")
