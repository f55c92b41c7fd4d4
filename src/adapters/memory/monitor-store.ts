// A monitor's store in memory: the port of monitor/ports.ts with nothing behind it, for tests and browsers.

import { utf8 } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import { HASH_SIZE, portableHasher } from '../../merkle/hash.ts';
import type { Hasher } from '../../merkle/hash.ts';
import { openLeafMirror } from '../../monitor/leaf-mirror.ts';
import type { HashLevels } from '../../monitor/leaf-mirror.ts';
import { MAX_EVIDENCE_BYTES } from '../../monitor/ports.ts';
import type {
  EvidenceStore,
  JournalLine,
  LineJournal,
  MonitorLogStore,
  MonitorStore,
  TextSlot,
} from '../../monitor/ports.ts';

/** Suspect bytes that are kept of one log. */
const MAX_SUSPECTS = 64;

interface LogMedium {
  state: string | undefined;
  readonly levels: MemoryLevels;
  readonly heads: string[];
  readonly suspects: Map<string, Uint8Array>;
}

/** What outlives a memory store: give the same medium to the next one and it opens what this one held. */
export interface MonitorMedium {
  meta: string | undefined;
  /** True while a store is open on it. */
  open: boolean;
  readonly logs: Map<string, LogMedium>;
  readonly evidence: Map<string, Uint8Array>;
  readonly alerts: string[];
}

export function monitorMedium(): MonitorMedium {
  return { meta: undefined, open: false, logs: new Map(), evidence: new Map(), alerts: [] };
}

export interface MemoryMonitorOptions {
  readonly medium?: MonitorMedium;
  readonly hasher?: Hasher;
  /** Called before and after each write takes effect; what it throws is that write failing. */
  readonly faults?: (step: string, moment: 'before' | 'after') => void;
}

/** Opens a store in memory. Throws `store-locked` while another one is open on the same medium. */
export function memoryMonitorStore(options: MemoryMonitorOptions = {}): MonitorStore {
  const medium = options.medium ?? monitorMedium();
  if (medium.open) throw new LimmatError('store-locked', 'this memory store is open already');
  medium.open = true;
  return new MemoryMonitorStore(medium, options);
}

/** Runs a write between its two faults; refuses it once the store is closed. */
type Write = (step: string, effect: () => void) => Promise<void>;

class MemoryMonitorStore implements MonitorStore {
  readonly meta: TextSlot;
  readonly evidence: EvidenceStore;
  readonly alerts: LineJournal;
  readonly #medium: MonitorMedium;
  readonly #hasher: Hasher;
  readonly #logs = new Map<string, Promise<MonitorLogStore>>();
  readonly #faults: MemoryMonitorOptions['faults'];
  #closed = false;

