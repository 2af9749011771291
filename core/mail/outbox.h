/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - putting mail into the store, in the transaction of what it is about.
 *
 * So a mail is there exactly when what it tells about is written. post.c sends what is there. For the writer's thread.
 */
#ifndef CS_MAIL_OUTBOX_H
#define CS_MAIL_OUTBOX_H

#include "conf/conf.h"
#include "store/store.h"

#define CS_OUTBOX_ALERTS_MAX 200 /* waiting at once; more are left out, and the log says so */

/* One mail for each recipient that is an address. Returns how many, or a negative CS_E*. */
int cs_outbox_put(struct cs_store *s, enum cs_mail_kind kind, const char *const *to, size_t n, const char *subject, const char *body,
                  int64_t now_ms, struct cs_err *err);

struct cs_mail_alert {
	const char *kind;     /* "reauth", "dead-letters", "plugin": decides the next step */
	const char *subject_of; /* connection's public id, or the plugin's name */
	const char *account, *label, *crm;
	const char *what;     /* one sentence */
	bool raised;          /* or over */
};
/* To alerts.mail_to, if mail is configured. 0 or a negative CS_E*. */
int cs_outbox_alert(struct cs_store *s, const struct cs_conf *conf, const struct cs_mail_alert *a, int64_t now_ms, struct cs_err *err);

#endif
