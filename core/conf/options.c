/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - the table. Rows of one group stand together, in the order in which people read them.
 *
 * AT() yields the offset of a field and fails to compile when the field is not of the row's type.
 */
#include <inttypes.h>
#include <string.h>
#include "conf/options.h"
#include "conf/value.h"
#include "util/nearest.h"

#define AT(f, T) (offsetof(struct cs_conf, f) + 0 * sizeof(*(1 ? &((struct cs_conf *)0)->f : (T *)0)))
#define ROW(f, t, T) .key = #f, .type = t, .offset = AT(f, T)
#define BOOL(f) ROW(f, CS_OPT_BOOL, bool)
#define INT(f) ROW(f, CS_OPT_INT, int64_t)
#define SIZE(f) ROW(f, CS_OPT_SIZE, int64_t)
#define DURATION(f) ROW(f, CS_OPT_DURATION, int64_t)
#define STRING(f) ROW(f, CS_OPT_STRING, const char *)
#define PATH(f) ROW(f, CS_OPT_PATH, const char *)
#define ENUM(f) ROW(f, CS_OPT_ENUM, int)
#define URL(f) ROW(f, CS_OPT_URL, const char *)
#define LISTEN(f) ROW(f, CS_OPT_LISTEN, struct cs_conf_listen)
#define SECRET(f) ROW(f, CS_OPT_SECRET, const char *)
#define PASSWORD(f) ROW(f, CS_OPT_PASSWORD, const char *)
#define MAIL_URL(f) ROW(f, CS_OPT_MAIL_URL, const char *)
#define SECRETS(f) ROW(f, CS_OPT_SECRETS, struct cs_conf_list)
#define KEYS(f) ROW(f, CS_OPT_KEYS, struct cs_conf_keys)
#define LIST(f) ROW(f, CS_OPT_LIST, struct cs_conf_list)
#define ADDRESSES(f) ROW(f, CS_OPT_ADDRESSES, struct cs_conf_list)
#define WAITS(f) ROW(f, CS_OPT_WAITS, struct cs_conf_waits)

#define KIB (INT64_C(1) << 10)
#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)
#define TIB (INT64_C(1) << 40)

static const char *const levels[] = { "error", "warn", "info", "debug", NULL };
static const char *const starttls[] = { "required", "if_offered", "off", NULL };
static const char *const formats[] = { "text", "json", NULL };

