#!/usr/bin/python3
"""Strata beside Alembic, change by change, on PostgreSQL: alembic_peer.py BUILD-DIRECTORY [WORD...] prints the table.

Both get the same database (200,000 rows in t) and the same wanted schema; each compares, writes what it takes and applies that
while two connections read and write t. A third watches pg_locks for what makes them wait. A WORD picks changes by name.
Packages: alembic python3-sqlalchemy python3-psycopg2 postgresql-15."""
import multiprocessing
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.operations.ops import OpContainer
from sqlalchemy import create_engine, MetaData, Table

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(sys.argv[1])
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(SOURCE, 'tests', 'support'), os.path.join(SOURCE, 'bench')]
import wm  # noqa: E402
import alembic_cases as cases  # noqa: E402

ROWS = 200000
MAKE = '''
CREATE TABLE p (id bigint PRIMARY KEY);
CREATE TABLE spare (id bigint PRIMARY KEY);
CREATE TABLE t (id bigint NOT NULL, n integer DEFAULT 0 NOT NULL, p_id bigint, title varchar(100) NOT NULL, note text COLLATE "C",
    CONSTRAINT t_pkey PRIMARY KEY (id));
INSERT INTO p SELECT generate_series(1, 1000);
INSERT INTO spare SELECT generate_series(1, %d);
INSERT INTO t SELECT i, 0, i %% 1000 + 1, 'title ' || i, 'note ' || i FROM generate_series(1, %d) i;
''' % (ROWS, ROWS)
MAIN = '''
#include <stdlib.h>
#include <strata/strata.h>
extern const st_model *const models[];
#define REVISION(name) extern const st_revision name;
#include "revisions.list"
#undef REVISION
#define REVISION(name) &name,
static const st_revision *const revisions[] = {
#include "revisions.list"
    NULL};
int main(int argc, char **argv)
{
    const struct st_migrations m = {.revisions = revisions, .models = models, .program = "./m", .dir = ".",
                                    .take = (const char *const[]){"*", NULL}};
    st_engine *e = NULL;
    if (st_engine_open(getenv("DATABASE_URL"), NULL, &e) != 0)
        return 1;
    int status = st_migrate_main(e, &m, argc, argv, stdout, stderr);
    st_engine_close(e);
    return status;
}
'''


def watch(url, pipe):
    """Reads, writes and samples locks until told to stop; then sends (longest lock, by its mode, worst wait), in ms."""
    stop, worst, failed = threading.Event(), [0.0], []

    def load(sql):
        c = psycopg2.connect(url)
        c.autocommit = True
        cur = c.cursor()
        while not stop.is_set():
            began = time.monotonic()
            try:
                cur.execute(sql, (random.randint(1, ROWS),))
            except psycopg2.Error as e:
                failed.append(str(e).split('\n')[0])
                stop.wait(0.01)
            worst[0] = max(worst[0], time.monotonic() - began)
            stop.wait(0.001)

    threads = [threading.Thread(target=load, args=(sql,)) for sql in
               ('SELECT title FROM t WHERE id = %s', 'UPDATE t SET n = n + 1 WHERE id = %s')]
    c = psycopg2.connect(url)
    c.autocommit = True
    cur = c.cursor()
    cur.execute("SELECT array_agg(oid) FROM pg_class WHERE relname IN ('t', 'p') AND relkind = 'r'")
    tables = cur.fetchone()[0]
    for t in threads:
        t.start()
    time.sleep(0.2)
    worst[0] = 0.0
    pipe.send('ready')
    held, longest = {}, (0.0, '')
    while not pipe.poll(0.002):
        cur.execute("SELECT pid, relation, mode FROM pg_locks WHERE granted AND locktype = 'relation' AND relation = ANY(%s::oid[])"
                    " AND mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')", (tables,))
        now = time.monotonic()
        seen = set(cur.fetchall())
        held = {k: held.get(k, now) for k in seen}
        for (_, _, mode), since in held.items():
            longest = max(longest, ((now - since) * 1000, mode))
    stop.set()
    for t in threads:
        t.join()
    pipe.send((longest[0], longest[1], worst[0] * 1000, failed[:1]))


class Load:
    def __init__(self, url):
        self.here, there = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=watch, args=(url, there))
        self.process.start()
        assert self.here.recv() == 'ready'

    def end(self):
        time.sleep(0.05)
        self.here.send('stop')
        result = self.here.recv()
        self.process.join()
        return result


def psql(url, sql):
    c = psycopg2.connect(url)
    c.autocommit = True
    c.cursor().execute(sql)
    c.close()


def fresh(template, case):
    """A database in state A."""
    url = re.sub(r'\w+$', 'a%d' % time.monotonic_ns(), template)
    psql(re.sub(r'\w+$', 'postgres', template), 'CREATE DATABASE %s TEMPLATE %s' % (url.split('/')[-1], template.split('/')[-1]))
    if case.get('a'):
        psql(url, case['a'])
    return url


def flat(ops):
    for o in ops:
        if isinstance(o, OpContainer):
            yield from flat(o.ops)
        else:
            yield o


