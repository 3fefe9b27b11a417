"""The manual pages: without fault in their markup, found under each of their names, and true to the headers."""
import os
import re
import shutil

from installed import CC, SCRATCH, headers, install, main, pkg_config, run

PLACES = install()
MAN = PLACES['man']
PAGES = sorted(os.path.join(folder, name) for folder, _, names in os.walk(MAN) for name in names
               if not os.path.islink(os.path.join(folder, name)))
SYNOPSIS = re.compile(r'^\.Ft (.*)\n\.Fo (\w+)\n((?:\.Fa .*\n)+)\.Fc$', re.MULTILINE)


def text(page):
    with open(page) as f:
        return f.read()


def section(page, name):
    m = re.search(r'^\.Sh %s\n(.*?)(?=^\.Sh |\Z)' % name, text(page), re.DOTALL | re.MULTILINE)
    return m.group(1) if m else ''


def compiles(name, source):
    path = os.path.join(SCRATCH, name + '.c')
    with open(path, 'w') as f:
        f.write(source)
    run(*CC, '-std=gnu17', '-Wall', '-Wextra', '-Werror', '-fsyntax-only', *pkg_config('--cflags', 'strata'), path)


def unquoted(argument):
    return argument.strip().strip('"')


def they_have_no_fault_in_their_markup():
    assert len(PAGES) >= 9
    for page in PAGES:
        said = run('groff', '-mdoc', '-Tutf8', '-ww', '-z', page)
        if shutil.which('mandoc'):
            said += run('mandoc', '-Tlint', '-Wwarning', page)
        assert not said, said


def each_is_found_under_every_name_it_has():
    for page in PAGES:
        names = {n.rstrip(' ,') for n in re.findall(r'^\.Nm (.*)$', section(page, 'NAME'), re.MULTILINE)}
        folder, suffix = os.path.dirname(page), page[-2:]
        found = {f[:-2] for f in os.listdir(folder) if os.path.realpath(os.path.join(folder, f)) == os.path.realpath(page)}
        assert names and names == found, '%s is installed as %s and calls itself %s: docs/man/meson.build' % (
            os.path.basename(page), sorted(found), sorted(names))
        assert suffix in ('.3', '.7')


def they_name_pages_that_are_there():
    for page in PAGES:
        for name, number in re.findall(r'^\.Xr (\S+) (\d)', text(page), re.MULTILINE):
            path = os.path.join(MAN, 'man' + number, '%s.%s' % (name, number))
            assert os.path.exists(path) or name == 'psql', '%s refers to %s(%s)' % (os.path.basename(page), name, number)


def their_prototypes_are_those_of_the_headers():
    seen = 0
    for page in PAGES:
        lines = ['#include <strata/strata.h>\n#include <strata/define.h>\n']
        for result, name, arguments in SYNOPSIS.findall(section(page, 'SYNOPSIS')):
            wanted = ', '.join(unquoted(a[4:]) for a in arguments.splitlines())
            lines.append('%s %s(%s);\n' % (unquoted(result), name, wanted))
            lines.append('void *use_%s(void);\nvoid *use_%s(void)\n{\n    return (void *)%s;\n}\n' % (name, name, name))
            seen += 1
        compiles('prototypes', ''.join(lines))
    assert seen > 25, seen


def every_function_macro_member_and_code_they_name_exists():
    declared = set()
    for h in headers(PLACES['include']):
        with open(os.path.join(PLACES['include'], h)) as f:
            code = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.DOTALL)
        declared |= set(re.findall(r'\w+', code))
    for page in PAGES:
        names = set(re.findall(r'^\.(?:It )?F[no] "?(\w+)', text(page), re.MULTILINE))
        names |= set(re.findall(r'\bST_E_\w+', text(page)))
        options = [m.split(' , ') for m in re.findall(r'^\.It Fa (.*)$', text(page), re.MULTILINE)]
        names |= {o for line in options for o in line}
        assert not names - declared, '%s: %s' % (os.path.basename(page), ' '.join(sorted(names - declared)))


def the_overview_lists_every_error():
    with open(os.path.join(PLACES['include'], 'strata', 'types.h')) as f:
        errors = set(re.findall(r'\b(ST_E_\w+) = -', f.read()))
    missing = errors - set(re.findall(r'ST_E_\w+', text(os.path.join(MAN, 'man3', 'strata.3'))))
    assert len(errors) > 10 and not missing, missing


def their_programs_compile():
    seen = 0
    for page in PAGES:
        for program in re.findall(r'^\.Bd -literal\n(.*?)^\.Ed', section(page, 'EXAMPLES'), re.DOTALL | re.MULTILINE):
            compiles('program', re.sub(r'^(st_err \w+\()', r'static __attribute__((unused)) \1',
                                       program.replace('\\e', '\\').replace('\\(dq', '"'), flags=re.MULTILINE))
            seen += 1
    assert seen >= 5


main([they_have_no_fault_in_their_markup, each_is_found_under_every_name_it_has, they_name_pages_that_are_there,
      their_prototypes_are_those_of_the_headers, every_function_macro_member_and_code_they_name_exists,
      the_overview_lists_every_error, their_programs_compile])
