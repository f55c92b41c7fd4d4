// A mirror of one or many logs: a round looks at each of them once. One log's trouble is that log's alone.

import { toHex, utf8 } from '../bytes.ts';
import { mapBounded } from '../client/http-reader.ts';
import type { LogReader } from '../client/http-reader.ts';
import { LimmatError, asLimmatError, isLimmatError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { Hasher } from '../merkle/hash.ts';
import { tileWidthAt } from '../merkle/tile.ts';
import type { TilePath } from '../merkle/tile.ts';
import type { RewritableStorage } from '../storage.ts';
import type { MirrorSigner } from './cosign.ts';
import type { MirrorGuard } from './guard.ts';
import { MirroredLog } from './mirrored-log.ts';
import type { MirrorCheckpoint, MirrorIdentity } from './mirrored-log.ts';
import { pull } from './pull.ts';

/** A log to mirror, and where it is read from. */
export interface MirrorSource extends MirrorIdentity {
  readonly reader: LogReader;
}

export interface MirrorOptions {
  readonly logs: readonly MirrorSource[];
  /** Opens the store of a log, an empty one where there is none yet. */
  readonly openStorage: (originHash: string) => Promise<RewritableStorage>;
  /** What was signed of a log, kept apart from its store. */
  readonly openGuard: (originHash: string) => MirrorGuard;
  readonly signer: MirrorSigner;
  readonly hasher: Hasher;
  readonly nowMillis: () => number;
  readonly onProgress?: (origin: string, done: number, total: number) => void;
}

/** What went wrong at the last look at a log. */
export interface MirrorTrouble {
  readonly code: ErrorCode;
  readonly message: string;
  readonly atSeconds: number;
}

/** How a mirrored log stands. */
export interface MirroredLogView {
  readonly origin: string;
  readonly originHash: string;
  readonly url: string;
  /** Of the mirror checkpoint; undefined before the first one. */
  readonly size: number | undefined;
  /** Entries that are durable here, of which the last may be in no mirror checkpoint yet. */
  readonly nextEntry: number;
  /** Of the largest checkpoint of the log that was found consistent. */
  readonly logSize: number;
  /** Entries of it that are not mirrored yet. */
  readonly lag: number;
  /** When the mirror checkpoint was last found to be the log's. */
  readonly currentAtSeconds: number | undefined;
  /** Looks in a row that failed. */
  readonly failures: number;
  readonly trouble: MirrorTrouble | undefined;
  /** Why the log is followed no more: it contradicts itself. */
  readonly stopped: string | undefined;
  /** Signed notes that are kept because they contradict what is mirrored. */
  readonly contradictions: number;
}

/** What a round came to. */
export interface MirrorRound {
  readonly entries: number;
  /** Logs whose look failed, by origin. */
  readonly failed: ReadonlyMap<string, LimmatError>;
}

/** Logs that are looked at at once. */
const PARALLEL_LOGS = 4;

/** The directory name of a log in a mirror, and in its paths: SHA-256 of the origin, in lowercase hexadecimal. */
export function originHashOf(origin: string, hasher: Hasher): string {
  return toHex(hasher.sha256(utf8(origin)));
}

/** One log of a mirror, as it is pulled, pushed and served. */
export class MirrorLog {
  readonly source: MirrorSource;
  readonly originHash: string;
  readonly #options: MirrorOptions;
  #log: MirroredLog | undefined;
  #opening: Promise<MirroredLog> | undefined;
  #failures = 0;
  #trouble: MirrorTrouble | undefined;
  #currentAtSeconds: number | undefined;
  #contradictions = 0;
  readonly errors = new Map<ErrorCode, number>();

  constructor(source: MirrorSource, options: MirrorOptions) {
    this.source = source;
    this.originHash = originHashOf(source.origin, options.hasher);
    this.#options = options;
  }

  get origin(): string {
    return this.source.origin;
  }

  /** The log's copy; undefined while its store cannot be opened. */
  get copy(): MirroredLog | undefined {
    return this.#log;
  }

  /** The log's copy, opened if it is not yet. Errors: those of MirroredLog.open. */
  async open(): Promise<MirroredLog> {
    const { openStorage, openGuard, signer, hasher } = this.#options;
    const { origin, verifiers } = this.source;
    this.#opening ??= MirroredLog.open({
      origin,
      verifiers,
      signer,
      guard: openGuard(this.originHash),
      hasher,
      openStorage: () => openStorage(this.originHash),
    });
    try {
      this.#log = await this.#opening;
      this.#contradictions = (await this.#log.contradictions()).length;
      return this.#log;
    } catch (error) {
      // What failed is tried again at the next look.
      this.#opening = undefined;
      throw error;
    }
  }

  /** One look at the log. Errors: those of `open` and `pull`. */
  async look(signal: AbortSignal | undefined): Promise<number> {
    const { hasher, onProgress, nowMillis } = this.#options;
    try {
      const log = this.#log ?? (await this.open());
      const { reader } = this.source;
      const report = await pull({
        log,
        reader,
        hasher,
        ...(signal !== undefined && { signal }),
        ...(onProgress !== undefined && { onProgress: (done, total) => onProgress(this.origin, done, total) }),
      });
      this.#failures = 0;
      this.#trouble = undefined;
      if (report.isCurrent) this.#currentAtSeconds = Math.floor(nowMillis() / 1000);
      return report.entries;
    } catch (thrown) {
      if (signal?.aborted === true) return 0;
      const error = asLimmatError(thrown);
      this.#failures++;
      this.#trouble = { code: error.code, message: error.message, atSeconds: Math.floor(nowMillis() / 1000) };
      this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
      this.#contradictions = (await this.#log?.contradictions().catch(() => undefined))?.length ?? this.#contradictions;
      throw error;
    }
  }

  view(): MirroredLogView {
    const log = this.#log;
    const size = log?.published?.size;
    const logSize = log?.newest?.size ?? 0;
    return {
      origin: this.origin,
      originHash: this.originHash,
      url: this.source.reader.url,
      size,
      nextEntry: log?.nextEntry ?? 0,
      logSize,
      lag: logSize - (size ?? 0),
      currentAtSeconds: this.#currentAtSeconds,
      failures: this.#failures,
      trouble: this.#trouble,
      stopped: log?.stopped,
      contradictions: this.#contradictions,
    };
  }

  /** The mirror checkpoint's note, as it is served. */
  checkpoint(): Uint8Array | undefined {
    return this.#log?.published?.note;
  }

  /** The resources at these paths that the mirror checkpoint covers; undefined for others. */
  async read(paths: readonly TilePath[]): Promise<readonly (Uint8Array | undefined)[]> {
    const published = this.#log?.published;
    const covered = paths.filter((path) => published !== undefined && isCovered(path, published));
    const contents = covered.length === 0 ? [] : await this.#log!.read(covered);
    let next = 0;
    return paths.map((path) => (covered[next] === path ? contents[next++] : undefined));
  }

  /** For the resources that HTTP serves. */
  status(): { readonly published: { readonly size: number } | undefined } {
    return { published: this.#log?.published };
  }

  async close(): Promise<void> {
    await this.#opening?.then((log) => log.close()).catch(() => undefined);
  }
}

