#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The interface stays what it is: layout.h against today's header and every kept one, in C11 and C++17 with each compiler
that is here; a plugin built with the kept header still loads, exports one symbol, and gets grade A."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2]))
ABI = TOP / "tests/abi"
HEADERS = {"today's header": TOP / "sdk/include", "the header of 1.0": ABI / "1.0"}
STRICT = ["-Wall", "-Wextra", "-Werror"]
FAULTS = []


def expect(good, what):
    if not good:
        FAULTS.append(what)


def run(command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode()


def compiles(command, what):
    status, said = run(command)
    expect(status == 0, f"{what}: {said.strip()}")


def is_complete():
    """layout.h has every member and constant of the header, so that nothing can be added unseen."""
    text = re.sub(r"/\*.*?\*/", "", (TOP / "sdk/include/cs/plugin_v1.h").read_text(), flags=re.S)
    frozen = (ABI / "layout.h").read_text()
    count = 0
    for struct, body in re.findall(r"^struct (\w+) \{(.*?)^\};", text, re.M | re.S):
        expect(f"STRUCT({struct}, " in frozen, f"layout.h lacks struct {struct}")
        for decl in body.split(";"):
            function = re.search(r"\(\*(\w+)\)\(", decl)
            for name in [function.group(1)] if function else re.findall(r"\b(\w+)\s*(?=,|$)", decl):
                count += 1
                expect(f"MEMBER({struct}, {name}, " in frozen, f"layout.h lacks {struct}.{name}")
    for name in re.findall(r"\b(CS_\w+) = -?\d+", text):
        expect(f"VALUE({name}, " in frozen, f"layout.h lacks {name}")
    expect(count == frozen.count("MEMBER("), f"{count} members in the header, {frozen.count('MEMBER(')} in layout.h")


def compilers(names):
    found = [c for c in names if shutil.which(c)]
    expect(found, f"none of these compilers is here: {' '.join(names)}")
    return found


def layouts():
    for what, include in HEADERS.items():
        for cc in compilers(["gcc", "clang"]):
            compiles([cc, "-std=c11", "-pedantic", *STRICT, f"-I{include}", f"-I{ABI}", "-fsyntax-only", ABI / "layout.c"],
                     f"{what} as C11 with {cc}")
        for cxx in compilers(["g++", "c++"]):
            compiles([cxx, "-std=c++17", *STRICT, f"-I{include}", f"-I{ABI}", "-fsyntax-only", "-x", "c++", ABI / "layout.c"],
                     f"{what} as C++17 with {cxx}")
            compiles([cxx, "-std=c++17", *STRICT, f"-I{include}", "-fsyntax-only", ABI / "plugin.cc"],
                     f"a C++ plugin with {what} and {cxx}")


def a_change_is_noticed():
    """The asserts can fail: a member is moved, a constant changed."""
    text = (TOP / "sdk/include/cs/plugin_v1.h").read_text()
    for old, new in (("int32_t mutates;", "int64_t mutates;"), ("CS_RETRY = 1,", "CS_RETRY = 9,")):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "cs").mkdir()
            (Path(folder) / "cs/plugin_v1.h").write_text(text.replace(old, new))
            status, _ = run(["gcc", "-std=c11", f"-I{folder}", f"-I{ABI}", "-fsyntax-only", ABI / "layout.c"])
            expect(old in text and status != 0, f"nobody notices when {old} becomes {new}")


def kept_plugin_works():
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy("tests/abi/1.0/.libs/frozen.so", folder)
        shutil.copy(ABI / "1.0/frozen.json", folder)
        status, said = run(["./csrelay-plugin-check", f"{folder}/frozen.so", ABI / "1.0/conversations"])
        expect(status == 0 and "grade A" in said, f"the plugin of 1.0: {said}")
        _, exported = run(["nm", "-D", "--defined-only", f"{folder}/frozen.so"])
        names = [line.split()[-1] for line in exported.splitlines()]
        expect(names == ["cs_plugin_v1_entry"], f"the plugin of 1.0 exports {names}")


is_complete()
layouts()
a_change_is_noticed()
kept_plugin_works()
print("\n".join(FAULTS) or "the interface is what it was")
sys.exit(1 if FAULTS else 0)
