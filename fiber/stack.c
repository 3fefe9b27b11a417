#include "fiber/stack.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"
#include "fiber/sanitize.h"

#if defined(FIBER_ASAN) || defined(FIBER_TSAN)
enum { DEFAULT_SIZE = 256 << 10 }; /* instrumented frames are two to three times as large */
#else
enum { DEFAULT_SIZE = 128 << 10 };
#endif

/* A free stack's own description lies at its top, in the page that every fiber touches anyway. */
struct stack_node {
    struct stack_node *next;
    struct fiber_stack stack;
};

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void stack_pool_init(struct stack_pool *p, size_t size)
{
    size_t page = page_size();
    *p = (struct stack_pool){.size = size ? size : DEFAULT_SIZE};
    p->size = (p->size + page - 1) / page * page;
}

static void unmap(const struct fiber_stack *s)
{
    STACK_DEREGISTER(s->valgrind_id);
    SANITIZE_UNPOISON(s->low, s->size);
    size_t page = page_size();
    int rc = munmap((char *)s->low - page, s->size + page);
    assert(rc == 0);
    (void)rc;
}

void stack_pool_release(struct stack_pool *p)
{
    while (p->first) {
        struct fiber_stack s = p->first->stack;
        p->first = p->first->next;
        p->pooled--;
        unmap(&s);
    }
    assert(p->pooled == 0);
}

int stack_get(struct stack_pool *p, struct fiber_stack *ret)
{
    if (p->first) {
        struct stack_node *n = p->first;
        p->first = n->next;
        p->pooled--;
        *ret = n->stack;
        *n = (struct stack_node){0};
        return 0;
    }
    size_t page = page_size();
    char *at = mmap(NULL, p->size + page, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (at == MAP_FAILED) {
        return diag_set(-ENOMEM, "no memory for a fiber's stack of %zu bytes", p->size);
    }
    if (mprotect(at, page, PROT_NONE)) {
        (void)munmap(at, p->size + page);
        return diag_set(-ENOMEM, "no kernel mapping left for a fiber's stack (see vm.max_map_count)");
    }
    *ret = (struct fiber_stack){.low = at + page, .size = p->size};
    ret->valgrind_id = STACK_REGISTER(ret->low, (char *)ret->low + ret->size);
    return 0;
}

void stack_put(struct stack_pool *p, const struct fiber_stack *s)
{
    assert(s->low && s->size == p->size);
    if (p->pooled >= STACK_POOL_MAX) {
        unmap(s);
        return;
    }
    SANITIZE_UNPOISON(s->low, s->size); /* frames that never returned left red zones */
    struct stack_node *n = (struct stack_node *)(void *)((char *)s->low + s->size) - 1;
    *n = (struct stack_node){p->first, *s};
    p->first = n;
    p->pooled++;
}
