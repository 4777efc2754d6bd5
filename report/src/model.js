// model.js: what the results say, in the form that charts and tables want.
import { geometricMean } from './numbers.js';

const COLOURS = {
  ashlar: 'var(--ours)', glibc: 'var(--c1)', mimalloc: 'var(--c2)', jemalloc: 'var(--c3)',
  tcmalloc: 'var(--c4)', 'glibc-huge': 'var(--c5)',
};
const MORE_COLOURS = ['var(--c6)', 'var(--c7)', 'var(--c8)', 'var(--c9)'];
const SHAPES = ['circle', 'square', 'triangle', 'diamond', 'down', 'cross'];

// Allocators that are compared, ours last so that it is drawn above the others.
export function allocatorsOf(results) {
  let more = 0, shape = 1;
  const named = results.allocators.filter((a) => a.role !== 'baseline').map((a) => ({
    ...a, ours: a.role === 'subject',
    colour: a.role === 'subject' ? COLOURS.ashlar
      : COLOURS[a.name] || MORE_COLOURS[more++ % MORE_COLOURS.length],
    shape: a.role === 'subject' ? SHAPES[0] : SHAPES[shape++ % SHAPES.length],
  }));
  return [...named.filter((a) => !a.ours), ...named.filter((a) => a.ours)];
}

export const median = (row, measure, name) => row.summary[measure]?.medians[name] ?? null;

// What values of a row are divided by: an allocator's, the least, or nothing.
export function divisor(row, measure, relativeTo, allocators) {
  if (relativeTo === 'nothing') return 1;
  if (relativeTo !== 'best') return median(row, measure, relativeTo);
  const values = allocators.map((a) => median(row, measure, a.name)).filter((v) => v > 0);
  return values.length ? Math.min(...values) : null;
}

// One point per allocator and row, and per allocator the geometric mean over rows that all have.
export function pointsOf(rows, allocators, relativeTo) {
  const points = [];
  for (const row of rows) {
    const cpu = divisor(row, 'cpu_s', relativeTo, allocators);
    const peak = divisor(row, 'peak_kib', relativeTo, allocators);
    for (const allocator of allocators) {
      const x = median(row, 'cpu_s', allocator.name), y = median(row, 'peak_kib', allocator.name);
      if (x > 0 && y > 0 && cpu && peak)
        points.push({ row, allocator, x: x / cpu, y: y / peak / (relativeTo === 'nothing' ? 1024 : 1) });
    }
  }
  return points;
}

export function meansOf(points, allocators) {
  const complete = new Map();
  for (const p of points) complete.set(p.row, (complete.get(p.row) || 0) + 1);
  return allocators.flatMap((allocator) => {
    const own = points.filter((p) => p.allocator === allocator &&
      complete.get(p.row) === allocators.length);
    return own.length < 2 ? [] : [{
      allocator, rows: own.length,
      x: geometricMean(own.map((p) => p.x)), y: geometricMean(own.map((p) => p.y)),
    }];
  });
}

// Families with more than one number of threads: { family, rows by threads }.
export function familiesOf(rows) {
  const found = new Map();
  for (const row of rows)
    found.set(row.family, [...(found.get(row.family) || []), row]);
  return [...found].filter(([, list]) => new Set(list.map((row) => row.threads)).size > 1)
    .map(([family, list]) => ({ family, rows: list.sort((a, b) => a.threads - b.threads) }));
}
