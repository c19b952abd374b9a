// Verify: what is expected of the lab before, after each fix that does not help, and after each that does,
// compared with what happens. It runs live. What was not run yet is not tried, and no failure.

import { ask, get, path } from './api.js';
import { h, icon, replace } from './dom.js';
import { aspect, chip, subject, value } from './format.js';
import { events } from './sse.js';
import { announce, button, failure, field } from './ui.js';

/** What ran stays there while other views are shown, and what runs goes on: `redraw` is of the view that is shown. */
let kept = null;
let redraw = () => {};

export function verify() {
  const name = h('input', {
    type: 'search',
    list: 'verify-scenarios',
    placeholder: 'this lab',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const options = h('datalist', { id: 'verify-scenarios' });
  const only = h('input', { type: 'checkbox', id: 'verify-only', onchange: () => draw() });
  const start = button('Run', () => (kept?.running ? undefined : run()), { kind: 'primary' });
  const stop = button('Stop', () => kept?.abort.abort());
  const head = h('div', { class: 'verify-head', 'aria-live': 'polite' });
  const table = h('div', {});
  const element = h(
    'div',
    { class: 'page' },
    h(
      'div',
      { class: 'tools' },
      field('Lab', name),
      options,
      start,
      stop,
      h('span', { class: 'check' }, only, h('label', { for: 'verify-only' }, 'Only what is not as expected')),
    ),
    head,
    table,
  );

  async function run() {
    const mine = (kept = { stages: [], done: null, failed: null, abort: new AbortController(), running: true });
    redraw();
    try {
      const body = name.value.trim() ? { name: name.value.trim() } : {};
      const response = await ask('POST', path('verify', 'run'), {
        body,
        accept: 'text/event-stream',
        signal: mine.abort.signal,
      });
      for await (const { event, data } of events(response.body)) {
        const it = JSON.parse(data);
        if (event === 'stage') mine.stages[it.index] = { ...mine.stages[it.index], ...it };
        else if (event === 'done') mine.done = it;
        else if (event === 'failed') mine.failed = { message: it.detail };
        if (mine.stages.length > 0) mine.of = it.of ?? mine.of;
        redraw();
      }
    } catch (error) {
      if (error.name === 'AbortError') mine.stopped = true;
      else mine.failed = error;
    }
    mine.running = false;
    redraw();
    if (mine.done) announce(mine.done.verdict);
  }

  function draw() {
    start.setAttribute('aria-disabled', String(kept?.running === true));
    stop.disabled = !kept?.running;
    replace(
      head,
      kept
        ? summary(kept)
        : h(
            'p',
            { class: 'note' },
            `Not tried yet. Run sends with each sender of ${name.value.trim() || 'this lab'}, before and after each fix.`,
          ),
    );
    replace(table, kept && kept.stages.length > 0 ? matrix(kept, only.checked) : null);
  }

  redraw = draw;

  return {
    element,
    async update() {
      draw();
      if (options.childElementCount > 0) return;
      const { scenarios } = await get(path('catalogue'));
      replace(
        options,
        scenarios.map((it) => h('option', { value: it.name }, it.title)),
      );
    },
  };
}

function summary({ stages, of, done, failed, stopped, running }) {
  if (failed) return failure(failed, 'It could not be verified');
  if (done) {
    return [
      h(
        'p',
        { class: 'verify-verdict' },
        done.holds ? chip('good', 'ok', 'As expected') : chip('bad', 'error', 'Not as expected'),
        ' ',
        done.verdict,
      ),
      done.differences?.length > 0
        ? h(
            'ul',
            {},
            done.differences.map((it) => h('li', {}, typeof it === 'string' ? it : value(it))),
          )
        : null,
    ];
  }
  if (stopped) return h('p', { class: 'note' }, 'Stopped. What was not run is not tried.');
  const ran = stages.filter((it) => it?.state === 'done').length;
  return running
    ? [
        h('progress', of ? { max: of, value: ran, 'aria-label': 'Progress' } : { 'aria-label': 'Progress' }),
        h('span', {}, of ? ` ${ran} of ${of} stages` : ' starting'),
      ]
    : null;
}

const id = (row) => JSON.stringify([row.subject, row.aspect]);

function matrix({ stages, of }, only) {
  const columns = Array.from({ length: of ?? stages.length }, (_, index) => stages[index] ?? null);
  const rows = new Map();
  for (const stage of columns) {
    for (const row of stage?.rows ?? []) if (!rows.has(id(row))) rows.set(id(row), row);
  }
  const cell = (stage, key) => {
    if (stage?.state !== 'done')
      return { words: stage?.state === 'running' ? 'running' : 'not tried', tone: 'none' };
    const row = stage.rows.find((it) => id(it) === key);
    if (!row) return { words: 'not expected', tone: 'none' };
    const { kind, name } = row.subject;
    const worse =
      kind === 'sender' && row.aspect === 'ending' && (stage.regressions ?? []).some((it) => it.sender === name);
    return { row, words: value(row.observed), tone: row.met ? 'met' : 'unmet', worse };
  };
  const shown = [...rows.keys()].filter(
    (key) =>
      !only ||
      columns.some((stage) => {
        const it = cell(stage, key);
        return it.tone === 'unmet' || it.worse;
      }),
  );
  return h(
    'div',
    { class: 'scroll matrix', tabindex: '0', role: 'region', 'aria-label': 'Expected and observed' },
    h(
      'table',
      {},
      h('caption', { class: 'sr' }, 'What was observed in each stage'),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col' }, 'Of'),
          columns.map((it) =>
            h(
              'th',
              { scope: 'col' },
              it && it.stage !== it.title ? h('span', { class: 'hint' }, it.stage) : null,
              it?.title ?? 'not tried',
              it?.refused ? h('span', { class: 'hint' }, `refused: ${it.refused}`) : null,
            ),
          ),
        ),
      ),
      h(
        'tbody',
        {},
        shown.map((key) => {
          const row = rows.get(key);
          return h(
            'tr',
            {},
            h('th', { scope: 'row' }, subject(row.subject), h('span', { class: 'hint' }, aspect(row.aspect))),
            columns.map((stage) => {
              const it = cell(stage, key);
              return h(
                'td',
                { class: it.tone },
                it.tone === 'met' ? icon('ok') : it.tone === 'unmet' ? icon('error') : null,
                h('span', {}, it.words),
                it.tone === 'unmet' ? h('span', { class: 'hint' }, `expected ${value(it.row.expected)}`) : null,
                it.worse ? chip('bad', 'warning', 'worse than before') : null,
              );
            }),
          );
        }),
      ),
    ),
  );
}
