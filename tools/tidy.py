#!/usr/bin/env python3
"""tidy.py: the project's rules that a program can check (STYLE.md says why each exists).

    tools/tidy.py [--root DIR] [--deviations]

Prints one line per finding, `file:line: rule: what`, and fails when there is one. A deviation is a
comment `tidy: rule: reason`; inside or directly above a function it covers that function, elsewhere
the file. One that covers nothing is a finding itself.
"""
import argparse
import os
import re
import subprocess
import sys

FUNCTION_LINES_MAX, NESTING_MAX, PARAMETERS_MAX = 70, 3, 5
FILE_LINES_MAX, LINE_COLUMNS_MAX = 600, 100

FOREIGN_WORDS = re.compile(r'arena|chunk|extent|segment|slab|superblock', re.I)
EMPTY_NAMES = re.compile(r'(?<![\w.>])(data|info|tmp|handle|manager|util)\b')
CONTROL = {'if', 'for', 'while', 'switch'}
TOKEN = re.compile(r'[A-Za-z_]\w*|->|[{}();:=,]|\S')
TEXT_PARTS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DEVIATION = re.compile(r'tidy: ([a-z-]+): *(.*?)(?:\*/|$)')
NAP = {'.c': re.compile(r'\b(?:sleep|usleep|nanosleep|clock_nanosleep|thrd_sleep)\s*\('),
       '.py': re.compile(r'\btime\.sleep\s*\('), '.sh': re.compile(r'^\s*sleep\b|[;&|]\s*sleep\b')}
NAP['.cpp'] = NAP['.c']


class Function:
    """A function definition: lines are numbered from 1, `first` is the line of its signature."""

    def __init__(self, name, first, brace, last, signature, body):
        self.name, self.first, self.brace, self.last = name, first, brace, last
        self.signature, self.body = signature, body


class Source:
    """A file, and for C its code without comments and strings (blanked, lines kept)."""

    def __init__(self, root, path):
        self.path = path
        self.kind = os.path.splitext(path)[1]
        with open(os.path.join(root, path), encoding='utf-8', errors='replace') as file:
            self.text = file.read()
        self.lines = self.text.split('\n')
        self.is_c = self.kind in ('.c', '.h', '.hpp', '.cpp')
        self.comments, self.strings, self.functions = [], [], []
        self.code = self.text
        if self.is_c:
            self.code = TEXT_PARTS.sub(self._blank, self.text)
            self.code_lines = self.code.split('\n')
            self._find_functions()
        self.room = path.split('/')[1] if path.count('/') >= 2 else ''
        self.top = path.split('/')[0]

    def line_of(self, offset):
        return self.text.count('\n', 0, offset) + 1

    def _blank(self, match):
        part = match.group()
        kept = self.comments if part.startswith('/') else self.strings
        kept.append((self.line_of(match.start()), part))
        return re.sub(r'[^\n]', ' ', part) if part.startswith('/') else \
            part[0] + ' ' * (len(part) - 2) + part[0]

    def _find_functions(self):
        """Our layout puts a function's braces alone into column 0, and no other ones."""
        brace = 0
        for number, line in enumerate(self.code_lines, 1):
            if line == '{':
                brace = number
            elif line == '}' and brace:
                first = brace - 1
                while first > 1 and re.match(r'[\w\s#*]', self.code_lines[first - 2] or '\n') \
                        and not re.match(r'\s*(#|$)', self.code_lines[first - 2]) \
                        and not self.code_lines[first - 2].rstrip().endswith((';', '}')):
                    first -= 1
                signature = ' '.join(self.code_lines[first - 1:brace - 1])
                plain = re.sub(r'__attribute__\s*\(\(.*?\)\)', '', signature)
                name = re.search(r'(\w+)\s*\(', plain)
                body = '\n'.join(self.code_lines[brace - 1:number])
                self.functions.append(Function(name.group(1) if name else '?', first, brace,
                                               number, plain, body))
                brace = 0

    def function_at(self, line):
        """The function around this line, or the one that begins within three lines below it."""
        for function in self.functions:
            if function.first - 3 <= line <= function.last and \
                    (line >= function.first or not any(self.lines[n - 1].strip() == ''
                                                       for n in range(line, function.first))):
                return function
        return None


