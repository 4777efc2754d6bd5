"""allocators.py: ours and the peers: which library is preloaded, and which version it is."""
import argparse
import glob
import hashlib
import os
import re
import subprocess

# name: (package, file of the library, environment)
PEERS = {
    'glibc': ('libc6', 'libc.so.6', {}),
    'glibc-huge': ('libc6', 'libc.so.6', {'GLIBC_TUNABLES': 'glibc.malloc.hugetlb=1'}),
    'mimalloc': ('libmimalloc2.0', 'libmimalloc.so.2.0', {}),
    'jemalloc': ('libjemalloc2', 'libjemalloc.so.2', {}),
    'tcmalloc': ('libtcmalloc-minimal4', 'libtcmalloc_minimal.so.4', {}),
}


class Allocator:
    """What a child's environment gets. glibc is preloaded by its name, which every process knows:
    so it stands before a jemalloc that the program is linked with."""

    def __init__(self, name, path, role='peer', version='', env=None):
        self.name, self.path, self.role, self.version = name, path, role, version
        self.env = env or {}

    def launcher_words(self):
        words = ['--preload', self.path] if self.path else []
        for key, value in self.env.items():
            words += ['--env', f'{key}={value}']
        return words

    def as_json(self):
        return {'name': self.name, 'role': self.role, 'path': self.path, 'env': self.env,
                'version': self.version}


def query(*words):
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ''


def library_of(package, name):
    """Where the package has the library; None when it is not installed."""
    listed = query('dpkg-query', '-L', package).split('\n')
    found = [path for path in listed if os.path.basename(path) == name and os.path.exists(path)]
    found = found or glob.glob(f'/usr/lib/*/{name}')
    return found[0] if found else None


def find_peers(names):
    """(allocators, missing): the second says how each is installed."""
    found, missing = [], []
    for name in names:
        package, library, env = PEERS[name]
        path = library if package == 'libc6' else library_of(package, library)
        if path:
            version = query('dpkg-query', '-W', '-f', '${Version}', package)
            found.append(Allocator(name, path, version=version, env=env))
        else:
            missing.append({'what': name, 'install': f'apt-get install -y {package}'})
    return found, missing


def named(name, path, role='peer'):
    """An allocator by its file; its version is the file's name and the start of its hash."""
    with open(path, 'rb') as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:12]
    version = f'{os.path.basename(os.path.realpath(path))} {digest}'
    return Allocator(name, os.path.abspath(path), role=role, version=version)


def named_peer(text):
    """An allocator from NAME=PATH.so."""
    name, _, path = text.partition('=')
    if not re.fullmatch(r'[\w.+-]+', name) or not os.path.isfile(path):
        raise argparse.ArgumentTypeError(f'{text}: NAME=PATH.so, and the file must exist')
    return named(name, path)
