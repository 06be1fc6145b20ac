// The mail that came into a world.
"use strict";

/** An assertion that does not hold; `results` has all of the answer. */
class Mismatch extends Error {
  constructor(text, results) {
    super(text);
    this.name = "Mismatch";
    this.results = results;
  }
}

/** Lists, waits for and asserts what came. */
class Mail {
  #client;

  constructor(client) {
    this.#client = client;
  }

  /** The newest first; `query` is in Mailpit's search language. */
  async list(query, limit = 1000) {
    const path = query ? "/api/v1/search" : "/api/v1/messages";
    return (await this.#client.call("GET", path, { query: { query, limit } })).messages;
  }

  /** A whole message: `Text`, `HTML`, `Attachments` and the rest. */
  get(id = "latest") {
    return this.#client.call("GET", `/api/v1/message/${id}`);
  }

  raw(id = "latest") {
    return this.#client.call("GET", `/api/v1/message/${id}/raw`);
  }

  headers(id = "latest") {
    return this.#client.call("GET", `/api/v1/message/${id}/headers`);
  }

  /** Files a message as from outside, in the form of Mailpit's `/send`; gives its ID. */
  async send(wish) {
    return (await this.#client.call("POST", "/api/v1/send", { body: wish })).ID;
  }

  /** Takes every message from every mailbox. */
  async clear() {
    await this.#client.call("DELETE", "/api/v1/messages");
  }

  /** Waits for a message as `assertReceived` does, ten seconds unless asked otherwise; gives it whole. */
  async waitFor(wanted) {
    const [first] = await this.assertReceived({ timeoutSeconds: 10, ...wanted });
    return this.get(first.ID);
  }

  /**
   * One message at least, or exactly `count`, with all of what is wanted.
   * Throws a `Mismatch`, which says what was there and which came nearest.
   */
  async assertReceived({ withinSeconds, timeoutSeconds = 0, ...wanted }) {
    const message = { ...wanted, within_seconds: withinSeconds, timeout_seconds: Math.ceil(timeoutSeconds) };
    const [result] = await check(this.#client, [{ message }], timeoutSeconds);
    return result.messages;
  }

  /** No such message came, nor comes within `timeoutSeconds`. */
  async assertNone(wanted = {}) {
    await this.assertReceived({ ...wanted, count: 0 });
  }
}

/** The results; throws a `Mismatch` when one does not hold. */
async function check(client, assertions, seconds = 0) {
  const answer = await client.call("POST", "/api/v1/assert", { body: { assertions }, seconds, takes: [417] });
  if (!answer.holds) throw new Mismatch(answer.says, answer.results);
  return answer.results;
}

module.exports = { Mail, Mismatch, check };
