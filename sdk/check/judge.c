/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.c - what holds for every call, however ugly the answers were, and what it leaves for the next attempt.
 */
#include <string.h>
#include "check/run.h"

/* A step that came into doubt in this call and still is. */
static const char *
still_in_doubt(const struct cs_call *c)
{
	json_object_object_foreach(c->doubtful, step, value) {
		(void)value;
		if (cs_check_in_doubt(c->receipts, step))
			return step;
	}
	return NULL;
}

void
cs_judge(struct cs_call *c)
{
	const char *step = still_in_doubt(c);

	if (strcmp(cs_check_outcome(c->rc), "invalid") == 0)
		cs_fault(c, CS_RULE_OUTCOME, "returned %d, which is no outcome", (int)c->rc);
	cs_check_personal(c, CS_RULE_PERSONAL, cs_buf_str(&c->reason), true);
	cs_check_personal(c, CS_RULE_PERSONAL, cs_buf_str(&c->warnings), true);
	if (c->rc == CS_DONE && step)
		cs_fault(c, CS_RULE_DOUBT_SWALLOWED, "said done while the step %s is in doubt", step);
	if (c->rc == CS_DONE && c->refused && c->plan->then_fails && !c->n_warnings)
		cs_fault(c, CS_RULE_SWALLOWED, "said done without a remark although a mutating request was refused");
}

json_object *
cs_receipts_after(const struct cs_call *c)
{
	json_object *out = json_object_new_object();

	json_object_object_foreach(c->receipts, step, value)
		json_object_object_add(out, step, json_object_get(value));
	if (c->rc == CS_DONE)
		return out;
	json_object_object_foreach(c->happened, done, yes) { /* answered with success, and no receipt: as cs_steps_end has it */
		json_object *doubt = json_object_new_object();

		(void)yes;
		json_object_object_add(doubt, "in_doubt", json_object_new_boolean(1));
		json_object_object_add(out, done, doubt);
	}
	return out;
}
