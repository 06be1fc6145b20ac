// Run against the program that MAILWARD_PROGRAM names, or the one on the PATH.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import * as namespace from "../index.mjs";
import { MailwardError, Mismatch, connectTwin, startTwin } from "../index.mjs";

let twin;
let world;

before(async () => {
  twin = await startTwin({ arguments: ["--limits", "off"] });
});
after(() => twin.stop());
beforeEach(async () => {
  world = await twin.world();
});
afterEach(() => world.delete());

const letter = (more = {}) => ({
  From: { Email: "lab@elsewhere.example", Name: "Lab" },
  To: [{ Email: "asha.sample@northmoor.example" }],
  Subject: "Result 17",
  Text: "All is well.",
  ...more,
});

/** What a server says to these lines, in the clear. */
async function says(address, ...lines) {
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host);
  const replies = [];
  for await (const reply of createInterface({ input: socket })) {
    replies.push(reply);
    if (reply[3] === "-") continue;
    const line = lines.shift();
    if (line === undefined) break;
    socket.write(`${line}\r\n`);
  }
  socket.destroy();
  return replies;
}

describe("mail", () => {
  test("is waited for, and found by all that is asked", async () => {
    const waiting = world.mail.waitFor({ to: "asha", subject: { is: "Result 17" }, body: "well" });
    await world.mail.send(letter({ Headers: { "X-Kind": "result" } }));
    const message = await waiting;
    assert.equal(message.Text.trim(), "All is well.");
    const [found] = await world.mail.assertReceived({ headers: { "X-Kind": "result" }, count: 1, withinSeconds: 60 });
    assert.equal(found.ID, message.ID);
    assert.match(await world.mail.raw(found.ID), /X-Kind: result/);
    assert.deepEqual((await world.mail.headers())["X-Kind"], ["result"]);
    assert.equal((await world.mail.list("from:lab")).length, 1);
    await world.mail.clear();
    await world.mail.assertNone();
  });

  test("that differs is named with what differs", async () => {
    await world.mail.send(letter());
    await assert.rejects(world.mail.assertReceived({ to: "asha", subject: "Result 18" }), (error) => {
      assert.ok(error instanceof Mismatch);
      assert.match(error.message, /nearest: "?Result 17/);
      assert.equal(error.results[0].nearest.differs[0].in, "subject");
      return true;
    });
    await assert.rejects(world.mail.assertNone({ from: "lab" }), Mismatch);
  });
});

describe("a world", () => {
  test("sees nothing of another", async () => {
    const other = await twin.world({ from: world.name });
    await world.mail.send(letter());
    assert.equal((await other.mail.list()).length, 0);
    await other.delete();
    await assert.rejects(other.mail.list(), (error) => error instanceof MailwardError && error.status === 404);
  });

  test("goes back to its snapshot", async () => {
    await world.snapshot("before");
    await world.mail.send(letter());
    await world.restore("before");
    await world.mail.assertNone();
    await world.mail.send(letter());
    await world.reset();
    assert.equal((await world.mail.list()).length, 0);
  });

  test("has a clock, accounts and faults of its own", async () => {
    const held = await twin.world({ clockHeld: true, now: "2027-01-05T09:00:00Z" });
    assert.equal(Date.parse(await held.clock.now()), Date.parse("2027-01-05T09:00:00Z"));
    assert.equal(Date.parse(await held.clock.advance(3600)), Date.parse("2027-01-05T10:00:00Z"));
    await held.delete();
    const { address } = await world.account("application");
    assert.equal((await world.act(address, "lock")).state, "locked");
    await world.faults.play({
      match: { protocol: "submission", stage: "connect" },
      action: { kind: "reply", text: "421 4.3.2 Service not available" },
    });
    const { submission } = await world.ports();
    const [greeting] = await says(submission);
    assert.match(greeting, /^421 /);
    await world.faults.clear();
    assert.match((await says(submission))[0], /^220 /);
  });

  test("judges conduct", async () => {
    const { submission } = await world.ports();
    const replies = await says(submission, "EHLO client.example", "MAIL FROM:<a@northmoor.example>", "QUIT");
    assert.match(replies.at(-1), /^221 /);
    await assert.rejects(world.assertConduct("uses-tls"), /before TLS/);
    await assert.rejects(world.assertConduct("no-offences"), /tls-first/);
    await world.assertConduct("sends-only-to", { domains: ["northmoor.example"] });
    const [session] = await world.sessions();
    assert.match(await world.transcript(session.id), /MAIL FROM/);
    assert.ok((await world.events()).length > 0);
  });
});

test("another process finds the twin by its address", async () => {
  const same = connectTwin({ url: twin.url, token: twin.token });
  assert.ok((await same.worlds()).includes(world.name));
  assert.equal(await same.ca(), readFileSync(twin.ready.ca_file, "utf8"));
  const stranger = connectTwin({ url: twin.url, token: "wrong" });
  await assert.rejects(stranger.worlds(), (error) => error.status === 401);
  const nobody = connectTwin({ url: "http://127.0.0.1:1" });
  await assert.rejects(nobody.mail.list(), /is the twin running/);
  await assert.rejects(startTwin({ program: "no-such-program" }), MailwardError);
});

test("CommonJS and ES modules get the same objects", () => {
  const required = createRequire(import.meta.url)("../index.js");
  assert.equal(required.Mismatch, Mismatch);
  assert.deepEqual(Object.keys(required).sort(), Object.keys(namespace).sort());
});
