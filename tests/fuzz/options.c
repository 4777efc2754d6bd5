/* options.c: any text as ASHLAR=; the parser must end, stay inside the text and its answers. */
#include "api/option.h"
#include "fuzz.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(void *arg, const char *sentence)
{
    unsigned *n = arg;
    ++*n;
    if (strlen(sentence) == 0 || strlen(sentence) > 2000)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct ash_options options, again;
    memset(&options, 0, sizeof options);
    memset(&again, 0, sizeof again);
    /* Exactly as long as it is, so that one byte too far is seen. */
    char *text = malloc(n + 1);
    if (!text)
        return 0;
    memcpy(text, bytes, n);
    text[n] = '\0';
    unsigned n_said = 0;
    unsigned n_problems = ash_option_parse(text, &options, say, &n_said);
    /* Each problem is told, and the same text means the same. */
    if ((n_problems > 0) != (n_said > 0) || memchr(options.stats_file, 0, 256) == NULL ||
        options.check > 2 || ash_option_parse(text, &again, say, &n_said) != n_problems ||
        memcmp(&options, &again, sizeof options) != 0) {
        fprintf(stderr, "options: \"%s\" was misunderstood\n", text);
        abort();
    }
    free(text);
    return 0;
}
