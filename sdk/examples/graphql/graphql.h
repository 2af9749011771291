/*
 * graphql.h - what the plugin's files share. query.c asks one question and judges the answer, push.c brings a lead in.
 */
#ifndef GRAPHQL_H
#define GRAPHQL_H

#include <cs/helpers.h>

/*
 * POST a query or mutation with its variables (taken over). *data: new, the answer's "data"; an answer that is none, or one
 * with errors, is no CS_DONE. A query of a step in doubt names that step in looks_for.
 */
struct question {
	const char *step, *looks_for, *text;
	int mutates;
	int64_t cost;
	json_object *variables;
};
int32_t graphql_ask(const struct csh *h, const struct question *q, json_object **data);

int32_t graphql_push(void *inst, struct cs_call *call, const struct cs_delivery *d);

#endif
