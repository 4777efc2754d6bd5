// map.js: address × time of one contender on a canvas; drag to zoom, double click for all of it.
import { html } from '../src/dom.js';
import { hideNote, showNote } from '../src/frame.js';
import { bytes, count } from './state.js';
import { live } from './time.js';

const GAP = 0.02;       // between zones, of the height

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function ownColour(contender) {
  return colour(contender.colour.slice(4, -1));
}

// Zones one above the other, low addresses below; y runs from 0 (below) to 1.
function layout(picture) {
  const sizes = picture.zones.map((z) => z.resident.length * z.row_bytes);
  const total = sizes.reduce((a, b) => a + b, 0) || 1;
  const room = 1 - GAP * Math.max(0, sizes.length - 1);
  const order = picture.zones.map((z, i) => i).sort((a, b) => picture.zones[a].base - picture.zones[b].base);
  let at = 0;
  return order.map((i) => {
    const zone = picture.zones[i], span = (sizes[i] / total) * room;
    const placed = { zone, from: at, span, bytes: sizes[i] };
    at += span + GAP;
    return placed;
  });
}

const cell = (row, column) => parseInt(row.substr(column * 2, 2), 16);

function drawCells(context, placed, picture, at) {
  const entries = picture.entries;
  for (const { zone, from, span } of placed) {
    const rowSpan = span / zone.resident.length;
    zone.resident.forEach((resident, r) => {
      const y1 = Math.round(at.y(from + r * rowSpan)), y0 = Math.round(at.y(from + (r + 1) * rowSpan));
      for (let k = 0; k < entries.length; k++) {
        const full = cell(resident, k);
        if (!full) continue;
        const x0 = Math.round(at.x(entries[k])), x1 = Math.round(at.x(entries[k + 1] ?? at.last));
        const alive = cell(zone.live[r], k);
        context.globalAlpha = 0.25 * (full / 255) + 0.1;
        context.fillStyle = at.grey;
        context.fillRect(x0, y0, x1 - x0, y1 - y0);
        context.globalAlpha = alive / 255;
        context.fillStyle = at.own;
        context.fillRect(x0, y0, x1 - x0, y1 - y0);
      }
    });
  }
  context.globalAlpha = 1;
}

function placeOf(placed, addr) {
  for (const { zone, from, span, bytes: size } of placed)
    if (addr >= zone.base && addr <= zone.base + size) return from + ((addr - zone.base) / size) * span;
  return null;
}

function drawLives(context, placed, lives, at) {
  context.fillStyle = at.own;
  for (const [addr, size, born, died] of lives) {
    const low = placeOf(placed, addr), high = placeOf(placed, addr + size);
    if (low === null || high === null) continue;
    const x0 = at.x(born), x1 = at.x(died || at.last), y0 = at.y(high), y1 = at.y(low);
    context.globalAlpha = 0.75;
    context.fillRect(x0, y0, Math.max(0.8, x1 - x0 - 0.2), Math.max(0.8, y1 - y0 - 0.2));
  }
  context.globalAlpha = 1;
}

function lifeAt(placed, lives, entry, y) {
  return lives.find(([addr, size, born, died]) => {
    if (entry < born || (died && entry >= died)) return false;
    const low = placeOf(placed, addr), high = placeOf(placed, addr + size);
    return low !== null && y >= low && y <= high;
  });
}

function addressAt(placed, y) {
  const found = placed.find((p) => y >= p.from && y <= p.from + p.span);
  return found ? found.zone.base + ((y - found.from) / found.span) * found.bytes : null;
}

export function map(state) {
  const shown = state.usable.filter((c) => c.picture);
  if (!shown.length) return null;
  const canvas = html('canvas', { role: 'img', 'aria-label': 'address over time' });
  const title = html('h2', {}), place = html('div', { class: 'plot' }, canvas);
  const all = { x0: 0, x1: state.results.trace.entries, y0: 0, y1: 1 };
  let view = { ...all }, drag = null, at = null, placed = [];
  const contender = () => (state.chosen.picture ? state.chosen : shown[0]);
  function draw() {
    const c = contender(), context = canvas.getContext('2d'), ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth || 1100, height = canvas.clientHeight || 420;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    context.scale(ratio, ratio);
    placed = layout(c.picture);
    at = { x: (e) => ((e - view.x0) / (view.x1 - view.x0)) * width, last: state.results.trace.entries,
      y: (v) => height - ((v - view.y0) / (view.y1 - view.y0)) * height, grey: colour('--soft'), own: ownColour(c) };
    drawCells(context, placed, c.lives ? { ...c.picture, zones: [] } : c.picture, at);
    if (c.lives) {
      drawCells(context, placed.map((p) => ({ ...p, zone: { ...p.zone, live: p.zone.live.map((row) => '0'.repeat(row.length)) } })), c.picture, at);
      drawLives(context, placed, c.lives, at);
    }
    if (drag) {
      context.strokeStyle = colour('--ink');
      context.strokeRect(drag.x, drag.y, drag.now.x - drag.x, drag.now.y - drag.y);
    }
    title.textContent = `2 Address over time of ${c.name}`;
  }
  const local = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top, w: box.width, h: box.height };
  };
  const entryOf = (p) => view.x0 + (p.x / p.w) * (view.x1 - view.x0);
  const heightOf = (p) => view.y0 + (1 - p.y / p.h) * (view.y1 - view.y0);
  canvas.addEventListener('pointerdown', (event) => {
    drag = { ...local(event), now: local(event) };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    const p = local(event), entry = entryOf(p), y = heightOf(p), c = contender();
    if (drag) { drag.now = p; draw(); return; }
    const address = addressAt(placed, y), life = c.lives && lifeAt(placed, c.lives, entry, y);
    const said = [`entry ${count(entry)}`, address === null ? 'no pages' : `0x${Math.floor(address).toString(16)}`];
    if (life) said.push(`block ${life[4]}: ${bytes(life[1])}, entries ${count(life[2])} to ${life[3] ? count(life[3]) : 'the end'}${life[5] ? `, stack ${life[5]}` : ''}`);
    showNote(event, said);
  });
  canvas.addEventListener('pointerup', (event) => {
    const a = drag, b = local(event);
    drag = null;
    if (a && Math.abs(a.x - b.x) > 4 && Math.abs(a.y - b.y) > 4) {
      const xs = [entryOf(a), entryOf(b)].sort((p, q) => p - q), ys = [heightOf(a), heightOf(b)].sort((p, q) => p - q);
      view = { x0: xs[0], x1: xs[1], y0: ys[0], y1: ys[1] };
    }
    draw();
  });
  canvas.addEventListener('dblclick', () => { view = { ...all }; draw(); });
  canvas.addEventListener('pointerleave', hideNote);
  addEventListener('resize', draw);
  requestAnimationFrame(draw);
  live(() => { view = { ...all }; draw(); }, state, ['chosen']);
  return html('section', {}, title, html('p', {}, 'Holes, what pins them, drift of the heap. Coloured: live; grey: resident without a live byte. The clock is entries. Drag to zoom, double click for all.'), place);
}
