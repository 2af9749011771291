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
emit_name(const struct csh *h, json_object *o)
{
	return csh_emit_choice(h, csh_get(o, "/name"), "");
}

static int32_t
emit_id(const struct csh *h, json_object *o)
{
	return csh_emit_choice(h, csh_get(o, "/id"), csh_get(o, "/name"));
}

static const struct list {
	const char *name, *path, *items, *query;
	int32_t (*emit)(const struct csh *h, json_object *item);
} lists[] = {
	{ "employees", "/employees", "/employees", "page_size=100", emit_employee },
	{ "lead_sources", "/lead_sources", "/lead_sources", "page_size=100", emit_name },
	{ "tags", "/tags", "/tags", "page_size=100&sort_by=name&sort_direction=asc", emit_name },
	{ "lead_statuses", "/pipeline/statuses", "/statuses", "resource_type=lead&page_size=100", emit_id },
};

int32_t
hcp_choices(const struct csh *h, const char *name)
{
	const struct list *l = NULL;
	struct csh_pages pages = { .step = "find", .page_param = "page", .total = "/total_pages", .max = 20, .refused = hcp_refused };
	json_object *item;
	int32_t rc = CS_DONE;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(lists[i].name, name) == 0)
			l = &lists[i];
	if (!l)
		return CS_UNSUPPORTED;
	pages.path = l->path;
	pages.items = l->items;
	pages.query = l->query;
	while (csh_next_page(h, &pages)) {
		csh_each(i, item, csh_at(pages.answer, l->items))
			if (rc == CS_DONE)
				rc = l->emit(h, item);
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
