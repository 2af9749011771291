/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - from csrelay.conf to a struct cs_conf: defaults, what was written, and what must fit together.
 *
 * A fault in one option does not stop the reading of the next, nor of the files in crm.d; only a file that libconfig cannot
 * parse gives nothing further. What must fit together is checked for options without a fault of their own, since the default
 * that stands in for a faulty value would complain about things nobody wrote.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "conf/crm.h"
#include "conf/field.h"
#include "conf/file.h"
#include "conf/load.h"
#include "util/text.h"

struct load {
	struct cs_conf *conf;
	struct cs_conf_file file;
	struct cs_conf_errors *errs;
	bool faulty[CS_CONF_OPTIONS_MAX];
};

static void
fault(struct load *ld, const config_setting_t *s, const struct cs_opt *o, const char *msg)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf allowed = CS_BUF_INIT(0);

	ld->faulty[cs_opt_index(o)] = true;
	cs_opt_allowed(o, &allowed);
	cs_conf_errors_add(ld->errs, cs_conf_file_place(&ld->file, s), o->key, cs_buf_str(&allowed), "%s", msg);
}

static void
wrong_kind(struct load *ld, const config_setting_t *s, const struct cs_opt *o)
{
	char msg[64];

	snprintf(msg, sizeof(msg), "the value is %s", cs_conf_kind(s));
	fault(ld, s, o, msg);
}

/* ---- one option */
static int
set_secret(struct load *ld, const config_setting_t *s, const struct cs_opt *o, struct cs_err *err)
{
	const char *text = config_setting_get_string(s);
	char *value = NULL;
	size_t len = 0;
	int rc;

	if (text[0] == '\0')
		return cs_conf_set_text(ld->conf, o, "", err);
	if ((rc = cs_conf_secret_read(&ld->file, text, &value, &len, err)) < 0)
		return rc;
	rc = cs_conf_set_text(ld->conf, o, value, err);
	cs_wipe_free(value, len + 1);
	return rc;
}

static int
set_scalar(struct load *ld, const config_setting_t *s, const struct cs_opt *o, struct cs_err *err)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_BOOL:
		return cs_conf_set_bool(ld->conf, o, config_setting_get_bool(s), err);
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return cs_conf_set_int(ld->conf, o, config_setting_get_int64(s), err);
	default:
		if (cs_opt_is_secret(o))
			return set_secret(ld, s, o, err);
		return cs_conf_set_text(ld->conf, o, config_setting_get_string(s), err);
	}
}

/* May a value written like this stand for this option at all? */
static bool
kind_fits(const config_setting_t *s, const struct cs_opt *o)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_BOOL:
		return o->type == CS_OPT_BOOL;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return o->type == CS_OPT_INT || o->type == CS_OPT_SIZE || o->type == CS_OPT_DURATION;
	case CONFIG_TYPE_STRING:
		return !cs_opt_is_list(o) && o->type != CS_OPT_BOOL && o->type != CS_OPT_INT;
	case CONFIG_TYPE_ARRAY:
	case CONFIG_TYPE_LIST:
		return cs_opt_is_list(o);
	default:
		return false;
	}
}

/* Items of a list under way: texts of their own, wiped afterwards since they may be secrets. */
struct items {
	char **v;
	size_t n;
};

static void
items_fini(struct items *it)
{
	for (size_t i = 0; i < it->n; i++)
		cs_wipe_free(it->v[i], 0);
	free(it->v);
}

static void
items_add(struct items *it, const char *s, size_t n)
{
	it->v = cs_xrealloc(it->v, (it->n + 1) * sizeof(*it->v));
	it->v[it->n++] = cs_xstrndup(s, n);
}

/* A file of keys holds one per line; empty lines and comments are skipped. */
static void
items_add_lines(struct items *it, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\r\n");

		if (n > 0 && text[0] != '#')
			items_add(it, text, n);
		text += n;
		text += strspn(text, "\r\n");
	}
}

static int
items_read(struct load *ld, const struct cs_opt *o, const char *text, struct items *it, struct cs_err *err)
{
	char *value = NULL;
	size_t len = 0;
	int rc;

	if (!cs_opt_is_secret(o) && !(o->type == CS_OPT_KEYS && text[0] == '@')) {
		items_add(it, text, strlen(text));
		return 0;
	}
	if ((rc = cs_conf_secret_read(&ld->file, text, &value, &len, err)) < 0)
		return rc;
	if (o->type == CS_OPT_KEYS)
		items_add_lines(it, value);
	else
		items_add(it, value, len);
	cs_wipe_free(value, len + 1);
	return 0;
}

