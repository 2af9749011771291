#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""shapes.py [CRM[:FORM]...] - leads of all shapes, and what stands in each CRM afterwards.

Each lead is delivered into the sandbox; what was made of it is printed (`make matrix` keeps it in tests/matrix/shapes.md), long texts
cut. The exit status is 1 when a lead did not arrive, or left more than one record or more than one caller.
"""
import json
import sys

from rows import Row, write
from rig import lead, merge, phone

TEXT_MAX = 160
EIGHT_KB = "The furnace makes a noise. " * 303  # 8181 bytes

# What the sample lead is changed by. "after": a lead of the same caller that was there before.
SHAPES = {
    "the sample": {},
    "no e-mail": {"contact": {"email": None}},
    "no phone": {"contact": {"phone": None, "email": "{unique}@example.com"}},
    "no name": {"contact": {"first_name": None, "last_name": None}},
    "first name only": {"contact": {"last_name": None}},
    "last name only": {"contact": {"first_name": None}},
    "no address": {"contact": {"address": None}},
    "part of an address": {"contact": {"address": {"street": None, "zip": None}}},
    "foreign phone": {"contact": {"phone": "+4930{digits}", "address": {"country": "DE", "city": "Berlin", "state": None, "zip": "10115"}}},
    "short foreign phone": {"contact": {"phone": "+290{five}"}},
    "emoji in the name": {"contact": {"first_name": "Maria \U0001f525", "last_name": "O'Neil-Groß"}},
    "right-to-left name": {"contact": {"first_name": "مريم", "last_name": "الأحمد"}},
    "a name as long as allowed": {"contact": {"first_name": "A" * 128, "last_name": "B" * 128}},
    "8 KB of description": {"service_request": {"issue_description": EIGHT_KB}},
    "quotes, markup and markers in the text": {"service_request": {"issue_description": "He said \"hot\" <b>now</b> & ${secret:access_token} {{name}} \\ \r\n- end"}},
    "emergency": {"service_request": {"urgency": "emergency"}},
    "flexible, without a time": {"service_request": {"urgency": "flexible", "preferred_schedule": None}},
    "a time with a zone": {"service_request": {"preferred_schedule": "2026-05-27T08:00:00+02:00"}},
    "no analysis": {"ai_analysis": None},
    "no description, no summary": {"service_request": {"issue_description": None}, "call": {"transcript_summary": None}},
    "no recording, no transcript": {"call": {"recording_url": None, "transcript_url": None}},
    "a faulty optional field": {"contact": {"email": "not an address"}},
    "existing customer": {"service_request": {"is_existing_customer": True}, "after": {}},
    "spouse on the same phone": {"contact": {"first_name": "Pedro"}, "after": {"contact": {"first_name": "Maria"}}},
    "existing, with another e-mail": {"contact": {"email": "new-{unique}@example.com"}, "after": {"contact": {"email": "old-{unique}@example.com"}}},
}


def made(crm, shape):
    """The lead, and the one before it (or None)."""
    number = phone()
    own = {"unique": number[-7:], "digits": number[-8:], "five": number[-5:]}
    changes = json.loads(json.dumps(shape).replace("{unique}", own["unique"]).replace("{digits}", own["digits"]).replace("{five}", own["five"]))
    earlier = changes.pop("after", None)
    first = None if earlier is None else merge(lead(crm, number=number), earlier)
    return merge(lead(crm, number=number, email=f"m{own['unique']}@example.com"), changes), first


def brief(value):
    if isinstance(value, dict):
        return {k: brief(v) for k, v in value.items() if v not in (None, "", [], {})}
    if isinstance(value, list):
        return [brief(v) for v in value]
    return value[:TEXT_MAX] + "…" if isinstance(value, str) and len(value) > TEXT_MAX else value


def shown(records):
    """As cells of a table."""
    return "<br>".join(f"`{json.dumps(brief(r['doc']), ensure_ascii=False)}`" for r in records).replace("|", "\\|").replace("\n", " ") or "–"


def line(row, name, shape):
    doc, first = made(row.name, shape)
    for it in filter(None, (first, doc)):
        row.daemon.send(it)
        end = row.settle(it)
    things, people, beside = records = row.records(doc)
    right = end["state"] == "delivered" and row.is_one(records, end["warnings"], 1 if first is None else 2) and \
        (row.crm.people is None or len(people) == 1)
    said = end["state"] + (", with a remark" if end["warnings"] else "") if right else f"**{end['state']}, {len(things)} records, {len(beside)} beside, {len(people)} callers**"
    return right, f"| {name} | {said} | {shown(people)} | {shown(things + beside)} |"


def table(name):
    with Row(name) as row:
        lines = [line(row, name, shape) for name, shape in SHAPES.items()]
    text = f"## {row.crm.title}\n\n| lead | | caller | record |\n|---|---|---|---|\n" + "\n".join(text for _, text in lines) + "\n"
    return text, sum(not right for right, _ in lines)


if __name__ == "__main__":
    sys.exit(write(table, "Leads of all shapes", f"{len(SHAPES)} leads, and what stands in each CRM's sandbox afterwards, in every form. Long texts are cut."))
