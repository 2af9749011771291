/* SPDX-License-Identifier: Apache-2.0 */
/* seal.c - seal KEYFILE STORE N: put N secrets into a store, as a daemon does after a refresh. No daemon may run. */
#include "config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/store.h"
#include "vault/vault.h"

static int
put(struct cs_store *s, const struct cs_vault *v, int i, struct cs_err *err)
{
	struct cs_buf b = CS_BUF_INIT(0);
	char owner[32];
	int rc;

	snprintf(owner, sizeof(owner), "conn/%d", 1000 + i);
	rc = cs_vault_seal(v, owner, "access_token", owner, strlen(owner), &b, err);
	if (rc == 0)
		rc = s->ops->secret_put(s, owner, "access_token", (struct cs_bytes){ b.ptr, b.len }, err);
	cs_buf_fini(&b);
	return rc;
}

int
main(int argc, char **argv)
{
	struct cs_store_conf sc = { .path = argc == 4 ? argv[2] : "" };
	struct cs_store *s = NULL;
	struct cs_vault *v = NULL;
	struct cs_err err = { .msg = "usage: seal KEYFILE STORE N" };
	int n = argc == 4 ? atoi(argv[3]) : -1, rc = n < 0 ? CS_EINVAL : cs_vault_open(argv[1], &v, &err);

	if (rc == 0 && (rc = cs_store_open_sqlite(&sc, &s, &err)) == 0)
		rc = s->ops->begin(s, &err);
	for (int i = 0; i < n && rc == 0; i++)
		rc = put(s, v, i, &err);
	if (rc == 0)
		rc = s->ops->commit(s, &err);
	cs_store_close(s);
	cs_vault_close(v);
	if (rc < 0)
		fprintf(stderr, "seal: %s\n", err.msg);
	return rc < 0;
}
