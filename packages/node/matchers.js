'use strict';
// What can be asserted about a lab or a connector: each resolves to whether it holds, and why (not).

const { WaitTimeout } = require('./index.js');

/** Nothing came without TLS: no envelope, no content, no credentials. */
async function nothingInClear(lab) {
    try {
        await lab.expectNothingInClear();
        return { pass: true, message: 'expected something in clear, but nothing was' };
    } catch (error) {
        return { pass: false, message: error.message };
    }
}

/** Such a message was received; conditions as for `waitForMessage`. */
async function received(lab, conditions = {}) {
    try {
        const message = await lab.waitForMessage(conditions);
        return { pass: true, message: `expected no such message, but there was ${JSON.stringify(message)}` };
    } catch (error) {
        if (error instanceof WaitTimeout) {
            return { pass: false, message: error.message };
        }
        throw error;
    }
}

/** STARTTLS is offered. */
async function offersStarttls(lab) {
    const { offered, because } = await lab.starttls();
    return { pass: offered, message: `STARTTLS is ${offered ? '' : 'not '}offered: ${because}` };
}

module.exports = { nothingInClear, received, offersStarttls };
