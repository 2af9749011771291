/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workiz.c - Workiz: a call becomes a Lead, which the office turns into a job. See workiz.h for who does what, workiz.json
 * for the data.
 */
#include <string.h>
#include "workiz.h"

int32_t
workiz_judge(const struct csh *h, const struct cs_http_res *res, json_object *answer, const char *what)
{
	int says_no = csh_at(answer, "/flag") ? strcmp(csh_get(answer, "/flag"), "false") == 0
	                                      : strcmp(csh_get(answer, "/error"), "true") == 0;

	if (res->status == 403)
		return h->host->fail(h->call, CS_REAUTH, "%s: Workiz does not know this API token, or the Developer API is off (%s)",
		    what, csh_vendor_error(h, res));
	return res->status >= 300 || says_no ? csh_refused(h, res, what) : CS_DONE;
}

static const char *
name_of_account(const struct csh *h, json_object *team)
{
	json_object *one;
	const char *who = "";

	csh_each(i, one, team)
		if (!*who || strcmp(csh_get(one, "/role"), "owner") == 0)
			who = csh_get(one, "/name");
	return csh_printf(h, "Workiz account of %s (%zu team members)", *who ? who : "somebody", csh_count(team));
}

/* No request tells the account's name; the team proves the token. The secret is tried by the first lead only. */
int32_t
workiz_identify(const struct csh *h)
{
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	CSH_JSON out = json_object_new_object();
	int32_t rc = csh_read(h, "find", NULL, "/team/all/", NULL, &res, &answer);

	if (rc != CS_DONE || (rc = workiz_judge(h, &res, answer, "the team could not be read")) != CS_DONE ||
	    (rc = csh_need_list(h, answer, "/data")) != CS_DONE)
		return rc;
	csh_put(out, "id", csh_get_or(answer, "/data/0/id", "workiz"));
	csh_put(out, "name", name_of_account(h, csh_at(answer, "/data")));
	return csh_emit(h, out);
}

int32_t
workiz_fetch(const struct csh *h, const char *what)
{
	const char *lead = csh_id_of(what, "lead"), *job = csh_id_of(what, "job");
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	if (!lead && !job)
		return CS_UNSUPPORTED;
	rc = csh_read(h, "find", NULL, csh_printf(h, "/%s/get/%s/", lead ? "lead" : "job", csh_url(h, lead ? lead : job)), NULL,
	    &res, &answer);
	if (rc != CS_DONE || (rc = workiz_judge(h, &res, answer, "the record could not be read")) != CS_DONE)
		return rc;
	return csh_at(answer, "/data/0") ? csh_emit(h, csh_at(answer, "/data/0"))
	                                 : h->host->fail(h->call, CS_REJECT, "Workiz has no such record");
}

CS_PLUGIN_V1(.name = "workiz", .version = "0.1.0", .map = workiz_map, .push = workiz_push, .handle_webhook = workiz_hook)