static void
set_list(struct load *ld, const config_setting_t *s, const struct cs_opt *o)
{
	CS_CLEANUP(items_fini) struct items it = { NULL, 0 };
	struct cs_err err = { 0 };
	int rc = 0;

	for (int i = 0; i < config_setting_length(s); i++) {
		const config_setting_t *item = config_setting_get_elem(s, (unsigned)i);

		if (config_setting_type(item) != CONFIG_TYPE_STRING) {
			wrong_kind(ld, item, o);
			rc = -1;
		} else if (items_read(ld, o, config_setting_get_string(item), &it, &err) < 0) {
			fault(ld, item, o, err.msg);
			rc = -1;
		}
	}
	if (rc == 0 && cs_conf_set_items(ld->conf, o, (const char *const *)it.v, it.n, &err) < 0)
		fault(ld, s, o, err.msg);
}

static void
set_option(struct load *ld, const config_setting_t *s, const struct cs_opt *o)
{
	struct cs_err err = { 0 };

	ld->conf->places[cs_opt_index(o)] = cs_conf_file_place(&ld->file, s);
	if (!kind_fits(s, o))
		wrong_kind(ld, s, o);
	else if (cs_opt_is_list(o))
		set_list(ld, s, o);
	else if (set_scalar(ld, s, o, &err) < 0)
		fault(ld, s, o, err.msg);
}

/* ---- the groups of csrelay.conf */
static void
unknown(struct load *ld, const config_setting_t *s, const char *what, const char *name, const char *meant)
{
	int n = meant != NULL ? (int)strcspn(meant, strcmp(what, "group") == 0 ? "." : "") : 0;

	cs_conf_errors_add(ld->errs, cs_conf_file_place(&ld->file, s), name, NULL, "unknown %s%s%.*s%s", what,
	                   n > 0 ? "; did you mean \"" : "", n, n > 0 ? meant : "", n > 0 ? "\"?" : "");
}

static void
read_group(struct load *ld, const config_setting_t *group)
{
	const char *name = config_setting_name(group);
	char key[160];

	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		cs_conf_errors_add(ld->errs, cs_conf_file_place(&ld->file, group), name, "a group such as NAME : { ... };",
		                   "this is the name of a group, and the value is %s", cs_conf_kind(group));
		return;
	}
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
		const struct cs_opt *o;

		snprintf(key, sizeof(key), "%s.%.120s", name, config_setting_name(s));
		if ((o = cs_opt_find(key)) != NULL)
			set_option(ld, s, o);
		else
			unknown(ld, s, "option", key, cs_opt_nearest(key));
	}
}

static void
read_options(struct load *ld)
{
	const config_setting_t *root = config_root_setting(&ld->file.cfg);

	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
		const char *name = config_setting_name(s);
		const struct cs_opt *o = cs_opt_find(name);

		if (o != NULL)
			set_option(ld, s, o);
		else if (cs_opt_is_group(name))
			read_group(ld, s);
		else if (config_setting_type(s) == CONFIG_TYPE_GROUP)
			unknown(ld, s, "group", name, cs_opt_nearest_group(name));
		else
			unknown(ld, s, "option", name, cs_opt_nearest(name));
	}
}

static void
set_defaults(struct load *ld)
{
	struct cs_err err = { 0 };

	for (size_t i = 0; i < cs_opts_n; i++)
		if (cs_conf_set_default(ld->conf, &cs_opts[i], &err) < 0) /* a bug in the table */
			cs_conf_errors_add(ld->errs, (struct cs_conf_place){ NULL, 0 }, cs_opts[i].key, NULL,
			                   "the default does not fit: %s", err.msg);
}

/* ---- what must fit together */
static bool
is_faulty(const struct load *ld, const char *key)
{
	return ld->faulty[cs_opt_index(cs_opt_find(key))];
}

static void
misfit(struct load *ld, const char *key, const char *allowed, const char *msg)
{
	struct cs_conf_place at = cs_conf_option_place(ld->conf, key);

	if (at.file == NULL)
		at.file = ld->file.path;
	cs_conf_errors_add(ld->errs, at, key, allowed, "%s", msg);
}

