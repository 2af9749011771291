/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobber.h - what the plugin's files share. map.c makes the document, push.c brings it in with client.c, webhook.c reads what
 * comes back, api.c asks one GraphQL question.
 *
 * The document: {"client": ClientCreateInput, "request": {"title": ...}, "note": {"message": ...}}, or "job" (JobCreateAttributes)
 * in place of "request". Without either (setting `record`) the note goes to the client; without "note" (an override may set it to
 * null) none is written.
 */
#ifndef JOBBER_H
#define JOBBER_H

#include <cs/helpers.h>

struct jobber_push {
	struct csh h;
	const struct cs_lead *lead;
	json_object *doc;
	json_object *client; /* found, as read from Jobber; owned */
	const char *id;       /* of the client; "" */
	const char *property; /* where the service is wanted; "" not known yet, "none" */
	const struct jobber_form *form; /* what the lead became, once that is settled */
	const char *record;   /* its id; "" */
	int is_new;           /* the client was made by this call: nothing to complete */
};

int32_t jobber_map(void *inst, struct cs_call *call, const struct cs_map_in *in);
int32_t jobber_push(void *inst, struct cs_call *call, const struct cs_delivery *d);
int32_t jobber_webhook(void *inst, struct cs_call *call, const struct cs_webhook *w);

/* What is in every title of ours: a request or job is found again by it. */
const char *jobber_mark(const struct csh *h, const struct cs_lead *lead);

/* client.c: p->id is a client of Jobber, found or made; then p->property is where the service is wanted, or "none". */
int32_t jobber_client(struct jobber_push *p);
int32_t jobber_property(struct jobber_push *p);

/* account.c */
int32_t jobber_identify(const struct csh *h);
int32_t jobber_fetch(const struct csh *h, const char *what);

/* api.c */
/* {"name": value}; "" is sent, too. */
json_object *jobber_variable(const char *name, const char *value);
/* What the user did wrong by the answer to a mutation ("/clientCreate"): at most 500 bytes; "" when it was done. */
const char *jobber_user_error(const struct csh *h, json_object *data, const char *mutation);
/* The member of the input that is to blame: "emails" of ["input", "emails", "0"]; "" when that is not told. */
const char *jobber_blamed(const struct csh *h, json_object *data, const char *mutation);

#endif
