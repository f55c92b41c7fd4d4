// The three forms that a build's provenance comes in: an in-toto statement as bare JSON, in a DSSE envelope, or in a
// sigstore bundle v0.3 (docs/pipelines.md). Reading gives what it says; whose word that is, only verifyEnvelope and the
// tools of sigstore say.
//
// Out of scope: certificates, transparency-log entries and timestamps of bundles.

import { LimmatError } from '../../errors.ts';
import type { CoseKey } from '../../cose/key.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { readEnvelope, signersOf, type DsseEnvelope } from './dsse.ts';
import { isObject, parseJson, type JsonLimits, type JsonObject } from './json.ts';
import { MAX_PROVENANCE_BYTES, MAX_PROVENANCE_DEPTH } from './limits.ts';
import { readStatement, type SlsaProvenance } from './statement.ts';

/** How the statement came. */
export type ProvenanceForm = 'statement' | 'dsse' | 'sigstore-bundle';

/** A provenance of right form. Nothing is verified: the envelope is there unless it came as a bare statement. */
export interface Provenance {
  readonly form: ProvenanceForm;
  readonly states: SlsaProvenance;
  readonly envelope: DsseEnvelope | undefined;
}

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const LIMITS: JsonLimits = { bytes: MAX_PROVENANCE_BYTES, depth: MAX_PROVENANCE_DEPTH };

/** The member that only this form has. */
const FORMS = { _type: 'statement', payloadType: 'dsse', mediaType: 'sigstore-bundle' } as const;

/** The provenance in a file; `malformed` for anything else. */
export function parseProvenance(bytes: Uint8Array): Provenance {
  const file = parseJson(bytes, 'the provenance', LIMITS);
  if (!isObject(file)) throw refuse('is not a JSON object');
  const marks = (['_type', 'payloadType', 'mediaType'] as const).filter((name) => file.has(name));
  const [mark] = marks;
  if (mark === undefined) throw refuse('is neither an in-toto statement nor a DSSE envelope nor a sigstore bundle');
  if (marks.length > 1) throw refuse(`has ${marks.join(' and ')}, so it could be read in two ways`);
  const form = FORMS[mark];
  if (form === 'statement') return { form, states: readStatement(file), envelope: undefined };
  const envelope = form === 'dsse' ? readEnvelope(file, 'the DSSE envelope') : envelopeOfBundle(file);
  if (envelope.payloadType !== PAYLOAD_TYPE) {
    throw refuse(`carries ${JSON.stringify(envelope.payloadType.slice(0, 100))}, not ${PAYLOAD_TYPE}`);
  }
  const statement = parseJson(envelope.payload, 'the payload of the envelope', LIMITS);
  if (!isObject(statement)) throw refuse('carries no JSON object');
  return { form, states: readStatement(statement), envelope };
}

function envelopeOfBundle(bundle: JsonObject): DsseEnvelope {
  const mediaType = bundle.get('mediaType');
  if (mediaType !== BUNDLE_TYPE) {
    throw refuse(`is a bundle of another kind than ${BUNDLE_TYPE}: ${JSON.stringify(mediaType)?.slice(0, 100)}`);
  }
  if (!isObject(bundle.get('verificationMaterial'))) throw refuse('is a sigstore bundle without verificationMaterial');
  const content = bundle.get('dsseEnvelope');
  if (bundle.has('messageSignature')) {
    throw refuse(
      content === undefined
        ? 'is a sigstore bundle of a signature over a file: it says nothing of a build'
        : 'is a sigstore bundle with both a messageSignature and a dsseEnvelope',
    );
  }
  if (!isObject(content)) throw refuse('is a sigstore bundle without a dsseEnvelope');
  const envelope = readEnvelope(content, 'the envelope of the sigstore bundle');
  if (envelope.signatures.length !== 1) {
    throw refuse(`is a sigstore bundle whose envelope has ${envelope.signatures.length} signatures, not 1`);
  }
  return envelope;
}

/** The keys that signed the provenance; `bad-signature` when it is none of these. */
export async function verifyEnvelope(
  { form, envelope }: Provenance,
  keys: readonly CoseKey[],
  crypto: CryptoSuite,
): Promise<readonly CoseKey[]> {
  if (envelope === undefined) {
    throw new LimmatError('bad-signature', 'the provenance is a bare in-toto statement, which nobody signed');
  }
  const signers = await signersOf(envelope, keys, crypto);
  if (signers.length > 0) return signers;
  const what = form === 'dsse' ? 'DSSE envelope' : 'envelope of the sigstore bundle';
  throw new LimmatError(
    'bad-signature',
    `no signature of the ${what} is of ${keys.length > 1 ? 'these keys' : 'this key'}`,
  );
}

function refuse(why: string): LimmatError {
  return new LimmatError('malformed', `the provenance ${why}`);
}
