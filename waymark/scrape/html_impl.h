/* html_impl.h: private to html*.c. The tokenizer is a state machine that is driven by runs, not by characters: in
 * each state it looks for the bytes that end the state and takes everything before them as one slice of the window. A
 * slice that the window's end breaks off goes to part; what a tag has gathered by then is copied to its arena. */
#ifndef WAYMARK_SCRAPE_HTML_IMPL_H
#define WAYMARK_SCRAPE_HTML_IMPL_H

#include "base/arena.h"
#include "base/buf.h"
#include "waymark/scrape/charset.h"
#include "waymark/scrape/html.h"

enum html_state {
    H_DATA,
    H_RAW,    /* RCDATA, RAWTEXT and script: until the end tag */
    H_RAW_LT, /* '<' and some of "/name" behind it seen */
    H_PLAINTEXT,
    H_TAG_OPEN, /* '<' */
    H_END_OPEN, /* "</" */
    H_TAG_NAME,
    H_BEFORE_ATTR,
    H_ATTR_NAME,
    H_AFTER_NAME,
    H_BEFORE_VALUE,
    H_VALUE_DOUBLE,
    H_VALUE_SINGLE,
    H_VALUE_BARE,
    H_AFTER_VALUE,
    H_SLASH,         /* '/' in a tag */
    H_DECLARATION,   /* "<!" */
    H_COMMENT_START, /* "<!--" */
    H_COMMENT_START_DASH,
    H_COMMENT,
    H_COMMENT_DASH,
    H_COMMENT_END,  /* "--" */
    H_COMMENT_BANG, /* "--!" */
    H_BOGUS,        /* a comment that ends at '>' */
    H_DOCTYPE,
    H_CDATA,
    H_CDATA_END, /* some of "]]>" */
};

/* How script's own "<!-- <script>" is nested. */
enum script_mode { SCRIPT_NOT, SCRIPT_PLAIN, SCRIPT_ESCAPED, SCRIPT_TWICE };

enum { HELD_MAX = 40 };

struct html {
    struct html_options options;
    struct html_stats stats;
    html_sink *sink;
    void *arg;
    decoder *decoder; /* NULL until the encoding is known */
    buf head;         /* raw bytes before that */
    enum html_state state;
    int err;

    /* The tag being read. */
    bool is_end, self_closing;
    bool upper; /* the name being read has capitals */
    bool part_used, part_cut;
    bool drop; /* the attribute being read is one too many */
    bool name_kept;
    bool raw_refs;    /* inside H_RAW: RCDATA, where references count and the text is the page's */
    unsigned foreign; /* open svg and math elements */
    enum script_mode script;
    str name;
    buf part;         /* a name, value or comment that spans windows */
    arena *tag;       /* copies for the tag */
    size_t tag_bytes; /* of its attributes, copied or not */
    size_t n_attrs, n_kept;

    size_t n_held; /* bytes that may turn out to be text: "</tit", "&am", "]]" */
    size_t n_raw_name;
    unsigned script_dashes;
    char raw_name[12]; /* the element that H_RAW is inside of */
    char held[HELD_MAX];
    struct html_attr attrs[HTML_ATTRS_MAX]; /* last, and not cleared when made */
};

void html_run(html *h, const char *p, size_t len);

/* States; each gets a window, moves *at and may change the state. */

/* html_text.c */
void html_in_text(html *h, const char **at, const char *end);
void html_end_text(html *h);
void html_put_text(html *h, str t, bool raw);
/* Reads the element's content as text when its name says so. */
void html_enter_raw(html *h, str name);
/* Whether c may be the next byte of word behind the bytes that are held, without regard to case. */
bool html_held_fits(const html *h, size_t from, str word, char c);

/* html_tag.c */
void html_in_tag(html *h, const char **at, const char *end);
/* The tag named in raw_name, behind its name. */
void html_raw_end_tag(html *h);
void html_keep_tag(html *h); /* the window goes: copies what points into it */

/* html_markup.c */
void html_in_markup(html *h, const char **at, const char *end);
void html_end_markup(html *h);

void html_emit(html *h, struct html_token *t);
void html_fail(html *h, int err);
/* A name, value or comment: started, added to at a window's end, and whole; cut to limit bytes all in all. The result
 * is a slice of the window or of part. */
void html_part_start(html *h);
void html_part(html *h, str t, size_t limit);
str html_part_end(html *h, str rest, size_t limit);

#endif
