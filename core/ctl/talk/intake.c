/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake.c - see intake.h.
 */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "auth/signature.h"
#include "conf/load.h"
#include "ctl/talk/intake.h"
#include "ctl/talk/place.h"
#include "util/clock.h"

#define SHORTEST_PAUSE_MS 200
#define LONGEST_PAUSE_MS 5000

/* ---- where and as whom */

/* A listener on all addresses is reached on loopback. */
static const char *
url_of_listener(struct cs_ctl *c, const struct cs_conf *conf)
{
	const char *text = conf->listen.intake.text, *colon = strrchr(text, ':'),
		   *scheme = conf->tls.cert[0] != '\0' ? "https" : "http";

	if (strncmp(text, "0.0.0.0:", 8) == 0 || strncmp(text, "[::]:", 5) == 0)
		return cs_arena_printf(&c->mem, "%s://127.0.0.1%s", scheme, colon);
	return cs_arena_printf(&c->mem, "%s://%s", scheme, text);
}

static int
load(struct cs_ctl *c, struct cs_conf **conf)
{
	struct cs_conf_errors errs = { 0 };
	int rc = cs_conf_load(cs_ctl_conf_path(c), conf, &errs);

	if (rc < 0) {
		cs_conf_errors_print(&errs, stderr);
		cs_ctl_fail(
		    0, "without a configuration that can be read, say --url and --key-file or --secret-file");
	}
	cs_conf_errors_fini(&errs);
	return rc < 0 ? CS_CTL_USAGE : CS_CTL_OK;
}

static int
open_link(struct cs_ctl *c, struct cs_ctl_intake *in, const struct cs_conf *conf)
{
	const char *url = cs_ctl_opt(c, "url"), *socket = cs_ctl_opt(c, "socket");
	struct cs_err err = { 0 };

	if (url == NULL && socket == NULL && conf != NULL && conf->listen.intake.is_unix)
		socket = conf->listen.intake.path;
	else if (url == NULL && socket == NULL && conf != NULL && conf->listen.intake.text[0] != '\0')
		url = url_of_listener(c, conf);
	if (url == NULL && socket == NULL)
		return cs_ctl_fail(CS_CTL_USAGE, "listen.intake is not set in %s; say --url",
				   cs_ctl_conf_path(c));
	in->link =
	    socket != NULL ? cs_ctl_link_unix(socket) : cs_ctl_link_url(url, cs_ctl_opt(c, "key-file"), &err);
	return in->link != NULL ? CS_CTL_OK : cs_ctl_fail_err(CS_CTL_USAGE, &err);
}

static int
find_secret(struct cs_ctl *c, struct cs_ctl_intake *in, const struct cs_conf *conf)
{
	const char *file = cs_ctl_opt(c, "secret-file");
	struct cs_err err = { 0 };

	if (file != NULL) {
		in->secret = cs_ctl_read_secret(file, &err);
		return in->secret != NULL ? CS_CTL_OK : cs_ctl_fail_err(CS_CTL_USAGE, &err);
	}
	if (cs_ctl_has(c, "key-file"))
		return CS_CTL_OK;
	if (conf == NULL || conf->intake.secrets.n == 0)
		return cs_ctl_fail(CS_CTL_USAGE,
				   "%s has no intake.secrets to sign with; say --key-file or --secret-file",
				   cs_ctl_conf_path(c));
	in->secret = cs_xstrdup(conf->intake.secrets.v[0]);
	return CS_CTL_OK;
}

int
cs_ctl_intake_open(struct cs_ctl *c, struct cs_ctl_intake *in)
{
	bool said_where = cs_ctl_has(c, "url") || cs_ctl_has(c, "socket");
	bool said_who = cs_ctl_has(c, "key-file") || cs_ctl_has(c, "secret-file");
	struct cs_conf *conf = NULL;
	int rc = CS_CTL_OK;

	if (!said_where || !said_who)
		rc = load(c, &conf);
	if (rc == CS_CTL_OK)
		rc = find_secret(c, in, conf);
	if (rc == CS_CTL_OK)
		rc = open_link(c, in, conf);
	cs_conf_unref(conf);
	return rc;
}

void
cs_ctl_intake_close(struct cs_ctl_intake *in)
{
	cs_ctl_link_free(in->link);
	cs_wipe_free(in->secret, 0);
	in->link = NULL;
	in->secret = NULL;
}

/* ---- sending */

static void
send_once(struct cs_ctl_intake *in, const char *body, size_t n, bool batch, const char *id,
	  struct cs_ctl_answer *a)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf signature = CS_BUF_INIT(0);
	int64_t now_s = cs_now_ms(&cs_clock_real) / 1000;
	struct cs_ctl_header headers[3];
	char timestamp[24];
	struct cs_ctl_request r = { .method = "POST",
				    .path = "/v1/leads",
				    .body = body,
				    .body_len = n,
				    .headers = headers,
				    .content_type = batch ? "application/x-ndjson" : "application/json" };

	if (in->secret != NULL && cs_stdwebhooks_sign(in->secret, id, now_s, body, n, &signature) < 0) {
		memset(a, 0, sizeof(*a));
		cs_err_set(&a->err, CS_EINVAL,
			   "the secret is not one that can sign: whsec_ and base64, or plain text");
		return;
	}
	if (in->secret != NULL) {
		snprintf(timestamp, sizeof(timestamp), "%lld", (long long)now_s);
		headers[r.n_headers++] = (struct cs_ctl_header){ "webhook-id", id };
		headers[r.n_headers++] = (struct cs_ctl_header){ "webhook-timestamp", timestamp };
		headers[r.n_headers++] = (struct cs_ctl_header){ "webhook-signature", cs_buf_str(&signature) };
	}
	cs_ctl_link_ask(in->link, &r, a);
}

static bool
is_for_later(const struct cs_ctl_intake *in, const struct cs_ctl_answer *a)
{
	if (a->status == 0)
		return in->reached && a->err.code != CS_EINVAL;
	return a->status == 503 || a->status == 429;
}

static const char *
why(const struct cs_ctl_answer *a)
{
	return a->status == 0 ? a->err.msg : cs_json_str(a->json, "detail", "the daemon asks for patience");
}

void
cs_ctl_intake_send(struct cs_ctl_intake *in, const char *body, size_t n, bool batch, const char *id,
		   struct cs_ctl_answer *a)
{
	int64_t start_us = cs_mono_us(), pause_ms = SHORTEST_PAUSE_MS, left_ms;

	for (;;) {
		send_once(in, body, n, batch, id, a);
		left_ms = in->patience_ms - (cs_mono_us() - start_us) / 1000;
		if (!is_for_later(in, a) || left_ms <= 0)
			break;
		if (a->retry_after_s > 0)
			pause_ms = a->retry_after_s * 1000;
		pause_ms = pause_ms < LONGEST_PAUSE_MS ? pause_ms : LONGEST_PAUSE_MS;
		pause_ms = pause_ms < left_ms ? pause_ms : left_ms;
		if (in->waiting != NULL)
			in->waiting(in->ctx, why(a));
		cs_ctl_answer_fini(a);
		nanosleep(
		    &(struct timespec){ .tv_sec = pause_ms / 1000, .tv_nsec = pause_ms % 1000 * 1000000 },
		    NULL);
		pause_ms *= 2;
	}
	in->reached |= a->status > 0;
}
