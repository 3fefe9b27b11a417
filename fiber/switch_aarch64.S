/* void switch_to(struct switch_ctx *from (x0), struct switch_ctx *to (x1)): AAPCS64. */
        .text
        .globl switch_to
        .hidden switch_to
        .type switch_to, %function
        .p2align 4
switch_to:
        .cfi_startproc
        hint    #34                     /* bti c */
        sub     sp, sp, #160
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        ldr     x9, [x1]
        mov     sp, x9
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #160
        ret
        .cfi_endproc
        .size switch_to, . - switch_to

/* Where a new context begins: its first frame holds entry in x20 and arg in x19. Unwinding ends here. */
        .globl switch_begin
        .hidden switch_begin
        .type switch_begin, %function
        .p2align 4
switch_begin:
        .cfi_startproc
        .cfi_undefined x30
        hint    #36                     /* bti j */
        mov     x0, x19
        blr     x20
        brk     #1
        .cfi_endproc
        .size switch_begin, . - switch_begin

        .section .note.GNU-stack, "", %progbits

/* Branch target identification is kept. */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        .long   0xc0000000, 4, 1, 0
