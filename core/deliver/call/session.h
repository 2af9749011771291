/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - one call into a plugin, with everything the core does for it while it runs.
 *
 * A session belongs to an attempt (attempt.c) or to an inbound hook (hooks/). It builds each request that the plugin makes:
 * URL and host check, budget, secrets in their places, sending, classing the answer, one repeat after a 401, capture, and
 * a masked record of the exchange. What the steps mean (doubt, receipts) is its owner's business, asked through the ops.
 * Engine thread only.
 */
#ifndef CS_DELIVER_SESSION_H
#define CS_DELIVER_SESSION_H

#include <cs/plugin_v1.h>
#include "deliver/call/context.h"
#include "deliver/grant/token.h"
#include "http/client.h"
#include "plugin/remote.h"
#include "util/list.h"

struct cs_session;
struct cs_engine;
struct cs_class;

struct cs_own_request { /* what is special about a request of the core that no plugin could make: a token request */
	const struct cs_step_row *step;
	const char *basic_id;         /* with basic_secret: HTTP Basic of a client's id and the named secret; NULL: none */
	const char *basic_secret;
};

struct cs_session_ops {
	/* May this step go out? CS_DONE, or what http() is to return. *hold: the owner will call cs_session_go later. */
	int32_t (*before)(struct cs_session *, const struct cs_step_row *, const struct cs_http_req *, bool *hold);
	/* The step was sent: doubt says that nobody knows whether it happened; else status answered it. */
	void (*after)(struct cs_session *, const struct cs_step_row *, const char *looks_for, bool doubt, int status);
	/* An answer held a secret; it is in the context already. NULL: it goes to the store by itself. */
	void (*captured)(struct cs_session *, const char *name, const char *value);
	void (*receipt)(struct cs_session *, const char *step, struct cs_bytes value);
	void (*record)(struct cs_session *, const char *type, const char *id, const char *url);
	void (*emit)(struct cs_session *, struct cs_bytes out);
	void (*cursor)(struct cs_session *, struct cs_bytes cursor);
	/* The plugin's process died and the call begins anew: what it told comes again. */
	void (*again)(struct cs_session *);
	/* The call was on the processor then; `what` is for operators. */
	void (*suspected)(struct cs_session *, const char *what);
	void (*done)(struct cs_session *, const struct cs_wire_done *);
};

struct cs_session {
	struct cs_engine *engine;
	struct cs_context *context;   /* referenced */
	const struct cs_session_ops *ops;
	struct cs_list node;          /* in the engine's list of sessions */
	uint64_t call;                /* at the runner; 0: over */
	uint8_t nonce[16];
	bool alone;                   /* in a process of its own: an earlier one died of it */
	/* what the answers said, for the verdict */
	int32_t last_status;
	int64_t not_before_ms;        /* Retry-After as wall time; 0 none */
	const char *fault;            /* static: the plugin broke a rule (unknown step, host not allowed); NULL */
	struct cs_buf exchanges;      /* JSON array without its brackets */
	int n_exchanges;
	struct cs_exchange *x;        /* the request under way; NULL */
	/* Without a plugin call (ask.c): the core's own request is answered here, and the session is the callee's. */
	void (*answered)(struct cs_session *, const struct cs_http_answer *, const struct cs_class *);
	void (*abandoned)(struct cs_session *); /* with it, when the engine stops: drop the session and end what it was for */
	const struct cs_own_request *own; /* without the manifest's constants, limits and tokens; NULL: an ordinary one */
	bool renews;                  /* it is auth_refresh: nothing of it waits for a new token */
	struct cs_token_wait service; /* the plugin asked for a new token and waits */
};

/* Start the call. `s` is embedded in the owner, zeroed but for engine, context and ops. 0, or CS_EBUSY when the runner is full or
 * parked. */
int cs_session_start(struct cs_session *s, struct cs_wire_call *in);
/* After before() said hold: the same request goes on, or is answered with `outcome`. */
void cs_session_go(struct cs_session *s, int32_t outcome);
/* A request of the core's own; s->answered is set. */
void cs_session_request(struct cs_session *s, const struct cs_http_req *req);
/* Forget it: no op is called any more. For shutdown and crashes. */
void cs_session_drop(struct cs_session *s);

extern const struct cs_remote_ops cs_session_remote_ops;

#endif
