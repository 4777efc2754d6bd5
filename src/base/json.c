/* json.c: a streaming JSON writer that allocates nothing; see json.h. */
#include "base/json.h"
#include "base/check.h"
#include <string.h>

/* 20 digits of UINT64_MAX and a sign. */
#define NUMBER_BYTES_MAX 21
/* What stands for bytes that are no UTF-8: JSON has no other place for them. */
#define REPLACEMENT "\xEF\xBF\xBD"

static void put(struct ash_json *json, const char *text, size_t n)
{
    json->sink(json->arg, text, n);
}

void ash_json_init(struct ash_json *json, ash_json_sink *sink, void *arg)
{
    memset(json, 0, sizeof *json);
    json->sink = sink;
    json->arg = arg;
}

/* The comma before a value or key, unless it is the first of its level or follows a key. */
static void separate(struct ash_json *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->some[json->depth])
        put(json, ",", 1);
    json->some[json->depth] = true;
}

static void open_level(struct ash_json *json, const char *bracket)
{
    separate(json);
    ASH_CHECK(json->depth + 1 < ASH_JSON_DEPTH);
    json->some[++json->depth] = false;
    put(json, bracket, 1);
}

static void close_level(struct ash_json *json, const char *bracket)
{
    ASH_CHECK(json->depth > 0 && !json->after_key);
    json->depth--;
    put(json, bracket, 1);
}

void ash_json_object(struct ash_json *json)
{
    open_level(json, "{");
}

void ash_json_object_end(struct ash_json *json)
{
    close_level(json, "}");
}

void ash_json_array(struct ash_json *json)
{
    open_level(json, "[");
}

void ash_json_array_end(struct ash_json *json)
{
    close_level(json, "]");
}

/* Bytes of the UTF-8 sequence that s begins with, 0 when it is none (RFC 3629). */
static size_t utf8_bytes(const unsigned char *s)
{
    unsigned c = s[0];
    if (c < 0x80)
        return 1;
    size_t n = c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) /* also at the closing 0 */
            return 0;
    }
    bool too_long = (c == 0xE0 && s[1] < 0xA0) || (c == 0xF0 && s[1] < 0x90);
    bool surrogate = c == 0xED && s[1] > 0x9F;
    bool beyond = c == 0xF4 && s[1] > 0x8F;
    return too_long || surrogate || beyond ? 0 : n;
}

/* Writes the escape of a byte that may not stand in a string. */
static void put_escape(struct ash_json *json, unsigned char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letter[] = "\"\\bfnrt";
    const char *found = memchr(plain, c, sizeof plain - 1);
    if (found) {
        char text[2] = {'\\', letter[found - plain]};
        put(json, text, sizeof text);
        return;
    }
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    put(json, text, sizeof text);
}

static void put_string(struct ash_json *json, const char *s)
{
    put(json, "\"", 1);
    const char *plain = s; /* begin of what needs no escape */
    while (*s) {
        unsigned char c = (unsigned char)*s;
        size_t n = utf8_bytes((const unsigned char *)s);
        if (n > 0 && c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) {
            s += n;
            continue;
        }
        if (s > plain)
            put(json, plain, (size_t)(s - plain));
        if (n == 0)
            put(json, REPLACEMENT, sizeof REPLACEMENT - 1);
        else
            put_escape(json, c);
        plain = ++s;
    }
    if (s > plain)
        put(json, plain, (size_t)(s - plain));
    put(json, "\"", 1);
}

void ash_json_key(struct ash_json *json, const char *key)
{
    ASH_CHECK(json->depth > 0 && !json->after_key);
    separate(json);
    put_string(json, key);
    put(json, ":", 1);
    json->after_key = true;
}

void ash_json_str(struct ash_json *json, const char *s)
{
    separate(json);
    put_string(json, s);
}

static void put_number(struct ash_json *json, uint64_t x, bool negative)
{
    char text[NUMBER_BYTES_MAX];
    char *end = text + sizeof text;
    char *first = end;
    do {
        *--first = (char)('0' + x % 10);
        x /= 10;
    } while (x);
    if (negative)
        *--first = '-';
    separate(json);
    put(json, first, (size_t)(end - first));
}

void ash_json_u64(struct ash_json *json, uint64_t x)
{
    put_number(json, x, false);
}

void ash_json_i64(struct ash_json *json, int64_t x)
{
    /* negated as unsigned: INT64_MIN has no positive twin */
    put_number(json, x < 0 ? -(uint64_t)x : (uint64_t)x, x < 0);
}

void ash_json_bool(struct ash_json *json, bool x)
{
    separate(json);
    if (x)
        put(json, "true", 4);
    else
        put(json, "false", 5);
}
