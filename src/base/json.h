/* json.h: a streaming JSON writer that allocates nothing.
 *
 * The caller supplies a sink; the writer puts commas, quotes and escapes. Depth is bounded
 * by ASH_JSON_DEPTH and checked.
 *
 * Threads   A writer belongs to one thread.
 */
#ifndef ASH_BASE_JSON_H
#define ASH_BASE_JSON_H

#include "base/base.h"

#define ASH_JSON_DEPTH 16

/* Takes n bytes of text; called in order. */
typedef void ash_json_sink(void *arg, const char *text, size_t n);

struct ash_json {
    ash_json_sink *sink;
    void *arg;
    unsigned depth;
    bool some[ASH_JSON_DEPTH]; /* the open level has a member already */
    bool after_key;
};

void ash_json_init(struct ash_json *json, ash_json_sink *sink, void *arg);
void ash_json_object(struct ash_json *json);
void ash_json_object_end(struct ash_json *json);
void ash_json_array(struct ash_json *json);
void ash_json_array_end(struct ash_json *json);
void ash_json_key(struct ash_json *json, const char *key);
void ash_json_str(struct ash_json *json, const char *s);
void ash_json_u64(struct ash_json *json, uint64_t x);
void ash_json_i64(struct ash_json *json, int64_t x);
void ash_json_bool(struct ash_json *json, bool x);

#endif
