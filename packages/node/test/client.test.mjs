// The client and the assertions for node:test, as they are installed, with nodemailer.

import assert from 'node:assert';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import nodemailer from 'nodemailer';
import { LabError, WaitTimeout, findProgram, startLab } from 'starttls-lab';
import { assertNothingInClear, assertOffersStarttls, assertReceived, labFor } from 'starttls-lab/node-test';

const MAIL = { from: 'me@contoso.com', to: 'you@expta.com', subject: 'hello', text: 'secret' };

function send({ host, port, ca }, options = {}) {
    const { servername, ...rest } = options;
    return nodemailer.createTransport({ host, port, tls: { ca, servername }, ...rest }).sendMail(MAIL);
}

test('nodemailer verifies what it dials', async (t) => {
    const lab = await labFor(t);
    await assertOffersStarttls(lab);
    for (const host of ['localhost', '127.0.0.1']) {
        await send({ ...lab, host });
    }
    await assertReceived(lab, { to: MAIL.to, from: MAIL.from, security: 'tls' });
    const second = await lab.waitForMessage({ after: (await lab.messages())[0].seq });
    assert.match(second.tls.version, /^TLSv1\.3$/);
    await assertNothingInClear(lab);
});

test('where STARTTLS is withheld the lab says what came in clear, and why', async (t) => {
    const lab = await labFor(t);
    lab.expectEvent(12014);
    await lab.set({ fqdn: 'mail.expta.com' });
    await send(lab);
    await assert.rejects(assertNothingInClear(lab), /envelope and body came in clear: .*STARTTLS was not offered/);
    await assert.rejects(lab.waitForMessage({ security: 'tls', timeout: 50 }), (error) => {
        assert.ok(error instanceof WaitTimeout);
        assert.match(error.message, /no message over TLS[^]*in clear/);
        return error.nearMisses.length === 1;
    });
    assert.equal((await lab.waitForEvent(12014)).event_id, 12014);
    await assert.rejects(send(lab, { requireTLS: true }), { code: 'ETLS' });
});

test('faults of two connectors do not mix', async (t) => {
    const lab = await labFor(t);
    const [one, other] = await Promise.all([lab.addConnector(), lab.addConnector()]);
    await Promise.all([
        one.fault({ handshake: 'close', times: 1 }),
        other.fault({ 'end-of-data': { reply: '452 4.3.1 Insufficient system resources' } }),
    ]);
    await assert.rejects(send(one));
    await send(one);
    await assert.rejects(send(other), { responseCode: 452 });
    assert.equal((await one.messages()).length, 1);
    assert.equal((await other.messages()).length, 0);
    await other.fix();
    await send(other);
    assert.equal((await lab.getConnector(other.identity)).port, other.port);
    await other.remove();
    assert.equal((await lab.connectors()).length, 2);
});

test('a fault that was never applied is not as expected', async () => {
    const lab = await startLab();
    await lab.fault({ handshake: 'close' });
    const report = await lab.finish();
    assert.throws(() => report.assertOk(), /at handshake on LAB.*it was never applied/);
});

test('nothing in clear may be expected beforehand', async () => {
    const lab = await startLab({ fqdn: 'mail.expta.com', certificate: ['localhost'] });
    await lab.expectNothingInClear();
    await send(lab);
    const report = await lab.finish();
    assert.throws(() => report.assertOk(), /NOT as expected: nothing in clear; envelope and body came in clear/);
});

test('the seed scenario, from mail in clear to mail over TLS', async () => {
    const lab = await startLab({ scenario: 'fqdn-mismatch' });
    lab.expectEvent(12014);
    lab.expectMessage({ to: MAIL.to, from: MAIL.from, security: 'tls' });
    lab.expectSession({ security: 'tls' });
    lab.expectNoMessage({ to: 'nobody@expta.com' });
    assert.equal((await lab.starttls()).offered, false);
    await lab.run('Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com');
    await send(lab, { servername: 'mailgate.expta.com' });
    await lab.waitForMessage({ to: MAIL.to });
    const report = await lab.finish();
    report.assertOk();
    assert.equal(report.messages.length, 1);
    assert.match(report.transcript, /TLSv1\.3/);
});

test('an expectation that is not met says what there was instead', async () => {
    const lab = await startLab({ fqdn: 'mail.contoso.com', certificate: ['mx.contoso.com'] });
    lab.expectNoEvent(12014);
    lab.expectNoMessageInClear();
    lab.expectMessage({ to: 'nobody@expta.com' });
    await send(lab);
    const report = await lab.finish();
    assert.deepEqual(report.expectations.map((checked) => checked.met), [false, false, false]);
    assert.match(`${report}`, /NOT as expected: message, to nobody@expta\.com; there was:\n  message 1 from me@contoso\.com/);
});

test('a lab file is replaced while the lab runs', async () => {
    const show = (name) => execFileSync(findProgram(), ['show', name], { encoding: 'utf8' });
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lab-'));
    const file = path.join(folder, 'lab.toml');
    fs.writeFileSync(file, show('healthy'));
    const [one, other] = await Promise.all([startLab({ file }), startLab({ text: show('healthy') })]);
    assert.notEqual(one.port, other.port);
    assert.equal((await one.starttls()).offered, true);
    await other.reconfigure(show('fqdn-mismatch'));
    assert.equal((await other.starttls()).offered, false);
    await other.reset();
    assert.equal((await other.starttls()).offered, true);
    await Promise.all([one.stop(), other.stop()]);
    fs.rmSync(folder, { recursive: true });
});

test('the clock is advanced', async (t) => {
    const lab = await labFor(t);
    const before = await lab.advance('0s');
    const after = await lab.advance('36h');
    assert.ok(after - before >= 36 * 3_600_000);
});

test('what the lab refuses is refused in its words', async (t) => {
    await assert.rejects(startLab({ scenario: 'fqdn-mismatsch' }), /did you mean `fqdn-mismatch`/);
    const lab = await labFor(t);
    const refused = lab.run('Set-ReceiveConnector "LAB\\Nowhere" -Fqdn mail.expta.com');
    await assert.rejects(refused, (error) => error instanceof LabError && /couldn't be found/.test(error.message));
});