const struct cs_opt cs_opts[] = {
	{ URL(public_url), .dflt = "", .restart = false,
	  .help = "The address under which the world reaches this csrelay; the URLs of webhooks and of sign-in are built from "
	          "it, never from what a caller says in Host." },
	{ BOOL(behind_proxy), .dflt = "false", .restart = true,
	  .help = "A proxy in front of csrelay speaks TLS. Without it, and without tls.cert, csrelay listens on loopback "
	          "addresses and unix sockets only." },

	{ LISTEN(listen.intake), .dflt = "127.0.0.1:8080", .restart = true,
	  .help = "Where leads come in (POST /v1/leads)." },
	{ LISTEN(listen.admin), .dflt = "127.0.0.1:8081", .restart = true,
	  .help = "Where the admin interface, the dashboard, /metrics, /healthz and /readyz are; /openapi.json describes all of it." },
	{ LISTEN(listen.control), .dflt = "unix:" CS_RUN_DIR "/control.sock", .restart = true,
	  .help = "The socket over which csrelay(1) speaks with the daemon; a unix socket, where no key is needed." },
	{ LISTEN(listen.hooks), .dflt = "", .restart = true,
	  .help = "What the world calls: webhooks of CRMs (/hooks), signing in at them (/oauth), the pages for connecting (/connect), and what Zapier, "
	          "Make and n8n call (/v1/bridge). Nothing else of the admin interface is there. Not set: on the address of listen.admin." },

	{ PATH(tls.cert), .dflt = "", .restart = true,
	  .help = "The certificate chain (PEM) for the TCP addresses in listen. Not set: they speak plain HTTP." },
	{ PATH(tls.key), .dflt = "", .restart = true,
	  .help = "The private key (PEM) of tls.cert." },

	{ PATH(store.path), .dflt = CS_STATE_DIR "/csrelay.db", .restart = true,
	  .help = "The SQLite file that holds leads, deliveries and connections. One daemon at a time opens it." },
	{ SIZE(store.min_free), .dflt = "512 MiB", .min = MIB, .max = 16 * TIB, .restart = true,
	  .help = "With less than this free on the disk of the store new leads are answered 503. A tenth of it is kept back so "
	          "that results still find room." },
	{ INT(store.checkpoint_pages), .dflt = "1000", .min = 100, .max = 100000, .unit = "pages", .restart = true,
	  .help = "The write-ahead log is moved into the store when it is longer than this; at four times this length the writer "
	          "waits for it." },
	{ DURATION(store.keep_delivered), .dflt = "30 d", .min = CS_HOUR_MS, .max = 3650 * CS_DAY_MS, .restart = true,
	  .help = "How long a lead and its history are kept after it was delivered or discarded, and how long a webhook that was "
	          "handled is known again. What is not delivered is never removed." },
	{ DURATION(store.keep_identities), .dflt = "400 d", .min = CS_DAY_MS, .max = 3650 * CS_DAY_MS, .restart = true,
	  .help = "How long an event_id is remembered, so that the same lead coming again is not delivered twice." },

	{ SECRETS(intake.secrets), .dflt = "", .min = 0, .max = 8,
	  .help = "The secrets under which leads may be signed (Standard Webhooks). Several overlap while one is being replaced." },
	{ KEYS(intake.keys), .dflt = "", .min = 0, .max = 64,
	  .help = "The bearer keys with which leads may be sent, each as a name and the SHA-256 of the key." },
	{ DURATION(intake.tolerance), .dflt = "5 m", .min = CS_SECOND_MS, .max = CS_DAY_MS,
	  .help = "How far the timestamp of a signature may be from now." },

	{ WAITS(schedule.retry), .dflt = "30 s +- 10 s, 2 m +- 20 s, 10 m +- 1 m, 1 h +- 10 m, 6 h +- 30 m", .min = 1, .max = 16,
	  .help = "How long to wait before each retry, and by how much to vary it. After the last one a delivery is a dead "
	          "letter." },
	{ DURATION(schedule.max_wait), .dflt = "24 h", .min = CS_MINUTE_MS, .max = 30 * CS_DAY_MS,
	  .help = "A delivery that a CRM's limits have held back for this long is a dead letter." },
	{ INT(schedule.in_hand_max), .dflt = "4096", .min = 1, .max = 65536, .unit = "deliveries",
	  .help = "How many deliveries may be in hand at once. After a crash these are the ones in doubt." },
	{ INT(schedule.in_flight_per_connection), .dflt = "8", .min = 1, .max = 1024, .unit = "deliveries",
	  .help = "How many deliveries into one connection run at once." },
	{ INT(schedule.in_flight_per_crm), .dflt = "256", .min = 1, .max = 65536, .unit = "deliveries",
	  .help = "How many deliveries into all connections of one CRM run at once." },

	{ INT(replay.per_minute), .dflt = "10", .min = 1, .max = 6000, .unit = "deliveries",
	  .help = "How many dead letters of one connection are replayed per minute, by hand and by themselves together." },
	{ BOOL(replay.automatic), .dflt = "true",
	  .help = "When a connection or CRM works again, replay the dead letters that were its fault." },

	{ INT(breaker.failures), .dflt = "5", .min = 1, .max = 1000, .unit = "failures",
	  .help = "After so many failures in a row a connection or CRM rests, and one delivery at a time tries it." },
	{ DURATION(breaker.first_pause), .dflt = "5 s", .min = 100, .max = CS_HOUR_MS,
	  .help = "How long the first rest is; each further one is twice as long." },
	{ DURATION(breaker.longest_pause), .dflt = "10 m", .min = 100, .max = CS_DAY_MS,
	  .help = "No rest is longer than this." },

	{ INT(alerts.dead_letters), .dflt = "3", .min = 1, .max = 1000000, .unit = "dead letters",
	  .help = "So many dead letters on one connection raise an alert." },
	{ BOOL(alerts.canary), .dflt = "true",
	  .help = "Look at each connection once a day: are its credentials good, and is what its settings chose still there?" },
	{ URL(alerts.webhook), .dflt = "",
	  .help = "Alerts are sent here, too, as signed webhooks (Standard Webhooks). Not set: log and metrics only." },
	{ SECRET(alerts.webhook_secret), .dflt = "",
	  .help = "The secret that signs them." },
	{ MAIL_URL(alerts.mail_url), .dflt = "",
	  .help = "The server that takes mail about alerts and about emergencies that are not in their CRM: smtp://HOST:PORT, or "
	          "smtps://HOST:PORT for TLS from the start. Not set: no mail." },
	{ ENUM(alerts.mail_starttls), .dflt = "required", .words = starttls,
	  .help = "Whether a connection to smtp:// has to be encrypted before anything is said: \"required\" sends nothing without, "
	          "\"off\" is for a server on this machine." },
	{ STRING(alerts.mail_from), .dflt = "", .max = 254,
	  .help = "The address that mail comes from." },
	{ LIST(alerts.mail_to), .dflt = "", .min = 0, .max = 16,
	  .help = "Who gets mail about alerts, and about emergencies of which no connection is known." },
	{ STRING(alerts.mail_user), .dflt = "", .max = 254,
	  .help = "The name to log in with at that server. Not set: without a login." },
	{ PASSWORD(alerts.mail_password), .dflt = "",
	  .help = "The password for it." },
	{ DURATION(alerts.emergency_after), .dflt = "5 m", .min = CS_SECOND_MS, .max = CS_DAY_MS,
	  .help = "An emergency that is not in its CRM after this long is mailed whole to the contacts of its connection." },

	{ SIZE(limits.lead_size), .dflt = "256 KiB", .min = 4 * KIB, .max = 4 * MIB,
	  .help = "The largest lead, and the longest line of a batch." },
	{ SIZE(limits.batch_size), .dflt = "8 MiB", .min = 64 * KIB, .max = 256 * MIB,
	  .help = "The largest batch of leads (NDJSON)." },
	{ SIZE(limits.hook_size), .dflt = "1 MiB", .min = 4 * KIB, .max = 16 * MIB,
	  .help = "The largest webhook taken from a CRM." },
	{ SIZE(limits.bodies), .dflt = "32 MiB", .min = MIB, .max = 16 * GIB, .restart = true,
	  .help = "How many bytes of requests may be in memory; above it new ones are answered 503." },
	{ INT(limits.writer_queue), .dflt = "4096", .min = 16, .max = 1000000, .unit = "requests",
	  .help = "How many requests may wait for the disk; above it new ones are answered 503." },
	{ SIZE(limits.lead_bytes), .dflt = "16 MiB", .min = MIB, .max = 16 * GIB,
	  .help = "How many bytes of accepted leads are kept in memory; what is over it is read again from the store." },
	{ SIZE(limits.answer_size), .dflt = "1 MiB", .min = 16 * KIB, .max = 64 * MIB, .restart = true,
	  .help = "The largest answer taken from a CRM." },
	{ SIZE(limits.answers), .dflt = "32 MiB", .min = MIB, .max = 16 * GIB, .restart = true,
	  .help = "How many bytes of answers may be in memory; above it requests wait." },
	{ INT(limits.connections), .dflt = "1024", .min = 8, .max = 65536, .unit = "connections", .restart = true,
	  .help = "How many connections each address in listen takes." },
	{ DURATION(limits.idle_timeout), .dflt = "60 s", .min = CS_SECOND_MS, .max = CS_HOUR_MS, .restart = true,
	  .help = "A connection on which nothing moves for this long is closed." },

	{ DURATION(http.connect_timeout), .dflt = "5 s", .min = 100, .max = 5 * CS_MINUTE_MS, .restart = true,
	  .help = "How long a connection to a CRM may take." },
	{ DURATION(http.total_timeout), .dflt = "30 s", .min = 100, .max = 10 * CS_MINUTE_MS, .restart = true,
	  .help = "How long a request to a CRM may take, connection and answer included." },
	{ INT(http.connections), .dflt = "64", .min = 1, .max = 1024, .unit = "connections", .restart = true,
	  .help = "How many connections to CRMs are open at once." },
	{ ADDRESSES(http.allow), .dflt = "", .min = 0, .max = 64,
	  .help = "Addresses with port to which requests may go although they are private, local or plain http. This is how "
	          "the sandbox is reached." },
	{ PATH(http.ca_file), .dflt = "", .restart = true,
	  .help = "Certificates (PEM) to trust in place of the system's." },

	{ URL(callsetter.url_refresh), .dflt = "",
	  .help = "Where to ask for fresh recording and transcript URLs once those in a lead have run out." },
	{ SECRET(callsetter.secret), .dflt = "",
	  .help = "The secret that signs this question." },

	{ LIST(bridge.hosts), .dflt = "", .min = 0, .max = 32,
	  .help = "Hosts to which Zapier, Make or n8n may have leads sent, such as hooks.zapier.com or *.make.com. Not set: any public host "
	          "over https, and what http.allow lists." },

	{ LIST(admin.host_allow), .dflt = "localhost, 127.0.0.1, [::1]", .min = 1, .max = 32,
	  .help = "The names under which a browser may open the dashboard, besides that of public_url." },

	{ PATH(plugins.dir), .dflt = CS_PLUGIN_DIR, .restart = true,
	  .help = "Where NAME.so and NAME.json of each plugin lie." },
	{ BOOL(plugins.check_owner), .dflt = "true", .restart = true,
	  .help = "Refuse a plugin that someone other than root, or the user csrelayd runs as, could have written." },

	{ BOOL(plugins.confined), .dflt = "true", .restart = true,
	  .help = "Each plugin runs in a process of its own, without files, network or secrets. Without it a plugin that crashes takes "
	          "the daemon with it, and can read what the daemon can." },
	{ SIZE(plugins.memory), .dflt = "256 MiB", .min = 16 * MIB, .max = 64 * GIB, .restart = true,
	  .help = "How much memory the process of one plugin may take, besides the stacks of its calls." },
	{ DURATION(plugins.cpu_time), .dflt = "10 s", .min = CS_SECOND_MS, .max = 10 * CS_MINUTE_MS, .restart = true,
	  .help = "A plugin that uses the processor for this long without a request or an end in between is taken to hang, and its "
	          "process is ended." },

	{ PATH(vault.key_file), .dflt = "", .restart = true,
	  .help = "The master key that seals secrets in the store. Not set: master.key in $CREDENTIALS_DIRECTORY if it is there, "
	          "else in the folder of csrelay.conf." },

	{ ENUM(log.level), .dflt = "info", .words = levels,
	  .help = "Which messages are logged." },
	{ ENUM(log.format), .dflt = "text", .words = formats,
	  .help = "One line of key=value pairs, or one JSON object, per message." },
	{ STRING(log.debug), .dflt = "", .max = 256,
	  .help = "Modules that log at debug whatever the level, for example \"deliver,http\"; \"all\" for all of them." },

	{ DURATION(shutdown.grace), .dflt = "20 s", .min = 0, .max = 10 * CS_MINUTE_MS,
	  .help = "How long a stop waits for requests under way. What is not done by then is done after the next start." },
};
const size_t cs_opts_n = CS_ARRAY_LEN(cs_opts);
_Static_assert(CS_ARRAY_LEN(cs_opts) <= CS_CONF_OPTIONS_MAX, "raise CS_CONF_OPTIONS_MAX");

