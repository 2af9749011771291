# SPDX-License-Identifier: Apache-2.0
"""crms.py - what tests must know of each CRM in the sandbox. A new plugin is one row; a form that a lead may take in it is one more entry."""
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class SignIn:
    """How a person gives access there with a browser. {base} is the CRM's address in the sandbox, {tenant} the account."""
    name: str  # as whom it says one is connected; a pattern
    settings: dict  # of the app, beside base_url and client_id


@dataclass(frozen=True)
class Crm:
    create: str  # the request that creates the record which bears the lead's marker, or the caller's; a pattern for faults
    secrets: dict = field(default_factory=dict)  # what the sandbox lets in
    people: str = None  # the collection of callers; None: it has none
    things: str = None  # the collection of what bears the lead's marker
    settings: dict = field(default_factory=dict)  # beside base_url
    title: str = ""
    also: tuple = ()  # collections of records that stand beside the marked one; they name the lead's short id or the caller's
    forms: dict = field(default_factory=dict)  # what a lead may become instead: name -> what differs from this row; settings are added
    sign_in: SignIn = None  # None: keys only


CRMS = {
    "hubspot": Crm("POST /crm/objects/*/contacts", {"access_token": "sandbox-hubspot-{tenant}"}, "contacts", "notes", title="HubSpot",
                   forms={"deal": {"settings": {"record": "deal"}, "also": ("deals",)}, "lead": {"settings": {"record": "lead"}, "also": ("leads",)}},
                   sign_in=SignIn(r"{tenant}\.example \([0-9]+\)", {"authorize_url": "{base}/oauth/authorize"})),
    "housecall_pro": Crm("POST /leads", {"api_key": "sandbox-hcp-{tenant}"}, "customers", "leads", title="Housecall Pro",
                         forms={"estimate": {"settings": {"record": "estimate"}, "also": ("estimates",)},
                                "job": {"settings": {"record": "job"}, "also": ("jobs",)}},
                         sign_in=SignIn("{tenant}", {"authorize_url": "{base}/oauth/authorize"})),
    "workiz": Crm("POST *lead/create*", {"api_token": "sandbox-workiz-{tenant}", "api_secret": "sandbox-workiz-secret"}, "clients", "leads", title="Workiz",
                  forms={"job": {"settings": {"record": "job"}, "things": "jobs", "create": "POST *job/create*"}}),
    "pipedrive": Crm("POST */persons", {"api_token": "sandbox-pipedrive-{tenant}"}, "persons", "leads", title="Pipedrive",
                     sign_in=SignIn("{tenant}", {"oauth_url": "{base}"})),
    "jobber": Crm("POST /graphql clientCreate", {"access_token": "sandbox-jobber-{tenant}"}, "clients", "notes", title="Jobber", also=("requests",),
                  forms={"job": {"settings": {"record": "job"}, "also": ("jobs", "requests")},
                         "client": {"settings": {"record": "client"}, "also": ()}},
                  sign_in=SignIn("{tenant}", {})),
    "gohighlevel": Crm("POST /contacts/", {"access_token": "pit-sandbox-{tenant}"}, "contacts", "notes", {"location_id": "loc{tenant}"}, "HighLevel",
                       forms={"opportunity": {"settings": {"pipeline": "VDm7RPYC2GLUvdpKmBfC"}, "also": ("opportunities",)}},
                       sign_in=SignIn("{tenant}", {"authorize_url": "{base}/v2/oauth/chooselocation"})),
    "servicetitan": Crm("POST */bookings", {"access_token": "sandbox-st-token", "app_key": "sandbox-app-key", "client_secret": "sandbox-secret"}, None,
                        "bookings", {"tenant": "1122334455", "client_id": "sandbox-client", "booking_provider": "99", "poll": False}, "ServiceTitan",
                        forms={"lead": {"settings": {"record": "lead", "campaign": "11111"}, "things": "leads", "create": "POST */leads"}}),
    "webhook": Crm("POST *", things="received", title="Webhook"),
}
# "hubspot", "hubspot:deal", "hubspot:lead", ...
FORMS = [name for crm, row in CRMS.items() for name in (crm, *(f"{crm}:{form}" for form in row.forms))]


def form_of(name):
    """(CRM, its row for that form, the settings that choose it)."""
    crm, _, form = name.partition(":")
    if not form:
        return crm, CRMS[crm], {}
    more = dict(CRMS[crm].forms[form])
    settings = more.pop("settings")
    return crm, replace(CRMS[crm], title=f"{CRMS[crm].title}, as {form}", **more), settings
