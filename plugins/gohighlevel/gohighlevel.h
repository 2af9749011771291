/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gohighlevel.h - what the plugin's files share. map.c makes the document, contact.c finds or makes the caller, push.c brings the
 * rest in, webhook.c reads what comes back, api.c holds the requests' particulars.
 *
 * The document: {"contact": body of POST /contacts/, "opportunity": body of POST /opportunities/ without contactId, "note":
 * {"title": ..., "body": ...}}. Without "opportunity" or "note" (setting, or an override to null) none is written.
 */
#ifndef GOHIGHLEVEL_H
#define GOHIGHLEVEL_H

#include <cs/helpers.h>

struct ghl_push {
	struct csh h;
	const struct cs_lead *lead;
	json_object *doc;
	json_object *contact; /* found, as read; owned */
	const char *id;       /* of the contact; "" */
	int is_new;           /* made by this call: nothing to complete */
};

int32_t ghl_map(void *inst, struct cs_call *call, const struct cs_map_in *in);
int32_t ghl_push(void *inst, struct cs_call *call, const struct cs_delivery *d);
int32_t ghl_webhook(void *inst, struct cs_call *call, const struct cs_webhook *w);

/* contact.c: p->id is the caller's contact, found or made, with our tags and without gaps that the lead could fill. */
int32_t ghl_contact(struct ghl_push *p);

/* lists.c */
int32_t ghl_choices(const struct csh *h, const char *list);
int32_t ghl_fetch(const struct csh *h, const char *what);

/* csh_read and csh_write that heed what HighLevel says about limits. */
int32_t ghl_read(const struct csh *h, const char *step, const char *looks_for, const char *path, const char *query,
                 struct cs_http_res *res, json_object **answer);
int32_t ghl_write(const struct csh *h, const char *step, const char *method, const char *path, json_object *body,
                  struct cs_http_res *res, json_object **answer);
/* A refusal: missing scopes need the owner, everything else is a dead letter. */
int32_t ghl_refused(const struct csh *h, const struct cs_http_res *res, const char *what);
/* 404, or 400 in its place: "Contact with id ... not found" */
int ghl_is_gone(const struct cs_http_res *res, json_object *answer);
int ghl_is_v3(const struct csh *h);
/* Id of the sub-account: learnt by signing in, or entered; "". */
const char *ghl_location(const struct csh *h);

#endif
