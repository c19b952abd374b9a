import type { TestContext } from 'node:test';
import type { Connector, Lab, LabOptions, MessageConditions, Waiting } from './index.js';

/** Starts a lab that ends with this test, and checks then that every fault rule was applied and expectation met. */
export function labFor(t: Pick<TestContext, 'after' | 'diagnostic'>, options?: LabOptions): Promise<Lab>;
export function assertNothingInClear(lab: Connector): Promise<void>;
export function assertReceived(lab: Connector, conditions?: MessageConditions & Waiting): Promise<void>;
export function assertOffersStarttls(lab: Connector): Promise<void>;
