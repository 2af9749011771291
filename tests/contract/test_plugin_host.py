#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_plugin_host.py - csrelay-plugin-host stays small: it needs libc and the compiler's runtime, and holds of csrelay's own
code only util, wire and plughost. A plugin brings its libraries itself."""
import pathlib
import re
import subprocess
import sys

LIBRARIES = re.compile(r"(libc|libm|libdl|libpthread|librt|libgcc_s|libresolv|ld-linux[-_a-z0-9]*|libasan|libubsan|libtsan|libstdc\+\+)\.so\.\d+")
FOLDERS = ("core/plughost/", "core/wire/", "core/util/")


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    program = pathlib.Path("csrelay-plugin-host")
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-dW", program))
    strangers = [lib for lib in needed if not LIBRARIES.fullmatch(lib)]
    assert needed and not strangers, f"{program} links {strangers}"

    # every function of ours in it is defined in one of the three libraries or in the program's own files
    ours = set()
    for folder in FOLDERS:
        for obj in pathlib.Path(folder).rglob("*.o"):
            ours |= set(re.findall(r"^[0-9a-f]+ [TtDdBbRrVW] (cs_\w+)$", run("nm", obj), re.M))
    inside = set(re.findall(r"^[0-9a-f]+ [TDBRVW] (cs_\w+)$", run("nm", program), re.M))
    assert len(inside) > 50, "no symbols to look at"
    assert inside <= ours, f"{program} holds {sorted(inside - ours)}"
    print(f"{program}: {len(inside)} functions of ours, libraries {', '.join(needed)}")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as e:
        sys.exit(str(e))
