/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols.h - the names of the functions in an ELF file, for back-traces.
 *
 * Read while files can still be opened, asked in a signal handler. The file is the plugin's own and may be anything: what
 * does not fit is left out.
 */
#ifndef CS_PLUGHOST_SYMBOLS_H
#define CS_PLUGHOST_SYMBOLS_H

#include <stdint.h>

struct cs_symbols;

/* From .symtab, or from .dynsym when the file is stripped. NULL: none could be read. */
struct cs_symbols *cs_symbols_read(const char *path);
void cs_symbols_free(struct cs_symbols *s); /* NULL is fine */
/* The function around an address of the file (not yet moved to where it is loaded), or NULL. May be asked in a signal handler. */
const char *cs_symbols_find(const struct cs_symbols *s, uint64_t at, uint64_t *offset);

#endif
