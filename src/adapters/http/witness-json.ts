// How a witness and its logs stand, as JSON.

import { toBase64 } from '../../bytes.ts';
import type { Witness } from '../../witness/witness.ts';

export interface WitnessJson {
  readonly name: string;
  readonly vkeys: readonly string[];
  /** Unix seconds of the latest time that was signed; 0 before the first. */
  readonly lastSigned: number;
  readonly logs: readonly {
    readonly origin: string;
    readonly originHash: string;
    readonly vkeys: readonly string[];
    /** The last head that was cosigned; absent before the first. */
    readonly size?: number;
    readonly rootHash?: string;
    /** Signed heads that are kept as suspect; all but some of a `rollback` were refused. */
    readonly refused: number;
  }[];
}

export function witnessJson(witness: Pick<Witness, 'name' | 'vkeys' | 'logs' | 'status'>): WitnessJson {
  return {
    name: witness.name,
    vkeys: witness.vkeys,
    lastSigned: witness.status().lastSeconds,
    logs: witness.logs().map(({ origin, originHash, vkeys, head, suspicions }) => ({
      origin,
      originHash,
      vkeys,
      ...(head !== undefined && { size: head.size, rootHash: toBase64(head.rootHash) }),
      refused: suspicions,
    })),
  };
}
