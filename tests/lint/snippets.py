"""Snippets in the documents are copies of code that the tests compile and run; Python is at least Python."""
import ast
import glob
import os
import re
import sys
import textwrap

ROOT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), '..', '..')

# A document, and where its C stands.
PAGES = {
    'docs/data-access.md': ['tests/strata/data_access*.[ch]', 'tests/strata/session_defaults.c'],
    'docs/library.md': ['examples/hello.c'],
    'docs/queries.md': ['tests/strata/query_*.[ch]', 'tests/strata/library.[ch]'],
}


def plain(text):
    """Indentation and line breaks are the page's own."""
    return ''.join(text.split())


def statements(text):
    """A page may leave out what stands between them."""
    return [s for s in (plain(s) for s in re.split(r';\n|\n\n|(?<=[)}])\n(?=ST_)', text)) if s]


def read(name):
    with open(os.path.join(ROOT, name)) as f:
        return f.read()


def snippets(page):
    """(line, language, text) of each fenced block."""
    text = read(page)
    for m in re.finditer(r'^```(\w+)\n(.*?)^```$', text, re.M | re.S):
        yield text.count('\n', 0, m.start()) + 1, m.group(1), m.group(2)


def problem(language, text, code):
    if language == 'c':
        missing = [s for s in statements(text) if s not in code]
        return 'is not in the tests: %s' % missing[0] if missing else None
    if language == 'python':
        try:  # a body, which may await and return
            ast.parse('async def snippet():\n' + textwrap.indent(text, '    '))
        except SyntaxError as e:
            return 'is not Python: %s' % e
    return None


def main():
    number = failed = 0
    for page, sources in PAGES.items():
        code = plain(' '.join(read(f) for s in sources for f in sorted(glob.glob(s, root_dir=ROOT))))
        for line, language, text in snippets(page):
            number += 1
            wrong = problem(language, text, code)
            failed += wrong is not None
            print('%sok %d - %s:%d%s' % ('not ' if wrong else '', number, page, line, ' ' + wrong if wrong else ''))
    print('1..%d' % number)
    return 1 if failed or not number else 0


sys.exit(main())
