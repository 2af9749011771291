/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.c - ServiceTitan's paths, pages and refusals.
 */
#include <string.h>
#include "servicetitan.h"

const char *
st_path(const struct csh *h, const char *module, const char *rest)
{
	return csh_printf(h, "/%s/v2/tenant/%s/%s", module, csh_setting(h, "tenant"), rest);
}

const char *
st_bookings_path(const struct csh *h)
{
	return st_path(h, "crm", csh_printf(h, "booking-provider/%s/bookings", csh_setting(h, "booking_provider")));
}

const char *
st_leads_path(const struct csh *h)
{
	return st_path(h, "crm", "leads");
}

int
st_makes_leads(const struct csh *h)
{
	return strcmp(csh_setting(h, "record"), "lead") == 0;
}

int32_t
st_ready(const struct csh *h)
{
	if (!st_makes_leads(h) || *csh_setting(h, "campaign"))
		return CS_DONE;
	return h->host->fail(h->call, CS_REAUTH, "a lead needs a campaign: choose one");
}

int32_t
st_refused(const struct csh *h, const struct cs_http_res *res, const char *what)
{
	const char *words = csh_vendor_error(h, res);

	if (res->status == 403)
		return h->host->fail(h->call, CS_REAUTH, "%s: the app is not connected to this tenant, or lacks a scope: %s", what, words);
	if (res->status == 404)
		return h->host->fail(h->call, CS_REJECT, "%s: ServiceTitan does not know this tenant or booking provider: %s", what, words);
	return csh_refused(h, res, what);
}

int
st_next_page(const struct csh *h, struct st_pages *p)
{
	struct cs_http_res res = CS_RES_INIT;
	int last = p->page > 0 && strcmp(csh_get(p->answer, "/hasMore"), "true") != 0;

	st_pages_end(p);
	p->more = !last && p->page >= p->max;
	if (last || p->more)
		return 0;
	p->rc = csh_read(h, "find", p->looks_for, p->path, csh_printf(h, "%s%spage=%d", p->query, *p->query ? "&" : "", p->page + 1), &res,
	    &p->answer);
	if (p->rc == CS_DONE && res.status >= 300)
		p->rc = st_refused(h, &res, "the list could not be read");
	if (p->rc == CS_DONE)
		p->rc = csh_need_list(h, p->answer, "/data");
	if (p->rc != CS_DONE) {
		st_pages_end(p);
		return 0;
	}
	p->page++;
	return 1;
}

void
st_pages_end(struct st_pages *p)
{
	csh_json_putp(&p->answer);
}
