// SPDX-License-Identifier: Apache-2.0
// client.mjs SANDBOX: the vendors' own clients against csrelay's fake CRMs, so that these are more than our own mirror. What a
// client sends must be taken, and what it gets must have the form that it reads.
import assert from "node:assert/strict";
import { Client } from "@hubspot/api-client";
import * as v1 from "pipedrive/v1";
import * as v2 from "pipedrive/v2";

const sandbox = process.argv[2];

// Pipedrive's client throws the body, HubSpot's an exception with the status.
async function refused(promise, expected) {
  await assert.rejects(promise, (e) => (typeof expected === "number" ? e.code === expected : e.success === false && expected.test(e.error)));
}

async function pipedrive() {
  const one = new v1.Configuration({ apiKey: "sandbox-pipedrive-vendor", basePath: `${sandbox}/pipedrive/v1` });
  const two = new v2.Configuration({ apiKey: "sandbox-pipedrive-vendor", basePath: `${sandbox}/pipedrive/api/v2` });
  const persons = new v2.PersonsApi(two), deals = new v2.DealsApi(two), leads = new v1.LeadsApi(one), notes = new v1.NotesApi(one);

  const me = await new v1.UsersApi(one).getCurrentUser();
  assert.equal(me.data.company_name, "vendor");
  const phones = [{ value: "+13055550182", primary: true, label: "mobile" }];
  const person = (await persons.addPerson({ AddPersonRequest: { name: "Maria Gonzalez", phones } })).data;
  assert.equal((await persons.getPerson({ id: person.id })).data.phones[0].value, "+13055550182");
  await fetch(`${sandbox}/_clock`, { method: "POST", body: JSON.stringify({ advance_ms: 6000 }) });
  const found = await persons.searchPersons({ term: "+13055550182", fields: "phone", exact_match: true, limit: 20 });
  assert.equal(found.data.items[0].item.id, person.id);
  const emails = [{ value: "maria@example.com", primary: true, label: "home" }];
  const completed = await persons.updatePerson({ id: person.id, UpdatePersonRequest: { emails } });
  assert.equal(completed.data.emails[0].value, "maria@example.com");
  await refused(persons.addPerson({ AddPersonRequest: { name: "x", owner_id: 7 } }), /owner_id/);
  await refused(persons.getPerson({ id: 1 }), /not found/);

  const lead = (await leads.addLead({ AddLeadRequest: { title: "HVAC", person_id: person.id, origin_id: "e1" } })).data;
  assert.equal(lead.source_name, "API");
  const listed = await leads.getLeads({ person_id: person.id, limit: 100, sort: "add_time DESC" });
  assert.deepEqual(listed.data.map((l) => l.origin_id), ["e1"]);
  assert.deepEqual((await leads.getArchivedLeads({ person_id: person.id })).data, []);
  await refused(leads.addLead({ AddLeadRequest: { title: "no person" } }), /person_id/);
  const note = (await notes.addNote({ AddNoteRequest: { content: "No heat.", lead_id: lead.id } })).data;
  assert.equal((await notes.getNotes({ lead_id: lead.id, limit: 100, sort: "add_time DESC" })).data[0].id, note.id);
  assert.equal((await new v1.LeadLabelsApi(one).getLeadLabels()).data[0].name, "Hot");

  const converted = await fetch(`${sandbox}/pipedrive/api/v2/leads/${lead.id}/convert/deal`, { method: "POST", headers: { "x-api-token": "sandbox-pipedrive-vendor" } });
  const deal = (await deals.getDeal({ id: (await converted.json()).data.deal_id })).data;
  assert.equal(deal.source_lead_id, lead.id);
  const newest = await deals.getDeals({ person_id: person.id, sort_by: "add_time", sort_direction: "desc", limit: 50 });
  assert.equal(newest.data[0].id, deal.id);

  const hooks = new v1.WebhooksApi(one);
  const hook = await hooks.addWebhook({ AddWebhookRequest: { subscription_url: "https://relay.example.com/x", event_action: "change",
    event_object: "deal", name: "CallSetter", version: "2.0", http_auth_user: "cs", http_auth_password: "p" } });
  assert.equal((await hooks.getWebhooks()).data[0].subscription_url, "https://relay.example.com/x");
  await hooks.deleteWebhook({ id: hook.data.id });
  assert.deepEqual((await hooks.getWebhooks()).data, []);
}

async function hubspot() {
  const client = new Client({ accessToken: "sandbox-hubspot-vendor", basePath: `${sandbox}/hubspot` });
  const contacts = client.crm.contacts;

  const made = await contacts.basicApi.create({ properties: { firstname: "Maria", phone: "+13055550182", email: "maria@example.com" }, associations: [] });
  assert.ok(made.id && made.createdAt instanceof Date);
  const read = await contacts.basicApi.getById("maria@example.com", ["phone", "firstname"], undefined, undefined, undefined, "email");
  assert.equal(read.properties.phone, "+13055550182");
  await refused(contacts.basicApi.create({ properties: { email: "maria@example.com" }, associations: [] }), 409);
  await refused(contacts.basicApi.create({ properties: { no_such_property: "x" }, associations: [] }), 400);
  await contacts.basicApi.update(made.id, { properties: { city: "Miami" } });
  await fetch(`${sandbox}/_clock`, { method: "POST", body: JSON.stringify({ advance_ms: 31000 }) });
  const found = await contacts.searchApi.doSearch({ filterGroups: [{ filters: [{ propertyName: "hs_searchable_calculated_phone_number", operator: "EQ", value: "3055550182" }] }],
    properties: ["phone", "city"], sorts: [], limit: 20, after: "0" });
  assert.equal(found.total, 1);
  assert.equal(found.results[0].properties.city, "Miami");
  const note = await client.crm.objects.notes.basicApi.create({ properties: { hs_timestamp: "2026-05-26T14:32:00Z", hs_note_body: "No heat." },
    associations: [{ to: { id: made.id }, types: [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 202 }] }] });
  assert.equal((await client.crm.objects.notes.basicApi.getById(note.id, ["hs_note_body"])).properties.hs_note_body, "No heat.");
}

await pipedrive();
await hubspot();
console.log("the vendors' clients and the fake CRMs agree");
