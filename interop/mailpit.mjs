// `nodemailer` sends through the twin, `mailpit-api` finds it, both unchanged.
// The ready object comes on standard input.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { MailpitClient } from "mailpit-api";
import nodemailer from "nodemailer";

const ready = JSON.parse(readFileSync(0, "utf8"));
const { twin, accounts } = ready;
const sender = accounts.find((account) => account.kind === "application");
const reader = accounts.find((account) => account.kind === "user");

function transport(endpoint, account) {
  const [host, port] = endpoint.split(":");
  return nodemailer.createTransport({
    host,
    port: Number(port),
    requireTLS: true,
    tls: { ca: readFileSync(ready.ca_file), servername: "localhost" },
    auth: { user: account.address, pass: account.password },
  });
}

// nodemailer: STARTTLS, AUTH LOGIN, several recipients, parts of every kind.
const smtp = transport(twin.submission, sender);
const sent = await smtp.sendMail({
  from: { name: "Clinic letters", address: sender.address },
  to: { name: "Dr Sample", address: reader.address },
  bcc: "out@elsewhere.example",
  subject: "Clinic on Tuesday – Über",
  text: "At ten o'clock.",
  html: '<p>At <b>ten</b> o\'clock. <img src="cid:map"></p>',
  headers: { "X-Kind": "letter" },
  attachments: [
    { filename: "letter.pdf", content: Buffer.from("%PDF-1.7"), contentType: "application/pdf" },
    { filename: "map.png", content: Buffer.from("\x89PNG", "latin1"), cid: "map", contentDisposition: "inline" },
  ],
});
assert.deepEqual(sent.accepted.toSorted(), [reader.address, "out@elsewhere.example"].toSorted());
smtp.close();
await assert.rejects(
  transport(twin.submission, { ...sender, password: "wrong" }).sendMail({ from: sender.address, to: reader.address }),
  (error) => error.code === "EAUTH" && error.responseCode === 535,
);

const mailpit = new MailpitClient(twin.test_api);
const info = await mailpit.getInfo();
assert.equal(info.Messages, 1);
assert.equal(info.Unread, 1);
assert.equal((await mailpit.getConfiguration()).MessageRelay.Enabled, false);

const found = await mailpit.waitForMessage({ query: 'subject:"clinic on tuesday"' }, { timeout: 10_000, interval: 20 });
assert.equal(found.Subject, "Clinic on Tuesday – Über");
assert.deepEqual(found.From, { Name: "Clinic letters", Address: sender.address });
assert.deepEqual(found.To, [{ Name: "Dr Sample", Address: reader.address }]);
assert.equal(found.Text.trim(), "At ten o'clock.");
assert.match(found.HTML, /<b>ten<\/b>/);
assert.equal(`<${found.MessageID}>`, sent.messageId);
assert.deepEqual(found.Attachments.map((one) => one.FileName), ["letter.pdf"]);
assert.equal(found.Attachments[0].ContentType, "application/pdf");
assert.equal(found.Attachments[0].Checksums.SHA256, createHash("sha256").update("%PDF-1.7").digest("hex"));
assert.match(found.Attachments[0].Checksums.SHA1, /^[0-9a-f]{40}$/);
assert.deepEqual(found.Inline.map((one) => one.ContentID), ["map"]);
const attachment = await mailpit.getMessageAttachment(found.ID, found.Attachments[0].PartID);
assert.equal(await attachment.text(), "%PDF-1.7");
assert.deepEqual((await mailpit.getMessageHeaders(found.ID))["X-Kind"], ["letter"]);
assert.match(await mailpit.getMessageSource(found.ID), /^X-Kind: letter\r?$/m);
assert.match(await mailpit.renderMessageHTML(found.ID), /<b>ten<\/b>/);
assert.equal((await mailpit.renderMessageText(found.ID)).trim(), "At ten o'clock.");
assert.equal((await mailpit.getInfo()).Unread, 0, "what was shown is read");

await mailpit.setReadStatus({ IDs: [found.ID], Read: false });
assert.equal((await mailpit.listMessages()).unread, 1);
await mailpit.setReadStatus({ Search: "has:attachment", Read: true });
assert.equal((await mailpit.listMessages()).unread, 0);
await mailpit.setTags({ IDs: [found.ID], Tags: ["post"] });
await mailpit.renameTag("post", "letters");
assert.deepEqual(await mailpit.getTags(), ["letters"]);
assert.deepEqual((await mailpit.searchMessages({ query: "tag:letters" })).messages.map((one) => one.ID), [found.ID]);
await mailpit.deleteTag("letters");
assert.deepEqual(await mailpit.getTags(), []);

const { ID } = await mailpit.sendMessage({
  From: { Email: "lab@elsewhere.example", Name: "Lab" },
  To: [{ Email: reader.address }],
  Subject: "Result",
  Text: "Normal.",
  Tags: ["lab"],
});
const both = await mailpit.waitForMessages({ count: 2, exact: true }, { timeout: 10_000, interval: 20 });
assert.deepEqual(both.messages.map((one) => one.Subject), ["Result", "Clinic on Tuesday – Über"]);
assert.equal((await mailpit.listMessages(1, 1)).messages[0].ID, found.ID);
assert.equal((await mailpit.getMessageSummary()).ID, ID, "the latest");
await mailpit.deleteMessagesBySearch({ query: "from:lab@elsewhere.example" });
await assert.rejects(mailpit.getMessageSummary(ID), /404/);
await mailpit.deleteMessages({ IDs: [found.ID] });
assert.equal((await mailpit.listMessages()).total, 0);
await mailpit.sendMessage({ From: { Email: "lab@elsewhere.example" }, To: [{ Email: reader.address }] });
await mailpit.deleteMessages();
assert.equal((await mailpit.getInfo()).Messages, 0);

const never = { Authentication: { ErrorCode: 535, Probability: 0 }, Recipient: { ErrorCode: 451, Probability: 0 }, Sender: { ErrorCode: 451, Probability: 0 } };
assert.deepEqual(await mailpit.getChaosTriggers(), never);
const always = { ErrorCode: 452, Probability: 100 };
assert.deepEqual(await mailpit.setChaosTriggers({ Recipient: always }), { ...never, Recipient: always });
assert.deepEqual((await mailpit.getChaosTriggers()).Recipient, always);
const letter = { from: sender.address, to: reader.address, text: "again" };
await assert.rejects(transport(twin.submission, sender).sendMail(letter), (error) => error.responseCode === 452);
await assert.rejects(mailpit.setChaosTriggers({ Sender: { ErrorCode: 250, Probability: 1 } }), /400 to 599/);
assert.deepEqual(await mailpit.setChaosTriggers(), never);
await transport(twin.submission, sender).sendMail(letter);
await mailpit.waitForMessage({ query: "again" }, { timeout: 10_000, interval: 20 });
console.log("done");
