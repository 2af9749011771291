/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance.c - the plugin's cache per connection: open() on first use, close() when it is stale or unused for long.
 *
 * An instance belongs to one version of the connection's settings. A call with another version gets a new one; the old one
 * is closed when its last call has returned. Calls without a connection get an instance of their own.
 */
#include "config.h"
#include "plughost/runner.h"

struct cs_instance {
	struct cs_list lru;
	uint64_t id, version;
	void *inst;
	size_t users;
	bool kept; /* in the map; otherwise closed with its last user */
};

void
cs_instances_init(struct cs_instances *s, const struct cs_plugin_v1 *plugin, size_t max)
{
	*s = (struct cs_instances){ .plugin = plugin, .max = max };
	cs_map_init(&s->by_id);
	cs_list_init(&s->lru);
}

static void
close_instance(struct cs_instances *s, struct cs_instance *i)
{
	if (s->plugin->close != NULL)
		s->plugin->close(i->inst);
	cs_freep(&i);
}

/* Take it out of the cache; gone at once if nobody uses it. */
static void
retire(struct cs_instances *s, struct cs_instance *i)
{
	cs_map_del(&s->by_id, i->id);
	cs_list_del(&i->lru);
	s->n--;
	i->kept = false;
	if (i->users == 0)
		close_instance(s, i);
}

void
cs_instances_fini(struct cs_instances *s)
{
	struct cs_list *l;

	while ((l = cs_list_first(&s->lru)) != NULL)
		retire(s, CS_CONTAINER(l, struct cs_instance, lru));
	cs_map_fini(&s->by_id);
}

/* Open ones are bounded by the calls that are open, so stopping at the first one in use is enough. */
static void
make_room(struct cs_instances *s)
{
	struct cs_list *l;

	while (s->n >= s->max && (l = cs_list_first(&s->lru)) != NULL) {
		struct cs_instance *i = CS_CONTAINER(l, struct cs_instance, lru);

		if (i->users > 0)
			return;
		retire(s, i);
	}
}

static void
keep(struct cs_instances *s, struct cs_instance *i)
{
	make_room(s);
	cs_map_put(&s->by_id, i->id, i);
	cs_list_push(&s->lru, &i->lru);
	s->n++;
	i->kept = true;
}

int32_t
cs_instance_get(struct cs_instances *s, struct cs_call *c)
{
	struct cs_instance *i;
	void *inst = NULL;
	int32_t rc;

	if (s->plugin->open == NULL)
		return CS_DONE;
	i = c->in.instance == 0 ? NULL : cs_map_get(&s->by_id, c->in.instance);
	if (i != NULL && i->version != c->in.instance_version) {
		retire(s, i);
		i = NULL;
	}
	if (i == NULL) {
		c->phase = CS_PHASE_OPEN;
		if ((rc = s->plugin->open(&cs_host_v1, c, &inst)) != CS_DONE)
			return rc;
		i = cs_xcalloc(1, sizeof(*i));
		*i = (struct cs_instance){ .id = c->in.instance, .version = c->in.instance_version, .inst = inst };
		cs_list_init(&i->lru);
		if (i->id != 0)
			keep(s, i);
	} else {
		cs_list_del(&i->lru);
		cs_list_push(&s->lru, &i->lru);
	}
	i->users++;
	c->instance = i;
	return CS_DONE;
}

void
cs_instance_put(struct cs_instances *s, struct cs_call *c)
{
	struct cs_instance *i = c->instance;

	c->instance = NULL;
	if (i != NULL && --i->users == 0 && !i->kept)
		close_instance(s, i);
}

void *
cs_instance_of(const struct cs_call *c)
{
	return c->instance != NULL ? c->instance->inst : NULL;
}
