/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one call, one line, for people and machines.
 *
 *   2026-05-26T14:32:00.123Z warn deliver: push deferred outcome=retry status=503 wait_ms=30412
 *
 * Or one JSON object per line (log.format = "json"). Fields are key=value as in logfmt; values with spaces or quotes
 * are quoted. Never a secret, never a lead's contents: failure texts of CRMs go to the store, the log gets code and class.
 * errno is preserved. Any thread. A repeating fault is reported at growing intervals with the count of what was left out,
 * and its end too (the idea of collectd's utils_complain).
 */
#ifndef CS_LOG_LOG_H
#define CS_LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "util/err.h"

enum cs_log_level { CS_LOG_ERROR = 0, CS_LOG_WARN, CS_LOG_INFO, CS_LOG_DEBUG };

struct cs_log_conf {
	enum cs_log_level level;
	bool json;
	const char *debug_modules; /* "deliver,http" or "all": these at debug whatever the level; NULL: none */
	int fd;                    /* 2: stderr */
};
void cs_log_init(const struct cs_log_conf *conf);
bool cs_log_wants(enum cs_log_level level, const char *module);

/*
 * module: a short constant ("store"); msg: a constant sentence; fmt: space-separated key=value fields. A value that may
 * hold spaces or strange bytes goes through cs_log_quote first.
 */
void cs_log(enum cs_log_level level, const char *module, const char *msg, const char *fmt, ...) CS_PRINTF_LIKE(4, 5);
/* The same with the fields put together already (up to 2 KiB): where there is a line for every lead, printf is dear. */
void cs_log_fields(enum cs_log_level level, const char *module, const char *msg, const char *fields);
/* Quote a value for use as %s in fmt: returns buf. Control characters are escaped, long values are cut with "...". */
const char *cs_log_quote(const char *value, char *buf, size_t cap);

/*
 * Gather this thread's lines of level info and debug, up to 16 KiB, until cs_log_flush. For a thread that calls cs_log_flush before
 * it sleeps. Ended (on = false), with a flush, before the thread ends. A process that is killed loses what it gathered.
 */
void cs_log_gather(bool on);
void cs_log_flush(void);

/*
 * Where the log is a file: let the kernel begin to write what came since the last time (256 KiB at least), without waiting for it.
 * Left alone, the kernel does it every half minute, with all that the half minute held at once, and the sync of a commit waits
 * behind that. Returns whether it began. See sync_file_range(2).
 */
bool cs_log_write_back(void);

/* One per kind of fault, static or embedded; all zero is ready. */
struct cs_complaint {
	int64_t next_ms, interval_ms;
	uint64_t held_back;
	bool failing;
};
void cs_log_complain(struct cs_complaint *c, int64_t now_ms, enum cs_log_level level, const char *module,
                     const char *msg, const char *fmt, ...) CS_PRINTF_LIKE(6, 7);
/* The fault is over: says so once if it had been reported. */
void cs_log_relieve(struct cs_complaint *c, const char *module, const char *msg);

#endif