class Tidy:
    def __init__(self, root):
        self.root = root
        self.paths = self._list_files()
        self.sources = [Source(root, p) for p in self.paths if self._is_ours(p)]
        self.findings, self.deviations = [], []
        self._read_layers()

    def _list_files(self):
        git = subprocess.run(['git', '-C', self.root, 'ls-files', '-z', '--cached', '--others',
                              '--exclude-standard'], capture_output=True, text=True, check=False)
        if git.returncode == 0 and os.path.exists(os.path.join(self.root, '.git')):
            listed = git.stdout.split('\0')
        else:
            listed = [os.path.relpath(os.path.join(folder, name), self.root)
                      for folder, _, names in os.walk(self.root) for name in names]
        return sorted({p for p in listed if p and not p.startswith(('build/', '.git/'))
                       and os.path.isfile(os.path.join(self.root, p))})

    def _is_ours(self, path):
        if self.kind_of(path) in ('.c', '.h', '.hpp', '.cpp', '.py', '.sh', '.md', '.cmake'):
            return True
        if os.path.basename(path) in ('CMakeLists.txt', 'Makefile'):
            return True
        with open(os.path.join(self.root, path), 'rb') as file:
            return file.read(2) == b'#!'

    @staticmethod
    def kind_of(path):
        return os.path.splitext(path)[1]

    def _read_layers(self):
        """Blocks of src/README.md: ```layers, ```open and ```taken-by-tools."""
        readme = os.path.join(self.root, 'src/README.md')
        self.readme = open(readme, encoding='utf-8').read() if os.path.exists(readme) else ''

        def block(name):
            found = re.search(r'```' + name + r'\n(.*?)```', self.readme, re.S)
            return [line.split() for line in found.group(1).splitlines()] if found else []
        self.level = {}                     # (src or tools, room) -> number, higher is upper
        for number, words in enumerate(block('layers')):
            for room in words[1:]:
                self.level[words[0], room] = number
        self.open = {words[0]: words[1:] for words in block('open')}
        self.taken_by_tools = [room for words in block('taken-by-tools') for room in words]

    def report(self, source, line, rule, what):
        self.findings.append((source, line, rule, what))

    # --- sizes ---------------------------------------------------------------------------------
    def check_sizes(self, s):
        if len(s.lines) - 1 > FILE_LINES_MAX and s.kind != '.md':
            self.report(s, 1, 'file-length', f'{len(s.lines) - 1} lines, {FILE_LINES_MAX} at most')
        if s.kind != '.md':
            for n, line in enumerate(s.lines, 1):
                if len(line) > LINE_COLUMNS_MAX and '://' not in line:
                    self.report(s, n, 'line-length', f'{len(line)} columns')
        for f in s.functions:
            length = f.last - f.first + 1
            if length > FUNCTION_LINES_MAX:
                self.report(s, f.first, 'function-length', f'{f.name}: {length} lines')
            depth, line = nesting(f.body)
            if depth > NESTING_MAX and s.top != 'tests':
                self.report(s, f.brace + line, 'nesting', f'{f.name}: {depth} levels')
            n = parameters(f.signature, f.name)
            if n > PARAMETERS_MAX:
                self.report(s, f.first, 'parameters', f'{f.name}: {n}')

    def check_layout(self, s):
        for n, line in enumerate(s.lines, 1):
            if line != line.rstrip() and s.kind != '.md':
                self.report(s, n, 'whitespace', 'blanks at the end of the line')
            if '\t' in line and s.is_c:
                self.report(s, n, 'whitespace', 'a tab')
        if s.text and not s.text.endswith('\n'):
            self.report(s, len(s.lines), 'whitespace', 'no newline at the end')
        base = os.path.basename(s.path)
        if s.is_c:
            if not re.match(r'(/\*|//) ' + re.escape(base) + r': \S', s.text):
                self.report(s, 1, 'head', f'the file begins with "/* {base}: its one noun"')
            if s.top == 'src' and s.kind == '.h' and 'Threads' not in s.text:
                self.report(s, 1, 'head', 'the essay says what Threads may do')
        elif s.kind != '.md' and not re.search(r'^\s*(#(?!!)|""")', '\n'.join(s.lines[:3]), re.M):
            self.report(s, 1, 'head', 'a comment at the top says what the file is for')
        for n, line in enumerate(s.lines, 1):
            if s.kind != '.md' and re.search(r'\b(TODO|FIXME|XXX)\b', line) \
                    and not s.path.endswith('tidy.py'):
                self.report(s, n, 'marker', 'left-over marker')

    # --- layers --------------------------------------------------------------------------------
    def check_includes(self, s):
        if not s.is_c:
            return
        for n, line in enumerate(s.lines, 1):
            found = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if not found:
                continue
            target = found.group(1)
            if target.endswith('.c'):
                self.report(s, n, 'include', f'{target}: a .c file is compiled, not included')
            elif s.top in ('src', 'tools'):
                self._check_include(s, n, target)

    def _check_include(self, s, n, target):
        place = next((t for t in (s.top, 'src') if f'{t}/{target}' in self.paths), None)
        if place is None:
            if f'include/{target}' in self.paths:
                if s.top == 'src' and s.room not in ('api',):
                    self.report(s, n, 'layer', f'{target} is public: only api knows it')
            else:
                self.report(s, n, 'include', f'{target}: no such file; write it "room/file.h"')
            return
        room, header = target.split('/', 1)
        here, there = self.level.get((s.top, s.room)), self.level.get((place, room))
        if s.top == 'tools' and place == 'src':
            if room not in self.taken_by_tools:
                self.report(s, n, 'layer', f'tools do not know src/{room}')
            return
        if room == s.room:
            return
        if here is None or there is None:
            self.report(s, n, 'layer', f'src/README.md has no line for {s.room} or {room}')
        elif there >= here:
            self.report(s, n, 'layer', f'{s.room} is not above {room}')
        elif place == 'src' and header != f'{room}.h' and '*' not in self.open.get(room, []) \
                and header not in self.open.get(room, []):
            self.report(s, n, 'layer', f'{target} is private to {room}')

    def check_rooms(self):
        for top in ('src', 'tools'):
            rooms = {s.room for s in self.sources if s.top == top and s.is_c and s.room}
            for room in sorted(rooms):
                first = next(s for s in self.sources if s.top == top and s.room == room)
                if (top, room) not in self.level:
                    self.report(first, 1, 'layer', f'src/README.md has no line for {top}/{room}')
                elif top == 'src' and not re.search(f'^## {room}$', self.readme, re.M):
                    self.report(first, 1, 'layer', f'src/README.md has no paragraph on {room}')

    # --- names and words -----------------------------------------------------------------------
    def check_names(self, s):
        if s.top not in ('src', 'tools') or not s.is_c:
            return
        for f in s.functions:
            own = re.match(r'ash(lar)?_', f.name)
            is_static = re.search(r'\bstatic\b|\bASH_INLINE\b', f.signature)
            if s.top == 'src' and not own and (s.kind == '.h' or not is_static):
                self.report(s, f.first, 'name', f'{f.name}: seen by others, so ash_<module>_<verb>')
            if s.kind == '.c' and own and is_static:
                self.report(s, f.first, 'name', f'{f.name}: local to the file, so a bare name')
        for n, line in enumerate(s.code_lines, 1):
            if re.match(r'\s*typedef\s+(struct|union)\b[^(]*$', line):
                self.report(s, n, 'typedef', 'structs keep their keyword')
            if re.search(r'^\s*typedef\b.*\b\w+_t\s*;', line):
                self.report(s, n, 'typedef', 'no _t of ours')
            for word in EMPTY_NAMES.findall(line if not line.lstrip().startswith('#') else ''):
                self.report(s, n, 'empty-name', f'"{word}" names nothing')
        if re.match(r'(data|info|tmp|handle|manager|utils?)\.', os.path.basename(s.path)):
            self.report(s, 1, 'empty-name', 'the file name names nothing')

    def check_words(self, s):
        if s.top != 'src':
            return
        for n, line in enumerate(s.lines, 1):
            found = FOREIGN_WORDS.search(line)
            if found and not DEVIATION.search(line):
                self.report(s, n, 'vocabulary', f'"{found.group()}" is not our word')

    def check_preprocessor(self, s):
        if s.top != 'src' or not s.is_c:
            return
        for n, line in enumerate(s.code_lines, 1):
            macro = re.match(r'\s*#\s*define\s+(\w+)\(([^)]*)\)', line)
            if macro and s.path not in ('src/base/base.h', 'src/base/check.h') \
                    and macro.group(1) != 'X' and macro.group(2).strip() != 'X':
                self.report(s, n, 'macro', f'{macro.group(1)}: macros stand in base.h and check.h')
            if re.match(r'\s*#\s*if', line) and s.room != 'os' and \
                    any(f.brace < n < f.last for f in s.functions):
                self.report(s, n, 'preprocessor', '#if inside a function')
        for found in re.finditer(r'\bASH_(CHECK|DEBUG)\((.*?)\);', s.code, re.S):
            if re.search(r'\+\+|--|(?<![=!<>])=(?!=)', found.group(2)):
                self.report(s, s.line_of(found.start()), 'assert', 'an assertion has no effects')
        for n, line in enumerate(s.code_lines, 1):
            if re.search(r'memory_order_(acquire|release|acq_rel|seq_cst)', line):
                near = '\n'.join(s.lines[max(0, n - 9):n])
                if not re.search(r'pair|acquire[^,)]|release[^,)]|order[^_]', near):
                    self.report(s, n, 'order', 'an order other than relaxed names its partner')

    # --- citations -----------------------------------------------------------------------------
    def collect_definitions(self):
        self.invariants, self.codes = set(), set()
        for s in self.sources:
            if s.path.startswith('src/') and s.is_c:
                self.invariants.update(re.findall(r'^ \* ([A-Z]\d{1,2}) ', s.text, re.M))
            if s.path.startswith('docs/'):
                self.invariants.update(re.findall(r'\*\*([A-Z]\d{1,2})\*\*', s.text))
                self.invariants.update(re.findall(r'^\| ([A-Z]\d{1,2}) \|', s.text, re.M))
            if s.path == 'src/base/errors.h':
                self.codes.update(re.findall(r'X\(([A-Z]+\d\d),', s.text))

    def check_citations(self, s):
        if s.top not in ('src', 'tools') or not s.is_c:
            return
        for line, text in s.comments:
            for found in re.finditer(r'(?<![\w.#-])([A-Z]\d{1,2})(?![\w.])', text):
                cited, at = found.group(1), line + text.count('\n', 0, found.start())
                if cited not in self.invariants and cited not in self.codes:
                    self.report(s, at, 'citation', f'{cited} is stated nowhere')
        for line, text in s.strings:
            if re.match(r'"ashlar: (?![EFT]\d\d |%s|help\b)', text) and len(text) > 11:
                self.report(s, line, 'message', 'a message has a code of base/errors.h')
            for code in re.findall(r'(?<!\w)[EFT]\d\d(?!\w)', text):
                if self.codes and code not in self.codes:
                    self.report(s, line, 'message', f'{code} is not in base/errors.h')

    # --- tests and documents -------------------------------------------------------------------
    def check_twins(self):
        known = set(self.paths)
        for s in self.sources:
            if (s.top == 'src' or s.path.startswith('tools/lab/strat/')) and s.kind == '.c':
                twin = os.path.join('tests/unit', os.path.dirname(s.path).split('/', 1)[1],
                                    f'test_{os.path.basename(s.path)}')
                if twin not in known:
                    self.report(s, 1, 'twin', f'{twin} is missing')
            found = re.match(r'tests/unit/([\w/]+)/test_(\w+\.)c$', s.path)
            if found and not any(f'{top}/{found.group(1)}/{found.group(2)}{kind}' in known
                                 for top in ('src', 'tools') for kind in 'ch'):
                self.report(s, 1, 'twin', 'tests no file of that name')

    def check_naps(self, s):
        nap = NAP.get(s.kind if s.kind else '.sh')
        if s.top == 'tests' and nap:
            for n, line in enumerate(s.code.split('\n'), 1):
                if nap.search(line):
                    self.report(s, n, 'sleep', 'a test waits for a condition, not for a time')

    def check_links(self, s):
        if s.kind != '.md':
            return
        text = re.sub(r'```.*?```|`[^`\n]*`', lambda m: re.sub(r'[^\n]', ' ', m.group()), s.text,
                      flags=re.S)
        for found in re.finditer(r'\]\(([^)\s]+)\)', text):
            target = found.group(1).split('#')[0]
            place = os.path.join(self.root, os.path.dirname(s.path), target)
            if target and '://' not in target and not target.startswith('mailto:') \
                    and not os.path.exists(place):
                self.report(s, s.line_of(found.start()), 'link', f'{target} does not exist')

    def check_promises(self, s):
        """The last cell of a promise's row names tests as ctest does, and cases that they have."""
        if s.path != 'docs/promises.md':
            return
        for n, line in enumerate(s.lines, 1):
            if not re.match(r'\| F\d+ \|', line):
                continue
            found = []
            for name in re.findall(r'`(.+?)`', line.rstrip('| ').rsplit('|', 1)[-1]):
                files = self._files_of_test(name)
                found += files
                if not files and not any(t.path in found and re.search(rf'\b{name}', t.text)
                                         for t in self.sources):
                    self.report(s, n, 'promise', f'there is no test {name}')
            if not found:
                self.report(s, n, 'promise', 'no test is named')

    def _files_of_test(self, name):
        room, _, stem = name.replace('unit.', 'unit/', 1).partition('.')
        if not stem:
            room, _, stem = name.partition('_')
        prefix = re.escape(room.split('/')[0])
        place = re.compile(rf'tests/{room}/(test_|{prefix}_)?{re.escape(stem.split(".")[0])}')
        return [path for path in self.paths if place.match(path)] if stem else []

    # --- the run -------------------------------------------------------------------------------
    def run(self):
        self.collect_definitions()
        for s in self.sources:
            self.check_sizes(s)
            self.check_layout(s)
            self.check_includes(s)
            self.check_names(s)
            self.check_words(s)
            self.check_preprocessor(s)
            self.check_citations(s)
            self.check_naps(s)
            self.check_links(s)
            self.check_promises(s)
        self.check_rooms()
        self.check_twins()
        self.apply_deviations()
        return sorted((s.path, line, rule, what) for s, line, rule, what in self.findings)

    def apply_deviations(self):
        for s in self.sources:
            if s.kind == '.md' or s.path.startswith(('tools/tidy.py', 'tests/tidy/')):
                continue
            for n, line in enumerate(s.lines, 1):
                found = DEVIATION.search(line)
                if found:
                    self.deviations.append((s.path, n, found.group(1), found.group(2).strip()))
                    self._apply_deviation(s, n, found.group(1), found.group(2).strip())

    def _apply_deviation(self, s, n, rule, reason):
        if not reason:
            self.report(s, n, 'deviation', f'{rule}: without a reason')
            return
        scope = s.function_at(n)
        kept = [f for f in self.findings if f[0] is not s or f[2] != rule or
                (scope and not scope.first <= f[1] <= scope.last)]
        needless = len(kept) == len(self.findings)
        self.findings = kept
        if needless:
            self.report(s, n, 'deviation', f'{rule}: nothing here needs it')


