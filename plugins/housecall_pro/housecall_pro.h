/* SPDX-License-Identifier: Apache-2.0 */
/*
 * housecall_pro.h - what the plugin's files share. map.c makes the document (the body of POST /leads for an
 * unknown caller), push.c brings it in with the customer of customer.c, after.c makes of the lead what the connection wants,
 * lists.c serves the wizard, webhook.c and poll.c report what became of leads.
 */
#ifndef HOUSECALL_PRO_H
#define HOUSECALL_PRO_H

#include <cs/helpers.h>

int32_t hcp_map(void *inst, struct cs_call *call, const struct cs_map_in *in);
int32_t hcp_push(void *inst, struct cs_call *call, const struct cs_delivery *d);
int32_t hcp_hook(void *inst, struct cs_call *call, const struct cs_webhook *w);

/* The tag that finds a lead again: "callsetter:<event_id>". */
#define HCP_TAG "callsetter:"
const char *hcp_tag(const struct csh *h, const struct cs_lead *lead);
int hcp_has_tag(json_object *tags, const char *tag);

/* A refusal: 403 speaks about the plan or the location, so the owner must look; everything else is a dead
 * letter. */
int32_t hcp_refused(const struct csh *h, const struct cs_http_res *res, const char *what);

struct hcp_push {
	struct csh h;
	const struct cs_lead *lead;
	json_object *doc;      /* the body to be; ours to change */
	json_object *customer; /* found; owned */
};

/* Find the caller's customer, complete it, and put it into the document in the place of the one that map wrote. */
int32_t hcp_find_customer(struct hcp_push *p);
/* What follows a lead that is in: its status, the estimate or job, the note there. Refusals are remarks. */
int32_t hcp_after_lead(struct hcp_push *p, const char *lead);

int32_t hcp_choices(const struct csh *h, const char *list);
int32_t hcp_fetch(const struct csh *h, const char *what);

int32_t hcp_received(const struct csh *h, json_object *message);
int32_t hcp_poll(const struct csh *h, struct cs_bytes cursor);
/* Emit lead.converted or lead.lost for a Lead that is won or lost; nothing for an open one. */
int32_t hcp_lead_closed(const struct csh *h, json_object *lead, const char *occurred_at);

#endif
