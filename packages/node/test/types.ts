// What has to compile against the package's types, and what must not.

import { test } from 'node:test';
import { type Message, startLab } from 'starttls-lab';
import { assertReceived, labFor } from 'starttls-lab/node-test';
import { expect } from 'vitest';
import { test as vitestTest } from 'starttls-lab/vitest';

test('types', async (t) => {
    const lab = await labFor(t, { scenario: 'fqdn-mismatch' });
    const mx = await lab.addConnector({ fqdn: 'mx.lab.test' });
    await mx.fault({ starttls: { reply: '454 4.7.0 TLS not available' }, times: 1 });
    await mx.fault({ handshake: [{ delay: '5s' }, 'close'], then: 'fin', optional: true });
    const message: Message = await mx.waitForMessage({ to: 'you@expta.com', security: 'tls', timeout: 100 });
    await assertReceived(mx, { security: message.security });
    // @ts-expect-error: there is no such stage.
    await mx.fault({ startls: 'close' });
    // @ts-expect-error: there is no such security.
    await mx.waitForMessage({ security: 'ssl' });
    const now: Date = await lab.advance('36h');
    t.diagnostic(now.toISOString());
    (await lab.finish()).assertOk();
    await (await startLab({ fqdn: 'mx.lab.test', certificate: [] })).stop();
});

vitestTest('types', async ({ lab }) => {
    await expect(lab).toHaveReceived({ to: 'you@expta.com' });
});
