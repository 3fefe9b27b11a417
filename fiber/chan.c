/* Channels: a ring of items, and two queues of which at least one is empty. Items move to or from a waiting fiber's
 * own storage before it is woken, so a cancelled one neither loses nor duplicates an item. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "fiber/internal.h"

struct party {
    fiber_waiter waiter; /* first */
    void *item;          /* to fill, or to take from */
    bool closed;
};

struct fiber_chan {
    size_t item_size, room, len, head;
    struct fiber_queue senders, receivers;
    bool closed;
    char ring[];
};

int fiber_chan_new(size_t item_size, size_t room, fiber_chan **ret)
{
    size_t bytes;
    fiber_chan *c = NULL;
    if (!__builtin_mul_overflow(item_size, room, &bytes) && !__builtin_add_overflow(bytes, sizeof *c, &bytes)) {
        c = mem_alloc(bytes);
    }
    if (!c) {
        return diag_nomem();
    }
    *c = (fiber_chan){.item_size = item_size, .room = room};
    *ret = c;
    return 0;
}

void fiber_chan_free(fiber_chan *c)
{
    if (c) {
        assert(!c->senders.head && !c->receivers.head);
        mem_free(c);
    }
}

size_t fiber_chan_len(const fiber_chan *c)
{
    return c->len;
}

static void copy(const fiber_chan *c, void *to, const void *from)
{
    if (c->item_size) {
        memcpy(to, from, c->item_size);
    }
}

static char *slot(fiber_chan *c, size_t i)
{
    return c->ring + (c->head + i) % c->room * c->item_size;
}

bool fiber_chan_try_send(fiber_chan *c, const void *item)
{
    if (c->closed) {
        return false;
    }
    struct party *to = (struct party *)queue_pop(&c->receivers);
    if (to) {
        assert(c->len == 0);
        copy(c, to->item, item);
        fiber_wake(&to->waiter);
        return true;
    }
    if (c->len == c->room) {
        return false;
    }
    copy(c, slot(c, c->len++), item);
    return true;
}

bool fiber_chan_try_recv(fiber_chan *c, void *item)
{
    struct party *from;
    if (c->len == 0) {
        from = (struct party *)queue_pop(&c->senders); /* only without room */
        if (!from) {
            return false;
        }
        copy(c, item, from->item);
        fiber_wake(&from->waiter);
        return true;
    }
    copy(c, item, slot(c, 0));
    c->head = (c->head + 1) % c->room;
    c->len--;
    from = (struct party *)queue_pop(&c->senders);
    if (from) {
        copy(c, slot(c, c->len++), from->item);
        fiber_wake(&from->waiter);
    }
    return true;
}

static int closed(void)
{
    return diag_set(-EPIPE, "the channel is closed");
}

static int wait_in(struct fiber_queue *q, void *item, int64_t deadline)
{
    struct party self = {.item = item};
    fiber_waiter_init(&self.waiter);
    int rc = queue_park(q, &self.waiter, deadline);
    return rc == 0 && self.closed ? closed() : rc;
}

int fiber_chan_send(fiber_chan *c, const void *item, int64_t deadline)
{
    int rc = suspend_begin(&deadline);
    if (rc || fiber_chan_try_send(c, item)) {
        return rc;
    }
    return c->closed ? closed() : wait_in(&c->senders, (void *)(uintptr_t)item, deadline); /* only read there */
}

int fiber_chan_recv(fiber_chan *c, void *item, int64_t deadline)
{
    int rc = suspend_begin(&deadline);
    if (rc || fiber_chan_try_recv(c, item)) {
        return rc;
    }
    return c->closed ? closed() : wait_in(&c->receivers, item, deadline);
}

static void refuse(struct fiber_queue *q)
{
    fiber_waiter *w;
    while ((w = queue_pop(q))) {
        ((struct party *)w)->closed = true;
        fiber_wake(w);
    }
}

void fiber_chan_close(fiber_chan *c)
{
    c->closed = true;
    refuse(&c->senders);
    refuse(&c->receivers);
}
