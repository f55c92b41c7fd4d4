// The witnesses of one log under a policy (C2SP tlog-policy): asked side by side, each with at most one request under way,
// until the quorum is met. What a witness says about others, or about itself, changes nothing; only its verified lines
// count. Fills the log's port `Cosigner` (log/cosigner.ts).

import { utf8 } from '../bytes.ts';
import { SIZES } from '../crypto/suite.ts';
import type { CryptoSuite } from '../crypto/suite.ts';
import { LimmatError } from '../errors.ts';
import type { Hasher } from '../merkle/hash.ts';
import { parseCheckpoint } from '../note/checkpoint.ts';
import { MAX_NOTE_BYTES, MAX_SIGNATURES, parseNote } from '../note/note.ts';
import { NO_QUORUM, quorumMet } from '../note/policy.ts';
import type { Policy } from '../note/policy.ts';
import { quorumNumbers } from '../note/quorum.ts';
import { signatureTypeOf } from '../note/signature-type.ts';
import { checkpointVerifier } from '../note/signer.ts';
import type { Fetch } from './bounded-fetch.ts';
import { CosignRound } from './cosign-round.ts';
import type { Cosigned, Cosignatures, RoundRequest } from './cosign-round.ts';
import { WitnessEndpoint } from './witness-endpoint.ts';
import type { WitnessMember, WitnessTrouble } from './witness-endpoint.ts';

/** How long a witness gets for a checkpoint, a second try included. */
export const DEFAULT_WITNESS_DEADLINE_MILLIS = 5000;
/** For how long lines are taken that come after the quorum. */
export const DEFAULT_WITNESS_GRACE_MILLIS = 500;

/** Room for the log's own lines, which are two: an ML-DSA-44 line takes 3.3 kB, a text with its origin less than 1 kB. */
const OWN_LINES = 4;
const OWN_BYTES = 16 * 1024;

/** The clock of the caller's runtime, or of a test. */
export interface CosignClock {
  /** Unix time in milliseconds. */
  nowMillis(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMillis(): number;
  /** Calls back once after that time; the returned function cancels it. */
  after(millis: number, callback: () => void): () => void;
}

export interface WitnessesOptions {
  /** Its `witness` lines with an address are asked; its `log` lines mean nothing here. */
  readonly policy: Policy;
  readonly crypto: CryptoSuite;
  readonly fetch: Fetch;
  readonly clock: CosignClock;
  readonly hasher?: Hasher;
  readonly deadlineMillis?: number;
  readonly graceMillis?: number;
  /** Told of each failure of a witness. */
  readonly onTrouble?: (trouble: WitnessTrouble) => void;
}

export class Witnesses {
  /** The rule for people; undefined where the policy asks for no cosignature. */
  readonly quorum: string | undefined;
  /** See Cosigner. */
  readonly hasDisjointQuorums: boolean;
  readonly #options: WitnessesOptions;
  readonly #members: readonly WitnessMember[];
  readonly #endpoints: readonly WitnessEndpoint[];
  #round: CosignRound | undefined;

