/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - is a connection well? Who is connected, and is what its settings chose still there?
 *
 * Once a day for each (the canary), or when somebody asks (verify, check). What came of it stands with the connection:
 *
 *   { "said": "connected", "text": "connected as Acme Heating, account 4829", "id": "4829", "name": "Acme Heating",
 *     "findings": [ { "setting": "owner", "list": "owners", "detail": "..." } ], "unchecked": [ "deal_stage" ], "ways_left": [] }
 *
 * "said" is a word of cs_said_name. Credentials that are not accepted make a connected one needs_reauth, and accepted ones take that
 * back; findings raise an alert, and the connection counts as failing, until they are mended.
 */
#ifndef CS_DELIVER_CHECK_H
#define CS_DELIVER_CHECK_H

#include "deliver/call/ask.h"

struct cs_check {
	struct cs_msg msg;
	int64_t conn_id;
	bool with_lists;                    /* also look whether what was chosen is still there */
	/* Engine thread, once what came of it is durable; the check is the caller's again. NULL: nobody waits, it is freed. */
	void (*done)(struct cs_check *);
	/* the answer */
	enum cs_said said;
	char *json;                         /* as above; freed by whoever frees the check */
	size_t n_findings;
};
void cs_engine_post_check(struct cs_engine *e, struct cs_check *c);

/* Begin what is due, a few at a time. Each turn of the engine. */
void cs_canary_turn(struct cs_engine *e, int64_t now_ms);
void cs_canary_free(struct cs_engine *e);

#endif
