// A witness in memory, logs with a real tree behind them, and a clock that a test sets.

import { MemoryWitnessPlace, memoryWitnessGuard, memoryWitnessStore } from '../../src/adapters/memory/witness-store.ts';
import type { WitnessFaults } from '../../src/adapters/memory/witness-store.ts';
import { utf8 } from '../../src/bytes.ts';
import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { asHash } from '../../src/merkle/hash.ts';
import type { Hash } from '../../src/merkle/hash.ts';
import { formatAddCheckpoint } from '../../src/note/add-checkpoint.ts';
import { formatCheckpoint } from '../../src/note/checkpoint.ts';
import { SIGNATURE_TYPE } from '../../src/note/key.ts';
import type { SignatureTypeByte } from '../../src/note/key.ts';
import { formatNote } from '../../src/note/note.ts';
import { checkpointVerifier, noteSigner } from '../../src/note/signer.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';
import { Witness } from '../../src/witness/witness.ts';
import type { ListedLog, Suspicion, WitnessOptions } from '../../src/witness/index.ts';
import { testKey } from './notes.ts';
import { RfcTree, rfcLeafHash, rfcTestTree, testEntry } from './rfc-tree.ts';

export const START_SECONDS = 1_790_000_000;
export const WITNESS_NAME = 'witness.example/w1';

/** A log's side: every head of one history, signed as its keys sign. */
export class WitnessedTestLog {
  readonly origin: string;
  readonly signers: readonly CheckpointSigner[];
  readonly tree: RfcTree;

  /** One key of each type; `fill` tells the keys of two logs apart. */
  constructor(
    origin: string,
    tree: RfcTree,
    types: readonly SignatureTypeByte[] = [SIGNATURE_TYPE.ed25519],
    fill = 40,
  ) {
    this.origin = origin;
    this.tree = tree;
    this.signers = types.map((type) => noteSigner(testKey(origin, type, fill + type, nodeCrypto), nodeCrypto));
  }

  get listed(): ListedLog {
    const verifiers = this.signers.map(({ vkey }) => checkpointVerifier(vkey, nodeCrypto));
    return { origin: this.origin, verifiers };
  }

  root(size: number): Hash {
    return asHash(this.tree.root(0, size));
  }

  /** A signed head, with lines of others behind the log's. */
  async note(
    size: number,
    options: {
      readonly root?: Uint8Array;
      readonly atSeconds?: number;
      readonly extensions?: readonly string[];
      readonly lines?: readonly string[];
    } = {},
  ): Promise<Uint8Array> {
    const { root = this.root(size), atSeconds = START_SECONDS, extensions = [], lines = [] } = options;
    const text = formatCheckpoint({ origin: this.origin, size, rootHash: root, extensions });
    const own = await Promise.all(this.signers.map((signer) => signer.sign(text, atSeconds)));
    return utf8(formatNote(text, [...own, ...lines]));
  }

  /** The request that grows a witness from one size to another. */
  async request(
    oldSize: number,
    size: number,
    options: Parameters<WitnessedTestLog['note']>[1] = {},
  ): Promise<Uint8Array> {
    const proof = oldSize === 0 || oldSize >= size ? [] : this.tree.proof(oldSize, size);
    return formatAddCheckpoint({ oldSize, proof, checkpoint: await this.note(size, options) });
  }
}

/** A tree that shares the first `common` entries with rfcTestTree, and no others. */
export function forkedTree(common: number, size: number): RfcTree {
  return new RfcTree(Array.from({ length: size }, (_, i) => rfcLeafHash(testEntry(i < common ? i : 1000 + i))));
}

export interface WitnessWorldOptions {
  readonly logs?: readonly WitnessedTestLog[];
  readonly types?: readonly SignatureTypeByte[];
  readonly place?: MemoryWitnessPlace;
  readonly storeFaults?: WitnessFaults;
  readonly guardFaults?: WitnessFaults;
  readonly init?: boolean;
  readonly more?: Partial<WitnessOptions>;
}

/** Everything that a test of a witness needs. */
export interface WitnessWorld {
  readonly witness: Witness;
  readonly log: WitnessedTestLog;
  readonly place: MemoryWitnessPlace;
  readonly suspicions: Suspicion[];
  /** Moves both clocks. */
  readonly tick: (seconds: number) => void;
  /** Moves the wall clock alone. */
  readonly jump: (seconds: number) => void;
}

export const witnessSigners = (types: readonly SignatureTypeByte[]): CheckpointSigner[] =>
  types.map((type) => noteSigner(testKey(WITNESS_NAME, type, 20 + type, nodeCrypto), nodeCrypto));

export async function witnessWorld(options: WitnessWorldOptions = {}): Promise<WitnessWorld> {
  const { logs = [new WitnessedTestLog('log.example/a', rfcTestTree(64))], place = new MemoryWitnessPlace() } = options;
  let nowMillis = START_SECONDS * 1000;
  let monotonicMillis = 0;
  const suspicions: Suspicion[] = [];
  const witness = await Witness.open({
    signers: witnessSigners(options.types ?? [SIGNATURE_TYPE.cosignatureEd25519]),
    logs: logs.map(({ listed }) => listed),
    store: memoryWitnessStore(place, options.storeFaults),
    guard: memoryWitnessGuard(place, options.guardFaults),
    clock: { nowMillis: () => nowMillis, monotonicMillis: () => monotonicMillis },
    hasher: nodeHasher,
    random: () => 0.5,
    init: options.init ?? place.mark === undefined,
    onSuspicion: (one) => suspicions.push(one),
    ...options.more,
  });
  return {
    witness,
    log: logs[0]!,
    place,
    suspicions,
    tick: (seconds) => {
      nowMillis += seconds * 1000;
      monotonicMillis += seconds * 1000;
    },
    jump: (seconds) => (nowMillis += seconds * 1000),
  };
}
