// Messages: what is unread, what is removed, what a search finds, and what is in a mail.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launch, mail, open, serve } from './support.js';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const content = (subject) => `Subject: ${subject}\n\nSomething.`;
const subjects = (page) => page.locator('.list-space .row:not(.gone) .cell.main').allTextContents();
const unread = (page) => page.locator('.row.unread');

/** Begins a lab with these messages, and opens its list. */
async function messages(t, names, options) {
  const lab = await serve(t, 'healthy');
  await mail(lab.connectors[0].addr, names.map(content));
  const context = await browser.newContext(options);
  t.after(() => context.close());
  const page = await open(context, `${lab.page}#messages`);
  await page.getByText(`${names.length} in all`).waitFor();
  return { lab, context, page };
}

test('a message is unread until it is opened, in every tab and after a reload', async (t) => {
  const { lab, context, page } = await messages(t, ['one', 'two', 'three']);
  const other = await open(context, `${lab.page}#messages`);
  await other.getByText('3 in all').waitFor();
  assert.equal(await unread(page).count(), 3);
  await page.getByRole('row', { name: /two/ }).click();
  await other.locator('.row:not(.unread):not(.head)', { hasText: 'two' }).waitFor();
  await page.waitForFunction(() => document.title.startsWith('(2) '));
  await other.reload();
  await other.locator('.row:not(.unread):not(.head)', { hasText: 'two' }).waitFor();
  assert.equal(await unread(other).count(), 2);
  await other.goto(`${lab.page}#messages?read=false`);
  await other.getByText('2 in all').waitFor();
  // The message that is open can be marked as unread, and stays so.
  await page.getByRole('row', { name: /two/ }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Mark as unread' }).click();
  await other.getByText('3 in all').waitFor();
  await page.waitForFunction(() => document.title.startsWith('(3) '));
  await page.getByRole('button', { name: 'Mark all as read' }).click();
  await page.waitForFunction(() => !document.title.startsWith('('));
  await other.getByText('Nothing fits the filter.').waitFor();
  assert.deepEqual([...page.complaints, ...other.complaints], []);
});

test('one message is deleted, a selection, all that a search finds, and all', async (t) => {
  const { lab, context, page } = await messages(t, [
    'apple 1',
    'pear 2',
    'apple 3',
    'pear 4',
    'apple 5',
    'pear 6',
  ]);
  const other = await open(context, `${lab.page}#messages/1`);
  await other.getByRole('heading', { name: 'apple 1' }).waitFor();
  await page.getByRole('row', { name: /pear 6/ }).click();
  await page.locator('.detail').getByRole('button', { name: 'Delete' }).click();
  // The next one is opened in its place.
  await page.getByRole('heading', { name: 'apple 5' }).waitFor();
  await other.getByText('5 in all').waitFor();
  await page
    .getByRole('row', { name: /pear 4/ })
    .getByRole('checkbox')
    .check();
  await page.getByRole('row', { name: /pear 2/ }).click({ modifiers: ['Control'] });
  await page.getByText('2 marked').waitFor();
  await page.getByRole('button', { name: 'Delete 2' }).click();
  await page.getByText('3 in all').waitFor();
  assert.deepEqual(
    (await lab.api('GET', 'messages')).map((it) => it.subject),
    ['apple 1', 'apple 3', 'apple 5'],
  );
  await other.getByText('3 in all').waitFor();
  await page.getByRole('searchbox').fill('"apple 3"');
  await page.getByText('1 in all').waitFor();
  await page.getByRole('button', { name: 'Delete all' }).click();
  await page.getByText('Nothing fits the filter.').waitFor();
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await page.getByText('2 in all').waitFor();
  await page.getByRole('button', { name: 'Delete all' }).click();
  await page.getByText('No mail yet.').waitFor();
  await other.getByText('This message is gone').waitFor();
  assert.deepEqual(
    [...page.complaints, ...other.complaints].filter((it) => !/404/.test(it)),
    [],
  );
});

test('keys mark and delete', async (t) => {
  const { page } = await messages(
    t,
    ['1', '2', '3', '4', '5'].map((it) => `mail ${it}`),
  );
  await page.getByRole('row', { name: /mail 5/ }).click();
  await page.keyboard.press('Delete');
  await page.getByText('4 in all').waitFor();
  await page.getByRole('heading', { name: 'mail 4' }).waitFor();
  // The focus is on the row that followed, so that the key works again.
  await page.waitForFunction(() => /mail 4/.test(document.activeElement.textContent));
  await page.keyboard.press('Shift+ArrowDown');
  await page.getByText('2 marked').waitFor();
  await page.keyboard.press('Escape');
  await page.getByText('4 in all', { exact: true }).waitFor();
  await page.keyboard.press('Home');
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await page.getByText('2 marked').waitFor();
  await page.keyboard.press('Delete');
  await page.getByText('2 in all').waitFor();
  assert.deepEqual(await subjects(page), ['mail 2', 'mail 1']);
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  await page.getByText('No mail yet.').waitFor();
});

test('a search has phrases, exceptions, and places', async (t) => {
  const lab = await serve(t, 'healthy');
  const { addr } = lab.connectors[0];
  await mail(addr, content('from nobody to contoso'), { from: 'a@fabrikam.example' });
  await mail(addr, content('the other one'), { from: 'b@contoso.example' });
  await mail(addr, 'Subject: plain\n\nIt is about fabrikam.', { from: 'c@adatum.example' });
  const page = await open(await browser.newContext(), `${lab.page}#messages`);
  for (const [search, found] of [
    ['contoso', 2],
    ['from:contoso', 1],
    ['subject:contoso', 1],
    ['-from:contoso', 2],
    ['"other one"', 1],
    ['"one other"', 0],
    ['body:fabrikam', 1],
    ['fabrikam -body:fabrikam', 1],
  ]) {
    await page.getByRole('searchbox').fill(search);
    await page.getByText(found > 0 ? `${found} in all` : 'Nothing fits the filter.').waitFor();
  }
});

test('an address keeps the tab of the message that is open', async (t) => {
  const { page } = await messages(t, ['kept']);
  await page.getByRole('row', { name: /kept/ }).click();
  await page.getByRole('tab', { name: 'Headers' }).click();
  await page.waitForFunction(() => /tab=headers/.test(location.hash));
  await page.reload();
  await page.getByRole('tab', { name: 'Headers', selected: true }).waitFor();
});

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGNQcGgAIgYIBQAXDgOBobd1AQAAAABJRU5ErkJggg==';

test('images of the message are shown, its files are saved, and its source is legible', async (t) => {
  const lab = await serve(t, 'healthy');
  const lines = [
    'Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=',
    `X-Long: ${'long '.repeat(180)}`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/related; boundary=b',
    '',
    '--b',
    'Content-Type: text/html; charset=iso-8859-1',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '<p>gr=FC=DFe</p><img id=3D"own" src=3D"cid:picture@mail.example"><img id=3D"none" src=3D"cid:other@mail.example">',
    '--b',
    'Content-Type: image/png; name="picture.png"',
    'Content-ID: <picture@mail.example>',
    'Content-Transfer-Encoding: base64',
    '',
    PNG,
    '--b',
    'Content-Type: text/html; name="page.html"',
    "Content-Disposition: attachment; filename*=utf-8''na%C3%AFve%E2%80%AEgnp.html",
    '',
    '<script>hurt=1</script>',
    '--b--',
  ];
  await mail(lab.connectors[0].addr, lines.join('\n'));
  const page = await open(await browser.newContext(), `${lab.page}#messages/1`);
  // A message without plain text begins with its HTML.
  await page.getByRole('tab', { name: 'HTML', selected: true }).waitFor();
  const frame = page.frameLocator('.mail-frame');
  await frame.getByText('grüße').waitFor();
  await frame.locator('#own').evaluate((image) => image.decode());
  assert.equal(await frame.locator('#own').evaluate((image) => image.naturalWidth), 2);
  const saved = page.waitForEvent('download');
  await page.getByRole('link', { name: /naïve/ }).click();
  const file = await saved;
  // The character that would turn the name around is none of a name.
  assert.equal(file.suggestedFilename(), 'naïve_gnp.html');
  assert.match(await readFile(await file.path(), 'utf8'), /hurt=1/);
  await page.getByRole('tab', { name: 'Headers' }).click();
  await page.getByText('long long').waitFor();
  const { width, inner } = await page.evaluate(() => ({
    width: document.documentElement.scrollWidth,
    inner: innerWidth,
  }));
  assert.ok(width <= inner, 'a long header makes the page no wider');
  await page.getByRole('tab', { name: 'Raw' }).click();
  await page.getByText('Content-ID: <picture@mail.example>').waitFor();
  assert.deepEqual(
    page.complaints.filter((it) => !/cid:|sandbox/i.test(it)),
    [],
  );
});

test('the browser tells of new mail where that was asked for by a click, and only while no tab is in sight', async (t) => {
  const lab = await serve(t, 'healthy');
  const { addr } = lab.connectors[0];
  const context = await browser.newContext({ permissions: ['notifications'] });
  await context.addInitScript(() => {
    globalThis.told = [];
    globalThis.asked = 0;
    globalThis.Notification = class {
      static permission = 'default';
      static async requestPermission() {
        globalThis.asked += 1;
        this.permission = 'granted';
        return 'granted';
      }
      constructor(title, options) {
        globalThis.told.push([title, options.body]);
      }
    };
  });
  const page = await open(context, `${lab.page}#messages`);
  const hide = (hidden) =>
    page.evaluate((value) => Object.defineProperty(document, 'hidden', { value, configurable: true }), hidden);
  await hide(true);
  await mail(addr, content('before'));
  await page.getByRole('row', { name: /before/ }).waitFor();
  assert.deepEqual(await page.evaluate(() => [asked, told.length]), [0, 0]);
  await page.getByRole('button', { name: 'Notify me' }).click();
  await page.getByRole('button', { name: 'Notify me', pressed: true }).waitFor();
  await mail(addr, content('after'));
  await page.waitForFunction(() => told.length === 1);
  assert.deepEqual(await page.evaluate(() => told[0]), ['after', 'from sender@client.example, in clear']);
  await hide(false);
  await mail(addr, content('in sight'));
  await page.getByRole('row', { name: /in sight/ }).waitFor();
  assert.equal(await page.evaluate(() => told.length), 1);
});
