// A lab and a browser for the tests of the page, and for its screenshots.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const PROGRAM = process.env.STARTTLS_LAB ?? 'starttls-lab';
const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** A number: each request of a page takes up to 1500 ms longer then, by random of this seed. */
const DELAYS = process.env.STARTTLS_LAB_PAGE_DELAYS;

/** Starts `starttls-lab serve` on free ports for as long as a test runs, and returns what its ready line says. */
export async function serve(t, scenario, control = '127.0.0.1:0', ...more) {
  const lab = spawn(
    PROGRAM,
    ['serve', scenario, '--port', '0', '--control', control, '--exit-on-stdin-eof', '--output', 'json', ...more],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface({ input: lab.stdout });
  const [first] = await Promise.race([
    once(lines, 'line'),
    once(lab, 'exit').then(([code]) => {
      throw new Error(`the lab ended with ${code} before it was ready`);
    }),
  ]);
  lines.on('line', () => {});
  const ready = JSON.parse(first);
  const api = async (method, path, body) => {
    const response = await fetch(`${ready.control}/api/v1/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  const end = async () => {
    lab.stdin.end();
    if (lab.exitCode === null) await once(lab, 'exit');
  };
  t.after(end);
  return { ...ready, api, page: `${ready.control}/`, end };
}

/** Starts a lab and opens the page on it, for as long as a test runs. `options` are those of the browser's context. */
export async function stage(t, browser, scenario, hash = '', options = {}) {
  const lab = await serve(t, scenario);
  const context = await browser.newContext(options);
  t.after(() => context.close());
  return { lab, context, page: await open(context, `${lab.page}${hash}`) };
}

/** Starts a browser. */
export function launch() {
  return chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** Opens a page, and keeps what its console complains of in `page.complaints`. */
export async function open(context, address) {
  const page = await context.newPage();
  if (DELAYS) await delay(page, Number(DELAYS));
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(String(error.stack ?? error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') page.complaints.push(message.text());
  });
  await page.goto(address);
  await page.locator('#live.good').waitFor();
  return page;
}

/** Holds each request of a page back for a random while, and its answer, too, so that answers come late, are old when
 * they come, and overtake each other. */
function delay(page, seed) {
  let state = seed;
  const pause = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return new Promise((resolve) => setTimeout(resolve, (state / 2 ** 32) * 750));
  };
  return page.route('**/api/v1/**', async (route) => {
    await pause();
    if (route.request().resourceType() !== 'fetch' || /journal|verify/.test(route.request().url()))
      await route.continue().catch(() => {});
    else {
      // A page that has been left takes no answer.
      const response = await route.fetch().catch(() => null);
      await pause();
      await (response === null ? route.abort() : route.fulfill({ response })).catch(() => {});
    }
  });
}

/** Holds the answer to the first request for an address back, or, with `unasked`, the request. `asked` is fulfilled when
 * it has come, and `release` lets it go on and ends when the page has it. With `answer` it is another one. */
export async function hold(page, address, { method, unasked, answer } = {}) {
  let request = null;
  let free;
  let heard;
  const released = new Promise((resolve) => (free = resolve));
  const asked = new Promise((resolve) => (heard = resolve));
  await page.route(address, async (route) => {
    if (request !== null || (method ?? route.request().method()) !== route.request().method())
      return route.fallback();
    request = route.request();
    const response = unasked || answer ? null : await route.fetch();
    heard();
    await released;
    return unasked ? route.continue() : route.fulfill(answer ?? { response });
  });
  const release = async () => {
    const answered = page.waitForResponse((it) => it.request() === request);
    free();
    await answered;
    // Behind the answer's handlers: what is asked later is answered later.
    await page.evaluate(() => fetch('page/icon.svg', { cache: 'no-store' }).then((it) => it.text()));
  };
  return { asked, release };
}

/** Sends a message over SMTP, in clear; each item of `lines` is a command, or the content. */
export async function mail(
  address,
  content,
  { helo = 'client.example', from = 'sender@client.example', to = 'somebody@example.com' } = {},
) {
  const [, host, port] = /^(.*):(\d+)$/.exec(address);
  const socket = createConnection({ host, port: Number(port) });
  const replies = createInterface({ input: socket })[Symbol.asyncIterator]();
  const reply = async (wanted) => {
    for (;;) {
      const { value, done } = await replies.next();
      if (done) throw new Error('the lab closed the connection');
      if (value[3] === '-') continue;
      if (!value.startsWith(wanted)) throw new Error(`${wanted} was expected, and this came: ${value}`);
      return;
    }
  };
  const say = (line, wanted) => {
    socket.write(`${line}\r\n`);
    return reply(wanted);
  };
  await reply('220');
  // What is no domain name is refused, and stands in the transcript all the same.
  await say(`EHLO ${helo}`, /^[\w.-]+$/.test(helo) ? '250' : '501');
  if (!/^[\w.-]+$/.test(helo)) await say('EHLO client.example', '250');
  for (const one of [content].flat()) {
    await say(`MAIL FROM:<${from}>`, '250');
    await say(`RCPT TO:<${to}>`, '250');
    await say('DATA', '354');
    await say(`${one.replaceAll('\n', '\r\n')}\r\n.`, '250');
  }
  await say('QUIT', '221');
  socket.end();
}
