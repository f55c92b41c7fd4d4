// Reads what a witness says that it has cosigned: `GET <monitoring prefix>/<origin hash>/checkpoint` (C2SP tlog-witness,
// "Monitor Retrieval Mechanism"). The address is the configuration's; answers are bounded in bytes and in time.

import { toHex, utf8 } from '../../bytes.ts';
import { boundedFetch } from '../../client/bounded-fetch.ts';
import type { Fetch } from '../../client/bounded-fetch.ts';
import { isLimmatError } from '../../errors.ts';
import { portableHasher } from '../../merkle/hash.ts';
import type { WitnessReader } from '../watched-log.ts';

export interface WitnessReaderOptions {
  /** Of the key with which the witness cosigns. */
  readonly vkey: string;
  /** The monitoring prefix, ending in a slash. */
  readonly url: string;
  readonly fetch?: Fetch;
  readonly timeoutMillis?: number;
  /** Ends every request when it aborts. */
  readonly signal?: AbortSignal;
}

/** A note's limit (DESIGN §7). */
const MAX_BYTES = 256 * 1024;
const DEFAULT_TIMEOUT_MILLIS = 10_000;

/** A reader of the witness's endpoint. Its calls reject as boundedFetch does, but for a log that it never cosigned. */
export function witnessReader(options: WitnessReaderOptions): WitnessReader {
  const send: Fetch = options.fetch ?? ((url, init) => fetch(url, init));
  const { vkey, url, timeoutMillis = DEFAULT_TIMEOUT_MILLIS, signal } = options;
  return Object.freeze({
    vkey,
    url,
    async checkpoint(origin: string): Promise<Uint8Array | undefined> {
      const path = `${toHex(portableHasher.sha256(utf8(origin)))}/checkpoint`;
      try {
        const init = { headers: { 'Accept-Encoding': 'identity' } };
        const { body } = await boundedFetch(send, url + path, init, { maxBytes: MAX_BYTES, timeoutMillis, signal });
        return body;
      } catch (error) {
        if (!isLimmatError(error, 'not-found')) throw error;
        return undefined;
      }
    },
  });
}