def alembic(url, case):
    """What it found, and (longest lock, mode, worst wait, failures) or why it could not apply it."""
    if 'py' not in case:
        return [], None, None
    meta = MetaData()
    tables = {'p': [cases.bigint_key()], 'spare': [cases.bigint_key()], 't': []}
    parts = dict(cases.py_table(), **case['py'])
    name = case.get('name_b', 't')
    tables[name] = [x for key, x in parts.items() if x is not None and not key.startswith('table ')]
    if name != 't':
        del tables['t']
    if case.get('drop'):
        del tables[case['drop']]
    if case.get('add'):
        tables[case['add']] = [cases.bigint_key()]
    for n, items in tables.items():
        Table(n, meta, *items, comment=parts.get('table comment') if n == name else None)
    engine = create_engine(url)

    def context(connection):
        return MigrationContext.configure(connection, opts={'compare_type': True, 'compare_server_default': True})

    with engine.connect() as connection:
        found = list(flat(produce_migrations(context(connection), meta).upgrade_ops.ops))
    if not found:
        return [], None, None
    load, error = Load(url), None
    try:
        with engine.begin() as connection:
            do = Operations(context(connection))
            for o in found:
                do.invoke(o)
    except Exception as e:  # what it is goes into the table
        error = str(e).split('\n')[0]
    measured = load.end()
    engine.dispose()
    return [type(o).__name__ for o in found], measured, error


def c_models(case, parts):
    name = case.get('name_b', 't')
    tables = [x for x in ('p', 'spare', case.get('add')) if x and x != case.get('drop')]
    text = '#include <strata/define.h>\n#include <strata/strata.h>\n%s\n' % case.get('c_before', '')
    for x in tables:
        text += 'typedef struct M%s { int64_t id; } M%s;\n#define T M%s\nST_MODEL(M%s, "%s", COL(id, .pk = true));\n#undef T\n' % ((x,) * 5)
    text += 'typedef struct Mt { int64_t id; int32_t n; } Mt;\n#define T Mt\n'
    text += 'static const st_attr attrs[] = {%s};\n#undef T\n' % ',\n    '.join(x for x in dict(cases.C_TABLE, **parts).values() if x)
    text += ('const st_model Mt_model = {.name = "Mt", .table = "%s", .was = %s, .size = sizeof(Mt), .attrs = attrs,\n'
             '    .n_attrs = sizeof attrs / sizeof *attrs};\n' % (name, 'NULL' if name == 't' else '"t"'))
    return text + 'const st_model *const models[] = {%s, &Mt_model, NULL};\n' % ', '.join('&M%s_model' % x for x in tables)


def strata(url, case, folder):
    if 'c' not in case:
        return [], None, None
    for file, content in (('main.c', MAIN), ('models.c', c_models(case, case.get('first', case['c']))), ('revisions.list', '')):
        with open(os.path.join(folder, file), 'w') as f:
            f.write(content)
    env = dict(os.environ, DATABASE_URL=url)

    def run(*command):
        return subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120)

    def build():
        done = run('sh', '-c', 'cc -O0 -I. -I%s -o m main.c models.c $(ls rev_*.c 2>/dev/null) -L%s/strata -lstrata -Wl,-rpath,%s/strata'
                   % (SOURCE, BUILD, BUILD))
        assert done.returncode == 0, done.stdout

    build()
    if 'first' in case:
        assert run('./m', 'revision', '-m', 'a').returncode == 0
        build()
        assert run('./m', 'upgrade').returncode == 0
        with open(os.path.join(folder, 'models.c'), 'w') as f:
            f.write(c_models(case, case['c']))
        build()
    check = run('./m', 'check')
    revision = run('./m', 'revision', '-m', 'b')
    found = [x.strip() for x in revision.stdout.split('\n') if x.startswith('  ')]
    if not found:
        return [], None, revision.stdout.strip() if revision.returncode else None
    assert check.returncode != 0, 'check found nothing, revision did: %s' % revision.stdout
    build()
    load = Load(url)
    done = run('./m', 'upgrade')
    measured = load.end()
    error = done.stdout.strip() if done.returncode else None
    if not error and run('./m', 'check').returncode:
        error = 'check finds something afterwards: ' + run('./m', 'check').stdout.strip()
    return found, measured, error


def cell(measured, error):
    if error:
        return 'refuses, with the recipe' if any(w in error for w in ('would', 'lock', 'rewrite', 'nobody can')) else 'fails'
    if measured is None:
        return '–'
    lock, mode, wait, _ = measured
    return '%.0f%s (waited %.0f)' % (lock, ' ' + mode.replace('Lock', '') if mode else '', wait)


def main():
    template = wm.postgres_url()
    psql(template, MAKE)
    psql(template, 'VACUUM ANALYZE')
    print('| Change | Alembic detects | Strata detects | Alembic: longest lock, ms | Strata: longest lock, ms |')
    print('|---|---|---|---|---|')
    for case in cases.CASES:
        if sys.argv[2:] and not any(w in case['name'] for w in sys.argv[2:]):
            continue
        with tempfile.TemporaryDirectory() as folder:
            theirs, their_time, their_error = alembic(fresh(template, case), case)
            ours, our_time, our_error = strata(fresh(template, case), case, folder)
        drops = any('Drop' in x for x in theirs) and case.get('rename')
        print('| %s | %s | %s | %s | %s |' % (
            case['name'], 'as drop and add' if drops else 'yes' if theirs else 'no', 'yes' if ours else 'no',
            cell(their_time, their_error), cell(our_time, our_error)), flush=True)
        for who, ops, measured, error in (('alembic', theirs, their_time, their_error), ('strata', ours, our_time, our_error)):
            print('%s: %s: %s %s %s' % (case['name'], who, ops, measured, error or ''), file=sys.stderr)


main()
