// A mail, and a client, that would like the page to do something: it shows what they say, does nothing, and
// fetches nothing.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { launch, mail, open, serve } from './support.js';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test('a hostile mail does nothing and fetches nothing', async (t) => {
  const asked = [];
  const elsewhere = createServer((request, response) => {
    asked.push(request.url);
    response.end();
  });
  elsewhere.listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  t.after(() => elsewhere.close());
  const remote = `http://127.0.0.1:${elsewhere.address().port}`;
  const markup = '<img src=x onerror=parent.hurt=1><script>hurt=1</script>';
  const html = [
    `<script>top.hurt = 1; fetch('${remote}/script')</script>`,
    `<img src="${remote}/image" onerror="top.hurt=1">`,
    `<link rel="stylesheet" href="${remote}/style"><style>@import '${remote}/import'; body { background: url(${remote}/background) }</style>`,
    `<a href="javascript:top.hurt=1">link</a><iframe src="${remote}/frame"></iframe><form action="${remote}/form"><button>go</button></form>`,
    `<meta http-equiv="refresh" content="0; url=${remote}/refresh"><base href="${remote}/"><p id="shown">the mail's own words</p>`,
  ].join('\n');
  const lab = await serve(t, 'healthy');
  await mail(
    lab.connectors[0].addr,
    [
      `Subject: ${markup}`,
      `From: "${markup}" <sender@client.example>`,
      'MIME-Version: 1.0',
      'Content-Type: multipart/alternative; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain',
      '',
      markup,
      '--b',
      'Content-Type: text/html',
      '',
      html,
      '--b',
      `Content-Type: image/svg+xml; name="a.svg"`,
      'Content-Disposition: inline; filename="<b>.svg"',
      '',
      '<svg xmlns="http://www.w3.org/2000/svg" onload="top.hurt=1"/>',
      '--b--',
    ].join('\n'),
    { helo: '<script>hurt=1</script>' },
  );

  const context = await browser.newContext();
  const page = await open(context, `${lab.page}#messages`);
  // A request that the policy stops is told of, too, but has no answer.
  const answered = [];
  page.on('response', (response) => answered.push(response.url()));
  await page.getByRole('row', { name: /onerror/ }).click();
  await page.getByRole('heading', { name: markup }).waitFor();
  for (const [tab, words] of [
    ['Text', markup],
    ['Headers', markup],
    [/^Parts/, 'image/svg+xml'],
    ['Raw', 'top.hurt'],
    ['How it came', 'client.example'],
  ]) {
    await page.getByRole('tab', { name: tab }).click();
    await page.locator('.panel').getByText(words).first().waitFor();
    assert.equal(await page.locator('main script, main img').count(), 0);
  }
  await page.getByRole('tab', { name: 'HTML' }).click();
  const frame = page.frameLocator('.mail-frame');
  await frame.getByText("the mail's own words").waitFor();
  await frame.getByText('link').click();
  await frame.getByText('go').click({ force: true });
  await page.goto(`${lab.page}#picture`);
  await page.locator('.canvas .edge').first().waitFor();
  await page.getByRole('link', { name: 'Sessions' }).click();
  await page.getByRole('row').nth(1).click();
  await page.locator('.transcript').getByText('EHLO <script>hurt=1</script>').waitFor();

  assert.equal(await page.evaluate(() => globalThis.hurt), undefined);
  assert.equal(await page.locator('main script, main img').count(), 0);
  assert.deepEqual(
    answered.filter((url) => !url.startsWith(new URL(lab.page).origin)),
    [],
  );
  assert.deepEqual(asked, []);
});
