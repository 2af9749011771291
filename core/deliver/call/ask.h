/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.h - a question to the CRM about a connection: who is connected, what can be chosen from; or to remove what a test lead left.
 *
 * The manifest's row answers it, by GETs that the core makes itself; where there is no row the plugin does (CS_PUSH_IDENTIFY,
 * CS_PUSH_CHOICES). What was learnt about who is connected goes to the connection's facts. Lists are kept for five minutes, by
 * connection, version, candidate settings and filter. Engine thread, but for cs_engine_post_ask.
 */
#ifndef CS_DELIVER_ASK_H
#define CS_DELIVER_ASK_H

#include "deliver/call/context.h"
#include "deliver/engine.h"
#include "deliver/call/session.h"

enum cs_said {
	CS_SAID_YES,            /* it answered */
	CS_SAID_BAD_KEY,        /* the credentials are not accepted */
	CS_SAID_NO_API_ACCESS,  /* they may be good, but the customer's plan has no API */
	CS_SAID_MISSING_RIGHT,  /* they lack a right */
	CS_SAID_REFUSED,        /* any other refusal, or the set-up is not complete */
	CS_SAID_LATER,          /* the CRM is down, slow, or its budget is spent: nothing is known */
	CS_SAID_CANNOT,         /* this plugin has no answer to such a question */
};
const char *cs_said_name(enum cs_said s); /* "connected", "bad_key", "no_api_access" … */

#define CS_ASK_ITEMS 2000 /* of a list; more are not read */

struct cs_ask {
	struct cs_msg msg;
	/* the question; borrowed until done */
	int64_t conn_id;
	const char *list;                     /* NULL: who is connected? */
	const char *remove_type, *remove_id;  /* no question, but: take this record away again; NULL: none */
	const char *filter;                   /* of a list whose CRM filters; NULL: all */
	const struct cs_candidate *candidate; /* of a list; NULL: the connection as it is */
	bool refresh;                         /* do not answer from what is kept */
	void (*done)(struct cs_ask *);        /* engine thread; the ask is the caller's again, its answer until he returns */
	/* the answer */
	enum cs_said said;
	char text[400];                       /* for the owner, when it is no yes */
	char id[128], name[200];
	json_object *items;                   /* [{value,label}]; of the engine's thread */
	bool is_cut, is_filtered;             /* there are more; the CRM has filtered them */
	int64_t at_ms;                        /* when they were read */
	/* its own */
	struct cs_engine *engine;
	struct cs_context *context;
	struct cs_engine_call call;
	int pages;
};
/* Engine thread: done may be called before this returns. */
void cs_ask_start(struct cs_engine *e, struct cs_ask *a);
/* Any thread. When the engine has stopped, done is called at once, with LATER. */
void cs_engine_post_ask(struct cs_engine *e, struct cs_ask *a);

struct cs_choices; /* the lists that are kept */
void cs_choices_free(struct cs_choices *c);

#endif
