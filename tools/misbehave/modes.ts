// The lies that a log can tell, one a row. A row says in a sentence what the log does, and gives what answers requests
// from the moment on at which it begins. Where a lie needs the log's signature, it is made with the log's real keys.

import { utf8 } from '../../src/bytes.ts';
import { formatEntryBundle, parseEntryBundle, parseTilePath, tileWidthAt, TILE_WIDTH } from '../../src/merkle/tile.ts';
import type { TilePath } from '../../src/merkle/tile.ts';
import { formatNote, formatSignatureLine, parseNote } from '../../src/note/note.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';
import type { StatementSigner } from '../../src/record/index.ts';
import { changed, dripped, endless, notFound, withBody } from './answers.ts';
import { signHead } from './branch.ts';
import type { Branch } from './branch.ts';
import { freshSigners } from './keys.ts';
import type { OwnRecords } from './own-records.ts';
import { RECORD_ROWS } from './record-modes.ts';
import { WITNESS_ROWS, rewritten } from './witness-modes.ts';

/** A request, by its path below the log's prefix, without a leading slash. */
export interface Asked {
  readonly path: string;
  readonly request: Request;
  /** One of the readers that a targeted lie is told to. */
  readonly isVictim: boolean;
  /** What the log would answer if it were honest. */
  readonly truth: () => Promise<Response>;
}

/** What a lie is made with. */
export interface Stage {
  readonly origin: string;
  readonly signers: readonly CheckpointSigner[];
  readonly truth: Branch;
  /** The leaves of the true history so far. */
  readonly leaves: readonly Uint8Array[];
  /** Where a rewritten history leaves the true one: the index of its first other entry. */
  readonly forkAt: number;
  /** What the other history has from there on; the entries after these are the true ones. */
  readonly instead: readonly Uint8Array[];
  /** Aborts when the log ends. */
  readonly ended: AbortSignal;
  readonly nowSeconds: () => number;
  /** Opens another history under the same keys; `grows` = it gets every entry that the true one gets. */
  branch(leaves: readonly Uint8Array[], grows: boolean): Promise<Branch>;
  /** Statements signed as of that time, by the issuer's key or another. */
  makeLeaves(count: number, iatSeconds: number, by?: StatementSigner): Promise<Uint8Array[]>;
  /** What the log that `begins` with records has beside builds. */
  readonly records: OwnRecords | undefined;
  /** Cosigns whatever it is given, where the log `begins` witnessed. */
  readonly witness: CheckpointSigner;
  /** Appends to the true history, and to every other one that grows. */
  append(leaves: readonly Uint8Array[]): Promise<void>;
}

/** What answers from now on. */
export type Teller = (asked: Asked) => Promise<Response>;

export interface LieMode {
  readonly name: string;
  /** What the log does, in a sentence that begins with a verb: "shows …". */
  readonly lie: string;
  /**
   * A lie about records: the log begins with a genesis, and says by it what it refuses. Or one about a witness: what the log
   * publishes while it is honest is cosigned.
   */
  readonly begins?: 'records' | 'witnessed';
  begin(stage: Stage): Promise<Teller>;
}

/** How much later than the signature before a rolled-back head is signed. */
const STEP_SECONDS = 1;
const DAY_SECONDS = 86_400;
/** Off by more than the window of a day (DEFAULT_IAT_WINDOW_SECONDS) that the log promises to keep. */
const TRAVEL_SECONDS = 3 * DAY_SECONDS;

/** A lie about the resource at this path alone, told by changing its bytes. */
function aboutTiles(
  change: (path: TilePath, body: Uint8Array, stage: Stage) => Uint8Array | undefined,
): LieMode['begin'] {
  return async (stage) => async (asked) => {
    const path = parseTilePath(asked.path);
    const truth = await asked.truth();
    return path === undefined ? truth : changed(truth, (body) => change(path, body, stage));
  };
}

/** A lie that is one checkpoint note, the same for everyone. */
function aboutCheckpoint(make: (stage: Stage, truth: () => Uint8Array) => Promise<Uint8Array>): LieMode['begin'] {
  return async (stage) => async (asked) =>
    asked.path === 'checkpoint' ? withBody(await make(stage, () => stage.truth.head().note)) : asked.truth();
}

function ofBundles(change: (entries: Uint8Array[]) => readonly Uint8Array[]): LieMode['begin'] {
  return aboutTiles((path, body) =>
    path.kind === 'entries' ? formatEntryBundle(change(parseEntryBundle(body, path.width))) : body,
  );
}

function flipLastBit(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[copy.length - 1] = copy.at(-1)! ^ 1;
  return copy;
}

/** The note with one bit of its first signature changed. */
function withBadSignature(noteBytes: Uint8Array): Uint8Array {
  const note = parseNote(noteBytes);
  const [first, ...others] = note.signatures;
  const line = formatSignatureLine(first!.name, first!.keyId, flipLastBit(first!.signature));
  return utf8(formatNote(note.text, [line, ...others]));
}

