/* symbol.c: names of code addresses, by libdwfl; see symbol.h. */
#include "view/symbol.h"
#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct module {
    struct ash_symbol_module told;
    Dwfl_Module *found; /* NULL: missing */
};

struct ash_symbols {
    Dwfl *dwfl;
    struct module *modules;
    size_t n, n_missing;
};

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_recorded_one(Dwfl_Module *found, const struct ash_symbol_module *told)
{
    const unsigned char *id;
    GElf_Addr address;
    Dwarf_Addr bias;
    if (told->id_n == 0)
        return true;
    if (!dwfl_module_getelf(found, &bias))
        return false;
    int n = dwfl_module_build_id(found, &id, &address);
    return n == (int)told->id_n && memcmp(id, told->id, told->id_n) == 0;
}

static void add(struct ash_symbols *symbols, const struct ash_symbol_module *told)
{
    struct module *module = &symbols->modules[symbols->n++];
    *module = (struct module){.told = *told};
    if (told->path[0] == '/')
        module->found = dwfl_report_elf(symbols->dwfl, last_part(told->path), told->path, -1,
                                        told->start, false);
    if (module->found && !is_recorded_one(module->found, told))
        module->found = NULL;
    symbols->n_missing += module->found == NULL;
}

struct ash_symbols *ash_symbols_open(const struct ash_symbol_module *modules, size_t n)
{
    static char *debug_path; /* the usual places */
    static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                             .find_debuginfo = dwfl_standard_find_debuginfo,
                                             .debuginfo_path = &debug_path};
    unsetenv("DEBUGINFOD_URLS"); /* a server could keep us for minutes */
    struct ash_symbols *symbols = calloc(1, sizeof(*symbols));
    if (!symbols)
        return NULL;
    symbols->modules = calloc(n + 1, sizeof(*symbols->modules));
    symbols->dwfl = dwfl_begin(&callbacks);
    if (!symbols->modules || !symbols->dwfl) {
        ash_symbols_close(symbols);
        return NULL;
    }
    dwfl_report_begin(symbols->dwfl);
    for (size_t i = 0; i < n; i++)
        add(symbols, &modules[i]);
    dwfl_report_end(symbols->dwfl, NULL, NULL);
    return symbols;
}

static const struct module *module_of(const struct ash_symbols *symbols, uint64_t address)
{
    for (size_t i = symbols->n; i-- > 0;) /* the last one stands for all before */
        if (address > symbols->modules[i].told.start && address <= symbols->modules[i].told.end)
            return &symbols->modules[i];
    return NULL;
}

void ash_symbols_name(struct ash_symbols *symbols, uint64_t address, char *ret_text, size_t size)
{
    const struct module *module = module_of(symbols, address);
    if (!module) {
        snprintf(ret_text, size, "0x%llx", (unsigned long long)address);
        return;
    }
    const char *file = last_part(module->told.path);
    const char *function = module->found ? dwfl_module_addrname(module->found, address - 1) : NULL;
    Dwfl_Line *line = module->found ? dwfl_module_getsrc(module->found, address - 1) : NULL;
    int number = 0;
    const char *source = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;
    if (function && source)
        snprintf(ret_text, size, "%s (%s:%d)", function, last_part(source), number);
    else if (function)
        snprintf(ret_text, size, "%s (%s)", function, file);
    else
        snprintf(ret_text, size, "%s+0x%llx", file,
                 (unsigned long long)(address - module->told.start));
}

size_t ash_symbols_missing(const struct ash_symbols *symbols)
{
    return symbols->n_missing;
}

void ash_symbols_close(struct ash_symbols *symbols)
{
    if (!symbols)
        return;
    if (symbols->dwfl)
        dwfl_end(symbols->dwfl);
    free(symbols->modules);
    free(symbols);
}
