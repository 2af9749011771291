/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.c - NAME.json becomes a struct cs_manifest, or one clear complaint.
 *
 * The tables of rows.c say what each object may hold. Here stands what no table can say: names that must be declared, no
 * name twice, what a template may contain, what a kind of webhook verification needs; then defaults are filled in.
 * sdk/schema/manifest.schema.json says the same to partners and editors; a test holds both against every manifest and
 * against broken ones.
 */
#include "config.h"
#include "plugin/manifest/manifest.h"
#include "plugin/manifest/rows.h"
#include "plugin/manifest/settings.h"
#include "plugin/manifest/template.h"

#include <cs/plugin_v1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)1 << 20)
#define MAX_DEPTH 16
#define FROM_CONNECTION (CS_PART_SETTING | CS_PART_FACT)
#define WITH_SECRETS (FROM_CONNECTION | CS_PART_SECRET | CS_PART_SECRET_BASIC | CS_PART_BASIC)

static int
check_all_unique(struct cs_fields *r, const struct cs_manifest *m)
{
	int rc;

#define UNIQUE(list, array, n, name) cs_check_unique(r, list, array, n, sizeof(*(array)), offsetof(__typeof__(*(array)), name))
	if ((rc = UNIQUE("settings", m->settings, m->n_settings, key)) < 0 ||
	    (rc = UNIQUE("facts", m->facts, m->n_facts, name)) < 0 ||
	    (rc = UNIQUE("secrets", m->secrets, m->n_secrets, name)) < 0 ||
	    (rc = UNIQUE("limits", m->limits, m->n_limits, class)) < 0 ||
	    (rc = UNIQUE("steps", m->steps, m->n_steps, name)) < 0 ||
	    (rc = UNIQUE("choices", m->choices, m->n_choices, list)) < 0)
		return rc;
#undef UNIQUE
	return 0;
}

/* ---- what stands in each object */

static int
finish_setting(struct cs_fields *r, const struct cs_manifest *m, struct cs_setting_row *row)
{
	struct cs_err inner;

	if (row->min < -1e300 && row->max > 1e300)
		row->min = 1, row->max = 0;
	if (row->depends_on != NULL && cs_manifest_setting(m, row->depends_on) == NULL)
		return cs_check_undeclared(r, "settings", row->depends_on);
	if (row->type == CS_SETTING_CHOICE && row->n_choices == 0 && row->choices_from == NULL)
		return cs_fields_fail(r, "a choice needs \"choices\" or \"choices_from\"");
	if (row->dflt != NULL && cs_setting_check(row, row->dflt, &inner) < 0)
		return cs_fields_fail(r, "default: %s", inner.msg);
	row->help = row->help != NULL ? row->help : "";
	return 0;
}

static int
finish_settings(struct cs_fields *r, struct cs_manifest *m)
{
	size_t list = cs_fields_enter(r, "settings"), mark;
	int rc;

	for (size_t i = 0; i < m->n_settings; i++) {
		mark = cs_fields_enter_row(r, i);
		if ((rc = finish_setting(r, m, &m->settings[i])) < 0)
			return rc;
		r->pointer[mark] = '\0';
	}
	r->pointer[list] = '\0';
	return 0;
}

static int
finish_secrets(struct cs_fields *r, struct cs_manifest *m)
{
	size_t list = cs_fields_enter(r, "secrets"), mark;
	int rc;

	for (size_t i = 0; i < m->n_secrets; i++) {
		struct cs_secret_row *row = &m->secrets[i];

		mark = cs_fields_enter_row(r, i);
		row->label = row->label != NULL ? row->label : row->name;
		row->help = row->help != NULL ? row->help : "";
		if ((rc = cs_check_templates(r, m, "hosts", row->hosts, row->n_hosts, FROM_CONNECTION)) < 0)
			return rc;
		r->pointer[mark] = '\0';
	}
	r->pointer[list] = '\0';
	return 0;
}

struct request { /* "request", at the top or of one way */
	const struct cs_auth_way *way;
	struct kind {
		const char *key;
		const struct cs_pair *v;
		size_t n;
	} kinds[4]; /* by CS_PLACE_* */
};

#define REQUEST_OF(s, of) \
	{ of, { [CS_PLACE_HEADER] = { "headers", (s)->headers, (s)->n_headers }, [CS_PLACE_QUERY] = { "query", (s)->query, (s)->n_query }, \
	        [CS_PLACE_JSON] = { "json", (s)->json, (s)->n_json }, [CS_PLACE_FORM] = { "form", (s)->form, (s)->n_form } } }

