"""The installed headers: each compiles alone, in C and in C++, and none that is private is among them."""
import os
import re

from installed import SOURCE, have, headers, install, main, run

PLACES = install()
INCLUDE = PLACES['include']
HEADERS = headers(INCLUDE)
WARNINGS = ['-Wall', '-Wextra', '-Werror', '-fsyntax-only']


def compile_each(*compiler, language):
    for header in HEADERS:
        source = 'alone.' + language
        with open(os.path.join(os.path.dirname(INCLUDE), source), 'w') as f:
            f.write('#include <%s>\n#include <%s>\n' % (header, header))  # twice: it has a guard
        run(*compiler, *WARNINGS, '-I', INCLUDE, os.path.join(os.path.dirname(INCLUDE), source))


def every_header_of_strata_is_installed():
    public = {'strata/' + name for name in os.listdir(os.path.join(SOURCE, 'strata')) if name.endswith('.h')}
    missing = public - set(HEADERS)
    assert public and not missing, 'not among strata_headers in strata/meson.build: %s' % ' '.join(sorted(missing))


def no_private_header_is_installed():
    for h in HEADERS:
        assert re.fullmatch(r'(base|fiber|strata)/\w+\.h', h), h
        with open(os.path.join(SOURCE, h)) as f:
            text = f.read()
        functions = re.search(r'^[a-z].*\w\(.*', re.sub(r'/\*.*?\*/', '', text, flags=re.DOTALL), re.MULTILINE)
        assert not functions or ('DECLS_BEGIN' in text and 'DECLS_END' in text), h + ' has no DECLS_BEGIN, DECLS_END'


def strata_h_brings_every_header_but_define_h():
    with open(os.path.join(INCLUDE, 'strata', 'strata.h')) as f:
        brought = set(re.findall(r'#include "(strata/\w+\.h)"', f.read()))
    missing = {h for h in HEADERS if h.startswith('strata/')} - brought - {'strata/strata.h', 'strata/define.h'}
    assert not missing, ' '.join(missing)


def each_compiles_alone_with_gcc():
    compile_each('gcc', '-std=gnu17', language='c')


def each_compiles_alone_with_clang():
    compile_each('clang', '-std=gnu17', language='c')


def each_compiles_alone_as_cplusplus_with_gcc():
    compile_each('g++', '-std=c++17', language='cc')


def each_compiles_alone_as_cplusplus_with_clang():
    compile_each('clang++', '-std=c++17', language='cc')


TESTS = [every_header_of_strata_is_installed, no_private_header_is_installed, strata_h_brings_every_header_but_define_h,
         each_compiles_alone_with_gcc, each_compiles_alone_as_cplusplus_with_gcc]
if have('clang'):  # only gcc is asked for by ./dev test
    TESTS += [each_compiles_alone_with_clang, each_compiles_alone_as_cplusplus_with_clang]
main(TESTS)
