#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""faults.py [CRM[:FORM]...] - every CRM, in every form that a lead may take there, x every fault of the sandbox x every request of
the push.

A lead is brought in without a fault first, which tells the requests that the push makes. Then each request has each trouble
once, for a lead with a caller of its own. At the end there is one record of the lead and one of its caller, or a dead letter that
blames whom it should. The table goes to standard output (`make matrix` keeps it in tests/matrix/faults.md); the exit status is 1
when a cell is wrong.
"""
import json
import re
import sys

from rows import Row, write
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


def pattern(row, one, other):
    """What both requests are, as a fault matches it: ids give way to *, a GraphQL operation is told by its name."""
    paths = [r["path"].split("?")[0].removeprefix("/" + row.name).split("/") for r in (one, other)]
    operation = re.search(r"(?:query|mutation) (\w+)", json.dumps(one.get("body", "")))
    return f"{one['method']} {'/'.join(a if a == b else '*' for a, b in zip(*paths))}" + (f" {operation[1]}" if operation else "")


def requests_of(row):
    """The requests of a push that goes well, once the connection is known: two pushes tell what is an id in them."""
    runs = []
    for _ in range(3):
        doc, before = lead(row.name), len(row.sandbox.requests(row.name))
        row.daemon.send(doc)
        assert row.settle(doc)["state"] == "delivered", row.daemon.attempts(doc)
        runs.append(row.sandbox.requests(row.name)[before:])
    assert len(runs[1]) == len(runs[2])
    return [pattern(row, *both) for both in zip(*runs[1:])]


def cell(row, fault, steps, at):
    """(right?, what came of it)."""
    doc = lead(row.name)
    options = {"fault": fault, **FAULTS[fault]}
    kind = options.pop("fault")
    fault_id = row.sandbox.fault(kind, row.name, steps[at], skip=steps[:at].count(steps[at]), **options)
    row.daemon.send(doc)
    end = row.settle(doc)
    hits = row.sandbox.fault_hits()
    row.sandbox.heal(fault_id)
    things, people, beside = records = row.records(doc)
    if hits == 0:
        return True, "not reached"
    if end["state"] == "delivered":
        refused_note = not things and end["warnings"] and len(people) == 1  # where the note alone bears the marker
        right = row.is_one(records, end["warnings"]) or refused_note
        parts = ["the caller" if refused_note else f"{len(things)} record" + (f" and {len(beside)}" if row.crm.also else "")]
        parts += [f"{len(people)} callers"] * (len(people) > 1) + [f"attempt {end['attempts']}"] * (end["attempts"] > 1)
        said = ", ".join(parts + ["with a remark"] * bool(end["warnings"]))
    else:
        right = end["state"] == "dead" and end["blame"] in MAY_BLAME.get(fault, ()) and max(map(len, records)) <= 1
        said = f"{end['state']}: {end['blame']}" + (f", {len(things)} record" if things else "")
    if end["state"] == "dead" and end["blame"] == "credential":  # the connection waits for its owner
        row.daemon.operate("POST", f"/v1/connections/{row.name}:main/resume")
        wait_until(lambda: row.daemon.query("SELECT 1 FROM conn WHERE state = 0 AND crm = ? AND name = 'main'", row.name), 10)
    return right, said if right else f"**{said}**"


def table(name):
    with Row(name) as row:
        steps = requests_of(row)
        cells = {fault: [cell(row, fault, steps, at) for at in range(len(steps))] for fault in FAULTS}
    lines = [f"## {row.crm.title}", "", "| fault | " + " | ".join(f"{i + 1}. `{s}`" for i, s in enumerate(steps)) + " |",
             "|---" * (len(steps) + 1) + "|"]
    lines += [f"| {fault} | " + " | ".join(said for _, said in row) + " |" for fault, row in cells.items()]
    return "\n".join(lines) + "\n", sum(not right for row in cells.values() for right, _ in row)


if __name__ == "__main__":
    sys.exit(write(table, "Every fault at every request", "What came of a lead when one request of its push met with trouble once.\n"
                   "\"1 record and 1\": with a deal, request, job or such beside what bears the lead's marker. A bold cell is wrong."))
