/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.c - one table of what is counted; counting and writing follow from it.
 *
 * A family is a block of atomic counters in struct global or, for each CRM, in struct crm: one per combination of its
 * labels' values, which are small numbers. A histogram is a block of one counter per bucket (not cumulative; that is made
 * while writing), and behind them the sum. CRMs are found by name in an array that only grows: a reader takes its length
 * (acquire) and compares names; a new one is written under the lock and then published by the length (release).
 *
 * Combinations that never happened are left out where a family has many, or the text would be long and mostly zeroes.
 */
#include "config.h"
#include "log/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "store/store.h" /* the numbers of states only */

#define OUTCOMES 8  /* CS_DONE .. CS_UNSUPPORTED, and what is none of them */
#define BLAMES 6
#define URGENCIES 4
#define KINDS 4
#define CLASSES 6   /* of HTTP statuses: no answer, 1xx .. 5xx */
#define STATUSES 12 /* of refused requests */
#define RESULTS 16  /* of hooks */
#define HTTP_BOUNDS 13
#define LEAD_BOUNDS 15
#define OTHER "other"
#define SPARSE 4    /* a family with more combinations than this shows only those that happened */

typedef _Atomic uint64_t counter;

static const int64_t http_bounds_us[HTTP_BOUNDS] = { 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000,
	                                             5000000, 10000000, 30000000, 60000000 };
static const int64_t lead_bounds_ms[LEAD_BOUNDS] = { 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 150000,
	                                             750000, 3600000, 21600000, 86400000 };
/* What intake answers; the last place is for any other. */
static const int refused_statuses[STATUSES - 1] = { 400, 401, 403, 404, 405, 411, 413, 415, 422, 429, 503 };

struct names { /* words that are seen as the program runs */
	_Atomic size_t n;
	char word[RESULTS][24];
};

static struct global {
	counter accepted[KINDS], duplicates[2], refused[STATUSES], mails[CS_METRICS_MAILS], lapses[CS_METRICS_LAPSES];
	counter lead_time[URGENCIES * (LEAD_BOUNDS + 2)]; /* buckets, +Inf, sum in ms */
} global;

static struct crm {
	char name[CS_METRICS_NAME];
	counter attempts[OUTCOMES * BLAMES], delivered, dead[BLAMES], requests[CLASSES], hooks[RESULTS];
	counter http_time[HTTP_BOUNDS + 2]; /* the same, in us */
} crms[CS_METRICS_CRMS + 1];                /* the last: OTHER */
static _Atomic size_t n_crms;
static struct names results;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for new names only */

/* ---- counting */

static void
add(counter *c, uint64_t n)
{
	atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static int
clamp(int64_t value, int n)
{
	return value < 0 || value >= n ? n - 1 : (int)value;
}

static void
observe(counter *block, const int64_t *bounds, int n, int64_t value)
{
	int at = 0;

	if (value < 0)
		value = 0;
	while (at < n && value > bounds[at])
		at++;
	add(&block[at], 1);
	add(&block[n + 1], (uint64_t)value);
}

static struct crm *
crm_seen(const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(crms[i].name, name) == 0)
			return &crms[i];
	return NULL;
}

static struct crm *
crm_new(const char *name)
{
	struct crm *c;
	size_t n;

	pthread_mutex_lock(&lock);
	n = n_crms;
	if ((c = crm_seen(name, n)) == NULL && n < CS_METRICS_CRMS && strlen(name) < CS_METRICS_NAME) {
		c = &crms[n];
		strcpy(c->name, name);
		atomic_store_explicit(&n_crms, n + 1, memory_order_release);
	}
	pthread_mutex_unlock(&lock);
	return c != NULL ? c : &crms[CS_METRICS_CRMS];
}

/* No name: a delivery that has nowhere to go. */
static struct crm *
crm_of(const char *name)
{
	struct crm *c;

	if (name == NULL || name[0] == '\0')
		return &crms[CS_METRICS_CRMS];
	c = crm_seen(name, atomic_load_explicit(&n_crms, memory_order_acquire));
	return c != NULL ? c : crm_new(name);
}

static size_t
result_seen(const char *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(results.word[i], word) == 0)
			return i;
	return RESULTS;
}

