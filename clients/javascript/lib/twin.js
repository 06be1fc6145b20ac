// A twin that runs, started here or elsewhere.
"use strict";

const { spawn } = require("node:child_process");
const { randomUUID } = require("node:crypto");
const { once } = require("node:events");
const { createInterface } = require("node:readline");

const { Client, MailwardError } = require("./client.js");
const { Mail } = require("./mail.js");
const { World } = require("./world.js");

/** How long the program may take to end before it is killed. */
const STOP_SECONDS = 10;

class Twin {
  #client;
  #child;

  constructor({ url, token, ready = {} }, child) {
    this.#client = new Client(url, token);
    this.#child = child;
    this.url = this.#client.url;
    this.token = token;
    this.ready = ready;
    this.mail = new Mail(this.#client);
  }

  /** A new world, of the seed unless `from` says otherwise. */
  async world({ name = `test-${randomUUID().slice(0, 18)}`, clockHeld, diceSeed, asOf, ...wishes } = {}) {
    const body = { name, clock_held: clockHeld, dice_seed: diceSeed, as_of: asOf, ...wishes };
    await this.#client.call("POST", "/control/v1/worlds", { body });
    return new World(this.#client, name);
  }

  /** The certificate of its authority, in PEM: what clients of its TLS ports trust. */
  ca() {
    return this.#client.call("GET", "/ca.pem");
  }

  /** Names of up to 1000 worlds. */
  async worlds() {
    const { worlds } = await this.#client.call("GET", "/control/v1/worlds");
    return worlds.map((one) => one.name);
  }

  /** Ends the program, if it was started here. */
  async stop() {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_SECONDS * 1000);
    await ended;
    clearTimeout(late);
  }

  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    await this.stop();
  }
}

/**
 * Runs `mailward twin` on free ports; the program is on the PATH or named by
 * the variable MAILWARD_PROGRAM.
 */
async function startTwin({ program = process.env.MAILWARD_PROGRAM ?? "mailward", arguments: more = [] } = {}) {
  const child = spawn(program, ["twin", "--json", "--ports", "auto", ...more], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise((resolve, reject) => {
    child.once("error", (cause) => {
      const text = `${program} does not start (${cause.message}): put it on the PATH or set MAILWARD_PROGRAM`;
      reject(new MailwardError(text, { cause }));
    });
    const lines = createInterface({ input: child.stdout });
    lines.once("line", resolve);
    lines.once("close", () => reject(new MailwardError(`${program} ended without a ready object`)));
  });
  let ready;
  try {
    ready = JSON.parse(line);
  } catch (cause) {
    child.kill("SIGKILL");
    throw new MailwardError(`${program} printed no ready object but ${line}`, { cause });
  }
  // A test that forgets to stop it is not kept waiting for it.
  child.unref();
  child.stdout.unref();
  return new Twin({ url: ready.twin.test_api, token: ready.control.token, ready }, child);
}

/** A twin that runs already; by default the one of MAILWARD_URL and MAILWARD_TOKEN. */
function connectTwin({ url = process.env.MAILWARD_URL ?? "http://127.0.0.1:8025", token = process.env.MAILWARD_TOKEN } = {}) {
  return new Twin({ url, token });
}

module.exports = { Twin, connectTwin, startTwin };
