#!/usr/bin/env node
'use strict';
// The command `starttls-lab`: the program of this platform, with the same arguments.

const { spawn } = require('node:child_process');
const { findProgram } = require('./program.js');

const child = spawn(findProgram(), process.argv.slice(2), { stdio: 'inherit' });
// The terminal sends Ctrl-C to both; the program decides when it ends.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('error', (error) => {
    console.error(`cannot run ${findProgram()}: ${error.message}`);
    process.exit(127);
});
child.on('exit', (code, signal) => process.exit(signal ? 1 : code));
