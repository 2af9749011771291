# SPDX-License-Identifier: Apache-2.0
"""A person with a browser (Debian's Chromium, headless) connects CRMs from a link, as an account's owner would.

Screenshots of each page, wide and narrow, are left in screenshots/ of the build folder: they are to be looked at.
"""
import os
import re
import shutil
import socket

import pytest

from rig import BUILD, lead, wait_until

webdriver = pytest.importorskip("selenium.webdriver", reason="python3-selenium is not installed")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="chromium or chromium-driver is not installed")
SHOTS = BUILD / "screenshots"
WIDE, NARROW = (1100, 900), (390, 844)


class Person:
    """One browser, with a profile of its own."""

    def __init__(self, folder, size=WIDE):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                     "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", f"--user-data-dir={folder}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service(DRIVER, log_output=os.devnull) if "log_output" in Service.__init__.__code__.co_varnames
                                       else Service(DRIVER), options=options)
        self.driver.set_page_load_timeout(60)
        self.driver.set_window_size(*size)
        self.n = 0

    def open(self, url):
        self.driver.get(url)

    def text(self):
        return self.driver.execute_script("return document.body ? document.body.innerText : ''")

    def title(self):
        return self.driver.title

    def path(self):
        return re.sub("^[a-z]+://[^/]*", "", self.driver.current_url)

    def wait_title(self, title):
        wait_until(lambda: title in self.title(), 60, f"the page {title!r}, not {self.title()!r}: {self.text()[:300]}")

    def press(self, words, title=None):
        for kind in ("button", "a"):
            found = [e for e in self.driver.find_elements(By.TAG_NAME, kind) if words in e.text]
            if found:
                found[0].click()
                break
        else:
            raise AssertionError(f"nothing says {words!r}: {self.text()[:400]}")
        if title is not None:
            self.wait_title(title)

    def field(self, name):
        return self.driver.find_element(By.NAME, name)

    def enter(self, name, value):
        self.field(name).clear()
        self.field(name).send_keys(value)

    def photo(self, name):
        """The whole page, wide and narrow."""
        SHOTS.mkdir(exist_ok=True)
        self.n += 1
        for word, (width, least) in (("wide", WIDE), ("narrow", NARROW)):
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": least, "deviceScaleFactor": 1, "mobile": word == "narrow"})
            height = self.driver.execute_script("return document.documentElement.scrollHeight")
            across = self.driver.execute_script("return document.documentElement.scrollWidth")
            assert across <= width, f"{name} is wider than the window: {across} > {width}"
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                        {"width": width, "height": max(height, least), "deviceScaleFactor": 1, "mobile": word == "narrow"})
            self.driver.save_screenshot(str(SHOTS / f"{name}-{word}.png"))
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def complaints(self):
        """What the browser had to say: a page that breaks its own policy would be here."""
        return [e["message"] for e in self.driver.get_log("browser") if "Content Security Policy" in e["message"] or e["source"] == "security"]

    def quit(self):
        self.driver.quit()


@pytest.fixture
def people(rig):
    made = []

    def make():
        made.append(Person(rig.dir / f"browser{len(made)}"))
        return made[-1]

    yield make
    for p in made:
        p.quit()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def daemon(rig):
    d = rig.daemon()
    port = free_port()
    d.options["listen"]["admin"] = f"127.0.0.1:{port}"
    d.options["public_url"] = f"http://127.0.0.1:{port}"
    d.crms = {"hubspot": {}, "workiz": {}}
    d.shared = {
        "hubspot": {"settings": {"base_url": rig.sandbox.url("hubspot"), "client_id": "sandbox-client",
                                 "authorize_url": rig.sandbox.url("hubspot/oauth/authorize")},
                    "secrets": {"client_secret": d.secret("client", "sandbox-secret")}},
        "workiz": {"settings": {"base_url": rig.sandbox.url("workiz")}},
    }
    return d.start()


def link(daemon, *more):
    return daemon.csrelay("connect-link", "acct_xyz", *more).strip()


def links(daemon):
    return daemon.operate("GET", "/v1/connect-links")["items"]


