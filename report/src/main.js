// main.js: the page, from the results that stand in it.
import { html } from './dom.js';
import { swatch } from './frame.js';
import { curves } from './curves.js';
import { allocatorsOf, familiesOf } from './model.js';
import { scatter } from './scatter.js';
import { absent, figures, ratios } from './tables.js';

function facts(results) {
  const m = results.machine;
  const memory = m.memory_kib ? `${(m.memory_kib / 2 ** 20).toFixed(1)} GiB` : '';
  return [m.cpu, m.cpus && `${m.cpus} CPUs`, memory, m.kernel && `Linux ${m.kernel}`, m.libc,
    m.huge_pages && `huge pages: ${m.huge_pages}`, `${results.rounds} round${results.rounds === 1 ? '' : 's'}`,
    `seed ${results.seed}`, results.started].filter((word) => word).join(' · ');
}

// Buttons that show and hide allocators in the charts.
function legend(allocators, shown) {
  return html('nav', { class: 'legend', 'aria-label': 'allocators' }, ...allocators.map((a) =>
    html('button', {
      type: 'button', 'aria-pressed': 'true', title: a.version || a.path,
      onclick: (event) => {
        const off = shown.hidden.delete(a.name) ? false : Boolean(shown.hidden.add(a.name));
        event.currentTarget.setAttribute('aria-pressed', String(!off));
        shown.listeners.forEach((draw) => draw());
      },
    }, swatch(a), a.name)));
}

const results = JSON.parse(document.getElementById('results').textContent);
const allocators = allocatorsOf(results);
const shown = { hidden: new Set(), listeners: [] };
const timed = results.rows.filter((row) => row.group !== 'memory');
const reference = allocators.some((a) => a.name === 'glibc') ? 'glibc' : null;

document.getElementById('page').replaceChildren(...[
  html('header', {}, html('h1', {}, 'Ashlar beside its peers'),
    html('p', { class: 'facts' }, facts(results))),
  legend(allocators, shown),
  scatter(timed, allocators, reference, shown),
  curves(familiesOf(timed), allocators, shown),
  ratios(results, allocators),
  figures(results, allocators),
  absent(results),
].filter((part) => part));