static int
add_places(struct cs_fields *r, struct cs_manifest *m, const struct request *q)
{
	size_t start = cs_fields_enter(r, "request"), mark;
	int rc;

	for (int kind = CS_PLACE_HEADER; kind <= CS_PLACE_FORM; kind++) {
		const struct kind *k = &q->kinds[kind];

		mark = cs_fields_enter(r, k->key);
		for (size_t i = 0; i < k->n; i++) {
			struct cs_place *p = &m->places[m->n_places++];

			if ((rc = cs_check_template(r, m, k->v[i].name, k->v[i].value, WITH_SECRETS)) < 0)
				return rc;
			p->kind = kind;
			p->name = k->v[i].name;
			p->template = k->v[i].value;
			p->way = q->way;
		}
		r->pointer[mark] = '\0';
	}
	r->pointer[start] = '\0';
	return 0;
}

static size_t
count_places(const struct request *q)
{
	return q->kinds[0].n + q->kinds[1].n + q->kinds[2].n + q->kinds[3].n;
}

static int
finish_requests(struct cs_fields *r, struct cs_draft *d)
{
	struct request top = REQUEST_OF(d, NULL);
	bool list = json_object_is_type(d->auth, json_type_array);
	size_t mark, n = count_places(&top);
	int rc;

	for (size_t i = 0; i < d->m.n_ways; i++) {
		struct request q = REQUEST_OF(&d->m.ways[i], NULL);

		n += count_places(&q);
	}
	d->m.places = cs_arena_alloc(r->mem, n * sizeof(*d->m.places) + 1);
	rc = add_places(r, &d->m, &top);
	for (size_t i = 0; i < d->m.n_ways && rc == 0; i++) {
		const struct cs_auth_way *w = &d->m.ways[i];
		struct request q = REQUEST_OF(w, w);

		mark = cs_fields_enter(r, "auth");
		if (list)
			cs_fields_enter_row(r, i);
		if ((rc = add_places(r, &d->m, &q)) == 0)
			r->pointer[mark] = '\0';
	}
	return rc;
}

static int
finish_facts(struct cs_fields *r, struct cs_manifest *m)
{
	size_t list = cs_fields_enter(r, "facts"), mark;
	int rc;

	for (size_t i = 0; i < m->n_facts; i++) {
		mark = cs_fields_enter_row(r, i);
		if (m->facts[i].dflt != NULL && (rc = cs_check_template(r, m, "default", m->facts[i].dflt, CS_PART_SETTING)) < 0)
			return rc;
		r->pointer[mark] = '\0';
	}
	r->pointer[list] = '\0';
	return 0;
}

static int
check_per(struct cs_fields *r, const struct cs_manifest *m, const char *per)
{
	if (strcmp(per, "connection") == 0 || strcmp(per, "crm") == 0)
		return 0;
	if (strncmp(per, "fact:", 5) == 0)
		return cs_manifest_has_fact(m, per + 5) ? 0 : cs_check_undeclared(r, "facts", per + 5);
	if (strncmp(per, "setting:", 8) == 0)
		return cs_manifest_setting(m, per + 8) != NULL ? 0 : cs_check_undeclared(r, "settings", per + 8);
	cs_fields_fail(r, "\"%.60s\" is not allowed here", per);
	cs_err_hint(r->err, "allowed: connection, crm, fact:NAME, setting:KEY");
	return CS_EINVAL;
}

static int
finish_limits(struct cs_fields *r, struct cs_manifest *m)
{
	size_t list = cs_fields_enter(r, "limits"), mark;
	int rc;

	for (size_t i = 0; i < m->n_limits; i++) {
		mark = cs_fields_enter_row(r, i);
		cs_fields_enter(r, "per");
		if ((rc = check_per(r, m, m->limits[i].per)) < 0)
			return rc;
		if (m->limits[i].burst == 0)
			m->limits[i].burst = m->limits[i].count;
		r->pointer[mark] = '\0';
	}
	r->pointer[list] = '\0';
	return 0;
}

