/* sitemap_impl.h: private to sitemap*.c. How the bytes travel:
 *
 *     feed -> gunzip -> encoding of the head -> decoder -> stages -> builder -> batch -> sink
 *
 * A stage is a function that gets a window of UTF-8 and says how much of it it is done with; what it leaves is put in
 * front of the next chunk (the carry). One stage at a time owns the document: the prolog finds the root element,
 * then the scanner, expat or the text reader take over, then the tail. The scanner works on whole entries in place
 * and hands over to expat, at the start of an entry, what it does not recognise; it never comes back. */
#ifndef WAYMARK_SCRAPE_SITEMAP_IMPL_H
#define WAYMARK_SCRAPE_SITEMAP_IMPL_H

#include <expat.h>

#include "base/arena.h"
#include "base/buf.h"
#include "waymark/scrape/charset.h"
#include "waymark/scrape/gunzip.h"
#include "waymark/scrape/sitemap.h"

enum {
    BATCH = 128,
    SCRATCH_MAX = 256 << 10, /* copied text of one batch, one entry more */
    ENTRY_MAX = 256 << 10,   /* of markup, for the scanner; expat has no such limit */
    TEXT_MAX = 64 << 10,     /* of one element */
    NAME_MAX_LEN = 256,      /* of an element */
    DEPTH_MAX = 256,
};

enum stage {
    STAGE_PROLOG, /* before the root element */
    STAGE_ROOT,   /* inside its start tag */
    STAGE_JUNK,   /* what came first is no sitemap; one may still follow */
    STAGE_TEXT,
    STAGE_SCAN,
    STAGE_EXPAT,
    STAGE_RESYNC, /* expat gave up; looking for the next entry */
    STAGE_TAIL,   /* behind the root element */
    STAGE_STOPPED,
};

/* Markup that is skipped without being held. */
enum skip { SKIP_NONE, SKIP_COMMENT, SKIP_PI, SKIP_DOCTYPE, SKIP_LINE };

/* What the builder is inside of; one row of context per kind of struct it fills. */
enum context {
    IN_NOTHING,
    IN_URL, /* also an entry of an index */
    IN_ITEM,
    IN_ATOM,
    IN_IMAGE,
    IN_VIDEO,
    IN_NEWS,
    IN_PAGEMAP,
    IN_OBJECT,
    IN_GROUP, /* elements that only group: their children belong to the item */
};

enum action { ACT_TEXT, ACT_ENTER, ACT_ALTERNATE, ACT_MOBILE, ACT_LINK, ACT_GUID, ACT_MEDIA, ACT_DATA };

enum attribute {
    ATTR_HREF,
    ATTR_HREFLANG,
    ATTR_REL,
    ATTR_MEDIA,
    ATTR_TYPE,
    ATTR_URL,
    ATTR_MEDIUM,
    ATTR_NAME,
    ATTR_VALUE,
    ATTR_PERMALINK,
    ATTRS
};

struct element {
    const char *name;
    enum context in;
    enum action action;
    enum context enters;
    uint16_t offset; /* of a str in the context's struct */
    bool own;        /* only with the prefix of the entry itself */
};
const struct element *sitemap_element(enum context in, str local, bool own);
int sitemap_attribute(str local); /* enum attribute, or -1 */

/* The entry being read. */
struct draft {
    str loc, lastmod, changefreq, priority;
    str title, published, guid;
    bool guid_is_link;
};

struct builder {
    enum context stack[4];
    unsigned depth; /* of stack; 0: no entry is open */
    unsigned skip;  /* open elements nobody asked for */
    bool is_index;
    bool mobile;
    bool has_news;
    bool any_pending; /* pending holds something */
    bool cut;         /* text reached its limit */
    str *field;       /* where the text goes; NULL: nowhere */
    str piece;        /* the only text so far, and it stays where it is; or text holds the text */
    buf text;
    const struct element *element;
    str attrs[ATTRS];
    char prefix[32]; /* of the entry's own elements */
    size_t n_prefix;
    size_t used; /* bytes of text in this entry, for max_entry_size */
    struct draft draft;
    struct sitemap_news news;
    struct sitemap_alternate *alternates;
    struct sitemap_image *images;
    struct sitemap_video *videos;
    struct sitemap_data *data;
    str object;
    uint32_t n_alternates, n_images, n_videos, n_data;
    uint32_t room_alternates, room_images, room_videos, room_data;
    uint32_t pending[SITEMAP_PROBLEMS]; /* counted when the entry is complete */
    char memo[40];                      /* the last lastmod that was parsed */
    size_t n_memo;
    int64_t memo_us;
};

/* The start and end tags the scanner compares with, prefix included. */
struct tag {
    char text[48];
    size_t len;
    uint64_t word[2], mask[2]; /* the first 16 bytes, for comparing without a call */
};
enum tag_id { TAG_ENTRY, TAG_LOC, TAG_LASTMOD, TAG_CHANGEFREQ, TAG_PRIORITY, TAGS };

