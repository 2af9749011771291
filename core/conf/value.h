/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h - how values are written: durations, sizes, addresses, URLs, keys. Pure functions; any thread.
 *
 * The readers return 0, or CS_EINVAL with err->msg saying what is wrong, as a phrase that fits behind the option's name.
 */
#ifndef CS_CONF_VALUE_H
#define CS_CONF_VALUE_H

#include "conf/conf.h"
#include "util/clock.h"

#define CS_CONF_VALUE_TEXT 32

/* "30 s", "10m", "1 h 30 m", "400 d"; units ms, s, m (or min), h, d. A unit is a must. */
int cs_conf_parse_duration(const char *s, int64_t *ms, struct cs_err *err);
/* "16 MiB", "512KiB", "100 B"; units B, KiB, MiB, GiB, TiB. A unit is a must. */
int cs_conf_parse_size(const char *s, int64_t *bytes, struct cs_err *err);
/* "30 s +- 10 s" (or with the plus-minus sign), "30 s". The spread is not above the time. */
int cs_conf_parse_wait(const char *s, struct cs_conf_wait *w, struct cs_err *err);
/* "127.0.0.1:8080", "[::1]:8080", "unix:/run/x.sock", "" for nothing. Port 0: any free one. text and path borrow from s. */
int cs_conf_parse_listen(const char *s, struct cs_conf_listen *l, struct cs_err *err);
/* "127.0.0.1:9090", "[fd00::1]:443", "10.1.0.0/16:*", "[fd00::/8]:443": what http/guard.h takes as an exception. */
int cs_conf_check_address(const char *s, struct cs_err *err);
/* https or http, a host, no user, no spaces, no fragment. */
int cs_conf_check_url(const char *s, struct cs_err *err);
int cs_conf_check_mail_url(const char *s, struct cs_err *err);
/* "NAME:64 hex digits". *name_len tells how much of s is the name. */
int cs_conf_parse_key(const char *s, size_t *name_len, uint8_t sha256[32], struct cs_err *err);
/* "whsec_" and base64 of 24 to 64 bytes (Standard Webhooks). The message does not quote it. */
int cs_conf_check_whsec(const char *s, size_t n, struct cs_err *err);

/* In the largest unit that fits without a rest; returns out. */
char *cs_conf_duration_text(int64_t ms, char out[CS_CONF_VALUE_TEXT]);
char *cs_conf_size_text(int64_t bytes, char out[CS_CONF_VALUE_TEXT]);

#endif
