// Test mail with the Mailward twin: start it or connect to it, take a world
// of one's own, wait for mail, assert what came and how it was sent.
//
// In CommonJS, since Jest requires what tests import; `index.mjs` gives the
// same objects to ES modules.
"use strict";

const { MailwardError } = require("./lib/client.js");
const { Mail, Mismatch } = require("./lib/mail.js");
const { Clock, Faults, World } = require("./lib/world.js");
const { Twin, connectTwin, startTwin } = require("./lib/twin.js");

module.exports = { Clock, Faults, Mail, MailwardError, Mismatch, Twin, World, connectTwin, startTwin };