  constructor(medium: MonitorMedium, options: MemoryMonitorOptions) {
    this.#medium = medium;
    this.#hasher = options.hasher ?? portableHasher;
    this.#faults = options.faults;
    this.meta = slot(
      () => medium.meta,
      (text) => (medium.meta = text),
      this.#write,
      'meta',
    );
    this.alerts = new MemoryJournal(medium.alerts, this.#write, 'alerts');
    this.evidence = memoryEvidence(medium.evidence, this.#write);
  }

  log(origin: string): Promise<MonitorLogStore> {
    if (this.#closed) return Promise.reject(closedError());
    let store = this.#logs.get(origin);
    if (store === undefined) {
      store = this.#openLog(origin);
      this.#logs.set(origin, store);
    }
    return store;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#medium.open = false;
  }

  async #openLog(origin: string): Promise<MonitorLogStore> {
    let log = this.#medium.logs.get(origin);
    if (log === undefined) {
      log = { state: undefined, levels: new MemoryLevels(), heads: [], suspects: new Map() };
      this.#medium.logs.set(origin, log);
    }
    const medium = log;
    return {
      state: slot(
        () => medium.state,
        (text) => (medium.state = text),
        this.#write,
        'state',
      ),
      mirror: await openLeafMirror(medium.levels.with(this.#write), this.#hasher),
      heads: new MemoryJournal(medium.heads, this.#write, 'heads'),
      keepSuspect: (name, bytes) =>
        this.#write('suspect', () => {
          medium.suspects.delete(name);
          medium.suspects.set(name, bytes.slice());
          for (const oldest of medium.suspects.keys()) {
            if (medium.suspects.size <= MAX_SUSPECTS) break;
            medium.suspects.delete(oldest);
          }
        }),
    };
  }

  readonly #write: Write = async (step, effect) => {
    if (this.#closed) throw closedError();
    this.#faults?.(step, 'before');
    effect();
    this.#faults?.(step, 'after');
  };
}

/** 32-byte hashes a level, in chunks that are never copied. */
class MemoryLevels implements HashLevels {
  readonly #levels: Uint8Array[][];
  readonly #write: Write;

  constructor(levels: Uint8Array[][] = [], write: Write = async (_step, effect) => effect()) {
    this.#levels = levels;
    this.#write = write;
  }

  /** The same hashes, written by way of this. */
  with(write: Write): MemoryLevels {
    return new MemoryLevels(this.#levels, write);
  }

  count(level: number): number {
    return this.#levels[level]?.length ?? 0;
  }

  async read(level: number, start: number, count: number): Promise<Uint8Array> {
    const out = new Uint8Array(count * HASH_SIZE);
    const hashes = this.#levels[level] ?? [];
    for (let i = 0; i < count; i++) out.set(hashes[start + i]!, i * HASH_SIZE);
    return out;
  }

  append(level: number, hashes: Uint8Array): Promise<void> {
    return this.#write('mirror', () => {
      const all = (this.#levels[level] ??= []);
      for (let at = 0; at < hashes.length; at += HASH_SIZE) all.push(hashes.slice(at, at + HASH_SIZE));
    });
  }

  truncate(level: number, count: number): Promise<void> {
    return this.#write('mirror', () => {
      this.#levels[level]!.length = count;
    });
  }

  flush(): Promise<void> {
    return this.#write('flush', () => {});
  }
}

class MemoryJournal implements LineJournal {
  readonly #lines: string[];
  readonly #write: Write;
  readonly #step: string;

  constructor(lines: string[], write: Write, step: string) {
    this.#lines = lines;
    this.#write = write;
    this.#step = step;
  }

  get end(): number {
    return this.#lines.reduce((end, line) => end + lengthOf(line), 0);
  }

  async read(from: number, limit: number): Promise<readonly JournalLine[]> {
    const found: JournalLine[] = [];
    let position = 0;
    for (const text of this.#lines) {
      if (found.length === limit) break;
      if (position >= from) found.push({ position, text });
      position += lengthOf(text);
    }
    return found;
  }

  append(lines: readonly string[]): Promise<void> {
    assertLines(lines);
    return this.#write(this.#step, () => {
      this.#lines.push(...lines);
    });
  }

  rewrite(lines: readonly string[]): Promise<void> {
    assertLines(lines);
    return this.#write(this.#step, () => {
      this.#lines.splice(0, this.#lines.length, ...lines);
    });
  }
}

function lengthOf(line: string): number {
  return utf8(line).length + 1;
}

function assertLines(lines: readonly string[]): void {
  if (lines.some((line) => line.includes('\n'))) throw new RangeError('a line with a newline in it');
}

function slot(read: () => string | undefined, set: (text: string) => void, write: Write, step: string): TextSlot {
  return { load: async () => read(), save: (text) => write(step, () => set(text)) };
}

function memoryEvidence(files: Map<string, Uint8Array>, write: Write): EvidenceStore {
  return {
    ids: async () => [...files.keys()].toSorted(),
    get: async (id) => files.get(id)?.slice(),
    put: async (id, file) => {
      if (files.has(id)) return true;
      let total = file.length;
      for (const { length } of files.values()) total += length;
      if (total > MAX_EVIDENCE_BYTES) return false;
      await write('evidence', () => files.set(id, file.slice()));
      return true;
    },
  };
}

function closedError(): LimmatError {
  return new LimmatError('store-failed', 'the store is closed');
}
