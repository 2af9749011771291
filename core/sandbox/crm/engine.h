/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - all fake CRMs together: routing, access, limits, rules, steps, answers, faults, the request log.
 *
 * One thread owns an engine; only the clock's offset may be moved from outside. Tests drive it through a real
 * socket.
 */
#ifndef CS_SANDBOX_ENGINE_H
#define CS_SANDBOX_ENGINE_H

#include "sandbox/crm/fault.h"
#include "sandbox/http.h"
#include "sandbox/crm/journal.h"
#include "sandbox/crm/store.h"
#include "sandbox/rules/value.h"
#include "util/clock.h"

struct cs_sb_engine {
	struct cs_clock *clock; /* borrowed */
	int64_t advance_ms;     /* how far POST /_clock moved us */
	int64_t started_ms;
	struct cs_sb_store store;
	struct cs_sb_crm_state *crms;
	size_t ncrms;
	struct cs_sb_faults faults;
	struct cs_sb_journal journal;
	unsigned port;
};

/* Takes the crms over. keep_docs: see store.h; lag_ms -1: as the data files say. */
void cs_sb_engine_init(struct cs_sb_engine *e, struct cs_clock *clock, struct cs_sb_crm **crms, size_t n,
                       size_t keep_docs, int64_t lag_ms);
void cs_sb_engine_fini(struct cs_sb_engine *e);
int64_t cs_sb_engine_now(const struct cs_sb_engine *e);
/* A cs_sb_handler; ctx is the engine. */
void cs_sb_engine_handle(void *ctx, const struct cs_sb_request *req, struct cs_sb_reply *reply);
struct cs_sb_crm_state *cs_sb_engine_crm(struct cs_sb_engine *e, const char *name, size_t len);

/* Fill the reply from an answer of the data file, or from a named error. */
void cs_sb_answer(struct cs_sb_scope *sc, json_object *answer, struct cs_sb_reply *reply);
void cs_sb_fail(struct cs_sb_scope *sc, const char *error, struct cs_sb_reply *reply);
/* Has every data file an error of this name? */
bool cs_sb_default_error(const char *name);
/* ${error/code} and ${error/message} for the next cs_sb_fail. */
void cs_sb_set_error(struct cs_sb_scope *sc, const char *code, const char *message);

#endif
