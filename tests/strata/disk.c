#include "disk.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "test.h"

struct file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
};

static sqlite3_vfs vfs, *real_vfs;
static _Atomic uint64_t seen, from;
static enum disk_fault chosen;

void disk_fail_at(enum disk_fault fault, uint64_t nth)
{
    chosen = fault;
    atomic_store(&seen, 0);
    atomic_store(&from, nth ? nth : UINT64_MAX);
}

uint64_t disk_seen(void)
{
    return atomic_load(&seen);
}

static bool fails(enum disk_fault fault)
{
    if (chosen != fault) {
        return false;
    }
    uint64_t n = atomic_fetch_add(&seen, 1) + 1, first = atomic_load(&from);
    if (fault == DISK_FULL ? n < first : n != first) {
        return false;
    }
    errno = fault == DISK_FULL ? ENOSPC : EIO;
    return true;
}

static sqlite3_file *real(sqlite3_file *f)
{
    return ((struct file *)f)->real;
}

/* ---- files ---- */

static int close_file(sqlite3_file *f)
{
    return real(f)->pMethods->xClose(real(f));
}
static int read_file(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return fails(DISK_BREAKS) ? SQLITE_IOERR_READ : real(f)->pMethods->xRead(real(f), p, n, at);
}
static int write_file(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (fails(DISK_FULL)) { /* a part may still have found room */
        (void)real(f)->pMethods->xWrite(real(f), p, n / 2, at);
        return SQLITE_FULL;
    }
    return fails(DISK_BREAKS) ? SQLITE_IOERR_WRITE : real(f)->pMethods->xWrite(real(f), p, n, at);
}
static int truncate_file(sqlite3_file *f, sqlite3_int64 size)
{
    return fails(DISK_BREAKS) ? SQLITE_IOERR_TRUNCATE : real(f)->pMethods->xTruncate(real(f), size);
}
static int sync_file(sqlite3_file *f, int flags)
{
    return fails(DISK_BREAKS) ? SQLITE_IOERR_FSYNC : real(f)->pMethods->xSync(real(f), flags);
}
static int file_size(sqlite3_file *f, sqlite3_int64 *ret)
{
    return real(f)->pMethods->xFileSize(real(f), ret);
}
static int lock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xLock(real(f), level);
}
static int unlock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xUnlock(real(f), level);
}
static int check_lock(sqlite3_file *f, int *ret)
{
    return real(f)->pMethods->xCheckReservedLock(real(f), ret);
}
static int control(sqlite3_file *f, int op, void *arg)
{
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}
static int sector_size(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}
static int characteristics(sqlite3_file *f)
{
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}
static int shm_map(sqlite3_file *f, int page, int size, int grow, void volatile **ret)
{
    if (grow && (fails(DISK_FULL) || fails(DISK_BREAKS))) {
        return SQLITE_IOERR_SHMSIZE;
    }
    return real(f)->pMethods->xShmMap(real(f), page, size, grow, ret);
}
static int shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}
static void shm_barrier(sqlite3_file *f)
{
    real(f)->pMethods->xShmBarrier(real(f));
}
static int shm_unmap(sqlite3_file *f, int delete)
{
    return real(f)->pMethods->xShmUnmap(real(f), delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock,
    .xUnlock = unlock,
    .xCheckReservedLock = check_lock,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

static int open_file(sqlite3_vfs *v, const char *name, sqlite3_file *out, int flags, int *ret_flags)
{
    (void)v;
    struct file *f = (struct file *)out;
    f->base.pMethods = NULL;
    f->real = (sqlite3_file *)(void *)(f + 1);
    int rc = real_vfs->xOpen(real_vfs, name, f->real, flags, ret_flags);
    if (f->real->pMethods) {
        f->base.pMethods = &methods;
    }
    return rc;
}

void disk_open(void)
{
    disk_fail_at(DISK_FULL, 0);
    real_vfs = sqlite3_vfs_find(NULL);
    ck_assert_ptr_nonnull(real_vfs);
    vfs = *real_vfs; /* its other methods ask for no more than what is copied */
    vfs.pNext = NULL;
    vfs.zName = "disk";
    vfs.szOsFile += (int)sizeof(struct file);
    vfs.xOpen = open_file;
    ck_assert_int_eq(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
}
