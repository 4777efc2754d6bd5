/* symbol.h: code addresses of another process as function, file and line, by elfutils.
 *
 * The process need not live: each module is looked for on the disk by its path, and taken only if
 * its build id is the recorded one. Debug information may lie apart, by build id (/usr/lib/debug);
 * servers are not asked.
 */
#ifndef ASH_VIEW_SYMBOL_H
#define ASH_VIEW_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ash_symbol_module {
    uint64_t start, end;
    const char *path;
    const uint8_t *id; /* id_n 0: any file will do */
    size_t id_n;
};

struct ash_symbols;

/* NULL: no memory. */
struct ash_symbols *ash_symbols_open(const struct ash_symbol_module *modules, size_t n);
/* "function (file.c:12)", "function (libx.so)", "libx.so+0x123", or the bare number; for an address
 * that a call returns to the call's. Cut to size. */
void ash_symbols_name(struct ash_symbols *symbols, uint64_t address, char *ret_text, size_t size);
/* Modules whose file is gone or another one. */
size_t ash_symbols_missing(const struct ash_symbols *symbols);
void ash_symbols_close(struct ash_symbols *symbols);

#endif
