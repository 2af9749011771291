/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conversation.c - read a conversation, run it in all modes, compare what came out.
 *
 * A run builds one struct cs_call, calls map and push (or handle_webhook) on it and looks at what the host
 * of host.c wrote down. Faults are collected first and printed once per file and text, because one mistake
 * shows up in many runs.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "check/run.h"
#include "util/clock.h"

#define FILE_MAX (1u << 20)
#define DEFAULT_NOW "2026-05-26T14:32:01Z"

const char *
cs_check_outcome(int32_t outcome)
{
	static const char *const names[] = { "done", "retry", "reject", "reauth", "wait", "unknown",
	    "unsupported" };

	return outcome >= 0 && (size_t)outcome < CS_ARRAY_LEN(names) ? names[outcome] : "invalid";
}

void
cs_check_fault(struct cs_call *c, const char *fmt, ...)
{
	struct cs_buf b = CS_BUF_INIT(4096);
	va_list ap;

	va_start(ap, fmt);
	cs_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	json_object_array_add(c->faults, json_object_new_string(cs_buf_str(&b)));
	cs_buf_fini(&b);
}

/* ---- matching */
static bool
match_text(const char *want, json_object *have)
{
	const char *s;

	if (!json_object_is_type(have, json_type_string))
		return false;
	s = json_object_get_string(have);
	return want[0] == '~' ? strstr(s, want + 1) != NULL : strcmp(want, s) == 0;
}

bool
cs_check_match(struct cs_call *c, json_object *want, json_object *have, const char *at, const char **where)
{
	*where = at;
	if (json_object_is_type(want, json_type_object)) {
		if (!json_object_is_type(have, json_type_object))
			return false;
		json_object_object_foreach(want, key, value)
			if (!cs_check_match(c, value, cs_json_get(have, key),
			    cs_arena_printf(&c->mem, "%s/%s", at, key), where))
				return false;
		*where = at;
		return true;
	}
	if (json_object_is_type(want, json_type_array)) {
		size_t n = json_object_array_length(want);

		if (!json_object_is_type(have, json_type_array) || json_object_array_length(have) != n)
			return false;
		for (size_t i = 0; i < n; i++)
			if (!cs_check_match(c, json_object_array_get_idx(want, i),
			    json_object_array_get_idx(have, i),
			                    cs_arena_printf(&c->mem, "%s/%zu", at, i), where))
				return false;
		return true;
	}
	if (json_object_is_type(want, json_type_string))
		return match_text(json_object_get_string(want), have);
	return json_object_equal(want, have);
}

static void
expect_match(struct cs_call *c, const char *key, json_object *have)
{
	json_object *want = cs_json_get(c->script, key);
	const char *where = "";

	if (want && !cs_check_match(c, want, have, "", &where))
		cs_check_fault(c, "%s differs at \"%s\": %s", key, where, cs_json_text(have));
}

static void
expect_words(struct cs_call *c, const char *key, const char *have, bool must_be_none)
{
	const char *want = cs_json_str(c->script, key, NULL);

	if (want ? strstr(have, want) == NULL : must_be_none && *have)
		cs_check_fault(c, "%s: expected \"%s\", got \"%s\"", key, want ? want : "", have);
}

/* ---- one run */
static json_object *
object_or_new(json_object *o)
{
	return o ? json_object_get(o) : json_object_new_object();
}

static json_object *
copy_of(json_object *o)
{
	return cs_json_merge_patch(NULL, o);
}

/* The script's settings over the manifest's defaults, checked as an operator's are; new. */
static json_object *
all_settings(struct cs_call *c, json_object *given)
{
	json_object *out = NULL;
	struct cs_err err = { 0 };

	if (cs_manifest_settings(c->plugin->rows, given, &out, &err) == 0)
		return out;
	cs_check_fault(c, "settings: %s", err.msg);
	return object_or_new(given);
}