function isCovered(path: TilePath, { size }: MirrorCheckpoint): boolean {
  return path.width <= tileWidthAt(path.kind === 'tile' ? path.level : 0, path.index, size);
}

export class Mirror {
  readonly logs: readonly MirrorLog[];
  readonly signer: MirrorSigner;
  readonly hasher: Hasher;

  private constructor(options: MirrorOptions) {
    this.logs = options.logs.map((source) => new MirrorLog(source, options));
    this.signer = options.signer;
    this.hasher = options.hasher;
  }

  /**
   * Opens the copies of all logs. `bad-config` when a log has the mirror's name or key, `store-locked` while another
   * process has the directory; a copy that cannot be opened for another reason is that log's trouble, and is tried again.
   */
  static async open(options: MirrorOptions): Promise<Mirror> {
    for (const { origin, verifiers } of options.logs) options.signer.assertDistinct(origin, verifiers);
    const mirror = new Mirror(options);
    try {
      await mapBounded(mirror.logs, PARALLEL_LOGS, async (log) => {
        await log.open().catch((error: unknown) => {
          if (isLimmatError(error, 'store-locked') || !isLimmatError(error)) throw error;
        });
      });
      return mirror;
    } catch (error) {
      await mirror.close();
      throw error;
    }
  }

  /** The log of this origin. */
  log(origin: string): MirrorLog | undefined {
    return this.logs.find((log) => log.origin === origin);
  }

  /** Looks at every log once. */
  async round(signal?: AbortSignal): Promise<MirrorRound> {
    const failed = new Map<string, LimmatError>();
    const entries = await mapBounded(this.logs, PARALLEL_LOGS, async (log) => {
      if (signal?.aborted === true) return 0;
      try {
        return await log.look(signal);
      } catch (error) {
        failed.set(log.origin, asLimmatError(error));
        return 0;
      }
    });
    return { entries: entries.reduce((sum, count) => sum + count, 0), failed };
  }

  /** Lets go of every store once what is under way has ended. */
  async close(): Promise<void> {
    await Promise.all(this.logs.map((log) => log.close()));
  }
}
