"""report.py: results as one HTML file that needs no network; the page itself is made in report/."""
import json
import os

MARKER = '@RESULTS@'
KEPT = ('name', 'group', 'says', 'source', 'command', 'family', 'threads', 'hash', 'failures',
        'summary', 'instructions', 'syscalls')


class ReportError(Exception):
    """Why there is no page."""


def template(build):
    """The page without results; asked for before anything is measured, so that no hour is lost."""
    path = os.path.join(build, 'report/page.html')
    try:
        with open(path, encoding='utf-8') as file:
            return file.read()
    except FileNotFoundError:
        pass
    with open(os.path.join(build, 'CMakeCache.txt'), encoding='utf-8') as file:
        is_off = 'ASHLAR_REPORT:BOOL=OFF' in file.read()
    raise ReportError('the page is left out of this build: ' + (
        'configure it with -DASHLAR_REPORT=ON (and apt-get install -y esbuild)' if is_off else
        'apt-get install -y esbuild, then make bench, or configure again and '
        'cmake --build build --target ashlar_report'))


def page(results, build):
    """The page with these results; single samples stay in the JSON."""
    shown = dict(results, rows=[{k: row[k] for k in KEPT if k in row} for row in results['rows']])
    text = json.dumps(shown, ensure_ascii=False, separators=(',', ':')).replace('<', '\\u003c')
    before, after = template(build).split(MARKER)
    return before + text + after
