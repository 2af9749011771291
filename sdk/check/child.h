/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.h - plugin code runs in a confined child, and only there.
 */
#ifndef CS_CHECK_CHILD_H
#define CS_CHECK_CHILD_H

#include "check/page.h"
#include "check/try.h"

/* One thing to be tried; the list is the same in parent and child. */
struct cs_task {
	const struct cs_case *row;
	const struct cs_duty *duty;
};
struct cs_job {
	const char *path;              /* of NAME.so */
	const char *dir;               /* its folder, which may be read while it is loaded */
	struct cs_manifest *manifest;
	const struct cs_task *tasks;
	size_t n, from;                /* tasks from..n-1; from == n: only tell what was loaded */
	bool tells_requests;           /* also {"request": {...}} for each one made */
};

/*
 * Load, confine, do the tasks. Lines of JSON go to `out`: {"probe": {...}} once, {"task": i, "runs": n, "findings": [...]} each.
 * Does not return.
 */
_Noreturn void cs_child_main(const struct cs_job *job, int out);

/* How a child ended, as the parent sees it. */
enum cs_killed { CS_KILLED_NOT, CS_KILLED_HUNG, CS_KILLED_LARGE }; /* by the parent */
enum cs_rule cs_death_rule(const struct cs_check_page *page, int status, enum cs_killed killed, char *text, size_t cap);

#endif
