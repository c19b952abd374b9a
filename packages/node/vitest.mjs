// For Vitest: a test with the fixture `lab`, and matchers.

import { expect, test as base } from 'vitest';
import index from './index.js';
import matchers from './matchers.js';

/** A matcher of Vitest out of one of ours. */
function forVitest(matcher) {
    return async (...args) => {
        const { pass, message } = await matcher(...args);
        return { pass, message: () => message };
    };
}

expect.extend({
    toHaveNothingInClear: forVitest(matchers.nothingInClear),
    toHaveReceived: forVitest(matchers.received),
    toOfferStarttls: forVitest(matchers.offersStarttls),
});

/**
 * Vitest's `test`, with the fixtures `lab` and `labOptions`, which `test.override` or `test.extend` changes.
 *
 * At the end of a test every fault rule has to have been applied, and every expectation met; where the test has
 * failed, the transcript is shown.
 */
export const test = base.extend({
    // eslint-disable-next-line no-empty-pattern
    labOptions: async ({}, use) => use({}),
    lab: async ({ labOptions, task }, use) => {
        const lab = await index.startLab(labOptions);
        await use(lab);
        const report = await lab.finish();
        if (task.result?.state === 'fail') {
            console.error(`starttls-lab saw:\n${report.transcript}`);
        } else {
            report.assertOk();
        }
    },
});
