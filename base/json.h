/* json.h: JSON out by a streaming writer, in by a reader with a depth and a size cap.
 *
 * The writer keeps commas, nesting and escapes right; what it emits is always valid UTF-8 JSON as long as the
 * calls are balanced (asserted), invalid UTF-8 in a string becoming U+FFFD. The reader hides the library behind
 * it: values live in the caller's arena and never change. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/decls.h"
#include "base/str.h"

DECLS_BEGIN

enum { JSON_DEPTH_MAX = 32, JSON_SIZE_MAX = 64 << 20, JSON_VALUES_MAX = 1 << 20 };

/* Writer. Errors stick in out->err. At most 63 levels are open at a time (asserted). */
struct json_writer {
    buf *out;
    uint64_t is_array; /* bit d: level d is an array */
    uint64_t has_item; /* bit d: level d holds something already */
    int depth;
    bool after_key;
};
void json_start(struct json_writer *w, buf *out);
void json_object(struct json_writer *w) DECLS_OWN_SYMBOL(json_object); /* {  */
void json_array(struct json_writer *w) DECLS_OWN_SYMBOL(json_array);   /* [  */
void json_end(struct json_writer *w);                                  /* closes the innermost */
void json_key(struct json_writer *w, const char *key);
void json_key_str(struct json_writer *w, str key);
void json_string(struct json_writer *w, str s) DECLS_OWN_SYMBOL(json_string);
void json_cstring(struct json_writer *w, const char *s); /* NULL writes null */
void json_int(struct json_writer *w, int64_t v);
void json_uint(struct json_writer *w, uint64_t v);
/* The shortest form that reads back as the same double, with ".0" where it would look like an integer; NaN and
 * infinities become null. */
void json_double(struct json_writer *w, double v);
void json_bool(struct json_writer *w, bool v);
void json_null(struct json_writer *w) DECLS_OWN_SYMBOL(json_null);
void json_raw(struct json_writer *w, str json);            /* already JSON; trusted */
void json_raw_members(struct json_writer *w, str members); /* of an object: "a":1,"b":2 ; trusted, never empty */

/* Reader. */
enum json_type { JSON_NULL, JSON_BOOL, JSON_INT, JSON_DOUBLE, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
struct json_value {
    enum json_type type;
    union {
        bool boolean;
        int64_t integer;
        double number;
        str string; /* NUL-terminated too; may hold NUL bytes */
        struct {
            struct json_value *items;
            size_t n;
        } array;
        struct {
            struct json_member *members; /* in document order; a repeated key is an error */
            size_t n;
        } object;
    };
};
struct json_member {
    str key;
    struct json_value value;
};

struct json_error {
    int line, column; /* from 1 */
    char message[160];
};

/* Parses one document (white space around it allowed) of any type. Returns 0; -EINVAL for what is not JSON, nests
 * deeper than JSON_DEPTH_MAX, repeats a key, or has a number that int64_t or double cannot hold; -E2BIG over
 * JSON_SIZE_MAX bytes or JSON_VALUES_MAX values; -ENOMEM. err, when not NULL, says where and why; so does the
 * diagnosis. The values copy what they need of text. */
int json_parse(arena *a, str text, const struct json_value **ret, struct json_error *err) DECLS_OWN_SYMBOL(json_parse);
/* NULL when v is no object or has no such key. */
const struct json_value *json_get(const struct json_value *v, const char *key);
/* Whether text is one JSON document that both databases take: as RFC 8259 has it, at most JSON_DEPTH_MAX deep and
 * JSON_SIZE_MAX bytes; and no escaped NUL or half surrogate pair, no exponent beyond 9999, no number of over 1,000
 * characters. A repeated key passes. */
bool json_is_valid(str text);
void json_write_value(struct json_writer *w, const struct json_value *v);

DECLS_END

#endif
