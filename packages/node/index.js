'use strict';
// A running lab, its receive connectors, and what it has seen.

const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { LabError, Program, findProgram } = require('./program.js');

/** The time-out of waits that have none of their own, in milliseconds. */
const PATIENCE = 5_000;
/** How long sessions may take to end by themselves before `finish` looks at them. */
const DRAIN_TIMEOUT = 500;
/** What the certificate says where nothing else is asked for, so that a client may dial any of it and verify. */
const NAMES = ['mx.lab.test', 'localhost', '127.0.0.1'];

/** A test is one address that does a lot at once, and does not want to wait for the tarpit. */
const TEST_DEFAULTS = {
    usage: 'Custom',
    auth_mechanism: ['Tls'],
    permission_groups: ['AnonymousUsers'],
    tarpit_interval: '0s',
    max_inbound_connection_per_source: 'unlimited',
    max_inbound_connection_percentage_per_source: 100,
    message_rate_limit: 'unlimited',
};

/** Nothing matched in time; the text lists what arrived and why it did not match. */
class WaitTimeout extends LabError {
    name = 'WaitTimeout';
    constructor(problem) {
        super(problem.detail);
        this.nearMisses = problem.near_misses ?? [];
    }
}

const security = (item) => (item.tls ? 'tls' : 'clear');

/** How a message, session or event is compared with a condition. */
const MATCHERS = {
    to: (item, value) => item.rcpt_to.some((to) => to.toLowerCase() === value.toLowerCase()),
    from: (item, value) => item.mail_from.toLowerCase() === value.toLowerCase(),
    security: (item, value) => security(item) === value,
    event: (item, value) => item.event_id === value,
};

function inWords(item) {
    if (item.event_id !== undefined) {
        return `event ${item.event_id}`;
    }
    return item.outcome ?? `message ${item.id} from ${item.mail_from} to ${item.rcpt_to}, ${security(item)}`;
}

/** Requests to the control API, which is on loopback: no proxy is asked. */
class Api {
    constructor(control) {
        this.control = control;
    }

    async ask(method, resource, body) {
        const text = typeof body === 'string' ? body : body && JSON.stringify(body);
        const type = typeof body === 'string' ? 'application/toml' : 'application/json';
        const [status, content] = await new Promise((resolve, reject) => {
            const headers = text === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) };
            const url = `${this.control}/api/v1/${resource}`;
            const request = http.request(url, { method, headers, agent: false }, (answer) => {
                const parts = [];
                answer.on('data', (part) => parts.push(part));
                answer.on('end', () => resolve([answer.statusCode, Buffer.concat(parts).toString()]));
                answer.on('error', reject);
            });
            request.on('error', (error) => reject(new LabError(`the lab does not answer: ${error.message}`)));
            request.end(text);
        });
        if (status >= 400) {
            const problem = JSON.parse(content);
            throw status === 408 ? new WaitTimeout(problem) : new LabError(problem.detail);
        }
        try {
            return content && JSON.parse(content);
        } catch {
            return content;
        }
    }

    /** Returns a list that the control API has in stretches. */
    async list(resource) {
        const items = await this.ask('GET', `${resource}?limit=${LONGEST_LIST}`);
        if (items.length === LONGEST_LIST) {
            throw new LabError(`there are ${LONGEST_LIST} ${resource} or more; ask the control API for a stretch of them`);
        }
        return items;
    }
}

/** What the control API lists at most. */
const LONGEST_LIST = 10_000;

/** A receive connector on a port of its own. */
class Connector {
    constructor(lab, api, view) {
        this.lab = lab ?? this;
        this.api = api;
        this.computer = view.computer;
        this.name = view.name;
        this.identity = `${view.computer}\\${view.name}`;
        const at = view.addrs[0].lastIndexOf(':');
        this.host = view.addrs[0].slice(0, at).replace(/[[\]]/g, '');
        this.port = Number(view.addrs[0].slice(at + 1));
        this.caFile = lab?.caFile;
        this.ca = lab?.ca;
        this.patience = lab?.patience;
        this.scope = { connector: this.identity };
    }

    /** Waits for the first message with these conditions: `to`, `from`, `security`, `after`, `timeout`. */
    async waitForMessage(conditions = {}) {
        return this.#wait('message', conditions);
    }

    /** Waits for the first session that has ended: `security`, `after`, `timeout`. */
    async waitForSession(conditions = {}) {
        return this.#wait('session', conditions);
    }

