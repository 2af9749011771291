/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change.h - a request that changes something: applied by the writer, answered when it is durable.
 *
 * A handler makes a change, fills it and hands it over with the request. apply() runs in the writer's transaction, perhaps
 * more than once, and reads what it decides by from the same transaction. It leaves the answer in the change; what is
 * refused is an answer, too. After the commit the engine is told and the client gets the answer, both from the writer's
 * thread.
 */
#ifndef CS_API_CHANGE_H
#define CS_API_CHANGE_H

#include "view/render.h"
#include "api/reply.h"

struct cs_tell { /* what the engine hears */
	int64_t conn_id;
	char crm[65];
	enum cs_lane lane;
	int64_t n;              /* more rows in the store's lane; 0: the connection itself has changed */
	bool retry_now;         /* of the connection: close its breaker */
};
struct cs_tells {
	struct cs_tell *v;
	size_t n, cap;
};
void cs_tells_backlog(struct cs_tells *t, int64_t conn_id, const char *crm, enum cs_lane lane, int64_t n);
void cs_tells_conn(struct cs_tells *t, int64_t conn_id, bool retry_now);
void cs_tells_send(struct cs_tells *t, struct cs_engine *e, int64_t now_ms); /* e NULL: nobody */
void cs_tells_fini(struct cs_tells *t);

struct cs_change {
	struct cs_wop op;
	struct cs_api *api;
	struct cs_http_request *req;
	/*
	 * 0 with the answer in status and out (by default 200), or after cs_change_refuse. CS_ENOTFOUND, CS_ESTATE, CS_EEXIST,
	 * CS_ECONFLICT and CS_EINVAL are answered with the error's words, provided that nothing was written yet; any
	 * other negative value, or one after `wrote`, takes the whole change back.
	 */
	int (*apply)(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err);
	/* Optional, after a commit that was no refusal; writer thread. */
	void (*then)(struct cs_change *c, int64_t now_ms);
	/* Optional, at its end: frees what `more` holds. */
	void (*gone)(struct cs_change *c);

	/* Optional: what apply made outside the store is settled; rc as the writer says it. Writer thread, whatever came of it. */
	void (*done)(struct cs_change *c, int rc);

	/* in: for apply */
	struct cs_auth who;             /* texts live in keep */
	int64_t id;
	int64_t span_ms;                /* of the retry schedule */
	char *text;                     /* owned, wiped: a note, a name, a new key */
	json_object *body;              /* owned */
	bool secret_body;               /* the texts in its member "secrets" are wiped */
	void *more;                     /* what else apply needs; lives in keep */
	struct cs_arena keep;           /* lives as long as the change */
	struct cs_key_row key;          /* of a new key; texts live in keep */
	/* out */
	struct cs_arena mem;            /* empty at each apply */
	struct cs_conns conns;          /* on the writer's handle; empty at each apply */
	struct cs_buf out;              /* JSON, or rows of a problem */
	struct cs_tells tells;
	int status;
	bool refused, wrote;
	char detail[400];
};

struct cs_change *cs_change_new(struct cs_api_call *call,
                                int (*apply)(struct cs_change *, struct cs_store *, int64_t, struct cs_err *));
/* Hands it to the writer; the change and the request are gone for the caller. */
void cs_change_put(struct cs_change *c);
/* For a handler that answered in another way after all. */
void cs_change_free(struct cs_change *c);
/* Records a refusal; returns 0. Rows of the problem may stand in c->out as "{…},{…}". */
int cs_change_refuse(struct cs_change *c, int status, const char *fmt, ...) CS_PRINTF_LIKE(3, 4);
int cs_change_refuse_at(struct cs_change *c, int status, const char *pointer, const char *fmt, ...) CS_PRINTF_LIKE(4, 5);
/* c->id is gone, and the answer says so. */
int cs_change_answer_deleted(struct cs_change *c);
/* The delivery as it is in this transaction becomes the answer. */
int cs_change_answer_delivery(struct cs_change *c, struct cs_store *s, int64_t id, struct cs_err *err);

/* Of the schedule in a configuration. */
int64_t cs_api_span_ms(const struct cs_conf *conf);

#endif
