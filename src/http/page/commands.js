// Commands of the Shell that the page carries out: tried on a copy of the lab first, so that what becomes of
// every sender is seen, and so that the Shell's questions are asked before anything has changed.

import { path, post } from './api.js';
import { h, icon, replace } from './dom.js';
import { aspect, chip, subject, value } from './format.js';
import { button, command, failure, notice, question } from './ui.js';

/** Returns the question that a refusal amounts to, or `null`. */
function asked(text) {
  const found = /^(?:\d+:\d+: )?([\s\S]*?)\n?it asks, and nobody answered/.exec(text ?? '');
  return found ? found[1] : null;
}

/** Carries out commands, with the Shell's questions as dialogs: nothing changes before they are answered. Returns the
 * output; `null` where a question was left. A refusal is thrown as a `Problem`. */
export async function run(line, computer) {
  const answers = [];
  for (;;) {
    try {
      return (await post(path('cmdlets'), { line, computer, answers, ask: true })).output;
    } catch (error) {
      const text = error.document?.question;
      if (text === undefined) throw error;
      const answer = await question(text);
      if (answer === null) return null;
      answers.push(answer);
    }
  }
}

const CHANGES = {
  better: ['good', 'ok', 'better'],
  worse: ['bad', 'warning', 'worse'],
  different: ['plain', 'info', 'different'],
  same: ['none', 'none', 'as before'],
};

/** Returns what commands would change: a row for each connector and each sender, before and after. */
export function effect(tried) {
  const text = asked(tried.refused);
  if (text !== null)
    return h(
      'p',
      { class: 'note' },
      icon('info'),
      `The Shell will ask: ${text.replace(/^Confirm\n/, '').split('\n')[0]}`,
    );
  if (tried.refused) return failure({ message: tried.refused }, 'Exchange refuses this');
  if (tried.connectors.length + tried.senders.length === 0)
    return h('p', { class: 'note' }, icon('info'), 'Nothing changes for anybody who sends.');
  const groups = [...Map.groupBy(tried.connectors, (it) => subject(it.subject))].map(([title, items]) => [
    title,
    items,
    (it) => aspect(it.aspect),
  ]);
  if (tried.senders.length > 0) groups.push(['Senders', tried.senders, (it) => it.subject.name]);
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'What would change' },
    h(
      'table',
      { class: 'effect' },
      h('caption', {}, 'Tried on a copy of the lab; nothing has changed yet'),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ['What', 'Now', 'Then', 'Change'].map((it) => h('th', { scope: 'col' }, it)),
        ),
      ),
      groups.map(([title, items, name]) =>
        h(
          'tbody',
          {},
          h('tr', {}, h('th', { scope: 'rowgroup', colspan: 4, class: 'group' }, title)),
          items.map((it) => compared(it, name(it))),
        ),
      ),
    ),
  );
}

function compared(it, name) {
  return h(
    'tr',
    { class: `change-${it.change}` },
    h('th', { scope: 'row' }, name),
    h('td', {}, value(it.before)),
    h('td', {}, value(it.after)),
    h('td', {}, chip(...(CHANGES[it.change] ?? CHANGES.different))),
  );
}

/** Returns a fix as `check` proposes it, with *Try* and *Apply*; both answer the Shell's questions as it was proposed
 * with. `connector` is the one that senders send to, where it is a receive connector's. */
export function fix(proposal, { computer, connector }, onApplied) {
  const line = proposal.commands.join('\n');
  const typed = { ...proposal.typed, computer };
  const place = h('div', { class: 'outcome', 'aria-live': 'polite' });
  let newest = null;
  const act = (words, work, kind) =>
    button(
      words,
      async () => {
        const mine = (newest = {});
        const shown = await work().catch((error) => {
          // Where another view is shown by now, a notice tells of it.
          if (!place.isConnected) throw error;
          return failure(error);
        });
        if (mine === newest) replace(place, shown);
      },
      { kind, focus: `${words} ${proposal.title}` },
    );
  const list = (title, items) =>
    items?.length > 0
      ? [
          h('h4', {}, title),
          h(
            'ul',
            {},
            items.map((it) => h('li', {}, it)),
          ),
        ]
      : null;
  return h(
    'section',
    { class: 'fix' },
    h('h3', {}, proposal.title),
    command(line, { label: 'Cmdlet' }),
    h(
      'div',
      { class: 'buttons' },
      act('Try on a copy', async () => {
        const on = connector ? { connector: `${computer}\\${connector}` } : {};
        return effect(await post(path('try'), { ...typed, ...on }));
      }),
      act(
        'Apply',
        async () => {
          await post(path('cmdlets'), typed);
          notice('Applied');
          await onApplied?.();
        },
        'primary',
      ),
    ),
    place,
    proposal.changes
      ? h(
          'details',
          {},
          h('summary', {}, 'What it changes, and what it leaves'),
          list('Changes', proposal.changes),
          list('Leaves as it is', proposal.leaves),
          list('By hand', proposal.clicks),
        )
      : null,
  );
}

/** Returns advice that does not help here, and why. */
export function useless(items) {
  if (!items?.length) return null;
  return h(
    'section',
    { class: 'useless' },
    h('h3', {}, 'What does not help'),
    items.map((it) => [
      h('p', {}, h('b', {}, it.advice)),
      h(
        'ul',
        {},
        it.why.map((why) => h('li', {}, why)),
      ),
    ]),
  );
}
