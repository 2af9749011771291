/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h - a mail as RFC 5322 wants it, from texts that may hold anything.
 *
 * Nothing given can add a header or a recipient: addresses are checked, control characters of a subject become spaces, and what
 * is not ASCII is encoded (RFC 2047 for the subject, quoted-printable for the body). Pure.
 */
#ifndef CS_MAIL_MESSAGE_H
#define CS_MAIL_MESSAGE_H

#include <stdint.h>
#include "util/err.h"
#include "util/mem.h"

struct cs_mail_message {
	const char *from, *to; /* one address each */
	const char *subject;   /* UTF-8, one line */
	const char *body;      /* UTF-8, lines end with LF */
	int64_t date_ms;
	const char *id;        /* left of the @ of Message-ID: the same in every repeat; letters, digits, dots */
};

/* Append the whole message, lines ending with CRLF. CS_EINVAL when an address is none. */
int cs_mail_compose(const struct cs_mail_message *m, struct cs_buf *out, struct cs_err *err);

/* ---- pieces */
/* A subject's text as it stands behind "Subject: ", folded. */
void cs_mail_add_subject(struct cs_buf *out, const char *text);
void cs_mail_add_quoted_printable(struct cs_buf *out, const char *text);
/* "Sat, 28 Nov 2026 07:00:00 +0000" */
void cs_mail_add_date(struct cs_buf *out, int64_t ms);

#endif
