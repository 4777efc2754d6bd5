// time.js: plots over time: footprint of all, waste of one, pages by occupancy at the cursor.
import { html, svg } from '../src/dom.js';
import { hideNote, showNote } from '../src/frame.js';
import { BOTTOM, LEFT, RIGHT, TOP, WIDTH, clockText, frame, scale, stair, timeScale, withCursor } from './axes.js';
import { CLOCKS, PARTS, bytes, count, sampleAt } from './state.js';

function live(draw, state, needed) {
  state.listeners.push((change) => {
    if (needed.some((key) => key in change)) draw();
  });
  draw();
}

export function footprint(state) {
  const place = html('div', { class: 'plot' }), height = 380;
  let moveCursor = () => {};
  const draw = () => {
    const shown = state.visible(), x = timeScale(state);
    const top = Math.max(1, ...shown.map((c) => Math.max(...c.samples.resident)),
      ...state.usable.map((c) => c.figures.live_peak));
    const y = scale(0, top * 1.04, height - BOTTOM, TOP);
    const chart = frame(height, x, y, { xText: clockText(state), yText: bytes,
      xTitle: CLOCKS[state.clock].title, yTitle: 'resident bytes, all contenders' });
    const longest = state.usable.reduce((a, b) => (b.n > a.n ? b : a));
    for (const [key, name] of [['oracle', 'line oracle'], ['live', 'line live']])
      chart.append(svg('polyline', { class: name,
        points: stair(longest.samples[state.clock], longest.samples[key], x, y) }));
    for (const c of shown)
      chart.append(svg('polyline', { class: 'line', style: `--colour:${c.colour}`,
        'stroke-width': c === state.chosen ? 3 : null,
        points: stair(c.samples[state.clock], c.samples.resident, x, y) }));
    chart.addEventListener('pointermove', (event) => showNote(event, [
      CLOCKS[state.clock].text(state.cursor || 0),
      ...shown.map((c) => `${c.name}: ${bytes(c.samples.resident[sampleAt(c, state.clock, state.cursor)])}`),
      `live: ${bytes(longest.samples.live[sampleAt(longest, state.clock, state.cursor)])}`]));
    chart.addEventListener('pointerleave', hideNote);
    moveCursor = withCursor(chart, state, x, height);
    place.replaceChildren(chart);
  };
  live(draw, state, ['hidden', 'clock', 'chosen']);
  state.listeners.push(() => moveCursor());
  return html('section', {}, html('h2', {}, '1 Footprint over time'),
    html('p', {}, 'Who holds most, when it starts, whether it comes back. Solid black: what the program asked for and still has; dashed: the same, each block rounded up to 16.'), place);
}

function stacked(chart, contender, state, x, y) {
  const s = contender.samples, base = s[state.clock].map(() => 0);
  for (const [key] of PARTS) {
    const over = base.map((b, i) => b + s[key][i]);
    const up = stair(s[state.clock], over, x, y), down = stair(s[state.clock], base, x, y);
    chart.append(svg('polygon', { class: 'area', style: `--colour:var(--${key})`,
      points: `${up} ${down.split(' ').reverse().join(' ')}` }));
    if (key === 'kept') {
      const from = over.map((o, i) => o - Math.min(s.cached[i], s.holes[i] + s.kept[i]));
      chart.append(svg('polygon', { class: 'cached',
        points: `${up} ${stair(s[state.clock], from, x, y).split(' ').reverse().join(' ')}` }));
    }
    over.forEach((value, i) => { base[i] = value; });
  }
}

const hatch = () => svg('defs', {}, svg('pattern', { id: 'hatch', width: 6, height: 6,
  patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
svg('line', { x1: 0, y1: 0, x2: 0, y2: 6, stroke: 'var(--ground)', 'stroke-width': 2 })));

export function waste(state) {
  const place = html('div', { class: 'plot' }), height = 300, title = html('h2', {});
  let moveCursor = () => {};
  const draw = () => {
    const c = state.chosen, s = c.samples, x = timeScale(state);
    const top = Math.max(1, ...s.entry.map((_, i) => PARTS.reduce((sum, [key]) => sum + s[key][i], 0)));
    const y = scale(0, top * 1.04, height - BOTTOM, TOP);
    const chart = frame(height, x, y, { xText: clockText(state), yText: bytes,
      xTitle: CLOCKS[state.clock].title, yTitle: `bytes of ${c.name} beyond what was asked for` });
    chart.append(hatch());
    stacked(chart, c, state, x, y);
    moveCursor = withCursor(chart, state, x, height);
    title.textContent = `3 Waste of ${c.name}`;
    chart.addEventListener('pointermove', (event) => {
      const i = sampleAt(c, state.clock, state.cursor);
      showNote(event, [CLOCKS[state.clock].text(state.cursor || 0),
        ...PARTS.map(([key, name]) => `${name}: ${bytes(s[key][i])}`), `of these cached: ${bytes(s.cached[i])}`]);
    });
    chart.addEventListener('pointerleave', hideNote);
    place.replaceChildren(chart);
  };
  live(draw, state, ['clock', 'chosen']);
  state.listeners.push(() => moveCursor());
  return html('section', {}, title, html('p', {}, state.usable.some((c) => c.is_foreign)
    ? 'Which part to attack. Of a library headers and metadata are in holes and kept.' : 'Which part to attack.'),
  html('div', { class: 'keys' }, ...PARTS.map(([key, name]) => html('span', {},
    html('i', { style: `--colour:var(--${key})` }), name)), html('span', {}, 'hatched: cached, only one thread can reach it')), place);
}

export function occupancy(state) {
  const place = html('div', { class: 'plot' }), width = 540, height = 260, title = html('h2', {});
  const draw = () => {
    const c = state.chosen, i = sampleAt(c, state.clock, state.cursor), pages = c.samples.pages[i];
    const x = scale(0, 11, LEFT, width - RIGHT), y = scale(0, Math.max(1, ...pages) * 1.06, height - BOTTOM, TOP);
    const chart = frame(height, x, y, { width, xTicks: [], xText: () => '', yText: count, yBase: 10,
      xTitle: 'live bytes on the page', yTitle: `resident pages of ${c.name}` });
    pages.forEach((n, k) => {
      const said = k ? `${k * 10 - 10} to ${k * 10} % live` : 'no live byte';
      chart.append(svg('rect', { class: 'bar', style: `--colour:${k ? (k < 3 ? 'var(--holes)' : 'var(--asked)') : 'var(--kept)'}`,
        x: x(k) + 2, width: x(1) - x(0) - 4, y: y(n), height: height - BOTTOM - y(n),
        onpointermove: (event) => showNote(event, [`${count(n)} pages`, said]), onpointerleave: hideNote }),
      svg('text', { class: 'figure', x: (x(k) + x(k + 1)) / 2, y: height - BOTTOM + 15, 'text-anchor': 'middle', 'font-size': 11, fill: 'currentColor' }, k ? `${k * 10} %` : '0'));
    });
    title.textContent = `7 Pages of ${c.name} by occupancy`;
    place.replaceChildren(chart, html('p', {}, state.cursor === null ? 'At the end; move over plot 1 for another moment.'
      : `At ${CLOCKS[state.clock].text(state.cursor)}.`));
  };
  live(draw, state, ['clock', 'chosen', 'cursor']);
  return html('section', {}, title, place);
}

export { live, WIDTH };
