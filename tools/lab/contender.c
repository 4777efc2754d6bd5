/* contender.c: who takes part, as the user named it; see contender.h. */
#include "lab/contender.h"
#include "lab/strat.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ash_lab_contender_add(struct ash_lab_contender *contender, const char *key, const char *value)
{
    for (unsigned i = 0; i < contender->n_params; i++)
        if (strcmp(contender->params[i].key, key) == 0)
            return;
    contender->params[contender->n_params++] = (struct ash_lab_param){key, value};
    contender->params[contender->n_params] = (struct ash_lab_param){NULL, NULL};
}

static bool refuse(char *ret_error, const char *format, const char *word)
{
    if (snprintf(ret_error, ASH_LAB_ERROR_MAX, format, word) >= ASH_LAB_ERROR_MAX)
        memcpy(ret_error + ASH_LAB_ERROR_MAX - 4, "...", 4); /* a long path was cut */
    return false;
}

/* Cuts ":key=val:key=val" off the text. */
static bool cut_params(struct ash_lab_contender *contender, char *ret_error)
{
    char *at = strchr(contender->text, ':');
    while (at) {
        *at++ = 0;
        char *value = strchr(at, '='), *next = strchr(at, ':');
        if (!value || (next && value > next) || value == at)
            return refuse(ret_error, "'%.80s' is no key=value", at);
        if (contender->n_params == ASH_LAB_PARAMS_MAX)
            return refuse(ret_error, "'%.80s' has too many parameters", contender->text);
        *value++ = 0;
        contender->params[contender->n_params++] = (struct ash_lab_param){at, value};
        at = next;
    }
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

/* A library's name may go on: libx.so.2 */
static bool is_library(const char *text)
{
    return strchr(text, '/') && (ends_with(text, ".so") || strstr(text, ".so."));
}

static bool find_file(struct ash_lab_contender *contender, const char *path, char *ret_error)
{
    char real[PATH_MAX];
    if (!realpath(path, real) || access(real, R_OK) != 0)
        return refuse(ret_error, "there is no file %s", path);
    if (strpbrk(real, " :") && contender->kind == ASH_LAB_FOREIGN)
        return refuse(ret_error, "%s: a path with a space or colon cannot be preloaded", path);
    memcpy(contender->path, real, sizeof(real));
    return true;
}

static void list_names(char *ret_error)
{
    size_t n = strlen(ret_error);
    const struct ash_lab_strategy *strategy;
    for (unsigned i = 0; (strategy = ash_lab_nth(i)) != NULL && n < ASH_LAB_ERROR_MAX - 40; i++)
        n += (size_t)snprintf(ret_error + n, ASH_LAB_ERROR_MAX - n, "%s, ", strategy->name);
    snprintf(ret_error + n, ASH_LAB_ERROR_MAX - n, "ashlar, a PATH.so or PATH.c");
}

bool ash_lab_contender_read(const char *word, size_t n, const char *ashlar,
                            struct ash_lab_contender *ret_contender,
                            char ret_error[ASH_LAB_ERROR_MAX])
{
    struct ash_lab_contender *contender = ret_contender;
    memset(contender, 0, sizeof(*contender));
    if (n == 0 || n >= sizeof(contender->text))
        return refuse(ret_error, "%s",
                      n ? "the name of a contender is too long"
                        : "the name of a contender is empty");
    memcpy(contender->text, word, n);
    snprintf(contender->label, sizeof(contender->label), "%.63s", contender->text);
    if (!cut_params(contender, ret_error))
        return false;
    const char *name = contender->text;
    if (strcmp(name, "ashlar") == 0) {
        contender->kind = ASH_LAB_FOREIGN;
        return ashlar ? find_file(contender, ashlar, ret_error)
                      : refuse(ret_error, "%s: the library was not found", name);
    }
    if (is_library(name) || ends_with(name, ".c")) {
        bool is_source = ends_with(name, ".c");
        const char *slash = strrchr(name, '/');
        snprintf(contender->label, sizeof(contender->label), "%.63s", slash ? slash + 1 : name);
        contender->kind = is_source ? ASH_LAB_STRATEGY_BROUGHT : ASH_LAB_FOREIGN;
        return find_file(contender, name, ret_error);
    }
    contender->strategy = ash_lab_find(name);
    if (contender->strategy)
        return true;
    snprintf(ret_error, ASH_LAB_ERROR_MAX, "there is no strategy '%.40s'; there are ", name);
    list_names(ret_error);
    return false;
}
