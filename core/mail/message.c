/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.c - see message.h. Line lengths: 76 for encoded lines (RFC 2045), 75 for an encoded word (RFC 2047).
 */
#include <string.h>
#include <time.h>
#include "mail/message.h"
#include "util/text.h"

#define LINE_MAX_QP 75   /* and the "=" of a soft break */
#define WORD_MAX 45      /* of the text in an encoded word: "=?UTF-8?Q?" and "?=" stand around it */
#define PLAIN_MAX 60     /* a longer subject is encoded, so that it can be folded */
#define SUBJECT_MAX 300

static const char hex[] = "0123456789ABCDEF";

static void
add_escaped(struct cs_buf *out, unsigned char c)
{
	const char text[3] = { '=', hex[c >> 4], hex[c & 15] };

	cs_buf_add(out, text, sizeof(text));
}

/* ---- subject */

static bool
is_plain(const char *s)
{
	if (strlen(s) > PLAIN_MAX || strstr(s, "=?") != NULL)
		return false;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f)
			return false;
	return true;
}

/* How many bytes of a character begin here. Bytes that are no UTF-8 stand alone. */
static size_t
char_len(const char *s)
{
	size_t n = 1;

	while (n < 4 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return (unsigned char)s[0] < 0x80 ? 1 : n;
}

static size_t
encoded_len(const char *s, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += s[i] == ' ' || cs_is_ident((char[]){ s[i], '\0' }, 1, "") ? 1 : 3;
	return len;
}

static void
add_word_char(struct cs_buf *out, char c)
{
	if ((unsigned char)c <= ' ')
		cs_buf_addc(out, '_'); /* a space, in this encoding */
	else if (cs_is_ident((char[]){ c, '\0' }, 1, ""))
		cs_buf_addc(out, c);
	else
		add_escaped(out, (unsigned char)c);
}

void
cs_mail_add_subject(struct cs_buf *out, const char *text)
{
	const char *end = text + cs_utf8_cut(text, strlen(text), SUBJECT_MAX);
	size_t used = 0;

	if (is_plain(text)) {
		cs_buf_adds(out, text);
		return;
	}
	cs_buf_adds(out, "=?UTF-8?Q?");
	while (text < end) {
		size_t n = char_len(text), len = encoded_len(text, n);

		if (used + len > WORD_MAX) {
			cs_buf_adds(out, "?=\r\n =?UTF-8?Q?");
			used = 0;
		}
		for (size_t i = 0; i < n && text < end; i++)
			add_word_char(out, *text++);
		used += len;
	}
	cs_buf_adds(out, "?=");
}

/* ---- body */

static bool
must_escape(const char *s, size_t at_in_line)
{
	unsigned char c = (unsigned char)*s;

	if (c == ' ' || c == '\t')
		return s[1] == '\n' || s[1] == '\0';
	return c < ' ' || c >= 0x7f || c == '=' || (c == '.' && at_in_line == 0);
}

void
cs_mail_add_quoted_printable(struct cs_buf *out, const char *text)
{
	size_t at = 0;

	for (; *text != '\0'; text++) {
		bool escape = *text != '\n' && must_escape(text, at);

		if (*text == '\n') {
			cs_buf_adds(out, "\r\n");
			at = 0;
			continue;
		}
		if (*text == '\r' && text[1] == '\n')
			continue;
		if (at + (escape ? 3 : 1) > LINE_MAX_QP) {
			cs_buf_adds(out, "=\r\n");
			at = 0;
			escape = must_escape(text, at);
		}
		if (escape)
			add_escaped(out, (unsigned char)*text);
		else
			cs_buf_addc(out, *text);
		at += escape ? 3 : 1;
	}
	if (at > 0)
		cs_buf_adds(out, "\r\n");
}

/* ---- the whole */

void
cs_mail_add_date(struct cs_buf *out, int64_t ms)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	cs_buf_printf(out, "%.3s, %d %.3s %d %02d:%02d:%02d +0000", days + tm.tm_wday * (ptrdiff_t)3, tm.tm_mday,
	              months + tm.tm_mon * (ptrdiff_t)3, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

int
cs_mail_compose(const struct cs_mail_message *m, struct cs_buf *out, struct cs_err *err)
{
	if (!cs_is_mail_address(m->from) || !cs_is_mail_address(m->to))
		return cs_err_set(err, CS_EINVAL, "the %s of a mail is no mail address", cs_is_mail_address(m->from) ? "recipient" : "sender");
	cs_buf_printf(out, "From: csrelay <%s>\r\nTo: <%s>\r\nSubject: ", m->from, m->to);
	cs_mail_add_subject(out, m->subject);
	cs_buf_adds(out, "\r\nDate: ");
	cs_mail_add_date(out, m->date_ms);
	cs_buf_printf(out, "\r\nMessage-ID: <%s%s>\r\n", m->id, strrchr(m->from, '@'));
	cs_buf_adds(out, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
	                 "Auto-Submitted: auto-generated\r\n\r\n");
	cs_mail_add_quoted_printable(out, m->body);
	return out->failed ? cs_err_set(err, CS_ELIMIT, "the mail is too long") : 0;
}
