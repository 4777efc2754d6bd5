/* plugin.c: a library that allocates when it is loaded, used, and unloaded. */
#include <stdlib.h>
#include <string.h>

#ifndef PLUGIN_TLS_BYTES
#define PLUGIN_TLS_BYTES 16
#endif

static __thread char own[PLUGIN_TLS_BYTES];
void *plugin_block;
static void *kept;

__attribute__((constructor)) static void construct(void)
{
    plugin_block = malloc(1000);
    kept = calloc(1, 70000);
}

__attribute__((destructor)) static void destruct(void)
{
    free(plugin_block);
    free(kept);
    free(malloc(4000));
}

/* Touches the thread-local block, which the dynamic linker may have to allocate. */
void *plugin_take(size_t bytes)
{
    memset(own, 1, sizeof own);
    return malloc(bytes);
}

void plugin_give(void *block)
{
    free(block);
}
