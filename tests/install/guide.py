"""docs/migrations.md, done as it says, on both databases, against the installed library."""
import glob
import os
import re
import shutil
import subprocess
import sys

from installed import CC, SCRATCH, SOURCE, install, main

sys.path.insert(0, os.path.join(SOURCE, 'tests', 'support'))
import wm  # noqa: E402

PLACES = install()


def blocks():
    with open(os.path.join(SOURCE, 'docs', 'migrations.md')) as f:
        page = f.read()
    for m in re.finditer(r'^```(\w+) ?([^\n]*)\n(.*?)^```$', page, re.M | re.S):
        yield page.count('\n', 0, m.start()) + 1, m.group(1), m.group(2), m.group(3)


def plain(text):
    """What differs from run to run."""
    for pattern, word in ((r'\b[0-9a-f]{32}\b', 'HASH'), (r'\b[0-9a-f]{12}\b', 'ID'), (r'rev_\d{8}_', 'rev_DATE_'), (r'\d{4}-\d\d-\d\dT[\d:.]+Z', 'WHEN'), (r'\d+ ms', 'N ms')):
        text = re.sub(pattern, word, text)
    return text


def write_functions(path, text):
    """Puts upgrade and downgrade into a revision that was written before."""
    found = glob.glob(path)
    assert len(found) == 1, '%s is %s' % (path, found)
    with open(found[0]) as f:
        old = f.read()
    start, end = old.index('static '), old.index('const st_revision ')
    with open(found[0], 'w') as f:
        f.write(old[:start] + text + '\n' + old[end:])


def follow(database, folder, env):
    said = ''
    for line, language, name, text in blocks():
        where = 'docs/migrations.md:%d' % line
        if language == 'sh':
            done = subprocess.run(['sh', '-e', '-c', text], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, timeout=120)
            assert done.returncode == 0, '%s: %s%s' % (where, done.stdout, done.stderr)
            said = done.stdout
        elif language == 'text' and name in ('', database):
            assert plain(said) == plain(text), '%s: it printed\n%s' % (where, said)
        elif language == 'text':
            pass  # as the other database says it
        elif name.startswith('in '):
            write_functions(os.path.join(folder, name[3:]), text)
        elif name.startswith('../'):
            with open(os.path.join(SOURCE, 'examples', name[3:])) as f:
                assert text in f.read(), '%s is not in examples/%s' % (where, name[3:])
        else:
            with open(os.path.join(folder, name), 'w') as f:
                f.write(text)


def guide(database, url):
    folder = os.path.join(SCRATCH, 'guide-' + database)
    tools = os.path.join(folder, 'bin')
    os.makedirs(tools)
    compiler, *arguments = [c for c in CC if os.path.basename(c) != 'ccache']  # which would look for cc and find this
    with open(os.path.join(tools, 'cc'), 'w') as f:
        f.write('#!/bin/sh\nexec %s "$@" -Wl,-rpath,%s\n' % (' '.join([shutil.which(compiler), *arguments]), PLACES['lib']))
    os.chmod(os.path.join(tools, 'cc'), 0o755)
    env = dict(os.environ, PATH=tools + ':' + os.environ['PATH'])
    if url:
        env['DATABASE_URL'] = url
    follow(database, folder, env)


def the_page_is_true_on_sqlite():
    guide('sqlite', None)


def the_page_is_true_on_postgresql():
    guide('postgresql', wm.postgres_url())


main([the_page_is_true_on_sqlite, the_page_is_true_on_postgresql])