static void
call_init(struct cs_call *c, const struct cs_check_plugin *p, json_object *script, enum cs_check_mode mode)
{
	const char *now = cs_json_str(script, "now", DEFAULT_NOW);
	json_object *receipts = object_or_new(cs_json_get(script, "receipts"));
	json_object *facts = object_or_new(cs_json_get(script, "facts"));

	*c = (struct cs_call){ .plugin = p, .script = script, .mode = mode };
	cs_arena_init(&c->mem);
	cs_buf_init(&c->reason, 64 << 10);
	cs_buf_init(&c->warnings, 64 << 10);
	cs_time_parse(now, strlen(now), true, &c->now_ms, NULL);
	c->receipts = copy_of(receipts);
	c->receipts_before = copy_of(receipts);
	c->facts = copy_of(facts);
	c->looked = json_object_new_object();
	c->records = json_object_new_array();
	c->emitted = json_object_new_array();
	c->faults = json_object_new_array();
	c->settings = all_settings(c, cs_json_get(script, "settings"));
	json_object_put(receipts);
	json_object_put(facts);
}

static void
call_fini(struct cs_call *c)
{
	json_object *all[] = { c->settings, c->receipts, c->receipts_before, c->facts, c->looked, c->records,
	    c->emitted, c->faults,
		c->cursor };

	for (size_t i = 0; i < CS_ARRAY_LEN(all); i++)
		json_object_put(all[i]);
	cs_buf_fini(&c->reason);
	cs_buf_fini(&c->warnings);
	cs_arena_fini(&c->mem);
}

static int32_t
named(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return (int32_t)i;
	return -1;
}

/* Run map, take its one emission as the document, lay the overrides on it. New, or NULL. */
static json_object *
document_of(struct cs_call *c)
{
	struct cs_map_in in = { .struct_size = sizeof(in), .host = &cs_check_host, .lead = c->lead };
	json_object *doc = NULL, *overrides = cs_json_get(c->script, "overrides");
	int32_t rc;

	c->pure = true;
	rc = c->plugin->v1->map(NULL, c, &in);
	c->pure = false;
	if (rc != CS_DONE || json_object_array_length(c->emitted) > 1)
		cs_check_fault(c, "map returned %s and emitted %zu documents", cs_check_outcome(rc),
		               json_object_array_length(c->emitted));
	if (json_object_array_length(c->emitted) > 0)
		doc = json_object_get(json_object_array_get_idx(c->emitted, 0));
	json_object_array_del_idx(c->emitted, 0, json_object_array_length(c->emitted));
	if (c->mode == CS_CHECK_PLAIN)
		expect_match(c, "document", doc);
	if (overrides) {
		json_object *merged = cs_json_merge_patch(doc, overrides);

		json_object_put(doc);
		doc = merged;
	}
	return doc;
}

static int32_t
run_push(struct cs_call *c)
{
	static const char *const kinds[] = { "lead", "identify", "choices", "test", "fetch" };
	struct cs_delivery d = { .struct_size = sizeof(d), .host = &cs_check_host, .delivery_id = "dlv_1",
	    .attempt = 1,
		.lead = c->lead, .what = cs_json_str(c->script, "what", "") };
	json_object *doc = NULL;
	int32_t rc;

	d.kind = named(cs_json_str(c->script, "kind", "lead"), kinds, CS_ARRAY_LEN(kinds));
	json_object_object_foreach(c->receipts, step, value) {
		(void)step;
		d.may_exist |= json_object_is_type(value, json_type_object);
	}
	if (d.kind == CS_PUSH_LEAD || d.kind == CS_PUSH_TEST)
		doc = document_of(c);
	if (doc && !cs_json_get(c->script, "overrides"))
		d.document = c->last_emit;
	else if (doc)
		d.document = (struct cs_bytes){ cs_json_text(doc), strlen(cs_json_text(doc)) };
	rc = c->plugin->v1->push ? c->plugin->v1->push(NULL, c, &d) : CS_UNSUPPORTED;
	json_object_put(doc);
	return rc;
}

static int32_t
run_hook(struct cs_call *c, json_object *hook)
{
	static const char *const kinds[] = { "received", "poll", "subscribe", "renew", "unsubscribe" };
	const char *body = cs_json_get(hook, "body") ? cs_json_text(cs_json_get(hook, "body")) : "";
	const char *cursor = cs_json_get(hook, "cursor") ? cs_json_text(cs_json_get(hook, "cursor")) : "";
	struct cs_webhook w = { .struct_size = sizeof(w), .host = &cs_check_host,
	    .body = { body, strlen(body) }, .query = "",
		.channel = "", .cursor = { cursor, strlen(cursor) }, .is_verified = 1 };

	w.kind = named(cs_json_str(hook, "kind", ""), kinds, CS_ARRAY_LEN(kinds));
	return c->plugin->v1->handle_webhook ? c->plugin->v1->handle_webhook(NULL, c, &w) : CS_UNSUPPORTED;
}