const struct cs_opt *
cs_opt_find(const char *key)
{
	for (size_t i = 0; i < cs_opts_n; i++)
		if (strcmp(cs_opts[i].key, key) == 0)
			return &cs_opts[i];
	return NULL;
}

size_t
cs_opt_index(const struct cs_opt *o)
{
	return (size_t)(o - cs_opts);
}

bool
cs_opt_is_group(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < cs_opts_n; i++)
		if (strncmp(cs_opts[i].key, name, n) == 0 && cs_opts[i].key[n] == '.')
			return true;
	return false;
}

const char *
cs_opt_nearest(const char *key)
{
	const char *keys[CS_CONF_OPTIONS_MAX];

	for (size_t i = 0; i < cs_opts_n; i++)
		keys[i] = cs_opts[i].key;
	return cs_nearest(key, keys, cs_opts_n);
}

const char *
cs_opt_nearest_group(const char *name)
{
	static _Thread_local char groups[CS_CONF_OPTIONS_MAX][24];
	const char *words[CS_CONF_OPTIONS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < cs_opts_n; i++) {
		size_t len = strcspn(cs_opts[i].key, ".");

		if (cs_opts[i].key[len] != '.' || len >= sizeof(groups[0]))
			continue;
		memcpy(groups[n], cs_opts[i].key, len);
		groups[n][len] = '\0';
		words[n] = groups[n];
		n++;
	}
	return cs_nearest(name, words, n);
}

