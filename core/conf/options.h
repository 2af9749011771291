/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the one table of every option of csrelay.conf.
 *
 * A row says name, type, range, default and help. The reader, the range checks, `csrelay config dump` and the option list
 * of csrelay.conf(5) are all made from it. The name of a row is the name of its field in struct cs_conf, and its type is
 * compared with the field's by the compiler.
 */
#ifndef CS_CONF_OPTIONS_H
#define CS_CONF_OPTIONS_H

#include "conf/conf.h"

enum cs_opt_type {
	CS_OPT_BOOL,      /* bool */
	CS_OPT_INT,       /* int64_t */
	CS_OPT_SIZE,      /* int64_t bytes; "16 MiB", or a whole number of bytes */
	CS_OPT_DURATION,  /* int64_t ms; "30 s", or a whole number of milliseconds */
	CS_OPT_STRING,    /* const char * */
	CS_OPT_PATH,      /* const char *, absolute */
	CS_OPT_ENUM,      /* int, index into words */
	CS_OPT_URL,       /* const char * */
	CS_OPT_LISTEN,    /* struct cs_conf_listen */
	CS_OPT_SECRET,    /* const char *, held; "whsec_..." by "@file:" */
	CS_OPT_PASSWORD,  /* const char *, held; any text by "@file:" */
	CS_OPT_MAIL_URL,  /* const char *; smtp:// or smtps:// */
	CS_OPT_SECRETS,   /* struct cs_conf_list of the same */
	CS_OPT_KEYS,      /* struct cs_conf_keys; "name:sha256", or "@file:" with such lines */
	CS_OPT_LIST,      /* struct cs_conf_list of words */
	CS_OPT_ADDRESSES, /* struct cs_conf_list; "127.0.0.1:9090" */
	CS_OPT_WAITS,     /* struct cs_conf_waits; "30 s +- 10 s" */
};

struct cs_opt {
	const char *key;
	enum cs_opt_type type;
	size_t offset;           /* in struct cs_conf */
	int64_t min, max;        /* of the value; of lists: how many; of the time in CS_OPT_WAITS: no bound */
	const char *unit;        /* of an int ("pages"); may be NULL */
	const char *const *words;
	const char *dflt;        /* as it would be written, list items separated by commas; "" for nothing */
	const char *help;
	bool restart;            /* a reload does not change it */
};

extern const struct cs_opt cs_opts[];
extern const size_t cs_opts_n;

const struct cs_opt *cs_opt_find(const char *key); /* NULL when unknown */
size_t cs_opt_index(const struct cs_opt *o);
bool cs_opt_is_group(const char *name); /* "store" */
/* The option (or group) that was probably meant, or NULL. */
const char *cs_opt_nearest(const char *key);
const char *cs_opt_nearest_group(const char *name);
bool cs_opt_is_list(const struct cs_opt *o);
bool cs_opt_is_secret(const struct cs_opt *o);
/* "duration, 1 s to 1 d; for example "30 s"": appended to out. */
void cs_opt_allowed(const struct cs_opt *o, struct cs_buf *out);

#endif
