"""rowlist.py: the rows of rows/*.ini; README.md says what their keys mean."""
import configparser
import fnmatch
import hashlib
import os
import re
import shlex
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = os.path.join(HERE, 'rows')
GROUPS = ('ours', 'programs', 'memory')
KEYS = {'says', 'source', 'command', 'prepare', 'input', 'packages', 'env', 'timeout', 'family',
        'threads', 'preload', 'instructions', 'allocators', 'baseline'}
NEEDED = {'says', 'source', 'command'}


class RowError(Exception):
    """A section of a list that breaks the rules."""


class Row:
    def __init__(self, name, group, keys):
        def words(key):
            return shlex.split(keys.get(key, ''))
        unknown = {k for k in keys if k not in KEYS and not k.startswith('limit_')}
        if unknown or not NEEDED <= set(keys):
            raise RowError(f'{group}.ini [{name}]: unknown {sorted(unknown)}, '
                           f'missing {sorted(NEEDED - set(keys))}')
        self.name, self.group, self.keys = name, group, keys
        self.says, self.source = keys['says'], keys['source']
        self.command, self.prepare, self.env = words('command'), words('prepare'), words('env')
        self.input = keys.get('input')
        self.packages, self.allocators = words('packages'), words('allocators')
        self.timeout_s = int(keys.get('timeout', 300))
        self.family, self.threads = keys.get('family', name), int(keys.get('threads', 1))
        self.is_driver = keys.get('preload', 'command') == 'inner'
        self.instructions = words('instructions') or self.command
        self.baseline = keys.get('baseline')
        self.limits = {k[len('limit_'):]: limit(v) for k, v in keys.items()
                       if k.startswith('limit_')}

    def hash(self):
        """Over the section and the files of rows/ that it names: programs by their name."""
        total = hashlib.sha256(repr(sorted(self.keys.items())).encode())
        for word in self.command + self.prepare + [self.input or '']:
            found = re.fullmatch(r'\{bin\}/(\w+)', word)
            path = os.path.join(ROWS, self.group, found.group(1) + '.c') if found else \
                word.replace('{rows}', ROWS)
            if ('{rows}' in word or found) and os.path.isfile(path):
                with open(path, 'rb') as file:
                    total.update(file.read())
        return total.hexdigest()[:16]

    def missing_packages(self):
        return [p for p in self.packages if not is_installed(p)]


def limit(text):
    """`16` is (16.0, None), `1.2*glibc` is (1.2, 'glibc')."""
    factor, _, peer = text.partition('*')
    return float(factor), peer.strip() or None


def is_installed(package):
    done = subprocess.run(['dpkg-query', '-W', '-f', '${db:Status-Status}', package],
                          capture_output=True, text=True, check=False)
    return done.stdout == 'installed'


def read(folder=ROWS):
    """All rows, group by group in the order of the lists."""
    rows = []
    for group in GROUPS:
        parser = configparser.RawConfigParser()
        parser.read(os.path.join(folder, group + '.ini'), encoding='utf-8')
        rows += [Row(name, group, dict(parser[name])) for name in parser.sections()]
    return rows


def choose(rows, names, groups):
    """Rows by name or pattern, or by group; all without either."""
    known = {row.name for row in rows}
    for name in names:
        if not fnmatch.filter(known, name):
            raise RowError(f'no row {name}; run.py --list shows them')
    return [row for row in rows if (not groups or row.group in groups) and
            (not names or any(fnmatch.fnmatch(row.name, name) for name in names))]