bool
cs_opt_is_list(const struct cs_opt *o)
{
	return o->type == CS_OPT_SECRETS || o->type == CS_OPT_KEYS || o->type == CS_OPT_LIST ||
	       o->type == CS_OPT_ADDRESSES || o->type == CS_OPT_WAITS;
}

bool
cs_opt_is_secret(const struct cs_opt *o)
{
	return o->type == CS_OPT_SECRET || o->type == CS_OPT_SECRETS || o->type == CS_OPT_PASSWORD;
}

static void
allowed_range(const struct cs_opt *o, struct cs_buf *out)
{
	char lo[CS_CONF_VALUE_TEXT], hi[CS_CONF_VALUE_TEXT];

	if (o->type == CS_OPT_DURATION) {
		cs_buf_printf(out, "duration from %s to %s, such as \"90 s\", \"10 m\", \"24 h\" or \"30 d\"",
		              cs_conf_duration_text(o->min, lo), cs_conf_duration_text(o->max, hi));
	} else if (o->type == CS_OPT_SIZE) {
		cs_buf_printf(out, "size from %s to %s, such as \"64 KiB\" or \"16 MiB\"", cs_conf_size_text(o->min, lo),
		              cs_conf_size_text(o->max, hi));
	} else {
		cs_buf_printf(out, "whole number from %" PRId64 " to %" PRId64 "%s%s", o->min, o->max,
		              o->unit != NULL ? " " : "", o->unit != NULL ? o->unit : "");
	}
}