static int32_t
run_call(struct cs_call *c)
{
	json_object *hook = cs_json_get(c->script, "hook");
	int32_t rc = hook ? run_hook(c, hook) : run_push(c);

	if (strcmp(cs_check_outcome(rc), "invalid") == 0)
		cs_check_fault(c, "returned %d, which is no outcome", (int)rc);
	return rc;
}

static void
compare_results(struct cs_call *c, int32_t rc)
{
	json_object *calls = cs_json_get(c->script, "calls");
	const char *want = cs_json_str(c->script, "outcome", "done");

	if (strcmp(want, cs_check_outcome(rc)) != 0)
		cs_check_fault(c, "outcome is %s (%s), expected %s", cs_check_outcome(rc),
		    cs_buf_str(&c->reason), want);
	if (calls && c->next < json_object_array_length(calls))
		cs_check_fault(c, "only %zu of %zu requests were made", c->next,
		    json_object_array_length(calls));
	expect_words(c, "reason", cs_buf_str(&c->reason), false);
	expect_words(c, "warnings", cs_buf_str(&c->warnings), true);
	expect_match(c, "receipts_after", c->receipts);
	expect_match(c, "records", c->records);
	expect_match(c, "events", c->emitted);
	expect_match(c, "facts_after", c->facts);
	expect_match(c, "cursor_after", c->cursor);
	if (cs_json_int(c->script, "retry_after_ms", c->retry_after_ms) != c->retry_after_ms)
		cs_check_fault(c, "retry_after is %lld ms", (long long)c->retry_after_ms);
}

/* ---- all runs of one file */
struct one_file {
	const struct cs_check_plugin *plugin;
	json_object *script, *lead, *other_lead;
	json_object *seen; /* faults printed already */
	const char *name;
	FILE *out;
	struct cs_check_count *count;
};

static void
report(struct one_file *f, const struct cs_call *c, const char *mode)
{
	for (size_t i = 0; i < json_object_array_length(c->faults); i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(c->faults, i));

		if (json_object_object_get_ex(f->seen, text, NULL))
			continue;
		json_object_object_add(f->seen, text, NULL);
		fprintf(f->out, "%s (%s): %s\n", f->name, mode, text);
		f->count->failures++;
	}
}

/* Returns how many requests were made. */
static size_t
run(struct one_file *f, enum cs_check_mode mode, size_t ugly_at, size_t ugly_kind)
{
	static const char *const modes[] = { "as scripted", "receipts as before", "interleaved",
	    "ugly answer", "in between" };
	struct cs_call c;
	size_t requests;
	int32_t rc;

	call_init(&c, f->plugin, f->script, mode);
	c.ugly_at = ugly_at;
	c.ugly_kind = ugly_kind;
	c.lead = cs_check_lead(&c, mode == CS_CHECK_OTHER ? f->other_lead : f->lead);
	rc = run_call(&c);
	if (mode <= CS_CHECK_INTERLEAVED)
		compare_results(&c, rc);
	report(f, &c, modes[mode]);
	f->count->runs++;
	requests = c.next;
	call_fini(&c);
	return requests;
}

void
cs_check_run_other(struct cs_call *outer)
{
	struct cs_call c;
	json_object *lead = cs_json_get(outer->script, "other lead");

	call_init(&c, outer->plugin, outer->script, CS_CHECK_OTHER);
	c.lead = cs_check_lead(&c, lead);
	run_call(&c);
	call_fini(&c);
}

static void
run_all(struct one_file *f)
{
	size_t requests = run(f, CS_CHECK_PLAIN, 0, 0);

	run(f, CS_CHECK_SNAPSHOT, 0, 0);
	run(f, CS_CHECK_INTERLEAVED, 0, 0);
	for (size_t at = 0; at < requests; at++)
		for (size_t kind = 0; kind < cs_check_ugly_kinds(); kind++)
			run(f, CS_CHECK_UGLY, at, kind);
}

/* The sample lead with the script's patch; new. */
static json_object *
lead_of(json_object *script)
{
	json_object *sample = json_tokener_parse(cs_check_sample), *patch = cs_json_get(script, "lead");
	json_object *out = patch ? cs_json_merge_patch(sample, patch) : json_object_get(sample);

	json_object_put(sample);
	return out;
}

