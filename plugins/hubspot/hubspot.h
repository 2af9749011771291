/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hubspot.h - what the plugin's files share. map.c makes the document; push.c brings it in: the contact (contact.c), the deal
 * or lead record (record.c), the note; marked.c finds again what may have been created; webhook.c reads what comes back; who.c
 * says who is connected; api.c holds the few requests that more than one of them makes.
 *
 * The document: {"contact": {"properties": {...}, "associations": []}, "deal" or "lead": {"properties": {...}},
 * "note": {"properties": {...}}}. What is missing but the contact (an override may set it to null) is not made.
 */
#ifndef HUBSPOT_H
#define HUBSPOT_H

#include <cs/helpers.h>

int32_t hubspot_map(void *inst, struct cs_call *call, const struct cs_map_in *in);
int32_t hubspot_push(void *inst, struct cs_call *call, const struct cs_delivery *d);
int32_t hubspot_webhook(void *inst, struct cs_call *call, const struct cs_webhook *w);

int32_t hubspot_identify(const struct csh *h);
int32_t hubspot_choices(const struct csh *h, const char *list);
int32_t hubspot_fetch(const struct csh *h, const char *what);

/* "/crm/objects/2026-03/contacts" + rest */
char *hubspot_path(const struct csh *h, const char *objects, const char *rest);
/* csh_read and csh_write that heed HubSpot's words on rate limits. */
int32_t hubspot_read(const struct csh *h, const char *step, const char *looks_for, const char *path,
    const char *query,
                     struct cs_http_res *res, json_object **answer);
int32_t hubspot_write(const struct csh *h, const char *step, const char *method, const char *path,
    json_object *body,
                      struct cs_http_res *res, json_object **answer);
int32_t hubspot_search(const struct csh *h, const char *step, const char *looks_for, json_object *body,
                       struct cs_http_res *res, json_object **answer);
/* What HubSpot says went wrong: its single errors where it names them. */
const char *hubspot_words(const struct csh *h, const struct cs_http_res *res);
/* A refusal: 403 needs the owner, everything else is a dead letter. */
int32_t hubspot_refused(const struct csh *h, const struct cs_http_res *res, const char *what);

struct hubspot_push {
	struct csh h;
	const struct cs_lead *lead;
	json_object *doc;
	json_object *contact; /* found, with its properties; owned */
	const char *id;       /* of the contact; "" */
	int is_new;           /* made by this call: nothing to complete */
};

/* Find, create or complete the contact: p->id. */
int32_t hubspot_contact(struct hubspot_push *p);
/* The deal or lead record that the document wants. */
int32_t hubspot_record(struct hubspot_push *p);
/* "#7d1f4f0e": stands in the name of a lead record, which has no other text. */
const char *hubspot_short_id(const struct csh *h, const struct cs_lead *lead);
/*
 * Which of the contact's newest `objects` ("notes") has `text` in its property? *id: "" when none has. Association lists do not
 * lag, so the look-up that `step` needs in doubt is this.
 */
int32_t hubspot_find_marked(struct hubspot_push *p, const char *step, const char *objects, const char *property, const char *text,
                            const char **id);

#endif
