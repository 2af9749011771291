/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reseal.h - what an older master key has sealed is sealed anew, a little at a time.
 *
 * Since new secrets come under the first key of the file at once and old ones still open, nobody waits for this. It goes
 * through the secrets once after each change of the keys, at each start, and once a day for what slipped through.
 */
#ifndef CS_VAULT_RESEAL_H
#define CS_VAULT_RESEAL_H

#include "store/writer.h"
#include "vault/vault.h"

struct cs_reseal;
/* vault NULL: there is nothing to do, ever. Both outlive it. */
struct cs_reseal *cs_reseal_new(const struct cs_vault *vault, struct cs_writer *writer);
/* Give the writer one step if there is one to make; cheap otherwise. One thread. */
void cs_reseal_tick(struct cs_reseal *r, int64_t now_ms);
/* The step under way ends by itself. */
void cs_reseal_free(struct cs_reseal *r);

/* One step, in the writer's transaction: looks at the next secrets behind *owner and *name, which move on. */
struct cs_reseal_step {
	char *owner, *name; /* owned; "" and "": from the first */
	int looked;         /* 0: that was the end */
	int resealed, unreadable;
};
int cs_reseal_apply(struct cs_store *s, const struct cs_vault *vault, struct cs_reseal_step *step, struct cs_err *err);

#endif
