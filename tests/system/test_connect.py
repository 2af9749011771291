# SPDX-License-Identifier: Apache-2.0
"""The pages for connecting, without a browser's window: what they ask of each CRM, what they say when it does not work, and connecting anew."""
import html
import re

import pytest

from browser import Browser
from rig import ACCOUNT, MINUTE, lead, wait_until

PUBLIC = "https://csrelay.test"


@pytest.fixture
def daemon(rig):
    d = rig.daemon()
    d.options["public_url"] = PUBLIC
    d.crms = {"gohighlevel": {}, "hubspot": {}, "housecall_pro": {}, "servicetitan": {}, "workiz": {}}
    sandbox = rig.sandbox
    d.shared = {
        "hubspot": {"settings": {"base_url": sandbox.url("hubspot"), "client_id": "sandbox-client",
                                 "authorize_url": sandbox.url("hubspot/oauth/authorize")},
                    "secrets": {"client_secret": d.secret("client", "sandbox-secret")}},
        "gohighlevel": {"settings": {"base_url": sandbox.url("gohighlevel")}},
        "housecall_pro": {"settings": {"base_url": sandbox.url("housecall_pro")}},
        "workiz": {"settings": {"base_url": sandbox.url("workiz")}},
        "servicetitan": {"settings": {"base_url": sandbox.url("servicetitan"), "auth_url": sandbox.url("servicetitan")}},
    }
    return d.start()


@pytest.fixture
def owner(daemon):
    return Browser(PUBLIC, f"http://127.0.0.1:{daemon.port('admin')}")


def enter(daemon, owner, **body):
    owner.get(daemon.operate("POST", "/v1/connect-links", {"account": ACCOUNT, **body}, 201)["url"])
    assert owner.status == 200, owner.body


def form(owner, path, **fields):
    """Send one of the page's forms."""
    fields["form"] = re.search('name="form" value="([^"]*)"', owner.body)[1]
    return owner.request("POST", f"{PUBLIC}/connect/{path}", fields)


def entered(owner):
    """What the page's fields hold, as a browser would send it."""
    fields = dict(re.findall('<input type="(?:text|url)" id="[^"]*" name="([^"]*)" value="([^"]*)"', owner.body))
    fields |= dict(re.findall('<input type="checkbox" id="[^"]*" name="([^"]*)" value="([^"]*)" checked', owner.body))
    for name, options in re.findall('(?s)<select id="[^"]*" name="([^"]*)".*?>(.*?)</select>', owner.body):
        fields[name] = re.search('value="([^"]*)" selected', options)[1]
    return {name: html.unescape(value) for name, value in fields.items()}


def text(owner):
    return html.unescape(re.sub("<[^>]*>", " ", owner.body))


def only(daemon):
    row, = daemon.operate("GET", "/v1/connections")["items"]
    return row


def test_what_looks_at_links_does_not_use_them_up(daemon, owner):
    url = daemon.operate("POST", "/v1/connect-links", {"account": ACCOUNT, "crm": "workiz"}, 201)["url"]
    for _ in range(3):
        owner.request("HEAD", url, None)
        assert owner.status == 200 and owner.headers["Set-Cookie"] is None
    for _ in range(15):  # of a mail's scanners
        scanner = Browser(PUBLIC, owner.local).get(url)
        assert scanner.status == 200 and "Connect Workiz" in text(scanner)
    assert daemon.operate("GET", "/v1/connect-links")["items"][0]["openings"] == 15
    owner.get(url)
    assert owner.status == 200 and "Connect Workiz" in text(owner)
    late = Browser(PUBLIC, owner.local).get(url)
    assert late.status == 410 and "opened too often" in text(late) and "ask for a new link" in text(late)
    owner.get(url)
    form(owner, "setup", way="static", key_api_token="sandbox-workiz-main", key_api_secret="sandbox-workiz-secret")
    form(owner, "who")
    assert owner.url.endswith("/connect/settings") and only(daemon)["state"] == "connected"
    assert only(daemon)["checked"]["name"] in daemon.csrelay("connections"), "nobody has named it, so the account's name stands there"
    scanner.get(url)
    assert scanner.status == 410 and "has done its work" in text(scanner)
    scanner.get(f"{PUBLIC}/connect/setup")
    assert scanner.status == 410 and "It is connected already" in text(scanner)


