# SPDX-License-Identifier: Apache-2.0
"""Alerts and late emergencies by mail, against a real SMTP server."""
import http.client
import time

import pytest

from mailserver import MailServer, certificate
from rig import ACCOUNT, MINUTE, SECOND, ask, lead, wait_until

OPS, OWNER, PARTNER = "ops@example.com", "owner@example.com", "partner@example.com"


@pytest.fixture
def servers():
    all_of_them = []
    yield lambda **more: all_of_them.append(MailServer(**more)) or all_of_them[-1]
    for s in all_of_them:
        s.stop()


def by_mail(daemon, server, host="127.0.0.1", **more):
    daemon.options["public_url"] = "https://relay.example.com"
    daemon.options["alerts"] = {"dead_letters": 1, "mail_url": f"smtp://{host}:{server.port}", "mail_starttls": "off",
                                "mail_from": "csrelay@example.com", "mail_to": [OPS], **more}


def with_contacts(daemon, crm="hubspot", *addresses):
    daemon.crms[crm]["main"]["contacts"] = list(addresses)


def waiting(daemon):
    return daemon.query("SELECT count(*) AS n FROM mail")[0]["n"]


def late(daemon):
    return daemon.query("SELECT count(*) AS n FROM late")[0]["n"]


def test_an_alert_and_its_end_are_mailed_once(idle, sandbox, servers):
    server = servers()
    by_mail(idle, server)
    daemon = idle.start()
    sandbox.tokens("hubspot", "revoke", "main")
    docs = [lead(email="secret.caller@example.net") for _ in range(4)]
    for doc in docs:
        daemon.send(doc)
        daemon.wait_for(doc, "dead")
    wait_until(lambda: server.mails, what="a mail")
    sandbox.tokens("hubspot", "restore", "main")
    daemon.restart()
    daemon.send(lead())
    daemon.wait_delivered(5)
    wait_until(lambda: len(server.mails) == 2, what="the end is mailed, too")
    (to, raised), (_, over) = server.mails
    assert to == [OPS] and raised["To"].addresses[0].addr_spec == OPS
    assert raised["Subject"] == "[csrelay] alert: hubspot main (hubspot)" and over["Subject"].startswith("[csrelay] over:")
    conn = daemon.connection("hubspot")["public_id"]
    text = raised.get_content()
    for part in (ACCOUNT, conn, "Connect it again", f"https://relay.example.com/v1/connections/{conn}"):
        assert part in text, text
    for doc in docs:
        assert doc["contact"]["phone"] not in text and "secret.caller" not in text, "no more personal data than needed"
    assert raised["Date"].datetime and raised["Message-ID"].endswith("@example.com>") and raised["Message-ID"] != over["Message-ID"]
    assert waiting(daemon) == 0


def test_mail_goes_by_starttls_with_a_login(idle, rig, sandbox, servers):
    cert, key = certificate(rig.dir)
    server = servers(tls=(cert, key), login=("csrelay", "pass word"))
    by_mail(idle, server, host="localhost", mail_starttls="required", mail_user="csrelay", mail_password=idle.secret("mail", "pass word"))
    idle.options["http"]["ca_file"] = str(cert)
    daemon = idle.start()
    daemon.send(lead("nowhere", urgency="emergency"))
    wait_until(lambda: late(daemon) == 1)
    daemon.advance(6 * MINUTE)
    wait_until(lambda: server.to(OPS), what="the mail")
    assert server.logins[-1] == ("csrelay", "pass word") and server.to(OPS)[0].was_tls
    assert "pass word" not in daemon.log()


def test_nothing_is_said_where_starttls_is_required_and_missing(idle, servers):
    server = servers()
    by_mail(idle, server, mail_starttls="required")
    daemon = idle.start()
    daemon.send(lead("nowhere", urgency="emergency"))
    wait_until(lambda: late(daemon) == 1)
    daemon.advance(6 * MINUTE)
    wait_until(lambda: "mail could not be sent yet" in daemon.log())
    for _ in range(4):
        daemon.advance(10 * MINUTE)
        time.sleep(0.6)
    wait_until(lambda: [a["key"] for a in daemon.alerts() if not a["recovered_ms"] and a["key"] == "mail"], what="an alert says so")
    assert not server.mails and waiting(daemon) == 1
    body = ask(http.client.HTTPConnection("127.0.0.1", daemon.port("admin")), "GET", "/metrics").body.decode()
    assert "csrelay_mails_waiting 1" in body and 'csrelay_mails_total{result="sent"} 0' in body, body


def test_a_late_emergency_is_mailed_whole_and_once(idle, sandbox, servers):
    server = servers()
    by_mail(idle, server)
    with_contacts(idle, "hubspot", OWNER, PARTNER)
    daemon = idle.start()
    sandbox.fault("status", "hubspot", times=-1, status=503)
    doc = lead(urgency="emergency", email="maria@example.net", service_request={"description": "Gas smell in the cellar. Ünï."})
    daily = lead()
    daemon.send_all([doc, daily])
    wait_until(lambda: late(daemon) == 1)
    daemon.advance(4 * MINUTE)
    time.sleep(1.5)
    assert not server.mails
    daemon.advance(2 * MINUTE)
    wait_until(lambda: len(server.mails) == 2, what="both contacts have it")
    for address in (OWNER, PARTNER):
        mail, = server.to(address)
        text = mail.get_content()
        for part in (doc["contact"]["phone"], "maria@example.net", "Gas smell in the cellar. Ünï.", doc["event_id"], doc["call"]["call_id"]):
            assert part in text, text
        assert daily["contact"]["phone"] not in text
    daemon.restart()
    daemon.advance(30 * MINUTE)
    time.sleep(1.5)
    assert len(server.mails) == 2 and late(daemon) == 0, "once, also after a restart"
    assert doc["contact"]["phone"] not in daemon.log()


