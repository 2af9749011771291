/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists.c - what the wizard lets the owner choose from, and reading single records.
 */
#include <string.h>
#include "housecall_pro.h"

static int32_t
emit_choice(const struct csh *h, const char *value, const char *label)
{
	CSH_JSON item = json_object_new_object();

	csh_put(item, "value", value);
	csh_put(item, "label", *label ? label : value);
	return *value ? csh_emit(h, item) : CS_DONE;
}

static int32_t
emit_employee(const struct csh *h, json_object *e)
{
	const char *name = csh_printf(h, "%s %s", csh_get(e, "/first_name"), csh_get(e, "/last_name"));

	if (*csh_get(e, "/role"))
		name = csh_printf(h, "%s (%s)", name, csh_get(e, "/role"));
	return emit_choice(h, csh_get(e, "/id"), name);
}

static int32_t
emit_lead_source(const struct csh *h, json_object *s)
{
	return emit_choice(h, csh_get(s, "/name"), "");
}

int32_t
hcp_choices(const struct csh *h, const char *list)
{
	int is_employees = strcmp(list, "employees") == 0;
	const char *path = is_employees ? "/employees" : "/lead_sources"; /* and the member of the answer */
	struct csh_pages pages = { .step = "find", .path = path, .items = path, .query = "page_size=100",
		.page_param = "page", .total = "/total_pages", .max = 20 };
	int32_t (*emit)(const struct csh *, json_object *) = is_employees ? emit_employee : emit_lead_source;
	int32_t rc = CS_DONE;

	if (!is_employees && strcmp(list, "lead_sources") != 0)
		return CS_UNSUPPORTED;
	while (csh_next_page(h, &pages)) {
		json_object *items = csh_at(pages.answer, path);

		for (size_t i = 0; i < csh_count(items) && rc == CS_DONE; i++)
			rc = emit(h, json_object_array_get_idx(items, i));
	}
	return rc != CS_DONE ? rc : pages.rc;
}

int32_t
hcp_fetch(const struct csh *h, const char *what)
{
	static const char *const types[] = { "lead/", "job/", "customer/", "estimate/" };
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t n = strlen(types[i]);

		if (strncmp(what, types[i], n) != 0)
			continue;
		rc = csh_read(h, "find", NULL,
		    csh_printf(h, "/%.*ss/%s", (int)n - 1, what, csh_url(h, what + n)), NULL, &res, &answer);
		if (rc != CS_DONE)
			return rc;
		if (res.status >= 300)
			return hcp_refused(h, &res, "the record could not be read");
		return csh_emit(h, answer);
	}
	return CS_UNSUPPORTED;
}
