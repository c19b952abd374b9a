import { execFileSync } from 'node:child_process';

export async function send({ host, port }, user) {
    execFileSync('python3', ['careless.py', host, port, ...(user ? [user] : [])]);
}
