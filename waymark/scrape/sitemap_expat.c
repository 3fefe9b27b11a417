/* The slow reader: expat, for feeds and for whatever the scanner did not recognise.
 *
 * It gets UTF-8 without a prolog: the start tags around the entries are fed first, then the document from where the
 * other stages stopped. So no declaration reaches it, entities it does not know are reported and skipped, and after
 * an error a fresh start goes on at the next entry. What it holds of one piece of markup is limited from outside. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "waymark/scrape/sitemap_impl.h"

enum {
    PIECE = 16 << 10,
    PIECE_MIN = 512, /* expat looks at unfinished markup again with each piece: single bytes would be quadratic */
    MARKUP_MAX = 256 << 10, /* bytes expat may hold back waiting for the end of a tag or comment */
    RESTARTS_MAX = 200,
};

static void put_names(sitemap_parser *s, str qname)
{
    assert(qname.p && qname.len);
    size_t levels = sizeof s->path_len / sizeof *s->path_len;
    if (s->n_path < levels && s->n_path == s->expat_depth && s->path_used + qname.len + 2 <= sizeof s->path) {
        char *p = s->path + s->path_used;
        *p = '<';
        memcpy(p + 1, qname.p, qname.len);
        p[qname.len + 1] = '>';
        s->path_used += qname.len + 2;
        s->path_len[s->n_path++] = s->path_used;
    }
}

static void drop_names(sitemap_parser *s)
{
    if (s->n_path > s->expat_depth) {
        s->n_path = s->expat_depth;
        s->path_used = s->n_path ? s->path_len[s->n_path - 1] : 0;
    }
}

/* The context of an entry with this name, or IN_NOTHING. */
static enum context entry_context(const sitemap_parser *s, str local)
{
    switch (s->result.type) {
    case SITEMAP_URLSET:
    case SITEMAP_INDEX:
        return str_eq(local, STR("url")) || str_eq(local, STR("sitemap")) ? IN_URL : IN_NOTHING;
    case SITEMAP_RSS:
        return str_eq(local, STR("item")) ? IN_ITEM : IN_NOTHING;
    case SITEMAP_ATOM:
        return str_eq(local, STR("entry")) ? IN_ATOM : IN_NOTHING;
    case SITEMAP_NONE:
    case SITEMAP_HTML:
    case SITEMAP_TEXT:
        break;
    }
    __builtin_unreachable();
}

static void halt(sitemap_parser *s)
{
    (void)XML_StopParser(s->expat, XML_FALSE);
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **atts)
{
    sitemap_parser *s = arg;
    struct builder *b = &s->b;
    str qname = str_of(name), local = sitemap_local(qname);
    if (s->expat_depth >= s->options.max_depth) {
        s->too_deep = true;
        halt(s);
        return;
    }
    enum context in = entry_context(s, local);
    if (in != IN_NOTHING) {
        if (b->depth && b->draft.loc.len) {
            builder_commit(s); /* "<url>" in a url: the first one was not closed */
        }
        size_t n_prefix = local.len < qname.len ? qname.len - local.len - 1 : 0;
        builder_begin(s, in, str_eq(local, STR("sitemap")), str_n(name, n_prefix));
        s->entry_depth = s->expat_depth;
    } else if (b->depth) {
        if (builder_start(s, qname)) {
            for (; *atts; atts += 2) {
                builder_attr(s, str_of(atts[0]), str_of(atts[1]), false);
            }
        }
        builder_started(s);
    } else {
        put_names(s, qname);
    }
    s->expat_depth++;
    if (sitemap_halted(s)) {
        halt(s);
    }
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
    sitemap_parser *s = arg;
    (void)name;
    assert(s->expat_depth > 0);
    s->expat_depth--;
    if (s->b.depth && s->expat_depth == s->entry_depth) {
        builder_commit(s);
    } else if (s->b.depth) {
        builder_end(s);
    } else {
        drop_names(s);
    }
    if (sitemap_halted(s)) {
        halt(s);
    }
}

