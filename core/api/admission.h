/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admission.h - may this sender hand in leads?
 *
 * Either the Standard Webhooks headers over the raw body with one of intake.secrets, or a bearer key: one of intake.keys, or a
 * key from the store with the scope "intake", which may be bound to accounts. With no secret and no key configured nothing is
 * let in.
 */
#ifndef CS_API_ADMISSION_H
#define CS_API_ADMISSION_H

#include "conf/conf.h"
#include "http/server.h"
#include "store/store.h"

struct cs_sender {
	char accounts[1024]; /* space-separated; "" all */
	int64_t key_id, last_used_ms; /* of a key of the store; 0: another way */
};

/* 0 and *out filled, or CS_EPERM with err saying what did not fit. */
int cs_sender_check(const struct cs_conf *conf, struct cs_store *reader, const struct cs_http_request *req, int64_t now_ms,
                    struct cs_sender *out, struct cs_err *err);
bool cs_sender_may(const struct cs_sender *s, const char *account);

#endif