def parameters(signature, name):
    """Number of parameters in a signature."""
    depth = count = 0
    inside = signature[signature.index(name) + len(name):] if name in signature else ''
    for char in inside:
        depth += {'(': 1, ')': -1}.get(char, 0)
        count += char == ',' and depth == 1
        if char == ')' and depth == 0:
            break
    return count + 1 if re.search(r'\(\s*(?!void\s*\))\w', inside) else 0


def nesting(body):
    """Deepest nesting of control statements in a body, braces or not, and the line it is in."""
    code = re.sub(r'^[ \t]*#(?:.*\\\n)*.*$', '', body, flags=re.M)
    deepest, where, depth = 0, 0, 0
    levels = []             # per open brace: how many levels its closing ends
    statements = 0          # control statements without braces that the next ; ends
    parens, condition = 0, None         # open parentheses; how many were open at a condition
    wants_body, previous = False, ''
    for found in TOKEN.finditer(code):
        token = found.group()
        if wants_body and not (previous == 'else' and token == 'if') and token != ';':
            depth += 1
            if token == '{':
                levels.append(1 + statements)
                statements = 0
            else:
                statements += 1
        elif token == '{':
            in_list = levels and levels[-1] == 0 and len(levels) > 1
            bare = 1 if previous in (';', '{', '}', ':') and parens == 0 and not in_list else 0
            depth += bare
            levels.append(bare)
        wants_body = token in ('else', 'do')
        if token in CONTROL:
            condition = parens
        elif token == '(':
            parens += 1
        elif token == ')':
            parens -= 1
            if parens == condition:
                wants_body, condition = True, None
        elif token == ';' and parens == 0:
            depth -= statements
            statements = 0
        elif token == '}' and levels:
            depth -= levels.pop()
        if depth > deepest:
            deepest, where = depth, code.count('\n', 0, found.start())
        previous = token
    return deepest, where


def main():
    parser = argparse.ArgumentParser(description='the project\'s rules that a program can check')
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument('--root', default=here, help='the tree to look at')
    parser.add_argument('--deviations', action='store_true', help='print all deviations')
    options = parser.parse_args()

    tidy = Tidy(options.root)
    findings = tidy.run()
    if options.deviations:
        for path, line, rule, reason in tidy.deviations:
            print(f'{path}:{line}: {rule}: {reason}')
    for path, line, rule, what in findings:
        print(f'{path}:{line}: {rule}: {what}')
    code = [s for s in tidy.sources if s.top == 'src' and s.is_c]
    asserts = sum(len(re.findall(r'\b(?:ASH_CHECK|ASH_DEBUG|ASH_USER|static_assert)\(', s.code))
                  for s in code)
    lines = sum(len(s.lines) for s in code)
    print(f'tidy: {len(tidy.sources)} files, {len(tidy.deviations)} deviations, '
          f'{1000 * asserts / max(lines, 1):.0f} assertions per 1000 lines of src/, '
          f'{len(findings)} findings')
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
