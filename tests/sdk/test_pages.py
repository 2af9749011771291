#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cs-plugin(3) and cs-plugin-manifest(5) say what header and schema say.

They are made from these, and must be made anew when these change. Besides, the page is held against the header by a look
that knows nothing of how it is made.
"""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

SDK = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2])) / "sdk"
HEADER = (SDK / "include/cs/plugin_v1.h").read_text()
PAGE = (SDK / "man/cs-plugin.3").read_text()
FAULTS = []


def expect(good, what):
    if not good:
        FAULTS.append(what)


def made_anew(script, page):
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    text = subprocess.run([sys.executable, SDK / "man" / script, SDK], stdout=subprocess.PIPE, check=True, env=env).stdout.decode()
    expect(text == (SDK / "man" / page).read_text(), f"{page} is not what header and schema say: make update-sdk-man")


def body_of(struct):
    return re.search(rf"^struct {struct} \{{(.*?)^\}};", HEADER, re.M | re.S).group(1)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def entry(name):
    """From the entry of a function to the next one."""
    found = re.search(rf"^\.It Fn {name}\n(.*?)^\.(?:It|El)", PAGE, re.M | re.S)
    return found.group(1) if found else ""


def functions_are_documented():
    count = 0
    for struct in ("cs_host_v1", "cs_plugin_v1"):
        for name in re.findall(r"\(\*(\w+)\)\(", without_comments(body_of(struct))):
            count += 1
            expect(re.search(r"^Since 1\.\d+\.$", entry(name), re.M), f"{struct}.{name}: no entry that says since when")
            expect(len(re.findall(r"\w+", entry(name).split(".Pp")[-1])) > 5, f"{struct}.{name}: nothing is said about it")
    expect(count >= 29, f"only {count} functions were found in the header")


def constants_are_documented():
    names = [n for enum in re.findall(r"enum \{(.*?)\};", without_comments(HEADER), re.S) for n in re.findall(r"\bCS_\w+", enum)]
    for name in names:
        expect(f".It Dv {name} " in PAGE, f"{name} is not in the page")
    expect("CS_UNSUPPORTED" in names and "CS_HOOK_UNSUBSCRIBE" in names and len(names) > 30, "constants were not found")
    for name in re.findall(r"^#define (CS_\w+)", HEADER, re.M):
        if name not in ("CS_PLUGIN_V1_H", "CS_PRINTF", "CS_EXPORT"):
            expect(f".It Dv {name}\n" in PAGE, f"macro {name} is not in the page")


def structs_are_documented():
    for struct in re.findall(r"^struct (\w+) \{", HEADER, re.M):
        expect(f"struct {struct}" in PAGE, f"struct {struct} is not in the page")
        for decl in without_comments(body_of(struct)).split(";"):
            names = re.findall(r"\b(\w+)(?=\s*(?:,|$))", decl) if "(*" not in decl else []
            for name in names:
                expect(name == "pad" or re.search(rf"^\.It Li .*\b{name}\b", PAGE, re.M), f"{struct}.{name} is not in the page")


def keys_are_documented():
    page = (SDK / "man/cs-plugin-manifest.5").read_text()

    def walk(node):
        for name, child in node.get("properties", {}).items():
            expect(f".It Cm {name}\n" in page, f"manifest key {name} is not in the page")
            expect(child.get("description"), f"manifest key {name} has no description")
            walk(child)
            walk(child.get("items", {}))

    walk(json.loads((SDK / "schema/manifest.schema.json").read_text()))


def examples_in_comments_compile():
    """The plugin in the header's first comment."""
    code = re.search(r"A complete plugin:\n \*\n(.*?CS_PLUGIN_V1\(.*?\))", HEADER, re.S).group(1)
    code = re.sub(r"^ \* {0,5}", "", code, flags=re.M)
    command = [os.environ.get("CC", "cc").split()[0], "-std=c11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-fsyntax-only",
               f"-I{SDK}/include", "-x", "c", "-"]
    done = subprocess.run(command, input=code.encode(), stderr=subprocess.PIPE)
    expect(done.returncode == 0, f"the plugin in the header's comment: {done.stderr.decode()}")


made_anew("cs_plugin.py", "cs-plugin.3")
made_anew("cs_plugin_manifest.py", "cs-plugin-manifest.5")
functions_are_documented()
constants_are_documented()
structs_are_documented()
keys_are_documented()
examples_in_comments_compile()
print("\n".join(FAULTS) or "pages, header and schema agree")
sys.exit(1 if FAULTS else 0)