/* Another caller, for the call in between; it travels with the script. */
static json_object *
other_lead(json_object *lead)
{
	json_object *patch = json_tokener_parse("{\"event_id\":\"99999999-9999-4999-8999-999999999999\",\"contact\":{\"first_name\":\"Otto\","
	                                        "\"phone\":\"+19995550199\",\"email\":\"otto@example.org\"}}");
	json_object *out = cs_json_merge_patch(lead, patch);

	json_object_put(patch);
	return out;
}

void
cs_check_file(const struct cs_check_plugin *p, const char *path, FILE *out, struct cs_check_count *count)
{
	const char *slash = strrchr(path, '/');
	struct one_file f = { .plugin = p, .name = slash ? slash + 1 : path, .out = out, .count = count };
	struct cs_err err = { 0 };

	count->conversations++;
	if (cs_json_read_file(path, FILE_MAX, &f.script, &err) != 0) {
		fprintf(out, "%s: %s\n", f.name, err.msg);
		count->failures++;
		return;
	}
	f.lead = lead_of(f.script);
	f.other_lead = other_lead(f.lead);
	f.seen = json_object_new_object();
	json_object_object_add(f.script, "other lead", f.other_lead);
	run_all(&f);
	json_object_put(f.seen);
	json_object_put(f.lead);
	json_object_put(f.script);
}

static int
is_conversation(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

int
cs_check_dir(const struct cs_check_plugin *p, const char *dir, FILE *out, struct cs_check_count *count,
             struct cs_err *err)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, is_conversation, alphasort);
	char path[PATH_MAX];

	if (n <= 0) {
		free(names);
		return cs_err_set(err, CS_ENOTFOUND, "no conversations in %s", dir);
	}
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		cs_check_file(p, path, out, count);
		free(names[i]);
	}
	free(names);
	return 0;
}

/* ---- the plugin */
static int
check_identity(const struct cs_check_plugin *p, struct cs_err *err)
{
	if (!p->v1 || p->v1->struct_size < sizeof(struct cs_plugin_v1))
		return cs_err_set(err, CS_EINVAL, "%s.so: descriptor is missing or too small", p->name);
	if (strcmp(p->v1->name, p->name) != 0 || strcmp(cs_json_str(p->manifest, "name", ""), p->name) != 0)
		return cs_err_set(err, CS_EINVAL, "%s: name in .so is %s, in .json %s", p->name, p->v1->name,
		                  cs_json_str(p->manifest, "name", "missing"));
	if (strcmp(p->v1->version, cs_json_str(p->manifest, "version", "")) != 0)
		return cs_err_set(err, CS_EINVAL, "%s: version in .so is %s, in .json %s", p->name,
		    p->v1->version,
		                  cs_json_str(p->manifest, "version", "missing"));
	if (!p->v1->map || !p->v1->push)
		return cs_err_set(err, CS_EINVAL, "%s.so: map and push must be there", p->name);
	return 0;
}

int
cs_check_open(struct cs_check_plugin *p, const char *dir, const char *name, struct cs_err *err)
{
	cs_plugin_v1_entry_fn entry;
	char path[PATH_MAX];
	int rc;

	memset(p, 0, sizeof(*p));
	p->name = cs_xstrdup(name);
	snprintf(path, sizeof(path), "%s/%s.json", dir, name);
	if ((rc = cs_manifest_read(path, &p->rows, err)) != 0)
		return rc;
	p->manifest = p->rows->json;
	snprintf(path, sizeof(path), "%s/%s.so", dir, name);
	if (!(p->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)))
		return cs_err_set(err, CS_EINVAL, "%s", dlerror());
	*(void **)&entry = dlsym(p->handle, CS_PLUGIN_V1_ENTRY);
	if (!entry)
		return cs_err_set(err, CS_EINVAL, "%s: no symbol %s", path, CS_PLUGIN_V1_ENTRY);
	p->v1 = entry();
	return check_identity(p, err);
}

void
cs_check_close(struct cs_check_plugin *p)
{
	if (p->rows)
		cs_manifest_unref(p->rows);
	if (p->handle)
		dlclose(p->handle);
	free(p->name);
	memset(p, 0, sizeof(*p));
}