    /** Waits for the first event with this number, such as 12014. */
    async waitForEvent(id, conditions = {}) {
        return this.#wait('event', { event_id: id, ...conditions });
    }

    async #wait(what, { timeout = this.patience, ...conditions }) {
        const scope = { ...this.scope };
        if (what === 'event' && scope.connector) {
            // The Application log calls the computer by another name than the lab file.
            scope.connector = this.name;
        }
        const given = Object.entries({ for: what, timeout_ms: timeout, ...scope, ...conditions });
        const query = new URLSearchParams(given.filter(([, value]) => value !== undefined));
        return (await this.api.ask('GET', `wait?${query}`)).items[0];
    }

    /** Returns the messages so far. */
    async messages() {
        return (await this.api.list('messages')).filter((it) => this.isHere(it));
    }

    /** Returns the sessions so far. */
    async sessions() {
        return (await this.api.list('sessions')).filter((it) => this.isHere(it));
    }

    /** Returns the Application log so far. */
    async events() {
        const events = await this.api.list('events');
        return events.filter((it) => this.isHere({ computer: this.computer, connector: it.event_connector }));
    }

    /** Returns what each client did about TLS; `host` is the name that it had to expect. */
    async verdicts(host) {
        const query = host === undefined ? '' : `?${new URLSearchParams({ host })}`;
        return (await this.api.ask('GET', `verdicts${query}`)).filter((it) => this.isHere(it));
    }

    /** Returns every line that was sent and received, session by session. */
    async transcript() {
        const lines = [];
        for (const { session } of await this.sessions()) {
            const view = await this.api.ask('GET', `sessions/${encodeURIComponent(session)}`);
            lines.push(view.outcome, ...view.transcript.map((line) => `  ${line}`));
        }
        return lines.join('\n');
    }

    /** Fails where envelope, content or credentials came without TLS: now, and again at the end. */
    async expectNothingInClear() {
        const { met, instead } = await this.#nothingInClear();
        if (!met) {
            throw new LabError(`expected nothing in clear, but ${instead}`);
        }
        this.lab.expectations.push(() => this.#nothingInClear());
    }

    async #nothingInClear() {
        const leaked = (await this.verdicts()).filter((verdict) => verdict.leaks.length > 0);
        const what = ({ leaks }) => [...new Set(leaks.map((leak) => leak.what))].join(' and ');
        const lines = leaked.map((verdict) => `${what(verdict)} came in clear: ${verdict.words}`);
        return { expected: 'nothing in clear', met: lines.length === 0, instead: lines.join('\n  ') };
    }

    /** Returns whether STARTTLS is `offered`, `because` of what, and the `label` of the certificate. */
    async starttls() {
        return (await this.api.ask('GET', this.#path())).starttls;
    }

    /** Sets parameters, such as `fqdn`, as Set-ReceiveConnector does; they count from the next connection. */
    async set(parameters) {
        await this.api.ask('PUT', this.#path(), parameters);
    }

    /**
     * Adds fault rules for this connector: a stage, and what is done there, as in
     * `fault({ starttls: { reply: '454 4.7.0 TLS not available' } })`. The keys `times`, `when`, `then`, `optional`
     * and `vulnerable` belong to every rule of the call.
     */
    async fault({ times, when, then, optional, vulnerable, ...stages }) {
        const beside = { connector: this.name, times, when, then, optional, vulnerable };
        const added = Object.entries(stages).map(([at, what]) => ({ at, do: what, ...beside }));
        await this.#replaceFaults((mine) => [...mine, ...added]);
    }

    /** Removes the fault rules of this connector. */
    async fix() {
        await this.#replaceFaults(() => []);
    }

    async #replaceFaults(change) {
        // One change at a time, so that two connectors do not forget each other's rules.
        const before = this.lab.changing;
        this.lab.changing = (async () => {
            await before;
            const rules = (await this.lab.faults()).filter((rule) => rule.computer === this.computer);
            const isMine = (rule) => rule.fault.connector === this.name;
            const fault = (rule) => rule.fault;
            const changed = change(rules.filter(isMine).map(fault));
            await this.lab.setFaults(this.computer, [...rules.filter((it) => !isMine(it)).map(fault), ...changed]);
        })();
        const mine = this.lab.changing;
        this.lab.changing = mine.catch(() => {});
        await mine;
    }

    /** Removes the connector and its fault rules; its port is free afterwards. */
    async remove() {
        await this.fix();
        await this.api.ask('DELETE', this.#path());
    }

    #path() {
        return `connectors/${encodeURIComponent(this.computer)}/${encodeURIComponent(this.name)}`;
    }

    isHere(item) {
        return item.computer === this.computer && item.connector === this.name;
    }
}

/** A lab in a process of its own, on free ports of loopback; as a connector it is its first one. */
class Lab extends Connector {
    #program;
    #numbers = 0;
    #applied = [];

    constructor(program, patience) {
        super(undefined, new Api(program.ready.control), program.ready.connectors[0]);
        this.#program = program;
        this.changing = Promise.resolve();
        this.expectations = [];
        this.patience = patience;
        this.caFile = program.caFile;
        this.ca = fs.readFileSync(program.caFile, 'ascii');
        this.version = program.ready.version;
        this.scope = {};
    }

    isHere() {
        return true;
    }

    /** Returns all receive connectors, each with `addrs` and `starttls`. */
    async connectors() {
        return this.api.ask('GET', 'connectors');
    }

    /** Returns a connector by its name, `SERVER\Name` or FQDN. */
    async getConnector(name) {
        const known = await this.connectors();
        const names = (it) => [`${it.computer}\\${it.name}`, it.name, it.fqdn].map((word) => word.toLowerCase());
        const fit = known.filter((it) => names(it).includes(name.toLowerCase()));
        if (new Set(fit.map((it) => it.addrs[0])).size !== 1) {
            const list = (fit.length > 0 ? fit : known).map((it) => `${it.computer}\\${it.name} (${it.fqdn})`);
            throw new LabError(`${name} is ${fit.length > 0 ? 'more than one' : 'none'} of these connectors: ${list.join(', ')}`);
        }
        return new Connector(this, this.api, fit[0]);
    }

    /** Adds a receive connector on a free port; the keys are those of a lab file's `receive_connector`. */
    async addConnector({ name = `Test ${(this.#numbers += 1)}`, computer = this.computer, ...parameters } = {}) {
        const body = { ...TEST_DEFAULTS, ...parameters, computer, name };
        return new Connector(this, this.api, await this.api.ask('POST', 'connectors', body));
    }

    /** Runs commands in the Exchange Management Shell and returns what it prints. */
    async run(line, { answers = [], computer = null } = {}) {
        return (await this.api.ask('POST', 'cmdlets', { line, answers, computer })).output;
    }

    /** Replaces the lab file by this one (TOML, or the same as an object) and returns what is different. */
    async reconfigure(scenario) {
        return (await this.api.ask('PUT', 'scenario', scenario)).changes;
    }

    /** Goes back to the lab file of the start. */
    async reset() {
        await this.api.ask('POST', 'reset');
    }

    /** Advances the lab's clock, such as by '36h' or 'PT5M', and returns the time there. */
    async advance(by) {
        return new Date((await this.api.ask('POST', 'clock', { advance: by })).now);
    }

    /** Returns the fault rules, each with how often it was `done`. */
    async faults() {
        return this.api.ask('GET', 'faults');
    }

    /** Replaces the fault rules of a computer; they count from the next connection. */
    async setFaults(computer, rules) {
        // A computer's counts begin anew then.
        const applied = (await this.faults()).filter((rule) => rule.done > 0);
        this.#applied.push(...applied.map((rule) => JSON.stringify(rule.fault)));
        await this.api.ask('PUT', `computers/${encodeURIComponent(computer)}/faults`, { fault: rules });
    }

    /** Sends any other request to the control API, `/api/v1/` before it. */
    async ask(method, resource, body) {
        return this.api.ask(method, resource, body);
    }

    /** Lets `finish` check that there was such a message: `to`, `from`, `security`. */
    expectMessage(conditions = {}) {
        this.#expect(true, 'message', () => this.messages(), conditions);
    }

    /** Lets `finish` check that there was no such message. */
    expectNoMessage(conditions = {}) {
        this.#expect(false, 'message', () => this.messages(), conditions);
    }

    /** Lets `finish` check that no message came without TLS. */
    expectNoMessageInClear() {
        this.expectNoMessage({ security: 'clear' });
    }

    /** Lets `finish` check that there was such a session: `security`. */
    expectSession(conditions = {}) {
        this.#expect(true, 'session', () => this.sessions(), conditions);
    }

    /** Lets `finish` check that such an event was logged. */
    expectEvent(id) {
        this.#expect(true, `event ${id}`, () => this.events(), { event: id });
    }

    /** Lets `finish` check that no such event was logged. */
    expectNoEvent(id) {
        this.#expect(false, `event ${id}`, () => this.events(), { event: id });
    }

    #expect(wanted, noun, items, { event, ...conditions }) {
        const unknown = Object.keys(conditions).filter((name) => !(name in MATCHERS));
        if (unknown.length > 0) {
            throw new TypeError(`${unknown} says nothing of a ${noun}`);
        }
        const words = [noun, ...Object.entries(conditions).map(([name, value]) => `${name} ${value}`)].join(', ');
        const wants = Object.entries(event === undefined ? conditions : { event });
        this.expectations.push(async () => {
            const all = await items();
            const fit = all.filter((item) => wants.every(([name, value]) => MATCHERS[name](item, value)));
            const shown = (wanted ? all : fit).map((item) => `\n  ${inWords(item)}`);
            return {
                expected: wanted ? words : `no ${words}`,
                met: wanted === fit.length > 0,
                instead: shown.length > 0 ? `there was:${shown.join('')}` : 'there was none',
            };
        });
    }

    /** Ends the lab and checks what was expected, and that every fault rule was applied. */
    async finish() {
        let report;
        try {
            await this.#drain();
            const expectations = [];
            for (const check of this.expectations) {
                expectations.push(await check());
            }
            for (const { computer, row, done, fault } of await this.faults()) {
                if (!fault.optional) {
                    const where = fault.connector ? `${computer}\\${fault.connector}` : computer;
                    const expected = `fault rule ${row} at ${fault.at} on ${where}: ${JSON.stringify(fault.do)}`;
                    const met = done > 0 || this.#applied.includes(JSON.stringify(fault));
                    expectations.push({ expected, met, instead: 'it was never applied' });
                }
            }
            const [sessions, messages] = [await this.sessions(), await this.messages()];
            report = new Report(sessions, messages, await this.events(), expectations, await this.transcript());
        } catch (error) {
            this.#program.kill();
            throw error;
        }
        await this.#program.stop();
        return report;
    }

    /** Ends the lab without looking at anything. */
    async stop() {
        await this.#program.stop();
    }

    async #drain() {
        const deadline = Date.now() + DRAIN_TIMEOUT;
        while (Date.now() < deadline && (await this.sessions()).some((it) => it.ending === null)) {
            await sleep(10);
        }
    }
}

