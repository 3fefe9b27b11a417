/* void switch_to(struct switch_ctx *from (rdi), struct switch_ctx *to (rsi)): System V AMD64 ABI. */
        .text
        .globl switch_to
        .hidden switch_to
        .type switch_to, @function
        .p2align 4
switch_to:
        .cfi_startproc
        endbr64
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
        movq    (%rsi), %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret                             /* a jmp is faster alone, but mispredicts every return above it */
        .cfi_endproc
        .size switch_to, . - switch_to

/* Where a new context begins: its first frame holds entry in r13 and arg in r12. Unwinding ends here. */
        .globl switch_begin
        .hidden switch_begin
        .type switch_begin, @function
        .p2align 4
switch_begin:
        .cfi_startproc
        .cfi_undefined rip
        endbr64
        xorl    %ebp, %ebp
        movq    %r12, %rdi
        callq   *%r13
        ud2
        .cfi_endproc
        .size switch_begin, . - switch_begin

        .section .note.GNU-stack, "", @progbits

/* Indirect branch tracking is kept (1), shadow stacks are not (2). */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        .long   0xc0000002, 4, 1, 0
