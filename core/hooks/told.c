/* SPDX-License-Identifier: Apache-2.0 */
/*
 * told.c - see told.h.
 *
 * Some CRMs write one and the same account as 1, as the base64 of 1, and as the base64 of a path that ends with /1. With
 * tenant_form "number" all of them are 1.
 */
#include "config.h"
#include "hooks/told.h"

#include <string.h>
#include "util/clock.h"
#include "util/text.h"

#define ID_MAX 256
#define DEPTH_MAX 64

static const char *
number_at_end(const char *s)
{
	const char *at = s + strlen(s);

	while (at > s && at[-1] >= '0' && at[-1] <= '9')
		at--;
	return at;
}

static const char *
number_of(const char *id, struct cs_arena *mem)
{
	char text[ID_MAX + 1];
	int n = strlen(id) <= ID_MAX ? cs_base64_decode(id, strlen(id), text, ID_MAX) : -1;

	if (strspn(id, "0123456789") == strlen(id) || n <= 0) /* its own digits are base64, too */
		return number_at_end(id);
	text[n] = '\0';
	return cs_arena_strdup(mem, number_at_end(text));
}

const char *
cs_told_tenant(const struct cs_webhook_row *w, json_object *event, json_object *doc, struct cs_arena *mem)
{
	const char *const places[] = { w->tenant, w->tenant_also };
	const char *tenant = "";

	for (size_t i = 0; i < CS_ARRAY_LEN(places) && tenant[0] == '\0'; i++) {
		if (places[i] == NULL)
			continue;
		tenant = cs_json_pointer_text(event, places[i]);
		if (tenant[0] == '\0')
			tenant = cs_json_pointer_text(doc, places[i]);
	}
	return w->tenant_form == CS_TENANT_NUMBER ? number_of(tenant, mem) : tenant;
}

static bool
is_listed(const struct cs_webhook_row *w, const char *value)
{
	for (size_t i = 0; i < w->n_ends_values; i++)
		if (strcmp(w->ends_values[i], value) == 0)
			return true;
	return false;
}

bool
cs_told_end(const struct cs_webhook_row *w, struct cs_bytes body, int64_t received_ms, int64_t *at_ms)
{
	CS_CLEANUP(cs_json_putp) json_object *doc = NULL;
	const char *text;
	bool has_zone;

	*at_ms = received_ms;
	if (w->ends == NULL || cs_json_parse(body.ptr, body.len, DEPTH_MAX, &doc, NULL) < 0 ||
	    !is_listed(w, cs_json_pointer_text(doc, w->ends)))
		return false;
	text = w->ends_at != NULL ? cs_json_pointer_text(doc, w->ends_at) : "";
	if (text[0] == '\0' || cs_time_parse(text, strlen(text), true, at_ms, &has_zone) < 0 || *at_ms > received_ms)
		*at_ms = received_ms;
	return true;
}
