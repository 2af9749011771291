/* SPDX-License-Identifier: Apache-2.0 */
/*
 * post.c - see post.h.
 *
 * One mail at a time: try it, have the result written, wait for that commit, take the next. So a mail that the server took is
 * taken from the outbox before anything else is tried, and only a crash in between repeats one. Without a server all wait
 * together. Trouble raises the alert "mail", which itself is not mailed; the next mail that gets through takes it back.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include "log/log.h"
#include "log/metrics.h"
#include "mail/outbox.h"
#include "mail/post.h"
#include "mail/smtp.h"

#define TICK_MS 250
#define AT_ONCE 16
#define ALERT_AFTER 3 /* tries */
#define ALERT_KEY "mail"

struct cs_post {
	struct cs_store *reader;
	struct cs_writer *writer;
	const struct cs_clock *clock;
	struct cs_conf *conf;      /* under lock */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	_Atomic bool stopping;
	bool noting;               /* under lock: a result is being written */
	int64_t hold_until_ms;     /* there is no server to speak with */
	int holds;                 /* in a row */
	bool alert_known, alert_on;
};

int64_t
cs_post_wait_ms(int32_t attempts)
{
	static const int64_t waits[] = { 30 * CS_SECOND_MS, CS_MINUTE_MS, 2 * CS_MINUTE_MS, 5 * CS_MINUTE_MS, 10 * CS_MINUTE_MS };

	return waits[attempts < 1 ? 0 : attempts > (int32_t)CS_ARRAY_LEN(waits) ? CS_ARRAY_LEN(waits) - 1 : (size_t)attempts - 1];
}

/* ---- what became of a mail, in the store */

struct note_op {
	struct cs_wop wop;
	struct cs_post *post;
	struct cs_conf *conf;
	struct cs_arena mem;
	struct cs_mail_row mail;
	enum cs_smtp_result result;
	bool gone;                 /* from the outbox */
	int alert;                 /* 1 raise, -1 take back, 0 neither */
	char why[200];
};

/* What a contact's server will not have goes to the operator: nobody may be left untold. */
static int
tell_operator(struct cs_store *s, const struct note_op *o, int64_t now_ms, struct cs_err *err)
{
	const struct cs_conf_list *to = &o->conf->alerts.mail_to;
	CS_CLEANUP(cs_freep) char *subject = NULL;
	int rc;

	for (size_t i = 0; i < to->n; i++)
		if (strcmp(to->v[i], o->mail.recipient) == 0)
			return 0;
	subject = cs_xasprintf("[could not be mailed to a contact] %s", o->mail.subject);
	rc = cs_outbox_put(s, CS_MAIL_EMERGENCY, to->v, to->n, subject, o->mail.body, now_ms, err);
	return rc < 0 ? rc : 0;
}

static int
put_alert(struct cs_store *s, const struct note_op *o, int64_t now_ms, struct cs_err *err)
{
	const struct cs_alert_row row = { .key = ALERT_KEY, .text = o->alert > 0 ? o->why : "mail gets through again", .raised_ms = now_ms,
		.recovered_ms = o->alert > 0 ? 0 : now_ms, .count = o->mail.attempts };

	return o->alert != 0 ? s->ops->alert_put(s, &row, err) : 0;
}

static int
apply_note(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct note_op *o = CS_CONTAINER(w, struct note_op, wop);
	int rc = o->gone ? s->ops->mail_delete(s, o->mail.id, err)
	                 : s->ops->mail_retry(s, o->mail.id, o->mail.due_ms, o->mail.attempts, err);

	if (rc == 0 && o->gone && o->result != CS_SMTP_SENT && o->mail.kind == CS_MAIL_EMERGENCY)
		rc = tell_operator(s, o, now_ms, err);
	return rc < 0 ? rc : put_alert(s, o, now_ms, err);
}

static void
note_done(struct cs_wop *w)
{
	struct note_op *o = CS_CONTAINER(w, struct note_op, wop);
	struct cs_post *p = o->post;

	pthread_mutex_lock(&p->lock);
	p->noting = false;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	cs_conf_unref(o->conf);
	cs_arena_fini(&o->mem);
	free(o);
}

