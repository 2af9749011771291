/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hubspot.c - HubSpot: a lead becomes a contact with a note. See hubspot.h for who does what, hubspot.json
 * for the data.
 */
#include "hubspot.h"

CS_PLUGIN_V1(.name = "hubspot", .version = "0.1.0", .map = hubspot_map, .push = hubspot_push,
             .handle_webhook = hubspot_webhook)
