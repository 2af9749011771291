/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - what is counted as it happens, and how it is written for Prometheus (text format 0.0.4).
 *
 * Counting is a few relaxed atomic additions and takes no lock, save once for each CRM that is seen for the first time. Any
 * thread. The set of label values is bounded: at most CS_METRICS_CRMS names; later ones are counted together as "other".
 * What is a state and not a happening (queue depth, alerts) is not kept here: the admin API reads it when asked and
 * writes it with cs_metric_head and cs_metric_value.
 */
#ifndef CS_LOG_METRICS_H
#define CS_LOG_METRICS_H

#include <stdint.h>
#include "util/mem.h"

#define CS_METRICS_CRMS 64
#define CS_METRICS_NAME 65 /* longest CRM name with its NUL */

/* ---- intake. kind: enum cs_lead_kind */
void cs_metrics_accepted(int kind);
/* The same identity again: 0 with the same content (answered 200), 1 with other content (409). */
void cs_metrics_duplicate(int conflict);
/* Not taken: 400, 401, 413, 503, ... */
void cs_metrics_refused(int http_status);

/* ---- deliveries. outcome: CS_DONE ...; to_state: enum cs_state; blame: enum cs_blame; urgency: enum cs_urgency;
 * age_ms: since the lead was accepted. A dead letter that an attempt makes is counted here, too. */
void cs_metrics_attempt(const char *crm, int32_t outcome, int to_state, int blame, int urgency, int64_t age_ms);
/* Dead letters that no attempt made: nowhere to go, or the clock of the last retry ran out. */
void cs_metrics_dead(const char *crm, int blame);
/* One request to a CRM. status 0: no answer came. */
void cs_metrics_http(const char *crm, int status, int64_t total_us);
/* An inbound webhook. result: a short constant word ("received", "duplicate", "refused", "handled", ...). */
void cs_metrics_hook(const char *crm, const char *result);

/* One try to send a mail. */
enum cs_metrics_mail { CS_METRICS_MAIL_SENT, CS_METRICS_MAIL_RETRIED, CS_METRICS_MAIL_GIVEN_UP, CS_METRICS_MAILS };
void cs_metrics_mail(enum cs_metrics_mail result);

/* What nobody came for any more: a grant that was parked; a connection that was begun at the pages for connecting. */
enum cs_metrics_lapse { CS_METRICS_LAPSE_GRANT, CS_METRICS_LAPSE_CONNECTION, CS_METRICS_LAPSES };
void cs_metrics_lapse(enum cs_metrics_lapse what);

struct cs_metrics_totals {
	uint64_t accepted, delivered; /* since the start */
};
void cs_metrics_totals(struct cs_metrics_totals *out);

/* ---- text */
struct cs_metrics_words { /* the words for numbers, from those who own them */
	const char *(*kind)(int);
	const char *(*outcome)(int32_t);
	const char *(*blame)(int);
	const char *(*urgency)(int);
};
/* Append everything counted. */
void cs_metrics_render(struct cs_buf *out, const struct cs_metrics_words *words);
/* For values that are read when asked: "# HELP" and "# TYPE", then one line per set of labels. type: "gauge", "counter".
 * label NULL: none; word is "" then. */
void cs_metric_head(struct cs_buf *out, const char *name, const char *type, const char *help);
void cs_metric_value(struct cs_buf *out, const char *name, const char *label, const char *word, double value);

/* Everything to zero, names forgotten. For tests: nobody else may count meanwhile. */
void cs_metrics_reset(void);

#endif