static int
read_outcome(struct cs_fields *r, const struct cs_pair *p, struct cs_status_row *row)
{
	static const char *const outcomes[] = {
		[CS_DONE] = "done", [CS_RETRY] = "retry", [CS_REJECT] = "reject", [CS_REAUTH] = "reauth",
		[CS_WAIT] = "wait", [CS_UNKNOWN] = "unknown",
	};
	size_t mark = cs_fields_enter(r, p->name);
	char *end;

	row->status = (int)strtol(p->name, &end, 10);
	if (strlen(p->name) != 3 || *end != '\0' || row->status < 200 || row->status > 599)
		return cs_fields_fail(r, "expected a status from 200 to 599");
	for (size_t i = 0; i < CS_ARRAY_LEN(outcomes); i++)
		if (strcmp(p->value, outcomes[i]) == 0) {
			row->outcome = (int32_t)i;
			r->pointer[mark] = '\0';
			return 0;
		}
	cs_fields_fail(r, "\"%.60s\" is not allowed here", p->value);
	cs_hint_words(r->err, "allowed", outcomes, CS_ARRAY_LEN(outcomes));
	return CS_EINVAL;
}

static int
finish_sign(struct cs_fields *r, const struct cs_manifest *m)
{
	const struct cs_setting_row *setting = m->sign.setting != NULL ? cs_manifest_setting(m, m->sign.setting) : NULL;
	size_t mark = cs_fields_enter(r, "sign");

	if (m->sign.secrets != NULL && m->sign.n_secrets == 0) {
		cs_fields_enter(r, "secrets");
		return cs_fields_fail(r, "must not be empty");
	}
	for (size_t i = 0; i < m->sign.n_secrets; i++)
		if (cs_manifest_secret(m, m->sign.secrets[i]) == NULL) {
			cs_fields_enter(r, "secrets");
			cs_fields_enter_row(r, i);
			return cs_check_undeclared(r, "secrets", m->sign.secrets[i]);
		}
	if (m->sign.setting != NULL) {
		cs_fields_enter(r, "setting");
		if (setting == NULL)
			return cs_check_undeclared(r, "settings", m->sign.setting);
		if (setting->type != CS_SETTING_BOOL)
			return cs_fields_fail(r, "expected a setting of type bool");
	}
	r->pointer[mark] = '\0';
	return 0;
}

static int
finish_status(struct cs_fields *r, struct cs_draft *d)
{
	size_t mark = cs_fields_enter(r, "status");
	int rc;

	d->m.statuses = cs_arena_alloc(r->mem, d->n_status * sizeof(*d->m.statuses));
	for (; d->m.n_statuses < d->n_status; d->m.n_statuses++)
		if ((rc = read_outcome(r, &d->status[d->m.n_statuses], &d->m.statuses[d->m.n_statuses])) < 0)
			return rc;
	r->pointer[mark] = '\0';
	return 0;
}

static int
finish_identify(struct cs_fields *r, struct cs_draft *d)
{
	struct cs_identify_row *row = &d->m.identify;
	size_t mark = cs_fields_enter(r, "identify");
	int rc;

	if (row->path == NULL && (row->id != NULL || row->name != NULL || d->identify_step != NULL))
		return cs_fields_fail(r, "\"path\" is missing");
	if (row->path != NULL && (rc = cs_check_template(r, &d->m, "path", row->path, WITH_SECRETS)) < 0)
		return rc;
	if (d->identify_step != NULL && cs_manifest_step(&d->m, d->identify_step) == NULL) {
		cs_fields_enter(r, "step");
		return cs_check_undeclared(r, "steps", d->identify_step);
	}
	cs_fields_enter(r, "facts");
	for (size_t i = 0; i < row->n_facts; i++)
		if (!cs_manifest_has_fact(&d->m, row->facts[i].name))
			return cs_check_undeclared(r, "facts", row->facts[i].name);
	r->pointer[mark] = '\0';
	return 0;
}

static int
finish_choices(struct cs_fields *r, struct cs_manifest *m)
{
	size_t list = cs_fields_enter(r, "choices"), mark;
	int rc;

	for (size_t i = 0; i < m->n_choices; i++) {
		struct cs_choice_list *row = &m->choices[i];

		mark = cs_fields_enter_row(r, i);
		if ((rc = cs_check_template(r, m, "path", row->path, WITH_SECRETS)) < 0)
			return rc;
		if ((row->next == NULL) != (row->next_param == NULL))
			return cs_fields_fail(r, "\"next\" and \"next_param\" belong together");
		row->label = row->label != NULL ? row->label : row->value;
		r->pointer[mark] = '\0';
	}
	r->pointer[list] = '\0';
	return 0;
}

/* ---- webhooks */