static void
check_listener(struct load *ld, const char *key, const struct cs_conf_listen *l)
{
	bool tls = ld->conf->tls.cert[0] != '\0' || is_faulty(ld, "tls.cert");
	bool behind_proxy = ld->conf->behind_proxy || is_faulty(ld, "behind_proxy");

	if (is_faulty(ld, key))
		return;
	if (l->text[0] == '\0')
		misfit(ld, key, "an address with port, or unix:/PATH", "the address is empty");
	else if (!l->is_unix && !l->is_loopback && !tls && !behind_proxy)
		misfit(ld, key, "a loopback address, a unix socket, tls.cert with tls.key, or behind_proxy = true",
		       "others can reach this address, and it would speak plain HTTP");
}

static bool
same_address(const struct cs_conf_listen *a, const struct cs_conf_listen *b)
{
	return a->text[0] != '\0' && strcmp(a->text, b->text) == 0 && (a->is_unix || strcmp(strrchr(a->text, ':'), ":0") != 0);
}

static void
check_listeners(struct load *ld)
{
	struct cs_conf *c = ld->conf;
	bool own_hooks = c->listen.hooks.text[0] != '\0';

	if (!own_hooks)
		c->listen.hooks = c->listen.admin;
	check_listener(ld, "listen.intake", &c->listen.intake);
	check_listener(ld, "listen.admin", &c->listen.admin);
	if (own_hooks)
		check_listener(ld, "listen.hooks", &c->listen.hooks);
	if (!c->listen.control.is_unix && !is_faulty(ld, "listen.control"))
		misfit(ld, "listen.control", "unix:/PATH", "the control socket is not a unix socket");
	if (same_address(&c->listen.intake, &c->listen.admin) || same_address(&c->listen.intake, &c->listen.hooks))
		misfit(ld, "listen.intake", "an address of its own", "admin or hooks listen there, too");
	if (same_address(&c->listen.control, &c->listen.admin) || same_address(&c->listen.control, &c->listen.intake) ||
	    same_address(&c->listen.control, &c->listen.hooks))
		misfit(ld, "listen.control", "a path of its own", "another listener has the same path");
}

static void
check_pair(struct load *ld, const char *key, const char *a, const char *other, const char *b)
{
	char msg[96];

	if (a[0] == '\0' || b[0] != '\0' || is_faulty(ld, key) || is_faulty(ld, other))
		return;
	snprintf(msg, sizeof(msg), "%s is missing", other);
	misfit(ld, key, "both or neither", msg);
}

static void
check_order(struct load *ld, const char *low_key, int64_t low, const char *high_key, int64_t high)
{
	char msg[96];

	if (low <= high || is_faulty(ld, low_key) || is_faulty(ld, high_key))
		return;
	snprintf(msg, sizeof(msg), "the value is above that of %s", high_key);
	misfit(ld, low_key, NULL, msg);
}

static void
check_mail(struct load *ld)
{
	const struct cs_conf *c = ld->conf;

	check_pair(ld, "alerts.mail_url", c->alerts.mail_url, "alerts.mail_from", c->alerts.mail_from);
	check_pair(ld, "alerts.mail_user", c->alerts.mail_user, "alerts.mail_password", c->alerts.mail_password);
	check_pair(ld, "alerts.mail_password", c->alerts.mail_password, "alerts.mail_user", c->alerts.mail_user);
	if (c->alerts.mail_from[0] != '\0' && !cs_is_mail_address(c->alerts.mail_from))
		misfit(ld, "alerts.mail_from", "a mail address", "it is none");
	for (size_t i = 0; i < c->alerts.mail_to.n; i++)
		if (!cs_is_mail_address(c->alerts.mail_to.v[i]))
			misfit(ld, "alerts.mail_to", "mail addresses", "one of them is none");
	if (c->alerts.mail_url[0] != '\0' && c->alerts.mail_to.n == 0 && !is_faulty(ld, "alerts.mail_to"))
		misfit(ld, "alerts.mail_url", "with alerts.mail_to", "alerts.mail_to is missing");
	if (c->alerts.mail_user[0] != '\0' && strncmp(c->alerts.mail_url, "smtp://", 7) == 0 &&
	    c->alerts.mail_starttls != CS_CONF_TLS_REQUIRED)
		misfit(ld, "alerts.mail_user", "only over TLS", "alerts.mail_starttls is not \"required\": the password could be read on the way");
}

