/* SPDX-License-Identifier: Apache-2.0 */
/*
 * customer.c - is the caller a customer already? The list is searched loosely: only somebody of whose contacts one has these digits
 * counts; among several the one with the caller's name.
 */
#include <string.h>
#include "servicetitan.h"

#define CUSTOMERS_READ 3

static int32_t
has_number(const struct csh *h, const char *customer, const char *phone, int *yes)
{
	const char *path = st_path(h, "crm", csh_printf(h, "customers/%s/contacts", csh_url(h, customer)));
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *row;
	int32_t rc = csh_read(h, "find", NULL, path, "page=1&pageSize=50", &res, &answer);

	if (rc != CS_DONE || res.status >= 300 || (rc = csh_need_list(h, answer, "/data")) != CS_DONE)
		return rc;
	csh_each(i, row, csh_at(answer, "/data"))
		*yes |= csh_phone_same(csh_get(row, "/value"), phone);
	return CS_DONE;
}

static int32_t
choose(const struct csh *h, json_object *list, const struct cs_lead_contact *caller, const char **id)
{
	json_object *row;
	int32_t rc;
	int n = 0;

	csh_each(i, row, list) {
		int yes = 0, named = csh_same_text(csh_get(row, "/name"), csh_full_name(h, caller));

		if (!*csh_get(row, "/id") || (**id && !named) || n++ >= CUSTOMERS_READ)
			continue;
		if ((rc = has_number(h, csh_get(row, "/id"), caller->phone, &yes)) != CS_DONE)
			return rc;
		if (yes)
			*id = csh_printf(h, "%s", csh_get(row, "/id"));
		if (yes && named)
			return CS_DONE;
	}
	return CS_DONE;
}

int32_t
st_customer(const struct csh *h, const struct cs_lead_contact *caller, const char **id)
{
	struct csh_str query = CSH_STR(h);
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc;

	*id = "";
	if (!*caller->phone || !csh_setting_true(h, "know_customers"))
		return CS_DONE;
	csh_query_add(&query, "phone", csh_phone_national(h, caller->phone));
	csh_adds(&query, "&active=Any&page=1&pageSize=5");
	if ((rc = csh_read(h, "find", NULL, st_path(h, "crm", "customers"), csh_text(&query), &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300) { /* a scope that the app need not have */
		h->host->log(h->call, CS_PRIO_INFO, "customers could not be searched: status %d", (int)res.status);
		return CS_DONE;
	}
	if ((rc = csh_need_list(h, answer, "/data")) != CS_DONE)
		return rc;
	return choose(h, csh_at(answer, "/data"), caller, id);
}
