"""table.py: results as tables on a terminal."""

TITLES = {'cpu_s': ('CPU time', 's', 1), 'peak_kib': ('Peak RSS', 'MiB', 1 / 1024),
          'exit_rss_kib': ('RSS after the peak, at exit', 'MiB', 1 / 1024)}


def number(value):
    """Three digits that mean something."""
    if value is None:
        return '-'
    for bound, digits in ((10, 2), (100, 1)):
        if abs(value) < bound:
            return f'{value:.{digits}f}'
    return f'{value:.0f}'


def interval(pair):
    return f'{pair[0]:.2f}..{pair[1]:.2f}' if pair else ''


def layout(lines):
    """Columns as wide as their widest word; the first and the last to the left."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    out = []
    for line in lines:
        words = [w.ljust(widths[i]) if i in (0, len(line) - 1) else w.rjust(widths[i])
                 for i, w in enumerate(line)]
        out.append('  '.join(words).rstrip())
    return '\n'.join(out)


def matrix(results, measure, rows):
    title, unit, scale = TITLES[measure]
    names = [a['name'] for a in results['allocators'] if a['role'] != 'baseline']
    lines = [[f'{title}, {unit}'] + names + ['to best', '95 %', 'best peer', 'verdict']]
    for row in rows:
        entry = row['summary'].get(measure)
        if entry:
            lines.append([row['name']] +
                         [number(entry['medians'][n] * scale) if n in entry['medians'] else '-'
                          for n in names] +
                         [number(entry['ratio']), interval(entry['interval']), entry['best'] or '',
                          entry['verdict'] or ''])
    return layout(lines) if len(lines) > 1 else ''


def figures(results, rows):
    """What rows say of themselves, and where a limit is stated, whether it is kept."""
    names = [a['name'] for a in results['allocators']]
    lines = [['Figures'] + names + ['limit', 'verdict']]
    for row in rows:
        for figure, entry in row['summary'].items():
            is_own = figure not in ('cpu_s', 'wall_s', 'peak_kib', 'exit_rss_kib', 'minflt')
            if is_own or (row['group'] == 'memory' and entry['limit'] is not None):
                lines.append([f'{row["name"]} {figure}'] +
                             [number(entry['medians'].get(n)) for n in names] +
                             [number(entry['limit']) if entry['limit'] is not None else '',
                              entry['verdict'] or ''])
    return layout(lines) if len(lines) > 1 else ''


def counts(results, key, title):
    names = [a['name'] for a in results['allocators'] if a['role'] != 'baseline']
    lines = [[title] + names + ['']]
    for row in results['rows']:
        if row.get(key):
            lines.append([row['name']] + [f'{row[key][n]:,}' if row[key].get(n) is not None else '-'
                                          for n in names] + [''])
    return layout(lines) if len(lines) > 1 else ''


def mean_lines(results):
    lines = []
    for measure, mean in results['means'].items():
        title = TITLES[measure][0]
        lines.append(f'{title}: geometric means over {len(mean["rows"])} rows, '
                     f'{mean["reference"]} = 1')
        lines.append(layout([['  ' + name, f'{m["mean"]:.3f}', interval(m['interval']), '']
                             for name, m in mean['allocators'].items()]))
        if mean['ratio'] is not None:
            lines.append(f'  ours to the best mean ({mean["best"]}): {mean["ratio"]:.3f} '
                         f'({interval(mean["interval"])}), to the best of each row: '
                         f'{mean["rows_best"]:.3f} ({interval(mean["rows_best_interval"])})')
    return '\n'.join(lines)


def line(row):
    """A row that has just run."""
    parts = [f'{title} {number(entry["ratio"])} of {entry["best"]}'
             for measure, (title, _, _) in TITLES.items()
             if (entry := row['summary'].get(measure)) and entry['ratio'] is not None]
    failed = sorted({f['allocator'] for f in row['failures']})
    return f'{row["name"]}: ' + ', '.join(parts) + ('; failed: ' + ', '.join(failed)
                                                    if failed else '')


def page(results):
    timed = [r for r in results['rows'] if r['group'] != 'memory']
    parts = [matrix(results, measure, timed) for measure in TITLES]
    parts += [figures(results, results['rows']),
              counts(results, 'instructions', 'Instructions (callgrind)'),
              counts(results, 'syscalls', 'System calls'), mean_lines(results)]
    for row in results['rows']:
        for failure in row['failures']:
            parts.append(f'failed: {row["name"]} on {failure["allocator"]}, round '
                         f'{failure["round"]}: {failure["what"]}')
    for missing in results['missing']:
        parts.append(f'missing: {missing["what"]}: {missing["install"]}')
    return '\n\n'.join(part for part in parts if part)
