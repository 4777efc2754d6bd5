// state.js: what all plots share: contenders with colours, the clock, the cursor, who is chosen.
const COLOURS = ['--c1', '--c2', '--c3', '--c4', '--c6', '--c7', '--c8', '--c9', '--c5'];

export const CLOCKS = {
  ns: { title: 'recorded time', text: (x) => timeText(x) },
  entry: { title: 'entries of the trace', text: (x) => count(x) },
  allocated_bytes: { title: 'bytes allocated', text: (x) => bytes(x) },
};

export const PARTS = [['rounding', 'rounding'], ['headers', 'headers'], ['holes', 'holes'],
  ['kept', 'kept'], ['meta', 'metadata']];

export function bytes(x) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (Math.abs(x) >= 1023.95 && unit < units.length - 1) { x /= 1024; unit++; }
  return `${unit ? x.toFixed(1) : Math.round(x)} ${units[unit]}`;
}

export const count = (x) => Math.round(x).toLocaleString('en');

export function timeText(ns) {
  if (ns >= 1e9) return `${(ns / 1e9).toFixed(2)} s`;
  return ns >= 1e6 ? `${(ns / 1e6).toFixed(1)} ms` : `${(ns / 1e3).toFixed(1)} µs`;
}

export function stateOf(results) {
  let next = 0;
  const contenders = results.contenders.map((c, i) => ({
    ...c, i, colour: `var(${c.name === 'ashlar' ? '--ours' : COLOURS[next++ % COLOURS.length]})`,
    n: c.samples.entry.length,
  }));
  const listeners = [];
  const usable = contenders.filter((c) => c.n > 0);
  return {
    results, contenders, hidden: new Set(), listeners,
    clock: results.trace.has_clock ? 'ns' : 'entry',
    chosen: usable.find((c) => c.is_base) || usable[0], cursor: null,
    set(change) { Object.assign(this, change); listeners.forEach((draw) => draw(change)); },
    visible() { return usable.filter((c) => !this.hidden.has(c.i)); },
    usable,
  };
}

// What a library gives back after a time is exercised at the recorded speed only.
export const hasAverage = (state, contender) =>
  !contender.is_foreign || state.results.options.pace_permille > 0;

// The number of the last sample at or before a moment.
export function sampleAt(contender, clock, moment) {
  const times = contender.samples[clock];
  if (moment === null) return times.length - 1;
  let low = 0, high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= moment) low = middle;
    else high = middle - 1;
  }
  return low;
}

export function peakAt(contender) {
  const series = contender.samples.resident;
  return series.reduce((best, x, i) => (x > series[best] ? i : best), 0);
}
