// A lab and a browser for the tests of the page, and for its screenshots.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const PROGRAM = process.env.STARTTLS_LAB ?? 'starttls-lab';
const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium';

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
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(String(error.stack ?? error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') page.complaints.push(message.text());
  });
  await page.goto(address);
  await page.locator('#live.good').waitFor();
  return page;
}

/** Holds the first request for an address back: `asked` is fulfilled when it has come, and `release` lets it go on. */
export async function hold(page, address) {
  let release;
  let heard;
  const released = new Promise((resolve) => (release = resolve));
  const asked = new Promise((resolve) => (heard = resolve));
  await page.route(
    address,
    async (route) => {
      heard();
      await released;
      await route.continue();
    },
    { times: 1 },
  );
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
