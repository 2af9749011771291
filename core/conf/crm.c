/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crm.c - crm.d/NAME.conf.
 *
 *   enabled = true;
 *   settings : { note = "long"; };                      for all connections of this CRM
 *   secrets : { client_secret = "@file:/..."; };
 *   connections = ( { name = "acme"; account = "acct_xyz"; settings : { ... }; ... } );
 *
 * Settings and secrets are carried with the place where they were written; what they must be is in the plugin's manifest,
 * and the core checks that when it has read it. Secrets of a CRM that is not enabled are not read, so that a sample loads.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "conf/crm.h"
#include "conf/file.h"
#include "util/map.h"
#include "util/nearest.h"
#include "util/text.h"

#define SUFFIX ".conf"
#define ZONES "/usr/share/zoneinfo"
#define OVERRIDES_DEPTH 16

struct reader {
	struct cs_conf *conf;
	struct cs_conf_file file;
	struct cs_conf_errors *errs;
	struct cs_conf_crm *crm;
	char where[96]; /* of the group being read: "connections[0]", or "" */
};

static void fault(struct reader *r, const config_setting_t *s, const char *allowed, const char *fmt, ...)
    CS_PRINTF_LIKE(4, 5);

static void
fault(struct reader *r, const config_setting_t *s, const char *allowed, const char *fmt, ...)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf msg = CS_BUF_INIT(0);
	const char *name = config_setting_name(s) != NULL ? config_setting_name(s) : "";
	char option[192];
	va_list ap;

	va_start(ap, fmt);
	cs_buf_vprintf(&msg, fmt, ap);
	va_end(ap);
	snprintf(option, sizeof(option), "%s%s%.80s", r->where, r->where[0] != '\0' && name[0] != '\0' ? "." : "", name);
	cs_conf_errors_add(r->errs, cs_conf_file_place(&r->file, s), option[0] != '\0' ? option : NULL, allowed, "%s",
	                   cs_buf_str(&msg));
}

/* Every member is one of `words`; others are named, with a guess. */
static void
check_members(struct reader *r, const config_setting_t *group, const char *const *words, size_t n)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
		const char *meant = cs_nearest(config_setting_name(s), words, n);
		bool known = false;

		for (size_t k = 0; k < n && !known; k++)
			known = strcmp(words[k], config_setting_name(s)) == 0;
		if (!known)
			fault(r, s, NULL, "unknown option%s%s%s", meant != NULL ? "; did you mean \"" : "",
			      meant != NULL ? meant : "", meant != NULL ? "\"?" : "");
	}
}

/* The member of that name and type, or NULL; another type is a fault. */
static config_setting_t *
member(struct reader *r, const config_setting_t *group, const char *name, int type, const char *allowed)
{
	config_setting_t *s = config_setting_get_member(group, name);

	if (s == NULL || config_setting_type(s) == type)
		return s;
	if (type == CONFIG_TYPE_LIST && config_setting_type(s) == CONFIG_TYPE_ARRAY)
		return s;
	fault(r, s, allowed, "the value is %s", cs_conf_kind(s));
	return NULL;
}

static bool
read_bool(struct reader *r, const config_setting_t *group, const char *name, bool dflt)
{
	const config_setting_t *s = member(r, group, name, CONFIG_TYPE_BOOL, "true or false");

	return s != NULL ? config_setting_get_bool(s) != 0 : dflt;
}

/* Text of at most `max` bytes; `extra` (may be NULL: anything) are the characters allowed besides letters and digits. */
static const char *
read_text(struct reader *r, const config_setting_t *group, const char *name, size_t max, const char *extra,
          const char *allowed)
{
	const config_setting_t *s = member(r, group, name, CONFIG_TYPE_STRING, allowed);
	const char *text = s != NULL ? config_setting_get_string(s) : "";

	if (text[0] != '\0' && (strlen(text) > max || (extra != NULL && !cs_is_ident(text, max, extra)))) {
		fault(r, s, allowed, "\"%.60s\" is too long or holds other characters", text);
		return "";
	}
	return cs_arena_strdup(&r->conf->mem, text);
}

/* ---- settings and secrets */
/* Faults are told of "WHERE.name" until leave() with what enter() returned. */
static size_t
enter(struct reader *r, const char *name)
{
	size_t n = strlen(r->where);

	snprintf(r->where + n, sizeof(r->where) - n, "%s%s", n > 0 ? "." : "", name);
	return n;
}

static void
leave(struct reader *r, size_t n)
{
	r->where[n] = '\0';
}

