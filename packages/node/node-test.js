'use strict';
// For node:test: a lab that ends with its test, and assertions.

const assert = require('node:assert');
const { startLab } = require('./index.js');
const matchers = require('./matchers.js');

/**
 * Starts a lab for the test of this context. At the end of the test every fault rule has to have been applied, and
 * every expectation met; where the test has failed, the transcript is shown.
 */
async function labFor(t, options) {
    const lab = await startLab(options);
    t.after(async () => {
        const report = await lab.finish();
        if (t.passed === false) {
            ['starttls-lab saw:', ...report.transcript.split('\n')].forEach((line) => t.diagnostic(line));
        } else {
            report.assertOk();
        }
    });
    return lab;
}

/** An assertion out of a matcher. */
function assertion(matcher) {
    return async (...args) => {
        const { pass, message } = await matcher(...args);
        assert.ok(pass, message);
    };
}

const assertNothingInClear = assertion(matchers.nothingInClear);
const assertReceived = assertion(matchers.received);
const assertOffersStarttls = assertion(matchers.offersStarttls);

// Node finds the names for `import` in this line.
module.exports = { labFor, assertNothingInClear, assertReceived, assertOffersStarttls };
