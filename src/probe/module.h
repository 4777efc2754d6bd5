/* module.h: a module of the program as the bytes that a trace keeps of it.
 *
 * Enough to find its symbols later, elsewhere: where it lies, its path, and the build id that the
 * linker gave it, read from its own headers in memory.
 *
 * Threads   Any; nothing is kept.
 */
#ifndef ASH_PROBE_MODULE_H
#define ASH_PROBE_MODULE_H

#include "probe/unwind.h"

#define ASH_MODULE_BYTES_MAX 512u

/* A row as in frames of type MAPS (wire/trace.h). How many bytes. */
size_t ash_module_write(const struct ash_unwind_module *module,
                        uint8_t ret_bytes[ASH_MODULE_BYTES_MAX]);

#endif
