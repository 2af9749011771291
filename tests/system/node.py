# SPDX-License-Identifier: Apache-2.0
"""node.py - programs from the npm registry that tests use: a folder here with a lock file, installed once into the build folder."""
import re
import shutil
import subprocess

import pytest

from rig import BUILD, SOURCE


def is_there():
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    return int(re.match(r"v(\d+)", version)[1]) >= 18


needed = pytest.mark.skipif(not is_there(), reason="Node 18 with npm is not installed")


def installed(name):
    """The folder of tests/system/NAME in the build folder, with its modules as the lock file has them."""
    at, here = BUILD / "tests/system" / name, SOURCE / "tests/system" / name
    lock = here / "package-lock.json"
    if not (at / "node_modules").exists() or (at / "package-lock.json").read_text() != lock.read_text():
        at.mkdir(parents=True, exist_ok=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(here / file, at)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=at, check=True, capture_output=True, timeout=300)
    for program in here.glob("*.mjs"):
        shutil.copy(program, at)
    return at