static void XMLCALL on_text(void *arg, const XML_Char *p, int len)
{
    sitemap_parser *s = arg;
    if (s->b.depth) {
        builder_text(s, str_n(p, (size_t)len), false);
    }
}

static void XMLCALL on_skipped(void *arg, const XML_Char *name, int is_parameter)
{
    sitemap_parser *s = arg;
    (void)name;
    (void)is_parameter;
    if (s->b.depth) {
        builder_pending(&s->b, SITEMAP_ENTITY_UNDEFINED);
    } else {
        sitemap_problem_add(s, SITEMAP_ENTITY_UNDEFINED);
    }
}

/* A parser that has read the first n bytes of the path. */
static int start(sitemap_parser *s, const char *path, size_t n)
{
    static const XML_Memory_Handling_Suite memory = {mem_alloc, mem_realloc, mem_free};
    if (s->expat) {
        XML_ParserFree(s->expat);
    }
    s->expat = XML_ParserCreate_MM("UTF-8", &memory, NULL);
    if (!s->expat) {
        return diag_nomem();
    }
    XML_SetUserData(s->expat, s);
    XML_SetElementHandler(s->expat, on_start, on_end);
    XML_SetCharacterDataHandler(s->expat, on_text);
    XML_SetSkippedEntityHandler(s->expat, on_skipped);
#ifdef EXPAT_DEFERS
    /* Errors must come in the piece that holds them, so that the next entry is found; MARKUP_MAX and PIECE_MIN bound
     * what deferral is there to bound. */
    (void)XML_SetReparseDeferralEnabled(s->expat, XML_FALSE);
#endif
    (void)XML_UseForeignDTD(s->expat, XML_TRUE); /* so that an unknown entity is skipped and not fatal */
    char copy[sizeof s->path];
    assert(n <= sizeof copy);
    memcpy(copy, path, n);
    s->n_path = 0;
    s->path_used = 0;
    s->expat_depth = 0;
    s->expat_fed = n;
    s->too_deep = false;
    return XML_Parse(s->expat, copy, (int)n, XML_FALSE) == XML_STATUS_OK ? 0 : diag_nomem();
}

int sitemap_expat_start(sitemap_parser *s)
{
    char tag[NAME_MAX_LEN + 2];
    tag[0] = '<';
    memcpy(tag + 1, s->root, s->n_root);
    tag[s->n_root + 1] = '>';
    s->result.used_expat = true;
    builder_drop(s);
    return start(s, tag, s->n_root + 2);
}

/* Gives up on what is open and looks for the next entry. */
static void resync(sitemap_parser *s, enum sitemap_problem why)
{
    sitemap_problem_add(s, why);
    if (s->b.depth && s->b.draft.loc.len) {
        builder_commit(s);
    } else {
        builder_drop(s);
    }
    if (!sitemap_halted(s)) {
        s->stage = ++s->restarts > RESTARTS_MAX ? STAGE_STOPPED : STAGE_RESYNC;
    }
}

/* Whether the end tag that expat did not expect is the root's: then something inside was not closed. */
static bool at_root_end(const sitemap_parser *s)
{
    int offset = 0, size = 0;
    const char *context = XML_GetInputContext(s->expat, &offset, &size); /* points at the name */
    return context && size - offset > (int)s->n_root && memcmp(context + offset, s->root, s->n_root) == 0 &&
           context[(size_t)offset + s->n_root] == '>';
}

