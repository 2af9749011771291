/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.c - filling struct cs_err.
 *
 * The text is made aside and then copied, so that a caller may put an earlier message into a longer one:
 * cs_err_set(err, err->code, "%s: %s", path, err->msg).
 */
#include "util/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
cs_err_set(struct cs_err *err, int code, const char *fmt, ...)
{
	struct cs_err made = { .code = code };
	int saved = errno;
	va_list ap;

	if (err == NULL)
		return code;
	va_start(ap, fmt);
	if (vsnprintf(made.msg, sizeof(made.msg), fmt, ap) < 0)
		made.msg[0] = '\0';
	va_end(ap);
	*err = made;
	errno = saved;
	return code;
}

void
cs_err_hint(struct cs_err *err, const char *fmt, ...)
{
	struct cs_err made = { .code = 0 };
	int saved = errno;
	va_list ap;

	if (err == NULL)
		return;
	va_start(ap, fmt);
	if (vsnprintf(made.hint, sizeof(made.hint), fmt, ap) < 0)
		made.hint[0] = '\0';
	va_end(ap);
	memcpy(err->hint, made.hint, sizeof(made.hint));
	errno = saved;
}

const char *
cs_err_text(const struct cs_err *err, char *out, size_t cap)
{
	snprintf(out, cap, "%s%s%s", err->msg, err->hint[0] != '\0' ? "; " : "", err->hint);
	return out;
}

const char *
cs_err_name(int code)
{
	static const char *const names[] = {
		[-CS_OK] = "ok",
		[-CS_EINVAL] = "invalid",
		[-CS_ENOMEM] = "out of memory",
		[-CS_EIO] = "input or output failed",
		[-CS_EFULL] = "full",
		[-CS_ENOTFOUND] = "not found",
		[-CS_EEXIST] = "already there",
		[-CS_ECONFLICT] = "conflict",
		[-CS_ESTATE] = "wrong state",
		[-CS_EBUSY] = "busy",
		[-CS_EPERM] = "not permitted",
		[-CS_ELIMIT] = "over a limit",
		[-CS_ECORRUPT] = "corrupt",
		[-CS_ECLOSED] = "shutting down",
		[-CS_EUNSUPPORTED] = "not supported",
	};

	if (code > 0 || code < CS_EUNSUPPORTED)
		return "unknown error";
	return names[-code];
}
