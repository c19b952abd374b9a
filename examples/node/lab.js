'use strict';
// The lab that `starttls-lab exec` has started around this process.

async function ask(path, init) {
    const answer = await fetch(`${process.env.STARTTLS_LAB_CONTROL_URL}/api/v1/${path}`, init);
    const said = await answer.json();
    if (!answer.ok) {
        throw new Error(said.detail);
    }
    return said;
}

/** Types cmdlets into the lab's Shell, and returns what stands on the screen. */
async function run(line, answers = []) {
    const said = await ask('cmdlets', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ line, answers }),
    });
    return said.output;
}

/**
 * Waits ten seconds for a 'message', 'session' or 'event' with these conditions, such as `security: 'tls'`.
 *
 * Where none comes in time, the error says what came instead, and how it missed.
 */
async function waitFor(kind, conditions = {}) {
    const { items } = await ask(`wait?${new URLSearchParams({ for: kind, timeout_ms: '10000', ...conditions })}`);
    return items[0];
}

module.exports = { ask, run, waitFor };
