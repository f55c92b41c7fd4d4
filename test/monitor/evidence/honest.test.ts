// No false proof, ever: whatever is put together from what honest logs sign, nothing of it convicts them. The adversary
// here has every head, every line, every entry and every proof of a log, and mixes them as it likes.

import { describe, expect, test } from 'vitest';

import { nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { toBase64, utf8, utf8Text } from '../../../src/bytes.ts';
import type { LogHead } from '../../../src/client/state.ts';
import { LimmatError, isLimmatError } from '../../../src/errors.ts';
import type { Claim, ClaimEntry, EvidenceKind } from '../../../src/monitor/evidence/evidence.ts';
import { KINDS } from '../../../src/monitor/evidence/kinds.ts';
import { contradiction, windowSecondsOf } from '../../../src/monitor/evidence/make.ts';
import { openClaim } from '../../../src/monitor/evidence/open.ts';
import type { KindRow } from '../../../src/monitor/evidence/kind-row.ts';
import type { LogIdentity } from '../../../src/monitor/watched-log.ts';
import { formatNote, parseNote } from '../../../src/note/note.ts';
import type { Note } from '../../../src/note/note.ts';
import type { Random } from '../../support/random.ts';
import { between, chooseSeed, seededRandom } from '../../support/random.ts';
import { RELEASES, releaseOf, statementOf } from './samples.ts';
import { History, NOON, channelHeadOf, headOf, promisingKeys } from './support.ts';
import type { ChannelKeys } from './support.ts';

const MOST = 40;
const WINDOW = 86_400;
const BUILDS = 'acme/Acme Shield/build:linux%2Famd64/stable';

/** What an honest log has signed over some days, and what it holds. */
interface HonestLog {
  readonly log: LogIdentity;
  readonly history: History;
  readonly heads: readonly LogHead[];
  readonly notes: readonly Note[];
  /** Its channel heads: of releases, and of builds. */
  readonly channelNotes: readonly Note[];
}

/**
 * A log that grows, idles, signs again, restarts, changes its keys on the way, and takes statements that are as old and
 * as early as it promised to allow. T never falls and sizes never do. With every checkpoint it signs what is then the
 * newest of its two channels, with the key of the day.
 */
async function honestLog(random: Random): Promise<HonestLog> {
  const [first, second] = [promisingKeys(), promisingKeys(11)];
  const log: LogIdentity = {
    ...first.log,
    verifiers: [...first.log.verifiers, ...second.log.verifiers],
    channelVerifiers: [...first.log.channelVerifiers!, ...second.log.channelVerifiers!],
  };
  const releases: { index: number; sequence: number }[] = [];
  const builds: { index: number; sequence: number }[] = [];
  let time = NOON;
  let size = 0;
  const entries: Uint8Array[] = [];
  const signed: { size: number; time: number; by: ChannelKeys }[] = [];
  let by = first;
  for (let round = 0; round < 12; round++) {
    // A busy second, an idle refresh, or a night.
    time += [0, 1, 300, 40_000][between(random, 0, 4)]!;
    const growth = Math.min(between(random, 0, 6), MOST - size);
    for (let i = 0; i < growth; i++) {
      const iat = time + between(random, -WINDOW, WINDOW + 1);
      const [kind, index] = [random(), entries.length];
      // Releases of the channel, some with a gap; of a database that is another channel; builds; and bytes.
      if (kind < 0.3) {
        const sequence = (releases.at(-1)?.sequence ?? 0) + between(random, 1, 3);
        releases.push({ index, sequence });
        entries.push(await releaseOf(sequence, 'main', iat));
      } else if (kind < 0.4) entries.push(await releaseOf(between(random, 1, 200), 'other', iat));
      else if (kind < 0.7) {
        builds.push({ index, sequence: index });
        entries.push(await statementOf(iat));
      } else entries.push(utf8(`entry ${index}`));
    }
    size += growth;
    if (random() < 0.1) by = second;
    // The signature comes some seconds after the entries were taken.
    time += between(random, 0, 3);
    signed.push({ size, time, by });
  }
  const history = new History(entries);
  const heads = await Promise.all(signed.map((head) => headOf(head.by, history, head.size, head.time)));
  const channelNotes: Note[] = [];
  for (const head of signed) {
    for (const [channel, places] of [
      [RELEASES, releases],
      [BUILDS, builds],
    ] as const) {
      const newest = places.findLast(({ index }) => index < head.size);
      if (newest === undefined) continue;
      const said = channelHeadOf(first, history, head.size, {
        channel,
        ...newest,
        issuedSeconds: head.time,
        validUntilSeconds: head.time + 1,
      });
      channelNotes.push(parseNote(await head.by.channelSigner.sign(said)));
    }
  }
  return { log, history, heads, notes: heads.map(({ note }) => parseNote(note)), channelNotes };
}

const pick = <T>(random: Random, items: readonly T[]): T => items[between(random, 0, items.length)]!;

/** A note of the log's: one that it signed, or lines of several of them over one text, mostly one of each key. */
function someNote(random: Random, notes: readonly Note[]): Note {
  const { text, textBytes } = pick(random, notes);
  const lines = notes.flatMap((note) => (note.text === text ? note.signatures : []));
  const keyIds = [...new Set(lines.map(({ keyId }) => keyId))];
  const most = random() < 0.05 ? 2 : 1;
  const taken = keyIds.flatMap((id) => {
    const own = lines.filter(({ keyId }) => keyId === id);
    return Array.from({ length: most }, () => pick(random, own));
  });
  const kept = taken.filter(() => random() < 0.8);
  return { text, textBytes, signatures: kept.length === 0 ? taken.slice(0, 1) : kept };
}

/** A claim of that kind, of the right shape, from anything that the log signed and holds. */
function someClaim(random: Random, kind: EvidenceKind, honest: HonestLog): Claim {
  const { log, history } = honest;
  const row = KINDS[kind];
  // records.test.ts puts together those that take any number of entries.
  const most = typeof row.entries === 'number' ? row.entries : row.entries[0];
  const isChannel = row.signed === 'channel-head';
  const notes = isChannel ? honest.channelNotes : honest.notes;
  const chosen = Array.from({ length: row.checkpoints }, () => someNote(random, notes));
  const bySize = chosen.toSorted((a, b) => sizeOf(a) - sizeOf(b));
  const picked = random() < 0.2 ? chosen : kind === 'rollback' ? bySize.toReversed() : bySize;
  const names = new Set(picked.flatMap(({ signatures }) => signatures.map(({ name, keyId }) => `${name} ${keyId}`)));
  const sizes = picked.map(({ text }) => Number(text.split('\n')[isChannel ? 2 : 1]));
  const [small = 0, large] = sizes.toSorted((a, b) => a - b);
  const anySize = between(random, 0, history.entries.length + 1);
  const entry = (i: number): ClaimEntry => {
    const checkpoint = row.kind === 'backdated' ? 1 : row.judgesRecords === true ? 0 : i;
    const size = Math.max(1, sizes[checkpoint]!);
    const index = between(random, 0, size);
    const { leaf, inclusion } = history.entry(
      Math.min(index, history.entries.length - 1),
      Math.min(size, history.entries.length),
    );
    return { index, leaf: toBase64(leaf), inclusion: inclusion.map(toBase64), checkpoint };
  };
  return {
    keys: (isChannel ? log.channelVerifiers! : log.verifiers)
      .filter((key) => names.has(`${key.name} ${key.keyId}`))
      .map(({ vkey }) => vkey)
      .toSorted(),
    checkpoints: picked.map(({ text, signatures }) => formatNote(text, signatures)),
    ...(row.members.includes('prefixRoot') && {
      prefixRoot: toBase64(history.root(random() < 0.5 ? small : anySize)),
      consistency: (small > 0 && large !== undefined ? history.tree.proof(small, large) : []).map(toBase64),
    }),
    ...(row.members.includes('entries') && { entries: Array.from({ length: most }, (_, i) => entry(i)) }),
    ...(row.members.includes('windowSeconds') && { windowSeconds: windowSecondsOf(log)! }),
  };
}

const sizeOf = ({ text }: Note): number => Number(text.split('\n')[1]);

/** As verifyEvidence judges, in its two steps. */
async function judge(row: KindRow, claim: Claim, log: LogIdentity): Promise<string> {
  const opened = await openClaim(row, claim, log, nodeHasher).catch((error: unknown) => {
    if (error instanceof LimmatError) return undefined;
    throw error;
  });
  if (opened === undefined) return 'unsound';
  try {
    await row.check(opened);
  } catch (error) {
    if (isLimmatError(error, 'bad-evidence')) return 'no contradiction';
    throw error;
  }
  return 'CONVICTED';
}

/** `npm run test:long` plays 40, which make more than 10,000 claims. */
const HISTORIES = process.env['LIMMAT_LONG'] === undefined ? 6 : 40;

describe('honest logs', () => {
  test('are never convicted, by no kind, of nothing that can be put together from what they signed', async () => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    let claims = 0;
    let sound = 0;
    for (let history = 0; history < HISTORIES; history++) {
      const honest = await honestLog(random);
      if (honest.history.entries.length === 0) continue;
      for (const row of Object.values(KINDS)) {
        if (row.signed === 'channel-head' && honest.channelNotes.length === 0) continue;
        for (let i = 0; i < 60; i++) {
          const claim = someClaim(random, row.kind, honest);
          const verdict = await judge(row, claim, honest.log);
          expect(['unsound', 'no contradiction'], `LIMMAT_SEED=${seed} ${row.kind} ${JSON.stringify(claim)}`).toContain(
            verdict,
          );
          claims++;
          if (verdict === 'no contradiction') sound++;
        }
      }
    }
    // Most are refused for what they argue, not for a signature or a proof that does not hold.
    expect([claims > 250 * HISTORIES, sound > claims / 2]).toEqual([true, true]);
  }, 120_000);

  test('have heads of which no two contradict each other', async () => {
    const seed = chooseSeed();
    const random = seededRandom(seed);
    for (let i = 0; i < 3 * HISTORIES; i++) {
      const { log, history, heads } = await honestLog(random);
      const prove = (from: number, { size }: LogHead): Promise<ReturnType<History['prefix']>> =>
        Promise.resolve(history.prefix(from, size));
      for (const a of heads) {
        for (const b of heads) {
          const found = await contradiction(log, a, b, prove);
          expect(found, `LIMMAT_SEED=${seed} ${utf8Text(a.note)} ${utf8Text(b.note)}`).toBeUndefined();
          expect(await contradiction(log, a, b)).toBeUndefined();
        }
      }
    }
  }, 120_000);
});
