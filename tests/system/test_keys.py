# SPDX-License-Identifier: Apache-2.0
"""API keys as an operator makes, rotates and loses them, by the command line, and their use at intake."""
import json
import subprocess

from rig import ACCOUNT, BUILD, HOUR, lead, wait_until


def ctl(daemon, *words, status=0):
    done = subprocess.run([BUILD / "csrelay", *words, "--config", daemon.dir / "csrelay.conf"], capture_output=True, text=True)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout.strip()


def sends(daemon, key, account=ACCOUNT):
    answer = daemon.post(lead("webhook", callsetter_account_id=account), {"Authorization": f"Bearer {key}"})
    return answer.status == 202


def keys(daemon):
    return daemon.operate("GET", "/v1/keys")["items"]


def test_a_key_is_rotated_while_senders_change_over(daemon):
    old = ctl(daemon, "keys", "new", "callsetter", "--scopes", "intake", "--accounts", ACCOUNT)
    assert sends(daemon, old) and not sends(daemon, old, "acct_other")
    wait_until(lambda: keys(daemon)[0]["last_used_at"], what="that it was used is written down, at intake as well")
    new = ctl(daemon, "keys", "rotate", "callsetter", "--overlap", "2h")
    assert new.startswith("csk_") and new != old
    assert sends(daemon, old) and sends(daemon, new) and not sends(daemon, new, "acct_other")
    daemon.advance(2 * HOUR + 1000)
    assert sends(daemon, new) and not sends(daemon, old)
    newest = json.loads(ctl(daemon, "keys", "rotate", "callsetter", "--overlap", "1h", "--json"))
    assert newest["replaces"]["id"] == [k for k in keys(daemon)][1]["id"], "the newest of that name"
    assert sends(daemon, newest["key"]) and sends(daemon, new)
    ctl(daemon, "keys", "remove", str(newest["replaces"]["id"]))
    assert not sends(daemon, new)
    ctl(daemon, "keys", "rotate", "nobody", status=4)
    ctl(daemon, "keys", "rotate", "callsetter", "--overlap", "soon", status=2)


def test_keys_are_kept_as_hashes_and_logged_nowhere(daemon):
    made = [ctl(daemon, "keys", "new", "one", "--scopes", "intake"), ctl(daemon, "keys", "rotate", "one")]
    assert all(sends(daemon, k) for k in made) and not sends(daemon, "csk_wrong")
    kept = daemon.store.read_bytes() + daemon.store.with_name(daemon.store.name + "-wal").read_bytes()
    for key in made:
        assert key.encode() not in kept and key not in daemon.log()
