/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists.c - what the wizard lets the owner choose from, where a row of the manifest cannot say it, and
 * reading single records.
 */
#include <string.h>
#include "hubspot.h"

int32_t
hubspot_fetch(const struct csh *h, const char *what)
{
	const char *slash = strchr(what, '/'), *type;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	if (!slash)
		return CS_UNSUPPORTED;
	type = csh_strndup(h, what, (size_t)(slash - what));
	if (strcmp(type, "contact") != 0 && strcmp(type, "note") != 0 && strcmp(type, "deal") != 0)
		return CS_UNSUPPORTED;
	rc = hubspot_read(h, "find", NULL,
	    hubspot_path(h, csh_printf(h, "%ss/", type), csh_url(h, slash + 1)), NULL, &res, &answer);
	if (rc != CS_DONE)
		return rc;
	return res.status < 300 ? csh_emit(h, answer) : hubspot_refused(h, &res,
	    "the record could not be read");
}

static int32_t
emit_stage(const struct csh *h, json_object *pipeline, json_object *stage)
{
	CSH_JSON item = json_object_new_object();

	csh_put(item, "value", csh_get(stage, "/id"));
	csh_put(item, "label", csh_printf(h, "%s / %s", csh_get(pipeline, "/label"),
	    csh_get(stage, "/label")));
	return csh_emit(h, item);
}

/* Every stage of every deal pipeline; owners and lead statuses are rows of the manifest. */
int32_t
hubspot_choices(const struct csh *h, const char *list)
{
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *pipelines;
	int32_t rc;

	if (strcmp(list, "deal_stages") != 0)
		return CS_UNSUPPORTED;
	rc = hubspot_read(h, "find", NULL,
	    csh_printf(h, "/crm/pipelines/%s/deals", csh_setting(h, "api_version")), NULL, &res, &answer);
	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return hubspot_refused(h, &res, "the deal stages could not be read");
	pipelines = csh_at(answer, "/results");
	for (size_t i = 0; i < csh_count(pipelines); i++) {
		json_object *pipeline = json_object_array_get_idx(pipelines, i),
		    *stages = csh_at(pipeline, "/stages");

		for (size_t k = 0; k < csh_count(stages); k++) {
			if ((rc = emit_stage(h, pipeline, json_object_array_get_idx(stages, k))) != CS_DONE)
				return rc;
		}
	}
	return CS_DONE;
}