/** True for a resource of the tree of this size. */
function isWithin(path: TilePath, size: number): boolean {
  const level = path.kind === 'tile' ? path.level : 0;
  return path.width <= tileWidthAt(level, path.index, size);
}

/** From the last bundle that was begun when the lie began. */
function isNewest(path: TilePath, size: number): boolean {
  return (path.kind === 'entries' || path.level === 0) && path.index >= Math.floor((size - 1) / TILE_WIDTH);
}

const ROWS = [
  {
    name: 'fork',
    lie: 'rewrites an entry that it had published, and signs the new history for everyone',
    begin: async (stage) => {
      const other = await stage.branch(rewritten(stage), true);
      return ({ request }) => other.answer(request);
    },
  },
  {
    name: 'rollback',
    lie: 'goes back to a smaller tree and signs it as its largest of a later time',
    begin: async (stage) => {
      const other = await stage.branch(stage.leaves.slice(0, stage.forkAt), false);
      const after = stage.truth.head().timestampSeconds + STEP_SECONDS;
      return async ({ path, request }) => {
        if (path !== 'checkpoint') return other.answer(request);
        const time = Math.max(stage.nowSeconds(), after);
        return withBody(await signHead(stage.origin, other.head(), time, stage.signers));
      };
    },
  },
  {
    name: 'freeze',
    lie: 'shows what it was at one moment for ever, and hides what it logs after',
    begin: async ({ truth }) => {
      const frozen = truth.head();
      return async ({ path, truth: honest }) => {
        if (path === 'checkpoint') return withBody(frozen.note);
        const tile = parseTilePath(path);
        return tile === undefined || isWithin(tile, frozen.size) ? honest() : notFound();
      };
    },
  },
  {
    name: 'bad-signature',
    lie: 'shows a head whose signature under its own key does not hold',
    begin: aboutCheckpoint(async (_, truth) => withBadSignature(truth())),
  },
  {
    name: 'unknown-key',
    lie: 'signs its head with keys that carry its name and that nobody was told of',
    begin: async (stage) => {
      const signers = freshSigners(stage.origin);
      return aboutCheckpoint(({ origin, truth, nowSeconds }) => signHead(origin, truth.head(), nowSeconds(), signers))(
        stage,
      );
    },
  },
  {
    name: 'missing-tile',
    lie: 'has lost its newest entry bundle and the tile beside it: 404',
    begin: async (stage) => {
      const { size } = stage.truth.head();
      return aboutTiles((path, body) => (isNewest(path, size) ? undefined : body))(stage);
    },
  },
  {
    name: 'bit-flip',
    lie: 'serves entries of which one bit is not what its head commits to',
    begin: ofBundles((entries) => entries.map((entry, i) => (i === entries.length - 1 ? flipLastBit(entry) : entry))),
  },
  {
    name: 'truncate',
    lie: 'serves the first half of every tile and entry bundle as if it were all of it',
    begin: aboutTiles((_, body) => body.slice(0, Math.floor(body.length / 2))),
  },
  {
    name: 'slow',
    lie: 'answers with one byte a second',
    begin:
      async ({ ended }) =>
      async ({ truth }) =>
        dripped(await truth(), ended),
  },
  {
    name: 'oversize',
    lie: 'answers without an end, compressed a thousand to one where the reader allows it',
    begin:
      async ({ ended }) =>
      async ({ request }) =>
        endless(request, ended),
  },
  {
    name: 'reorder',
    lie: 'serves the last two entries of a bundle in the other order',
    begin: ofBundles((entries) => [...entries.slice(0, -2), ...entries.slice(-2).toReversed()]),
  },
  {
    name: 'time-travel',
    lie: 'logs an entry that claims to be three days older than it can be, and one from three days ahead',
    begin: async (stage) => {
      const now = stage.nowSeconds();
      const past = await stage.makeLeaves(1, now - TRAVEL_SECONDS);
      await stage.append([...past, ...(await stage.makeLeaves(1, now + TRAVEL_SECONDS))]);
      return ({ truth }) => truth();
    },
  },
  {
    name: 'targeted',
    lie: 'shows some readers another history than the rest of the world',
    begin: async (stage) => {
      const other = await stage.branch(rewritten(stage), true);
      return ({ request, isVictim, truth }) => (isVictim ? other.answer(request) : truth());
    },
  },
  ...RECORD_ROWS,
  ...WITNESS_ROWS,
] as const satisfies readonly LieMode[];

/** The name of a lie. */
export type LieName = (typeof ROWS)[number]['name'];

export const LIE_NAMES: readonly LieName[] = Object.freeze(ROWS.map(({ name }) => name));

export function lieMode(name: LieName): LieMode {
  return ROWS.find((row) => row.name === name)!;
}
