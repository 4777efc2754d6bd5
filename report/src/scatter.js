// scatter.js: time against memory, one dot per allocator and row; lower left is ahead.
import { choice, html, svg } from './dom.js';
import { axes, hideNote, marker, showNote } from './frame.js';
import { median, meansOf, pointsOf } from './model.js';
import { bounds, logScale, three, withUnit } from './numbers.js';

const HEIGHT = 520, MARGIN = { left: 52, right: 16, top: 34, bottom: 44 };

function scaled(limits, from, to) {
  return Object.assign(logScale(limits, [from, to]), { from, to });
}

export function scatter(rows, allocators, reference, shown) {
  const place = html('div', { class: 'chart' });
  let relativeTo = 'best';

  function describe(point) {
    const { row, allocator } = point;
    const lines = [`${row.name} · ${allocator.name}`,
      `${withUnit('cpu_s', median(row, 'cpu_s', allocator.name))} CPU, ` +
      `${withUnit('peak_kib', median(row, 'peak_kib', allocator.name))} peak`];
    if (relativeTo !== 'nothing')
      lines.push(`× ${three(point.x)} time, × ${three(point.y)} memory`);
    return [...lines, row.says];
  }

  function draw() {
    const width = Math.max(340, Math.min(1120, place.clientWidth || 1120));
    const points = pointsOf(rows, allocators, relativeTo);
    if (!points.length) {
      place.replaceChildren(html('p', {}, 'No row has both figures.'));
      return;
    }
    const x = scaled(bounds(points.map((p) => p.x)), MARGIN.left, width - MARGIN.right);
    const y = scaled(bounds(points.map((p) => p.y)), HEIGHT - MARGIN.bottom, MARGIN.top);
    const times = relativeTo === 'best' ? ' ÷ best of the row'
      : relativeTo === 'nothing' ? '' : ` ÷ ${relativeTo}`;
    const chart = axes({
      width, height: HEIGHT, x, y, wanted: width < 500 ? 3 : 6,
      xTitle: `CPU time${times || ', s'} →`, yTitle: `↑ peak RSS${times || ', MiB'}`,
    });
    chart.setAttribute('aria-label', 'CPU time against peak RSS');
    const thread = svg('g', { class: 'thread' }), dots = svg('g'), means = svg('g');
    const visible = (p) => !shown.hidden.has(p.allocator.name);

    for (const point of points.filter(visible))
      dots.append(marker(point.allocator, x(point.x), y(point.y), point.allocator.ours ? 5 : 4, {
        class: 'dot', tabindex: -1,
        onpointerenter: (event) => { highlight(point.row); showNote(event, describe(point)); },
        onpointermove: (event) => showNote(event, describe(point)),
        onpointerleave: () => { highlight(null); hideNote(); },
      }));
    const drawn = points.filter(visible);
    function highlight(row) {
      [...dots.children].forEach((dot, i) =>
        dot.classList.toggle('dim', row !== null && drawn[i].row !== row));
      thread.replaceChildren();
      if (!row) return;
      const ours = drawn.find((p) => p.row === row && p.allocator.ours);
      for (const p of drawn.filter((q) => ours && q.row === row && q !== ours))
        thread.append(svg('line', { x1: x(ours.x), y1: y(ours.y), x2: x(p.x), y2: y(p.y) }));
    }
    if (relativeTo !== 'nothing')
      for (const mean of meansOf(points, allocators).filter(visible)) {
        const lines = [`${mean.allocator.name}: mean of ${mean.rows} rows`,
          `× ${three(mean.x)} time, × ${three(mean.y)} memory`];
        means.append(marker(mean.allocator, x(mean.x), y(mean.y), 9, {
          class: 'mean', onpointermove: (event) => showNote(event, lines), onpointerleave: hideNote,
        }));
      }
    chart.append(thread, dots, means);
    place.replaceChildren(chart);
  }

  const options = [['best', 'best of the row'], ...(reference ? [[reference, reference]] : []),
    ['nothing', 'absolute']];
  const section = html('section', {}, html('h2', {}, 'Time against memory'),
    html('p', {}, 'One dot per allocator and row, both axes logarithmic; lower left is ahead. ' +
      'Large dots are geometric means over the rows that all allocators finished.'),
    choice('relative to', options, relativeTo, (value) => { relativeTo = value; draw(); }), place);
  shown.listeners.push(draw);
  new ResizeObserver(draw).observe(place);
  return section;
}
