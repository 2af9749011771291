/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit.c - rate limits as the vendors count them.
 *
 * A window remembers the times of its last `max` requests in a ring: a request is refused while the oldest of
 * them is younger than the window. A bucket holds up to `max` points and refills steadily; a request costs
 * what the endpoint says. State is made when a tenant first needs it. Refused requests are not charged.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "sandbox/crm/limit.h"

struct cs_sb_limit_state {
	int64_t *ring; /* window: max entries */
	size_t next;
	double left; /* bucket */
	int64_t at_ms;
};

static bool
applies(const struct cs_sb_limit *l, const struct cs_sb_endpoint *ep)
{
	return strcmp(l->limit_class, "*") == 0 || strcmp(l->limit_class, ep->limit_class) == 0;
}

static struct cs_sb_limit_state *
state_of(struct cs_sb_tenant *t, const struct cs_sb_limit *l, size_t i)
{
	struct cs_sb_limit_state *s;

	if (t->limits == NULL)
		t->limits = cs_xcalloc(t->crm->crm->nlimits, sizeof(*t->limits));
	s = &t->limits[i];
	if (l->per_ms > 0 && s->ring == NULL)
		s->ring = cs_xcalloc((size_t)l->max, sizeof(*s->ring));
	else if (l->per_ms == 0 && s->at_ms == 0)
		s->left = (double)l->max;
	return s;
}

/* Milliseconds until `cost` would pass; 0: now. *left counts what is there before this request. */
static int64_t
wait_of(const struct cs_sb_limit *l, struct cs_sb_limit_state *s, int64_t now, int64_t cost, int64_t *left)
{
	int64_t used = 0;

	if (l->per_ms > 0) {
		for (int64_t i = 0; i < l->max; i++)
			used += s->ring[i] != 0 && s->ring[i] > now - l->per_ms;
		*left = l->max - used;
		return *left > 0 ? 0 : s->ring[s->next] + l->per_ms - now;
	}
	if (s->at_ms != 0 && now > s->at_ms)
		s->left += (double)(now - s->at_ms) * l->restore_per_s / 1000;
	if (s->left > (double)l->max)
		s->left = (double)l->max;
	s->at_ms = now;
	*left = (int64_t)s->left;
	return s->left >= (double)cost ? 0 : (int64_t)(((double)cost - s->left) * 1000 / l->restore_per_s) + 1;
}

static void
charge(const struct cs_sb_limit *l, struct cs_sb_limit_state *s, int64_t now, int64_t cost)
{
	if (l->per_ms == 0) {
		s->left -= (double)cost;
		return;
	}
	s->ring[s->next] = now;
	s->next = (s->next + 1) % (size_t)l->max;
}

static void
tell(json_object *all, const struct cs_sb_limit *l, int64_t left, int64_t wait)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "max", json_object_new_int64(l->max));
	json_object_object_add(o, "left", json_object_new_int64(left > 0 ? left : 0));
	json_object_object_add(o, "wait_ms", json_object_new_int64(wait));
	json_object_object_add(o, "wait_s", json_object_new_int64((wait + 999) / 1000));
	json_object_object_add(all, l->name, o);
}

const struct cs_sb_limit *
cs_sb_limits_charge(struct cs_sb_scope *sc)
{
	const struct cs_sb_crm *crm = sc->crm;
	const struct cs_sb_limit *over = NULL;
	int64_t cost = cs_sb_eval_int(sc, sc->endpoint->cost, 1), left, wait;
	json_object *all;

	if (crm->nlimits == 0 || sc->tenant == NULL)
		return NULL;
	all = json_object_new_object();
	for (size_t i = 0; i < crm->nlimits; i++) {
		const struct cs_sb_limit *l = &crm->limits[i];

		if (!applies(l, sc->endpoint))
			continue;
		wait = wait_of(l, state_of(sc->tenant, l, i), sc->now_ms, cost, &left);
		if (wait > 0 && over == NULL)
			over = l;
		tell(all, l, left - (l->per_ms > 0 ? 1 : cost), wait);
	}
	for (size_t i = 0; over == NULL && i < crm->nlimits; i++) {
		if (applies(&crm->limits[i], sc->endpoint))
			charge(&crm->limits[i], &sc->tenant->limits[i], sc->now_ms, cost);
	}
	cs_sb_scope_set(sc, "limit", all);
	return over;
}

void
cs_sb_limits_headers(struct cs_sb_scope *sc, struct cs_sb_reply *reply)
{
	for (size_t i = 0; sc->endpoint != NULL && sc->tenant != NULL && i < sc->crm->nlimits; i++) {
		const struct cs_sb_limit *l = &sc->crm->limits[i];

		if (l->headers == NULL || !applies(l, sc->endpoint))
			continue;
		CS_SB_MEMBERS(e, l->headers) {
			char *v = cs_sb_eval_text(sc, CS_SB_VALUE(e));

			if (v != NULL)
				cs_sb_reply_header(reply, CS_SB_NAME(e), v);
			free(v);
		}
	}
}

void
cs_sb_limits_free(struct cs_sb_tenant *t)
{
	for (size_t i = 0; t->limits != NULL && i < t->crm->crm->nlimits; i++)
		free(t->limits[i].ring);
	free(t->limits);
	t->limits = NULL;
}
