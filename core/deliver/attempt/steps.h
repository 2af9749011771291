/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps.h - what is known of each step of a push: nothing, a receipt, or doubt.
 *
 * One row per step of the manifest. Stored as JSON in the delivery's progress:
 *   {"contact": {"value": "51"}, "note": {"doubt_ms": 1779805920000}, "mail": {"sent_ms": 1779805920000}}
 * Doubt survives retries, dead letter and replay; only a receipt, an answered look-up or a person ends it.
 */
#ifndef CS_DELIVER_STEPS_H
#define CS_DELIVER_STEPS_H

#include "plugin/manifest/manifest.h"
#include "wire/wire.h"

#define CS_STEPS_MAX 24

struct cs_step_state {
	const struct cs_step_row *row;
	int32_t state;              /* CS_RECEIPT_* */
	const char *value;
	int64_t doubt_ms;           /* since when */
	int64_t sent_ms;            /* of an "ask" step: about to be sent; written before it leaves */
	bool looked;                /* a look-up for it was answered in this attempt */
	bool happened;              /* answered 2xx in this attempt, and no receipt came yet */
};
struct cs_steps {
	struct cs_step_state v[CS_STEPS_MAX];
	size_t n;
	struct cs_arena *mem;
	bool dirty;                 /* differs from what is stored */
};

/* crashed_ms: != 0 when the delivery was in hand at a crash then: every mutating step without a receipt may have happened
 * (an "ask" step only if it was about to be sent). */
void cs_steps_read(struct cs_steps *s, const struct cs_manifest *m, const char *json, int64_t crashed_ms, struct cs_arena *mem);
/* Does this step create the caller in a CRM whose search shows it only after a while? */
bool cs_step_creates_caller(const struct cs_step_row *row);
void cs_steps_write(const struct cs_steps *s, struct cs_buf *out); /* nothing when there is nothing to say */
struct cs_step_state *cs_steps_find(struct cs_steps *s, const char *name);
void cs_steps_receipt(struct cs_steps *s, const char *name, struct cs_bytes value);

/* May a mutating request of this step go out? CS_DONE; CS_UNKNOWN when only a person can settle it; CS_RETRY when the plugin
 * has not looked (its fault). */
int32_t cs_steps_may_send(struct cs_steps *s, const char *name);
/* It was sent; status answered it (0: none). */
void cs_steps_sent(struct cs_steps *s, const char *name, bool doubt, int status, int64_t now_ms);
/* The attempt ends without success: what was answered 2xx but left no receipt may be there, so it is in doubt. */
void cs_steps_end(struct cs_steps *s, int64_t now_ms);
void cs_steps_looked(struct cs_steps *s, const char *name);
bool cs_steps_in_doubt(const struct cs_steps *s, bool *ask, int64_t *look_after_ms);

#endif
