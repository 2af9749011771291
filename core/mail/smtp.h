/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp.h - one mail to one server and one recipient, waiting for the end (libcurl). For the thread of post.c.
 */
#ifndef CS_MAIL_SMTP_H
#define CS_MAIL_SMTP_H

#include <stdatomic.h>
#include "conf/conf.h"
#include "store/store.h"

enum cs_smtp_result {
	CS_SMTP_SENT,    /* the server took it */
	CS_SMTP_LATER,   /* it did not take this one now */
	CS_SMTP_NEVER,   /* it refused it for good */
	CS_SMTP_NOBODY,  /* no server to speak with, or no way to log in: no other mail will go either */
};

/* `stop`: give up as soon as it is set (CS_SMTP_LATER). err says why; never an address or what the server quoted. */
enum cs_smtp_result cs_smtp_send(const struct cs_conf *conf, const struct cs_mail_row *mail, const _Atomic bool *stop, struct cs_err *err);
/* From libcurl's code and the last answer of the server (0: none). */
enum cs_smtp_result cs_smtp_judge(int curl_code, long status);

#endif