def test_at_the_consent_page_when_somebody_else_was_faster(daemon, owner):
    url = daemon.operate("POST", "/v1/connect-links", {"account": ACCOUNT, "crm": "hubspot"}, 201)["url"]
    late = Browser(PUBLIC, owner.local).get(url)
    form(late, "setup", way="sign_in")
    onward = html.unescape(re.search('http-equiv="refresh" content="0; url=([^"]*)"', late.body)[1])
    back = late.get(onward, follow=False).headers["Location"]
    owner.get(url)
    form(owner, "setup", way="sign_in")
    consent(owner)
    form(owner, "who")
    assert owner.url.endswith("/connect/settings")
    late.get(back)  # to the CRM, which sends it here
    assert late.status == 410 and "This link is over" in text(late) and 'href="/connect/setup"' in late.body
    late.get(f"{PUBLIC}/connect/setup")
    assert "It is connected already" in text(late)
    assert sorted(c["state"] for c in daemon.operate("GET", "/v1/connections")["items"]) == ["connected", "pending"]


def test_what_an_abandoned_session_has_made_goes_with_it(daemon, owner):
    enter(daemon, owner, crm="workiz")
    form(owner, "setup", way="static", key_api_token="sandbox-workiz-main", key_api_secret="sandbox-workiz-secret")
    assert only(daemon)["state"] == "pending"
    daemon.advance(32 * MINUTE)
    wait_until(lambda: daemon.operate("GET", "/v1/connections")["items"] == [], what="the connection is gone")
    assert daemon.query("SELECT 1 FROM secret WHERE owner LIKE 'conn/%'") == [] and daemon.query("SELECT 1 FROM link_session") == []
    owner.get(f"{PUBLIC}/connect/setup")
    assert owner.status == 410 and "This is over" in text(owner)


def test_a_plan_without_api_access_is_told_with_what_is_left(daemon, owner, sandbox):
    enter(daemon, owner, crm="housecall_pro")
    sandbox.fault("status", "housecall_pro", "GET /company", times=1, status=403, body='{"message":"Forbidden"}')
    form(owner, "setup", way="key", key_api_key="sandbox-hcp-default")
    assert owner.url.endswith("/connect/setup") and "no access for other programs" in text(owner) and "MAX plan" in text(owner)
    assert "mail" in text(owner) and "Zapier" in text(owner)
    form(owner, "setup", way="key")  # the key was right and is kept; now the plan is, too
    assert owner.url.endswith("/connect/who") and "Acme Heating" in text(owner)
    sandbox.fault("error", "housecall_pro", "GET /company", times=1)
    owner.get(f"{PUBLIC}/connect/who")
    assert "did not answer just now" in text(owner)


def test_what_tells_one_account_from_another_is_asked_before_the_crm_is(daemon, owner):
    """HighLevel's tokens do not say whose they are: the sub-account is a setting, and stands in the address that is asked."""
    enter(daemon, owner, crm="gohighlevel")
    assert 'name="set_location_id"' in owner.body and 'name="set_source"' not in owner.body
    form(owner, "setup", way="private_integration", key_access_token="pit-sandbox-north", set_location_id="locnorth")
    assert owner.url.endswith("/connect/who") and "north" in text(owner), text(owner)


def test_faults_stand_beside_their_fields_and_nothing_entered_is_lost(daemon, owner):
    enter(daemon, owner, crm="workiz")
    form(owner, "setup", way="static", key_api_token="sandbox-workiz-main", key_api_secret="sandbox-workiz-secret")
    form(owner, "who")
    assert owner.url.endswith("/connect/settings") and only(daemon)["state"] == "connected"
    fields = entered(owner)
    form(owner, "settings", **{**fields, "set_assign_to": "Nobody", "set_job_source": "Radio & \"more\""})
    assert owner.status == 422
    assert "is not one of the choices" in re.search('id="set_assign_to-fault">([^<]*)', owner.body)[1]
    assert "Radio &amp; &quot;more&quot;" in owner.body and only(daemon)["settings"] == {}
    form(owner, "settings", **{**fields, "set_base_url": "https://evil.example", "set_job_source": "radio"})
    assert owner.url.endswith("/connect/test"), text(owner)
    assert only(daemon)["settings"] == {"job_source": "radio"}  # what differs, and nothing that is advanced


