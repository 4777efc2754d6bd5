// main.js: the page of a replay, from the results that stand in it.
import { choice, html } from '../src/dom.js';
import { lifetimes, ranking, sizes } from './bars.js';
import { map } from './map.js';
import { CLOCKS, bytes, count, hasAverage, stateOf } from './state.js';
import { steps } from './steps.js';
import { footprint, occupancy, waste } from './time.js';

function facts(trace) {
  return [trace.file, trace.format, `${count(trace.entries)} entries`, `${count(trace.births)} births`,
    `${trace.threads} thread${trace.threads === 1 ? '' : 's'}`, `at most ${bytes(trace.live_max_bytes)} live in ${count(trace.live_max_blocks)} blocks`,
    trace.missed && `${count(trace.missed)} deaths missed`, trace.unknown && `${count(trace.unknown)} of unknown blocks`,
    trace.dropped && `${count(trace.dropped)} dropped`].filter((word) => word).join(' · ');
}

function legend(state) {
  return html('nav', { class: 'legend', 'aria-label': 'contenders' },
    choice('look at', state.usable.map((c) => [c.i, c.name]), state.chosen.i,
      (i) => state.set({ chosen: state.contenders[i] })),
    ...state.usable.map((c) => html('button', {
      type: 'button', 'aria-pressed': 'true', title: c.about,
      onclick: (event) => {
        const off = state.hidden.delete(c.i) ? false : Boolean(state.hidden.add(c.i));
        event.currentTarget.setAttribute('aria-pressed', String(!off));
        state.set({ hidden: state.hidden });
      },
    }, html('i', { style: `display:inline-block;width:12px;height:12px;border-radius:2px;background:${c.colour}` }), c.name)),
    choice('clock', Object.entries(CLOCKS).filter(([key]) => key !== 'ns' || state.results.trace.has_clock)
      .map(([key, { title }]) => [key, title]), state.clock, (clock) => state.set({ clock, cursor: null })));
}

const COLUMNS = [['peak', (c) => bytes(c.figures.peak)],
  ['peak / live', (c) => (c.figures.live_peak ? (c.figures.peak / c.figures.live_peak).toFixed(2) : '–')],
  ['average', (c) => (hasAverage(state, c) ? bytes(c.figures.average) : '–')],
  ['average T / L', (c) => (hasAverage(state, c) ? (c.figures.ratio_average_permille / 1000).toFixed(2) : '–')],
  ['T at most live', (c) => bytes(c.figures.resident_at_live_peak)],
  ['L at the peak', (c) => bytes(c.figures.live_at_peak)],
  ['rounding', (c) => bytes(c.figures.at_peak.rounding)], ['headers', (c) => bytes(c.figures.at_peak.headers)],
  ['holes', (c) => bytes(c.figures.at_peak.holes)], ['kept', (c) => bytes(c.figures.at_peak.kept)],
  ['metadata', (c) => bytes(c.figures.at_peak.meta)],
  ['steps / call', (c) => (c.counts.entries ? (c.counts.steps / c.counts.entries).toFixed(1) : '–')],
  ['locks waited', (c) => (c.counts.locked ? `${count(c.counts.waited)} of ${count(c.counts.locked)}` : '–')]];

function numbers(state) {
  return html('section', {}, html('h2', {}, 'The numbers'), html('div', { class: 'scroll' }, html('table', {},
    html('thead', {}, html('tr', {}, html('th', {}, 'contender'), ...COLUMNS.map(([name]) => html('th', {}, name)))),
    html('tbody', {}, ...state.contenders.map((c) => html('tr', {},
      html('th', { scope: 'row' }, c.name + (c.is_model ? ' (model)' : '')),
      ...(c.fault ? [html('td', { class: 'bad', colspan: COLUMNS.length }, `at entry ${count(c.fault.entry)}: ${c.fault.words}`)]
        : COLUMNS.map(([, text]) => html('td', {}, text(c))))))))));
}

const siteText = (stack) => results.sites.find((site) => site.stack === stack)?.text || (stack ? `stack ${stack}` : 'no stack');

function pins(state) {
  const c = state.contenders.find((one) => one.is_base && one.pins) || state.usable.find((one) => one.pins);
  if (!c || !c.pins.rows.length) return null;
  return html('section', {}, html('h2', {}, `Who holds nearly empty pages of ${c.name}`),
    html('p', {}, `${count(c.pins.pages)} resident pages are less than a quarter live at entry ${count(c.pins.entry)}; by ${c.pins.by_site ? 'call stack' : 'size'}.`),
    html('div', { class: 'scroll' }, html('table', {},
      html('thead', {}, html('tr', {}, ...[c.pins.by_site ? 'stack' : 'up to', 'blocks', 'live bytes', 'bytes of pages held'].map((t) => html('th', {}, t)))),
      html('tbody', {}, ...c.pins.rows.slice(0, 12).map(([key, n, alive, held]) => html('tr', {},
        html('th', { scope: 'row' }, c.pins.by_site ? siteText(key) : bytes(key)), html('td', {}, count(n)), html('td', {}, bytes(alive)), html('td', {}, bytes(held))))))));
}

const results = JSON.parse(document.getElementById('results').textContent);
const state = stateOf(results);
const verdict = html('section', { class: 'verdict' }, ...results.verdict.lines.map((line) => html('p', {}, line)));
document.getElementById('page').replaceChildren(...[
  html('header', {}, html('h1', {}, 'A run replayed'), html('p', { class: 'facts' }, facts(results.trace))), verdict,
  ...(state.usable.length ? [legend(state), footprint(state), map(state), waste(state), ranking(state),
    html('div', { class: 'pair' }, sizes(state), lifetimes(state), occupancy(state)), steps(state), pins(state)] : []),
  numbers(state),
  html('p', { class: 'facts' }, 'Assumed: each block is touched once in every page; contents, caches and waiting for locks are not replayed.'),
].filter((part) => part));
