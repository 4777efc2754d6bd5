// frame.js: what all charts share: axes with a grid, markers, the note beside the pointer.
import { html, svg } from './dom.js';
import { logTicks, tickText } from './numbers.js';

// A chart of `width` × `height` with logarithmic axes; x and y are scales in its pixels.
export function axes({ width, height, x, y, xTitle, yTitle, xTicks, wanted = 5 }) {
  const left = x.from, bottom = y.from, right = x.to, top = y.to;
  const group = svg('g', { class: 'axes' });
  for (const value of xTicks || logTicks([x.low, x.high], wanted)) {
    const at = x(value);
    group.append(svg('line', { x1: at, x2: at, y1: top, y2: bottom }),
      svg('text', { x: at, y: bottom + 16, 'text-anchor': 'middle' }, tickText(value)));
  }
  for (const value of logTicks([y.low, y.high], wanted)) {
    const at = y(value);
    group.append(svg('line', { x1: left, x2: right, y1: at, y2: at }),
      svg('text', { x: left - 6, y: at + 4, 'text-anchor': 'end' }, tickText(value)));
  }
  if (xTitle)
    group.append(svg('text', { class: 'title', x: right, y: bottom + 34, 'text-anchor': 'end' }, xTitle));
  if (yTitle) group.append(svg('text', { class: 'title', x: 4, y: top - 10 }, yTitle));
  return svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img' }, group);
}

const PATHS = {
  circle: (r) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
  square: (r) => `M${-r * 0.9} ${-r * 0.9}h${r * 1.8}v${r * 1.8}h${-r * 1.8}Z`,
  triangle: (r) => `M0 ${-r * 1.2}L${r * 1.1} ${r * 0.8}H${-r * 1.1}Z`,
  down: (r) => `M0 ${r * 1.2}L${r * 1.1} ${-r * 0.8}H${-r * 1.1}Z`,
  diamond: (r) => `M0 ${-r * 1.3}L${r * 1.2} 0L0 ${r * 1.3}L${-r * 1.2} 0Z`,
  cross: (r) => 'M' + [[-1, -0.4], [-0.4, -0.4], [-0.4, -1], [0.4, -1], [0.4, -0.4], [1, -0.4],
    [1, 0.4], [0.4, 0.4], [0.4, 1], [-0.4, 1], [-0.4, 0.4], [-1, 0.4]]
    .map(([a, b]) => `${a * r * 1.2} ${b * r * 1.2}`).join('L') + 'Z',
};

export function marker(allocator, x, y, radius, attributes = {}) {
  return svg('path', {
    d: PATHS[allocator.shape](radius), transform: `translate(${x} ${y})`,
    style: `--colour:${allocator.colour}`, ...attributes,
  });
}

export function swatch(allocator) {
  return svg('svg', { class: 'swatch', viewBox: '-8 -8 16 16' },
    marker(allocator, 0, 0, 5.5, { class: 'dot' }));
}

// One note for the page, which follows the pointer and stays inside the window.
const note = html('div', { class: 'note', hidden: true });

export function showNote(event, lines) {
  if (!note.isConnected) document.body.append(note);
  note.replaceChildren(...lines.map((line, i) => html('div', { class: i ? '' : 'first' }, line)));
  note.hidden = false;
  const { width, height } = note.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, innerWidth - width - 8);
  const top = event.clientY + 14 + height > innerHeight ? event.clientY - height - 10 : event.clientY + 14;
  note.style.left = `${Math.max(4, left)}px`;
  note.style.top = `${Math.max(4, top)}px`;
}

export function hideNote() {
  note.hidden = true;
}
