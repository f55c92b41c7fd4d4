// Alerts: findings that somebody is told of, once each. An alert is durable before anyone is told, and that they were told
// is durable after, so that kill -9 at any point loses none; a receiver that is told again sees the same id.

import { LimmatError } from '../errors.ts';
import type { ErrorDetails } from '../errors.ts';
import { endingOf } from './checks.ts';
import type { CheckId, Finding, FindingClass } from './finding.ts';
import type { LineJournal } from './ports.ts';

export type AlertState = 'open' | 'acknowledged' | 'closed';

export interface Alert {
  /** `<key>#<occurrence>`: who was told of this id before has nothing new to do. */
  readonly id: string;
  /** The finding's key: the same trouble has the same one. */
  readonly key: string;
  /** From 1 on: how often the trouble came, after it had ended or had been acknowledged. */
  readonly occurrence: number;
  readonly check: CheckId;
  readonly class: FindingClass;
  readonly origin: string;
  readonly summary: string;
  readonly details: ErrorDetails;
  /** The evidence that came with it, first to last. */
  readonly evidence: readonly string[];
  readonly state: AlertState;
  readonly openedAtSeconds: number;
  /** When the trouble was last seen. Kept up to date in memory, and durable with the next change. */
  readonly seenAtSeconds: number;
  readonly count: number;
  /** When it was acknowledged or closed. */
  readonly endedAtSeconds?: number;
  /** True once the notifier took it. */
  readonly notified: boolean;
}

/** Tells somebody of an alert; rejects when that has to be tried again. May be called twice with one id after a crash. */
export type Notify = (alert: Alert) => Promise<void>;

/** More evidence than this is not listed in an alert; it is kept all the same. */
const MAX_LISTED_EVIDENCE = 64;
/** New evidence for what was acknowledged opens the alert again, at most once a day: a forked log forks all day. */
const REOPEN_AFTER_SECONDS = 86_400;
/** Bytes of the journal at which it is written anew, with the last line of each alert. */
const COMPACT_BYTES = 8 * 1024 * 1024;
/** Closed alerts that are remembered. */
const MAX_CLOSED = 1000;
const LINES_AT_ONCE = 1000;

/** The alerts of a monitor. Changes go one after another; what a method resolves with is durable. */
export class AlertBook {
  readonly #journal: LineJournal;
  readonly #alerts: Map<string, Alert>;
  #turns: Promise<unknown> = Promise.resolve();
  #deliveries: Promise<unknown> = Promise.resolve();
  #compactAt = COMPACT_BYTES;

  private constructor(journal: LineJournal, alerts: Map<string, Alert>) {
    this.#journal = journal;
    this.#alerts = alerts;
  }

  /** Reads the alerts in a journal. `store-corrupt` when a line is no alert. */
  static async open(journal: LineJournal): Promise<AlertBook> {
    const alerts = new Map<string, Alert>();
    let position = 0;
    while (position < journal.end) {
      const lines = await journal.read(position, LINES_AT_ONCE);
      for (const line of lines) {
        const alert = parseAlert(line.text);
        // What changed last stands last.
        alerts.delete(alert.key);
        alerts.set(alert.key, alert);
        position = line.position + 1;
      }
      if (lines.length < LINES_AT_ONCE) break;
    }
    const book = new AlertBook(journal, alerts);
    await book.#compact();
    return book;
  }

