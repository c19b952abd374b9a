// Several tabs, an interrupted stream, keys only, and what a reader of the screen meets.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, mail, open, serve, stage } from './support.js';

const AXE = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const VIEWS = [
  'picture',
  'connectors',
  'certificates',
  'events',
  'sessions',
  'messages',
  'shell',
  'faults',
  'verify',
];
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const content = (subject) => `Subject: ${subject}\n\nSomething.`;

test('seven tabs stay in step over one stream', async (t) => {
  const lab = await serve(t, 'healthy');
  const context = await browser.newContext();
  const pages = [];
  for (let at = 0; at < 7; at += 1) pages.push(await open(context, `${lab.page}#messages`));
  await mail(lab.connectors[0].addr, content('for all of them'));
  for (const page of pages) await page.getByRole('row', { name: /for all of them/ }).waitFor();
  // One tab changes the lab, and another one shows it.
  const [one, other] = pages;
  await one.goto(`${lab.page}#shell`);
  await other.goto(`${lab.page}#connectors`);
  const [connector] = await lab.api('GET', 'connectors');
  const prompt = one.getByRole('textbox', { name: 'Cmdlet' });
  await prompt.fill(`Set-ReceiveConnector "${connector.computer}\\${connector.name}" -MaxMessageSize 20MB`);
  await prompt.press('Enter');
  await other.waitForFunction(() =>
    document.querySelector('[data-focus="max_message_size"]')?.value.startsWith('20 MB'),
  );
  assert.deepEqual(
    pages.flatMap((page) => page.complaints),
    [],
  );
});

test('a list keeps its rows and counts right while mail comes', async (t) => {
  const { lab, page } = await stage(t, browser, 'healthy', '#messages');
  const { addr } = lab.connectors[0];
  const [connector] = await lab.api('GET', 'connectors');
  await mail(addr, [content('apple one'), content('pear one')]);
  await page.getByText('2 in all').waitFor();
  const row = await page.getByRole('row', { name: /apple one/ }).elementHandle();
  await mail(addr, content('apple two'));
  await page.getByText('3 in all').waitFor();
  // A changed setting reloads the list.
  const reloaded = page.waitForResponse((it) => /messages\?/.test(it.url()) && /limit=200$/.test(it.url()));
  await lab.api('POST', 'cmdlets', {
    line: `Set-ReceiveConnector "${connector.computer}\\${connector.name}" -MaxMessageSize 20MB`,
  });
  await reloaded;
  await mail(addr, content('pear two'));
  await page.getByText('4 in all').waitFor();
  assert.ok(await row.isVisible(), 'the row is the one that it was');
  const subjects = page.locator('.list-space .cell.main');
  assert.deepEqual(await subjects.allTextContents(), ['pear two', 'apple two', 'pear one', 'apple one']);
  // Mail that the filter leaves out takes nothing from the list.
  await page.goto(`${lab.page}#messages?q=apple`);
  await page.getByText('2 in all').waitFor();
  const refreshed = page.waitForResponse((it) => /messages\?.*q=apple.*after=/.test(it.url()));
  await mail(addr, content('pear three'));
  await refreshed;
  await mail(addr, content('apple three'));
  await page.getByText('3 in all').waitFor();
  assert.deepEqual(await subjects.allTextContents(), ['apple three', 'apple two', 'apple one']);
  assert.deepEqual(page.complaints, []);
});

test('the counter in the title tells what nobody has opened', async (t) => {
  const { lab, page } = await stage(t, browser, 'healthy', '#shell');
  await mail(lab.connectors[0].addr, [content('one'), content('two')]);
  await page.waitForFunction(() => document.title.startsWith('(2) '));
  await page.getByRole('link', { name: 'Messages 2 new' }).click();
  await page.getByRole('row', { name: /two/ }).click();
  await page.waitForFunction(() => document.title.startsWith('(1) '));
  await page.getByRole('row', { name: /one/ }).click();
  await page.waitForFunction(() => !document.title.startsWith('('));
});

test('a lab that ends and begins again is found again', async (t) => {
  const { lab, page } = await stage(t, browser, 'healthy', '#messages');
  const port = new URL(lab.control).port;
  await lab.end();
  await page.locator('#live.wait').waitFor();
  const next = await serve(t, 'healthy', `127.0.0.1:${port}`);
  await page.locator('#live.good').waitFor();
  await mail(next.connectors[0].addr, content('from the second lab'));
  await page.getByRole('row', { name: /from the second lab/ }).waitFor();
});

