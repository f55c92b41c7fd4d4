// What a refusal rests on: only on what the admission chains say, which a log never withholds (DESIGN §3), or also on other
// entries, of which the bodies may be gone.

import type { Facts, StateKey } from '../../record/admission.ts';

/** Second letters of the keys whose values the chains decide, or the log's tree itself: record/admission/keys.ts. */
const BY_CHAINS = 'lnkcpt';

/** Facts that remember what was asked of them. */
export class AskedFacts implements Facts {
  readonly #facts: Facts;
  #isByChains = true;

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  get(key: StateKey): Uint8Array | undefined {
    if (!BY_CHAINS.includes(key[1]!)) this.#isByChains = false;
    return this.#facts.get(key);
  }

  /** True when nothing was asked but what the chains say. */
  get isByChains(): boolean {
    return this.#isByChains;
  }
}
