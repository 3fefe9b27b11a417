#include "waymark/scrape/gunzip.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "base/diag.h"
#include "base/mem.h"

enum { OUT_SIZE = 64 << 10, MAGIC = 3, RATIO_GRACE = 8 << 20 };

enum level_state {
    LEVEL_SNIFF,   /* fewer bytes than the magic has */
    LEVEL_PASS,    /* not gzip */
    LEVEL_INFLATE, /* inside a member */
    LEVEL_BETWEEN, /* behind a member */
    LEVEL_OVER,    /* everything else is ignored */
};

struct level {
    enum level_state state;
    size_t held; /* bytes of magic seen: of the first member, or of a next one */
    z_stream z;
    bool z_open;
    char *out; /* OUT_SIZE bytes */
};

struct gunzip {
    struct gunzip_options options;
    struct gunzip_stats stats;
    gunzip_sink *sink;
    void *arg;
    bool stopped;
    struct level levels[GUNZIP_DEPTH_MAX + 1]; /* the last one only ever passes on or drops */
};

static const char gzip_magic[MAGIC] = {'\x1f', '\x8b', '\x08'};

static voidpf z_alloc(voidpf opaque, uInt items, uInt size)
{
    (void)opaque;
    return mem_zalloc(items, size);
}

static void z_free(voidpf opaque, voidpf p)
{
    (void)opaque;
    mem_free(p);
}

int gunzip_new(const struct gunzip_options *options, gunzip_sink *sink, void *arg, gunzip **ret)
{
    assert(sink && ret);
    gunzip *g = mem_zalloc(1, sizeof *g);
    if (!g) {
        return diag_nomem();
    }
    g->options = options ? *options : (struct gunzip_options){0};
    g->options.max_out = g->options.max_out ? g->options.max_out : (uint64_t)256 << 20;
    g->options.max_ratio = g->options.max_ratio ? g->options.max_ratio : 300;
    if (g->options.depth == 0 || g->options.depth > GUNZIP_DEPTH_MAX) {
        g->options.depth = GUNZIP_DEPTH_MAX;
    }
    g->sink = sink;
    g->arg = arg;
    *ret = g;
    return 0;
}

void gunzip_free(gunzip *g)
{
    if (!g) {
        return;
    }
    for (size_t i = 0; i <= GUNZIP_DEPTH_MAX; i++) {
        if (g->levels[i].z_open) {
            (void)inflateEnd(&g->levels[i].z);
        }
        mem_free(g->levels[i].out);
    }
    mem_free(g);
}

/* The bytes that leave the innermost level. */
static int emit(gunzip *g, const char *p, size_t len)
{
    uint64_t room = g->options.max_out - g->stats.out;
    if (g->stats.levels == 0) {
        g->stats.out += len;
        return g->sink(g->arg, p, len);
    }
    if (len > room) {
        len = (size_t)room;
        g->stats.over_size = g->stopped = true;
    }
    g->stats.out += len;
    if (g->stats.out > RATIO_GRACE && g->stats.out / g->options.max_ratio > g->stats.in) {
        g->stats.over_ratio = g->stopped = true;
    }
    return len ? g->sink(g->arg, p, len) : 0;
}

static int level_feed(gunzip *g, size_t i, const char *p, size_t len);

static int pass(gunzip *g, size_t i, const char *p, size_t len)
{
    assert(i <= g->options.depth);
    return len == 0 ? 0 : i < g->stats.levels ? level_feed(g, i + 1, p, len) : emit(g, p, len);
}

static int open_level(gunzip *g, size_t i)
{
    struct level *l = &g->levels[i];
    assert(!l->z_open && i < g->options.depth);
    l->out = mem_alloc(OUT_SIZE);
    if (!l->out) {
        return diag_nomem();
    }
    l->z.zalloc = z_alloc;
    l->z.zfree = z_free;
    if (inflateInit2(&l->z, 15 + 16) != Z_OK) {
        return diag_nomem();
    }
    l->z_open = true;
    l->state = LEVEL_INFLATE;
    g->stats.levels = (unsigned)i + 1;
    return 0;
}

