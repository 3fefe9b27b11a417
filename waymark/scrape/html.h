/* html.h: a streaming HTML tokenizer (https://html.spec.whatwg.org/#tokenization) without a tree.
 *
 * Bytes of any chunk size go in, tokens come out; the size of the chunks never changes what comes out, but for where
 * the text between two tags is split. The encoding is decided as browsers do: byte order mark, Content-Type, a <meta>
 * in the first 1,024 bytes; a page that names none is read as UTF-8, its stray bytes as windows-1252. Nothing recurses,
 * time is linear and memory bounded: what passes a limit is cut and counted. No content makes it fail.
 *
 * Where this departs from the standard: line ends are not normalised; a name repeated among the attributes of one
 * tag is kept (the first one counts); whether an element is foreign (SVG, MathML) is told by counting, as there is
 * no tree; scripting is off, so noscript holds markup. */
#ifndef WAYMARK_SCRAPE_HTML_H
#define WAYMARK_SCRAPE_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct html html;

enum html_kind { HTML_TEXT, HTML_START, HTML_END, HTML_COMMENT, HTML_DOCTYPE };

enum {
    HTML_ATTRS_MAX = 256,        /* of one tag; more are dropped */
    HTML_VALUE_MAX = 64 << 10,   /* bytes of one attribute's value; longer ones are cut */
    HTML_TAG_MAX = 512 << 10,    /* bytes of one tag's attributes that had to be copied; more are dropped */
    HTML_NAME_LIMIT = 256,       /* bytes of a name; longer ones are cut */
    HTML_COMMENT_LIMIT = 4 << 10 /* bytes of a comment; longer ones are cut */
};

struct html_attr {
    str name;  /* lower-case */
    str value; /* references resolved; empty without one */
};

/* Slices are valid UTF-8 and live until the sink returns. */
struct html_token {
    enum html_kind kind;
    str name;                      /* of START, END and DOCTYPE, lower-case */
    str text;                      /* a piece of TEXT (references resolved), or a COMMENT */
    const struct html_attr *attrs; /* of START */
    size_t n_attrs;
    bool self_closing; /* "/>" */
    bool foreign;      /* inside svg or math */
    bool raw;          /* TEXT of script, style, iframe and the like */
};

/* A negative result stops everything and comes back from html_feed. */
typedef int html_sink(void *arg, const struct html_token *t);

/* Which tokens come besides START. What is not wanted is skipped at the speed of memchr. */
enum html_want {
    HTML_WANT_END = 1,
    HTML_WANT_TEXT = 2, /* text of the page, title and textarea included */
    HTML_WANT_RAW = 4,  /* text of script, style, xmp, iframe, noembed, noframes */
    HTML_WANT_COMMENT = 8,
    HTML_WANT_DOCTYPE = 16,
    HTML_WANT_ALL = 31,
};

struct html_options {
    unsigned want;       /* of enum html_want; may change later, see html_want */
    const char *charset; /* from the Content-Type, or NULL */
};

struct html_stats {
    uint64_t bytes;
    const char *encoding; /* NULL until it is decided */
    bool declared;        /* the page or its header named the encoding */
    uint64_t bad_encoding;
    uint64_t cut;     /* names, values and comments that were too long */
    uint64_t dropped; /* attributes that were too many or too much */
    bool truncated;   /* ended inside a tag or comment */
};

/* options NULL: tags only. Returns -ENOMEM or 0 with *ret owned by the caller. */
int html_new(const struct html_options *options, html_sink *sink, void *arg, html **ret);
void html_free(html *h); /* NULL is fine */
/* Both return 0, -ENOMEM, or what the sink returned; after a failure only html_free may follow. */
int html_feed(html *h, const char *p, size_t len);
int html_finish(html *h);
/* Changes what is wanted from here on; the sink may call it. */
void html_set_want(html *h, unsigned want);
const struct html_stats *html_stats(const html *h);

/* The value of the first attribute with this lower-case name; false when there is none. ret may be NULL. */
bool html_attr(const struct html_token *t, const char *name, str *ret);

/* The character reference at p, the byte behind '&', by the standard's table. Returns how many bytes belong to it and
 * what they stand for, *ret_n bytes (at most 8) in out; 0 when '&' stands for itself; SIZE_MAX when more bytes are
 * needed to tell, which only happens while more says that more will come. */
size_t html_charref(const char *p, size_t n, bool in_attribute, bool more, char out[static 8], size_t *ret_n);
/* s with its references resolved into out, which has room for 2 * s.len bytes; returns the length. */
size_t html_unescape(str s, bool in_attribute, char *out);

#endif
