/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf.h - the configuration in memory: one plain struct, immutable after load, replaced whole on reload.
 *
 * A field is named after its option: "store.min_free" is conf->store.min_free. Times are milliseconds, sizes bytes, texts
 * never NULL ("" is absent). options.c holds the table of options; load.h reads the files. A reader takes a reference
 * (cs_conf_ref) and keeps it for as long as it looks at anything inside. Any thread may read; json_objects inside are
 * shared, too, so take no json-c reference of them, copy or print them.
 */
#ifndef CS_CONF_CONF_H
#define CS_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "conf/errors.h"
#include "util/json.h"
#include "util/mem.h"

#define CS_CONF_OPTIONS_MAX 96

struct cs_conf_list {
	const char *const *v;
	size_t n;
};
struct cs_conf_wait { /* "30 s +- 10 s" */
	int64_t wait_ms, spread_ms;
};
struct cs_conf_waits {
	const struct cs_conf_wait *v;
	size_t n;
};
struct cs_conf_key { /* a bearer key of intake */
	const char *name;
	uint8_t sha256[32]; /* of the key's text */
};
struct cs_conf_keys {
	const struct cs_conf_key *v;
	size_t n;
};
struct cs_conf_listen {
	const char *text; /* as written, "" when not listening */
	bool is_unix, is_loopback;
	const char *path; /* of a unix socket */
	struct sockaddr_storage addr;
	socklen_t addr_len;
};

enum cs_conf_starttls { CS_CONF_TLS_REQUIRED, CS_CONF_TLS_IF_OFFERED, CS_CONF_TLS_OFF };
enum cs_conf_log_format { CS_CONF_LOG_TEXT, CS_CONF_LOG_JSON };

/* ---- a CRM and its static connections (crm.d/NAME.conf) */
struct cs_conf_secret {
	const char *name;
	const char *value; /* NUL behind it; NULL where the CRM is disabled and its secrets are not read */
	size_t len;
	struct cs_conf_place at;
};
struct cs_conf_setting {
	const char *name; /* a member of the settings object beside it */
	struct cs_conf_place at;
};
struct cs_conf_values { /* settings : { } and secrets : { } */
	json_object *settings;          /* an object, never NULL; checked against the manifest by the core, not here */
	struct cs_conf_setting *places; /* one per member of settings */
	size_t n_places;
	struct cs_conf_secret *secrets;
	size_t n_secrets;
};
enum { /* what a connection wants to get; bits */
	CS_CONF_SUB_ROUTED = 1,      /* leads that name it, the default */
	CS_CONF_SUB_ALL = 2,         /* every qualified lead of its account */
	CS_CONF_SUB_UNQUALIFIED = 4, /* unqualified leads of its account */
	CS_CONF_SUB_EVENTS = 8,      /* events that csrelay reports about its account */
};
struct cs_conf_connection {
	const char *name;           /* unique in its CRM */
	const char *account;        /* callsetter_account_id, or "*": all accounts */
	const char *crm_account_id; /* "": none */
	const char *label, *timezone;
	struct cs_conf_values values;
	json_object *overrides; /* an object, or NULL */
	unsigned subscribe;
	bool paused;
	struct cs_conf_list contacts;
	struct cs_conf_place at;
};
struct cs_conf_crm {
	const char *name; /* of the plugin */
	bool enabled;
	struct cs_conf_values values; /* for all connections of this CRM */
	struct cs_conf_connection *connections;
	size_t n_connections;
	struct cs_conf_place at;
};

/* ---- the daemon's options (csrelay.conf) */
struct cs_conf {
	struct {
		struct cs_conf_listen intake, admin, control, hooks; /* hooks: admin's when not set */
	} listen;
	bool behind_proxy;
	const char *public_url; /* without a slash at the end */
	struct {
		const char *cert, *key;
	} tls;
	struct {
		const char *path;
		int64_t min_free, checkpoint_pages, keep_delivered, keep_identities;
	} store;
	struct {
		struct cs_conf_list secrets;
		struct cs_conf_keys keys;
		int64_t tolerance;
	} intake;
	struct {
		struct cs_conf_waits retry;
		int64_t max_wait, in_hand_max, in_flight_per_connection, in_flight_per_crm;
	} schedule;
	struct {
		int64_t per_minute;
		bool automatic;
	} replay;
	struct {
		int64_t failures, first_pause, longest_pause;
	} breaker;
	struct {
		int64_t dead_letters;
		bool canary;
		const char *webhook, *webhook_secret;
		const char *mail_url, *mail_from, *mail_user, *mail_password;
		int mail_starttls; /* enum cs_conf_starttls */
		struct cs_conf_list mail_to;
		int64_t emergency_after;
	} alerts;
	struct {
		int64_t lead_size, batch_size, hook_size, bodies, writer_queue, lead_bytes, answer_size, answers;
		int64_t connections, idle_timeout;
	} limits;
	struct {
		int64_t connect_timeout, total_timeout, connections;
		struct cs_conf_list allow;
		const char *ca_file;
	} http;
	struct {
		const char *url_refresh, *secret;
	} callsetter;
	struct {
		struct cs_conf_list hosts;
	} bridge;
	struct {
		struct cs_conf_list host_allow;
	} admin;
	struct {
		const char *dir;
		bool check_owner, confined;
		int64_t memory, cpu_time;
	} plugins;
	struct {
		const char *key_file;
	} vault;
	struct {
		int level, format; /* enum cs_log_level, enum cs_conf_log_format */
		const char *debug;
	} log;
	struct {
		int64_t grace;
	} shutdown;

	struct cs_conf_crm *crms; /* by name */
	size_t n_crms;

	/* for core/conf only */
	const char *file;
	struct cs_conf_place places[CS_CONF_OPTIONS_MAX]; /* by row of the table; line 0: the default holds */
	struct cs_arena mem;
	struct cs_conf_held *held; /* secrets, wiped on free */
	_Atomic int refs;
};

struct cs_conf *cs_conf_ref(struct cs_conf *conf);
/* The last one frees it and wipes its secrets. NULL is fine. */
void cs_conf_unref(struct cs_conf *conf);

/* NULL when there is no such file. */
const struct cs_conf_crm *cs_conf_crm_find(const struct cs_conf *conf, const char *name);
/* Where a setting was written; the place of `otherwise` when it was not written. */
struct cs_conf_place cs_conf_setting_place(const struct cs_conf_values *v, const char *name, struct cs_conf_place otherwise);
/* NULL when there is none of that name. */
const struct cs_conf_secret *cs_conf_secret_find(const struct cs_conf_values *v, const char *name);
/* Where an option was written; line 0 when its default holds. */
struct cs_conf_place cs_conf_option_place(const struct cs_conf *conf, const char *key);

/* ---- while loading */
/* All options unset (zero); one reference. */
struct cs_conf *cs_conf_new(const char *file);
/* A copy that lives as long as the conf and is wiped with it; a NUL stands behind it. */
const char *cs_conf_hold_secret(struct cs_conf *conf, const char *s, size_t n);

#endif
