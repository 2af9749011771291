/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake.h - the sender's side of POST /v1/leads: where intake is, how a request is signed, and patience.
 */
#ifndef CS_CTL_TALK_INTAKE_H
#define CS_CTL_TALK_INTAKE_H

#include "ctl/ctl.h"
#include "ctl/talk/link.h"

struct cs_ctl_intake {
	struct cs_ctl_link *link;
	char *secret;          /* Standard Webhooks; NULL: the link's key, or nothing */
	int64_t patience_ms;   /* how long "come back later" is obeyed */
	bool reached;          /* it has answered before */
	void (*waiting)(void *ctx, const char *why); /* told before each pause; may be NULL */
	void *ctx;
};
/* By --url, --socket, --key-file, --secret-file, and what is not said by the configuration. CS_CTL_OK, or
 * told. */
int cs_ctl_intake_open(struct cs_ctl *c, struct cs_ctl_intake *in);
void cs_ctl_intake_close(struct cs_ctl_intake *in);
/*
 * Send a lead, or a batch of lines. id: webhook-id, which must stay the same when the same is sent again.
 * Answers 503 and 429 and a connection that breaks are tried again within patience: intake knows what it has
 * by event_id.
 */
void cs_ctl_intake_send(struct cs_ctl_intake *in, const char *body, size_t n, bool batch, const char *id,
			struct cs_ctl_answer *a);

#endif
