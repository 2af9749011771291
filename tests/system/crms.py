# SPDX-License-Identifier: Apache-2.0
"""crms.py - what tests must know of each CRM in the sandbox. A new plugin is one row."""
from dataclasses import dataclass, field


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
    also: str = None  # a collection of records without the marker, one for each lead; they name the caller's id
    sign_in: SignIn = None  # None: keys only


CRMS = {
    "hubspot": Crm("POST /crm/objects/*/contacts", {"access_token": "sandbox-hubspot-{tenant}"}, "contacts", "notes", title="HubSpot",
                   sign_in=SignIn("[0-9]+", {"authorize_url": "{base}/oauth/authorize"})),
    "housecall_pro": Crm("POST /leads", {"api_key": "sandbox-hcp-{tenant}"}, "customers", "leads", title="Housecall Pro",
                         sign_in=SignIn("{tenant}", {"authorize_url": "{base}/oauth/authorize"})),
    "workiz": Crm("POST *lead/create*", {"api_token": "sandbox-workiz-{tenant}", "api_secret": "sandbox-workiz-secret"}, "clients", "leads", title="Workiz"),
    "pipedrive": Crm("POST */persons", {"api_token": "sandbox-pipedrive-{tenant}"}, "persons", "leads", title="Pipedrive",
                     sign_in=SignIn("{tenant}", {"oauth_url": "{base}"})),
    "jobber": Crm("POST /graphql clientCreate", {"access_token": "sandbox-jobber-{tenant}"}, "clients", "notes", title="Jobber", also="requests",
                  sign_in=SignIn("{tenant}", {})),
    "gohighlevel": Crm("POST /contacts/", {"access_token": "pit-sandbox-{tenant}"}, "contacts", "notes", {"location_id": "loc{tenant}"}, "HighLevel",
                       sign_in=SignIn("{tenant}", {"authorize_url": "{base}/v2/oauth/chooselocation"})),
    "servicetitan": Crm("POST */bookings", {"access_token": "sandbox-st-token", "app_key": "sandbox-app-key", "client_secret": "sandbox-secret"}, None,
                        "bookings", {"tenant": "1122334455", "client_id": "sandbox-client", "booking_provider": "99", "poll": False}, "ServiceTitan"),
    "webhook": Crm("POST *", things="received", title="Webhook"),
}
