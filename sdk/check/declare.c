/* SPDX-License-Identifier: Apache-2.0 */
/*
 * declare.c - the manifest in one screen: who may be reached, with which secrets, how fast, in which steps.
 */
#include <inttypes.h>
#include "check/declare.h"
#include "util/clock.h"

static const char *const doubts[] = { [CS_DOUBT_LOOK] = "look", [CS_DOUBT_REPEAT] = "repeat", [CS_DOUBT_ASK] = "ask" };

/* One line: a label, then the words that were collected. */
struct line {
	struct cs_buf b;
};

static void
word(struct line *l, const char *fmt, ...) CS_PRINTF(2, 3);
static void
word(struct line *l, const char *fmt, ...)
{
	va_list ap;

	if (l->b.len)
		cs_buf_adds(&l->b, "; ");
	va_start(ap, fmt);
	cs_buf_vprintf(&l->b, fmt, ap);
	va_end(ap);
}

static void
put_line(FILE *out, const char *label, struct line *l)
{
	fprintf(out, "  %-8s %s\n", label, l->b.len ? cs_buf_str(&l->b) : "none");
	cs_buf_fini(&l->b);
}

static void
put_access(const struct cs_manifest *m, FILE *out)
{
	struct line ways = { CS_BUF_INIT(0) }, hosts = { CS_BUF_INIT(0) }, secrets = { CS_BUF_INIT(0) };

	for (size_t i = 0; i < m->n_hosts; i++)
		word(&hosts, "%s", m->hosts[i]);
	for (size_t i = 0; i < m->n_secrets; i++)
		word(&secrets, "%s%s", m->secrets[i].name, m->secrets[i].required ? " (required)" : "");
	for (size_t i = 0; i < m->n_ways; i++)
		word(&ways, "%s", m->ways[i].kind == CS_AUTH_STATIC ? "static" : m->ways[i].grant == CS_GRANT_CODE ? "oauth2" :
		                  "oauth2 (client credentials)");
	put_line(out, "auth", &ways);
	put_line(out, "hosts", &hosts);
	put_line(out, "secrets", &secrets);
}

static void
put_limits(const struct cs_manifest *m, FILE *out)
{
	struct line l = { CS_BUF_INIT(0) };
	char window[CS_TIME_TEXT];

	for (size_t i = 0; i < m->n_limits; i++) {
		const struct cs_limit_row *row = &m->limits[i];

		word(&l, "%s %" PRId64 " in %s per %s, burst %" PRId64, row->class, row->count, cs_duration_text(row->window_ms, window),
		    row->per, row->burst);
	}
	put_line(out, "limits", &l);
}

static void
put_steps(const struct cs_manifest *m, FILE *out)
{
	struct line l = { CS_BUF_INIT(0) };
	char lag[CS_TIME_TEXT];

	for (size_t i = 0; i < m->n_steps; i++) {
		const struct cs_step_row *row = &m->steps[i];

		if (!row->mutates)
			word(&l, "%s", row->name);
		else if (row->lookup_lag_ms > 0)
			word(&l, "%s changes, in doubt %s after %s", row->name, doubts[row->on_doubt],
			    cs_duration_text(row->lookup_lag_ms, lag));
		else
			word(&l, "%s changes, in doubt %s", row->name, doubts[row->on_doubt]);
	}
	put_line(out, "steps", &l);
}

static const char *
verify_kind(const struct cs_manifest *m)
{
	return cs_json_str(cs_json_get(cs_json_get(m->json, "webhook"), "verify"), "kind", "");
}

static void
put_hooks(const struct cs_manifest *m, FILE *out)
{
	struct line l = { CS_BUF_INIT(0) };
	char every[CS_TIME_TEXT];

	if (m->has_webhook)
		word(&l, "one address for %s, %s%s%s", m->webhook.app_scope ? "all" : "each connection", verify_kind(m),
		    m->webhook.verify.header ? " in " : "", m->webhook.verify.header ? m->webhook.verify.header : "");
	if (m->poll_every_ms > 0)
		word(&l, "polls every %s", cs_duration_text(m->poll_every_ms, every));
	put_line(out, "hooks", &l);
}

void
cs_declare_text(const struct cs_manifest *m, const struct cs_probe *probe, const struct cs_duties *duties, FILE *out)
{
	struct line l = { CS_BUF_INIT(0) };

	fprintf(out, "%s %s: %s, interface 1.%u%s\n", m->name, m->version, m->title, (unsigned)probe->abi_minor,
	    m->experimental ? ", experimental" : "");
	put_access(m, out);
	put_limits(m, out);
	put_steps(m, out);
	put_hooks(m, out);
	for (size_t i = 0; i < duties->n; i++)
		if (duties->v[i].declared)
			word(&l, "%s", duties->v[i].name);
	put_line(out, "duties", &l);
}

/* The manifest itself is beside the plugin; what is added is what was found. */
json_object *
cs_declare_json(const struct cs_manifest *m, const struct cs_probe *probe, const struct cs_duties *duties)
{
	static const char *const keys[] = { "name", "version", "title", "hosts", "secrets", "auth", "limits", "steps", "webhook", "poll" };
	json_object *o = json_object_new_object(), *list = json_object_new_array();

	for (size_t i = 0; i < CS_ARRAY_LEN(keys); i++)
		if (cs_json_get(m->json, keys[i]))
			json_object_object_add(o, keys[i], json_object_get(cs_json_get(m->json, keys[i])));
	json_object_object_add(o, "interface", json_object_new_int((int)probe->abi_minor));
	for (size_t i = 0; i < duties->n; i++) {
		json_object *d = json_object_new_object();

		json_object_object_add(d, "duty", json_object_new_string(duties->v[i].name));
		json_object_object_add(d, "declared", json_object_new_boolean(duties->v[i].declared));
		json_object_object_add(d, "conversations", json_object_new_int((int)duties->v[i].n));
		json_object_array_add(list, d);
	}
	json_object_object_add(o, "duties", list);
	return o;
}
