/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists.c - the stages of pipelines, which no row of the manifest can say, and reading single records.
 */
#include <string.h>
#include "gohighlevel.h"

/* Of the chosen pipeline; as long as none is chosen, of all. */
int32_t
ghl_choices(const struct csh *h, const char *list)
{
	const char *chosen = csh_setting(h, "pipeline");
	struct csh_str query = CSH_STR(h);
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *pipeline, *stage;
	int32_t rc;

	if (strcmp(list, "stages") != 0)
		return CS_UNSUPPORTED;
	csh_query_add(&query, "locationId", ghl_location(h));
	if ((rc = ghl_read(h, "find", NULL, "/opportunities/pipelines", csh_text(&query), &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		return ghl_refused(h, &res, "the pipelines could not be read");
	csh_each(i, pipeline, csh_at(answer, "/pipelines")) {
		if (*chosen && strcmp(chosen, csh_get(pipeline, "/id")) != 0)
			continue;
		csh_each(k, stage, csh_at(pipeline, "/stages")) {
			rc = csh_emit_choice(h, csh_get(stage, "/id"), *chosen ? csh_get(stage, "/name") :
			    csh_printf(h, "%s / %s", csh_get(pipeline, "/name"), csh_get(stage, "/name")));
			if (rc != CS_DONE)
				return rc;
		}
	}
	return CS_DONE;
}

int32_t
ghl_fetch(const struct csh *h, const char *what)
{
	const char *contact = csh_id_of(what, "contact"), *opportunity = csh_id_of(what, "opportunity");
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	if (!contact && !opportunity)
		return CS_UNSUPPORTED;
	rc = ghl_read(h, "find", NULL, csh_printf(h, contact ? "/contacts/%s" : "/opportunities/%s", csh_url(h, contact ? contact : opportunity)),
	    NULL, &res, &answer);
	if (rc != CS_DONE)
		return rc;
	return res.status < 300 ? csh_emit(h, answer) : ghl_refused(h, &res, "the record could not be read");
}
