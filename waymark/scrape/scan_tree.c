/* scan_tree.c: the queue of sitemaps and the fibers that read it. */
#include <assert.h>
#include <errno.h>

#include "base/mem.h"
#include "waymark/scrape/scan_impl.h"

enum { SEEN_MIN = 64 };

static uint64_t hash_of(str s)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < s.len; i++) {
        h = (h ^ (uint8_t)s.p[i]) * 0x100000001b3u;
    }
    return h ^ h >> 32;
}

static str *slot_of(const struct scan_seen *seen, str s)
{
    size_t at = hash_of(s) & (seen->room - 1);
    while (seen->slots[at].p && !str_eq(seen->slots[at], s)) {
        at = (at + 1) & (seen->room - 1);
    }
    return &seen->slots[at];
}

static int seen_grow(struct scan_seen *seen)
{
    struct scan_seen bigger = {.room = seen->room ? seen->room * 2 : SEEN_MIN, .n = seen->n};
    bigger.slots = mem_zalloc(bigger.room, sizeof *bigger.slots);
    if (!bigger.slots) {
        return diag_nomem();
    }
    for (size_t i = 0; i < seen->room; i++) {
        if (seen->slots[i].p) {
            *slot_of(&bigger, seen->slots[i]) = seen->slots[i];
        }
    }
    mem_free(seen->slots);
    *seen = bigger;
    return 0;
}

bool scan_seen_add(struct scan *s, str canonical, int *ret_error)
{
    if (s->seen.n * 2 >= s->seen.room && (*ret_error = seen_grow(&s->seen)) < 0) {
        return false;
    }
    *ret_error = 0;
    str *slot = slot_of(&s->seen, canonical);
    if (slot->p) {
        return false;
    }
    const char *copy = arena_memdup0(s->arena, canonical.p, canonical.len);
    if (!copy) {
        *ret_error = -ENOMEM;
        return false;
    }
    *slot = str_n(copy, canonical.len);
    s->seen.n++;
    return true;
}

static void cap(struct scan *s, str where, const char *why)
{
    s->counts.incomplete = true;
    if (!s->sitemaps_capped) {
        s->sitemaps_capped = true;
        scan_note(s, "too_many_sitemaps", where, "%s; the rest is left out (--max-sitemaps raises the limit)", why);
    }
}

int scan_enqueue(struct scan *s, str location, const url *base, struct scan_task *like)
{
    buf scratch BUF_AUTO;
    buf_init(&scratch, URL_BUF_MAX);
    str canonical;
    int r = url_canonicalize(&scratch, location, base, 0, &canonical);
    if (r == -ENOMEM) {
        return diag_nomem();
    }
    if (r < 0 || canonical.len > PAGE_URL_MAX) {
        scan_note(s, "bad_sitemap_url", location, "not a usable sitemap location: %s",
                  r < 0 ? url_error_text(r) : "longer than 2,048 bytes");
        return 0;
    }
    if (like->depth > s->o.max_depth) {
        scan_note(s, "too_deep", canonical, "an index in an index, more than %u deep, is not followed", s->o.max_depth);
        s->counts.incomplete = true;
        return 0;
    }
    if (s->seen.n >= s->o.max_sitemaps) {
        cap(s, canonical, "the site names more sitemaps than are read of one site");
        return 0;
    }
    if (!scan_seen_add(s, canonical, &r)) {
        if (r == -ENOMEM) { /* the arena's own limit */
            cap(s, canonical, "the names of the site's sitemaps take too much memory");
        }
        return 0;
    }
    struct scan_task *t = ARENA_NEW(s->arena, struct scan_task);
    if (!t) {
        cap(s, canonical, "the names of the site's sitemaps take too much memory");
        return 0;
    }
    *t = *like;
    t->next = NULL;
    t->url = slot_of(&s->seen, canonical)->p;
    *s->last = t;
    s->last = &t->next;
    s->counts.queued++;
    fiber_cond_signal(&s->changed);
    return 0;
}

static struct scan_task *take(struct scan *s)
{
    struct scan_task *t = s->first;
    s->first = t->next;
    if (!s->first) {
        s->last = &s->first;
    }
    s->counts.queued--;
    return t;
}

static int reader(void *arg)
{
    struct scan *s = arg;
    for (;;) {
        while (!s->first && s->reading && !s->error) {
            int r = fiber_cond_wait(&s->changed, NULL, FIBER_FOREVER);
            if (r < 0) {
                return r;
            }
        }
        if (!s->first || s->error) {
            fiber_cond_broadcast(&s->changed);
            return 0;
        }
        const struct scan_task *t = take(s);
        if (s->pages_capped) {
            continue;
        }
        s->reading++;
        int r = scan_file(s, t);
        s->reading--;
        if (r < 0 && !s->error) {
            s->error = r;
        }
        fiber_cond_broadcast(&s->changed);
        if (r < 0) {
            return r;
        }
    }
}

int scan_tree(struct scan *s)
{
    assert(s->o.concurrency > 0);
    FIBER_BUNDLE(readers);
    for (unsigned i = 0; i < s->o.concurrency; i++) {
        int r = fiber_start(&readers, reader, s);
        if (r < 0) {
            return r;
        }
    }
    int r = fiber_bundle_wait(&readers, FIBER_FOREVER);
    return s->error ? s->error : r;
}
