/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - how an operation says that it failed, and why.
 *
 * Four kinds of trouble are kept apart: a bug asserts; a start-up fault prints one line and exits; an operation
 * failure returns a negative CS_E* and fills struct cs_err; a delivery outcome is data (see queue/outcome.h).
 * Messages are for operators: lower case, no function name, what is wrong and where; never a secret or personal data.
 */
#ifndef CS_UTIL_ERR_H
#define CS_UTIL_ERR_H

#include <stddef.h>

enum {
	CS_OK = 0,
	CS_EINVAL = -1,    /* the input breaks a rule */
	CS_ENOMEM = -2,
	CS_EIO = -3,       /* the operating system or disk failed */
	CS_EFULL = -4,     /* no room: disk, queue or budget */
	CS_ENOTFOUND = -5,
	CS_EEXIST = -6,    /* already there */
	CS_ECONFLICT = -7, /* already there, but different */
	CS_ESTATE = -8,    /* not allowed in the present state (a guarded update found another generation) */
	CS_EBUSY = -9,     /* somebody else holds it */
	CS_EPERM = -10,
	CS_ELIMIT = -11,   /* over a stated limit */
	CS_ECORRUPT = -12,
	CS_ECLOSED = -13,  /* shutting down */
	CS_EUNSUPPORTED = -14,
};

struct cs_err {
	int code;
	char msg[400]; /* one sentence, what is wrong and where */
	char hint[200]; /* what is allowed or what to do; may be empty */
};

#define CS_PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* Fill *err (may be NULL) and return `code`. Long texts are cut. errno is preserved. */
int cs_err_set(struct cs_err *err, int code, const char *fmt, ...) CS_PRINTF_LIKE(3, 4);
void cs_err_hint(struct cs_err *err, const char *fmt, ...) CS_PRINTF_LIKE(2, 3);
/* Message and hint as one text: "what is wrong; what to do". Returns out. */
const char *cs_err_text(const struct cs_err *err, char *out, size_t cap);
#define CS_ERR_TEXT (sizeof(((struct cs_err *)0)->msg) + sizeof(((struct cs_err *)0)->hint) + 2)
/* A word for a CS_E* code ("invalid", "not found"); static text. */
const char *cs_err_name(int code);

/* Scope-bound cleanup and giving ownership away: `CS_CLEANUP(cs_buf_fini) struct cs_buf b = ...;  return CS_STEAL(p);` */
#define CS_CLEANUP(fn) __attribute__((cleanup(fn)))
#define CS_STEAL(p) ({ __typeof__(p) cs_stolen_ = (p); (p) = NULL; cs_stolen_; })

#define CS_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CS_UNUSED __attribute__((unused))

#endif
