// The lab as a whole: another lab file in its place, its clock, and the way back to how it began.

import { get, json, path, post } from './api.js';
import { h, replace } from './dom.js';
import { time } from './format.js';
import { button, dialog, failure, field, notice } from './ui.js';

/** Opens the dialog. */
export async function lab(current) {
  const { scenarios } = await get(path('catalogue'));
  await dialog('The lab', (close) => {
    const place = h('div', { 'aria-live': 'polite' });
    const act = async (work, done) => {
      try {
        await work();
        notice(done);
        close();
      } catch (error) {
        replace(place, failure(error));
      }
    };
    const now = current();
    const file = h('input', {
      type: 'search',
      list: 'scenarios',
      autocomplete: 'off',
      placeholder: 'fqdn-mismatch',
    });
    const advance = h('input', { type: 'text', value: '1h', autocomplete: 'off' });
    return [
      now
        ? h(
            'p',
            {},
            now.title,
            h(
              'span',
              { class: 'hint about' },
              `It is ${time(now.now)} UTC there. Version ${now.version}, root certificate ${now.instance}.`,
            ),
          )
        : null,
      h(
        'div',
        { class: 'pair' },
        field('Put a built-in lab in its place', file, 'It counts from the next connection on.'),
        button('Put in place', () =>
          act(async () => {
            const name = file.value.trim();
            if (!name) throw new Error('Type the name of a built-in lab, or pick one: the field lists them.');
            return json('PUT', path('scenario'), { body: { name } });
          }, 'Another lab is in place'),
        ),
      ),
      h(
        'datalist',
        { id: 'scenarios' },
        scenarios.map((it) => h('option', { value: it.name }, it.title)),
      ),
      h(
        'div',
        { class: 'pair' },
        field(
          'Advance the clock by',
          advance,
          'Certificates age, queues retry, and waits are over: 5m, 36h, 90d.',
        ),
        button('Advance', () =>
          act(() => post(path('clock'), { advance: advance.value.trim() }), 'The clock is advanced'),
        ),
      ),
      h(
        'div',
        { class: 'buttons' },
        button('Go back to how it began', () => act(() => post(path('reset')), 'The lab begins anew')),
        h(
          'a',
          {
            class: 'button',
            href: new URL('../api/v1/ca', import.meta.url).href,
            download: 'starttls-lab-root.pem',
          },
          'Root certificate (PEM)',
        ),
      ),
      place,
    ];
  });
}
