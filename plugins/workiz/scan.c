/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan.c - Workiz's lists, page after page.
 *
 * Nobody has written down whether "offset" counts pages or records. It is taken for pages until the second page begins with
 * what the first one had; from then on it counts records. A page without anything new is the end, and so is an empty one or 204.
 * Some accounts answer with {"flag", "has_more", "data"}, some with the bare list. A bare list without anything in it, out of the
 * blue, is too little to tell that a lead in doubt is not there.
 */
#include <string.h>
#include "workiz.h"

static const char *
uuid_of(json_object *row)
{
	return csh_get_or(row, "/UUID", csh_get(row, "/uuid"));
}

/* How many rows of this page were not on one before. */
static int
take_ids(struct workiz_scan *s)
{
	json_object *row;
	int fresh = 0;

	if (!s->seen)
		s->seen = json_object_new_object();
	csh_each(i, row, s->rows)
		if (*uuid_of(row) && !json_object_object_get_ex(s->seen, uuid_of(row), NULL)) {
			json_object_object_add(s->seen, uuid_of(row), NULL);
			fresh++;
		}
	return fresh;
}

static int32_t
read_page(const struct csh *h, struct workiz_scan *s)
{
	int offset = s->by_records ? json_object_object_length(s->seen) : s->pages;
	struct cs_http_req req = CS_REQ(s->step, "GET", csh_printf(h, "/%s/all/", s->list));
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	req.looks_for = s->looks_for;
	req.query = csh_printf(h, "start_date=%.10s&offset=%d&records=100&only_open=false", csh_time(h, s->since_ms), offset);
	if ((rc = h->host->http(h->call, &req, &res)) != CS_DONE || res.status == 204 || res.status == 404)
		return rc;
	if ((rc = csh_understand(h, &res, &s->answer)) != CS_DONE ||
	    (rc = workiz_judge(h, &res, s->answer, csh_printf(h, "the %ss could not be listed", s->list))) != CS_DONE)
		return rc;
	if (!json_object_is_type(s->answer, json_type_array) && (rc = csh_need_list(h, s->answer, "/data")) != CS_DONE)
		return rc;
	s->rows = json_object_is_type(s->answer, json_type_array) ? s->answer : csh_at(s->answer, "/data");
	s->is_odd = s->rows == s->answer && csh_count(s->rows) == 0 && !s->was_bare;
	s->was_bare = s->rows == s->answer;
	if (s->is_odd && s->looks_for)
		return h->host->fail(h->call, CS_RETRY, "the list of %ss came empty in an odd form", s->list);
	return CS_DONE;
}

int
workiz_next_page(const struct csh *h, struct workiz_scan *s)
{
	json_object *first;
	int repeats, fresh;

	csh_json_putp(&s->answer);
	s->rows = NULL;
	s->more = !s->is_last && s->pages >= s->max;
	if (s->is_last || s->more)
		return 0;
	if ((s->rc = read_page(h, s)) != CS_DONE || csh_count(s->rows) == 0)
		return 0;
	first = json_object_array_get_idx(s->rows, 0);
	repeats = s->pages == 1 && json_object_object_get_ex(s->seen, uuid_of(first), NULL);
	fresh = take_ids(s);
	s->by_records |= repeats;
	s->is_last = strcmp(csh_get(s->answer, "/has_more"), "false") == 0 || (fresh == 0 && !repeats);
	s->pages++;
	return 1;
}

void
workiz_scan_end(struct workiz_scan *s)
{
	csh_json_putp(&s->answer);
	csh_json_putp(&s->seen);
}
