// A world of the twin: accounts, mail, clock, faults and log of its own.
"use strict";

const { Mail, check } = require("./mail.js");

class World {
  #twin;
  #client;
  #ports;

  constructor(twin, name) {
    this.#twin = twin;
    this.#client = twin.inWorld(name);
    this.name = name;
    this.mail = new Mail(this.#client);
    this.clock = new Clock(this.#client);
    this.faults = new Faults(this.#client);
  }

  /** The base address for clients of Mailpit's API. */
  get url() {
    return this.#client.url;
  }

  /**
   * Ports that open on this world alone, as `host:port` by name: submission,
   * high_sending, relay, imaps, pop3s. Opened when first asked for.
   */
  ports() {
    this.#ports ??= this.#twin.call("POST", `${this.#path()}/listeners`);
    return this.#ports;
  }

  /** The user name that means this world on the ports that all worlds share. */
  user(address) {
    return `${address}#${this.name}`;
  }

  /** With their passwords. */
  accounts() {
    return this.#client.call("GET", "/control/v1/accounts");
  }

  /** The first account of a kind: user, application or shared. */
  async account(kind = "user") {
    return (await this.accounts()).find((one) => one.kind === kind);
  }

  putAccount(account) {
    return this.#client.call("POST", "/control/v1/accounts", { body: account });
  }

  /** What a Local Administrator does: lock, unlock, disable, enable, expire, force-change. */
  act(address, act) {
    return this.#client.call("POST", `/control/v1/accounts/${encodeURIComponent(address)}/${act}`);
  }

  /** Judges how the application behaved; `GET /api/v1/conduct` lists the checks. */
  async assertConduct(conduct, parameters = {}) {
    const [result] = await check(this.#client, [{ conduct, ...parameters }]);
    return result;
  }

  /** What the service did and why, up to 1000 after a number. */
  events(after = 0) {
    return this.#client.call("GET", "/control/v1/events", { query: { after } });
  }

  sessions() {
    return this.#client.call("GET", "/control/v1/sessions");
  }

  /** What was said, one line each, without secrets. */
  transcript(session) {
    return this.#client.call("GET", `/control/v1/sessions/${session}`, { query: { format: "text" } });
  }

  async snapshot(name) {
    await this.#twin.call("POST", `${this.#path()}/snapshots`, { body: { name } });
  }

  async restore(snapshot) {
    await this.#twin.call("POST", `${this.#path()}/restore`, { body: { snapshot } });
  }

  /** Back to what it was when it was made. */
  async reset() {
    await this.#twin.call("POST", `${this.#path()}/reset`);
  }

  /** Any other request of the control API: `control("GET", "/service")`. */
  control(method, path, body) {
    return this.#client.call(method, `/control/v1${path}`, { body });
  }

  async delete() {
    await this.#twin.call("DELETE", this.#path(), { takes: [404] });
  }

  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    await this.delete();
  }

  #path() {
    return `/control/v1/worlds/${this.name}`;
  }
}

/** The clock of a world. */
class Clock {
  #client;

  constructor(client) {
    this.#client = client;
  }

  async now() {
    return (await this.#client.call("GET", "/control/v1/clock")).now;
  }

  async advance(seconds) {
    return (await this.#client.call("POST", "/control/v1/clock/advance", { body: { seconds } })).now;
  }

  /** `asOf` chooses the day of the behaviour, too. */
  async set(now, asOf) {
    return (await this.#client.call("PUT", "/control/v1/clock", { body: { now, as_of: asOf } })).now;
  }
}

/** What goes wrong in a world. */
class Faults {
  #client;

  constructor(client) {
    this.#client = client;
  }

  /** Sets faults, in the form of the reference. */
  play(...faults) {
    return this.#client.call("POST", "/control/v1/faults", { body: faults });
  }

  /** Those that are set, with how often each was seen and struck. */
  list() {
    return this.#client.call("GET", "/control/v1/faults");
  }

  async clear() {
    await this.#client.call("DELETE", "/control/v1/faults");
  }

  /** Switches a mode on: outage, degraded, enforcement-rehearsal. */
  mode(name, settings = {}) {
    return this.#client.call("PUT", `/control/v1/modes/${name}`, { body: settings });
  }

  async endMode(name) {
    await this.#client.call("DELETE", `/control/v1/modes/${name}`);
  }
}

module.exports = { Clock, Faults, World };
