"""Databases that others made: inspect writes models that compile, say what is there, and make it again elsewhere.

ADOPT_SEEDS says how many of them for each database (3), STRATA_SEED the first."""
import difflib
import os
import re
import sqlite3
import subprocess
import sys

from installed import CC, SCRATCH, SOURCE, install, main, pkg_config, run

sys.path.insert(0, os.path.join(SOURCE, 'tests', 'support'))
import odd_tables  # noqa: E402
import wm  # noqa: E402

PLACES = install()
COUNT = int(os.environ.get('ADOPT_SEEDS', 3))
FIRST = int(os.environ.get('STRATA_SEED', 1))
FLAGS = ['-Wall', '-Wextra', '-Wno-missing-field-initializers', '-Werror']
NOTHING = '#include <strata/strata.h>\nconst st_model *const models[] = {NULL};\n'


def build(folder, name, models):
    """A program over these models and the revisions that its folder has."""
    with open(os.path.join(folder, name + '.c'), 'w') as f:
        f.write(models)
    revisions = [os.path.join('migrations', f) for f in os.listdir(os.path.join(folder, 'migrations')) if f.endswith('.c')]
    run(*CC, *FLAGS, '-I.', '-o', name, 'main.c', name + '.c', *revisions, *pkg_config('--cflags', '--libs', 'strata'),
        '-Wl,-rpath,' + PLACES['lib'], cwd=folder)


def folder_of(kind):
    folder = os.path.join(SCRATCH, 'adopt-' + kind)
    os.makedirs(os.path.join(folder, 'migrations'))
    with open(os.path.join(SOURCE, 'docs', 'migrations.md')) as f, open(os.path.join(folder, 'main.c'), 'w') as to:
        to.write(re.search(r'^```c main.c\n(.*?)^```$', f.read(), re.M | re.S).group(1))
    return folder


def forget_revisions(folder):
    for name in os.listdir(os.path.join(folder, 'migrations')):
        os.remove(os.path.join(folder, 'migrations', name))
    open(os.path.join(folder, 'migrations', 'revisions.list'), 'w').close()


def lines(models):
    """Without what tells the database, and what can be no model."""
    return [line for line in models.splitlines() if not re.match(r'/\* The table', line)]


def adopt(folder, source, new):
    def told(program, url, *command):
        return run(os.path.join(folder, program), *command, cwd=folder, env=dict(os.environ, DATABASE_URL=url))

    models = told('reader', source, 'inspect')
    forget_revisions(folder)
    build(folder, 'adopted', models)
    told('adopted', source, 'check')
    told('adopted', new, 'revision', '-m', 'anew')
    build(folder, 'adopted', models)
    told('adopted', new, 'upgrade')
    told('adopted', new, 'check')
    again = told('reader', new, 'inspect')
    told('adopted', new, 'downgrade', 'base')
    if 'not said:' not in models and 'left alone:' not in models:
        difference = list(difflib.unified_diff(lines(models), lines(again), lineterm='', n=0))
        assert not difference, '\n'.join(difference)


def adopt_all(kind, make):
    folder = folder_of(kind)
    forget_revisions(folder)
    build(folder, 'reader', NOTHING)
    for seed in range(FIRST, FIRST + COUNT):
        try:
            adopt(folder, *make(folder, seed))
        except AssertionError as e:
            raise AssertionError('STRATA_SEED=%d: %s' % (seed, e)) from e


def what_others_made_on_sqlite_is_adopted_and_made_again():
    def make(folder, seed):
        urls = []
        for name in ('theirs', 'new'):
            path = os.path.join(folder, '%s-%d.db' % (name, seed))
            urls.append('sqlite:///' + path)
        with sqlite3.connect(urls[0][len('sqlite:///'):]) as db:
            db.executescript(odd_tables.schema(seed, True))
        return urls
    adopt_all('sqlite', make)


def what_others_made_on_postgresql_is_adopted_and_made_again():
    def make(_, seed):
        theirs = wm.postgres_url()
        subprocess.run(['psql', '-qX', '-v', 'ON_ERROR_STOP=1', theirs], input=odd_tables.schema(seed, False), text=True,
                       check=True)
        return theirs, wm.postgres_url()
    adopt_all('postgresql', make)


main([what_others_made_on_sqlite_is_adopted_and_made_again, what_others_made_on_postgresql_is_adopted_and_made_again])
