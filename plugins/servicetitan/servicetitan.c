/* SPDX-License-Identifier: Apache-2.0 */
/*
 * servicetitan.c - ServiceTitan: a lead becomes a booking of our booking provider. See servicetitan.h for who does what,
 * servicetitan.json for the data.
 */
#include "servicetitan.h"

CS_PLUGIN_V1(.name = "servicetitan", .version = "0.1.0", .map = st_map, .push = st_push, .handle_webhook = st_webhook)
