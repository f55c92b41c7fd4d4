// The evidence that a monitor keeps, by the log that it is against, and whether it still holds with the keys of now.

import { LimmatError } from '../errors.ts';
import type { Hasher } from '../merkle/hash.ts';
import type { Evidence } from './evidence/evidence.ts';
import { parseEvidence } from './evidence/file.ts';
import type { EvidenceFile } from './evidence/file.ts';
import { verifyEvidence } from './evidence/verify.ts';
import type { EvidenceStore } from './ports.ts';
import type { LogIdentity } from './watched-log.ts';

export class KeptEvidence {
  readonly #store: EvidenceStore;
  /** By origin; not verified. */
  readonly #files = new Map<string, EvidenceFile[]>();

  private constructor(store: EvidenceStore) {
    this.#store = store;
  }

  /** Reads what a store holds. A file that this version cannot read convicts nobody here, and stays. */
  static async open(store: EvidenceStore): Promise<KeptEvidence> {
    const kept = new KeptEvidence(store);
    for (const id of await store.ids()) {
      const file = await store.get(id);
      if (file === undefined) continue;
      try {
        kept.#add(parseEvidence(file));
      } catch (error) {
        if (!(error instanceof LimmatError)) throw error;
      }
    }
    return kept;
  }

  /** The evidence against a log that holds with the keys that are configured now. */
  async against(log: LogIdentity, hasher: Hasher): Promise<readonly Evidence[]> {
    const evidence: Evidence[] = [];
    for (const file of this.#files.get(log.origin) ?? []) {
      try {
        evidence.push(await verifyEvidence(file, [log], hasher));
      } catch (error) {
        if (!(error instanceof LimmatError)) throw error;
      }
    }
    return evidence;
  }

  /** Keeps evidence with the file that `make` gives; false when it was kept before, or there is no room. */
  async keep(evidence: Evidence, make: () => Promise<Uint8Array>): Promise<boolean> {
    if ((await this.#store.get(evidence.id)) !== undefined) return false;
    const file = await make();
    if (!(await this.#store.put(evidence.id, file))) return false;
    this.#add(parseEvidence(file));
    return true;
  }

  #add(file: EvidenceFile): void {
    this.#files.set(file.origin, [...(this.#files.get(file.origin) ?? []), file]);
  }
}
