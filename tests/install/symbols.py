"""What the library exports, keeps and calls: as much as its headers say, next to no state, and nothing that a library
should leave to its program."""
import os
import re

from installed import BUILD, CC, SCRATCH, headers, install, main, pkg_config, run, symbols

PLACES = install()
LIBRARY = os.path.join(PLACES['lib'], 'libstrata.so')
PARTS = [os.path.join(BUILD, p) for p in ('base/libbase.a', 'fiber/libfiber.a', 'strata/libstrata_parts.a')]
ARCHIVE = os.path.join(PLACES['lib'], 'libstrata.a')

# Data that can change while a program runs, each with the reason why it may be there.
WRITABLE = {
    'hooks': 'the allocator of the process, set once by mem_set_hooks',
    'armed': 'mem_fail_at, which tests use',
    'sticky': 'mem_fail_at',
    'seen': 'mem_fail_at',
    'fail_nth': 'mem_fail_at',
    'once': 'uuid_v7 asks once to hear of forks',
}
PER_THREAD = {
    'thread_diag': 'the last error outside fibers',
    'current': 'where the last error goes',
    'current_loop': 'fiber_loop_current',
    'generator': 'of identifiers',
}
# Calls that end or speak for the program, or change what belongs to it.
REFUSED = {'exit', '_exit', '_Exit', 'quick_exit', 'atexit', 'on_exit', '__cxa_atexit',
           'printf', '__printf_chk', 'puts', 'putchar', 'perror', 'vprintf', '__vprintf_chk', 'stdout',
           'warn', 'warnx', 'err', 'errx',
           'syslog', '__syslog_chk', 'openlog',
           'signal', 'sigaction', 'sigprocmask', 'raise', 'kill', 'alarm', 'setitimer',
           'setlocale', 'setenv', 'putenv', 'unsetenv', 'chdir', 'umask', 'srand', 'srandom',
           'fork', 'vfork', 'system', 'popen',
           'mallopt'}  # pthread_sigmask is called: threads of the library's own take no signals


def declared():
    """Functions that installed headers declare, by the names that the linker sees."""
    include = PLACES['include']
    source = os.path.join(SCRATCH, 'all.c')
    with open(source, 'w') as f:
        f.write(''.join('#include <%s>\n' % h for h in headers(include)))
    listed = os.path.join(SCRATCH, 'prototypes')
    run('gcc', '-std=gnu17', '-fsyntax-only', '-aux-info', listed, '-I', include, source)
    own, names = {}, set()
    for h in headers(include):
        with open(os.path.join(include, h)) as f:
            own.update({n: 'base_' + n for n in re.findall(r'DECLS_OWN_SYMBOL\((\w+)\);', f.read())})
    with open(listed) as f:
        for line in f:
            m = re.match(r'/\* (\S+):\d+:\w+ \*/ extern .*?(\w+) \(', line)
            if m and m.group(1).startswith(include):
                # The name is what the first parenthesis follows, unless the result is a pointer to a function.
                names.add(own.get(m.group(2), m.group(2)))
    assert len(own) >= 6 and len(names) > 100, '%d names' % len(names)
    return names


def difference(found, wanted):
    return 'too much: %s; missing: %s' % (' '.join(sorted(found - wanted)) or '-', ' '.join(sorted(wanted - found)) or '-')


def the_shared_library_exports_what_the_headers_declare_and_nothing_else():
    found = {name for kind, name in symbols('-D', '--defined-only', LIBRARY) if kind != 'A'}
    assert found == declared(), difference(found, declared())


def every_export_has_the_version_of_the_library():
    for line in run('nm', '-D', '--defined-only', '--with-symbol-versions', LIBRARY).splitlines():
        assert line.endswith(('@@STRATA_0', ' A STRATA_0')), line


def the_archive_shows_the_same_names():
    found = {name for kind, name in symbols('-g', '--defined-only', ARCHIVE)}
    assert found == declared(), difference(found, declared())


def no_export_is_the_name_of_something_in_a_library_beside_it():
    found = {name for kind, name in symbols('-D', '--defined-only', LIBRARY) if kind != 'A'}
    beside = {}
    for line in run('ldd', LIBRARY).splitlines():
        m = re.search(r'=> (/\S+)', line)
        if m:
            for _, name in symbols('-D', '--defined-only', m.group(1)):
                beside.setdefault(name, m.group(1))
    uuid = run(*CC, '-print-file-name=libuuid.so.1').strip()
    for _, name in symbols('-D', '--defined-only', uuid) if os.path.isabs(uuid) else []:
        beside.setdefault(name, uuid)
    assert 'json_object' in beside and 'malloc' in beside and 'uv_run' in beside
    clashes = {name: beside[name] for name in found if name in beside}
    assert not clashes, clashes