static int
check_verify(struct cs_fields *r, const struct cs_manifest *m, const struct cs_verify_row *v)
{
	static const struct {
		bool secret, header, pointer;
	} needs[] = {
		[CS_VERIFY_HMAC_SHA256] = { true, true, false },   [CS_VERIFY_HMAC_SHA1] = { true, true, false },
		[CS_VERIFY_SHA256_PREFIX] = { true, true, false }, [CS_VERIFY_ED25519] = { false, true, false },
		[CS_VERIFY_JWT_HS256] = { true, true, false },     [CS_VERIFY_BASIC] = { true, false, false },
		[CS_VERIFY_BODY_TOKEN] = { true, false, true },    [CS_VERIFY_HEADER_TOKEN] = { true, true, false },
	};
	bool listed = v->kind < CS_ARRAY_LEN(needs); /* url-token stands in between and needs nothing */

	if (v->secret != NULL && cs_manifest_secret(m, v->secret) == NULL)
		return cs_check_undeclared(r, "secrets", v->secret);
	if (listed && needs[v->kind].secret && v->secret == NULL)
		return cs_fields_fail(r, "this kind needs a \"secret\"");
	if (listed && needs[v->kind].header && v->header == NULL)
		return cs_fields_fail(r, "this kind needs a \"header\"");
	if (listed && needs[v->kind].pointer && v->pointer == NULL)
		return cs_fields_fail(r, "this kind needs a \"pointer\"");
	if (v->kind == CS_VERIFY_ED25519 && v->secret == NULL && v->public_key == NULL)
		return cs_fields_fail(r, "this kind needs a \"public_key\" or a \"secret\" that holds it");
	return 0;
}

/* What an operator may overrule is a declared setting. */
static int
check_overruling(struct cs_fields *r, const struct cs_manifest *m)
{
	const char *const names[] = { m->webhook.verify.header_from, m->webhook.verify.encoding_from, m->webhook.tenant_from };

	for (size_t i = 0; i < CS_ARRAY_LEN(names); i++)
		if (names[i] != NULL && cs_manifest_setting(m, names[i]) == NULL)
			return cs_check_undeclared(r, "settings", names[i]);
	return 0;
}

static void
fill_verify(struct cs_fields *r, struct cs_verify_row *v)
{
	v->prefix = v->prefix != NULL ? v->prefix : "";
	v->separator = v->separator != NULL ? v->separator : "";
	if (v->n_signed > 0)
		return;
	v->signed_parts = cs_arena_alloc(r->mem, sizeof(*v->signed_parts));
	v->signed_parts[v->n_signed++] = "body";
}

static int
finish_webhook(struct cs_fields *r, struct cs_draft *d)
{
	struct cs_webhook_row *w = &d->m.webhook;
	int rc;

	if (!d->m.has_webhook)
		return 0;
	cs_fields_enter(r, "webhook");
	w->app_scope = d->scope == 1;
	if (w->app_scope && (w->tenant == NULL || w->tenant_fact == NULL))
		return cs_fields_fail(r, "scope \"app\" needs \"tenant\" and \"tenant_fact\" to find the connection");
	if (w->tenant_fact != NULL && !cs_manifest_has_fact(&d->m, w->tenant_fact))
		return cs_check_undeclared(r, "facts", w->tenant_fact);
	if (w->challenge_query != NULL && w->challenge_pointer != NULL)
		return cs_fields_fail(r, "challenge: \"query\" or \"pointer\", not both");
	w->reply_status = (int)d->reply_status;
	w->reply_body = w->reply_body != NULL ? w->reply_body : "";
	w->reply_type = w->reply_type != NULL ? w->reply_type : "text/plain";
	w->verify.timestamp_unit_ms = d->timestamp_unit == 1 ? 1 : 1000;
	w->verify.tolerance_ms = d->tolerance_s * 1000;
	cs_fields_enter(r, "verify");
	if (w->verify.tolerance_ms > 0 && w->verify.timestamp_header == NULL)
		return cs_fields_fail(r, "\"tolerance_s\" needs a \"timestamp_header\"");
	if ((rc = check_verify(r, &d->m, &w->verify)) < 0 || (rc = check_overruling(r, &d->m)) < 0)
		return rc;
	fill_verify(r, &w->verify);
	r->pointer[0] = '\0';
	return 0;
}

static int
finish_removals(struct cs_fields *r, struct cs_manifest *m)
{
	size_t mark = cs_fields_enter(r, "remove");
	int rc;

	for (size_t i = 0; i < m->n_removals; i++)
		if ((rc = cs_check_template(r, m, m->removals[i].name, m->removals[i].value, WITH_SECRETS | CS_PART_ID)) < 0)
			return rc;
	r->pointer[mark] = '\0';
	return 0;
}

