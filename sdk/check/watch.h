/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - the parent of the confined child: what was tried, and what became of it.
 */
#ifndef CS_CHECK_WATCH_H
#define CS_CHECK_WATCH_H

#include "check/child.h"

struct cs_finding {
	enum cs_rule rule;
	char *script, *text;
	const struct cs_task *task; /* in which it was seen first; NULL: none */
	unsigned times;             /* in how many tasks */
};
struct cs_results {
	struct cs_finding *v;
	size_t n;
	unsigned runs, done, not_run; /* calls; tasks */
	bool *task_failed;            /* by task */
};

/* Load only. 0; CS_EINVAL when the plugin was refused or died, with a finding in `out` and err filled. */
int cs_watch_probe(struct cs_job *job, struct cs_probe *probe, struct cs_results *out, struct cs_err *err);
/* All tasks, in as many children as it takes: one that dies or hangs is a finding, and the next goes on behind it. */
void cs_watch_tasks(struct cs_job *job, struct cs_results *out);
void cs_results_add(struct cs_results *r, enum cs_rule rule, const char *script, const char *text, const struct cs_task *task);
void cs_results_free(struct cs_results *r);

#endif