test('keys alone reach everything', async (t) => {
  const lab = await serve(t, 'healthy');
  await mail(lab.connectors[0].addr, ['first', 'second', 'third'].map(content));
  const context = await browser.newContext();
  const page = await open(context, lab.page);
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
  const press = (...keys) =>
    keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());

  await press('Tab');
  assert.equal(await focused(), 'Skip to the content');
  await press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.getByRole('link', { name: /^Messages/ }).focus();
  await press('Enter');
  await page.getByRole('row', { name: /third/ }).waitFor();
  // From the list of views on, the next stops are the controls above the list, and one row of it.
  for (
    let steps = 0;
    steps < 20 && (await page.evaluate(() => document.activeElement.getAttribute('role'))) !== 'row';
    steps += 1
  )
    await press('Tab');
  assert.match(await focused(), /third/);
  await press('ArrowDown', 'ArrowDown');
  assert.match(await focused(), /second/);
  await page.getByRole('heading', { name: 'second' }).waitFor();
  assert.match(page.url(), /#messages\/\d+/);
  await press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Message');
  await press('Tab', 'ArrowRight');
  await page.getByRole('tab', { name: 'Headers', selected: true }).waitFor();
  await press('Escape');
  assert.match(await focused(), /second/);
  await press('Home');
  assert.match(await focused(), /third/);
  // A dialog takes the focus, and gives it back.
  await page.getByRole('button', { name: 'Send a test message' }).focus();
  await press('Enter');
  await page.getByRole('dialog').waitFor();
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await focused(), 'Send a test message');
});

test('an address keeps view, filter and selection', async (t) => {
  const lab = await serve(t, 'healthy');
  await mail(lab.connectors[0].addr, ['apples', 'pears'].map(content));
  const context = await browser.newContext();
  const page = await open(context, `${lab.page}#messages`);
  await page.getByRole('searchbox', { name: 'Search messages' }).fill('pears');
  await page.getByRole('row', { name: /apples/ }).waitFor({ state: 'detached' });
  await page.getByRole('row', { name: /pears/ }).click();
  await page.waitForFunction(() => /#messages\/\d+\?q=pears/.test(location.hash));
  const second = await open(context, page.url());
  await second.getByRole('heading', { name: 'pears' }).waitFor();
  assert.equal(await second.getByRole('row', { name: /apples/ }).count(), 0);
});

test('axe finds nothing serious, in light and in dark, wide and narrow', async (t) => {
  const lab = await serve(t, 'fqdn-mismatch');
  await mail(lab.connectors[0].addr, content('to be looked at'));
  const [session] = await lab.api('GET', 'sessions');
  const addresses = [
    ...VIEWS,
    'events/1',
    `sessions/${session.session}`,
    'messages/1',
    'faults/starttls-reply-454',
  ];
  const found = [];
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 1280],
    ['dark', 360],
  ]) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
    const page = await open(context, lab.page);
    for (const address of addresses) {
      await page.goto(`${lab.page}#${address}`);
      await page.locator(`main[data-shown="#${address}"]`).waitFor();
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
      for (const { id, impact, nodes } of violations) {
        if (impact === 'serious' || impact === 'critical')
          found.push(`${address} ${colorScheme} ${width}: ${id} ${nodes[0].html.slice(0, 200)}`);
      }
    }
    await context.close();
  }
  assert.deepEqual(found, []);
  await lab.end();
});

test('a narrow screen shows each view from its left edge', async (t) => {
  const lab = await serve(t, 'fqdn-mismatch');
  await mail(lab.connectors[0].addr, content('a subject that is longer than the screen is wide, by far'));
  const context = await browser.newContext({ viewport: { width: 360, height: 740 } });
  const page = await open(context, lab.page);
  for (const address of [...VIEWS, 'events/1', 'messages/1', 'faults/starttls-reply-454']) {
    await page.goto(`${lab.page}#${address}`);
    await page.locator(`main[data-shown="#${address}"]`).waitFor();
    const scrolled = await page.evaluate(() => document.body.scrollLeft + document.documentElement.scrollLeft);
    const left = await page.evaluate(() => document.querySelector('main').getBoundingClientRect().left);
    assert.deepEqual([scrolled, left], [0, 0], address);
    const view = address.split('/')[0];
    const inSight = await page
      .locator(`#views [data-view="${view}"]`)
      .evaluate((it) => it.getBoundingClientRect().left >= 0 && it.getBoundingClientRect().right <= innerWidth);
    assert.ok(inSight, `${view} is marked in sight`);
  }
});

test('a lab with a token asks for it, and takes no other', async (t) => {
  const lab = await serve(t, 'healthy', '127.0.0.1:0', '--control-token', 'open-sesame');
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${lab.page}#connectors`);
  const token = page.getByLabel('Token');
  await token.fill('open-barley');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('That is not the token', { exact: true }).waitFor();
  await token.fill('open-sesame');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('#live.good').waitFor();
  await page.getByRole('heading', { name: 'STARTTLS is offered' }).waitFor();
  // The cookie stands for the token, and scripts cannot read it.
  assert.equal(await page.evaluate(() => document.cookie), '');
  await page.reload();
  await page.getByRole('heading', { name: 'STARTTLS is offered' }).waitFor();
});