static int
finish_links(struct cs_fields *r, struct cs_manifest *m)
{
	size_t mark = cs_fields_enter(r, "links");
	int rc;

	for (size_t i = 0; i < m->n_links; i++)
		if ((rc = cs_check_template(r, m, m->links[i].name, m->links[i].value, FROM_CONNECTION | CS_PART_ID)) < 0)
			return rc;
	r->pointer[mark] = '\0';
	return 0;
}

/* ---- the whole */

static void
fill_labels(struct cs_manifest *m)
{
	for (size_t i = 0; i < m->n_facts; i++)
		if (m->facts[i].label == NULL)
			m->facts[i].label = m->facts[i].name;
	for (size_t i = 0; i < m->n_steps; i++)
		if (m->steps[i].label == NULL)
			m->steps[i].label = m->steps[i].name;
}

static int
finish(struct cs_fields *r, struct cs_draft *d)
{
	struct cs_manifest *m = &d->m;
	int rc;

	m->has_webhook = cs_json_get(m->json, "webhook") != NULL;
	m->plans = m->plans != NULL ? m->plans : "";
	m->retry_after_header = m->retry_after_header != NULL ? m->retry_after_header : "retry-after";
	m->retry_after_unit_ms = d->retry_after_unit == 1 ? 1 : 1000;
	fill_labels(m);
	if (m->base_url != NULL && (rc = cs_check_template(r, m, "base_url", m->base_url, WITH_SECRETS)) < 0)
		return rc;
	m->base_url = m->base_url != NULL ? m->base_url : "";
	if ((rc = check_all_unique(r, m)) < 0 ||
	    (rc = cs_check_templates(r, m, "hosts", m->hosts, m->n_hosts, FROM_CONNECTION)) < 0 ||
	    (rc = finish_settings(r, m)) < 0 || (rc = finish_facts(r, m)) < 0 || (rc = finish_secrets(r, m)) < 0 ||
	    (rc = cs_auth_read(r, d)) < 0 || (rc = finish_requests(r, d)) < 0 ||
	    (rc = finish_sign(r, m)) < 0 || (rc = finish_limits(r, m)) < 0 || (rc = finish_status(r, d)) < 0 ||
	    (rc = finish_identify(r, d)) < 0 || (rc = finish_choices(r, m)) < 0 || (rc = finish_webhook(r, d)) < 0 ||
	    (rc = finish_removals(r, m)) < 0 || (rc = finish_links(r, m)) < 0)
		return rc;
	return 0;
}

/* Takes over `json`. */
static int
from_json(json_object *json, struct cs_manifest **out, struct cs_err *err)
{
	struct cs_draft d = { .m = { .json = json }, .reply_status = 200 };
	struct cs_fields r = { .mem = &d.m.mem, .err = err };
	struct cs_manifest *m;
	struct cs_err ignored;
	int rc;

	if (err == NULL)
		r.err = &ignored;
	cs_arena_init(&d.m.mem);
	if ((rc = cs_fields_read(&r, json, cs_manifest_fields, &d)) < 0 || (rc = finish(&r, &d)) < 0) {
		cs_arena_fini(&d.m.mem);
		json_object_put(json);
		return rc;
	}
	m = cs_xmalloc(sizeof(*m));
	memcpy(m, &d.m, sizeof(*m));
	m->refs = 1;
	*out = m;
	return 0;
}

int
cs_manifest_parse(const char *text, size_t n, struct cs_manifest **out, struct cs_err *err)
{
	json_object *json = NULL;
	int rc;

	*out = NULL;
	if ((rc = cs_json_parse(text, n, MAX_DEPTH, &json, err)) < 0)
		return rc;
	return from_json(json, out, err);
}

int
cs_manifest_read(const char *path, struct cs_manifest **out, struct cs_err *err)
{
	json_object *json = NULL;
	struct cs_err inner;
	int rc;

	*out = NULL;
	if ((rc = cs_json_read_file(path, MAX_FILE, &json, err)) < 0)
		return rc;
	if ((rc = from_json(json, out, &inner)) < 0) {
		cs_err_set(err, rc, "%s: %s", path, inner.msg);
		cs_err_hint(err, "%s", inner.hint);
	}
	return rc;
}

struct cs_manifest *
cs_manifest_ref(struct cs_manifest *m)
{
	m->refs++;
	return m;
}

void
cs_manifest_unref(struct cs_manifest *m)
{
	if (m == NULL || --m->refs > 0)
		return;
	json_object_put(m->json);
	cs_arena_fini(&m->mem);
	cs_freep(&m);
}