static void
read_settings(struct reader *r, const config_setting_t *group, struct cs_conf_values *v)
{
	const config_setting_t *s = member(r, group, "settings", CONFIG_TYPE_GROUP, "a group such as { key = value; }");
	int n = s != NULL ? config_setting_length(s) : 0;
	size_t before;

	before = enter(r, "settings");
	v->settings = json_object_new_object();
	v->places = cs_arena_alloc(&r->conf->mem, ((size_t)n + 1) * sizeof(*v->places));
	for (int i = 0; i < n; i++) {
		const config_setting_t *child = config_setting_get_elem(s, (unsigned)i);
		struct cs_err err = { 0 };
		json_object *value = cs_conf_to_json(child, &err);

		if (value == NULL) {
			fault(r, child, NULL, "%s", err.msg);
			continue;
		}
		json_object_object_add(v->settings, config_setting_name(child), value);
		v->places[v->n_places++] = (struct cs_conf_setting){
			cs_arena_strdup(&r->conf->mem, config_setting_name(child)), cs_conf_file_place(&r->file, child)
		};
	}
	leave(r, before);
}

static void
read_secret(struct reader *r, const config_setting_t *s, struct cs_conf_secret *out)
{
	struct cs_err err = { 0 };
	const char *text;
	char *value = NULL;
	int rc;

	if (config_setting_type(s) != CONFIG_TYPE_STRING) {
		fault(r, s, "\"@file:/PATH\"", "the value is %s", cs_conf_kind(s));
		return;
	}
	text = config_setting_get_string(s);
	rc = r->crm->enabled ? cs_conf_secret_read(&r->file, text, &value, &out->len, &err) :
	                       cs_conf_secret_allowed(&r->file, text, &err);
	if (rc < 0)
		fault(r, s, "\"@file:/PATH\"", "%s", err.msg);
	if (value == NULL)
		return;
	out->value = cs_conf_hold_secret(r->conf, value, out->len);
	cs_wipe_free(value, out->len + 1);
}

static void
read_secrets(struct reader *r, const config_setting_t *group, struct cs_conf_values *v)
{
	const config_setting_t *s = member(r, group, "secrets", CONFIG_TYPE_GROUP, "a group such as { key = \"@file:/PATH\"; }");
	int n = s != NULL ? config_setting_length(s) : 0;
	size_t before;

	before = enter(r, "secrets");
	v->secrets = cs_arena_alloc(&r->conf->mem, ((size_t)n + 1) * sizeof(*v->secrets));
	for (int i = 0; i < n; i++) {
		const config_setting_t *child = config_setting_get_elem(s, (unsigned)i);
		struct cs_conf_secret *out = &v->secrets[v->n_secrets++];

		out->name = cs_arena_strdup(&r->conf->mem, config_setting_name(child));
		out->at = cs_conf_file_place(&r->file, child);
		read_secret(r, child, out);
	}
	leave(r, before);
}

/* ---- one connection */
static const struct {
	const char *word;
	unsigned bit;
} subscriptions[] = {
	{ "routed", CS_CONF_SUB_ROUTED },
	{ "all", CS_CONF_SUB_ALL },
	{ "unqualified", CS_CONF_SUB_UNQUALIFIED },
	{ "events", CS_CONF_SUB_EVENTS },
};

/* `s` is the option itself or an item of it; faults are told of the option. */
static unsigned
subscription(struct reader *r, const config_setting_t *option, const config_setting_t *s)
{
	const char *allowed = "\"routed\", \"all\", \"unqualified\", \"events\", or a list of these";
	const char *text = config_setting_get_string(s);

	for (size_t i = 0; text != NULL && i < CS_ARRAY_LEN(subscriptions); i++)
		if (strcmp(subscriptions[i].word, text) == 0)
			return subscriptions[i].bit;
	if (text != NULL)
		fault(r, option, allowed, "\"%.60s\" is not known", text);
	else
		fault(r, option, allowed, "the value is %s", cs_conf_kind(s));
	return CS_CONF_SUB_ROUTED;
}

static unsigned
read_subscribe(struct reader *r, const config_setting_t *group)
{
	const config_setting_t *s = config_setting_get_member(group, "subscribe");
	unsigned bits = 0;

	if (s == NULL)
		return CS_CONF_SUB_ROUTED;
	if (config_setting_type(s) != CONFIG_TYPE_ARRAY && config_setting_type(s) != CONFIG_TYPE_LIST)
		return subscription(r, s, s);
	for (int i = 0; i < config_setting_length(s); i++)
		bits |= subscription(r, s, config_setting_get_elem(s, (unsigned)i));
	return bits;
}

static json_object *
read_overrides(struct reader *r, const config_setting_t *group)
{
	const char *allowed = "a JSON object as text, such as \"{\\\"lead_source\\\": \\\"Phone\\\"}\"";
	const config_setting_t *s = member(r, group, "overrides", CONFIG_TYPE_STRING, allowed);
	const char *text = s != NULL ? config_setting_get_string(s) : "";
	struct cs_err err = { 0 };
	json_object *o = NULL;

	if (text[0] == '\0')
		return NULL;
	if (cs_json_parse(text, strlen(text), OVERRIDES_DEPTH, &o, &err) < 0) {
		fault(r, s, allowed, "%s", err.msg);
		return NULL;
	}
	if (json_object_is_type(o, json_type_object))
		return o;
	fault(r, s, allowed, "the text is JSON, but not an object");
	json_object_put(o);
	return NULL;
}

