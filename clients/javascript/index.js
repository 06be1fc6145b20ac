// Test mail with the Mailward twin: start it or connect to it, take a world
// of one's own, wait for mail, assert what came and how it was sent.

export { MailwardError } from "./lib/client.js";
export { Mail, Mismatch } from "./lib/mail.js";
export { Clock, Faults, World } from "./lib/world.js";
export { Twin, connectTwin, startTwin } from "./lib/twin.js";
