// A monitor's store in memory: the port of monitor/ports.ts with nothing behind it, for tests and browsers.

import { concat, utf8 } from '../../bytes.ts';
import { LimmatError } from '../../errors.ts';
import { HASH_SIZE, portableHasher } from '../../merkle/hash.ts';
import type { Hasher } from '../../merkle/hash.ts';
import type { StateKey } from '../../record/admission.ts';
import { openLeafMirror } from '../../monitor/leaf-mirror.ts';
import type { HashLevels } from '../../monitor/leaf-mirror.ts';
import { MAX_EVIDENCE_BYTES } from '../../monitor/ports.ts';
import type {
  EvidenceStore,
  JournalLine,
  KeyedRow,
  KeyedState,
  LineJournal,
  MonitorLogStore,
  MonitorStore,
  TextSlot,
} from '../../monitor/ports.ts';

/** Suspect bytes that are kept of one log. */
const MAX_SUSPECTS = 64;

interface LogMedium {
  state: string | undefined;
  readonly levels: Uint8Array[][];
  readonly heads: string[];
  readonly suspects: Map<string, Uint8Array>;
  readonly records: Map<StateKey, Uint8Array>;
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

/** How the parts get at the medium: not at all once the store is closed. */
interface Access {
  read<T>(look: () => T): Promise<T>;
  /** Runs a write between its two faults. */
  write(step: string, effect: () => void): Promise<void>;
}

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
      this.#access,
      'meta',
    );
    this.alerts = new MemoryJournal(medium.alerts, this.#access, 'alerts');
    this.evidence = memoryEvidence(medium.evidence, this.#access);
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
      log = { state: undefined, levels: [], heads: [], suspects: new Map(), records: new Map() };
      this.#medium.logs.set(origin, log);
    }
    const medium = log;
    return {
      state: slot(
        () => medium.state,
        (text) => (medium.state = text),
        this.#access,
        'state',
      ),
      mirror: await openLeafMirror(new MemoryLevels(medium.levels, this.#access), this.#hasher),
      heads: new MemoryJournal(medium.heads, this.#access, 'heads'),
      records: keyedState(medium.records, this.#access),
      keepSuspect: (name, bytes) =>
        this.#access.write('suspect', () => {
          medium.suspects.delete(name);
          medium.suspects.set(name, bytes.slice());
          for (const oldest of medium.suspects.keys()) {
            if (medium.suspects.size <= MAX_SUSPECTS) break;
            medium.suspects.delete(oldest);
          }
        }),
    };
  }

  readonly #access: Access = {
    read: async (look) => {
      if (this.#closed) throw closedError();
      return look();
    },
    write: async (step, effect) => {
      if (this.#closed) throw closedError();
      try {
        this.#faults?.(step, 'before');
        effect();
        this.#faults?.(step, 'after');
      } catch (cause) {
        throw new LimmatError('store-failed', `the ${step} could not be written`, { cause });
      }
    },
  };
}

/** 32-byte hashes a level, in chunks that are never copied. */
class MemoryLevels implements HashLevels {
  readonly #levels: Uint8Array[][];
  readonly #access: Access;

  constructor(levels: Uint8Array[][], access: Access) {
    this.#levels = levels;
    this.#access = access;
  }

  count(level: number): number {
    return this.#levels[level]?.length ?? 0;
  }

  read(level: number, start: number, count: number): Promise<Uint8Array> {
    return this.#access.read(() => concat(...(this.#levels[level] ?? []).slice(start, start + count)));
  }

  append(level: number, hashes: Uint8Array): Promise<void> {
    return this.#access.write('mirror', () => {
      const all = (this.#levels[level] ??= []);
      for (let at = 0; at < hashes.length; at += HASH_SIZE) all.push(hashes.slice(at, at + HASH_SIZE));
    });
  }

  truncate(level: number, count: number): Promise<void> {
    return this.#access.write('mirror', () => {
      this.#levels[level]!.length = count;
    });
  }

  flush(): Promise<void> {
    return this.#access.write('flush', () => {});
  }
}

class MemoryJournal implements LineJournal {
  readonly #lines: string[];
  readonly #access: Access;
  readonly #step: string;
  #end: number;

  constructor(lines: string[], access: Access, step: string) {
    this.#lines = lines;
    this.#access = access;
    this.#step = step;
    this.#end = lengthOf(lines);
  }

  get end(): number {
    return this.#end;
  }

  read(from: number, limit: number): Promise<readonly JournalLine[]> {
    return this.#access.read(() => this.#linesFrom(from, limit));
  }

  #linesFrom(from: number, limit: number): readonly JournalLine[] {
    const found: JournalLine[] = [];
    let position = 0;
    for (const text of this.#lines) {
      if (found.length === limit) break;
      if (position >= from) found.push({ position, text });
      position += lengthOf([text]);
    }
    return found;
  }

  async append(lines: readonly string[]): Promise<void> {
    assertLines(lines);
    await this.#access.write(this.#step, () => {
      this.#lines.push(...lines);
      this.#end += lengthOf(lines);
    });
  }

  async rewrite(lines: readonly string[]): Promise<void> {
    assertLines(lines);
    await this.#access.write(this.#step, () => {
      this.#lines.splice(0, this.#lines.length, ...lines);
      this.#end = lengthOf(lines);
    });
  }
}

/** Bytes of lines, with their newlines. */
function lengthOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + utf8(line).length + 1, 0);
}

function assertLines(lines: readonly string[]): void {
  if (lines.some((line) => line.includes('\n'))) throw new RangeError('a line with a newline in it');
}

function slot(get: () => string | undefined, set: (text: string) => void, access: Access, step: string): TextSlot {
  return { load: () => access.read(get), save: (text) => access.write(step, () => set(text)) };
}

function keyedState(rows: LogMedium['records'], access: Access): KeyedState {
  return {
    get: (keys) => access.read(() => keys.map((key) => rows.get(key))),
    scan: (from, below, limit) =>
      access.read(() =>
        [...rows]
          .filter(([key]) => key >= from && key < below)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .slice(0, limit)
          .map(([key, value]) => ({ key, value })),
      ),
    write: (written) => access.write('records', () => written.forEach((row) => setRow(rows, row))),
    clear: () => access.write('records', () => rows.clear()),
  };
}

function setRow(rows: LogMedium['records'], { key, value }: KeyedRow): void {
  if (value === null) rows.delete(key);
  else rows.set(key, value.slice());
}

function memoryEvidence(files: Map<string, Uint8Array>, access: Access): EvidenceStore {
  return {
    ids: () => access.read(() => [...files.keys()].toSorted()),
    get: (id) => access.read(() => files.get(id)?.slice()),
    put: async (id, file) => {
      let total = file.length;
      for (const { length } of files.values()) total += length;
      const isThere = files.has(id);
      if (!isThere && total > MAX_EVIDENCE_BYTES) return false;
      await access.write('evidence', () => {
        if (!isThere) files.set(id, file.slice());
      });
      return true;
    },
  };
}

function closedError(): LimmatError {
  return new LimmatError('store-failed', 'the store is closed');
}
