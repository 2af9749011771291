/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands.h - every command, defined in the file that is named after it (cmd/dlq/fix.c: cs_ctl_cmd_dlq_fix).
 */
#ifndef CS_CTL_COMMANDS_H
#define CS_CTL_COMMANDS_H

#include "ctl/ctl.h"

extern const struct cs_ctl_command cs_ctl_cmd_alerts, cs_ctl_cmd_completion, cs_ctl_cmd_config_check, cs_ctl_cmd_connect_link,
    cs_ctl_cmd_config_dump, cs_ctl_cmd_connections, cs_ctl_cmd_connections_authorize, cs_ctl_cmd_connections_change,
    cs_ctl_cmd_connections_claim, cs_ctl_cmd_connections_confirm, cs_ctl_cmd_connections_create, cs_ctl_cmd_connections_delete,
    cs_ctl_cmd_connections_parked, cs_ctl_cmd_connections_rollback,
    cs_ctl_cmd_connections_versions, cs_ctl_cmd_connections_verify, cs_ctl_cmd_connections_check,
    cs_ctl_cmd_connections_choices, cs_ctl_cmd_connections_test, cs_ctl_cmd_connections_seen, cs_ctl_cmd_deliveries, cs_ctl_cmd_dlq_cancel,
    cs_ctl_cmd_dlq_discard, cs_ctl_cmd_dlq_done, cs_ctl_cmd_dlq_fix, cs_ctl_cmd_dlq_list,
    cs_ctl_cmd_dlq_progress, cs_ctl_cmd_dlq_replay, cs_ctl_cmd_dlq_reroute, cs_ctl_cmd_dlq_show,
    cs_ctl_cmd_explain, cs_ctl_cmd_help, cs_ctl_cmd_keys_list, cs_ctl_cmd_keys_new, cs_ctl_cmd_keys_remove, cs_ctl_cmd_keys_rotate,
    cs_ctl_cmd_leads, cs_ctl_cmd_map, cs_ctl_cmd_pause, cs_ctl_cmd_plugins, cs_ctl_cmd_plugins_reload,
    cs_ctl_cmd_queue,
    cs_ctl_cmd_reload, cs_ctl_cmd_resume, cs_ctl_cmd_retry, cs_ctl_cmd_sandbox, cs_ctl_cmd_secrets_rotate,
    cs_ctl_cmd_secrets_status, cs_ctl_cmd_send,
    cs_ctl_cmd_status, cs_ctl_cmd_store_check, cs_ctl_cmd_version;

#endif
