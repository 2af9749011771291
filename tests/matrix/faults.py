#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""faults.py [CRM...] - every CRM x every fault of the sandbox x every request of the push.

A lead is brought in without a fault first, which tells the requests that the push makes. Then each request has each trouble
once, for a lead with a caller of its own. At the end there is one record of the lead and one of its caller, or a dead letter that
blames whom it should. The table goes to standard output (`make matrix` keeps it in tests/matrix/faults.md); the exit status is 1
when a cell is wrong.
"""
import sys

from rows import CRMS, Row, write
from rig import lead, wait_until

# What may happen instead of the right answer, and whom a dead letter may blame for it. Without a name none may come of it.
FAULTS = {
    "latency": {"latency_ms": 1000}, "429": {}, "429, Retry-After": {"fault": "429", "retry_after": 20}, "401": {}, "error": {},
    "error_after": {}, "cut": {}, "oversized": {}, "html": {}, "cut_json": {}, "empty": {}, "timeout_before": {}, "timeout_after": {},
    "close_before": {}, "close_after": {}, "400": {"fault": "status", "status": 400}, "403": {"fault": "status", "status": 403},
    "404": {"fault": "status", "status": 404}, "422": {"fault": "status", "status": 422},
}
MAY_BLAME = {"400": {"lead", "connection"}, "403": {"credential", "connection", "lead"}, "404": {"lead", "connection", "credential"},
             "422": {"lead", "connection"}}


def requests_of(row):
    """The requests of a push that goes well, once the connection is known."""
    for _ in range(2):
        doc, before = lead(row.name), len(row.sandbox.requests(row.name))
        row.daemon.send(doc)
        assert row.settle(doc)["state"] == "delivered", row.daemon.attempts(doc)
    return [f"{r['method']} {r['path'].split('?')[0].removeprefix('/' + row.name)}" for r in row.sandbox.requests(row.name)[before:]]


def cell(row, fault, at):
    """(right?, what came of it)."""
    doc = lead(row.name)
    options = {"fault": fault, **FAULTS[fault]}
    kind = options.pop("fault")
    fault_id = row.sandbox.fault(kind, row.name, skip=at, **options)
    row.daemon.send(doc)
    end = row.settle(doc)
    hits = row.sandbox.fault_hits()
    row.sandbox.heal(fault_id)
    things, people = row.records(doc)
    if hits == 0:
        return True, "not reached"
    if end["state"] == "delivered":
        refused_note = not things and end["warnings"] and len(people) == 1  # where the note alone bears the marker
        right = (len(things) == 1 or refused_note) and len(people) <= 1
        said = ("the caller" if refused_note else f"{len(things)} record") + (f", {len(people)} callers" if len(people) > 1 else "") + \
            (f", attempt {end['attempts']}" if end["attempts"] > 1 else "") + (", with a remark" if end["warnings"] else "")
    else:
        right = end["state"] == "dead" and end["blame"] in MAY_BLAME.get(fault, ()) and len(things) <= 1 and len(people) <= 1
        said = f"{end['state']}: {end['blame']}" + (f", {len(things)} record" if things else "")
    if end["state"] == "dead" and end["blame"] == "credential":  # the connection waits for its owner
        row.daemon.operate("POST", f"/v1/connections/{row.name}:main/resume")
        wait_until(lambda: row.daemon.query("SELECT 1 FROM conn WHERE state = 0 AND crm = ? AND name = 'main'", row.name), 10)
    return right, said if right else f"**{said}**"


def table(name):
    with Row(name) as row:
        steps = requests_of(row)
        cells = {fault: [cell(row, fault, at) for at in range(len(steps))] for fault in FAULTS}
    lines = [f"## {CRMS[name].title}", "", "| fault | " + " | ".join(f"{i + 1}. `{s}`" for i, s in enumerate(steps)) + " |",
             "|---" * (len(steps) + 1) + "|"]
    lines += [f"| {fault} | " + " | ".join(said for _, said in row) + " |" for fault, row in cells.items()]
    return "\n".join(lines) + "\n", sum(not right for row in cells.values() for right, _ in row)


if __name__ == "__main__":
    sys.exit(write(table, "Every fault at every request", "What came of a lead when one request of its push met with trouble once.\nA bold cell is wrong."))
