/* charset.h: from the bytes a site sends to UTF-8.
 *
 * Names are the WHATWG Encoding Standard's (https://encoding.spec.whatwg.org): a label of its table selects one of its
 * encodings and nothing else does, so that what a site writes never reaches a converter it was not meant to
 * reach. The decoder is fed chunks of any size; UTF-8 passes through as slices of the chunk, in pieces that fit a
 * cache; everything it emits is valid UTF-8. */
#ifndef WAYMARK_SCRAPE_CHARSET_H
#define WAYMARK_SCRAPE_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* The encoding that a label ("Latin1", " utf8 ") means, as a static name ("windows-1252", "UTF-8"), or NULL. */
const char *charset_lookup(str label);
/* The encoding of a byte order mark at the start of p, and its length; NULL when there is none. */
const char *charset_bom(str head, size_t *ret_len);
/* The value of charset= in a Content-Type; the empty slice when it has none. */
str charset_of_content_type(str content_type);

enum charset_repair {
    CHARSET_REPLACE,      /* what is not valid becomes U+FFFD */
    CHARSET_WINDOWS_1252, /* in UTF-8, each stray byte is read as windows-1252: text of mixed or undeclared origin */
};

typedef struct decoder decoder;
typedef int decoder_sink(void *arg, const char *p, size_t len);

/* encoding is a name that charset_lookup or charset_bom gave. Returns -ENOMEM, -ENOTSUP when the system's iconv
 * lacks the encoding, or 0 with *ret owned by the caller. */
int decoder_open(const char *encoding, enum charset_repair repair, decoder_sink *sink, void *arg, decoder **ret);
void decoder_close(decoder *d); /* NULL is fine */
/* Both return 0 or the sink's negative result. finish emits what an unfinished sequence at the end stands for. */
int decoder_feed(decoder *d, const char *p, size_t len);
int decoder_finish(decoder *d);
/* Sequences that were not valid so far. */
uint64_t decoder_bad(const decoder *d);

/* Writes code point cp (a surrogate or above U+10FFFF: U+FFFD) as UTF-8; returns its length. */
size_t utf8_put(uint32_t cp, char out[static 4]);
/* What a byte means in windows-1252. */
uint32_t windows_1252(uint8_t byte);

#endif