  /**
   * RangeError, with a sentence for the operator, when the witnesses with an address are not enough for the quorum, an
   * address is none, or the lines of all witnesses would not fit into a note.
   */
  constructor(options: WitnessesOptions) {
    const { policy, crypto } = options;
    this.#options = options;
    assertAskable(policy);
    assertFits(policy);
    this.quorum = policy.quorum === NO_QUORUM ? undefined : inWords(policy, policy.quorum);
    this.hasDisjointQuorums = quorumNumbers(policy)?.shared === 0;
    this.#members = policy.witnesses.map(({ name, key }) => ({ name, verifier: checkpointVerifier(key, crypto) }));
    const urls = new Map<string, WitnessMember[]>();
    for (const [i, { url }] of policy.witnesses.entries()) {
      if (url !== undefined) urls.set(prefixOf(url), [...(urls.get(prefixOf(url)) ?? []), this.#members[i]!]);
    }
    this.#endpoints = [...urls].map(
      ([url, members]) => new WitnessEndpoint({ ...options, url, members, ...times(options) }),
    );
  }

  /** See Cosigner. */
  cosign(request: RoundRequest): Promise<Cosigned> {
    const { policy, clock } = this.#options;
    this.#round?.end();
    const round = new CosignRound({ policy, clock, request, ...times(this.#options) });
    this.#round = round;
    for (const endpoint of this.#endpoints) endpoint.take(round);
    round.begin();
    return round.cosigned;
  }

  /** See Cosigner. */
  async look(note: Uint8Array): Promise<Cosignatures> {
    const parsed = parseNote(note);
    const { size } = parseCheckpoint(parsed.text);
    const lines: string[] = [];
    const names = new Set<string>();
    for (const { name, verifier } of this.#members) {
      for (const signature of parsed.signatures) {
        if (names.has(name) || signature.name !== verifier.name || signature.keyId !== verifier.keyId) continue;
        // Time 0 says nothing about a time, and no verifier with a maximum age counts it.
        if (!(await verifier.verify(parsed, signature))) continue;
        names.add(name);
        lines.push(signature.line);
      }
    }
    for (const endpoint of this.#endpoints) endpoint.remember(names, size);
    return { lines, isQuorum: quorumMet(this.#options.policy, names) };
  }

  /** See Cosigner. */
  status(): ReturnType<WitnessEndpoint['status']> {
    const known = new Map(this.#endpoints.flatMap((endpoint) => endpoint.status().map((one) => [one.name, one])));
    return this.#members.flatMap(({ name }) => known.get(name) ?? []);
  }

  /** See Cosigner. */
  close(): void {
    this.#round?.end();
    for (const endpoint of this.#endpoints) endpoint.close();
  }
}

function times({ deadlineMillis, graceMillis }: WitnessesOptions): { deadlineMillis: number; graceMillis: number } {
  return {
    deadlineMillis: deadlineMillis ?? DEFAULT_WITNESS_DEADLINE_MILLIS,
    graceMillis: graceMillis ?? DEFAULT_WITNESS_GRACE_MILLIS,
  };
}

/** Two witnesses of one address are two keys of one server, which signs with both at once. */
function prefixOf(url: string): string {
  return url.replace(/\/+$/, '');
}

function assertAskable(policy: Policy): void {
  const asked = policy.witnesses.filter(({ url }) => url !== undefined);
  for (const { name, url } of asked) {
    const parsed = URL.canParse(url!) ? new URL(url!) : undefined;
    if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.search !== '' || parsed.hash !== '') {
      throw new RangeError(`the address of witness ${name} is no http or https address: ${url}`);
    }
  }
  if (asked.length === 0) throw new RangeError('no witness has an address to ask it at');
  if (quorumMet(policy, new Set(asked.map(({ name }) => name)))) return;
  throw new RangeError('the witnesses that have an address are not enough for the quorum');
}

/** Every witness signs a note at most once, so what fits with all of them always fits. */
function assertFits({ witnesses }: Policy): void {
  let bytes = OWN_BYTES;
  for (const { key } of witnesses) {
    const { signatureSize } = SIZES[signatureTypeOf(key.type)!.algorithm];
    bytes += 6 + utf8(key.name).length + 4 * Math.ceil((4 + 8 + signatureSize) / 3);
  }
  if (witnesses.length + OWN_LINES <= MAX_SIGNATURES && bytes <= MAX_NOTE_BYTES) return;
  throw new RangeError(
    `the lines of ${witnesses.length} witnesses take ${bytes} bytes with the log's own, and a checkpoint has at most ` +
      `${MAX_SIGNATURES} lines and ${MAX_NOTE_BYTES} bytes`,
  );
}

/** "2 of A, B, (1 of C, D)". */
function inWords(policy: Policy, name: string): string {
  const group = policy.groups.find((one) => one.name === name);
  if (group === undefined) return name;
  const members = group.members.map((member) =>
    policy.groups.some((one) => one.name === member) ? `(${inWords(policy, member)})` : member,
  );
  return `${group.threshold} of ${members.join(', ')}`;
}

/** The policy in this text as a list of witnesses to ask. LimmatError `bad-config` where there is no way to. */
export function openWitnesses(options: WitnessesOptions): Witnesses {
  try {
    return new Witnesses(options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LimmatError('bad-config', error.message, { cause: error });
  }
}