def test_a_list_that_depends_on_another_field_follows_it(daemon, owner):
    enter(daemon, owner, crm="servicetitan")
    for name in ("set_tenant", "set_client_id", "set_booking_provider", "key_app_key", "key_client_secret"):
        assert f'name="{name}"' in owner.body, name
    assert "set_auth_url" not in owner.body and "key_access_token" not in owner.body
    form(owner, "setup", way="client", set_tenant="12x", set_client_id="sandbox-client", set_booking_provider="99", key_app_key="sandbox-app-key",
         key_client_secret="sandbox-secret")
    assert owner.status == 422 and "set_tenant-fault" in owner.body and 'value="12x"' in owner.body
    given = {"set_client_id": "sandbox-client", "set_booking_provider": "99", "key_app_key": "sandbox-app-key", "key_client_secret": "sandbox-secret"}
    form(owner, "setup", way="client", set_tenant="12", **given)
    assert owner.url.endswith("/connect/setup") and 'value="12"' in owner.body  # it can be mended
    form(owner, "setup", way="client", set_tenant="1122334455", **given)
    assert owner.url.endswith("/connect/who"), text(owner)
    form(owner, "who")
    units = re.search('(?s)<select id="set_business_unit".*?</select>', owner.body)[0]
    unit = re.findall('value="([0-9]+)"', units)[-1]
    before = re.search('(?s)<select id="set_job_type".*?</select>', owner.body)
    form(owner, "settings", do="lists", set_business_unit=unit, set_source="Radio")
    assert owner.status == 200 and 'value="Radio"' in owner.body and f'value="{unit}" selected' in owner.body
    after = re.search('(?s)<select id="set_job_type".*?</select>', owner.body)[0]
    assert before is None or before[0] != after
    assert "source" not in only(daemon)["settings"]  # it was only looked at


def test_a_connection_that_lost_its_access_is_connected_anew_and_its_leads_go_out(daemon, owner, sandbox):
    enter(daemon, owner, crm="hubspot")
    form(owner, "setup", way="sign_in")
    consent(owner)
    assert "default.example (1000000)" in text(owner)  # HubSpot tells a domain and a number
    form(owner, "who")
    sandbox.tokens("hubspot", "revoke")
    doc = lead()
    daemon.send(doc)
    daemon.wait_for(doc, "dead")
    wait_until(lambda: only(daemon)["state"] == "needs_reauth")
    enter(daemon, owner, connection=only(daemon)["id"])
    assert owner.url.endswith("/connect/setup") and "Choose another CRM" not in text(owner)
    form(owner, "setup", way="sign_in")
    consent(owner)
    assert only(daemon)["state"] == "connected"
    daemon.advance(MINUTE)
    daemon.wait_for(doc, "delivered")
    form(owner, "who")
    assert owner.url.endswith("/connect/settings")


def consent(owner):
    """From the page that leads there, over the CRM's, and back."""
    onward = html.unescape(re.search('http-equiv="refresh" content="0; url=([^"]*)"', owner.body)[1])
    owner.get(onward)
    assert owner.url.endswith("/connect/who") and "Is this the right account?" in text(owner), text(owner)


def test_a_refusal_at_the_crm_leads_back(daemon, owner):
    enter(daemon, owner, crm="hubspot")
    form(owner, "setup", way="sign_in")
    onward = html.unescape(re.search('http-equiv="refresh" content="0; url=([^"]*)"', owner.body)[1])
    state = re.search("state=([^&]*)", owner.get(onward, follow=False).headers["Location"])[1]
    owner.get(f"{PUBLIC}/oauth/hubspot/callback?error=access_denied&state={state}")
    assert owner.status == 403 and "did not give access" in text(owner) and 'href="/connect/setup"' in owner.body
    owner.get(f"{PUBLIC}/connect")
    assert owner.url.endswith("/connect/setup") and only(daemon)["state"] == "pending"
