// Requests to the twin's HTTP port, and what goes wrong with them.
"use strict";

/** Beyond what a request may wait for by itself. */
const PATIENCE_SECONDS = 30;

/** The twin refused a request, or there is none. */
class MailwardError extends Error {
  constructor(text, options = {}) {
    super(text, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MailwardError";
    this.status = options.status;
  }
}

/** Asks one world, or all of the twin, in JSON. */
class Client {
  constructor(url, token) {
    this.url = url.replace(/\/+$/, "");
    this.token = token;
  }

  inWorld(name) {
    return new Client(`${this.url}/world/${encodeURIComponent(name)}`, this.token);
  }

  /** The answer: JSON as it means, else text. Statuses in `takes` are no error. */
  async call(method, path, { body, query = {}, seconds = 0, takes = [] } = {}) {
    const url = new URL(this.url + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers = {};
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    if (body !== undefined) headers["content-type"] = "application/json";
    let answer;
    let content;
    try {
      answer = await fetch(url, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout((seconds + PATIENCE_SECONDS) * 1000),
      });
      content = await answer.text();
    } catch (cause) {
      throw new MailwardError(`${method} ${url}: ${cause.message}; is the twin running?`, { cause });
    }
    const isJson = (answer.headers.get("content-type") ?? "").includes("json");
    const value = isJson ? JSON.parse(content) : content;
    if (!answer.ok && !takes.includes(answer.status)) {
      const said = isJson ? (value.detail ?? content) : content;
      throw new MailwardError(`${method} ${url}: ${answer.status} ${said}`, { status: answer.status });
    }
    return value;
  }
}

module.exports = { Client, MailwardError };
