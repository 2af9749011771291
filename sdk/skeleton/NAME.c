/*
 * @name@.c - @Title@: a caller becomes a contact with a note. See @name@.h for who does what, @name@.json for the data.
 */
#include "@name@.h"

CS_PLUGIN_V1(.name = "@name@", .version = "0.1.0", .map = @name@_map, .push = @name@_push, .handle_webhook = @name@_hook)
