/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visit.h - private to core/connect: one request of a browser, from the check of its session to its answer.
 *
 * A page's handler runs in the listener's thread, where the store may be read. It ends with exactly one of the functions that answer,
 * or hands the visit on (cs_visit_ask, _write, _look), after which only what is called later may touch it. What is called later runs in
 * another thread: it works with what was read before, and with what it is given.
 */
#ifndef CS_CONNECT_VISIT_H
#define CS_CONNECT_VISIT_H

#include "api/resources.h"
#include "auth/ticket.h"
#include "connect/connect.h"
#include "deliver/call/check.h"
#include "http/inner.h"
#include "pages/page.h"

#define CS_VISIT_FAULTS 40

struct cs_field {
	char *name, *value;
};

struct cs_visit {
	struct cs_api *api;
	struct cs_http_request *req;
	struct cs_conf *conf;
	struct cs_arena mem;
	char cookie[CS_TICKET_TEXT], form[CS_TICKET_TEXT]; /* form: what its forms carry */
	struct cs_link_row link;
	struct cs_link_session_row session;
	struct cs_conn_row conn;          /* as it was when the request came; id 0: none */
	struct cs_manifest *manifest;     /* of session.crm; NULL: not chosen, or not served */
	struct cs_field *fields;          /* of a POST */
	size_t n_fields;
	struct cs_problem_row faults[CS_VISIT_FAULTS]; /* of the last answer of the API */
	size_t n_faults;
	const char *trouble;              /* what it said in general; NULL */

	/* what is under way */
	struct cs_http_inner inner;
	char *asked;                      /* its body; wiped */
	void (*answered)(struct cs_visit *, int status, json_object *doc);
	struct cs_wop op;
	int (*apply)(struct cs_visit *, struct cs_store *, int64_t now_ms, struct cs_err *);
	void (*written)(struct cs_visit *, int rc);
	struct cs_check check;
	void (*looked)(struct cs_visit *, json_object *found);
	struct cs_ask list;
	void *page;                       /* a page's own; lives in mem */
};

/* ---- answering: the visit is gone afterwards */
void cs_visit_go(struct cs_visit *v, const char *where);
void cs_visit_tell(struct cs_visit *v, int status, const char *title, const char *text, const char *onward, const char *words);
void cs_visit_page(struct cs_visit *v, int status, struct cs_buf *b);
void cs_visit_end(struct cs_visit *v); /* answered already */
/* Set-Cookie with this value; NULL: away with it. */
const char *cs_visit_set_cookie(struct cs_visit *v, const char *value);

/* ---- handing on */
/* Ask the API, with the session's rights. answered() has the JSON of the answer (NULL: none; borrowed); of a refusal, faults and trouble are set.
 * The body is the caller's still. */
void cs_visit_ask(struct cs_visit *v, const char *method, const char *target, json_object *body,
                  void (*answered)(struct cs_visit *, int status, json_object *doc));
/* One transaction. */
void cs_visit_write(struct cs_visit *v, int (*apply)(struct cs_visit *, struct cs_store *, int64_t, struct cs_err *),
                    void (*written)(struct cs_visit *, int rc));
/* Ask the CRM who is connected; found as in deliver/call/check.h (borrowed). */
void cs_visit_look(struct cs_visit *v, void (*looked)(struct cs_visit *, json_object *found));

/* ---- reading */
const char *cs_visit_field(const struct cs_visit *v, const char *name);              /* of the form; NULL */
/* The fault of "/settings/KEY" or "/secrets/NAME" (group and key); NULL. */
const char *cs_visit_fault(const struct cs_visit *v, const char *group, const char *key);
const char *cs_visit_title(const struct cs_visit *v);                               /* of the CRM */
const char *cs_visit_conn_path(struct cs_visit *v, const char *rest);               /* in the API */
/* Settings of the connection, as JSON; what the operator says for all connections of this CRM is in *shared. Both the caller's; may be NULL. */
json_object *cs_visit_own_settings(struct cs_visit *v);
const struct cs_conf_crm *cs_visit_shared(struct cs_visit *v);

/* ---- writing */
enum cs_connect_step { CS_STEP_NONE = 0, CS_STEP_CRM, CS_STEP_SETUP, CS_STEP_WHO, CS_STEP_SETTINGS, CS_STEP_TEST };
void cs_visit_begin(struct cs_visit *v, struct cs_buf *b, enum cs_connect_step step, const char *title);
/* <form> with what it must carry; `action` below /connect. */
void cs_visit_form(struct cs_visit *v, struct cs_buf *b, const char *action);
/* A coloured box; kind: "bad", "good", "wait" or "". title NULL: none. */
void cs_visit_note(struct cs_buf *b, const char *kind, const char *title, const char *text);

/* What was refused, when trouble is set; faults stand at their fields. */
void cs_visit_trouble(const struct cs_visit *v, struct cs_buf *b);
/* What has to be copied into the CRM: where it calls, and where it sends people back to. Nothing where there is no such thing. */
void cs_visit_addresses(struct cs_visit *v, struct cs_buf *b);

/* ---- pages, one group for each file */
void cs_connect_open(struct cs_visit *v, const uint8_t hash[32]); /* open.c; of the link */
void cs_connect_finish(struct cs_visit *v);
void cs_connect_done(struct cs_visit *v);
void cs_connect_crm(struct cs_visit *v); /* crm.c */
void cs_connect_crm_chosen(struct cs_visit *v);
void cs_connect_setup(struct cs_visit *v); /* setup.c */
void cs_connect_setup_sent(struct cs_visit *v);
void cs_connect_signin(struct cs_visit *v);
void cs_connect_who(struct cs_visit *v); /* who.c */
void cs_connect_who_confirmed(struct cs_visit *v);
void cs_connect_settings(struct cs_visit *v); /* settings.c */
void cs_connect_settings_sent(struct cs_visit *v);
void cs_connect_test(struct cs_visit *v); /* test.c */
void cs_connect_test_sent(struct cs_visit *v);

/* Is it known whose account the connection is, and may leads go there? */
bool cs_connect_is_confirmed(const struct cs_visit *v);
/* The page that comes next, by what is stored. */
const char *cs_connect_next(const struct cs_visit *v);

#endif
