#!/usr/bin/env python3
"""Rules of the house that no compiler checks, as TAP: lint.py SOURCE-ROOT.

Each rule first has to find the fault in a sample of its own, so that a rule which can find nothing fails.
"""
import os
import re
import sys

PRODUCT = ('base/', 'fiber/', 'strata/', 'waymark/')
SQL_MAY_BE_IN = ('strata/', 'waymark/migrations/', 'tests/', 'bench/', 'examples/', 'fuzz/')
LINES_LISTED, LINES_MAX = 500, 800

# What a folder may include, beside itself and the system's headers. The longest matching folder counts.
LAYERS = {
    'base/': (),
    'fiber/': ('base/',),
    'strata/': ('base/', 'fiber/'),
    'waymark/models/': ('base/', 'strata/'),
    'waymark/migrations/': ('base/', 'strata/', 'waymark/models/'),
    'waymark/services/': ('base/', 'fiber/', 'strata/', 'waymark/models/'),
    'waymark/scrape/': ('base/', 'fiber/', 'waymark/models/', 'waymark/services/'),
    'waymark/places/': ('base/', 'fiber/', 'waymark/models/', 'waymark/services/', 'waymark/scrape/'),
    'waymark/queue/': ('base/', 'fiber/', 'waymark/models/', 'waymark/services/', 'waymark/scrape/', 'waymark/places/'),
    'waymark/api/': ('base/', 'fiber/', 'waymark/', 'strata/model.h', 'strata/types.h', 'strata/engine.h', 'strata/json.h'),
    'waymark/cli/': ('base/', 'fiber/', 'waymark/', 'strata/model.h', 'strata/types.h', 'strata/engine.h',
                     'strata/json.h', 'strata/migrate.h'),
}
# Libraries that have one door.
DOORS = {
    'jansson.h': ('base/',),
    'uv.h': ('fiber/',),
    'libpq-fe.h': ('strata/engine/',),
    'sqlite3.h': ('strata/engine/',),
    'curl/curl.h': ('waymark/scrape/',),
    'expat.h': ('waymark/scrape/',),
    'microhttpd.h': ('waymark/api/',),
}
SQL = re.compile(r'''\bSELECT\b.*\bFROM\b | \bINSERT\s+INTO\b | \bUPDATE\b.*\bSET\b | \bDELETE\s+FROM\b
    | \b(CREATE|ALTER|DROP)\s+(TABLE|INDEX|DATABASE|POLICY|TRIGGER|ROLE|VIEW)\b | \bPRAGMA\s+\w
    | ^\s*(select\s.*\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|create\s+table\s|pragma\s)''',
                 re.VERBOSE | re.DOTALL)
BANNED = {  # a call of it, where, and why
    r'(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|tmpnam|mktemp)': (('',), 'has no bounds'),
    r'(setjmp|longjmp|sigsetjmp|siglongjmp)': (('',), 'jumps over cleanups and fibers'),
    r'(system|popen)': (PRODUCT, 'runs a shell'),
    r'(malloc|calloc|realloc|reallocarray|strdup|strndup|asprintf|vasprintf|aligned_alloc)':
        (PRODUCT, 'goes past base/mem.h'),
    r'exit': (('base/', 'fiber/', 'strata/', 'waymark/models/', 'waymark/services/', 'waymark/scrape/', 'waymark/places/',
               'waymark/queue/', 'waymark/api/'), 'a library returns a code'),
    r'(printf|vprintf|puts|putchar|perror)':
        (('base/', 'fiber/', 'strata/', 'waymark/models/', 'waymark/services/', 'waymark/scrape/', 'waymark/places/',
          'waymark/queue/', 'waymark/api/'), 'a library does not print'),
}
BANNED_EXCEPT = {'base/mem.c'}

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|\n|[^"\'/\n]+|.', re.DOTALL)


def split(text):
    """Code without comments and strings (lines kept), and the string literals with their lines, neighbours joined."""
    code, strings, line, joining = [], [], 1, False
    for m in TOKEN.finditer(text):
        t = m.group(0)
        if t.startswith(('//', '/*')):
            code.append('\n' * t.count('\n'))
        elif t[0] == '"' and len(t) > 1:
            if joining:
                strings[-1] = (strings[-1][0], strings[-1][1] + t[1:-1])
            else:
                strings.append((line, t[1:-1]))
            joining = True
            code.append('""')
        else:
            if t.strip():
                joining = False
            code.append("' '" if t[0] == "'" and len(t) > 1 else t)
        line += t.count('\n')
    return ''.join(code), strings


def folder_rule(path, table):
    keys = [k for k in table if path.startswith(k)]
    return max(keys, key=len) if keys else None


def includes(text):
    for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)', text, re.MULTILINE):
        yield text.count('\n', 0, m.start()) + 1, m.group(1), m.group(2)


