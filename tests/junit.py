#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""junit.py FILE LABEL: pytest's report as lines "pass|fail|skip LABEL NAME" for run.sh. A report without a test is a failure."""
import sys
import xml.etree.ElementTree as ET


def verdict(case):
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "fail"
    return "skip" if "skipped" in kinds else "pass"


def main(path, label):
    rows = {}
    for case in ET.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}".replace(" ", "_")
        rows[name] = "fail" if rows.get(name) == "fail" else verdict(case)
    for name, how in rows.items():
        print(how, label, name)
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