@pytest.mark.parametrize("how", ["paused", "dead", "needs_reauth", "unknown"])
def test_whatever_holds_it_up(idle, sandbox, servers, how):
    server = servers()
    by_mail(idle, server)
    with_contacts(idle, "hubspot", OWNER)
    daemon = idle.start()
    if how == "paused":
        daemon.operate("POST", "/v1/connections/hubspot:main/pause")
    if how == "needs_reauth":
        sandbox.tokens("hubspot", "revoke", "main")
    if how == "dead":
        sandbox.fault("status", "hubspot", times=-1, status=422)
    daemon.send(lead("nowhere" if how == "unknown" else "hubspot", urgency="emergency"))
    wait_until(lambda: late(daemon) == 1)
    daemon.advance(5 * MINUTE + SECOND)
    to = OPS if how == "unknown" else OWNER
    wait_until(lambda: [m for m in server.to(to) if "EMERGENCY" in m["Subject"]], what="it is mailed")
    time.sleep(1.2)
    assert len([m for _, m in server.mails if "EMERGENCY" in m["Subject"]]) == 1


def test_a_stop_waits_for_what_the_server_says_to_a_whole_mail(idle, servers):
    server = servers()
    server.thinks_s = 1
    by_mail(idle, server)
    with_contacts(idle, "hubspot", OWNER)
    daemon = idle.start()
    daemon.operate("POST", "/v1/connections/hubspot:main/pause")
    daemon.send(lead(urgency="emergency"))
    wait_until(lambda: late(daemon) == 1)
    daemon.advance(6 * MINUTE)
    wait_until(lambda: server.mails, what="the server has it")
    daemon.restart()
    assert waiting(daemon) == 0 and "mail was sent" in daemon.log()
    daemon.advance(30 * MINUTE)
    time.sleep(1.2)
    assert len(server.mails) == 1


def test_what_arrived_in_time_is_nobodys_mail(idle, servers):
    server = servers()
    by_mail(idle, server)
    with_contacts(idle, "hubspot", OWNER)
    daemon = idle.start()
    daemon.send(lead(urgency="emergency"))
    daemon.wait_states(delivered=1)
    daemon.advance(6 * MINUTE)
    wait_until(lambda: late(daemon) == 0)
    assert waiting(daemon) == 0 and not server.mails


def test_a_server_that_is_down_or_busy_gets_it_later(idle, servers):
    server = servers()
    port = server.port
    server.stop()
    by_mail(idle, server)
    with_contacts(idle, "hubspot", OWNER)
    daemon = idle.start()
    daemon.operate("POST", "/v1/connections/hubspot:main/pause")
    daemon.send(lead(urgency="emergency"))
    wait_until(lambda: late(daemon) == 1)
    daemon.advance(6 * MINUTE)
    wait_until(lambda: "mail could not be sent yet" in daemon.log())
    doc = lead("webhook")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")  # leads go on
    daemon.kill9()
    server = servers(port=port)
    server.answers = ["451 try again"]
    daemon.start()
    for _ in range(3):
        daemon.advance(2 * MINUTE)
        time.sleep(0.8)
    wait_until(lambda: server.to(OWNER), what="it came in the end")
    time.sleep(1)
    assert len(server.mails) == 1 and waiting(daemon) == 0


def test_an_address_that_is_refused_for_good_is_told_to_the_operator(idle, servers):
    server = servers()
    server.answers = ["550 no such user"]
    by_mail(idle, server)
    with_contacts(idle, "hubspot", OWNER)
    daemon = idle.start()
    daemon.operate("POST", "/v1/connections/hubspot:main/pause")
    doc = lead(urgency="emergency")
    daemon.send(doc)
    wait_until(lambda: late(daemon) == 1)
    daemon.advance(6 * MINUTE)
    wait_until(lambda: server.to(OPS), what="the operator has it")
    assert doc["contact"]["phone"] in server.to(OPS)[0].get_content() and not server.to(OWNER)
    assert "mail was given up" in daemon.log()
    wait_until(lambda: waiting(daemon) == 0)


def test_a_kill_before_the_mail_is_sent_loses_nothing(idle, servers):
    server = servers()
    by_mail(idle, server)
    with_contacts(idle, "hubspot", OWNER)
    daemon = idle.start()
    daemon.operate("POST", "/v1/connections/hubspot:main/pause")
    docs = [lead(urgency="emergency") for _ in range(20)]
    daemon.send_all(docs)
    wait_until(lambda: late(daemon) == 20)
    daemon.advance(6 * MINUTE)
    wait_until(lambda: server.mails)
    daemon.kill9()
    daemon.start()
    wait_until(lambda: waiting(daemon) == 0 and late(daemon) == 0, 30)
    ids = [m["Message-ID"] for m in server.to(OWNER)]
    assert len(set(ids)) == 20 and len(ids) <= 21, "at most the one that was under way came twice, with the same id"
    text = "".join(m.get_content() for m in server.to(OWNER))
    assert all(d["event_id"] in text for d in docs)
