// steps.js: a small trace, one entry at a time: what was asked, what the strategy did and why.
import { html, svg } from '../src/dom.js';
import { bytes, count } from './state.js';
import { live } from './time.js';

const OPS = ['malloc', 'calloc', 'aligned alloc', 'realloc', 'free', 'a thread begins', 'a thread ends'];
const KINDS = [['block', 'var(--asked)'], ['header', 'var(--headers)'], ['free', 'var(--line)'],
  ['cached', 'var(--rounding)'], ['metadata', 'var(--meta)'], ['never used', 'var(--raised)']];
const PER_ROW = 4096, WIDTH = 1120, ROW = 26, ROWS_MAX = 24;

function said(step) {
  const what = `${OPS[step.op]}${step.op < 4 ? `(${count(step.size)})` : ''}`;
  const block = step.op < 5 ? `, block ${step.number}` : '';
  return `${what}${block}${step.addr ? ` at 0x${step.addr.toString(16)}` : step.op < 4 ? ': refused' : ''}`;
}

// Rows of an OS page each, those that hold anything.
function heap(step) {
  const rows = new Map();
  for (let i = 0; i < step.runs.length; i += 3) {
    const kind = step.runs[i + 2];
    let [at, size] = [step.runs[i], step.runs[i + 1]];
    while (size > 0) {
      const page = Math.floor(at / PER_ROW), part = Math.min(size, (page + 1) * PER_ROW - at);
      if (!rows.has(page)) rows.set(page, []);
      rows.get(page).push([at - page * PER_ROW, part, kind]);
      at += part;
      size -= part;
    }
  }
  const pages = [...rows.keys()].sort((a, b) => a - b)
    .filter((page) => rows.get(page).some(([, , kind]) => kind !== 5)).slice(0, ROWS_MAX);
  const chart = svg('svg', { class: 'heap', viewBox: `0 0 ${WIDTH} ${Math.max(1, pages.length) * ROW}` });
  const scale = (WIDTH - 130) / PER_ROW;
  pages.forEach((page, r) => {
    chart.append(svg('text', { x: 0, y: r * ROW + 15, 'font-size': 11, fill: 'currentColor' }, `0x${(page * PER_ROW).toString(16)}`));
    for (const [at, size, kind] of rows.get(page)) {
      const isNew = step.addr === page * PER_ROW + at && kind === 0;
      chart.append(svg('rect', { x: 130 + at * scale, width: Math.max(0.7, size * scale), y: r * ROW, height: ROW - 5,
        style: `fill:${KINDS[kind][1]}${isNew ? ';stroke:var(--ink);stroke-width:2' : ''}` },
      svg('title', {}, `${KINDS[kind][0]}: ${bytes(size)}`)));
    }
  });
  return chart;
}

export function steps(state) {
  const shown = state.usable.filter((c) => c.steps);
  if (!shown.length) return null;
  const title = html('h2', {}), why = html('p', { class: 'why' }), place = html('div', {});
  const slider = html('input', { type: 'range', min: 0, value: 0, 'aria-label': 'entry', oninput: () => draw() });
  const contender = () => (state.chosen.steps ? state.chosen : shown[0]);
  function draw() {
    const c = contender(), i = Math.min(Number(slider.value), c.steps.length - 1), step = c.steps[i];
    slider.max = c.steps.length - 1;
    title.textContent = `Step by step on ${c.name}`;
    why.replaceChildren(html('b', {}, `${i + 1} of ${c.steps.length}: ${said(step)}. `), step.why);
    place.replaceChildren(heap(step));
  }
  const move = (by) => { slider.value = Number(slider.value) + by; draw(); };
  live(draw, state, ['chosen']);
  return html('section', { class: 'steps' }, title,
    html('p', {}, 'A row is one page of 4096 bytes.'),
    html('div', { class: 'choice' }, html('button', { type: 'button', onclick: () => move(-1) }, '← back'),
      html('button', { type: 'button', onclick: () => move(1) }, 'next →')), slider, why,
    html('div', { class: 'keys' }, ...KINDS.map(([name, colour]) => html('span', {}, html('i', { style: `--colour:${colour}` }), name))), place);
}