def sql_stays_in_strata(path, text):
    if path.startswith(PRODUCT) and not path.startswith(SQL_MAY_BE_IN):
        for line, s in split(text)[1]:
            if SQL.search(s):
                yield line, 'SQL text outside strata/: "%s"' % s[:60]


def arrows_point_down(path, text):
    layer = folder_rule(path, LAYERS)
    for line, kind, name in includes(text):
        if kind == '"' and layer and name.startswith(PRODUCT):
            if not name.startswith((layer,) + tuple(LAYERS[layer])):
                yield line, '%s may not include %s' % (layer, name)
        if kind == '<' and path.startswith(PRODUCT) and name in DOORS and not path.startswith(DOORS[name]):
            yield line, '<%s> belongs to %s' % (name, ' and '.join(DOORS[name]))


def only_strata_and_services_hold_sessions(path, text):
    for line, _, name in includes(text):
        if name in ('strata/session.h', 'strata/strata.h') and path.startswith('waymark/') and not path.startswith(
                ('waymark/services/',)):
            yield line, 'sessions belong to waymark/services/'


def banned_functions_are_absent(path, text):
    if path in BANNED_EXCEPT:
        return
    code = split(text)[0]
    for names, (where, why) in BANNED.items():
        if path.startswith(where):
            for m in re.finditer(r'(?<![\w.>])%s\s*\(' % names, code):
                yield code.count('\n', 0, m.start()) + 1, '%s %s' % (m.group(0).rstrip('( '), why)


def files_are_short(path, text):
    lines = text.count('\n')
    if lines > LINES_MAX:
        yield lines, '%d lines; %d at the most' % (lines, LINES_MAX)


def headers_say_what_they_are(path, text):
    name = os.path.basename(path)
    if path.endswith('.h') and not text.startswith('/* %s: ' % name):
        yield 1, 'a header opens with "/* %s: ...": what it is for, what holds, who owns what' % name


RULES = {  # each with a path and a text it must object to
    sql_stays_in_strata: ('waymark/api/x.c', 'f("SELECT a, "\n  "b FROM t");'),
    arrows_point_down: ('base/x.c', '#include "fiber/fiber.h"\n'),
    only_strata_and_services_hold_sessions: ('waymark/api/x.c', '#include "strata/session.h"\n'),
    banned_functions_are_absent: ('strata/x.c', 'int f(void) { return sprintf(a, b); }'),
    files_are_short: ('base/x.c', '\n' * (LINES_MAX + 1)),
    headers_say_what_they_are: ('base/x.h', '#pragma once\n'),
}


def sources(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(d for d in folders if not d.startswith(('.', 'build')) and d != 'node_modules')
        for name in sorted(names):
            if name.endswith(('.c', '.h')):
                path = os.path.relpath(os.path.join(folder, name), root)
                with open(os.path.join(folder, name), encoding='utf-8') as f:
                    yield path, f.read()


def main():
    files = list(sources(sys.argv[1]))
    failed = not files
    print('1..%d' % len(RULES))
    for number, (rule, sample) in enumerate(RULES.items(), 1):
        found = ['%s:%d: %s' % (path, line, what) for path, text in files for line, what in rule(path, text)]
        if not list(rule(*sample)):
            found.append('the rule does not find the fault in its own sample')
        name = rule.__name__
        if found:
            failed = True
            print('not ok %d - %s: %d findings, first %s' % (number, name, len(found), found[0]))
            for f in found:
                print('# ' + f)
        else:
            print('ok %d - %s' % (number, name))
    for path, text in files:
        if text.count('\n') > LINES_LISTED:
            print('# %s has %d lines: time to split it' % (path, text.count('\n')))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
