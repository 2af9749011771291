/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c - the line of requests, the slots they are carried in, and the loop.
 *
 *   start -> refused (not acceptable)                     -> done()
 *         -> waiting -> active (a slot, libcurl) -> ended -> done()
 *
 * At most max_connections requests are active, so libcurl opens no more connections than that; requests in line have no
 * clock running. The budget for answers: each active request holds a share of 64 KiB; one that outgrows it asks for the
 * whole max_answer and is paused until there is room. A request is admitted only if a largest answer still fits beside
 * all shares, so whoever holds a whole one can end, and pausing never locks up.
 *
 * libcurl calls back only into slot.c, which never calls the user; done() runs outside libcurl and may call anything here.
 */
#include "config.h"
#include "http/slot.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { X_IDLE = 0, X_WAITING, X_REFUSED, X_ACTIVE };

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void
init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

const char *
cs_http_fault_name(enum cs_http_fault f)
{
	static const char *const names[] = { "ok",      "resolve", "connect", "tls",    "timeout", "reset",
		                             "too_big", "refused", "resend",  "request", "other" };

	return (unsigned)f < CS_ARRAY_LEN(names) ? names[f] : "other";
}

static void
fill_defaults(struct cs_http_client_conf *conf)
{
	if (conf->connect_timeout_ms <= 0)
		conf->connect_timeout_ms = 5000;
	if (conf->total_timeout_ms <= 0)
		conf->total_timeout_ms = 30000;
	if (conf->max_connections == 0)
		conf->max_connections = 64;
	if (conf->max_answer == 0)
		conf->max_answer = (size_t)1 << 20;
	if (conf->max_answers_total == 0)
		conf->max_answers_total = (size_t)32 << 20;
}

struct cs_http_client *
cs_http_client_new(const struct cs_http_client_conf *conf, struct cs_err *err)
{
	struct cs_http_client *c = cs_xcalloc(1, sizeof(*c));

	pthread_once(&curl_once, init_curl);
	c->conf = *conf;
	fill_defaults(&c->conf);
	cs_list_init(&c->idle);
	cs_list_init(&c->active);
	cs_list_init(&c->paused);
	cs_list_init(&c->waiting);
	cs_list_init(&c->refused);
	c->ca_file = conf->ca_file != NULL ? cs_xstrdup(conf->ca_file) : NULL;
	c->unix_socket = conf->unix_socket != NULL ? cs_xstrdup(conf->unix_socket) : NULL;
	if (c->conf.max_answers_total < c->conf.max_answer + CS_SLOT_SHARE) {
		cs_err_set(err, CS_EINVAL, "the budget for answers is smaller than one answer and 64 KiB");
	} else if ((c->multi = curl_multi_init()) == NULL ||
	           curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->conf.max_connections) != CURLM_OK) {
		cs_err_set(err, CS_ENOMEM, "could not start the http client");
	} else {
		return c;
	}
	cs_http_client_free(c);
	return NULL;
}

void
cs_http_client_set_guard(struct cs_http_client *c, const struct cs_guard *guard)
{
	c->conf.guard = guard;
}

/* The slot is free for the next request. */
static void
release(struct cs_http_client *c, struct slot *s)
{
	cs_slot_clear(s);
	cs_list_del(&s->link);
	cs_list_insert_before(c->idle.next, &s->link); /* the warmest first */
	c->n_active--;
}

static void
unlink_xfer(struct cs_http_client *c, struct cs_http_xfer *x)
{
	if (x->state_ == X_WAITING)
		c->n_waiting--;
	cs_list_del(&x->link_);
	x->state_ = X_IDLE;
}

void
cs_http_client_cancel(struct cs_http_client *c, struct cs_http_xfer *x)
{
	struct slot *s = x->slot_;

	if (x->state_ == X_WAITING || x->state_ == X_REFUSED)
		unlink_xfer(c, x);
	if (x->state_ != X_ACTIVE)
		return;
	x->state_ = X_IDLE;
	x->slot_ = NULL;
	curl_multi_remove_handle(c->multi, s->easy);
	release(c, s);
	c->started = true; /* there is room now */
}

static void
free_slots(struct cs_list *head, CURLM *multi)
{
	struct cs_list *n;

	while ((n = cs_list_pop(head)) != NULL) {
		struct slot *s = CS_CONTAINER(n, struct slot, link);

		if (s->xfer != NULL) {
			curl_multi_remove_handle(multi, s->easy);
			s->xfer->state_ = X_IDLE;
		}
		cs_slot_free(s);
	}
}

void
cs_http_client_free(struct cs_http_client *c)
{
	struct cs_list *n;

	if (c == NULL)
		return;
	while ((n = cs_list_first(&c->waiting)) != NULL || (n = cs_list_first(&c->refused)) != NULL)
		unlink_xfer(c, CS_CONTAINER(n, struct cs_http_xfer, link_));
	free_slots(&c->active, c->multi);
	free_slots(&c->idle, c->multi);
	curl_multi_cleanup(c->multi);
	free(c->wait);
	free(c->ca_file);
	free(c->unix_socket);
	free(c);
}

static void
refuse(struct cs_http_client *c, struct cs_http_xfer *x, const char *why)
{
	x->why_ = why;
	x->state_ = X_REFUSED;
	cs_list_push(&c->refused, &x->link_);
}

static struct slot *
take_slot(struct cs_http_client *c)
{
	struct cs_list *n = cs_list_pop(&c->idle);

	return n != NULL ? CS_CONTAINER(n, struct slot, link) : cs_slot_new(c);
}