/* The last place is for words that found none. */
static size_t
result_of(const char *word)
{
	size_t at = result_seen(word, atomic_load_explicit(&results.n, memory_order_acquire)), n;

	if (at < RESULTS)
		return at;
	pthread_mutex_lock(&lock);
	n = results.n;
	if ((at = result_seen(word, n)) == RESULTS && n < RESULTS - 1 && strlen(word) < sizeof(results.word[0])) {
		strcpy(results.word[at = n], word);
		atomic_store_explicit(&results.n, n + 1, memory_order_release);
	}
	pthread_mutex_unlock(&lock);
	return at < RESULTS ? at : RESULTS - 1;
}

void
cs_metrics_accepted(int kind)
{
	add(&global.accepted[clamp(kind, KINDS)], 1);
}

void
cs_metrics_duplicate(int conflict)
{
	add(&global.duplicates[conflict != 0], 1);
}

void
cs_metrics_refused(int http_status)
{
	int at = 0;

	while (at < STATUSES - 1 && refused_statuses[at] != http_status)
		at++;
	add(&global.refused[at], 1);
}

void
cs_metrics_attempt(const char *crm, int32_t outcome, int to_state, int blame, int urgency, int64_t age_ms)
{
	struct crm *c = crm_of(crm);
	int b = clamp(blame, BLAMES);

	add(&c->attempts[clamp(outcome, OUTCOMES) * BLAMES + b], 1);
	if (to_state == CS_DELIVERED) {
		add(&c->delivered, 1);
		observe(&global.lead_time[clamp(urgency, URGENCIES) * (LEAD_BOUNDS + 2)], lead_bounds_ms, LEAD_BOUNDS, age_ms);
	} else if (to_state == CS_DEAD)
		add(&c->dead[b], 1);
}

void
cs_metrics_dead(const char *crm, int blame)
{
	add(&crm_of(crm)->dead[clamp(blame, BLAMES)], 1);
}

void
cs_metrics_http(const char *crm, int status, int64_t total_us)
{
	struct crm *c = crm_of(crm);

	add(&c->requests[status < 100 || status > 599 ? 0 : status / 100], 1);
	observe(c->http_time, http_bounds_us, HTTP_BOUNDS, total_us);
}

void
cs_metrics_hook(const char *crm, const char *result)
{
	add(&crm_of(crm)->hooks[result_of(result)], 1);
}

void
cs_metrics_mail(enum cs_metrics_mail result)
{
	add(&global.mails[result], 1);
}

void
cs_metrics_lapse(enum cs_metrics_lapse what)
{
	add(&global.lapses[what], 1);
}

