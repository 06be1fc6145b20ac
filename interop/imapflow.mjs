// imapflow reads, files and watches, by password and by token; nodemailer
// sends in its ways: pooled, by token, and a message of megabytes.
//
// The ready object comes on standard input.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { ImapFlow } from 'imapflow';
import nodemailer from 'nodemailer';

const ready = JSON.parse(fs.readFileSync(0, 'utf8'));
const ca = fs.readFileSync(ready.ca_file);
process.env.NODE_EXTRA_CA_CERTS = ready.ca_file;
const me = 'imapflow@northmoor.example';
const { password } = ready.accounts.find(account => account.address === me);
const port = endpoint => Number(ready.twin[endpoint].split(':').pop());

async function token() {
    const { token_url: url, client_id, client_secret, scope } = ready.twin.oauth;
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret, scope });
    const { request } = await import('node:https');
    const { hostname, port, pathname } = new URL(url);
    return new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        const asked = request({ hostname, port, path: pathname, method: 'POST', ca, headers }, answer => {
            let text = '';
            answer.on('data', piece => (text += piece));
            answer.on('end', () => resolve(JSON.parse(text).access_token));
        });
        asked.on('error', reject);
        asked.end(form.toString());
    });
}

function imap(auth) {
    return new ImapFlow({
        host: 'localhost', port: port('imaps'), secure: true, tls: { ca }, auth, logger: false
    });
}

function smtp(auth, more = {}) {
    return nodemailer.createTransport({
        host: 'localhost', port: port('submission'), requireTLS: true, tls: { ca }, auth, ...more
    });
}

const accessToken = await token();
const byToken = { user: me, accessToken };

// Sent, three ways.
const pool = smtp({ user: me, pass: password }, { pool: true, maxConnections: 2 });
await Promise.all([1, 2, 3, 4, 5].map(number => pool.sendMail({
    from: me, to: `Dr Sample <${me}>`, subject: `pooled ${number}`, text: 'Dear Dr Sample,\r\n.\r\n..dots\r\n',
    html: '<p>Dear Dr Sample</p>', attachments: [{ filename: 'map.pdf', content: Buffer.from('%PDF-1.7') }]
})));
pool.close();
const tokenMail = smtp({ type: 'OAuth2', ...byToken });
const big = Buffer.alloc(3_000_000, 'letters ');
await tokenMail.sendMail({ from: me, to: me, subject: 'by token ü', text: 'x', attachments: [{ filename: 'big.bin', content: big }] });
tokenMail.close();
const wrong = smtp({ user: me, pass: 'wrong' });
await assert.rejects(wrong.sendMail({ from: me, to: me, subject: 'never', text: 'x' }),
    error => error.code === 'EAUTH' && error.responseCode === 535);
wrong.close();
const clear = nodemailer.createTransport({ host: 'localhost', port: port('submission'), ignoreTLS: true });
await assert.rejects(clear.sendMail({ from: me, to: me, subject: 'never', text: 'x' }), /STARTTLS/);

// Read by token.
const reader = imap(byToken);
await reader.connect();
const lock = await reader.getMailboxLock('INBOX');
assert.equal(reader.mailbox.exists, 6);
const subjects = [];
for await (const message of reader.fetch('1:*', { uid: true, envelope: true, flags: true, bodyStructure: true, size: true })) {
    subjects.push(message.envelope.subject);
}
assert.deepEqual(subjects.sort(), ['by token ü', 'pooled 1', 'pooled 2', 'pooled 3', 'pooled 4', 'pooled 5']);
const [large] = await reader.search({ larger: 1_000_000 }, { uid: true });
const { content } = await reader.download(large, '2', { uid: true });
const pieces = [];
for await (const piece of content) pieces.push(piece);
assert.ok(Buffer.concat(pieces).equals(big));
const [first] = await reader.search({ subject: 'pooled 3' }, { uid: true });
const text = await reader.download(first, '1.1', { uid: true });
let said = '';
for await (const piece of text.content) said += piece;
assert.equal(said.replace(/\r\n/g, '\n').trimEnd(), 'Dear Dr Sample,\n.\n..dots');
await reader.messageFlagsAdd(first, ['\\Flagged'], { uid: true });
assert.deepEqual(await reader.search({ flagged: true }, { uid: true }), [first]);
await reader.mailboxCreate('Letters/Gefüllt');
const moved = await reader.messageMove({ subject: 'pooled' }, 'Letters/Gefüllt');
assert.equal(moved.uidMap.size, 5);
await reader.messageDelete({ all: true });
assert.equal((await reader.status('Letters/Gefüllt', { messages: true })).messages, 5);

// News, while it idles.
const exists = new Promise(resolve => reader.once('exists', resolve));
const idling = reader.idle();
const other = imap({ user: me, pass: password });
await other.connect();
const appended = await other.append('INBOX', Buffer.from('Subject: news\r\n\r\nHere.\r\n'), ['\\Seen']);
assert.ok(appended.uid > 0);
assert.equal((await exists).count, 1);
const gone = new Promise(resolve => reader.once('expunge', resolve));
const otherLock = await other.getMailboxLock('INBOX');
await other.messageDelete('1:*');
otherLock.release();
await gone;
await other.logout();
await reader.noop();
await idling;
lock.release();
await reader.mailboxDelete('Letters/Gefüllt');
await reader.logout();
console.log('done');
