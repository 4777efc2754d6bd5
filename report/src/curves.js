// curves.js: cost over threads: one small chart per family of rows, one line per allocator.
import { choice, html, svg } from './dom.js';
import { axes, hideNote, marker, showNote } from './frame.js';
import { median } from './model.js';
import { bounds, logScale, MEASURES, withUnit } from './numbers.js';

const WIDTH = 360, HEIGHT = 240, MARGIN = { left: 48, right: 14, top: 30, bottom: 40 };

function scaled(limits, from, to) {
  return Object.assign(logScale(limits, [from, to]), { from, to });
}

function chartOf(family, allocators, measure) {
  const { scale, unit, title } = MEASURES[measure];
  const lines = allocators.map((allocator) => ({
    allocator,
    points: family.rows.map((row) => ({ row, value: median(row, measure, allocator.name) * scale }))
      .filter((p) => p.value > 0),
  })).filter((line) => line.points.length);
  if (!lines.length) return null;
  const threads = [...new Set(family.rows.map((row) => row.threads))];
  const x = scaled(bounds(threads), MARGIN.left, WIDTH - MARGIN.right);
  const y = scaled(bounds(lines.flatMap((line) => line.points.map((p) => p.value))),
    HEIGHT - MARGIN.bottom, MARGIN.top);
  const chart = axes({ width: WIDTH, height: HEIGHT, x, y, xTicks: threads, xTitle: 'threads →',
    yTitle: `↑ ${title}${unit ? `, ${unit}` : ''}`, wanted: 4 });
  chart.setAttribute('aria-label', `${family.family}: ${title} over threads`);
  for (const { allocator, points } of lines) {
    chart.append(svg('polyline', {
      class: allocator.ours ? 'curve ours' : 'curve', style: `--colour:${allocator.colour}`,
      points: points.map((p) => `${x(p.row.threads)},${y(p.value)}`).join(' '),
    }));
    for (const p of points) {
      const said = [`${p.row.name} · ${allocator.name}`,
        withUnit(measure, median(p.row, measure, allocator.name)), p.row.says];
      chart.append(marker(allocator, x(p.row.threads), y(p.value), 3.5, {
        class: 'dot', onpointermove: (event) => showNote(event, said), onpointerleave: hideNote,
      }));
    }
  }
  return html('figure', {}, html('figcaption', {}, family.family), chart);
}

export function curves(families, allocators, shown) {
  if (!families.length) return null;
  const place = html('div', { class: 'small-charts' });
  let measure = 'cpu_s';
  function draw() {
    const visible = allocators.filter((a) => !shown.hidden.has(a.name));
    place.replaceChildren(...families.map((family) => chartOf(family, visible, measure))
      .filter((chart) => chart));
  }
  shown.listeners.push(draw);
  draw();
  return html('section', {}, html('h2', {}, 'Cost over threads'),
    html('p', {}, 'Rows that differ only in their number of threads.'),
    choice('measure', ['cpu_s', 'wall_s', 'peak_kib'].map((m) => [m, MEASURES[m].title]), measure,
      (value) => { measure = value; draw(); }), place);
}
