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
  sortApprovals,
  verifySigned,
  type Approval,
  type ApprovedStatement,
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

/** The statement that SIGNER signs of the record, as it is before it is signed. */
function draft(record: LimmatRecord): ApprovedStatement {
  return { record, kid: SIGNER.kid, iss: 'a', iat: 1 };
}

async function holds(statement: ApprovedStatement, approval: Approval, key = SIGNER.key): Promise<boolean> {
  const { algorithm, publicKey, message, signature } = approvalJob(statement, approval, key);
  return algorithmOf(portableCrypto, algorithm).verify(publicKey, message, signature);
}

describe('an approval', () => {
  it('is over the context, the header and the payload without approvals, in deterministic CBOR', () => {
    const payload = encodePayload('policy', { sequence: 1, roles: [{ role: 'a', types: ['build'] }] });
    const message = approvalMessage(draft(POLICY));
    expect(APPROVAL_CONTEXT).toBe('limmat/approval/v2');
    const typ = 'application/vnd.limmat.policy.v1+cbor';
    const parts = [APPROVAL_CONTEXT, typ, SIGNER.kid, 'a', 'vendor/policy/1', 1, payload];
    expect(toHex(message)).toBe(toHex(encodeOracle(parts, cdeEncodeOptions)));
    expect(utf8Text(message.subarray(2, 20))).toBe('limmat/approval/v2');
  });

  it.each(FULL_RECORDS)('of a $type holds whatever other approvals are in the record', async (record) => {
    for (const signer of [SIGNER, P256_SIGNER]) {
      const approval = await createApproval(draft(record), signer);
      expect(approval.kid).toEqual(signer.kid);
      expect(toHex(approvalMessage(draft(approved(record, approval))))).toBe(toHex(approvalMessage(draft(record))));
      expect(await holds(draft(approved(record, approval)), approval, signer.key)).toBe(true);
      expect(await holds(draft(record), approval, signer.key)).toBe(true);
    }
  });

  it('is a plain signature, which another library verifies', async () => {
    const { signature } = await createApproval(draft(POLICY), SIGNER);
    const spki = Buffer.concat([fromHex('302a300506032b6570032100')!, SIGNER.key.publicKey]);
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    expect(verify(null, approvalMessage(draft(POLICY)), key, signature)).toBe(true);
  });

  it('holds for no other record: not for another namespace, type, field or key', async () => {
    const approval = await createApproval(draft(POLICY), SIGNER);
    const others: readonly LimmatRecord[] = [
      { ...POLICY, namespace: 'vendor-b' },
      { ...POLICY, fields: { ...POLICY.fields, sequence: 2, prev: new Uint8Array(32) } },
      { ...POLICY, fields: { sequence: 1 } },
      { type: 'membership', namespace: 'vendor', fields: { sequence: 1, action: 'leave', namespace: 'vendor' } },
    ];
    for (const other of others) expect(await holds(draft(other), approval)).toBe(false);
    // Signed for the same bytes of payload under two types, if there were such.
    const messages = new Set(FULL_RECORDS.map((record) => toHex(approvalMessage(draft(record)))));
    expect(messages.size).toBe(FULL_RECORDS.length);
    const other = externalSigner(SIGNER.key, (message) => P256_SIGNER.sign(message));
    expect(await holds(draft(POLICY), await createApproval(draft(POLICY), other))).toBe(false);
  });

  it('holds for no other signer, issuer or time of the same record', async () => {
    const statement = draft(POLICY);
    const approval = await createApproval(statement, P256_SIGNER);
    const others = [{ kid: P256_SIGNER.kid }, { iss: 'b' }, { iat: 2 }];
    expect(await holds(statement, approval, P256_SIGNER.key)).toBe(true);
    for (const other of others) expect(await holds({ ...statement, ...other }, approval, P256_SIGNER.key)).toBe(false);
  });

  it('is never the signature of a statement, and no statement is an approval', async () => {
    const statement = parseStatement(await createStatement({ ...POLICY, issuer: 'a', iatSeconds: 1 }, SIGNER));
    expect(await holds(draft(POLICY), { kid: SIGNER.kid, signature: statement.signature })).toBe(false);
    const approval = await createApproval(draft(POLICY), SIGNER);
    expect(await verifySigned({ ...statement, signature: approval.signature }, SIGNER.key, portableCrypto)).toBe(false);
    expect(toHex(approvalMessage(draft(POLICY))).slice(0, 4)).not.toBe(toHex(statement.toBeSigned).slice(0, 4));
  });

  it('has the one form of its algorithm: the twin of an ESP256 signature is refused before it is checked', async () => {
    const { kid, signature } = await createApproval(draft(POLICY), P256_SIGNER);
    const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = (n - BigInt(`0x${toHex(signature.subarray(32))}`)).toString(16).padStart(64, '0');
    const twin = { kid, signature: fromHex(toHex(signature.subarray(0, 32)) + s)! };
    expect(() => approvalJob(draft(POLICY), twin, P256_SIGNER.key)).toThrow('low-s');
    expect(() => approvalJob(draft(POLICY), { kid, signature: signature.subarray(1) }, P256_SIGNER.key)).toThrow('63');
  });

  it('goes through a statement, which signs the approvals too', async () => {
    const signers = [P256_SIGNER, SIGNER].toSorted((a, b) => (toHex(a.kid) < toHex(b.kid) ? -1 : 1));
    const approvals = [
      await createApproval(draft(POLICY), signers[0]!),
      await createApproval(draft(POLICY), signers[1]!),
    ];
    expect(sortApprovals(approvals.toReversed())).toEqual(approvals);
    for (const wrong of [approvals.toReversed(), [approvals[0]!, approvals[0]!]]) {
      const content = { ...approved(POLICY, ...wrong), issuer: 'a', iatSeconds: 1 };
      await expect(createStatement(content, SIGNER)).rejects.toMatchObject({ code: 'bad-record' });
    }
    const record = approved(POLICY, ...approvals);
    const statement = parseStatement(await createStatement({ ...record, issuer: 'a', iatSeconds: 1 }, SIGNER));
    expect(approvalsOf(statement.record)).toEqual(approvals);
    expect(approvalsOf(POLICY)).toEqual([]);
    expect(await verifySigned(statement, SIGNER.key, portableCrypto)).toBe(true);
    for (const [i, signer] of signers.entries()) {
      expect(await holds(statement, approvals[i]!, signer.key)).toBe(true);
    }
    const bare = parseStatement(await createStatement({ ...POLICY, issuer: 'a', iatSeconds: 1 }, SIGNER));
    expect(toHex(bare.toBeSigned)).not.toBe(toHex(statement.toBeSigned));
  });
});
