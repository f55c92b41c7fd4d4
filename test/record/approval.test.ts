import { createPublicKey, verify } from 'node:crypto';
import { cdeEncodeOptions, encode as encodeOracle } from 'cbor2';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex, utf8Text } from '../../src/bytes.ts';
import { algorithmOf, portableCrypto } from '../../src/crypto/index.ts';
import {
  APPROVAL_CONTEXT,
  approvalJob,
  approvalMessage,
  approvalsOf,
  createApproval,
  createStatement,
  encodePayload,
  externalSigner,
  parseStatement,
  verifySigned,
  type Approval,
  type LimmatRecord,
} from '../../src/record/index.ts';
import { FULL_RECORDS, P256_SIGNER, SIGNER } from '../support/records.ts';

const POLICY: LimmatRecord = {
  type: 'policy',
  namespace: 'vendor',
  fields: { sequence: 1, roles: [{ role: 'a', types: ['build'] }] },
};

/** The record with these approvals, and no others. */
function approved(record: LimmatRecord, ...approvals: readonly Approval[]): LimmatRecord {
  return Object.assign({ ...record }, { fields: { ...record.fields, approvals } });
}

async function holds(record: LimmatRecord, approval: Approval, key = SIGNER.key): Promise<boolean> {
  const { algorithm, publicKey, message, signature } = approvalJob(record, approval, key);
  return algorithmOf(portableCrypto, algorithm).verify(publicKey, message, signature);
}

describe('an approval', () => {
  it('is over the context, the namespace, the type and the payload, in deterministic CBOR', () => {
    const payload = encodePayload('policy', { sequence: 1, roles: [{ role: 'a', types: ['build'] }] });
    const message = approvalMessage(POLICY);
    expect(APPROVAL_CONTEXT).toBe('limmat/approval/v1');
    expect(toHex(message)).toBe(toHex(encodeOracle([APPROVAL_CONTEXT, 'vendor', 'policy', payload], cdeEncodeOptions)));
    expect(utf8Text(message.subarray(2, 20))).toBe('limmat/approval/v1');
  });

  it.each(FULL_RECORDS)('of a $type holds whatever other approvals are in the record', async (record) => {
    for (const signer of [SIGNER, P256_SIGNER]) {
      const approval = await createApproval(record, signer);
      expect(approval.kid).toEqual(signer.kid);
      expect(toHex(approvalMessage(approved(record, approval)))).toBe(toHex(approvalMessage(record)));
      expect(await holds(approved(record, approval), approval, signer.key)).toBe(true);
      expect(await holds(record, approval, signer.key)).toBe(true);
    }
  });

  it('is a plain signature, which another library verifies', async () => {
    const { signature } = await createApproval(POLICY, SIGNER);
    const spki = Buffer.concat([fromHex('302a300506032b6570032100')!, SIGNER.key.publicKey]);
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    expect(verify(null, approvalMessage(POLICY), key, signature)).toBe(true);
  });

  it('holds for no other record: not for another namespace, type, field or key', async () => {
    const approval = await createApproval(POLICY, SIGNER);
    const others: readonly LimmatRecord[] = [
      { ...POLICY, namespace: 'vendor-b' },
      { ...POLICY, fields: { ...POLICY.fields, sequence: 2, prev: new Uint8Array(32) } },
      { ...POLICY, fields: { sequence: 1 } },
      { type: 'membership', namespace: 'vendor', fields: { sequence: 1, action: 'leave', namespace: 'vendor' } },
    ];
    for (const other of others) expect(await holds(other, approval)).toBe(false);
    // Signed for the same bytes of payload under two types, if there were such.
    const messages = new Set(FULL_RECORDS.map((record) => toHex(approvalMessage(record))));
    expect(messages.size).toBe(FULL_RECORDS.length);
    const other = externalSigner(SIGNER.key, (message) => P256_SIGNER.sign(message));
    expect(await holds(POLICY, await createApproval(POLICY, other))).toBe(false);
  });

  it('is never the signature of a statement, and no statement is an approval', async () => {
    const statement = parseStatement(await createStatement({ ...POLICY, issuer: 'a', iatSeconds: 1 }, SIGNER));
    expect(await holds(POLICY, { kid: SIGNER.kid, signature: statement.signature })).toBe(false);
    const approval = await createApproval(POLICY, SIGNER);
    expect(await verifySigned({ ...statement, signature: approval.signature }, SIGNER.key, portableCrypto)).toBe(false);
    expect(toHex(approvalMessage(POLICY)).slice(0, 4)).not.toBe(toHex(statement.toBeSigned).slice(0, 4));
  });

  it('has the one form of its algorithm: the twin of an ESP256 signature is refused before it is checked', async () => {
    const { kid, signature } = await createApproval(POLICY, P256_SIGNER);
    const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = (n - BigInt(`0x${toHex(signature.subarray(32))}`)).toString(16).padStart(64, '0');
    const twin = { kid, signature: fromHex(toHex(signature.subarray(0, 32)) + s)! };
    expect(() => approvalJob(POLICY, twin, P256_SIGNER.key)).toThrow('low-s');
    expect(() => approvalJob(POLICY, { kid, signature: signature.subarray(1) }, P256_SIGNER.key)).toThrow('63');
  });

  it('goes through a statement, which signs the approvals too', async () => {
    const approvals = [await createApproval(POLICY, P256_SIGNER), await createApproval(POLICY, SIGNER)];
    const record = approved(POLICY, ...approvals);
    const statement = parseStatement(await createStatement({ ...record, issuer: 'a', iatSeconds: 1 }, SIGNER));
    expect(approvalsOf(statement.record)).toEqual(approvals);
    expect(approvalsOf(POLICY)).toEqual([]);
    expect(await verifySigned(statement, SIGNER.key, portableCrypto)).toBe(true);
    for (const [i, signer] of [P256_SIGNER, SIGNER].entries()) {
      expect(await holds(statement.record, approvals[i]!, signer.key)).toBe(true);
    }
    const bare = parseStatement(await createStatement({ ...POLICY, issuer: 'a', iatSeconds: 1 }, SIGNER));
    expect(toHex(bare.toBeSigned)).not.toBe(toHex(statement.toBeSigned));
  });
});