static uint64_t
value_of(counter *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

void
cs_metrics_totals(struct cs_metrics_totals *out)
{
	*out = (struct cs_metrics_totals){ 0 };
	for (int i = 0; i < KINDS; i++)
		out->accepted += value_of(&global.accepted[i]);
	for (size_t i = 0; i <= CS_METRICS_CRMS; i++)
		out->delivered += value_of(&crms[i].delivered);
}

void
cs_metrics_reset(void)
{
	memset(&global, 0, sizeof(global));
	memset(crms, 0, sizeof(crms));
	memset(&results, 0, sizeof(results));
	n_crms = 0;
}

/* ---- the table */

typedef const char *(*word_fn)(int i, const struct cs_metrics_words *w, char buf[8]);

static const char *
kind_word(int i, const struct cs_metrics_words *w, char buf[8] CS_UNUSED)
{
	return w->kind(i);
}

static const char *
duplicate_word(int i, const struct cs_metrics_words *w CS_UNUSED, char buf[8] CS_UNUSED)
{
	return i == 0 ? "same" : "conflict";
}

static const char *
status_word(int i, const struct cs_metrics_words *w CS_UNUSED, char buf[8])
{
	if (i == STATUSES - 1)
		return OTHER;
	snprintf(buf, 8, "%d", refused_statuses[i]);
	return buf;
}

static const char *
class_word(int i, const struct cs_metrics_words *w CS_UNUSED, char buf[8])
{
	if (i == 0)
		return "none";
	snprintf(buf, 8, "%dxx", i);
	return buf;
}

static const char *
outcome_word(int i, const struct cs_metrics_words *w, char buf[8] CS_UNUSED)
{
	return w->outcome(i);
}

static const char *
blame_word(int i, const struct cs_metrics_words *w, char buf[8] CS_UNUSED)
{
	return w->blame(i);
}

static const char *
urgency_word(int i, const struct cs_metrics_words *w, char buf[8] CS_UNUSED)
{
	return w->urgency(i);
}

static const char *
lapse_word(int i, const struct cs_metrics_words *w CS_UNUSED, char buf[8] CS_UNUSED)
{
	static const char *const words[CS_METRICS_LAPSES] = { [CS_METRICS_LAPSE_GRANT] = "parked_grant", [CS_METRICS_LAPSE_CONNECTION] = "connection" };

	return words[i];
}

static const char *
mail_word(int i, const struct cs_metrics_words *w CS_UNUSED, char buf[8] CS_UNUSED)
{
	static const char *const words[] = { [CS_METRICS_MAIL_SENT] = "sent", [CS_METRICS_MAIL_RETRIED] = "retried",
		[CS_METRICS_MAIL_GIVEN_UP] = "given_up" };

	return words[i];
}

static const char *
result_word(int i, const struct cs_metrics_words *w CS_UNUSED, char buf[8] CS_UNUSED)
{
	return (size_t)i < results.n ? results.word[i] : OTHER;
}

struct dim {
	const char *label;
	int n;
	word_fn word;
};
static const struct family {
	const char *name, *help;
	bool per_crm;
	size_t at;             /* of the block in struct crm or struct global */
	struct dim dim[2];
	const int64_t *bounds; /* of a histogram */
	int n_bounds;
	double unit;           /* of its values, in seconds */
} families[] = {
	{ .name = "csrelay_leads_accepted_total", .help = "Leads on disk.", .at = offsetof(struct global, accepted),
	  .dim = { { "kind", KINDS, kind_word } } },
	{ .name = "csrelay_leads_duplicate_total", .help = "Leads that came again; conflict: with other content.",
	  .at = offsetof(struct global, duplicates), .dim = { { "result", 2, duplicate_word } } },
	{ .name = "csrelay_leads_refused_total", .help = "Requests to intake that were not taken.",
	  .at = offsetof(struct global, refused), .dim = { { "status", STATUSES, status_word } } },
	{ .name = "csrelay_attempts_total", .help = "Attempts to deliver.", .per_crm = true, .at = offsetof(struct crm, attempts),
	  .dim = { { "outcome", OUTCOMES, outcome_word }, { "blame", BLAMES, blame_word } } },
	{ .name = "csrelay_delivered_total", .help = "Deliveries that are in the CRM.", .per_crm = true,
	  .at = offsetof(struct crm, delivered) },
	{ .name = "csrelay_dead_letters_total", .help = "Deliveries that became dead letters.", .per_crm = true,
	  .at = offsetof(struct crm, dead), .dim = { { "blame", BLAMES, blame_word } } },
	{ .name = "csrelay_delivery_seconds", .help = "From acceptance until the lead is in the CRM.",
	  .at = offsetof(struct global, lead_time), .dim = { { "urgency", URGENCIES, urgency_word } }, .bounds = lead_bounds_ms,
	  .n_bounds = LEAD_BOUNDS, .unit = 1e-3 },
	{ .name = "csrelay_http_requests_total", .help = "Requests to CRMs by class of the answer.", .per_crm = true,
	  .at = offsetof(struct crm, requests), .dim = { { "class", CLASSES, class_word } } },
	{ .name = "csrelay_http_request_seconds", .help = "Time of requests to CRMs.", .per_crm = true,
	  .at = offsetof(struct crm, http_time), .bounds = http_bounds_us, .n_bounds = HTTP_BOUNDS, .unit = 1e-6 },
	{ .name = "csrelay_hooks_total", .help = "Webhooks from CRMs.", .per_crm = true, .at = offsetof(struct crm, hooks),
	  .dim = { { "result", RESULTS, result_word } } },
	{ .name = "csrelay_mails_total", .help = "Tries to send a mail.", .at = offsetof(struct global, mails),
	  .dim = { { "result", CS_METRICS_MAILS, mail_word } } },
	{ .name = "csrelay_lapsed_total", .help = "Given up, since nobody claimed or confirmed it in time.", .at = offsetof(struct global, lapses),
	  .dim = { { "what", CS_METRICS_LAPSES, lapse_word } } },
};

/* ---- writing */

static void
add_label(struct cs_buf *out, char *before, const char *name, const char *value)
{
	cs_buf_printf(out, "%c%s=\"", *before, name);
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			cs_buf_adds(out, "\\n");
		else if (*value == '"' || *value == '\\')
			cs_buf_printf(out, "\\%c", *value);
		else
			cs_buf_addc(out, *value);
	}
	cs_buf_addc(out, '"');
	*before = ',';
}