struct sitemap_parser {
    struct sitemap_options options;
    struct sitemap_result result;
    sitemap_sink *sink;
    void *arg;
    int err; /* the failure that ended everything */
    enum stage stage;

    gunzip *gunzip;
    decoder *decoder; /* NULL until the encoding is known */
    buf head;         /* raw bytes before that */
    buf carry;
    size_t carry_need; /* not to be looked at again below this length */

    enum skip skip;
    char quote;        /* inside a DOCTYPE or the root's tag */
    unsigned brackets; /* open ones of a DOCTYPE */
    bool saw_html, saw_markup;
    bool bare_root; /* the root's tag ended in "/>" */
    char root[NAME_MAX_LEN];
    size_t n_root;

    struct tag open[TAGS], close[TAGS];
    struct tag close_root;
    size_t name_at; /* of the name in a start tag: behind '<' and the prefix */

    XML_Parser expat;
    uint64_t expat_fed;
    unsigned expat_depth, entry_depth, restarts;
    unsigned n_path;
    char path[512]; /* start tags around the entries, for a fresh start */
    size_t path_len[8], path_used;
    bool too_deep;

    struct builder b;
    arena *scratch;
    size_t n_batch;
    struct sitemap_entry batch[BATCH];
};

/* sitemap.c */
void sitemap_problem_add(sitemap_parser *s, enum sitemap_problem p);
void sitemap_fail(sitemap_parser *s, int err); /* the first failure sticks */
void sitemap_flush(sitemap_parser *s);         /* delivers the batch */
static inline bool sitemap_halted(const sitemap_parser *s)
{
    return s->err || s->stage == STAGE_STOPPED;
}

/* Stages: return how many bytes of the window are done with; all of them when at_end. */
size_t sitemap_prolog(sitemap_parser *s, const char *p, size_t len, bool at_end);
size_t sitemap_root(sitemap_parser *s, const char *p, size_t len, bool at_end);
size_t sitemap_junk(sitemap_parser *s, const char *p, size_t len, bool at_end);
size_t sitemap_tail(sitemap_parser *s, const char *p, size_t len, bool at_end);
size_t sitemap_text(sitemap_parser *s, const char *p, size_t len, bool at_end);
size_t sitemap_scan(sitemap_parser *s, const char *p, size_t len, bool at_end);
size_t sitemap_expat(sitemap_parser *s, const char *p, size_t len, bool at_end);
size_t sitemap_resync(sitemap_parser *s, const char *p, size_t len, bool at_end);

/* sitemap_prolog.c */
/* Moves on inside skipped markup; false when its end is not in the window. */
bool sitemap_skip(sitemap_parser *s, const char **at, const char *end);
/* The name at p (behind '<' or "</"); its end is at the returned place, end when the name may go on. */
const char *sitemap_name_end(const char *p, const char *end);
str sitemap_local(str qname);
/* Nothing is left to come: says what is missing. */
void sitemap_prolog_finish(sitemap_parser *s);

/* sitemap_scan.c */
void sitemap_scan_start(sitemap_parser *s);

/* sitemap_markup.c: one entry's markup of any kind, for the scanner */
enum scan { SCAN_OK, SCAN_NEED, SCAN_STRANGE };
struct markup {
    str open[16]; /* names of the open elements, innermost last */
    unsigned depth;
};
/* Reads one piece of markup or text at *at and tells the builder. The entry's end tag is the caller's. */
enum scan sitemap_markup(sitemap_parser *s, struct markup *m, const char **at, const char *end);
/* The attributes at *at up to '>' or "/>"; SCAN_OK with *at behind it. */
enum scan sitemap_attributes(sitemap_parser *s, bool wanted, const char **at, const char *end, bool *ret_empty);
/* raw with references resolved, in place when it has none. */
str sitemap_decode(sitemap_parser *s, str raw, bool attribute);

/* sitemap_expat.c: feeds the root's tag first, so that the window's bytes follow it. */
int sitemap_expat_start(sitemap_parser *s);
void sitemap_expat_finish(sitemap_parser *s);

/* sitemap_build.c */
void builder_init(struct builder *b);
void builder_release(struct builder *b);
void builder_begin(sitemap_parser *s, enum context in, bool is_index, str prefix);
/* An element inside the entry opens; true when its attributes are wanted. Then builder_started. */
bool builder_start(sitemap_parser *s, str qname);
bool builder_wants(str qname); /* an attribute */
void builder_attr(sitemap_parser *s, str qname, str value, bool stays);
void builder_started(sitemap_parser *s);
void builder_text(sitemap_parser *s, str t, bool stays); /* stays: until the entry is delivered */
void builder_end(sitemap_parser *s);                     /* never for the entry's own end */
void builder_drop(sitemap_parser *s);
static inline void builder_pending(struct builder *b, enum sitemap_problem p)
{
    b->pending[p]++;
    b->any_pending = true;
}
/* sitemap_commit.c: the draft becomes an entry, or a problem */
void builder_commit(sitemap_parser *s);
/* A copy that lives until the batch is delivered; the empty slice (and the parser failed) when memory is out. */
str sitemap_keep(sitemap_parser *s, str t);

#endif
