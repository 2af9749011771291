#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""junit.py FILE LABEL: pytest's report as lines "pass|fail|skip LABEL NAME" for run.sh."""
import sys
import xml.etree.ElementTree as ET


def verdict(case):
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "fail"
    return "skip" if "skipped" in kinds else "pass"


def main(path, label):
    count = 0
    for case in ET.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}".replace(" ", "_")
        print(verdict(case), label, name)
        count += 1
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
