/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services.c - what a plugin asks of the core besides requests: secrets made and compared, signatures, a new token. See session_private.h.
 */
#include <string.h>
#include "auth/signature.h"
#include "deliver/call/session_private.h"
#include "deliver/engine_private.h"
#include "deliver/results.h"
#include "util/text.h"

static void
answer_service(struct cs_session *s, int32_t rc, const void *p, size_t n)
{
	struct cs_wire_service_result r = { .rc = rc, .bytes = { p, n } };

	cs_remote_answer(s->context->remote, s->call, &r);
}

static void
secret_new(struct cs_session *s, const char *name, size_t len)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf text = CS_BUF_INIT(512);
	uint8_t raw[64];

	if (len < 16 || len > sizeof(raw) || cs_manifest_secret(s->context->manifest, name) == NULL) {
		answer_service(s, CS_REJECT, "", 0);
		return;
	}
	cs_random_bytes(raw, len);
	cs_base64url_add(&text, raw, len);
	cs_context_secret_put(s->context, name, cs_buf_str(&text), text.len);
	cs_results_secret(s->engine, s->context, name);
	cs_wipe(raw, sizeof(raw));
	cs_wipe(text.ptr, text.cap);
	answer_service(s, CS_DONE, "", 0);
}

static void
hmac(struct cs_session *s, const struct cs_wire_service *req)
{
	const struct cs_named *secret = cs_context_secret(s->context, req->name);
	uint8_t key[512], mac[64];
	int key_len, n;

	if (secret == NULL || (key_len = cs_secret_key(secret->value, key, sizeof(key))) < 0 ||
	    (n = cs_hmac(req->arg, key, (size_t)key_len, req->bytes.ptr, req->bytes.len, mac)) < 0) {
		answer_service(s, CS_REJECT, "", 0);
		return;
	}
	answer_service(s, CS_DONE, mac, (size_t)n);
	cs_wipe(key, sizeof(key));
}

static void
new_token_ready(struct cs_token_wait *w, int32_t outcome, const char *why CS_UNUSED)
{
	answer_service(CS_CONTAINER(w, struct cs_session, service), outcome, "", 0);
}

/* The plugin knows that its token is no longer good, although no 401 said so. */
static void
new_token(struct cs_session *s)
{
	struct cs_gate_answer no;
	enum cs_gate gate;

	if (s->renews) {
		cs_token_by_manifest(s);
		return;
	}
	s->service.ready = new_token_ready;
	gate = cs_token_ask(s->engine, s->context, &s->service, &no);
	if (gate == CS_GATE_SHUT && no.not_before_ms > 0)
		s->not_before_ms = no.not_before_ms;
	if (gate != CS_GATE_WAIT)
		answer_service(s, gate == CS_GATE_OPEN ? CS_DONE : no.outcome, "", 0);
}

void
cs_session_on_service(void *user, uint64_t call CS_UNUSED, const struct cs_wire_service *req)
{
	struct cs_session *s = user;
	const struct cs_named *secret;

	switch (req->kind) {
	case CS_SERVICE_SECRET_NEW:
		secret_new(s, req->name, (size_t)req->arg);
		break;
	case CS_SERVICE_SECRET_EQUAL:
		secret = cs_context_secret(s->context, req->name);
		answer_service(s, secret == NULL ? CS_TRI_UNKNOWN : cs_secure_equal(secret->value, secret->len, req->bytes.ptr, req->bytes.len),
		    "", 0);
		break;
	case CS_SERVICE_HMAC:
		hmac(s, req);
		break;
	default:
		new_token(s);
	}
}
