# SPDX-License-Identifier: Apache-2.0
"""rows.py - what the two tables share: one daemon and one sandbox for a form of a CRM's records, and where a lead's delivery ends."""
import datetime
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "system"))

from crms import FORMS, form_of  # noqa: E402
from rig import SECOND, SOURCE, Rig, marked, wait_until  # noqa: E402

TRIES = 30


class Row:
    """A CRM, in the form that a lead takes there, with an impatient daemon; use it in a with statement."""

    def __init__(self, name):
        self.name, self.crm, self.settings = form_of(name)

    def __enter__(self):
        self.rig = Rig()
        self.sandbox = self.rig.sandbox
        self.daemon = d = self.rig.daemon()
        d.connect(self.name, settings=self.settings)
        d.options["http"].update(connect_timeout="400 ms", total_timeout="400 ms")
        d.options["breaker"] = {"failures": 1000}  # each cell is about one lead
        d.options["replay"] = {"automatic": False}
        d.start()
        return self

    def __exit__(self, kind, *rest):
        self.rig.close(kind is not None)

    def settle(self, doc):
        """The delivery, once it is delivered or dead: the clock goes from due time to due time, or on where a limit holds it back."""
        for _ in range(TRIES):
            row = wait_until(lambda: (r := self.daemon.delivery(doc))["state"] != "in_hand" and r, 20)
            if row["state"] != "due":
                break
            self.daemon.advance(max(row["due_ms"] - self.daemon.now_ms(), SECOND))
            self.daemon.settle(2)
        return row

    def records(self, doc):
        """What bears the lead's marker, whoever has the caller's number or address, and what stands beside: the lead's own where they
        tell, else all of the caller."""
        things = marked(self.sandbox.records(self.name, self.crm.things), doc["event_id"])
        if self.crm.people is None:
            return things, [], []
        keys = [k for k in ((doc["contact"].get("phone") or "")[-10:], doc["contact"].get("email")) if k]
        people = [r for r in self.sandbox.records(self.name, self.crm.people) if any(self.holds(r, k) for k in keys)]
        beside = [r for collection in self.crm.also for r in self.sandbox.records(self.name, collection)]
        own = [r for r in beside if doc["event_id"][:8] in str(r["doc"])]
        return things, people, own or [r for r in beside if any(str(p["id"]) in str(r["doc"]) for p in people)]

    def is_one(self, records, remark, leads=1):
        """One record, of one caller, and one beside it where the form has such (leads: for each that the caller has sent, at most); with
        a remark it may be lacking."""
        things, people, beside = records
        return len(things) == 1 and len(people) <= 1 and (not self.crm.also or 1 <= len(beside) <= leads or (remark and not beside))

    @staticmethod
    def holds(record, key):
        text = str(record["doc"])
        return key in text or (key.isdigit() and key in "".join(c for c in text if c.isdigit()))


def write(table, title, about):
    """The page, to standard output: table(name) gives a form's part and how many cells are wrong. The exit status of the program."""
    at = subprocess.run(["git", "-C", SOURCE, "describe", "--always"], capture_output=True, text=True).stdout.strip()
    print(f"# {title}\n\n{datetime.date.today()}, {at}. {about}\n")
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(table, sys.argv[1:] or FORMS))
    print("\n".join(text for text, _ in done), end="")
    return 1 if sum(wrong for _, wrong in done) else 0
