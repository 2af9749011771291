/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists.c - what the wizard lets the owner choose from, and reading single records.
 */
#include <string.h>
#include "housecall_pro.h"

static int32_t
emit_employee(const struct csh *h, json_object *e)
{
	const char *name = csh_printf(h, "%s %s", csh_get(e, "/first_name"), csh_get(e, "/last_name"));

	if (*csh_get(e, "/role"))
		name = csh_printf(h, "%s (%s)", name, csh_get(e, "/role"));
	return csh_emit_choice(h, csh_get(e, "/id"), name);
}

static int32_t
emit_lead_source(const struct csh *h, json_object *s)
{
	return csh_emit_choice(h, csh_get(s, "/name"), "");
}

int32_t
hcp_choices(const struct csh *h, const char *list)
{
	int is_employees = strcmp(list, "employees") == 0;
	const char *path = is_employees ? "/employees" : "/lead_sources"; /* and the member of the answer */
	struct csh_pages pages = { .step = "find", .path = path, .items = path, .query = "page_size=100",
		.page_param = "page", .total = "/total_pages", .max = 20 };
	int32_t (*emit)(const struct csh *, json_object *) = is_employees ? emit_employee : emit_lead_source;
	json_object *item;
	int32_t rc = CS_DONE;

	if (!is_employees && strcmp(list, "lead_sources") != 0)
		return CS_UNSUPPORTED;
	while (csh_next_page(h, &pages)) {
		csh_each(i, item, csh_at(pages.answer, path))
			if (rc == CS_DONE)
				rc = emit(h, item);
	}
	return rc != CS_DONE ? rc : pages.rc;
}

int32_t
hcp_fetch(const struct csh *h, const char *what)
{
	static const char *const types[] = { "lead", "job", "customer", "estimate" };
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	const char *id = NULL, *path = "";
	int32_t rc;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && !id; i++)
		if ((id = csh_id_of(what, types[i])))
			path = csh_printf(h, "/%ss/%s", types[i], csh_url(h, id));
	if (!id)
		return CS_UNSUPPORTED;
	if ((rc = csh_read(h, "find", NULL, path, NULL, &res, &answer)) != CS_DONE)
		return rc;
	return res.status < 300 ? csh_emit(h, answer) : hcp_refused(h, &res, "the record could not be read");
}
