// axes.js: linear axes of bytes or counts, lines over samples, the shared time cursor.
import { svg } from '../src/dom.js';
import { CLOCKS } from './state.js';

export const WIDTH = 1120, LEFT = 76, RIGHT = 12, TOP = 26, BOTTOM = 34;

export function scale(low, high, from, to) {
  const at = (value) => from + (to - from) * ((value - low) / (high - low || 1));
  at.back = (pixel) => low + (high - low) * ((pixel - from) / (to - from));
  return Object.assign(at, { low, high, from, to });
}

function step(span, wanted, base) {
  const rough = span / wanted, power = base ** Math.floor(Math.log(rough) / Math.log(base));
  const steps = base === 10 ? [1, 2, 5, 10] : [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
  return power * (steps.find((s) => s * power >= rough) || steps.at(-1));
}

export function ticks(low, high, wanted, base = 10) {
  const size = step(high - low, wanted, base), out = [];
  for (let x = Math.ceil(low / size) * size; x <= high; x += size) out.push(x);
  return out;
}

export function frame(height, x, y, { xText, yText, xTitle, yTitle, width = WIDTH, yBase = 1024,
  xTicks = null }) {
  const group = svg('g', { class: 'axes' });
  for (const value of xTicks || ticks(x.low, x.high, 8)) {
    const at = x(value);
    group.append(svg('line', { x1: at, x2: at, y1: TOP, y2: height - BOTTOM }),
      svg('text', { x: at, y: height - BOTTOM + 15, 'text-anchor': 'middle' }, xText(value)));
  }
  for (const value of ticks(y.low, y.high, 5, yBase)) {
    const at = y(value);
    group.append(svg('line', { x1: LEFT, x2: width - RIGHT, y1: at, y2: at }),
      svg('text', { x: LEFT - 6, y: at + 4, 'text-anchor': 'end' }, yText(value)));
  }
  group.append(
    svg('text', { class: 'title', x: width - RIGHT, y: height - 4, 'text-anchor': 'end' }, `${xTitle} →`),
    svg('text', { class: 'title', x: 4, y: 14 }, `↑ ${yTitle}`));
  return svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': yTitle }, group);
}

// A series is a stair: a sample stands until the next one. Of the samples in a pixel the greatest.
export function stair(xs, ys, x, y) {
  const points = [];
  let last = null, most = 0;
  xs.forEach((value, i) => {
    const px = Math.round(x(value) * 2) / 2;
    if (px === last) {
      most = Math.max(most, ys[i]);
      return;
    }
    if (last !== null) points.push(`${last},${y(most).toFixed(1)}`, `${px},${y(ys[i - 1]).toFixed(1)}`);
    last = px;
    most = ys[i];
  });
  if (last !== null) points.push(`${last},${y(most).toFixed(1)}`);
  return points.join(' ');
}

export function timeScale(state) {
  const highs = state.usable.map((c) => c.samples[state.clock].at(-1));
  return scale(0, Math.max(1, ...highs), LEFT, WIDTH - RIGHT);
}

// Moves the shared cursor with the pointer, and draws it.
export function withCursor(chart, state, x, height) {
  const line = svg('line', { class: 'cursor', y1: TOP, y2: height - BOTTOM });
  const place = () => {
    line.toggleAttribute('hidden', state.cursor === null);
    line.setAttribute('visibility', state.cursor === null ? 'hidden' : 'visible');
    if (state.cursor !== null) {
      line.setAttribute('x1', x(state.cursor));
      line.setAttribute('x2', x(state.cursor));
    }
  };
  chart.append(line);
  chart.addEventListener('pointermove', (event) => {
    const box = chart.getBoundingClientRect();
    const moment = x.back((event.clientX - box.left) * (WIDTH / box.width));
    state.set({ cursor: Math.max(x.low, Math.min(x.high, moment)) });
  });
  place();
  return place;
}

export const clockText = (state) => (value) => CLOCKS[state.clock].text(value);
