/** A text within another, or the whole of it. */
export type Text = string | { is: string };

export interface Person {
  Name: string;
  Address: string;
}

/** A message as a list shows it. */
export interface MessageSummary {
  ID: string;
  MessageID: string;
  Read: boolean;
  From: Person;
  To: Person[];
  Cc: Person[];
  Bcc: Person[];
  ReplyTo: Person[];
  Subject: string;
  Created: string;
  Tags: string[];
  Size: number;
  Attachments: number;
  Snippet: string;
}

export interface MessageFile {
  PartID: string;
  FileName: string;
  ContentType: string;
  ContentID: string;
  Size: number;
  Checksums: { SHA1: string; SHA256: string };
}

/** A whole message. */
export interface Message extends Omit<MessageSummary, "Created" | "Snippet" | "Attachments"> {
  Date: string;
  ReturnPath: string;
  Text: string;
  HTML: string;
  Attachments: MessageFile[];
  Inline: MessageFile[];
}

/** A message to file, as Mailpit's `/send` has it. */
export interface Outgoing {
  From: { Email: string; Name?: string };
  To?: { Email: string; Name?: string }[];
  Cc?: { Email: string; Name?: string }[];
  Bcc?: string[];
  ReplyTo?: { Email: string; Name?: string }[];
  Subject?: string;
  Text?: string;
  HTML?: string;
  Headers?: Record<string, string>;
  Tags?: string[];
  Attachments?: { Content: string; Filename: string; ContentType?: string; ContentID?: string }[];
}

/** What a message should be; it has all of it. */
export interface Wanted {
  /** A name or address of any recipient, or a part of it. */
  to?: string;
  from?: string;
  subject?: Text;
  /** In the text or the HTML. */
  body?: Text;
  headers?: Record<string, Text>;
  attachment?: { name?: Text; content_type?: Text; contains?: Text; octets?: number };
  /** In Mailpit's search language. */
  query?: string;
  /** Only what came after this cursor. */
  after?: number;
  /** Only what came so lately by the twin's clock. */
  withinSeconds?: number;
  /** Exactly so many; one at least without it. */
  count?: number;
  /** How long to wait for it. */
  timeoutSeconds?: number;
}

export type Conduct =
  | "no-refused-sign-in-again"
  | "retries-after-busy"
  | "messages-per-minute"
  | "connections-at-once"
  | "recipients-per-message"
  | "reuses-connections"
  | "uses-tls"
  | "signs-in-by-token"
  | "says-goodbye"
  | "sends-only-to"
  | "no-offences";

export interface ConductParameters {
  account?: string;
  protocols?: string[];
  since?: string;
  max?: number;
  min?: number;
  codes?: string[];
  seconds_min?: number;
  seconds_max?: number;
  version_min?: "1.2" | "1.3";
  domains?: string[];
  only?: string[];
  except?: string[];
}

/** What became of one assertion. */
export interface Result {
  holds: boolean;
  says: string;
  [member: string]: unknown;
}

export interface Account {
  address: string;
  password: string;
  kind: "user" | "application" | "shared";
  display_name: string;
  state: "active" | "locked" | "disabled";
  [member: string]: unknown;
}

/** Addresses as `127.0.0.1:4321`. */
export interface Ports {
  submission: string;
  high_sending: string;
  relay: string;
  imaps: string;
  pop3s: string;
}

/** A fault, in the form of the reference. */
export interface Fault {
  id?: string;
  note?: string;
  match: { protocol: string; stage?: string; [member: string]: unknown };
  action: { kind: string; [member: string]: unknown };
  lifetime?: { times?: number; seconds?: number; [member: string]: unknown };
  percent?: number;
  seed?: number;
}

/** How a world is to be made; what is absent is as where it comes from. */
export interface WorldWishes {
  name?: string;
  /** `seed`, `empty`, or a world. */
  from?: string;
  snapshot?: string;
  diceSeed?: number;
  now?: string;
  clockHeld?: boolean;
  asOf?: string;
  limits?: boolean;
}

/** The twin refused a request, or there is none. */
export class MailwardError extends Error {
  readonly status?: number;
}

/** An assertion that does not hold. */
export class Mismatch extends Error {
  readonly results: Result[];
}

export class Mail {
  list(query?: string, limit?: number): Promise<MessageSummary[]>;
  get(id?: string): Promise<Message>;
  raw(id?: string): Promise<string>;
  headers(id?: string): Promise<Record<string, string[]>>;
  send(wish: Outgoing): Promise<string>;
  clear(): Promise<void>;
  waitFor(wanted: Wanted): Promise<Message>;
  assertReceived(wanted: Wanted): Promise<MessageSummary[]>;
  assertNone(wanted?: Wanted): Promise<void>;
}

export class Clock {
  now(): Promise<string>;
  advance(seconds: number): Promise<string>;
  set(now: string, asOf?: string): Promise<string>;
}

export class Faults {
  play(...faults: Fault[]): Promise<unknown[]>;
  list(): Promise<unknown[]>;
  clear(): Promise<void>;
  mode(name: "outage" | "degraded" | "enforcement-rehearsal", settings?: object): Promise<unknown>;
  endMode(name: string): Promise<void>;
}

export class World {
  readonly name: string;
  readonly url: string;
  readonly mail: Mail;
  readonly clock: Clock;
  readonly faults: Faults;
  ports(): Promise<Ports>;
  user(address: string): string;
  accounts(): Promise<Account[]>;
  account(kind?: Account["kind"]): Promise<Account | undefined>;
  putAccount(account: { address: string; [member: string]: unknown }): Promise<Account>;
  act(
    address: string,
    act: "lock" | "unlock" | "disable" | "enable" | "expire" | "force-change",
  ): Promise<Account>;
  assertConduct(conduct: Conduct, parameters?: ConductParameters): Promise<Result>;
  events(after?: number): Promise<Record<string, unknown>[]>;
  sessions(): Promise<Record<string, unknown>[]>;
  transcript(session: string): Promise<string>;
  snapshot(name: string): Promise<void>;
  restore(snapshot: string): Promise<void>;
  reset(): Promise<void>;
  control(method: string, path: string, body?: unknown): Promise<unknown>;
  delete(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export class Twin {
  readonly url: string;
  readonly token?: string;
  /** The object that the program printed; empty for a twin known by its URL. */
  readonly ready: Record<string, any>;
  /** All mail of the world without a name. */
  readonly mail: Mail;
  /** The certificate of its authority, in PEM: what clients of its TLS ports trust. */
  ca(): Promise<string>;
  world(wishes?: WorldWishes): Promise<World>;
  worlds(): Promise<string[]>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function startTwin(options?: { program?: string; arguments?: string[] }): Promise<Twin>;
export function connectTwin(options?: { url?: string; token?: string }): Twin;
