/** The values that a lab reports; `/openapi.json` of a running lab describes every key. */
export interface Message {
    id: number;
    seq: number;
    time: string;
    computer: string;
    connector: string;
    fqdn: string;
    session: string;
    helo: string;
    mail_from: string;
    rcpt_to: string[];
    security: 'tls' | 'clear';
    tls: { version: string; cipher_suite: string; [key: string]: unknown } | null;
    protocol: string;
    user: string | null;
    size: number;
    subject: string | null;
    message_id: string | null;
}

export interface Session {
    session: string;
    seq: number;
    began: string;
    computer: string;
    connector: string;
    fqdn: string;
    local: string;
    remote: string;
    tls: Record<string, unknown> | null;
    tls_failure: Record<string, unknown> | null;
    messages_in_clear: number;
    messages_over_tls: number;
    ending: string | null;
    outcome: string;
}

/** An entry of the Application log. */
export interface EventLogEntry {
    seq: number;
    time: string;
    event_id: number;
    level: string;
    source: string;
    category: string;
    event_computer: string;
    event_connector: string | null;
    parameters: string[];
    message: string;
}

/** What one client did about TLS on one connector. */
export interface Verdict {
    peer: string;
    computer: string;
    connector: string;
    messages_over_tls: number;
    messages_in_clear: number;
    leaks: { what: 'envelope' | 'body' | 'credentials'; why: string; session: string; at: string }[];
    fall_back: Record<string, unknown> | null;
    result_type: string | null;
    words: string;
}

export interface StartTls {
    offered: boolean;
    because: string;
    key: string | null;
    label: string | null;
    thumbprint: string | null;
}

export interface ConnectorView {
    computer: string;
    name: string;
    fqdn: string;
    enabled: boolean;
    addrs: string[];
    starttls: StartTls;
    parameters: Record<string, string>;
}

/** A fault rule, as a lab file has it under `[[computer.fault]]`. */
export interface Fault {
    at: string;
    do: Action;
    connector?: string | null;
    times?: number | null;
    when?: Record<string, unknown>;
    then?: 'close' | 'reset' | 'silence' | 'fin' | null;
    optional?: boolean;
    vulnerable?: boolean;
}

/** What is done at a stage, such as `'close'` or `{ reply: '454 4.7.0 TLS not available' }`; several in order as an array. */
export type Action = string | Record<string, unknown> | (string | Record<string, unknown>)[];

export type Stage =
    | 'connect' | 'ehlo' | 'helo' | 'starttls' | 'handshake' | 'after-tls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'body'
    | 'end-of-data' | 'bdat' | 'rset' | 'other' | 'quit' | 'close';

export type FaultRules = { [stage in Stage]?: Action } & Partial<
    Pick<Fault, 'times' | 'when' | 'then' | 'optional' | 'vulnerable'>
>;

/** How long to wait in milliseconds, and behind which entry of the journal (`seq` of an earlier one). */
export interface Waiting {
    timeout?: number;
    after?: number;
}

export interface SessionConditions {
    security?: 'tls' | 'clear';
}

export interface MessageConditions extends SessionConditions {
    to?: string;
    from?: string;
}

export interface Checked {
    expected: string;
    met: boolean;
    instead: string;
}

export interface LabOptions {
    /** A built-in scenario or an entry of the fault catalogue, such as `fqdn-mismatch`. */
    scenario?: string;
    /** A lab file, TOML or JSON. */
    file?: string;
    /** The text of a lab file. */
    text?: string;
    /** What a connector without a file answers as; `mx.lab.test` by default. */
    fqdn?: string;
    /** The names of its certificate; `mx.lab.test`, `localhost` and `127.0.0.1` by default. */
    certificate?: string[];
    /** The time-out of waits that have none of their own, in milliseconds; 5000 by default. */
    patience?: number;
}

/** The lab could not do what it was asked; the text is its own. */
export class LabError extends Error {}

/** Nothing matched in time; the text lists what arrived and why it did not match. */
export class WaitTimeout extends LabError {
    readonly nearMisses: { seq: number; what: string; misses: string[]; item: unknown }[];
}

