// A lab with a hundred connectors and ten thousand messages stays usable.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, mail, open, serve } from './support.js';

const CONNECTORS = 100;
const MESSAGES = 10_000;
/** How long the slowest step may take, in milliseconds, on a machine that does much else. */
const PATIENCE = 10_000;
let browser;
let folder;
before(async () => {
  browser = await launch();
  folder = mkdtempSync(join(tmpdir(), 'starttls-lab-page-'));
});
after(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

const lab = () => `
title = "Many"
[[computer]]
name = "MANY"
fqdn = "many.example"
role = "edge"
profile = "exchange-2019"
[[computer.certificate]]
label = "many"
names = ["many.example"]
services = ["SMTP"]
${Array.from(
  { length: CONNECTORS },
  (_, at) => `
[[computer.receive_connector]]
name = "Connector ${at}"
fqdn = "${at % 10 === 0 ? `other${at}` : 'many'}.example"
bindings = ["0.0.0.0:${3000 + at}"]
auth_mechanism = ["Tls"]
permission_groups = ["AnonymousUsers"]
tarpit_interval = "0s"
message_rate_limit = "Unlimited"
`,
).join('')}`;

test('100 connectors and 10,000 messages', { timeout: 300_000 }, async (t) => {
  const file = join(folder, 'many.toml');
  writeFileSync(file, lab());
  const many = await serve(t, file);
  const { addr } = many.connectors[1];
  const batches = Array.from({ length: 4 }, (_, batch) =>
    Array.from(
      { length: MESSAGES / 4 },
      (__, at) => `Subject: mail ${batch * (MESSAGES / 4) + at}${at % 100 === 7 ? ' rare' : ''}\n\nSomething.`,
    ),
  );
  await Promise.all(batches.map((batch) => mail(addr, batch)));

  const context = await browser.newContext();
  const took = {};
  const timed = async (what, work) => {
    const began = performance.now();
    const result = await work();
    took[what] = Math.round(performance.now() - began);
    return result;
  };
  const page = await timed('first paint of the picture', async () => {
    const it = await open(context, many.page);
    await it.getByText('is NOT offered').first().waitFor();
    return it;
  });
  await timed('the list of messages', async () => {
    await page.getByRole('link', { name: /^Messages/ }).click();
    await page
      .getByRole('row', { name: /mail \d+/ })
      .first()
      .waitFor();
  });
  assert.ok((await page.getByRole('row').count()) < 120, 'only the rows in sight are elements');
  await timed('a filtered list', async () => {
    await page.getByRole('searchbox').fill('rare');
    await page.getByText('100 in all').waitFor();
  });
  await timed('a message', async () => {
    await page.getByRole('row', { name: /rare/ }).first().click();
    await page.getByRole('heading', { name: /rare/ }).waitFor();
  });
  await timed('the connectors', async () => {
    await page.getByRole('link', { name: 'Connectors' }).click();
    await page.getByText(`${CONNECTORS} in all`).waitFor();
  });
  await timed('a mail that comes meanwhile', async () => {
    await page.goto(`${many.page}#messages`);
    await page.getByText(/10,?0\d\d in all/).waitFor();
    await mail(addr, 'Subject: the last one\n\nSomething.');
    await page.getByRole('row', { name: /the last one/ }).waitFor();
  });
  console.log(
    `${CONNECTORS} connectors, ${MESSAGES} messages: ${Object.entries(took)
      .map(([what, ms]) => `${what} ${ms} ms`)
      .join(', ')}`,
  );
  for (const [what, ms] of Object.entries(took)) assert.ok(ms < PATIENCE, `${what} took ${ms} ms`);
});