/* Hand it to the writer and wait for the commit. */
static void
write_down(struct cs_post *p, struct note_op *o)
{
	o->wop.apply = apply_note;
	o->wop.committed = note_done;
	p->noting = true;
	if (!cs_writer_put(p->writer, &o->wop))
		note_done(&o->wop);
	pthread_mutex_lock(&p->lock);
	while (p->noting)
		pthread_cond_wait(&p->wake, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

/* ---- one mail */

static bool
is_alert_on(struct cs_post *p)
{
	struct cs_alert_row *rows = cs_xcalloc(500, sizeof(*rows));
	struct cs_arena mem;
	int n;

	if (!p->alert_known) {
		cs_arena_init(&mem);
		n = p->reader->ops->alert_list(p->reader, true, &mem, rows, 500, NULL);
		for (int i = 0; i < n; i++)
			p->alert_on |= strcmp(rows[i].key, ALERT_KEY) == 0;
		p->alert_known = n >= 0;
		cs_arena_fini(&mem);
	}
	free(rows);
	return p->alert_on;
}

static void
decide(struct cs_post *p, struct note_op *o, int64_t now_ms, const struct cs_err *err)
{
	bool given_up = now_ms - o->mail.created_ms >= CS_POST_KEEP_MS;

	o->gone = o->result == CS_SMTP_SENT || o->result == CS_SMTP_NEVER || given_up;
	o->mail.attempts++;
	o->mail.due_ms = now_ms + cs_post_wait_ms(o->mail.attempts);
	if (o->result == CS_SMTP_SENT)
		o->alert = is_alert_on(p) ? -1 : 0;
	else if (!is_alert_on(p) && (o->gone || o->mail.attempts >= ALERT_AFTER))
		o->alert = 1;
	if (o->alert != 0)
		p->alert_on = o->alert > 0;
	snprintf(o->why, sizeof(o->why), "mail cannot be sent: %.150s", err->msg);
}

static void
log_result(const struct note_op *o, const struct cs_err *err)
{
	static const char *const kinds[] = { [CS_MAIL_ALERT] = "alert", [CS_MAIL_EMERGENCY] = "emergency" };

	cs_metrics_mail(o->result == CS_SMTP_SENT ? CS_METRICS_MAIL_SENT : o->gone ? CS_METRICS_MAIL_GIVEN_UP : CS_METRICS_MAIL_RETRIED);
	if (o->result == CS_SMTP_SENT)
		cs_log(CS_LOG_INFO, "mail", "mail was sent", "mail=%lld kind=%s attempt=%d", (long long)o->mail.id, kinds[o->mail.kind],
		       o->mail.attempts);
	else
		cs_log(o->gone ? CS_LOG_ERROR : CS_LOG_WARN, "mail", o->gone ? "mail was given up" : "mail could not be sent yet",
		       "mail=%lld kind=%s attempt=%d why=\"%s\"", (long long)o->mail.id, kinds[o->mail.kind], o->mail.attempts, err->msg);
}

static struct note_op *
note_new(struct cs_post *p, struct cs_conf *conf, const struct cs_mail_row *m)
{
	struct note_op *o = cs_xcalloc(1, sizeof(*o));

	o->post = p;
	o->conf = cs_conf_ref(conf);
	o->mail = *m;
	cs_arena_init(&o->mem);
	o->mail.recipient = cs_arena_strdup(&o->mem, m->recipient);
	o->mail.subject = cs_arena_strdup(&o->mem, m->subject);
	o->mail.body = cs_arena_strdup(&o->mem, m->body);
	return o;
}

/* False: no other has to be tried now. */
static bool
send_one(struct cs_post *p, struct cs_conf *conf, const struct cs_mail_row *m)
{
	struct note_op *o = note_new(p, conf, m);
	struct cs_err err = { 0 };
	int64_t now_ms;

	o->result = cs_smtp_send(conf, m, &p->stopping, &err);
	if (p->stopping && o->result != CS_SMTP_SENT) {
		note_done(&o->wop);
		return false;
	}
	now_ms = cs_now_ms(p->clock);
	decide(p, o, now_ms, &err);
	log_result(o, &err);
	p->holds = o->result == CS_SMTP_NOBODY ? p->holds + 1 : 0;
	p->hold_until_ms = p->holds > 0 ? now_ms + cs_post_wait_ms(p->holds) : 0;
	write_down(p, o);
	return p->holds == 0 && !p->stopping;
}

/* ---- the thread */

static void
send_due(struct cs_post *p, struct cs_conf *conf, int64_t now_ms)
{
	struct cs_mail_row rows[AT_ONCE];
	struct cs_arena mem;
	int n;

	cs_arena_init(&mem);
	n = p->reader->ops->mail_due(p->reader, now_ms, &mem, rows, AT_ONCE, NULL);
	for (int i = 0; i < n && send_one(p, conf, &rows[i]); i++)
		;
	cs_arena_fini(&mem);
}

/* NULL when it is time to end. */
static struct cs_conf *
sleep_a_tick(struct cs_post *p)
{
	struct cs_conf *conf = NULL;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += TICK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&p->lock);
	if (!p->stopping)
		pthread_cond_timedwait(&p->wake, &p->lock, &until);
	if (!p->stopping)
		conf = cs_conf_ref(p->conf);
	pthread_mutex_unlock(&p->lock);
	return conf;
}

static void *
post_main(void *arg)
{
	struct cs_post *p = arg;
	struct cs_conf *conf;

	prctl(PR_SET_NAME, "cs-mail");
	while ((conf = sleep_a_tick(p)) != NULL) {
		int64_t now_ms = cs_now_ms(p->clock);

		if (conf->alerts.mail_url[0] != '\0' && now_ms >= p->hold_until_ms)
			send_due(p, conf, now_ms);
		cs_conf_unref(conf);
	}
	return NULL;
}

static void
post_free(struct cs_post *p)
{
	cs_store_close(p->reader);
	cs_conf_unref(p->conf);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wake);
	free(p);
}

int
cs_post_start(struct cs_store *reader, struct cs_writer *writer, const struct cs_clock *clock, struct cs_conf *conf, struct cs_post **out,
              struct cs_err *err)
{
	struct cs_post *p = cs_xcalloc(1, sizeof(*p));

	p->reader = reader;
	p->writer = writer;
	p->clock = clock;
	p->conf = cs_conf_ref(conf);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	if (pthread_create(&p->thread, NULL, post_main, p) != 0) {
		post_free(p);
		return cs_err_set(err, CS_EIO, "could not start the mail thread");
	}
	*out = p;
	return 0;
}

void
cs_post_reload(struct cs_post *p, struct cs_conf *conf)
{
	struct cs_conf *old;

	pthread_mutex_lock(&p->lock);
	old = p->conf;
	p->conf = cs_conf_ref(conf);
	pthread_mutex_unlock(&p->lock);
	cs_conf_unref(old);
}

void
cs_post_stop(struct cs_post *p)
{
	if (p == NULL)
		return;
	p->stopping = true;
	pthread_mutex_lock(&p->lock);
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	post_free(p);
}