/* Feeds one member's bytes; *used is where the member or the input ended. */
static int level_inflate(gunzip *g, size_t i, const char *p, size_t len, size_t *used)
{
    struct level *l = &g->levels[i];
    assert(l->state == LEVEL_INFLATE && len <= UINT32_MAX);
    union {
        const char *given;
        Bytef *taken; /* zlib only reads it */
    } in = {p};
    l->z.next_in = in.taken;
    l->z.avail_in = (uInt)len;
    do {
        l->z.next_out = (Bytef *)l->out;
        l->z.avail_out = OUT_SIZE;
        int zr = inflate(&l->z, Z_NO_FLUSH);
        if (zr == Z_MEM_ERROR) {
            return diag_nomem();
        }
        int r = pass(g, i, l->out, OUT_SIZE - l->z.avail_out);
        if (r < 0 || g->stopped) {
            return r;
        }
        if (zr == Z_STREAM_END) {
            g->stats.members++;
            l->state = LEVEL_BETWEEN;
            l->held = 0;
        } else if (zr != Z_OK && zr != Z_BUF_ERROR) {
            g->stats.corrupt = true;
            l->state = LEVEL_OVER;
        }
    } while (l->state == LEVEL_INFLATE && (l->z.avail_in > 0 || l->z.avail_out == 0));
    *used = len - l->z.avail_in;
    return 0;
}

/* Collects the magic of a next member; anything else ends the level. */
static int level_between(gunzip *g, size_t i, const char *p, size_t len, size_t *used)
{
    struct level *l = &g->levels[i];
    size_t at = 0;
    for (; at < len && l->state == LEVEL_BETWEEN; at++) {
        assert(l->held < MAGIC);
        if (l->held == 0 && p[at] == '\0') {
            continue; /* padding of tapes and block devices */
        }
        assert(l->held < MAGIC);
        if (p[at] != gzip_magic[l->held]) {
            g->stats.trailing = true;
            l->state = LEVEL_OVER;
        } else if (++l->held == MAGIC) {
            if (inflateReset(&l->z) != Z_OK) {
                return diag_nomem();
            }
            l->state = LEVEL_INFLATE;
        }
    }
    *used = at;
    if (l->state != LEVEL_INFLATE) {
        return 0;
    }
    size_t magic_used;
    return level_inflate(g, i, gzip_magic, MAGIC, &magic_used);
}

/* Decides by the first bytes what this level is. */
static int level_sniff(gunzip *g, size_t i, const char *p, size_t len, size_t *used)
{
    struct level *l = &g->levels[i];
    size_t at = 0, held = l->held;
    assert(held < MAGIC);
    while (at < len && held < MAGIC && p[at] == gzip_magic[held]) {
        held++;
        at++;
    }
    *used = at;
    l->held = held;
    if (held < MAGIC && at == len) {
        return 0;
    }
    size_t magic_used;
    if (held < MAGIC) {
        l->state = LEVEL_PASS;
        return held ? pass(g, i, gzip_magic, held) : 0;
    }
    if (i >= g->options.depth) {
        g->stats.over_depth = g->stopped = true;
        return 0;
    }
    int r = open_level(g, i);
    return r < 0 ? r : level_inflate(g, i, gzip_magic, MAGIC, &magic_used);
}

static int level_feed(gunzip *g, size_t i, const char *p, size_t len)
{
    struct level *l = &g->levels[i];
    while (len > 0 && !g->stopped) {
        size_t part = len < (1U << 30) ? len : 1U << 30, used = part;
        int r = 0;
        switch (l->state) {
        case LEVEL_SNIFF:
            r = level_sniff(g, i, p, part, &used);
            break;
        case LEVEL_PASS:
            r = pass(g, i, p, part);
            break;
        case LEVEL_INFLATE:
            r = level_inflate(g, i, p, part, &used);
            break;
        case LEVEL_BETWEEN:
            r = level_between(g, i, p, part, &used);
            break;
        case LEVEL_OVER:
            break;
        }
        if (r < 0) {
            return r;
        }
        assert(used <= part);
        p += used;
        len -= used;
    }
    return 0;
}

int gunzip_feed(gunzip *g, const char *p, size_t len)
{
    g->stats.in += len;
    return level_feed(g, 0, p, len);
}

int gunzip_finish(gunzip *g)
{
    for (size_t i = 0; i <= g->options.depth && !g->stopped; i++) {
        struct level *l = &g->levels[i];
        if (l->state == LEVEL_SNIFF && l->held) {
            size_t held = l->held;
            assert(held < MAGIC);
            l->state = LEVEL_PASS;
            int r = pass(g, i, gzip_magic, held);
            if (r < 0) {
                return r;
            }
        }
        g->stats.truncated |= l->state == LEVEL_INFLATE;
        g->stats.trailing |= l->state == LEVEL_BETWEEN && l->held;
    }
    return 0;
}

bool gunzip_stopped(const gunzip *g)
{
    return g->stopped || g->stats.corrupt;
}

const struct gunzip_stats *gunzip_stats(const gunzip *g)
{
    return &g->stats;
}
