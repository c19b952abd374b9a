import type { TestAPI } from 'vitest';
import type { Lab, LabOptions, MessageConditions, Waiting } from './index.js';

/** Vitest's `test` with a lab of its own for each test. */
export const test: TestAPI<{ lab: Lab; labOptions: LabOptions }>;

interface LabMatchers {
    toHaveNothingInClear(): Promise<void>;
    toHaveReceived(conditions?: MessageConditions & Waiting): Promise<void>;
    toOfferStarttls(): Promise<void>;
}

declare module 'vitest' {
    interface Assertion extends LabMatchers {}
}
