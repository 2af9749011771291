/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_private.h - shared by the files of giving access: grant.c (a request, and what it has of the engine and the writer), grant_start.c (to
 * the consent page), grant_callback.c (back from it), grant_who.c (whose account it is, and whose place it takes).
 */
#ifndef CS_DELIVER_GRANT_PRIVATE_H
#define CS_DELIVER_GRANT_PRIVATE_H

#include "deliver/call/ask.h"
#include "deliver/engine_private.h"
#include "deliver/grant/grant.h"

#define CS_GRANT_FACTS 8
#define CS_GRANT_AGAIN " Close this page and begin again."

struct cs_grant {
	struct cs_msg msg;
	struct cs_engine *engine;
	struct cs_http_request *req;
	struct cs_arena mem;
	char crm[65];
	bool is_callback;
	struct cs_flow_row flow;
	int64_t conn_id;               /* where the grant goes */
	int64_t target;                /* whose place it takes; 0: nobody's, or its own */
	struct cs_conn_row fresh;      /* the stand-in or parked connection to be made; crm NULL: none */
	const char *answer_url, *cookie; /* START */
	const char *code, *verifier, *remote_id, *remote_name;
	const char *facts[CS_GRANT_FACTS]; /* by the way's callback_facts, while the request is there to be asked; NULL: not given */
	struct cs_ask ask;             /* who is it? */
	struct cs_context *context;    /* that is asked about; referenced while it is */
	bool untold;                   /* the CRM did not say who it is, and the target's account is known */
	struct cs_wop op;
	int (*apply)(struct cs_grant *, struct cs_store *, int64_t, struct cs_err *);
	void (*then)(struct cs_grant *, int rc);
};

/* grant.c. Engine thread, but for the two that end it: what is told is the answer to the browser, once. */
void cs_grant_tell(struct cs_grant *g, int status, const char *title, const char *text);
void cs_grant_free(struct cs_grant *g);
void cs_grant_finish(struct cs_grant *g, int status, const char *title, const char *text); /* tell, free */
/* apply in a transaction of the writer, then() in the engine with what came of it. */
void cs_grant_put(struct cs_grant *g, int (*apply)(struct cs_grant *, struct cs_store *, int64_t, struct cs_err *),
                  void (*then)(struct cs_grant *, int rc));
bool cs_grant_is_https(const struct cs_engine *e); /* does the world see csrelay so? */
const char *cs_grant_cookie_name(const struct cs_engine *e);
const char *cs_grant_redirect_uri(struct cs_grant *g);
bool cs_grant_is_over(const struct cs_grant *g); /* the flow: too old, or another CRM's */

/* Each answers the browser and ends the grant, in time. */
void cs_grant_start(struct cs_grant *g);
void cs_grant_callback(struct cs_grant *g);
void cs_grant_ask_who(struct cs_grant *g, struct cs_context *c); /* the tokens are there: of whom? */

#endif