static void
activate(struct cs_http_client *c, struct cs_http_xfer *x)
{
	struct slot *s = take_slot(c);

	if (s == NULL) {
		refuse(c, x, "libcurl refused an option");
		return;
	}
	cs_list_push(&c->active, &s->link);
	c->n_active++;
	x->state_ = X_ACTIVE;
	x->slot_ = s;
	if (cs_slot_load(s, x) && curl_multi_add_handle(c->multi, s->easy) == CURLM_OK) {
		c->started = true;
		return;
	}
	x->slot_ = NULL;
	release(c, s);
	refuse(c, x, "libcurl refused the request");
}

static bool
has_room(const struct cs_http_client *c)
{
	if (c->n_active >= c->conf.max_connections)
		return false;
	return c->n_active == 0 || c->granted + c->conf.max_answer <= c->conf.max_answers_total;
}

static void
admit(struct cs_http_client *c)
{
	while (!cs_list_empty(&c->waiting) && has_room(c)) {
		struct cs_http_xfer *x = CS_CONTAINER(cs_list_first(&c->waiting), struct cs_http_xfer, link_);

		unlink_xfer(c, x);
		activate(c, x);
	}
}

void
cs_http_client_start(struct cs_http_client *c, struct cs_http_xfer *x)
{
	const char *why = cs_slot_check(x);

	assert(x->state_ == X_IDLE && x->done != NULL);
	cs_list_init(&x->link_);
	x->slot_ = NULL;
	if (why != NULL) {
		refuse(c, x, why);
		return;
	}
	x->state_ = X_WAITING;
	cs_list_push(&c->waiting, &x->link_);
	c->n_waiting++;
	admit(c);
}

static void
tell_refused(struct cs_http_client *c)
{
	struct cs_list batch, *n;

	cs_list_init(&batch);
	cs_list_splice(&batch, &c->refused); /* what done() starts is told in the next run */
	while ((n = cs_list_first(&batch)) != NULL) {
		struct cs_http_xfer *x = CS_CONTAINER(n, struct cs_http_xfer, link_);
		struct cs_http_answer a = { .fault = CS_HTTP_URL, .body = "", .detail = x->why_ };

		unlink_xfer(c, x);
		c->started = true;
		x->done(x, &a);
	}
}

static void
end(struct cs_http_client *c, struct slot *s, CURLcode code)
{
	struct cs_http_xfer *x = s->xfer;

	cs_slot_conclude(s, s->broken ? CURLE_WRITE_ERROR : code);
	curl_multi_remove_handle(c->multi, s->easy);
	x->state_ = X_IDLE;
	x->slot_ = NULL;
	c->started = true; /* the caller has news to work on */
	x->done(x, &s->answer);
	release(c, s);
}

static void
tell_ended(struct cs_http_client *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
		CURLcode code = m->data.result;
		struct slot *s = NULL;

		if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &s) == CURLE_OK)
			end(c, s, code);
	}
}

/* Let held-back answers go on while there is room for a whole one. */
static void
resume_paused(struct cs_http_client *c)
{
	while (!cs_list_empty(&c->paused)) {
		struct slot *s = CS_CONTAINER(cs_list_first(&c->paused), struct slot, paused);

		if (c->granted + c->conf.max_answer - s->granted > c->conf.max_answers_total)
			return;
		cs_list_del(&s->paused);
		c->started = true;
		if (curl_easy_pause(s->easy, CURLPAUSE_CONT) != CURLE_OK) {
			s->broken = true; /* what was held back did not fit */
			end(c, s, CURLE_WRITE_ERROR);
		}
	}
}

static int
sleep_for(struct cs_http_client *c, int timeout_ms, struct pollfd *fds, size_t n)
{
	CURLMcode rc;

	if (n > c->wait_cap) {
		c->wait = cs_xrealloc(c->wait, n * sizeof(*c->wait));
		c->wait_cap = n;
	}
	for (size_t i = 0; i < n; i++) {
		short e = fds[i].events;

		c->wait[i].fd = fds[i].fd;
		c->wait[i].events = (short)((e & POLLIN ? CURL_WAIT_POLLIN : 0) | (e & POLLPRI ? CURL_WAIT_POLLPRI : 0) |
		                            (e & POLLOUT ? CURL_WAIT_POLLOUT : 0));
		c->wait[i].revents = 0;
	}
	rc = curl_multi_poll(c->multi, c->wait, (unsigned)n, timeout_ms, NULL);
	for (size_t i = 0; i < n; i++) {
		short r = c->wait[i].revents;

		fds[i].revents = (short)((r & CURL_WAIT_POLLIN ? POLLIN : 0) | (r & CURL_WAIT_POLLPRI ? POLLPRI : 0) |
		                         (r & CURL_WAIT_POLLOUT ? POLLOUT : 0));
	}
	return rc == CURLM_OK ? 0 : CS_EIO;
}

int
cs_http_client_run(struct cs_http_client *c, int timeout_ms, struct pollfd *fds, size_t n_fds)
{
	int running;

	c->started = false;
	if (curl_multi_perform(c->multi, &running) != CURLM_OK)
		return CS_EIO;
	tell_refused(c);
	tell_ended(c);
	resume_paused(c);
	admit(c);
	if (c->started || !cs_list_empty(&c->refused))
		timeout_ms = 0;
	return sleep_for(c, timeout_ms, fds, n_fds);
}

void
cs_http_client_wakeup(struct cs_http_client *c)
{
	curl_multi_wakeup(c->multi);
}

size_t
cs_http_client_active(const struct cs_http_client *c)
{
	return c->n_active;
}

size_t
cs_http_client_waiting(const struct cs_http_client *c)
{
	return c->n_waiting;
}