static void
add_number(struct cs_buf *out, double v)
{
	if (v > -1e15 && v < 1e15 && v == (double)(int64_t)v)
		cs_buf_printf(out, " %" PRId64 "\n", (int64_t)v);
	else
		cs_buf_printf(out, " %.15g\n", v);
}

void
cs_metric_head(struct cs_buf *out, const char *name, const char *type, const char *help)
{
	cs_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void
cs_metric_value(struct cs_buf *out, const char *name, const char *label, const char *word, double value)
{
	char before = '{';

	cs_buf_adds(out, name);
	if (label != NULL) {
		add_label(out, &before, label, word);
		cs_buf_addc(out, '}');
	}
	add_number(out, value);
}

struct labels { /* of one line, as pairs */
	const char *crm;
	const struct dim *dim[2];
	const char *word[2];
};

static void
add_line(struct cs_buf *out, const char *name, const char *suffix, const struct labels *l, const char *le, double value)
{
	char before = '{';

	cs_buf_printf(out, "%s%s", name, suffix);
	if (l->crm != NULL)
		add_label(out, &before, "crm", l->crm);
	for (int i = 0; i < 2; i++)
		if (l->dim[i] != NULL)
			add_label(out, &before, l->dim[i]->label, l->word[i]);
	if (le != NULL)
		add_label(out, &before, "le", le);
	if (before == ',')
		cs_buf_addc(out, '}');
	add_number(out, value);
}

static void
add_histogram(struct cs_buf *out, const struct family *f, const struct labels *l, counter *block)
{
	uint64_t sum = 0;
	char le[32];

	for (int i = 0; i <= f->n_bounds; i++) {
		sum += value_of(&block[i]);
		if (i < f->n_bounds)
			snprintf(le, sizeof(le), "%g", (double)f->bounds[i] * f->unit);
		else
			strcpy(le, "+Inf");
		add_line(out, f->name, "_bucket", l, le, (double)sum);
	}
	add_line(out, f->name, "_sum", l, NULL, (double)value_of(&block[f->n_bounds + 1]) * f->unit);
	add_line(out, f->name, "_count", l, NULL, (double)sum);
}

static bool
never(const counter *block, int n)
{
	for (int i = 0; i < n; i++)
		if (atomic_load_explicit(&block[i], memory_order_relaxed) != 0)
			return false;
	return true;
}

static void
add_cells(struct cs_buf *out, const struct family *f, const char *crm, counter *base, const struct cs_metrics_words *words)
{
	int n0 = f->dim[0].n == 0 ? 1 : f->dim[0].n, n1 = f->dim[1].n == 0 ? 1 : f->dim[1].n;
	int size = f->bounds != NULL ? f->n_bounds + 2 : 1;
	char buf[2][8];

	for (int i = 0; i < n0 * n1; i++) {
		const int at[2] = { i / n1, i % n1 };
		counter *cell = base + (size_t)i * (size_t)size;
		struct labels l = { .crm = crm };

		if (n0 * n1 > SPARSE && never(cell, size))
			continue;
		for (int d = 0; d < 2 && f->dim[d].n > 0; d++) {
			l.dim[d] = &f->dim[d];
			l.word[d] = f->dim[d].word(at[d], words, buf[d]);
		}
		if (f->bounds != NULL)
			add_histogram(out, f, &l, cell);
		else
			add_line(out, f->name, "", &l, NULL, (double)value_of(cell));
	}
}

static void
add_family(struct cs_buf *out, const struct family *f, const struct cs_metrics_words *words)
{
	size_t n = atomic_load_explicit(&n_crms, memory_order_acquire);
	struct crm *other = &crms[CS_METRICS_CRMS];

	cs_metric_head(out, f->name, f->bounds != NULL ? "histogram" : "counter", f->help);
	if (!f->per_crm) {
		add_cells(out, f, NULL, (counter *)(void *)((char *)&global + f->at), words);
		return;
	}
	for (size_t i = 0; i < n; i++)
		add_cells(out, f, crms[i].name, (counter *)(void *)((char *)&crms[i] + f->at), words);
	if (!never(other->attempts, (int)((sizeof(*other) - offsetof(struct crm, attempts)) / sizeof(counter))))
		add_cells(out, f, OTHER, (counter *)(void *)((char *)other + f->at), words);
}

void
cs_metrics_render(struct cs_buf *out, const struct cs_metrics_words *words)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(families); i++)
		add_family(out, &families[i], words);
}