def test_hubspot_is_connected_by_signing_in(daemon, people, sandbox):
    owner, url = people(), link(daemon)
    owner.open(url)
    owner.wait_title("Which CRM do you use?")
    assert owner.path() == "/connect/crm"
    owner.photo("1-crm")
    owner.press("HubSpot", "Connect HubSpot")
    owner.photo("2-setup-hubspot")
    owner.press("Sign in with HubSpot", "Is this the right account?")  # over the sandbox's consent page and back
    owner.photo("3-who-hubspot")
    conn, = daemon.operate("GET", "/v1/connections")["items"]
    assert conn["state"] == "pending"
    owner.driver.back()
    owner.driver.refresh()
    owner.open(url.rsplit("/", 1)[0])
    owner.wait_title("Is this the right account?")  # wherever somebody was, the way goes on from what is stored
    owner.press("Yes, this is right", "How leads arrive in HubSpot")
    assert daemon.operate("GET", f"/v1/connections/{conn['id']}")["state"] == "connected"
    select = owner.field("set_hs_lead_status")
    assert select.tag_name == "select" and "Open" in select.text
    owner.photo("4-settings-hubspot")
    [o for o in select.find_elements(By.TAG_NAME, "option") if o.get_attribute("value") == "OPEN"][0].click()
    owner.press("Save and go on", "Try it with a test lead")
    assert daemon.operate("GET", f"/v1/connections/{conn['id']}")["settings"]["hs_lead_status"] == "OPEN"
    owner.photo("5-test")
    owner.press("Send a test lead", "The test lead has arrived")
    assert owner.driver.find_elements(By.PARTIAL_LINK_TEXT, sandbox.records("hubspot", "contacts")[0]["id"])
    owner.photo("6-arrived")
    owner.press("I have seen it", "Everything works")
    owner.photo("7-removed")
    assert all(r.get("deleted") for r in sandbox.records("hubspot", "contacts"))
    owner.press("Finish", "All set")
    owner.photo("8-done")
    owner.driver.refresh()
    assert "All set" in owner.title()
    owner.open(url)
    owner.wait_title("This link has done its work")
    owner.open(url.rsplit("/", 1)[0])
    owner.wait_title("This is over")
    owner.photo("9-over")
    assert links(daemon) == [] and owner.complaints() == []
    doc = lead()
    daemon.send(doc)
    daemon.wait_for(doc, "delivered")


def test_workiz_is_connected_by_pasting_the_wrong_key_first(daemon, people, sandbox):
    owner, url = people(), link(daemon, "--crm", "workiz")
    owner.open(url)
    owner.wait_title("Connect Workiz")
    owner.press("Check and connect")
    wait_until(lambda: "needed" in owner.text(), what="what is missing is said")
    owner.photo("w1-missing")
    owner.enter("key_api_token", "api_wrong")
    owner.enter("key_api_secret", "sandbox-workiz-secret")
    owner.press("Check and connect")
    wait_until(lambda: "does not accept this key" in owner.text(), 60, "the wrong key is told")
    owner.photo("w2-wrong-key")
    assert owner.path() == "/connect/setup" and "api_wrong" not in owner.driver.page_source
    owner.enter("key_api_token", "sandbox-workiz-main")  # the secret was right and is kept
    owner.press("Check and connect", "Is this the right account?")
    owner.photo("w3-who-workiz")
    assert len(daemon.operate("GET", "/v1/connections")["items"]) == 1
    owner.press("Yes, this is right", "How leads arrive in Workiz")
    owner.enter("set_job_types", "HVAC")
    owner.photo("w4-settings-workiz")
    owner.enter("set_job_types", "HVAC = AC Repair")
    owner.press("Save and go on", "Try it with a test lead")
    owner.press("Send a test lead", "The test lead has arrived")
    assert len(sandbox.records("workiz", "leads")) == 1
    owner.press("I have seen it", "Please remove the test lead")  # Workiz cannot
    owner.photo("w5-by-hand")
    owner.press("Finish", "All set")
    conn, = daemon.operate("GET", "/v1/connections")["items"]
    assert conn["state"] == "connected" and conn["settings"]["job_types"] == {"HVAC": "AC Repair"}
    assert "sandbox-workiz" not in daemon.log() and "api_wrong" not in daemon.log()
    assert owner.complaints() == []


def test_of_two_browsers_with_one_link_the_first_to_say_yes_wins(daemon, people):
    owner, other, url = people(), people(), link(daemon, "--crm", "workiz")
    for who in (other, owner):
        who.open(url)
        who.wait_title("Connect Workiz")
        who.enter("key_api_token", "sandbox-workiz-main")
        who.enter("key_api_secret", "sandbox-workiz-secret")
        who.press("Check and connect", "Is this the right account?")
    assert len(daemon.operate("GET", "/v1/connections")["items"]) == 2  # neither sees what the other has entered
    owner.press("Yes, this is right", "How leads arrive in Workiz")
    other.press("Yes, this is right", "It is connected already")
    other.photo("10-too-late")
    other.open(url)
    other.wait_title("This link has done its work")
    other.photo("11-done-its-work")
    assert [c["state"] for c in daemon.operate("GET", "/v1/connections")["items"]].count("connected") == 1
    one, = links(daemon)
    assert (one["state"], one["openings"]) == ("connected", 2)
    daemon.operate("DELETE", f"/v1/connect-links/{one['id']}")
    owner.driver.refresh()
    owner.wait_title("This is over")