static void
check_together(struct load *ld)
{
	const struct cs_conf *c = ld->conf;

	check_listeners(ld);
	check_pair(ld, "tls.cert", c->tls.cert, "tls.key", c->tls.key);
	check_pair(ld, "tls.key", c->tls.key, "tls.cert", c->tls.cert);
	check_pair(ld, "alerts.webhook", c->alerts.webhook, "alerts.webhook_secret", c->alerts.webhook_secret);
	check_pair(ld, "callsetter.url_refresh", c->callsetter.url_refresh, "callsetter.secret", c->callsetter.secret);
	check_mail(ld);
	check_order(ld, "limits.lead_size", c->limits.lead_size, "limits.batch_size", c->limits.batch_size);
	check_order(ld, "limits.batch_size", c->limits.batch_size, "limits.bodies", c->limits.bodies);
	check_order(ld, "limits.hook_size", c->limits.hook_size, "limits.bodies", c->limits.bodies);
	check_order(ld, "limits.answer_size", c->limits.answer_size, "limits.answers", c->limits.answers);
	check_order(ld, "http.connect_timeout", c->http.connect_timeout, "http.total_timeout", c->http.total_timeout);
	check_order(ld, "breaker.first_pause", c->breaker.first_pause, "breaker.longest_pause", c->breaker.longest_pause);
	check_order(ld, "store.keep_delivered", c->store.keep_delivered, "store.keep_identities", c->store.keep_identities);
	check_order(ld, "schedule.in_flight_per_connection", c->schedule.in_flight_per_connection,
	            "schedule.in_flight_per_crm", c->schedule.in_flight_per_crm);
	check_order(ld, "schedule.in_flight_per_crm", c->schedule.in_flight_per_crm, "schedule.in_hand_max",
	            c->schedule.in_hand_max);
}

/* ---- the whole */
static char *
folder_of(struct cs_conf *conf, const char *file)
{
	const char *slash = strrchr(file, '/');

	if (slash == NULL)
		return cs_arena_strdup(&conf->mem, ".");
	return cs_arena_strndup(&conf->mem, file, slash == file ? 1 : (size_t)(slash - file));
}

static void
find_key_file(struct cs_conf *conf)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	const char *path = NULL;

	if (conf->vault.key_file[0] != '\0')
		return;
	if (credentials != NULL && credentials[0] == '/')
		path = cs_arena_printf(&conf->mem, "%s/master.key", credentials);
	if (path == NULL || access(path, F_OK) != 0)
		path = cs_arena_printf(&conf->mem, "%s/master.key", folder_of(conf, conf->file));
	conf->vault.key_file = path;
}

static void
read_main(struct load *ld, const char *path)
{
	set_defaults(ld);
	if (cs_conf_file_open(&ld->file, path, ld->conf, ld->errs) == 0) {
		read_options(ld);
		check_together(ld);
	}
	cs_conf_file_close(&ld->file);
	find_key_file(ld->conf);
}

int
cs_conf_load(const char *main_file, struct cs_conf **out, struct cs_conf_errors *errs)
{
	struct load ld = { .conf = cs_conf_new(main_file), .errs = errs };
	size_t before = errs->n;

	*out = NULL;
	read_main(&ld, main_file);
	cs_conf_read_crms(ld.conf, cs_arena_printf(&ld.conf->mem, "%s/crm.d", folder_of(ld.conf, main_file)), errs);
	if (errs->n > before) {
		cs_conf_unref(ld.conf);
		return CS_EINVAL;
	}
	*out = ld.conf;
	return 0;
}

size_t
cs_conf_needs_restart(const struct cs_conf *old, const struct cs_conf *fresh, struct cs_buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < cs_opts_n; i++) {
		CS_CLEANUP(cs_buf_fini) struct cs_buf a = CS_BUF_INIT(0);
		CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

		if (!cs_opts[i].restart)
			continue;
		cs_conf_print_value(old, &cs_opts[i], &a);
		cs_conf_print_value(fresh, &cs_opts[i], &b);
		if (strcmp(cs_buf_str(&a), cs_buf_str(&b)) == 0)
			continue;
		cs_buf_printf(out, "%s\n", cs_opts[i].key);
		n++;
	}
	return n;
}