/* After an error in a piece of len bytes: how many of them are done with. */
static size_t after_error(sitemap_parser *s, size_t len)
{
    enum XML_Error code = XML_GetErrorCode(s->expat);
    XML_Index at = XML_GetCurrentByteIndex(s->expat);
    uint64_t piece_start = s->expat_fed - len;
    size_t offset = at >= 0 && (uint64_t)at >= piece_start ? (size_t)((uint64_t)at - piece_start) : 0;
    offset = offset < len ? offset : len;
    if (code == XML_ERROR_NO_MEMORY) {
        sitemap_fail(s, diag_nomem());
    }
    if (sitemap_halted(s)) {
        return len;
    }
    if (s->expat_depth == 0) {
        s->stage = STAGE_TAIL;
        return offset;
    }
    bool root_end = code == XML_ERROR_TAG_MISMATCH && at_root_end(s);
    uint64_t behind = (uint64_t)at + s->n_root + 1 - piece_start;
    resync(s, s->too_deep ? SITEMAP_TOO_DEEP : SITEMAP_MALFORMED);
    if (root_end && s->stage == STAGE_RESYNC) {
        s->stage = STAGE_TAIL;
        return behind < len ? (size_t)behind : len;
    }
    return offset < len ? offset + 1 : len;
}

size_t sitemap_expat(sitemap_parser *s, const char *p, size_t len, bool at_end)
{
    size_t done = 0;
    if (len < PIECE_MIN && !at_end) {
        return 0;
    }
    while (done < len && s->stage == STAGE_EXPAT && !s->err) {
        size_t n = len - done < PIECE ? len - done : PIECE;
        s->expat_fed += n;
        if (XML_Parse(s->expat, p + done, (int)n, XML_FALSE) != XML_STATUS_OK) {
            done += after_error(s, n);
            break;
        }
        done += n;
        XML_Index at = XML_GetCurrentByteIndex(s->expat);
        if (at >= 0 && s->expat_fed - (uint64_t)at > MARKUP_MAX) {
            resync(s, SITEMAP_MARKUP_TOO_LONG);
        }
    }
    return done;
}

/* Whether the root's end tag stands at slash, the byte behind '<'. */
static bool at_end_of_root(const sitemap_parser *s, const char *slash, const char *end)
{
    return (size_t)(end - slash) > s->n_root + 1 && slash[0] == '/' && memcmp(slash + 1, s->root, s->n_root) == 0 &&
           slash[s->n_root + 1] == '>';
}

size_t sitemap_resync(sitemap_parser *s, const char *p, size_t len, bool at_end)
{
    const char *at = p, *end = p + len;
    while ((at = memchr(at, '<', (size_t)(end - at)))) {
        const char *name = sitemap_name_end(at + 1, end);
        size_t n = (size_t)(name - at) - 1;
        bool short_of_root = name < end && *name == '/' && (size_t)(end - name) <= s->n_root + 1;
        if ((name == end || short_of_root) && !at_end && n <= NAME_MAX_LEN) {
            return (size_t)(at - p);
        }
        if (n == 0 && at_end_of_root(s, name, end)) {
            s->stage = STAGE_TAIL;
            return (size_t)(name - p) + 1 + s->n_root + 1;
        }
        if (name < end && entry_context(s, sitemap_local(str_n(at + 1, n))) != IN_NOTHING) {
            int r = start(s, s->path, s->path_used);
            if (r < 0) {
                sitemap_fail(s, r);
            }
            s->stage = STAGE_EXPAT;
            return (size_t)(at - p);
        }
        at = name;
    }
    return len;
}

void sitemap_expat_finish(sitemap_parser *s)
{
    if (s->stage == STAGE_EXPAT) {
        /* What it held back waiting for more is parsed now; that the document is not complete is known. */
        (void)XML_Parse(s->expat, "", 0, XML_TRUE);
        if (XML_GetErrorCode(s->expat) == XML_ERROR_NO_MEMORY) {
            sitemap_fail(s, diag_nomem());
        }
        if (!s->err && s->expat_depth == 0) {
            s->stage = STAGE_TAIL;
        }
    }
    if (!s->err && s->b.depth && s->b.draft.loc.len) {
        builder_commit(s);
    }
}
