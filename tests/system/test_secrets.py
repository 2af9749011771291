# SPDX-License-Identifier: Apache-2.0
"""Master keys are changed while leads go on; csrelay secrets tells what is sealed under which."""
import json
import os
import subprocess

from rig import BUILD, lead, wait_until


def ctl(daemon, *words, status=0):
    done = subprocess.run([BUILD / "csrelay", *words, "--config", daemon.dir / "csrelay.conf"], capture_output=True, text=True)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


def status(daemon, exit=0):
    return json.loads(ctl(daemon, "secrets", "status", "--json", status=exit)[0])


def keys(daemon):
    return {k["id"]: k["secrets"] for k in status(daemon)["keys"]}


def plant(daemon, n):
    """Secrets as a refresh leaves them: sealed by the daemon's own code, which the sandbox cannot be made to do for each CRM."""
    daemon.write()
    subprocess.run([BUILD / "tests/unit/vault/seal", daemon.dir / "master.key", daemon.store, str(n)], check=True)


def test_a_new_key_takes_over_while_leads_go_on(idle, sandbox):
    daemon = idle.start()
    daemon.stop()
    plant(daemon, 300)
    daemon.start()
    (old, n), = keys(daemon).items()
    assert n == 300
    out = json.loads(ctl(daemon, "secrets", "rotate", "--json")[0])
    assert out["daemon"] and out["keys"][0]["id"] == out["key"] and out["keys"][1]["id"] == old
    sent = [lead() for _ in range(20)]
    daemon.send_all(sent)
    wait_until(lambda: keys(daemon)[old] == 0, what="everything is sealed anew")
    assert keys(daemon)[out["key"]] == 300
    daemon.wait_states(delivered=20)
    text = (daemon.dir / "master.key").read_text()
    (daemon.dir / "master.key").write_text(text.splitlines()[0] + "\n")
    assert "configuration reloaded" in daemon.reload()
    assert list(keys(daemon)) == [out["key"]]


def test_a_key_that_is_needed_is_not_given_up(idle):
    daemon = idle.start()
    daemon.stop()
    plant(daemon, 3)
    daemon.start()
    file = daemon.dir / "master.key"
    kept = file.read_bytes()
    file.write_text("other:" + "11" * 32 + "\n")
    assert "lacks key" in daemon.reload()
    assert keys(daemon).popitem()[1] == 3, "the old key is still there"
    daemon.stop()
    daemon.start()
    assert "that is not in the key file" in daemon.log()
    assert status(daemon, exit=1)["unreadable"] == 3
    file.write_bytes(kept)
    daemon.reload()
    assert status(daemon)["unreadable"] == 0


def test_without_a_daemon_the_key_is_changed_all_the_same(idle):
    daemon = idle.start()
    daemon.stop()
    plant(daemon, 5)
    out, err = ctl(daemon, "secrets", "rotate")
    assert "once it starts" in out and "could not reach" in err
    assert os.stat(daemon.dir / "master.key").st_mode & 0o777 == 0o600
    assert status(daemon)["stale"] == 5
    daemon.start()
    wait_until(lambda: status(daemon)["stale"] == 0)
    assert sorted(keys(daemon).values()) == [0, 5]


def test_a_kill_in_between_loses_no_secret(idle):
    daemon = idle.start()
    daemon.stop()
    plant(daemon, 2000)
    daemon.start()
    ctl(daemon, "secrets", "rotate")
    wait_until(lambda: 0 < status(daemon)["stale"] < 2000)
    daemon.kill9()
    assert sum(keys(daemon).values()) == 2000
    daemon.start()
    wait_until(lambda: status(daemon)["stale"] == 0)
    assert sorted(keys(daemon).values()) == [0, 2000] and status(daemon)["unreadable"] == 0
