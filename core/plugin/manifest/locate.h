/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locate.h - finding NAME.so and NAME.json in plugins.dir.
 */
#ifndef CS_PLUGIN_LOCATE_H
#define CS_PLUGIN_LOCATE_H

/* The path of FILE ("hubspot.json") of plugin `name` in a list of folders as plugins.dir has it: DIR/FILE, DIR/NAME/FILE or
 * DIR/NAME/.libs/FILE. NULL when it is nowhere; the caller frees it. */
char *cs_plugin_locate(const char *dirs, const char *name, const char *file);

#endif