def it_has_a_soname():
    assert '[libstrata.so.0]' in run('readelf', '-d', LIBRARY)


def writable_data():
    """(section, name) of every object that the program may change, relocated constants aside."""
    sections = {}
    for line in run('readelf', '-SW', LIBRARY).splitlines():
        m = re.match(r'\s*\[\s*(\d+)\]\s+(\S+)\s+\S+\s+\S+\s+\S+\s+\S+\s+\S+\s+([A-Z]*)', line)
        if m and 'W' in m.group(3):
            sections[m.group(1)] = m.group(2)
    constant = {'.data.rel.ro', '.init_array', '.fini_array', '.dynamic', '.got', '.got.plt'}
    for line in run('readelf', '-sW', LIBRARY).split("'.symtab'")[-1].splitlines():
        parts = line.split()
        if len(parts) == 8 and parts[6] in sections and sections[parts[6]] not in constant and parts[3] in (
                'OBJECT', 'TLS'):
            yield sections[parts[6]], parts[7]


def only_listed_data_is_writable():
    found = {(section, re.sub(r'\.\d+$', '', name)) for section, name in writable_data()}
    process = {name for section, name in found if not section.startswith('.t')}
    process -= {'completed', '__dso_handle', '__TMC_END__'}  # of the compiler
    thread = {name for section, name in found if section.startswith('.t')}
    assert 'hooks' in process and 'current' in thread  # the list is read rightly
    assert process <= set(WRITABLE), 'global state: %s' % ' '.join(process - set(WRITABLE))
    assert thread <= set(PER_THREAD), 'state of a thread: %s' % ' '.join(thread - set(PER_THREAD))


def it_ends_prints_and_changes_nothing_of_the_program():
    called = {name for _, name in symbols('-D', '--undefined-only', LIBRARY)}
    assert 'uv_run' in called
    assert not called & REFUSED, ' '.join(called & REFUSED)


def only_a_broken_rule_speaks_before_it_aborts():
    users = {os.path.basename(line.split(':')[-2]) for part in PARTS
             for line in run('nm', '-A', '--undefined-only', part).splitlines() if line.split()[-1] in ('stderr', 'abort')}
    assert users <= {'check.c.o', 'uuid.c.o', 'switch_ucontext.c.o'} and 'check.c.o' in users, users


LOAD = r'''
#include <base/uuid.h>
#include <dlfcn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    void *l = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    uuid (*v7)(void) = l ? (uuid (*)(void))dlsym(l, "uuid_v7") : NULL;
    if (!v7 || uuid_is_nil(v7()) || dlclose(l)) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    pid_t child = fork(); /* nothing of the library may be called any more */
    int status = 1;
    if (child == 0) {
        _exit(0);
    }
    return waitpid(child, &status, 0) == child ? status : 1;
}
'''


def it_can_be_loaded_and_unloaded_while_a_program_runs():
    source = os.path.join(SCRATCH, 'load.c')
    with open(source, 'w') as f:
        f.write(LOAD)
    run(*CC, '-std=gnu17', '-I', PLACES['include'], '-o', os.path.join(SCRATCH, 'load'), source)
    run(os.path.join(SCRATCH, 'load'), LIBRARY)


def pkg_config_keeps_private_what_programs_need_not_link():
    assert set(pkg_config('--print-requires-private', 'strata')) >= {'libpq', 'sqlite3', 'jansson', 'libpcre2-8'}
    public = pkg_config('--libs', 'strata')
    assert '-lstrata' in public and '-luv' in public and '-lpq' not in public, public


main([the_shared_library_exports_what_the_headers_declare_and_nothing_else, every_export_has_the_version_of_the_library,
      the_archive_shows_the_same_names, no_export_is_the_name_of_something_in_a_library_beside_it, it_has_a_soname,
      only_listed_data_is_writable, it_ends_prints_and_changes_nothing_of_the_program,
      only_a_broken_rule_speaks_before_it_aborts, it_can_be_loaded_and_unloaded_while_a_program_runs,
      pkg_config_keeps_private_what_programs_need_not_link])
