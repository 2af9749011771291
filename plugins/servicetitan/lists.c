/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists.c - who is connected, what the wizard lets the owner choose from, and reading single records.
 *
 * Identifying tries all that a push will need: the tenant with its app key, the booking provider, the leads where calls become such, and whether job type and
 * business unit belong together. ServiceTitan takes a pair that does not, but its screen then stays empty.
 */
#include <string.h>
#include "servicetitan.h"

#define PAGES_MAX 20

static int
belongs(json_object *job_type, const char *business_unit)
{
	json_object *list = csh_at(job_type, "/businessUnitIds"), *row;

	if (!*business_unit || csh_count(list) == 0) /* none named: any */
		return 1;
	csh_each(i, row, list)
		if (row && strcmp(json_object_get_string(row), business_unit) == 0)
			return 1;
	return 0;
}

/* ---- who */
static int32_t
check_list(const struct csh *h, const char *path, const char *what)
{
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc = csh_read(h, "find", NULL, path, "page=1&pageSize=1", &res, &answer);

	return rc != CS_DONE || res.status < 300 ? rc : st_refused(h, &res, what);
}

/* Where the records will go. */
static int32_t
check_place(const struct csh *h)
{
	int32_t rc = st_ready(h);

	if (rc == CS_DONE && st_makes_leads(h))
		rc = check_list(h, st_leads_path(h), "the leads could not be read");
	if (rc != CS_DONE || !*csh_setting(h, "booking_provider"))
		return rc;
	return check_list(h, st_bookings_path(h), "the booking provider could not be read");
}

static int32_t
check_pair(const struct csh *h)
{
	const char *unit = csh_setting(h, "business_unit"), *type = csh_setting(h, "job_type");
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	if (!*unit || !*type)
		return CS_DONE;
	rc = csh_read(h, "find", NULL, st_path(h, "jpm", csh_printf(h, "job-types/%s", csh_url(h, type))), NULL, &res, &answer);
	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return h->host->fail(h->call, CS_REJECT, "the job type %s is not there: choose another one", type);
	if ((rc = csh_need(h, answer, "/id")) != CS_DONE || belongs(answer, unit))
		return rc;
	return h->host->fail(h->call, CS_REJECT, "the job type %s does not belong to the business unit %s: choose a pair that goes together", type,
	    unit);
}

int32_t
st_identify(const struct csh *h)
{
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	CSH_JSON out = json_object_new_object();
	int32_t rc = csh_read(h, "find", NULL, st_path(h, "settings", "business-units"), "page=1&pageSize=1", &res, &answer);

	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return st_refused(h, &res, "the tenant could not be read");
	if ((rc = csh_need_list(h, answer, "/data")) != CS_DONE || (rc = check_place(h)) != CS_DONE || (rc = check_pair(h)) != CS_DONE)
		return rc;
	csh_put(out, "id", csh_setting(h, "tenant"));
	csh_put(out, "name", csh_get_or(answer, "/data/0/tenant/name", csh_get_or(answer, "/data/0/officialName", csh_setting(h, "tenant"))));
	csh_put(out, "tenant_id", csh_setting(h, "tenant"));
	return csh_emit(h, out);
}

/* ---- lists */
static const struct {
	const char *list, *module, *path, *label;
	int by_unit; /* only what belongs to the chosen business unit */
} lists[] = {
	{ "business_units", "settings", "business-units", "/name", 0 },
	{ "job_types", "jpm", "job-types", "/name", 1 },
	{ "campaigns", "marketing", "campaigns", "/name", 0 },
	{ "booking_providers", "crm", "booking-provider-tags", "/tagName", 0 },
};

static int32_t
emit_list(const struct csh *h, size_t n)
{
	struct st_pages pages = { .path = st_path(h, lists[n].module, lists[n].path), .query = "active=True&pageSize=200", .max = PAGES_MAX };
	const char *unit = lists[n].by_unit ? csh_setting(h, "business_unit") : "";
	json_object *row;
	int32_t rc = CS_DONE;

	if (strcmp(lists[n].list, "booking_providers") == 0)
		pages.query = "pageSize=200"; /* has no filter by activity */
	while (rc == CS_DONE && st_next_page(h, &pages))
		csh_each(i, row, csh_at(pages.answer, "/data"))
			if (rc == CS_DONE && belongs(row, unit))
				rc = csh_emit_choice(h, csh_get(row, "/id"), csh_get(row, lists[n].label));
	st_pages_end(&pages);
	return rc != CS_DONE ? rc : pages.rc;
}

int32_t
st_choices(const struct csh *h, const char *list)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(list, lists[i].list) == 0)
			return emit_list(h, i);
	return CS_UNSUPPORTED;
}

int32_t
st_fetch(const struct csh *h, const char *what)
{
	const char *booking = csh_id_of(what, "booking"), *lead = csh_id_of(what, "lead"), *job = csh_id_of(what, "job"), *path;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	if (booking)
		path = csh_printf(h, "%s/%s", st_bookings_path(h), csh_url(h, booking));
	else if (lead)
		path = csh_printf(h, "%s/%s", st_leads_path(h), csh_url(h, lead));
	else if (job)
		path = st_path(h, "jpm", csh_printf(h, "jobs/%s", csh_url(h, job)));
	else
		return CS_UNSUPPORTED;
	if ((rc = csh_read(h, "find", NULL, path, NULL, &res, &answer)) != CS_DONE)
		return rc;
	return res.status < 300 ? csh_emit(h, answer) : st_refused(h, &res, "the record could not be read");
}
