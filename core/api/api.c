/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.c - beginning and end of the admin API.
 */
#include "config.h"
#include "api/api.h"

#include <grp.h>
#include <stdlib.h>
#include "api/watch/snapshot.h"

#define GROUP "csrelay"

static int64_t
group_id(void)
{
	struct group gr, *found = NULL;
	char buf[16384];

	if (getgrnam_r(GROUP, &gr, buf, sizeof(buf), &found) != 0 || found == NULL)
		return -1;
	return (int64_t)gr.gr_gid;
}

void
cs_api_init(struct cs_api *api)
{
	cs_conf_ref(api->conf);
	pthread_mutex_init(&api->lock, NULL);
	api->group = group_id();
	cs_map_init(&api->crm_of);
	api->snapshot = NULL;
	api->closing = false;
}

void
cs_api_close(struct cs_api *api)
{
	api->closing = true;
}

void
cs_api_fini(struct cs_api *api)
{
	char *name;
	size_t at = 0;

	while ((name = cs_map_next(&api->crm_of, &at, NULL)) != NULL)
		free(name);
	cs_map_fini(&api->crm_of);
	cs_api_snapshot_free(api->snapshot);
	cs_conf_unref(api->conf);
	pthread_mutex_destroy(&api->lock);
}

void
cs_api_reload(struct cs_api *api, struct cs_conf *conf)
{
	struct cs_conf *old;

	pthread_mutex_lock(&api->lock);
	old = api->conf;
	api->conf = cs_conf_ref(conf);
	pthread_mutex_unlock(&api->lock);
	cs_conf_unref(old);
}

struct cs_conf *
cs_api_conf_ref(struct cs_api *api)
{
	struct cs_conf *conf;

	pthread_mutex_lock(&api->lock);
	conf = cs_conf_ref(api->conf);
	pthread_mutex_unlock(&api->lock);
	return conf;
}