static void
allowed_words(const struct cs_opt *o, struct cs_buf *out)
{
	cs_buf_adds(out, "one of");
	for (size_t i = 0; o->words[i] != NULL; i++)
		cs_buf_printf(out, "%s \"%s\"", i > 0 ? "," : "", o->words[i]);
}

static const char *
allowed_form(enum cs_opt_type type)
{
	switch (type) {
	case CS_OPT_BOOL:
		return "true or false";
	case CS_OPT_STRING:
		return "text";
	case CS_OPT_PATH:
		return "absolute path";
	case CS_OPT_URL:
		return "URL with https:// or http://";
	case CS_OPT_LISTEN:
		return "\"ADDRESS:PORT\" such as \"127.0.0.1:8080\" or \"[::1]:8080\", or \"unix:/PATH\"";
	case CS_OPT_SECRET:
		return "\"@file:/PATH\" of a file that holds a secret of the form whsec_BASE64";
	case CS_OPT_PASSWORD:
		return "\"@file:/PATH\" of a file that holds it";
	case CS_OPT_MAIL_URL:
		return "smtp://HOST:PORT or smtps://HOST:PORT";
	case CS_OPT_SECRETS:
		return "list of \"@file:/PATH\", each a file that holds a secret of the form whsec_BASE64";
	case CS_OPT_KEYS:
		return "list of \"NAME:SHA256\" in hex, or \"@file:/PATH\" of a file with such lines";
	case CS_OPT_LIST:
		return "list of texts such as [ \"a\", \"b\" ]";
	case CS_OPT_ADDRESSES:
		return "list of \"ADDRESS:PORT\" such as [ \"127.0.0.1:9090\", \"[fd00::/8]:443\", \"10.1.0.0/16:*\" ]";
	case CS_OPT_WAITS:
		return "list of durations with what they vary by, such as [ \"30 s +- 10 s\", \"2 m +- 20 s\" ]";
	default:
		return "";
	}
}

void
cs_opt_allowed(const struct cs_opt *o, struct cs_buf *out)
{
	if (o->type == CS_OPT_INT || o->type == CS_OPT_SIZE || o->type == CS_OPT_DURATION) {
		allowed_range(o, out);
	} else if (o->type == CS_OPT_ENUM) {
		allowed_words(o, out);
	} else {
		cs_buf_adds(out, allowed_form(o->type));
		if (cs_opt_is_list(o))
			cs_buf_printf(out, "; %" PRId64 " to %" PRId64 " of them", o->min, o->max);
	}
}
