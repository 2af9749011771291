/* SPDX-License-Identifier: Apache-2.0 */
/* places.h - where an answer can be replaced: the requests that the conversations of a duty lead to. */
#ifndef CS_CHECK_PLACES_H
#define CS_CHECK_PLACES_H

#include "check/try.h"

struct cs_spot {
	const struct cs_script *script;
	size_t at;          /* which request */
	bool first_of_kind; /* no earlier place has a request of this step, method and look-up */
	bool same_before;   /* an earlier conversation is the same up to this answer: what fails here fails as it did there */
};
struct cs_places {
	const struct cs_duty *duty;
	struct cs_spot *v;
	size_t n;
};

/* Found by running each conversation once; kept for the life of the process. */
const struct cs_places *cs_places_of(struct cs_trial *t);

#endif
