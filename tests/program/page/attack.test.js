// What else somebody hostile could do to the page: mails in every odd shape, a lab file with markup in its names,
// and pages of other sites.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, mail, open, serve } from './support.js';

let browser;
let folder;
before(async () => {
  browser = await launch();
  folder = mkdtempSync(join(tmpdir(), 'starttls-lab-attack-'));
});
after(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

/** Listens, and counts who connects; nothing is answered. */
async function elsewhere(t) {
  const seen = { connections: 0 };
  const server = createServer((socket) => {
    seen.connections += 1;
    socket.on('error', () => {});
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { seen, address: `127.0.0.1:${server.address().port}` };
}

const html = (body) =>
  ['Subject: hostile', 'MIME-Version: 1.0', 'Content-Type: text/html; charset=utf-8', '', body].join('\n');

test('no way in which HTML reaches another host is open', async (t) => {
  const { seen, address } = await elsewhere(t);
  const remote = `http://${address}`;
  const ways = [
    `<link rel="preconnect" href="${remote}"><link rel="dns-prefetch" href="${remote}">`,
    `<link rel="prefetch" href="${remote}/a"><LINK/rel=preload as=image href="${remote}/b">`,
    `<meta http-equiv="refresh" content="0;url=${remote}/c">`,
    `<img srcset="${remote}/d 1x, ${remote}/e 2x"><picture><source srcset="${remote}/f"><img src="x"></picture>`,
    `<video poster="${remote}/g" src="${remote}/h" autoplay></video><audio src="${remote}/i" autoplay></audio>`,
    `<object data="${remote}/j"></object><embed src="${remote}/k"><iframe src="${remote}/l"></iframe>`,
    `<svg><image href="${remote}/m"/><use href="${remote}/n#x"/><script>fetch('${remote}/o')</script></svg>`,
    `<style>@font-face{font-family:x;src:url(${remote}/p)}body{font-family:x;background:url(${remote}/q);cursor:url(${remote}/r),auto}</style>`,
    `<input type="image" src="${remote}/s"><body background="${remote}/t">`,
    `<form action="${remote}/u"><input autofocus onfocus="fetch('${remote}/v')"></form>`,
    `<base href="${remote}/"><img src="relative"><a href="relative" ping="${remote}/w" id="go">go</a>`,
    `<iframe srcdoc="<img src='${remote}/x'>"></iframe><script type="speculationrules">{"prerender":[{"urls":["${remote}/y"]}]}</script>`,
  ];
  const lab = await serve(t, 'healthy');
  await mail(
    lab.connectors[0].addr,
    ways.map((way, at) => html(`${way}<p>shown ${at}</p>`)),
  );
  const page = await open(await browser.newContext(), `${lab.page}#messages`);
  for (const [at] of ways.entries()) {
    await page.goto(`${lab.page}#messages/${at + 1}?tab=html`);
    const frame = page.frameLocator('.mail-frame');
    await frame.getByText(`shown ${at}`).waitFor();
    if (at === 10) await frame.getByText('go', { exact: true }).click();
  }
  // The same in a tab of its own, where no frame is around it.
  const alone = await page.context().newPage();
  for (const [at] of ways.entries()) {
    await alone.goto(`${lab.control}/api/v1/messages/${at + 1}/parts/0?as=html`);
    await alone.getByText(`shown ${at}`).waitFor();
  }
  assert.equal(seen.connections, 0);
});

test('mails in odd shapes are shown, or said not to be', { timeout: 120_000 }, async (t) => {
  const nested = (depth) => {
    let mail = 'Subject: nested\nMIME-Version: 1.0\n';
    for (let at = 0; at < depth; at += 1) mail += `Content-Type: multipart/mixed; boundary=b${at}\n\n--b${at}\n`;
    return `${mail}Content-Type: text/plain\n\nthe innermost`;
  };
  const many = `Subject: many parts\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n${'--b\nContent-Type: text/plain; name="f"\n\nx\n'.repeat(20_000)}--b--`;
  const lab = await serve(t, 'healthy');
  await mail(lab.connectors[0].addr, [
    nested(5000),
    many,
    `Subject: ${'a long subject '.repeat(60)}\n\n${'w'.repeat(900)}`,
    'Subject: no end\nContent-Type: multipart/mixed; boundary=""\n\n--\n\n--\n',
    `Subject: header only\n${'X-Many: y\n'.repeat(5000)}`,
    'Subject: =?utf-8?q?=E2=80=AEdrawkcab?=\nContent-Type: text/plain; charset=nonsense\nContent-Transfer-Encoding: base64\n\n!!!!',
  ]);
  const page = await open(await browser.newContext(), `${lab.page}#messages`);
  for (const id of [1, 2, 3, 4, 5, 6]) {
    for (const tab of ['text', 'headers', 'parts', 'raw', 'way']) {
      const address = `#messages/${id}?tab=${tab}`;
      await page.goto(`${lab.page}${address}`);
      await page.locator(`main[data-shown="${address}"]`).waitFor();
      await page.locator('.card .panel > *').first().waitFor();
    }
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.ok(!wide, 'the page is no wider than its window');
  assert.equal(await page.locator('.view-failure').count(), 0);
  assert.deepEqual(page.complaints, []);
});

const MARKUP = '<img src=x onerror=hurt=1>';

test('markup in the names of a lab file is text in every view', async (t) => {
  const file = join(folder, 'hostile.toml');
  const name = `C "quoted" & ${MARKUP} 100% #1?`;
  writeFileSync(
    file,
    `title = '${MARKUP}'
[[computer]]
name = "EX01"
fqdn = "ex01.example"
role = "mailbox"
profile = "exchange-2019"
[[computer.certificate]]
label = '${MARKUP}'
names = ["ex01.example"]
subject = 'CN="${MARKUP}"'
services = ["SMTP"]
[[computer.receive_connector]]
name = '${name}'
bindings = ["0.0.0.0:2525"]
auth_mechanism = ["Tls"]
permission_groups = ["AnonymousUsers"]
`,
  );
  const lab = await serve(t, file);
  await mail(lab.connectors[0].addr, `Subject: ${MARKUP}\nFrom: ${MARKUP}\n\nx`, { helo: MARKUP });
  const page = await open(await browser.newContext(), lab.page);
  const [certificate] = await lab.api('GET', 'certificates');
  const [session] = await lab.api('GET', 'sessions');
  for (const address of [
    '#picture',
    `#connectors/EX01/${encodeURIComponent(name)}`,
    `#certificates/${certificate.thumbprint}`,
    '#events',
    `#sessions/${session.session}`,
    '#messages/1',
    '#shell',
    '#faults/starttls-reply-454',
    '#verify',
  ]) {
    await page.goto(`${lab.page}${address}`);
    await page.locator(`main[data-shown="${address}"]`).waitFor();
    assert.equal(await page.locator('main img, main script, .bar img').count(), 0, address);
    assert.equal(await page.locator('.view-failure').count(), 0, address);
  }
  await page.goto(`${lab.page}#connectors`);
  // A name with everything that an address could trip over is found again by its address.
  await page.getByRole('heading', { name: `${name} Properties` }).waitFor();
  await page.getByRole('button', { name: 'Send a test message' }).first().click();
  await page.getByRole('dialog').locator('option', { hasText: name }).waitFor({ state: 'attached' });
  assert.equal(await page.evaluate(() => globalThis.hurt), undefined);
  assert.deepEqual(page.complaints, []);
});

/** Asks with these headers, which `fetch` would not send; returns the status, the headers and the body. */
function ask(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

test('another site, another name, and another token change nothing', async (t) => {
  const lab = await serve(t, 'healthy', '127.0.0.1:0', '--control-token', 'open-sesame');
  const { host } = new URL(lab.control);
  const reset = `${lab.control}/api/v1/reset`;
  const bearer = { authorization: 'Bearer open-sesame' };
  for (const [what, status, options] of [
    ['a name that resolves to this address', 403, { headers: { ...bearer, host: 'evil.example' } }],
    ['a page of another site', 403, { method: 'POST', headers: { ...bearer, origin: 'http://evil.example' } }],
    ['a sandboxed page', 403, { method: 'POST', headers: { ...bearer, origin: 'null' } }],
    [
      'another port of this machine',
      403,
      { method: 'POST', headers: { ...bearer, origin: 'http://127.0.0.1:1' } },
    ],
    ['an image of another site', 403, { headers: { ...bearer, 'sec-fetch-site': 'cross-site' } }],
    ['nobody', 401, { method: 'POST' }],
    ['somebody with a wrong token', 401, { method: 'POST', headers: { authorization: 'Bearer open-barley' } }],
    [
      'somebody with a made-up cookie',
      401,
      { method: 'POST', headers: { cookie: `starttls-lab-${host.split(':')[1]}=0` } },
    ],
  ])
    assert.equal((await ask(reset, options)).status, status, what);
  const sign = (origin) =>
    ask(`${lab.control}/api/v1/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(origin ? { origin } : {}) },
      body: '{"token":"open-sesame"}',
    });
  assert.equal((await sign('http://evil.example')).status, 403);
  const [cookie] = (await sign(`http://${host}`)).headers['set-cookie'];
  assert.match(cookie, /; HttpOnly; SameSite=Strict$/);
  assert.doesNotMatch(cookie, /open-sesame/);
  const asked = await ask(`${lab.control}/api/v1/lab`, { headers: { cookie: cookie.split(';')[0] } });
  assert.equal(asked.status, 200);
  // What no script of the page may do, no answer allows.
  for (const where of ['/', '/api/v1/lab', '/nothing', '/page/app.js']) {
    const { headers } = await ask(`${lab.control}${where}`, { headers: bearer });
    assert.match(headers['content-security-policy'], /default-src 'none'/, where);
    assert.doesNotMatch(headers['content-security-policy'], /unsafe/, where);
    assert.equal(headers['x-dns-prefetch-control'], 'off', where);
    assert.equal(headers['x-frame-options'], 'DENY', where);
  }
  const large = await ask(`${lab.control}/api/v1/cmdlets`, {
    method: 'POST',
    headers: bearer,
    body: JSON.stringify({ line: 'x'.repeat(2 << 20) }),
  }).catch((error) => ({ status: error.code }));
  // The answer may come before all of it is sent, and then the rest of it goes nowhere.
  assert.ok([413, 'EPIPE', 'ECONNRESET'].includes(large.status), String(large.status));
  const deep = await ask(`${lab.control}/api/v1/verify`, {
    method: 'POST',
    headers: bearer,
    body: '['.repeat(500_000),
  });
  assert.equal(deep.status, 400);
});

test('behind a proxy with HTTPS the cookie is for HTTPS only', async (t) => {
  const lab = await serve(
    t,
    'healthy',
    '127.0.0.1:0',
    '--control-token',
    'open-sesame',
    '--control-host',
    'lab.example',
  );
  const { headers } = await ask(`${lab.control}/api/v1/sign-in`, {
    method: 'POST',
    headers: { host: 'lab.example', origin: 'https://lab.example' },
    body: '{"token":"open-sesame"}',
  });
  assert.match(headers['set-cookie'][0], /; HttpOnly; SameSite=Strict; Secure$/);
});
