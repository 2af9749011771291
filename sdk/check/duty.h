/* SPDX-License-Identifier: Apache-2.0 */
/*
 * duty.h - what a plugin has to do, as its manifest and descriptor declare it, and which conversations try it.
 */
#ifndef CS_CHECK_DUTY_H
#define CS_CHECK_DUTY_H

#include "check/conversation.h"
#include "check/run.h"

enum cs_duty_kind {
	CS_DUTY_LEAD, CS_DUTY_TEST, CS_DUTY_IDENTIFY, CS_DUTY_CHOICES, CS_DUTY_FETCH, CS_DUTY_AUTH, CS_DUTY_RECEIVED, CS_DUTY_POLL,
	CS_DUTY_SUBSCRIBE, CS_DUTY_RENEW, CS_DUTY_UNSUBSCRIBE, CS_DUTY_KINDS
};

struct cs_duty {
	enum cs_duty_kind kind;
	char name[80];                    /* "choices owners" */
	char what[72];                    /* list or record type; "" */
	int32_t as;                       /* CS_PUSH_TEST where a lead's conversations serve; else -1 */
	const struct cs_script **scripts;
	size_t n;
	bool declared;                    /* else only conversations try it */
	bool tried;                       /* one of them ends with done */
};
struct cs_duties {
	struct cs_duty *v;
	size_t n;
};

/* What the loaded plugin has, told by the first child. */
struct cs_probe {
	uint32_t struct_size, abi_minor;
	char version[64];
	bool has_webhook, has_auth, has_open;
	unsigned answers;                 /* bit of each duty kind whose call was not answered with CS_UNSUPPORTED */
};

/* In order; lists and hooks by the manifest, the rest by what the probe found or a conversation tries. */
void cs_duties_find(const struct cs_manifest *m, const struct cs_probe *probe, const struct cs_scripts *scripts,
    struct cs_duties *out);
void cs_duties_free(struct cs_duties *d);
/* The kind that a conversation tries. */
enum cs_duty_kind cs_duty_of(json_object *script);
const char *cs_duty_name(enum cs_duty_kind kind);

#endif
