"""The examples, compiled against the installed library, shared and static, and run on both databases.

What examples/NAME.c prints is in expected/NAME.txt, whatever the database."""
import glob
import os
import re
import sys

from installed import BUILD, CC, SCRATCH, SOURCE, install, main, pkg_config, run, symbols

sys.path.insert(0, os.path.join(SOURCE, 'tests', 'support'))
import wm  # noqa: E402

PLACES = install()
LIB = PLACES['lib']
# Rows of tables leave members out: {"name", ST_TEXT}.
FLAGS = ['-std=gnu17', '-Wall', '-Wextra', '-Wno-missing-field-initializers', '-Werror', '-O1']
EXAMPLES = sorted(f[:-2] for f in os.listdir(os.path.join(SOURCE, 'examples')) if f.endswith('.c'))
EXAMPLES += sorted(os.path.basename(os.path.dirname(f)) for f in glob.glob(os.path.join(SOURCE, 'examples', '*', 'main.c')))


def shared():
    return [*pkg_config('--cflags', '--libs', 'strata'), '-Wl,-rpath,' + LIB]


def static():
    """Strata from its archive, the libraries beside it as they come."""
    beside = [r.split()[0] for kind in ('--print-requires', '--print-requires-private')
              for r in run('pkg-config', kind, 'strata').splitlines()]
    return [*pkg_config('--cflags', 'strata'), '-L' + LIB, '-l:libstrata.a', *pkg_config('--libs', *beside), '-lm']


def compiled(sources, output, *flags):
    path = os.path.join(SCRATCH, output)
    run(*CC, *FLAGS, '-o', path, *sources, *flags)
    return path


def example(name):
    """A file, or a folder of them."""
    file = os.path.join(SOURCE, 'examples', name + '.c')
    return [file] if os.path.exists(file) else sorted(glob.glob(os.path.join(SOURCE, 'examples', name, '*.c')))


def expected(name):
    with open(os.path.join(SOURCE, 'tests', 'install', 'expected', name + '.txt')) as f:
        return f.read()


def prints(wanted, *command):
    said = run(*command)
    assert said == wanted, '%s printed\n%s' % (' '.join(command), said)


def file_url(name):
    return 'sqlite:///%s' % os.path.join(SCRATCH, name + '.db')


def runs(name):
    def test():
        program = compiled(example(name), name, *shared())
        assert 'libstrata.so.0' in run('readelf', '-d', program)
        for arguments in ([], [file_url(name)], [wm.postgres_url()]):
            prints(expected(name), program, *arguments)
    test.__name__ = '%s_runs_on_both_databases' % name
    return test


def runs_statically(name):
    def test():
        program = compiled(example(name), name + '-static', *static())
        assert 'libstrata' not in run('readelf', '-d', program)
        prints(expected(name), program, file_url(name + '-static'))
    test.__name__ = '%s_runs_statically' % name
    return test


def python_uses_it_by_ctypes():
    model = os.path.join(SCRATCH, 'libcontacts.so')
    run(*CC, *FLAGS, '-shared', '-fPIC', '-o', model, os.path.join(SOURCE, 'examples', 'ctypes', 'contacts.c'), *shared())
    for arguments in ([], [file_url('contacts')], [wm.postgres_url()]):
        prints(expected('contacts'), 'python3', os.path.join(SOURCE, 'examples', 'ctypes', 'contacts.py'),
               os.path.join(LIB, 'libstrata.so'), model, *arguments)


def an_example_says_what_is_wrong_with_its_database():
    program = compiled(example('hello'), 'hello-wrong', *shared())
    try:
        run(program, 'mysql://localhost/x')
    except AssertionError as e:
        assert 'exit code 1\nhello: ' in str(e) and 'mysql' in str(e), e
        return
    assert False, 'it ran'


def a_first_program_is_short():
    with open(example('hello')[0]) as f:
        assert len(f.readlines()) <= 40


def the_page_on_the_library_shows_that_program():
    with open(example('hello')[0]) as f, open(os.path.join(SOURCE, 'docs', 'library.md')) as page:
        shown = re.findall(r'```c\n(.*?)```', page.read(), re.DOTALL)
        assert len(shown) == 1 and shown[0] in f.read()


def a_program_may_use_every_private_name_of_the_archive():
    public = {name for _, name in symbols('-g', '--defined-only', os.path.join(LIB, 'libstrata.a'))}
    parts = [os.path.join(BUILD, part) for part in ('base/libbase.a', 'fiber/libfiber.a', 'strata/libstrata_parts.a')]
    private = {name for part in parts for kind, name in symbols('-g', '--defined-only', part) if kind == 'T'} - public
    assert len(private) > 100, '%d private names' % len(private)
    source = os.path.join(SCRATCH, 'names.c')
    with open(example('hello')[0]) as f, open(source, 'w') as out:
        out.write(f.read() + ''.join('void %s(void);\nvoid %s(void)\n{\n    __builtin_trap();\n}\n' % (n, n)
                                     for n in sorted(private) if re.fullmatch(r'\w+', n)))
    prints(expected('hello'), compiled([source], 'names', '-fno-builtin', *static()))


ALLOCATOR = r'''
#define main hello_main
#include "hello.c"
#undef main
#include <stdlib.h>

static _Atomic long made, live;
static void *take(size_t size)
{
    made++;
    live++;
    return malloc(size);
}
static void *again(void *p, size_t size)
{
    live += !p;
    return realloc(p, size);
}
static void give(void *p)
{
    live--;
    free(p);
}

int main(int argc, char **argv)
{
    mem_set_hooks(&(const struct mem_hooks){take, again, give});
    st_err rc = st_sqlite_use_mem();
    rc = rc ? rc : hello_main(argc, argv);
    printf("%s, %ld left\n", made > 100 ? "many blocks" : "few blocks", live);
    return rc;
}
'''


def memory_comes_from_the_allocator_that_a_program_gives():
    source = os.path.join(SCRATCH, 'allocator.c')
    with open(source, 'w') as f:
        f.write(ALLOCATOR)
    examples = os.path.join(SOURCE, 'examples')
    program = compiled([source], 'allocator', '-I', examples, *shared())
    prints(expected('hello') + 'many blocks, 0 left\n', program, file_url('allocator'))


def a_cplusplus_program_calls_it():
    source = os.path.join(SCRATCH, 'plain.cc')
    with open(source, 'w') as f:
        f.write('#include <strata/strata.h>\n#include <cstdio>\nint main()\n{\n    st_engine *e = nullptr;\n'
                '    st_err rc = st_engine_open("sqlite:///:memory:", nullptr, &e);\n    std::atomic<bool> stop{false};\n'
                '    rc = rc ? rc : fiber_offload([](void *p) { return *static_cast<int *>(p) = 0; }, &rc, &stop);\n'
                '    std::printf("%s %d\\n", rc ? st_plain_error() : st_engine_url(e), rc);\n    st_engine_close(e);\n}\n')
    program = os.path.join(SCRATCH, 'plain')
    run('g++', '-std=c++17', '-Wall', '-Wextra', '-Werror', '-o', program, source, *shared())
    prints('sqlite:///:memory: 0\n', program)


main([runs(name) for name in EXAMPLES] + [runs_statically(name) for name in EXAMPLES] + [
    python_uses_it_by_ctypes, an_example_says_what_is_wrong_with_its_database, a_first_program_is_short,
    the_page_on_the_library_shows_that_program, a_program_may_use_every_private_name_of_the_archive,
    memory_comes_from_the_allocator_that_a_program_gives, a_cplusplus_program_calls_it])
