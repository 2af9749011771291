/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gohighlevel.c - HighLevel: a lead becomes a contact with tags and a note, and an opportunity where a pipeline is chosen. See
 * gohighlevel.h for who does what, gohighlevel.json for the data.
 */
#include "gohighlevel.h"

CS_PLUGIN_V1(.name = "gohighlevel", .version = "0.1.0", .map = ghl_map, .push = ghl_push, .handle_webhook = ghl_webhook)
