/* lab_sites.c: call stacks of a trace in words; see lab_sites.h. */
#include "cli/lab_sites.h"
#include "lab/trace_file.h"
#include "view/symbol.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES_SHOWN = 3, FRAME_TEXT = 80 };

struct frames {
    uint64_t at[FRAMES_SHOWN];
    unsigned n;
};

static void keep(const struct ash_trace_event *event, const struct ash_lab_site *sites, size_t n,
                 struct frames *ret_frames)
{
    for (size_t i = 0; i < n; i++) {
        if (sites[i].stack != event->stack)
            continue;
        ret_frames[i].n = 0;
        for (uint64_t k = 0; k < event->size && k < FRAMES_SHOWN; k++)
            ret_frames[i].at[ret_frames[i].n++] = event->frames[k];
    }
}

static struct ash_symbols *open_symbols(const struct ash_order *order)
{
    size_t n;
    const struct ash_order_module *modules = ash_order_modules(order, &n);
    struct ash_symbol_module *told = calloc(n + 1, sizeof(*told));
    for (size_t i = 0; told && i < n; i++)
        told[i] = (struct ash_symbol_module){modules[i].start, modules[i].end, modules[i].path,
                                             modules[i].id, modules[i].id_n};
    struct ash_symbols *symbols = told ? ash_symbols_open(told, n) : NULL;
    free(told);
    return symbols;
}

static void name(struct ash_symbols *symbols, const struct frames *frames,
                 struct ash_lab_site *site)
{
    size_t used = 0;
    for (unsigned k = 0; k < frames->n && used + FRAME_TEXT < sizeof(site->text); k++) {
        char text[FRAME_TEXT];
        ash_symbols_name(symbols, frames->at[k], text, sizeof(text));
        used += (size_t)snprintf(site->text + used, sizeof(site->text) - used, "%s%s",
                                 k ? " < " : "", text);
    }
}

void ash_cli_lab_sites(const char *path, struct ash_lab_site *sites, size_t n)
{
    struct frames frames[ASH_CLI_SITES] = {0};
    struct ash_trace_file file;
    struct ash_trace_event event;
    const char *why;
    uint32_t thread;
    n = n < ASH_CLI_SITES ? n : ASH_CLI_SITES;
    if (n == 0 || !ash_trace_file_open(path, &file, &why))
        return;
    while (ash_order_next(file.order, &event, &thread) == 1)
        if (event.op == ASH_TRACE_EXTENDED && event.more == ASH_TRACE_STACK)
            keep(&event, sites, n, frames);
    struct ash_symbols *symbols = open_symbols(file.order);
    for (size_t i = 0; symbols && i < n; i++)
        name(symbols, &frames[i], &sites[i]);
    ash_symbols_close(symbols);
    ash_trace_file_close(&file);
}