  /** All of them, what changed last at the end. */
  list(): readonly Alert[] {
    return [...this.#alerts.values()];
  }

  get(key: string): Alert | undefined {
    return this.#alerts.get(key);
  }

  /** Those that somebody has to look at: open, and in no class that asks for nothing. */
  open(): readonly Alert[] {
    return this.list().filter((alert) => alert.state === 'open' && alert.class !== 'info');
  }

  /**
   * Takes a finding in. The same trouble while its alert is open or acknowledged is counted and makes no new alert,
   * unless it got another class, or new evidence a day after it was acknowledged.
   */
  raise(finding: Finding, nowSeconds: number): Promise<Alert> {
    return this.#inTurn(async () => {
      const old = this.#alerts.get(finding.key);
      const id = finding.class === 'proof' ? finding.evidence.id : undefined;
      const isNews = id !== undefined && old?.evidence.includes(id) !== true;
      if (old !== undefined && !this.#opensAgain(old, finding, isNews, nowSeconds)) {
        const evidence = isNews ? [...old.evidence, id].slice(0, MAX_LISTED_EVIDENCE) : old.evidence;
        const seen = { ...old, evidence, seenAtSeconds: nowSeconds, count: old.count + 1 };
        if (isNews && evidence.length > old.evidence.length) await this.#write(seen);
        else this.#alerts.set(seen.key, seen);
        return seen;
      }
      const occurrence = (old?.occurrence ?? 0) + 1;
      const endsAtOnce = endingOf(finding.key) === 'at once';
      const alert: Alert = {
        id: `${finding.key}#${occurrence}`,
        key: finding.key,
        occurrence,
        check: finding.check,
        class: finding.class,
        origin: finding.origin,
        summary: finding.summary,
        details: finding.details,
        evidence: id === undefined ? [] : [...(old?.evidence ?? []), id].slice(-MAX_LISTED_EVIDENCE),
        state: endsAtOnce ? 'closed' : 'open',
        openedAtSeconds: nowSeconds,
        seenAtSeconds: nowSeconds,
        count: 1,
        ...(endsAtOnce && { endedAtSeconds: nowSeconds }),
        notified: false,
      };
      await this.#write(alert);
      return alert;
    });
  }

  /** The trouble is over: closes its alert, if one is open and ends so. */
  end(key: string, nowSeconds: number): Promise<void> {
    return this.#inTurn(async () => {
      const alert = this.#alerts.get(key);
      if (alert === undefined || alert.state === 'closed' || endingOf(key) !== 'itself') return;
      await this.#write({ ...alert, state: 'closed', endedAtSeconds: nowSeconds });
    });
  }

  /** Somebody knows of it: it counts no more. `not-found` when there is no open alert of that key. */
  acknowledge(key: string, nowSeconds: number): Promise<Alert> {
    return this.#inTurn(async () => {
      const alert = this.#alerts.get(key);
      if (alert?.state !== 'open') {
        const state = alert === undefined ? 'there is no alert' : `it is ${alert.state}: nothing is open`;
        throw new LimmatError('not-found', `${state} under the key ${JSON.stringify(key)}`);
      }
      const acknowledged: Alert = { ...alert, state: 'acknowledged', endedAtSeconds: nowSeconds };
      await this.#write(acknowledged);
      return acknowledged;
    });
  }

  /**
   * Tells of every alert that nobody was told of yet, oldest change first. What the notifier does not take stays for the
   * next call, and does not keep others back; the errors are returned. Other changes go on meanwhile. With a key only of
   * that one.
   */
  deliver(notify: Notify, key?: string): Promise<readonly unknown[]> {
    const delivery = this.#deliveries.then(async () => {
      const errors: unknown[] = [];
      for (const alert of this.list().filter((one) => !one.notified && one.key === (key ?? one.key))) {
        try {
          await notify(alert);
        } catch (error) {
          errors.push(error);
          continue;
        }
        await this.#inTurn(async () => {
          const now = this.#alerts.get(alert.key);
          // It may have been closed meanwhile, and even have come again: that one is still to be told of.
          if (now?.id === alert.id) await this.#write({ ...now, notified: true });
        });
      }
      return errors;
    });
    this.#deliveries = delivery.catch(() => undefined);
    return delivery;
  }

  /** Resolves when the deliveries that were begun are over. */
  async idle(): Promise<void> {
    await this.#deliveries;
  }

  #opensAgain(old: Alert, finding: Finding, isNews: boolean, nowSeconds: number): boolean {
    if (old.state === 'closed' || old.class !== finding.class) return true;
    if (old.state === 'open' || !isNews) return false;
    return nowSeconds - (old.endedAtSeconds ?? 0) >= REOPEN_AFTER_SECONDS;
  }

  async #write(alert: Alert): Promise<void> {
    await this.#journal.append([JSON.stringify(alert)]);
    this.#alerts.delete(alert.key);
    this.#alerts.set(alert.key, alert);
    await this.#compact();
  }

  async #compact(): Promise<void> {
    if (this.#journal.end < this.#compactAt) return;
    const closed = this.list().filter(({ state, notified }) => state === 'closed' && notified);
    const dropped = new Set(closed.slice(0, Math.max(0, closed.length - MAX_CLOSED)).map(({ key }) => key));
    const kept = this.list().filter(({ key }) => !dropped.has(key));
    await this.#journal.rewrite(kept.map((alert) => JSON.stringify(alert)));
    for (const key of dropped) this.#alerts.delete(key);
    this.#compactAt = Math.max(COMPACT_BYTES, 2 * this.#journal.end);
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#turns.then(task);
    this.#turns = turn.catch(() => undefined);
    return turn;
  }
}

/** Reads a line that this file wrote. It looks at what the code relies on; the file is the monitor's own. */
function parseAlert(line: string): Alert {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new LimmatError('store-corrupt', 'a line of the alerts is not JSON', { cause });
  }
  if (!isAlert(value)) throw new LimmatError('store-corrupt', 'a line of the alerts is no alert');
  return value;
}

function isAlert(value: unknown): value is Alert {
  if (typeof value !== 'object' || value === null) return false;
  const alert = value as Partial<Record<keyof Alert, unknown>>;
  const texts = [alert.id, alert.key, alert.check, alert.class, alert.origin, alert.summary];
  const numbers = [alert.occurrence, alert.openedAtSeconds, alert.seenAtSeconds, alert.count];
  return (
    texts.every((text) => typeof text === 'string') &&
    numbers.every((number) => Number.isSafeInteger(number)) &&
    (alert.state === 'open' || alert.state === 'acknowledged' || alert.state === 'closed') &&
    Array.isArray(alert.evidence) &&
    alert.evidence.every((id) => typeof id === 'string') &&
    typeof alert.details === 'object' &&
    alert.details !== null &&
    typeof alert.notified === 'boolean'
  );
}
