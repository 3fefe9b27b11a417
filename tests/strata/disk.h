/* disk.h: a disk that fills up or breaks under SQLite: a layer between it and the system's files. */
#ifndef TEST_STRATA_DISK_H
#define TEST_STRATA_DISK_H

#include <stdint.h>

enum disk_fault {
    DISK_FULL,  /* from the nth write (or growth of the shared index) on there is no space */
    DISK_BREAKS /* the nth read, write, sync or truncation fails, and that one only */
};

/* Puts the layer in; call before a database is opened. */
void disk_open(void);
void disk_fail_at(enum disk_fault fault, uint64_t nth); /* 0: all is well again */
uint64_t disk_seen(void);                               /* what could have failed so since disk_fail_at */

#endif
