/* stack.h: stacks of fibers, each with a guard page below it, pooled. */
#ifndef FIBER_STACK_H
#define FIBER_STACK_H

#include <stddef.h>

struct fiber_stack {
    void *low; /* above the guard page */
    size_t size;
    unsigned valgrind_id;
};

struct stack_node;
struct stack_pool {
    size_t size;
    unsigned pooled;
    struct stack_node *first;
};

enum { STACK_POOL_MAX = 1024 }; /* beyond it stacks are unmapped; a pooled one holds the pages it has touched */

void stack_pool_init(struct stack_pool *p, size_t size); /* rounded up to pages; 0: the default */
void stack_pool_release(struct stack_pool *p);
/* -ENOMEM (also when the kernel's limit of mappings is reached). */
int stack_get(struct stack_pool *p, struct fiber_stack *ret);
void stack_put(struct stack_pool *p, const struct fiber_stack *s);

#endif
