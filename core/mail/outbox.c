/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.c - see outbox.h, and what an alert says: whom it is about, what happened, the one next step.
 */
#include <string.h>
#include "log/log.h"
#include "mail/outbox.h"
#include "util/text.h"

#define BODY_MAX ((size_t)64 << 10)

int
cs_outbox_put(struct cs_store *s, enum cs_mail_kind kind, const char *const *to, size_t n, const char *subject, const char *body,
              int64_t now_ms, struct cs_err *err)
{
	int rc, put = 0;

	for (size_t i = 0; i < n; i++) {
		struct cs_mail_row row = { .created_ms = now_ms, .due_ms = now_ms, .kind = kind, .recipient = to[i], .subject = subject,
			.body = body };

		if (!cs_is_mail_address(to[i]))
			continue;
		if ((rc = s->ops->mail_put(s, &row, err)) < 0)
			return rc;
		put++;
	}
	return put;
}

static const struct step {
	const char *kind, *text, *command, *path;
} steps[] = {
	{ "reauth", "Connect it again; leads that came meanwhile then go out by themselves.", "csrelay connections ", "/v1/connections/" },
	{ "dead-letters", "Look why, mend it, and send them again.", "csrelay dlq list --connection ", "/v1/dead-letters?connection=" },
	{ "plugin", "Look what the log says about it; leads for this CRM wait meanwhile.", "csrelay plugins ", "/v1/plugins?name=" },
	{ "", "Look at it.", "csrelay alerts # ", "/v1/alerts?on=1#" },
};

static const struct step *
step_of(const char *kind)
{
	const struct step *s = steps;

	while (s->kind[0] != '\0' && strcmp(s->kind, kind) != 0)
		s++;
	return s;
}

static void
write_alert(struct cs_buf *b, const struct cs_conf *conf, const struct cs_mail_alert *a)
{
	const struct step *step = step_of(a->kind);

	cs_buf_printf(b, "%s\n\n", a->what);
	if (strcmp(a->account, "*") != 0)
		cs_buf_printf(b, "Account:    %s\n", a->account);
	cs_buf_printf(b, "CRM:        %s\n", a->crm);
	if (strcmp(a->label, a->subject_of) != 0)
		cs_buf_printf(b, "Connection: %s (%s)\n", a->label, a->subject_of);
	if (!a->raised) {
		cs_buf_adds(b, "\nNothing is left to do.\n");
		return;
	}
	cs_buf_printf(b, "\nWhat to do: %s\n\n    %s%s\n", step->text, step->command, a->subject_of);
	if (conf->public_url[0] != '\0')
		cs_buf_printf(b, "    %s%s%s\n", conf->public_url, step->path, a->subject_of);
	cs_buf_adds(b, "\nThere will be one more mail about this: when it is over.\n");
}

int
cs_outbox_alert(struct cs_store *s, const struct cs_conf *conf, const struct cs_mail_alert *a, int64_t now_ms, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf subject = CS_BUF_INIT(0);
	CS_CLEANUP(cs_buf_fini) struct cs_buf body = CS_BUF_INIT(BODY_MAX);
	int64_t waiting = 0;
	int rc;

	if (conf->alerts.mail_url[0] == '\0')
		return 0;
	if ((rc = s->ops->mail_count(s, CS_MAIL_ALERT, &waiting, err)) < 0)
		return rc;
	if (waiting + (int64_t)conf->alerts.mail_to.n > CS_OUTBOX_ALERTS_MAX) {
		cs_log(CS_LOG_ERROR, "mail", "too many mails wait for their server: an alert is not mailed", "waiting=%lld", (long long)waiting);
		return 0;
	}
	cs_buf_printf(&subject, "[csrelay] %s: %s (%s)", a->raised ? "alert" : "over", a->label, a->crm);
	write_alert(&body, conf, a);
	rc = cs_outbox_put(s, CS_MAIL_ALERT, conf->alerts.mail_to.v, conf->alerts.mail_to.n, cs_buf_str(&subject), cs_buf_str(&body), now_ms,
	                   err);
	return rc < 0 ? rc : 0;
}
