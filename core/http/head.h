/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.h - private to the server: the rules that the head of a request must keep. Pure, but for reading the headers.
 */
#ifndef CS_HTTP_HEAD_H
#define CS_HTTP_HEAD_H

#include <microhttpd.h>
#include <stdbool.h>

struct cs_head {
	int n_length, n_encoding, n_host, n_bad; /* how often each is there; bad: names that are not tokens */
	const char *length, *encoding;           /* the last of them; borrowed from the connection */
};
void cs_head_read(struct MHD_Connection *conn, struct cs_head *h); /* *h is zero before */

/* Each returns NULL when all is well, or a sentence. The first: what makes two readers disagree where a request ends. */
const char *cs_head_fault(const struct cs_head *h, const char *version);
const char *cs_target_fault(const char *target); /* as sent */
const char *cs_path_fault(const char *path);     /* decoded */
/* Does %2F stand in its path? */
bool cs_target_has_slash(const char *target);

#endif
