"""machine.py: facts of the machine; its mode of transparent huge pages for the time of a run."""
import contextlib
import os
import platform
import re

HUGE_PAGES = '/sys/kernel/mm/transparent_hugepage/enabled'


def read(path):
    try:
        with open(path, encoding='utf-8') as file:
            return file.read()
    except OSError:
        return ''


def huge_pages():
    found = re.search(r'\[(\w+)\]', read(HUGE_PAGES))
    return found.group(1) if found else 'none'


def facts():
    def first(pattern, path):
        found = re.search(pattern, read(path), re.M)
        return found.group(1).strip() if found else ''
    return {'kernel': platform.release(), 'architecture': platform.machine(),
            'cpu': first(r'^model name\s*: (.*)', '/proc/cpuinfo') or platform.processor(),
            'cpus': os.cpu_count(),
            'memory_kib': int(first(r'^MemTotal:\s*(\d+)', '/proc/meminfo') or 0),
            'huge_pages': huge_pages(), 'libc': os.confstr('CS_GNU_LIBC_VERSION'),
            'load': list(os.getloadavg())}


@contextlib.contextmanager
def in_huge_page_mode(mode):
    """Sets the mode and restores what was; None changes nothing."""
    before = huge_pages()
    if mode in (None, before):
        yield
        return

    def write(word):
        with open(HUGE_PAGES, 'w', encoding='ascii') as file:
            file.write(word)
    try:
        write(mode)
    except OSError as error:
        raise SystemExit(f'run.py: --huge {mode}: {HUGE_PAGES}: {error.strerror}; this needs root '
                         'and a kernel with transparent huge pages') from None
    try:
        yield
    finally:
        write(before)
