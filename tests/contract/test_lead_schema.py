#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The lead reader and its JSON Schema say the same.

Three ways, each lead judged by the C reader (tests/unit/lead/readlead) and by sdk/schema/lead-1.0.schema.json:
  corpus     leads/*.json with the faults that each must have, written by hand
  mutations  each field of two good leads set to each of many odd values
  countries  all combinations of two capitals
"The same" is not only good or bad but every fault with its pointer and its class (the schema's x-onFault).

A case of the corpus: {"title", "from": base lead, "set": {pointer: value}, "remove": [pointer], "faults": {pointer: class}}.
"""
import copy
import datetime
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = HERE.parent.parent / "sdk" / "schema" / "lead-1.0.schema.json"
BUILD = pathlib.Path(os.environ.get("CS_BUILD_DIR", os.getcwd()))
READLEAD = BUILD / "tests" / "unit" / "lead" / "readlead"
CLASSES = ["none", "optional", "required", "envelope"]

try:
    import jsonschema
    import pytest
except ImportError as missing:
    if __name__ != "__main__":
        raise
    print(f"skipped: {missing.name} is not installed (python3-jsonschema, python3-pytest)")
    sys.exit(77)


def schema():
    return json.loads(SCHEMA.read_text())


# ---- the schema's verdict


def ecma_pattern(validator, pattern, instance, schema):
    """In JSON Schema "$" is the end, in Python it is also before a last newline."""
    exact = pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern
    if validator.is_type(instance, "string") and not re.search(exact, instance):
        yield jsonschema.ValidationError("does not match the pattern")


def max_bytes(validator, limit, instance, schema):
    if validator.is_type(instance, "string") and len(instance.encode()) > limit:
        yield jsonschema.ValidationError("longer than x-maxBytes")


def instant_of(text):
    """Milliseconds, or None for what is no instant. Written apart from the C reader: by Python's own calendar."""
    m = re.match(r"(\d{4})(-\d\d-\d\d)[Tt](\d\d:\d\d:)(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z", text)
    if not m:
        return None
    try:
        year = int(m[1]) or 400  # Python has no year 0, which is like 400
        t = datetime.datetime.fromisoformat(f"{year:04}{m[2]}T{m[3]}{'59' if m[4] == '60' else m[4]}")
    except ValueError:
        return None
    zone = "+00:00" if m[6] in "Zz" else m[6]
    offset = (int(zone[1:3]) * 60 + int(zone[4:])) * (-1 if zone[0] == "-" else 1)
    fraction = int(((m[5] or ".")[1:] + "000")[:3])
    days = 0 if int(m[1]) else 146097
    since = t - datetime.datetime(1970, 1, 1) - datetime.timedelta(days=days, minutes=offset)
    return since // datetime.timedelta(milliseconds=1) + fraction


def not_before(validator, sibling, instance, schema):
    """Checked at the parent, see validator_for: a keyword sees only its own value."""
    return ()


def parent_rules(validator, properties, instance, schema):
    yield from jsonschema.Draft202012Validator.VALIDATORS["properties"](validator, properties, instance, schema)
    if not validator.is_type(instance, "object"):
        return
    for name, rule in properties.items():
        sibling = rule.get("x-notBefore")
        first, last = instance.get(sibling), instance.get(name)
        if not (isinstance(first, str) and isinstance(last, str)):
            continue
        first, last = instant_of(first), instant_of(last)
        if first is not None and last is not None and last < first:
            yield jsonschema.ValidationError("x-notBefore", path=[name], schema_path=[name, "x-notBefore"])


def validator_for(document):
    keywords = {"pattern": ecma_pattern, "x-maxBytes": max_bytes, "x-notBefore": not_before, "properties": parent_rules}
    return jsonschema.validators.extend(jsonschema.Draft202012Validator, keywords)(document)


def pointer_of(path):
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def class_along(document, path):
    """The x-onFault that is closest to the failed keyword on the way from the root, and the schema that has the keyword."""
    node, found = document, document["x-onFault"]
    for key in list(path)[:-1]:
        node = document["$defs"][node["$ref"].rsplit("/", 1)[1]] if key == "$ref" else node[key]
        if isinstance(node, dict):
            found = node.get("x-onFault", found)
    return found, node


def absent(document, node, name, path, found):
    """The faults of a required member that is not there: for an object, those of its own required members."""
    rule = node.get("properties", {}).get(name, {})
    whole = document["properties"].get(name, {}) if len(path) == 0 else {}
    found = rule.get("x-onFault", whole.get("x-onFault", found))
    children = rule.get("required", whole.get("required"))
    if not children:
        return {pointer_of([*path, name]): found}
    return {pointer_of([*path, name, child]): found for child in children}


def faults_by_schema(validator, lead):
    faults = {}

    def add(pointer, found):
        faults[pointer] = max(faults.get(pointer, "none"), found, key=CLASSES.index)

    for error in validator.iter_errors(lead):
        path = list(error.absolute_path)
        found, node = class_along(validator.schema, error.absolute_schema_path)
        if error.validator == "required":
            name = next(n for n in error.validator_value if f"'{n}'" in error.message)
            for pointer, kind in absent(validator.schema, node, name, path, found).items():
                add(pointer, kind)
        elif error.validator == "type" and error.instance is None and "required" in node:
            for child in node["required"]:
                add(pointer_of([*path, child]), found)
        else:
            add(pointer_of(path), found)
    return faults


# ---- the reader's verdict


def read_leads(leads):
    lines = "".join(json.dumps(lead) + "\n" for lead in leads)
    run = subprocess.run([READLEAD], input=lines.encode(), stdout=subprocess.PIPE, check=True, timeout=60)
    verdicts = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(verdicts) == len(leads)
    return verdicts


def faults_by_reader(verdict):
    faults = {}
    for fault in verdict["faults"]:
        before = faults.get(fault["pointer"], "none")
        faults[fault["pointer"]] = max(before, fault["class"], key=CLASSES.index)
    return faults


def hold_together(leads, names):
    validator = validator_for(schema())
    wrong = []
    for lead, name, verdict in zip(leads, names, read_leads(leads)):
        by_schema, by_reader = faults_by_schema(validator, lead), faults_by_reader(verdict)
        if by_schema != by_reader:
            wrong.append(f"{name}: schema {by_schema}, reader {by_reader}")
        worst = max(by_reader.values(), key=CLASSES.index, default="none")
        if verdict["worst"] != worst:
            wrong.append(f"{name}: worst is {verdict['worst']}, not {worst}")
    assert not wrong, "\n".join(wrong[:20]) + f"\n{len(wrong)} in all"


# ---- the leads


def base(name):
    return json.loads((HERE / "leads" / "base" / f"{name}.json").read_text())


def put(lead, pointer, value):
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for key in way:
        lead = lead.setdefault(key, {})
    lead[last] = value


def remove(lead, pointer):
    *way, last = pointer.split("/")[1:]
    for key in way:
        lead = lead[key]
    del lead[last]


def lead_of(case):
    lead = base(case["from"])
    for pointer in case.get("remove", []):
        remove(lead, pointer)
    for pointer, value in case.get("set", {}).items():
        put(lead, pointer, value)
    return lead


def corpus():
    return {path.name: json.loads(path.read_text()) for path in sorted((HERE / "leads").glob("*.json"))}


def pointers(node, prefix=""):
    for name, value in node.items():
        yield f"{prefix}/{name}"
        if isinstance(value, dict):
            yield from pointers(value, f"{prefix}/{name}")


ODD = [
    None, True, False, 0, 1, -1, 142, 142.0, 0.5, 1.0, 1.5, -0.0, 1e300, 9007199254740991, 9007199254740992,
    18446744073709551615, "", " ", "x", "0", "true", "null", "\n", "é" * 64, "é" * 65, "é" * 128, "é" * 129,
    *("a" * n for n in (2, 32, 64, 65, 127, 128, 129, 254, 255, 256, 257, 1024, 1025, 2048, 8192, 8193)),
    "é" * 4096, "é" * 4097, [], [1], {}, {"a": 1}, {"a": [1]}, {"a": {"b": 1}, "c/d~e": []},
    "inbound", "outbound", "inbound\n", "lead.qualified", "lead.unqualified", "job.paid", "qualified", "unqualified",
    "emergency", "same_week", "Emergency", "US", "us", "UK", "GB", "  ", "housecall_pro", "Housecall Pro", "hubspot\n",
    "1.0", "1.1", "1.", "1.x", "2.0", "1.123456789", "1.1234567890", "01.0", "acct_1.2:3-4", "acct 1",
    "3f0c2c1e-6a0d-4d0e-9a41-5b8f0a2b9d11", "3F0C2C1E-6A0D-4D0E-BA41-5B8F0A2B9D11", "3f0c2c1e-6a0d-1d0e-9a41-5b8f0a2b9d11",
    "3f0c2c1e-6a0d-4d0e-ca41-5b8f0a2b9d11", "3f0c2c1e6a0d4d0e9a415b8f0a2b9d11", "3f0c2c1e-6a0d-4d0e-9a41-5b8f0a2b9d11\n",
    "+13055550182", "+1305555", "+130555", "+123456789012345", "+1234567890123456", "13055550182", "+1 305 555 0182",
    "+1305555018٢", "+13055550182\n", "maria@example.com", "maria@", "@example.com", "@", "a@b@c", "a@b\n",
    "a@" + "b" * 252, "a@" + "b" * 253, "a@" + "é" * 126, "a@" + "é" * 127,
    "https://example.com", "HTTPS://example.com/x?y#z", "http://example.com", "https://", "https:///x", "https://a b",
    "https://é.example", "https://e\n", "https://" + "a" * 2040, "https://" + "a" * 2041,
    *(f"2026-05-{day}T14:29:38{zone}" for day in ("26", "32", "2") for zone in ("Z", "z", "", "+02:00", "-23:59", "+24:00")),
    *(f"{day}T08:00:00Z" for day in ("2024-02-29", "2023-02-29", "2000-02-29", "1900-02-29", "0000-02-29", "2026-02-30",
      "2026-04-31", "2026-06-31", "2026-12-31", "2026-13-01", "2026-00-10", "2026-01-00", "9999-12-31", "99999-01-01")),
    *(f"2026-05-26T{time}Z" for time in ("24:00:00", "23:60:00", "23:59:60", "23:59:61", "14:32", "14:32:00.5", "14:32:00.",
      "14:32:00,5", "14:32:00.123456789012")),
    "2026-05-26t14:32:00", "2026-05-26 14:32:00Z", "2026-05-26T14:32:00Z\n", "2026-05-26T14:32:00+0200",
    "2026-05-26T14:32:00." + "0" * 107 + "Z", "2026-05-26T14:32:00." + "0" * 108 + "Z",
    "2026-05-26T14:29:38.001Z", "2026-05-26T12:29:37-02:00", "2026-05-26T16:32:00.001+02:00",
]


# ---- the tests


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", corpus())
def test_a_lead_of_the_corpus_has_the_faults_that_it_must_have(name):
    case = corpus()[name]
    lead = lead_of(case)
    (verdict,) = read_leads([lead])
    assert faults_by_reader(verdict) == case["faults"], case["title"]
    assert faults_by_schema(validator_for(schema()), lead) == case["faults"], case["title"]


def test_the_corpus_is_large_and_balanced():
    worst = [max(case["faults"].values(), key=CLASSES.index, default="none") for case in corpus().values()]
    assert len(worst) >= 60
    assert all(worst.count(kind) >= 8 for kind in CLASSES)


@pytest.mark.parametrize("name", ["sample", "minimal"])
@pytest.mark.parametrize("event", ["lead.qualified", "lead.unqualified"])
def test_reader_and_schema_agree_on_every_field_with_every_odd_value(name, event):
    good, leads, names = base(name), [], []
    good["event"] = event
    places = [*dict.fromkeys([*pointers(base("sample")), "/unknown", "/ai_analysis/qualifier_answers/a~1b~0c"])]
    for pointer in places:
        changed = [copy.deepcopy(good) for _ in ODD]
        for lead, value in zip(changed, ODD):
            put(lead, pointer, value)
        leads += changed
        names += [f"{event} {name} {pointer} = {str(value)[:60]!r}" for value in ODD]
    hold_together(leads, names)


def test_reader_and_schema_agree_when_members_are_missing():
    leads, names = [], []
    for name in ("sample", "minimal"):
        for gone in itertools.combinations(pointers(base(name)), 2):
            lead = base(name)
            try:
                for pointer in sorted(gone, key=len, reverse=True):
                    remove(lead, pointer)
            except KeyError:
                continue
            leads.append(lead)
            names.append(f"{name} without {gone}")
    hold_together(leads, names)


def test_reader_and_schema_know_the_same_leap_years():
    years = [f"{year:04}" for year in [*range(0, 30), *range(1890, 2410), *range(9970, 10000)]]
    leads = []
    for year in years:
        leads.append(base("minimal"))
        put(leads[-1], "/timestamp_utc", f"{year}-02-29T00:00:00Z")
    hold_together(leads, years)


def test_reader_and_schema_know_the_same_countries():
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    codes = ["".join(pair) for pair in itertools.product(letters, repeat=2)]
    leads = []
    for code in codes:
        leads.append(base("minimal"))
        put(leads[-1], "/contact/address", {"country": code})
    hold_together(leads, codes)
    assert sum(not verdict["faults"] for verdict in read_leads(leads)) == 249


if __name__ == "__main__":
    sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", __file__]))