/** A receive connector on a port of its own. */
export class Connector {
    protected constructor();
    readonly lab: Lab;
    readonly computer: string;
    readonly name: string;
    /** `SERVER\Name`, as cmdlets name it. */
    readonly identity: string;
    readonly host: string;
    readonly port: number;
    /** The root certificate that clients have to trust: a file, and its text as PEM. */
    readonly caFile: string;
    readonly ca: string;
    /** Waits for the first such message. */
    waitForMessage(conditions?: MessageConditions & Waiting): Promise<Message>;
    /** Waits for the first such session that has ended. */
    waitForSession(conditions?: SessionConditions & Waiting): Promise<Session>;
    /** Waits for the first event with this number, such as 12014. */
    waitForEvent(id: number, conditions?: Waiting): Promise<EventLogEntry>;
    messages(): Promise<Message[]>;
    sessions(): Promise<Session[]>;
    events(): Promise<EventLogEntry[]>;
    /** Returns what each client did about TLS; `host` is the name that it had to expect. */
    verdicts(host?: string): Promise<Verdict[]>;
    /** Returns every line that was sent and received, session by session. */
    transcript(): Promise<string>;
    /** Fails where envelope, content or credentials came without TLS: now, and again at the end. */
    expectNothingInClear(): Promise<void>;
    starttls(): Promise<StartTls>;
    /** Sets parameters, such as `fqdn`, as Set-ReceiveConnector does; they count from the next connection. */
    set(parameters: Record<string, unknown>): Promise<void>;
    /** Adds fault rules for this connector: a stage, and what is done there. */
    fault(rules: FaultRules): Promise<void>;
    /** Removes the fault rules of this connector. */
    fix(): Promise<void>;
    /** Removes the connector and its fault rules; its port is free afterwards. */
    remove(): Promise<void>;
}

/** A lab in a process of its own, on free ports of loopback; as a connector it is its first one. */
export class Lab extends Connector {
    protected constructor();
    readonly version: string;
    connectors(): Promise<ConnectorView[]>;
    /** Returns a connector by its name, `SERVER\Name` or FQDN. */
    getConnector(name: string): Promise<Connector>;
    /** Adds a receive connector on a free port; the keys are those of a lab file's `receive_connector`. */
    addConnector(parameters?: { name?: string; computer?: string; [key: string]: unknown }): Promise<Connector>;
    /** Runs commands in the Exchange Management Shell and returns what it prints. */
    run(commands: string, options?: { answers?: string[]; computer?: string }): Promise<string>;
    /** Replaces the lab file by this one (TOML, or the same as an object) and returns what is different. */
    reconfigure(scenario: string | object): Promise<string[]>;
    /** Goes back to the lab file of the start. */
    reset(): Promise<void>;
    /** Advances the lab's clock, such as by `'36h'` or `'PT5M'`, and returns the time there. */
    advance(by: string): Promise<Date>;
    /** Returns the fault rules, each with how often it was `done`. */
    faults(): Promise<{ computer: string; row: number; done: number; fault: Fault }[]>;
    /** Replaces the fault rules of a computer; they count from the next connection. */
    setFaults(computer: string, rules: Fault[]): Promise<void>;
    /** Sends any other request to the control API, `/api/v1/` before it. */
    ask(method: string, resource: string, body?: unknown): Promise<any>;
    /** Lets `finish` check that there was, or was not, such a message, session or event. */
    expectMessage(conditions?: MessageConditions): void;
    expectNoMessage(conditions?: MessageConditions): void;
    expectNoMessageInClear(): void;
    expectSession(conditions?: SessionConditions): void;
    expectEvent(id: number): void;
    expectNoEvent(id: number): void;
    /** Ends the lab and checks what was expected, and that every fault rule was applied. */
    finish(): Promise<Report>;
    /** Ends the lab without looking at anything. */
    stop(): Promise<void>;
}

/** What a lab has seen when it is finished, and whether that was expected. */
export class Report {
    private constructor();
    readonly sessions: Session[];
    readonly messages: Message[];
    readonly events: EventLogEntry[];
    readonly expectations: Checked[];
    readonly transcript: string;
    readonly ok: boolean;
    /** Fails the test where an expectation was not met. */
    assertOk(): void;
}

/**
 * Starts a lab. Without options: a connector that offers STARTTLS with a certificate for `mx.lab.test`, `localhost` and
 * `127.0.0.1`.
 */
export function startLab(options?: LabOptions): Promise<Lab>;

/** Returns the program's path: `STARTTLS_LAB`, then the one of this platform's package, then `starttls-lab`. */
export function findProgram(): string;
