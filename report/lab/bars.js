// bars.js: plots without a time axis: peaks and averages, sizes, lifetimes.
import { html, svg } from '../src/dom.js';
import { hideNote, showNote } from '../src/frame.js';
import { BOTTOM, LEFT, RIGHT, TOP, WIDTH, frame, scale } from './axes.js';
import { bytes, count, hasAverage } from './state.js';
import { live } from './time.js';

export function ranking(state) {
  const rows = [...state.usable].filter((c) => !c.fault).sort((a, b) => a.figures.peak - b.figures.peak);
  const line = 34, height = TOP + rows.length * line + BOTTOM, left = 190;
  const top = Math.max(1, ...rows.map((c) => c.figures.peak + c.spread));
  const x = scale(0, top * 1.08, left, WIDTH - RIGHT - 90);
  const chart = svg('svg', { viewBox: `0 0 ${WIDTH} ${height}`, role: 'img' });
  rows.forEach((c, i) => {
    const y = TOP + i * line, f = c.figures;
    chart.append(...[svg('text', { x: left - 8, y: y + 17, 'text-anchor': 'end', fill: 'currentColor', 'font-size': 14 },
      c.name + (c.is_model ? ' (model)' : '') + (c.is_base ? ' *' : '')),
    svg('rect', { class: 'bar', style: `--colour:${c.colour}`, x: left, y, width: x(f.peak) - left, height: 13 }),
    hasAverage(state, c) && svg('rect', { class: 'bar second', style: `--colour:${c.colour}`, x: left, y: y + 14, width: x(f.average) - left, height: 9 }),
    svg('text', { x: x(f.peak + c.spread) + 6, y: y + 12, fill: 'currentColor', 'font-size': 13 }, bytes(f.peak))].filter((part) => part));
    if (c.spread)
      chart.append(svg('line', { class: 'whisker', x1: x(f.peak - c.spread / 2), x2: x(f.peak + c.spread / 2), y1: y + 6, y2: y + 6 }));
  });
  const liveAt = x(Math.max(...rows.map((c) => c.figures.live_peak), 0));
  chart.append(svg('line', { class: 'cursor', x1: liveAt, x2: liveAt, y1: 8, y2: height - BOTTOM }),
    svg('text', { x: liveAt, y: height - 14, 'text-anchor': 'middle', 'font-size': 12, fill: 'currentColor' }, 'most live'));
  return html('section', {}, html('h2', {}, '4 Peak and average'),
    html('p', {}, 'Thick: greatest resident bytes; thin: average over recorded time. * is the base; a whisker is the spread between the runs of a library, whose averages need --pace.'),
    html('div', { class: 'plot' }, chart));
}

function columns(title, rows, { yTitle, xTitle, parts, text }) {
  const width = 540, height = 280, n = rows.length;
  const x = scale(0, n || 1, LEFT, width - RIGHT);
  const top = Math.max(1, ...rows.map((row) => parts.reduce((sum, p) => sum + row[p.key], 0)));
  const y = scale(0, top * 1.05, height - BOTTOM, TOP);
  const chart = frame(height, x, y, { width, xTicks: [], xText: () => '', yText: text, xTitle, yTitle });
  rows.forEach((row, i) => {
    let base = 0;
    for (const part of parts) {
      const low = y(base), high = y(base + row[part.key]);
      base += row[part.key];
      chart.append(svg('rect', { class: 'bar', style: `--colour:${part.colour}`, x: x(i) + 0.5,
        width: Math.max(0.7, x(i + 1) - x(i) - 1), y: high, height: low - high }));
    }
    chart.append(svg('rect', { x: x(i), width: x(i + 1) - x(i), y: TOP, height: height - BOTTOM - TOP, fill: 'transparent',
      onpointermove: (event) => showNote(event, row.said), onpointerleave: hideNote }));
    if (i % Math.ceil(n / 8) === 0)
      chart.append(svg('text', { x: x(i + 0.5), y: height - BOTTOM + 15, 'text-anchor': 'middle', 'font-size': 11, fill: 'currentColor' }, row.tick));
  });
  return html('figure', { class: 'plot' }, title && html('figcaption', {}, title), chart);
}

export function sizes(state) {
  const place = html('div', {}), title = html('h2', {});
  const draw = () => {
    const c = state.chosen;
    const rows = c.sizes.map(([size, n, asked, usable]) => ({ tick: bytes(size), waste: usable - asked,
      said: [`up to ${bytes(size)}`, `${count(n)} births, ${bytes(asked)} asked for`,
        `${bytes(usable - asked)} rounding (${asked ? ((usable - asked) * 100 / asked).toFixed(1) : 0} %)`] }));
    title.textContent = `5 Rounding of ${c.name} by size`;
    place.replaceChildren(columns(null, rows, { parts: [{ key: 'waste', colour: 'var(--rounding)' }],
      yTitle: 'rounding, all births', xTitle: 'size asked for (classes of a quarter of a power of two)', text: bytes }));
  };
  live(draw, state, ['chosen']);
  return html('section', {}, title, html('p', {}, 'Which size would deserve a class of its own.'), place);
}

export function lifetimes(state) {
  const lives = state.results.trace.lifetimes, last = lives.length - 1;
  const log = (n) => (n ? Math.log10(n) + 0.3 : 0);
  const used = lives.map(([n], i) => (n && i < last ? i : 0)).reduce((a, b) => Math.max(a, b), 0);
  const rows = [...lives.slice(0, used + 1).keys(), last].map((i) => ({ n: log(lives[i][0]),
    tick: i === last ? 'never' : bytes(2 ** i),
    said: [i === last ? 'alive at the end' : `lived less than ${bytes(2 ** i)} of allocation`,
      `${count(lives[i][0])} blocks, ${bytes(lives[i][1])}`] }));
  return html('section', {}, html('h2', {}, '6 Lifetimes'),
    html('p', {}, 'How many blocks live how long; the clock is what was allocated meanwhile. Both axes are logarithmic.'),
    columns(null, rows, { parts: [{ key: 'n', colour: 'var(--asked)' }], yTitle: 'blocks',
      xTitle: 'bytes allocated during life', text: (x) => (x < 0.3 ? '0' : count(10 ** (x - 0.3))) }));
}