static const char *
read_timezone(struct reader *r, const config_setting_t *group)
{
	const char *allowed = "a name of the time zone database such as \"America/New_York\"";
	const char *zone = read_text(r, group, "timezone", 64, "_+-/", allowed);
	struct stat st;
	char path[128];

	if (zone[0] == '\0' || stat(ZONES, &st) < 0) /* no database here: nothing to compare with */
		return zone;
	snprintf(path, sizeof(path), ZONES "/%s", zone);
	if (zone[0] == '/' || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		fault(r, config_setting_get_member(group, "timezone"), allowed, "\"%s\" is not a known time zone", zone);
	return zone;
}

static struct cs_conf_list
read_contacts(struct reader *r, const config_setting_t *group)
{
	const char *allowed = "a list of mail addresses such as [ \"ops@example.com\" ]";
	const config_setting_t *s = member(r, group, "contacts", CONFIG_TYPE_LIST, allowed);
	int n = s != NULL ? config_setting_length(s) : 0;
	const char **v = cs_arena_alloc(&r->conf->mem, ((size_t)n + 1) * sizeof(*v));
	size_t have = 0;

	for (int i = 0; i < n; i++) {
		const char *text = config_setting_get_string_elem(s, i);

		if (text == NULL || !cs_is_mail_address(text))
			fault(r, s, allowed, "item %d is no mail address", i + 1);
		else
			v[have++] = cs_arena_strdup(&r->conf->mem, text);
	}
	return (struct cs_conf_list){ v, have };
}

/* The text of a member that must be there. */
static const char *
read_required(struct reader *r, const config_setting_t *group, const char *name, size_t max, const char *extra,
              const char *allowed)
{
	const config_setting_t *s = config_setting_get_member(group, name);
	const char *text = s != NULL ? config_setting_get_string(s) : NULL;

	if (s == NULL || (text != NULL && text[0] == '\0'))
		fault(r, group, allowed, "%s is missing", name);
	return read_text(r, group, name, max, extra, allowed);
}

static const char *
read_account(struct reader *r, const config_setting_t *group)
{
	const config_setting_t *s = config_setting_get_member(group, "account");
	const char *text = s != NULL ? config_setting_get_string(s) : NULL;

	if (text != NULL && strcmp(text, "*") == 0)
		return "*";
	return read_required(r, group, "account", 128, "_.:-", "1 to 128 of A-Z a-z 0-9 _ . : -, or \"*\" for all accounts");
}

static void
read_connection(struct reader *r, const config_setting_t *group, struct cs_conf_connection *c)
{
	static const char *const words[] = { "name", "account", "crm_account_id", "label", "settings", "secrets", "overrides",
		                             "subscribe", "paused", "timezone", "contacts" };

	check_members(r, group, words, CS_ARRAY_LEN(words));
	c->at = cs_conf_file_place(&r->file, group);
	c->name = read_required(r, group, "name", 64, "_-", "1 to 64 of A-Z a-z 0-9 _ -");
	c->account = read_account(r, group);
	c->crm_account_id = read_text(r, group, "crm_account_id", 128, NULL, "text of at most 128 bytes");
	c->label = read_text(r, group, "label", 128, NULL, "text of at most 128 bytes");
	c->timezone = read_timezone(r, group);
	c->subscribe = read_subscribe(r, group);
	c->paused = read_bool(r, group, "paused", false);
	c->overrides = read_overrides(r, group);
	c->contacts = read_contacts(r, group);
	read_settings(r, group, &c->values);
	read_secrets(r, group, &c->values);
}

/* Says which earlier connection has the same key, or takes the key for this one. */
static const struct cs_conf_connection *
taken(struct cs_map *m, const char *key, struct cs_conf_connection *c)
{
	uint64_t hash = cs_hash64_str(key);
	const struct cs_conf_connection *other = cs_map_get(m, hash);

	if (other == NULL)
		cs_map_put(m, hash, c);
	return other;
}

/* Names are unique; so is what a lead is routed by. */
static void
check_unique(struct reader *r, const config_setting_t *group, struct cs_conf_connection *c, struct cs_map *names,
             struct cs_map *routes)
{
	const struct cs_conf_connection *other;
	char route[288];

	if (c->name[0] != '\0' && (other = taken(names, c->name, c)) != NULL)
		fault(r, group, "a name of its own", "the connection in line %d is named \"%s\", too", other->at.line, c->name);
	if (c->account[0] == '\0' || (c->subscribe & CS_CONF_SUB_ROUTED) == 0)
		return;
	snprintf(route, sizeof(route), "%s/%s", c->account, c->crm_account_id); /* an account holds no slash */
	if ((other = taken(routes, route, c)) != NULL)
		fault(r, group, "another account or crm_account_id", "leads for it would fit the connection in line %d as well",
		      other->at.line);
}

static void
read_connections(struct reader *r, const config_setting_t *root)
{
	const char *allowed = "a list of groups such as ( { name = \"acme\"; account = \"acct_xyz\"; } )";
	const config_setting_t *s = member(r, root, "connections", CONFIG_TYPE_LIST, allowed);
	int n = s != NULL ? config_setting_length(s) : 0;
	struct cs_map names, routes;

	cs_map_init(&names);
	cs_map_init(&routes);
	r->crm->connections = cs_arena_alloc(&r->conf->mem, ((size_t)n + 1) * sizeof(*r->crm->connections));
	for (int i = 0; i < n; i++) {
		const config_setting_t *group = config_setting_get_elem(s, (unsigned)i);
		struct cs_conf_connection *c = &r->crm->connections[r->crm->n_connections];

		snprintf(r->where, sizeof(r->where), "connections[%d]", i);
		if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
			fault(r, group, allowed, "the value is %s", cs_conf_kind(group));
			continue;
		}
		r->crm->n_connections++;
		read_connection(r, group, c);
		check_unique(r, group, c, &names, &routes);
	}
	r->where[0] = '\0';
	cs_map_fini(&routes);
	cs_map_fini(&names);
}

