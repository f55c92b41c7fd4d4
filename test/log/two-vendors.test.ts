// Two vendors in one log, through all of its stages, in batches with honest entries of both: what one of them signs, and
// what the log's own keys sign, never gets into the other's namespace.

import { expect, test } from 'vitest';

import { nodeCrypto, nodeHasher } from '../../src/adapters/node-crypto.ts';
import { toHex } from '../../src/bytes.ts';
import { statementSigner, type StatementSigner } from '../../src/cose/signer.ts';
import { ADMISSION_SPACE } from '../../src/record/admission.ts';
import { createStatement, type FieldsOf, type RecordType } from '../../src/record/index.ts';
import { Author, TYPES } from '../support/admission-author.ts';
import { AdmissionModel } from '../support/admission-model.ts';
import { AdmissionWorld, kid, publicKey, rootKeys, signer, T0 } from '../support/admission-world.ts';
import { firstStatements, genesisOptions } from '../support/admitted-log.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';
import { build, Chain, openRecordsLog } from '../support/records-log.ts';

const ATTEMPTS = 1000;
const BATCH = 125;
const seed = chooseSeed();

const signers = new Map<string, StatementSigner>();

/** The signer of that name, at the speed that a thousand statements need. */
function nativeSigner(name: string): StatementSigner {
  const known = signers.get(name);
  if (known !== undefined) return known;
  const made = statementSigner(nodeHasher.sha256(new TextEncoder().encode(name)), signer(name).alg, nodeCrypto);
  signers.set(name, made);
  return made;
}

/** The log's own entries, and both vendors with a root key, a role and a key in it. */
async function setup(): Promise<Uint8Array[]> {
  const first = await firstStatements(genesisOptions(), T0);
  const own = new Chain('acme', 'root', first);
  const entries = [...first];
  for (const name of ['a', 'b']) {
    const root = rootKeys(1, `${name}-root`);
    entries.push(await own.link('membership', { action: 'admit', namespace: name, vendor: name, root }));
  }
  for (const name of ['a', 'b']) {
    const chain = new Chain(name, `${name}-root`);
    const roles = [{ role: 'r1', types: TYPES, keys: [kid(`${name}-key`)] }];
    entries.push(await chain.link('policy', { roles }));
    entries.push(await chain.link('key-event', { action: 'add', role: 'r1', ...publicKey(`${name}-key`) }));
  }
  return entries;
}

test(
  `1,000 attempts of each other’s keys change nothing in a namespace (seed ${seed})`,
  { timeout: 60_000 },
  async () => {
    const first = await setup();
    const { log } = await openRecordsLog({ first });
    const world = new AdmissionWorld();
    const model = new AdmissionModel();
    for (const entry of first) {
      expect(world.append(entry)).toMatchObject({ admitted: true });
      model.append(entry);
    }
    const author = new Author(seededRandom(seed), world, model);
    const attempt = async (): Promise<Uint8Array | undefined> => {
      const [victim, attacker] = author.pick([
        ['a', 'b'],
        ['b', 'a'],
      ] as const);
      const type = author.pick(['policy', 'key-event', 'membership', 'site', 'commitment', ...TYPES] as const);
      const by = author.pick([`${attacker}-root`, `${attacker}-key`, 'root', 'submitter', 'log', 'nobody']);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- createStatement refuses what is none
      const fields = fieldsOf(author, victim, type) as FieldsOf<RecordType>;
      const content = { type, namespace: victim, fields, issuer: 'Vendor AG', iatSeconds: T0 };
      return createStatement<RecordType>(content, nativeSigner(by)).catch(() => undefined);
    };
    const refused = new Map<string, number>();
    const honest: Uint8Array[] = [];
    for (let made = 0; made < ATTEMPTS;) {
      const batch: Uint8Array[] = [];
      while (batch.length < BATCH) {
        const bytes = await attempt();
        if (bytes !== undefined) batch.push(bytes);
      }
      made += batch.length;
      const own = await Promise.all(
        ['a', 'b'].map((name) => build(`1.${made}`, { by: `${name}-key`, namespace: name })),
      );
      honest.push(...own);
      const results = await log.append([own[0]!, ...batch, own[1]!]);
      expect([results.at(0)?.ok, results.at(-1)?.ok]).toEqual([true, true]);
      for (const result of results.slice(1, -1)) {
        const code = result.ok ? `admitted at ${result.index}` : result.error.code;
        expect(code).toMatch(/^(?:unknown-key|not-admitted)$/);
        refused.set(code, (refused.get(code) ?? 0) + 1);
      }
    }
    expect([...refused.values()].reduce((sum, count) => sum + count, 0)).toBe(ATTEMPTS);
    // What is in the log is what each vendor said itself, and the state is that of a log without the attempts.
    expect(log.status().head.size).toBe(first.length + honest.length);
    for (const entry of honest) expect(world.append(entry)).toMatchObject({ admitted: true });
    const state: string[] = [];
    for await (const { key, value } of log.admissionState(ADMISSION_SPACE)) state.push(`${key} ${toHex(value)}`);
    expect(state).toEqual(world.state.pairs().map(({ key, value }) => `${key} ${toHex(value)}`));
  },
);

/** Fields of a record that is nearly fit for the namespace. */
function fieldsOf(author: Author, namespace: string, type: RecordType): unknown {
  if (type === 'site') return { ...author.link(namespace), siteId: 'zrh', kinds: ['signing'], country: 'CH' };
  if (type === 'commitment') return { commitmentId: 'p', kind: 'governance', subject: 'to be honest' };
  return author.fields(namespace, type);
}
