/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.c - the signature on a plugin's request (Standard Webhooks), by the manifest's "sign".
 *
 * The plugin says what is signed, by its headers webhook-id and webhook-timestamp; the core signs the body that goes out, so that
 * neither the secret nor the body has to cross the wire between them once more.
 */
#include <strings.h>
#include "auth/signature.h"
#include "deliver/call/exchange.h"
#include "deliver/call/session_private.h"

static const char *
header(const struct cs_exchange *x, const char *name)
{
	for (size_t i = 0; i < x->n_headers; i++)
		if (strcasecmp(x->headers[i].name, name) == 0)
			return x->headers[i].value;
	return NULL;
}

int
cs_exchange_sign(struct cs_exchange *x, struct cs_bytes body, struct cs_err *err)
{
	struct cs_lookup lk = cs_context_lookup(x->s->context, true);
	CS_CLEANUP(cs_buf_fini) struct cs_buf value = CS_BUF_INIT(0);
	int rc = 1;

	if (x->s->context->manifest->sign.n_secrets > 0 && x->s->own == NULL)
		rc = cs_stdwebhooks_header(&x->s->context->manifest->sign, &lk, header(x, "webhook-id"), header(x, "webhook-timestamp"),
		    body.ptr, body.len, &value, err);
	if (rc == 0)
		cs_exchange_header(x, "webhook-signature", cs_arena_dup(&x->mem, value.ptr, value.len));
	return rc < 0 ? rc : 0;
}