/* ---- one file, and the folder */
static void
read_crm(struct cs_conf *conf, const char *folder, const char *name, struct cs_conf_crm *crm, struct cs_conf_errors *errs)
{
	static const char *const words[] = { "enabled", "settings", "secrets", "connections" };
	struct reader r = { .conf = conf, .errs = errs, .crm = crm };
	const config_setting_t *root;

	crm->name = name;
	if (cs_conf_file_open(&r.file, cs_arena_printf(&conf->mem, "%s/%s" SUFFIX, folder, name), conf, errs) == 0) {
		root = config_root_setting(&r.file.cfg);
		crm->at = (struct cs_conf_place){ r.file.path, 0 };
		check_members(&r, root, words, CS_ARRAY_LEN(words));
		crm->enabled = read_bool(&r, root, "enabled", false);
		read_settings(&r, root, &crm->values);
		read_secrets(&r, root, &crm->values);
		read_connections(&r, root);
	}
	cs_conf_file_close(&r.file);
}

static bool
good_name(const char *name)
{
	return strlen(name) <= 64 && name[0] != '\0' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of all NAME.conf; hidden files and those that end otherwise (an editor's copy) are left alone. */
static char **
list_folder(struct cs_conf *conf, const char *folder, DIR *dir, size_t *n, struct cs_conf_errors *errs)
{
	const struct dirent *e;
	char **names = NULL;

	while ((e = readdir(dir)) != NULL) {
		size_t len = strlen(e->d_name);
		char *name;

		if (e->d_name[0] == '.' || len <= strlen(SUFFIX) || strcmp(e->d_name + len - strlen(SUFFIX), SUFFIX) != 0)
			continue;
		name = cs_arena_strndup(&conf->mem, e->d_name, len - strlen(SUFFIX));
		if (!good_name(name)) {
			cs_conf_errors_add(errs,
			                   (struct cs_conf_place){ cs_arena_printf(&conf->mem, "%s/%s", folder, e->d_name), 0 },
			                   NULL, "NAME.conf with a name of a-z 0-9 _", "the file is not named after a plugin");
			continue;
		}
		names = cs_xrealloc(names, (*n + 1) * sizeof(*names));
		names[(*n)++] = name;
	}
	return names;
}

void
cs_conf_read_crms(struct cs_conf *conf, const char *folder, struct cs_conf_errors *errs)
{
	DIR *dir = opendir(folder);
	size_t n = 0;
	char **names;

	if (dir == NULL) {
		if (errno != ENOENT)
			cs_conf_errors_add(errs, (struct cs_conf_place){ folder, 0 }, NULL, NULL, "could not open the folder: %s",
			                   strerror(errno));
		return;
	}
	names = list_folder(conf, folder, dir, &n, errs);
	closedir(dir);
	if (n > 0)
		qsort(names, n, sizeof(*names), by_name);
	conf->crms = cs_arena_alloc(&conf->mem, (n + 1) * sizeof(*conf->crms));
	for (size_t i = 0; i < n; i++) {
		read_crm(conf, folder, names[i], &conf->crms[i], errs);
		conf->n_crms++;
	}
	free(names);
}
