# SPDX-License-Identifier: Apache-2.0
"""POST /v1/leads, line by line of the payload's rules and of what may go wrong before them."""
import json
import socket
import threading
import time

import pytest

from rig import ACCOUNT, API_KEY, INTAKE_SECRETS, ask, lead, sign, wait_until


def raw(daemon, text):
    """Bytes as they are on one connection; the answer's first line and whether the daemon closed."""
    with socket.create_connection(("127.0.0.1", daemon.port("intake")), timeout=5) as s:
        s.sendall(text)
        got, closed = b"", False
        try:
            while chunk := s.recv(65536):
                got += chunk
                s.settimeout(0.5)
            closed = True
        except TimeoutError:
            pass
        except ConnectionResetError:
            closed = True
    return int(got.split(b" ", 2)[1]) if got else None, closed, got


# ---- what is kept

def test_a_good_lead_is_accepted_once_it_is_stored(daemon):
    doc = lead()
    answer = daemon.send(doc)
    assert answer.json["result"] == "accepted" and answer.json["event_id"] == doc["event_id"]
    assert answer.json["warnings"] == []
    assert [d["crm"] for d in answer.json["deliveries"]] == ["hubspot"]
    assert daemon.delivery(doc)["id"] == answer.json["deliveries"][0]["id"]


def test_the_same_lead_again_is_answered_with_its_state(daemon, sandbox):
    doc = lead()
    first = daemon.send(doc).json
    daemon.wait_for(doc, "delivered")
    doc["timestamp_utc"] = "2026-05-26T15:00:00Z"  # a repeat is stamped anew ...
    doc["call"]["recording_url"] += "?signature=fresh"  # ... and its URLs are signed anew
    doc["event_id"] = doc["event_id"].upper()
    again = daemon.send(doc, 200).json
    assert again["result"] == "duplicate" and again["lead_id"] == first["lead_id"]
    assert again["deliveries"][0] == {**first["deliveries"][0], "state": "delivered"}, "the connection is named as at first"
    assert len(sandbox.records("hubspot", "contacts")) == 1


def test_the_same_id_with_another_content_is_a_conflict(daemon):
    doc = lead()
    daemon.send(doc)
    doc["contact"]["first_name"] = "Mariana"
    answer = daemon.send(doc, 409)
    assert answer.json["result"] == "conflict"
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert len(daemon.deliveries()) == 1


def test_the_same_id_of_another_account_is_another_lead(daemon):
    doc = lead()
    daemon.send(doc)
    doc["callsetter_account_id"] = "acct_other"
    assert daemon.send(doc).json["result"] == "accepted"


def test_faults_in_optional_fields_are_warnings(daemon, sandbox):
    doc = lead(call={"duration_seconds": -1, "recording_url": "http://not-https.example/x"},
               contact={"address": {"country": "usa"}}, ai_analysis={"conversion_intent_score": 7})
    answer = daemon.send(doc)
    assert answer.pointers == {"/call/duration_seconds", "/call/recording_url", "/contact/address/country",
                               "/ai_analysis/conversion_intent_score"}
    daemon.wait_for(doc, "delivered")
    note = sandbox.records("hubspot", "notes")[0]["doc"]["properties"]["hs_note_body"]
    assert "http://not-https.example/x" in note, "what could not be used is told in the note"


def test_faults_in_required_fields_are_kept_as_a_dead_letter(daemon):
    doc = lead(call={"direction": "sideways"}, service_request={"urgency": "soon"})
    doc["contact"]["phone"] = None
    answer = daemon.send(doc, 422)
    assert answer.json["result"] == "kept"
    assert answer.pointers == {"/call/direction", "/service_request/urgency", "/contact"}
    row = daemon.delivery(doc)
    assert (row["state"], row["blame"]) == ("dead", "lead")


@pytest.mark.parametrize("pointer, value", [
    ("schema_version", "2.0"), ("schema_version", 1.0), ("event", "lead.dropped"), ("event_id", "not-a-uuid"),
    ("event_id", None), ("callsetter_account_id", ""), ("callsetter_account_id", "a b"), ("callsetter_account_id", ["x"]),
])
def test_a_faulty_envelope_is_refused_and_nothing_kept(daemon, pointer, value):
    doc = lead()
    doc[pointer] = value
    answer = daemon.send(doc, 400)
    assert answer.pointers == {"/" + pointer}
    assert daemon.query("SELECT count(*) AS n FROM lead")[0]["n"] == 0


def test_later_minor_versions_and_unknown_fields_are_welcome(daemon):
    doc = lead(schema_version="1.7", brand_new={"x": [1, 2]})
    daemon.send(doc)
    body = daemon.query("SELECT body FROM lead")[0]["body"]
    assert json.loads(body)["brand_new"] == {"x": [1, 2]}


# ---- what is no lead

