// tables.js: ratios row by row, the rows' own figures, and what is not there.
import { choice, html } from './dom.js';
import { swatch } from './frame.js';
import { divisor, median } from './model.js';
import { MEASURES, three, withUnit } from './numbers.js';

const GOOD = 1.1, BAD = 1.5;    // from here on a cell is tinted; from there on fully

function tint(ratio) {
  const depth = Math.max(0, Math.min(1, Math.log(ratio / GOOD) / Math.log(BAD / GOOD)));
  return ratio > GOOD ? `--depth:${Math.round(12 + 40 * depth)}%` : null;
}

const heads = (allocators) => allocators.map((a) =>
  html('th', { scope: 'col', class: a.ours ? 'ours' : null }, swatch(a), a.name));

function cell(row, measure, allocator, base, form) {
  const value = median(row, measure, allocator.name);
  if (value === null || !base) return html('td', { class: 'empty' }, '–');
  const ratio = value / base;
  const text = form === 'ratios' ? ratio.toFixed(2) : withUnit(measure, value);
  return html('td', {
    class: ratio <= 1.0001 ? 'best' : ratio > GOOD ? 'tinted' : null, style: tint(ratio),
    title: `${row.name}, ${allocator.name}: ${withUnit(measure, value)}`,
  }, text);
}

const span = (pair) => (pair ? `${pair[0].toFixed(2)}–${pair[1].toFixed(2)}` : '');

function lineOf(row, measure, allocators, form) {
  const entry = row.summary[measure];
  const base = divisor(row, measure, 'best', allocators);
  const failed = row.failures.map((f) => `${f.allocator}: ${f.what}`).join('; ');
  return html('tr', {},
    html('th', { scope: 'row', title: row.says }, row.name),
    ...allocators.map((a) => cell(row, measure, a, base, form)),
    html('td', { class: 'sum' }, entry?.ratio ? entry.ratio.toFixed(2) : '–'),
    html('td', { class: 'sum' }, span(entry?.interval)),
    html('td', { class: `verdict ${entry?.verdict === 'lost' ? 'lost' : ''}`, title: failed || null },
      failed ? 'failed' : entry?.verdict || ''));
}

function meanLine(mean, allocators) {
  if (!mean) return [];
  return [html('tr', { class: 'mean-line' },
    html('th', { scope: 'row' }, `mean, ${mean.reference} = 1`),
    ...allocators.map((a) => html('td', { title: span(mean.allocators[a.name]?.interval) },
      mean.allocators[a.name] ? mean.allocators[a.name].mean.toFixed(3) : '–')),
    html('td', { class: 'sum' }, mean.ratio ? mean.ratio.toFixed(3) : '–'),
    html('td', { class: 'sum' }, span(mean.interval)),
    html('td', {}, mean.best ? `to ${mean.best}` : ''))];
}

const TITLES = { ours: 'Programs of our own', programs: 'Programs of Debian',
  memory: 'Memory behaviour' };

export function ratios(results, allocators) {
  const place = html('div', { class: 'scroll' });
  let measure = 'cpu_s', form = 'ratios';
  function draw() {
    const body = html('tbody', {}, ...meanLine(results.means[measure], allocators));
    for (const group of Object.keys(TITLES)) {
      const rows = results.rows.filter((row) => row.group === group &&
        (row.summary[measure] || row.failures.length));
      if (rows.length)
        body.append(html('tr', { class: 'group' },
          html('th', { colspan: allocators.length + 4 }, TITLES[group])),
        ...rows.map((row) => lineOf(row, measure, allocators, form)));
    }
    place.replaceChildren(html('table', {}, html('thead', {}, html('tr', {},
      html('th', {}, MEASURES[measure].title), ...heads(allocators),
      html('th', { scope: 'col' }, 'ours ÷ best peer'), html('th', { scope: 'col' }, '95 %'),
      html('th', { scope: 'col' }, 'verdict'))), body));
  }
  draw();
  const names = Object.entries(MEASURES).map(([name, m]) => [name, m.title]);
  return html('section', {}, html('h2', {}, 'Ratios'),
    html('p', {}, 'To the best of each row, which is in bold; what lies above 1.10 is tinted. ' +
      'Medians of all rounds; intervals are bootstraps over rounds.'),
    choice('measure', names, measure, (value) => { measure = value; draw(); }),
    choice('show', [['ratios', 'ratios'], ['figures', 'figures']], form,
      (value) => { form = value; draw(); }), place);
}

// Figures that rows report of themselves, with their limits.
export function figures(results, allocators) {
  const lines = results.rows.flatMap((row) => Object.entries(row.summary)
    .filter(([name, entry]) => !MEASURES[name] ||
      (row.group === 'memory' && entry.limit !== null))
    .map(([name, entry]) => html('tr', {},
      html('th', { scope: 'row', title: row.says }, `${row.name} `,
        html('span', { class: 'figure' }, name)),
      ...allocators.map((a) => html('td', {}, three(entry.medians[a.name]))),
      html('td', { class: 'sum' }, entry.limit === null ? '' : three(entry.limit)),
      html('td', { class: `verdict ${entry.verdict === 'missed' ? 'lost' : ''}` },
        entry.verdict || ''))));
  if (!lines.length) return null;
  return html('section', {}, html('h2', {}, 'Figures of the rows'),
    html('p', {}, 'What rows measure themselves; the end of a name is its unit.'),
    html('div', { class: 'scroll' }, html('table', {}, html('thead', {}, html('tr', {},
      html('th', {}, 'row'), ...heads(allocators), html('th', {}, 'limit'),
      html('th', {}, 'verdict'))), html('tbody', {}, ...lines))));
}

export function absent(results) {
  const failures = results.rows.flatMap((row) => row.failures.map((f) =>
    html('li', {}, `${row.name} on ${f.allocator}, round ${f.round + 1}: ${f.what}`)));
  const missing = results.missing.map((m) => html('li', {}, `${m.what}: `, html('code', {}, m.install)));
  if (!failures.length && !missing.length) return null;
  return html('section', {}, html('h2', {}, 'What is not here'),
    html('ul', {}, ...missing, ...failures));
}
