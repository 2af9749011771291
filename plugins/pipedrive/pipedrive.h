/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipedrive.h - what the plugin's files share. map.c makes the document, person.c finds, makes and completes the caller, push.c
 * brings lead and note in, lists.c serves the wizard, webhook.c and poll.c report what became of leads, subscribe.c registers the
 * webhooks, pipedrive.c holds what all of them need.
 *
 * The document: {"person": {...}, "lead": {...}, "note": {"content": ...}}, each the body of its request; person_id and lead_id
 * are added when they are known. Without "note" (an override may set it to null) no note is written.
 *
 * Two generations of the API answer side by side: persons, searches and deals are v2, leads, notes, webhooks and users are v1.
 */
#ifndef PIPEDRIVE_H
#define PIPEDRIVE_H

#include <cs/helpers.h>

#define V1 "/api/v1"
#define V2 "/api/v2"

int32_t pipedrive_map(void *inst, struct cs_call *call, const struct cs_map_in *in);
int32_t pipedrive_push(void *inst, struct cs_call *call, const struct cs_delivery *d);
int32_t pipedrive_hook(void *inst, struct cs_call *call, const struct cs_webhook *w);

/* csh_send that heeds what Pipedrive says of its limits, and knows the page that stands in for an answer. */
int32_t pipedrive_send(const struct csh *h, const struct cs_http_req *req, struct cs_http_res *res, json_object **answer);
int32_t pipedrive_read(const struct csh *h, const char *step, const char *looks_for, const char *path, const char *query,
                       struct cs_http_res *res, json_object **answer);
int32_t pipedrive_write(const struct csh *h, const char *step, const char *method, const char *path, json_object *body,
                        struct cs_http_res *res, json_object **answer);
/* A refusal: what a user or app may not do needs the owner, everything else is a dead letter. */
int32_t pipedrive_refused(const struct csh *h, const struct cs_http_res *res, const char *what);

/* person.c: *id is the caller's person, found or made; what it lacks is filled in. */
int32_t pipedrive_person(const struct csh *h, const struct cs_lead *lead, json_object *want, const char **id);

int32_t pipedrive_choices(const struct csh *h, const char *list);
int32_t pipedrive_subscribe(const struct csh *h, int32_t kind, const char *address);
int32_t pipedrive_received(const struct csh *h, json_object *message);
int32_t pipedrive_poll(const struct csh *h, struct cs_bytes cursor);
/* What a deal means for the lead that it came from; nothing for a deal that came from none. */
int32_t pipedrive_tell_deal(const struct csh *h, json_object *deal, const char *occurred_at);

#endif
