'use strict';
// The program starttls-lab: where it is, and one running process of it.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const START_TIMEOUT = 30_000;
const STOP_TIMEOUT = 10_000;

/** The lab could not do what it was asked; the text is its own. */
class LabError extends Error {
    name = 'LabError';
}

/** Returns the program's path: `STARTTLS_LAB`, then the one of this platform's package, then `starttls-lab`. */
function findProgram() {
    if (process.env.STARTTLS_LAB) {
        return process.env.STARTTLS_LAB;
    }
    const name = process.platform === 'win32' ? 'starttls-lab.exe' : 'starttls-lab';
    try {
        return require.resolve(`@starttls-lab/${process.platform}-${process.arch}/${name}`);
    } catch {
        return 'starttls-lab';
    }
}

/** A process of `starttls-lab serve` that ends when this one does, and does not keep this one alive. */
class Program {
    #child;
    #output = [];
    #exited;

    static async start(args) {
        const program = new Program(args);
        program.ready = await program.#waitUntilReady();
        return program;
    }

    constructor(args) {
        this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'starttls-lab-'));
        this.caFile = path.join(this.folder, 'ca.pem');
        // Without the program's own variables, which would change the lab.
        const ours = ([name]) => !name.toUpperCase().startsWith('STARTTLS_LAB');
        this.#child = spawn(
            findProgram(),
            ['serve', ...args, '--port', '0', '--ca-file', this.caFile, '--exit-on-stdin-eof'],
            { env: Object.fromEntries(Object.entries(process.env).filter(ours)), windowsHide: true },
        );
        this.#exited = new Promise((resolve, reject) => {
            this.#child.once('error', (error) => reject(new LabError(`cannot run ${findProgram()}: ${error.message}`)));
            this.#child.once('close', resolve);
        });
        this.#exited.catch(() => {}).finally(() => fs.rmSync(this.folder, { recursive: true, force: true }));
        this.#child.stderr.on('data', (text) => this.#keep(text));
    }

    async #waitUntilReady() {
        let timer;
        const lines = readline.createInterface({ input: this.#child.stdout });
        const first = new Promise((resolve) => lines.once('line', (line) => {
            lines.on('line', (text) => this.#keep(`${text}\n`));
            resolve(line);
        }));
        const late = new Promise((resolve) => (timer = setTimeout(resolve, START_TIMEOUT)));
        const line = await Promise.race([first, this.#exited.then(() => undefined), late]);
        clearTimeout(timer);
        if (line === undefined) {
            this.#child.kill('SIGKILL');
            throw new LabError(`the lab did not start:\n${this.#output.join('')}`);
        }
        this.#unref();
        return JSON.parse(line);
    }

    #unref() {
        const { stdin, stdout, stderr } = this.#child;
        [this.#child, stdin, stdout, stderr].forEach((handle) => handle.unref());
    }

    #keep(text) {
        this.#output.push(text.toString());
        this.#output.splice(0, this.#output.length - 200);
    }

    /** Ends the process in good order. */
    async stop() {
        this.#child.ref();
        this.#child.stdin.end();
        const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT);
        const code = await this.#exited;
        clearTimeout(timer);
        if (code !== 0) {
            throw new LabError(`the lab ended with exit code ${code}:\n${this.#output.join('')}`);
        }
    }

    /** Ends the process at once. */
    kill() {
        this.#child.kill('SIGKILL');
    }
}

module.exports = { LabError, Program, findProgram };
