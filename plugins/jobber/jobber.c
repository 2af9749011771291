/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobber.c - Jobber: a lead becomes a request of a client, with a note. See jobber.h for who does what, jobber.json for the data.
 */
#include "jobber.h"

CS_PLUGIN_V1(.name = "jobber", .version = "0.1.0", .map = jobber_map, .push = jobber_push, .handle_webhook = jobber_webhook)