NOT_LEADS = {
    "nothing": b"",
    "no JSON": b"hello",
    "cut": json.dumps(lead()).encode()[:-1],
    "more behind it": json.dumps(lead()).encode() + b"{}",
    "an array": b"[1,2]",
    "a text": b'"lead"',
    "null": b"null",
    "bad UTF-8": json.dumps(lead()).encode().replace(b"Maria", b"Mar\xed\xa0\x80"),
    "a lone continuation byte": json.dumps(lead()).encode().replace(b"Maria", b"Mar\x80"),
    "overlong UTF-8": json.dumps(lead()).encode().replace(b"Maria", b"Mar\xc0\xaf"),
    "NUL byte": json.dumps(lead()).encode().replace(b"Maria", b"Mar\x00a"),
    "escaped NUL": json.dumps(lead()).encode().replace(b"Maria", b"Mar\\u0000a"),
    "deep objects": b'{"a":' * 17 + b"1" + b"}" * 17,
    "very deep arrays": b"[" * 100_000 + b"]" * 100_000,
    "an absurd number": json.dumps(lead()).encode().replace(b"142", b"1e999999999"),
    "NaN": json.dumps(lead()).encode().replace(b"142", b"NaN"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(lead()).encode(),
    "UTF-16": json.dumps(lead()).encode("utf-16"),
    "a name twice": json.dumps(lead()).encode().replace(b'"schema_version"', b'"event": "lead.qualified", "schema_version"'),
}


def test_what_is_no_lead_is_a_clear_400(daemon):
    for name, body in NOT_LEADS.items():
        answer = daemon.post(body)
        assert answer.status == 400, f"{name}: {answer}"
        assert answer.headers["Content-Type"].startswith("application/problem+json"), name
        assert answer.json["errors"] and all(e["detail"] for e in answer.json["errors"]), f"{name}: {answer}"
    assert daemon.query("SELECT count(*) AS n FROM lead")[0]["n"] == 0
    daemon.send(lead())  # and it still works


def test_too_large_is_413(daemon):
    body = json.dumps(lead(padding="x" * (256 << 10)))
    assert daemon.post(body).status == 413
    just_fits = lead(padding="")
    just_fits["padding"] = "x" * ((256 << 10) - len(json.dumps(just_fits)))
    assert daemon.post(json.dumps(just_fits)).status == 202


# ---- batches

def test_a_batch_keeps_its_good_lines(daemon):
    good, twin = lead(), lead("webhook")
    faulty = lead(call={"direction": "up"})
    lines = [json.dumps(good), "no json", json.dumps(faulty), json.dumps(twin), json.dumps(good),
             json.dumps({**good, "event": "lead.unqualified"}), json.dumps({**lead(), "schema_version": "9.0"})]
    answer = daemon.post("\r\n".join(lines) + "\n\n", {"Content-Type": "application/x-ndjson"})
    assert answer.status == 200, answer
    results = [json.loads(line) for line in answer.body.splitlines()]
    assert [r["line"] for r in results] == [1, 2, 3, 4, 5, 6, 7]
    assert [r["status"] for r in results] == [202, 400, 422, 202, 200, 409, 400]
    for doc in (good, twin):
        daemon.wait_for(doc, "delivered")
    assert daemon.delivery(faulty)["state"] == "dead"


def test_a_batch_of_hundreds_is_one_request(daemon):
    docs = [lead("webhook") for _ in range(500)]
    results = daemon.send_all(docs)
    assert [r["status"] for r in results] == [202] * 500
    daemon.wait_states(30, delivered=500)


def test_a_line_or_batch_too_long_is_413_and_nothing_kept(daemon):
    long_line = json.dumps(lead()) + "\n" + json.dumps(lead(padding="x" * (300 << 10)))
    assert daemon.post(long_line, {"Content-Type": "application/x-ndjson"}).status == 413
    large = "\n".join(json.dumps(lead(padding="x" * 200_000)) for _ in range(45))
    assert daemon.post(large, {"Content-Type": "application/x-ndjson"}).status == 413
    assert daemon.query("SELECT count(*) AS n FROM lead")[0]["n"] == 0


# ---- who may send

def signed(daemon, body, headers):
    import http.client
    return ask(http.client.HTTPConnection("127.0.0.1", daemon.port("intake"), timeout=30), "POST", "/v1/leads", body, headers)


def test_signatures_of_both_overlapping_secrets_are_good(daemon):
    for secret in INTAKE_SECRETS:
        body = json.dumps(lead()).encode()
        assert signed(daemon, body, sign(secret, body)).status == 202
    body = json.dumps(lead()).encode()
    both = sign("whsec_AAAA", body)
    both["webhook-signature"] += " v1a,ignored " + sign(INTAKE_SECRETS[1], body)["webhook-signature"]
    assert signed(daemon, body, both).status == 202


def test_bad_signatures_are_401(daemon):
    body = json.dumps(lead()).encode()
    good = sign(INTAKE_SECRETS[0], body)
    bad = {
        "nothing": {},
        "another secret": sign("whsec_" + "A" * 44, body),
        "another body": sign(INTAKE_SECRETS[0], body + b" "),
        "another id": {**good, "webhook-id": "msg_2"},
        "too old": sign(INTAKE_SECRETS[0], body, at=time.time() - 301),
        "too new": sign(INTAKE_SECRETS[0], body, at=time.time() + 301),
        "no timestamp": {k: v for k, v in good.items() if k != "webhook-timestamp"},
        "not a number": {**good, "webhook-timestamp": "now"},
        "no version": {**good, "webhook-signature": good["webhook-signature"][3:]},
        "unknown key": {"Authorization": "Bearer nobody"},
        "another scheme": {"Authorization": f"Basic {API_KEY}"},
        "empty key": {"Authorization": "Bearer "},
    }
    for name, headers in bad.items():
        answer = signed(daemon, body, headers)
        assert answer.status == 401, f"{name}: {answer}"
    assert daemon.query("SELECT count(*) AS n FROM lead")[0]["n"] == 0
    assert signed(daemon, body, good).status == 202


def test_a_retired_secret_stops_working_at_reload(daemon):
    daemon.options["intake"]["secrets"].pop(0)
    daemon.reload()
    body = json.dumps(lead()).encode()
    wait_until(lambda: signed(daemon, body, sign(INTAKE_SECRETS[0], body)).status == 401)
    assert signed(daemon, body, sign(INTAKE_SECRETS[1], body)).status == 202


def test_keys_made_by_the_api_are_bound_to_accounts(daemon):
    made = daemon.operate("POST", "/v1/keys", {"name": "ci", "scopes": ["intake"], "accounts": [ACCOUNT]}, 201)
    key = {"Authorization": f"Bearer {made['key']}"}
    assert signed(daemon, json.dumps(lead()).encode(), key).status == 202
    other = signed(daemon, json.dumps(lead(callsetter_account_id="acct_other")).encode(), key)
    assert other.status in (400, 403), other
    reader = daemon.operate("POST", "/v1/keys", {"name": "ro", "scopes": ["read"]}, 201)
    assert signed(daemon, json.dumps(lead()).encode(), {"Authorization": f"Bearer {reader['key']}"}).status in (401, 403)
    daemon.operate("DELETE", f"/v1/keys/{made['id']}")
    assert signed(daemon, json.dumps(lead()).encode(), key).status == 401


# ---- HTTP

def test_other_paths_and_methods(daemon):
    assert daemon.post("{}", path="/v1/lead").status == 404
    assert daemon.post("{}", path="/").status == 404
    assert daemon.post(None, method="GET").status == 405
    assert daemon.post("{}", method="DELETE").status == 405
    assert daemon.post(None, method="GET", path="/healthz").status == 200


def test_requests_that_could_be_read_in_two_ways_are_refused_and_closed(daemon):
    body = json.dumps(lead()).encode()
    start = b"POST /v1/leads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + API_KEY.encode() + b"\r\n"
    length = f"Content-Length: {len(body)}\r\n".encode()
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for name, head in {
        "two lengths": length + b"Content-Length: 3\r\n",
        "the same length twice": length + length,
        "length and chunks": length + b"Transfer-Encoding: chunked\r\n",
        "a negative length": b"Content-Length: -1\r\n",
        "a length that is no number": b"Content-Length: 12abc\r\n",
    }.items():
        status, closed, got = raw(daemon, start + head + b"\r\n" + body + smuggled)
        assert (status, closed) == (400, True), f"{name}: {got[:300]}"
        assert b" 200 " not in got, f"{name}: what was behind it was taken for a request: {got[:600]}"
    assert daemon.query("SELECT count(*) AS n FROM lead")[0]["n"] == 0


def test_a_slow_or_dead_client_bothers_nobody(daemon):
    socks = [socket.create_connection(("127.0.0.1", daemon.port("intake"))) for _ in range(50)]
    for s in socks:
        s.sendall(b"POST /v1/leads HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nAuthorization: Bearer test-key\r\n\r\n{")
    doc = lead("webhook")
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")
    for s in socks:
        s.close()
    daemon.send(lead("webhook"))


# ---- back-pressure

def test_bodies_over_the_limit_are_answered_503_with_retry_after(idle):
    idle.options["limits"] = {"bodies": "1 MiB", "batch_size": "1 MiB"}
    daemon = idle.start()
    head = b"POST /v1/leads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer test-key\r\nContent-Length: 250000\r\n\r\n"
    half_sent = []

    def refused():  # a whole lead may have taken the room that a half one wanted: so one more each time
        s = socket.create_connection(("127.0.0.1", daemon.port("intake")))
        s.sendall(head + b" " * 220_000)
        half_sent.append(s)
        answer = daemon.post(lead("webhook", padding="x" * 200_000))
        return answer.status == 503 and answer
    answer = wait_until(refused)
    assert int(answer.headers["Retry-After"]) > 0
    for s in half_sent:
        s.close()
    wait_until(lambda: daemon.post(lead("webhook", padding="x" * 200_000)).status == 202)


def test_many_at_once_are_all_kept(daemon):
    docs = [lead("webhook") for _ in range(120)]
    answers = []

    def run(part):
        for doc in part:
            answers.append(daemon.post(doc).status)
    threads = [threading.Thread(target=run, args=(docs[i::8],)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == [202] * 120
    daemon.wait_states(30, delivered=120)
