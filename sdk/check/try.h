/* SPDX-License-Identifier: Apache-2.0 */
/*
 * try.h - one case against one duty. The table of cases is the interface between those who try (try*.c) and the runner.
 */
#ifndef CS_CHECK_TRY_H
#define CS_CHECK_TRY_H

#include "check/duty.h"
#include "check/twist.h"

struct cs_trial {
	const struct cs_case *row;
	const struct cs_duty *duty;
	const struct cs_check_plugin *plugin;
	json_object *findings; /* array of {rule, script, text}, in the child */
	unsigned runs;
};

struct cs_case {
	const char *name;      /* "429-without-retry-after" */
	const char *what;      /* for people: "is told to wait, not for how long" */
	unsigned duties;       /* bits of enum cs_duty_kind */
	void (*try)(struct cs_trial *t);
	struct cs_twist twist; /* an answer, or what a hook's body is made with */
	const char *text;      /* what a lead is full of, or a merge patch on it */
};
extern const struct cs_case cs_cases[];
extern const size_t cs_n_cases;

#define CS_FOR(kind) (1u << (kind))
#define CS_FOR_LEADS (CS_FOR(CS_DUTY_LEAD) | CS_FOR(CS_DUTY_TEST))
#define CS_FOR_HOOKS (CS_FOR(CS_DUTY_RECEIVED))
#define CS_FOR_EVENTS (CS_FOR(CS_DUTY_RECEIVED) | CS_FOR(CS_DUTY_POLL))
#define CS_FOR_ALL ((1u << CS_DUTY_KINDS) - 1)

/* ---- how cases are tried */
void cs_try_scripts(struct cs_trial *t);       /* as the conversations have it */
void cs_try_frozen(struct cs_trial *t);        /* receipts as before */
void cs_try_interleaved(struct cs_trial *t);   /* another call at each switch; twist.goes_on: that one begins */
void cs_try_doubts(struct cs_trial *t);        /* do the conversations settle each doubt both ways? */
void cs_try_map(struct cs_trial *t);           /* the same document again */
void cs_try_answer(struct cs_trial *t);        /* the twist in the place of each answer */
void cs_try_again(struct cs_trial *t);         /* the twist, then a second attempt */
void cs_try_text(struct cs_trial *t);          /* a lead full of row->text */
void cs_try_patch(struct cs_trial *t);         /* a lead with row->text laid on it */
void cs_try_body(struct cs_trial *t);          /* another body of a hook */
void cs_try_replay(struct cs_trial *t);        /* the same message, or poll, twice */
void cs_try_forged(struct cs_trial *t);        /* signatures, by the manifest alone */

/* Run, judge, and keep what was found; *call is valid until the next run. */
struct cs_call *cs_trial_run(struct cs_trial *t, const struct cs_script *s, const struct cs_plan *plan);
void cs_trial_end(struct cs_trial *t, const struct cs_script *s, struct cs_call *c);
void cs_trial_find(struct cs_trial *t, const char *script, enum cs_rule rule, const char *text);
struct cs_plan cs_trial_plan(const struct cs_trial *t, const struct cs_script *s, enum cs_answers answers);

#endif
