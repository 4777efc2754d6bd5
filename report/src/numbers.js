// numbers.js: figures as people read them, and logarithmic scales.

// Three digits that mean something.
export function three(value) {
  if (value === null || value === undefined) return '–';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en');
  return size >= 10 ? value.toFixed(1) : size >= 0.1 || size === 0 ? value.toFixed(2)
    : value.toPrecision(2);
}

export const MEASURES = {
  cpu_s: { title: 'CPU time', unit: 's', scale: 1 },
  wall_s: { title: 'Wall time', unit: 's', scale: 1 },
  peak_kib: { title: 'Peak RSS', unit: 'MiB', scale: 1 / 1024 },
  exit_rss_kib: { title: 'RSS after the peak', unit: 'MiB', scale: 1 / 1024 },
  minflt: { title: 'Page faults', unit: '', scale: 1 },
};

export function withUnit(measure, value) {
  const { unit, scale } = MEASURES[measure];
  return `${three(value === undefined ? null : value * scale)} ${unit}`.trim();
}

export function geometricMean(values) {
  return Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);
}

// A logarithmic scale from [low, high] of values to [from, to] of pixels.
export function logScale([low, high], [from, to]) {
  const at = (value) =>
    from + (to - from) * (Math.log(value / low) / Math.log(high / low));
  return Object.assign(at, { low, high });
}

// The bounds of values, with a share of their range as room around them.
export function bounds(values, share = 0.05) {
  const low = Math.min(...values), high = Math.max(...values);
  const room = high > low ? (high / low) ** share : 1.2;
  return [low / room, high * room];
}

const STEPS = [
  [1, 10], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 7, 9],
  [...Array(18).keys()].map((i) => 1 + i / 20 + (i > 9 ? (i - 9) * 0.45 : 0)),
];

// Round values inside the bounds: of the coarse series the first that gives enough of them.
export function logTicks([low, high], wanted = 5) {
  let ticks = [];
  for (const steps of STEPS) {
    ticks = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++)
      for (const step of steps) {
        const value = step * 10 ** e;
        if (value >= low && value <= high && step < 10) ticks.push(value);
      }
    if (ticks.length >= wanted) break;
  }
  return ticks;
}

export const tickText = (value) => String(Number(value.toPrecision(3)));
