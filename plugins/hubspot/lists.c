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
	static const char *const types[] = { "contact", "note", "deal", "lead" };
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	const char *id = NULL, *path = "";
	int32_t rc;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && !id; i++)
		if ((id = csh_id_of(what, types[i])))
			path = hubspot_path(h, csh_printf(h, "%ss/", types[i]), csh_url(h, id));
	if (!id)
		return CS_UNSUPPORTED;
	if ((rc = hubspot_read(h, "find", NULL, path, NULL, &res, &answer)) != CS_DONE)
		return rc;
	return res.status < 300 ? csh_emit(h, answer) : hubspot_refused(h, &res, "the record could not be read");
}

/* Every stage of every deal pipeline; owners and lead statuses are rows of the manifest. */
int32_t
hubspot_choices(const struct csh *h, const char *list)
{
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *pipeline, *stage;
	int32_t rc;

	if (strcmp(list, "deal_stages") != 0)
		return CS_UNSUPPORTED;
	rc = hubspot_read(h, "find", NULL,
	    csh_printf(h, "/crm/pipelines/%s/deals", csh_setting(h, "api_version")), NULL, &res, &answer);
	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return hubspot_refused(h, &res, "the deal stages could not be read");
	csh_each(i, pipeline, csh_at(answer, "/results"))
		csh_each(k, stage, csh_at(pipeline, "/stages")) {
			const char *label = csh_printf(h, "%s / %s", csh_get(pipeline, "/label"), csh_get(stage, "/label"));

			if ((rc = csh_emit_choice(h, csh_get(stage, "/id"), label)) != CS_DONE)
				return rc;
		}
	return CS_DONE;
}