/** What a lab has seen when it is finished, and whether that was expected. */
class Report {
    constructor(sessions, messages, events, expectations, transcript) {
        Object.assign(this, { sessions, messages, events, expectations, transcript });
    }

    /** Whether every expectation was met. */
    get ok() {
        return this.expectations.every((checked) => checked.met);
    }

    /** Fails the test where an expectation was not met. */
    assertOk() {
        if (!this.ok) {
            throw new LabError(`the lab did not see what it should have:\n${this}`);
        }
    }

    toString() {
        const line = ({ expected, met, instead }) =>
            met ? `as expected: ${expected}` : `NOT as expected: ${expected}; ${instead}`;
        return this.expectations.map(line).join('\n');
    }
}

/**
 * Starts a lab: a built-in `scenario`, a lab `file`, the `text` of one, or a connector that answers as `fqdn` with a
 * `certificate` of these names. Without any of them, a connector that offers STARTTLS with a certificate for
 * `mx.lab.test`, `localhost` and `127.0.0.1`.
 */
async function startLab({ scenario, file, text, fqdn = NAMES[0], certificate = NAMES, patience = PATIENCE } = {}) {
    let args = ['--fqdn', fqdn, ...(certificate.length > 0 ? ['--certificate', certificate.join(',')] : [])];
    let folder;
    if (text !== undefined) {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), 'starttls-lab-'));
        file = path.join(folder, 'lab.toml');
        fs.writeFileSync(file, text);
    }
    if (scenario !== undefined || file !== undefined) {
        args = [scenario ?? path.resolve(file)];
    }
    try {
        return new Lab(await Program.start(args), patience);
    } finally {
        if (folder !== undefined) {
            fs.rmSync(folder, { recursive: true, force: true });
        }
    }
}

module.exports = { Connector, Lab, LabError, Report, WaitTimeout, findProgram, startLab };
