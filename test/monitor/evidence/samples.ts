// One good piece of evidence of every kind, and the log that it convicts.

import { formatTlogProof } from '../../../src/note/tlog-proof.ts';
import { createStatement } from '../../../src/record/statement.ts';
import type { Evidence } from '../../../src/monitor/evidence/evidence.ts';
import {
  backdatedEntry,
  falseChannelHead,
  forkPrefix,
  forkSameSize,
  futureEntry,
  proofContradicted,
  rollback,
  witnessConflict,
} from '../../../src/monitor/evidence/make.ts';
import {
  inadmissibleEntry,
  locationBreach,
  recordConflict,
  streamBreak,
  verdictConflict,
} from '../../../src/monitor/evidence/make-record.ts';
import { BUILD, vendorSigner } from '../../support/shipped.ts';
import { buildOf, releaseOfMain, startedLog } from './record-log.ts';
import { History, NOON, channelHeadOf, cosigned, headOf, promisingKeys, witnessSigners } from './support.ts';
import type { IncludedEntry } from '../../../src/monitor/evidence/make.ts';
import type { ChannelKeys, TestKeys } from './support.ts';

const DAY = 86_400;

/** A build record, signed at that time. */
export function statementOf(iatSeconds: number): Promise<Uint8Array> {
  return createStatement({ ...BUILD, iatSeconds }, vendorSigner());
}

/** The proof file of an entry under a head of a history. */
export async function proofFileOf(
  keys: TestKeys,
  history: History,
  index: number,
  size: number,
  timestampSeconds: number = NOON,
): Promise<Uint8Array> {
  const { leaf, inclusion } = history.entry(index, size);
  const { note } = await headOf(keys, history, size, timestampSeconds);
  return formatTlogProof({ extra: leaf, index, proof: inclusion, checkpoint: note });
}

/** A history of 20 entries of which number 12 is a statement of that time. */
export async function historyWith(iatSeconds: number): Promise<History> {
  return new History(History.of(20).entries.with(12, await statementOf(iatSeconds)));
}

/** The channel of the releases that releaseOf makes. */
export const RELEASES = 'acme/Acme Shield/avdb-release:main/stable';

/** An avdb-release record of that sequence; of the database `main` where none is named. */
export function releaseOf(sequence: number, database = 'main', iatSeconds: number = NOON): Promise<Uint8Array> {
  const fields = {
    product: 'Acme Shield',
    database,
    channel: 'stable',
    sequence,
    ...(sequence > 1 && { first: true as const }),
    contentDigest: { sha256: new Uint8Array(32).fill(sequence) },
    counts: { total: sequence },
  };
  return createStatement({ ...BUILD, type: 'avdb-release', fields, iatSeconds }, vendorSigner());
}

/** A history of 20 entries of which numbers 3, 8 and 14 are releases 5, 6 and 9. */
export async function releaseHistory(): Promise<History> {
  const { entries } = History.of(20);
  return new History(
    entries
      .with(3, await releaseOf(5))
      .with(8, await releaseOf(6))
      .with(14, await releaseOf(9)),
  );
}

/**
 * Evidence of every kind, by a log with two keys that promised to take statements of the last day only. What argues with
 * times is signed with `dated`, everything else with `keys`.
 */
export async function samples(
  keys: ChannelKeys = promisingKeys(),
  dated: TestKeys = keys,
): Promise<readonly Evidence[]> {
  const { log } = keys;
  const [honest, forked] = [History.of(20), History.of(20, 5)];
  const { prefixRoot, consistency } = forked.prefix(9, 17);
  const releases = await releaseHistory();
  const stale = channelHeadOf(keys, releases, 17, { channel: RELEASES, index: 8, sequence: 6 });
  const [late, early] = [await historyWith(NOON + 3 * DAY), await historyWith(NOON - 3 * DAY)];
  return [
    await forkSameSize(log, await headOf(keys, honest, 9), await headOf(keys, forked, 9, NOON + 60)),
    await forkPrefix(
      log,
      await headOf(keys, honest, 9),
      await headOf(keys, forked, 17, NOON + 60),
      prefixRoot,
      consistency,
    ),
    await rollback(log, await headOf(dated, honest, 12), await headOf(dated, honest, 9, NOON + 60)),
    await proofContradicted(log, await proofFileOf(keys, honest, 7, 9), await proofFileOf(keys, forked, 7, 17)),
    await futureEntry(log, await headOf(dated, late, 20), late.entry(12)),
    await backdatedEntry(
      log,
      await headOf(dated, early, 12),
      await headOf(dated, early, 20, NOON + 60),
      early.entry(12),
    ),
    await falseChannelHead(log, await keys.channelSigner.sign(stale), releases.entry(14, 17)),
    ...(await recordSamples(keys)),
    await witnessConflict(
      log,
      log.witnesses![0]!,
      await cosigned(await headOf(keys, honest, 9), witnessSigners()),
      await cosigned(await headOf(keys, forked, 17), witnessSigners(), NOON + 60),
      { prefixRoot, consistency },
    ),
  ];
}

/** Evidence of every kind that is about records, all of one log. */
async function recordSamples(keys: TestKeys): Promise<readonly Evidence[]> {
  const log = await startedLog(keys);
  const build = await log.add('vendor', 'log', 'build', buildOf('1', 1));
  const done = { relocationId: 'move', action: 'complete', activity: 'assemble', effectiveAt: NOON } as const;
  const moved = await log.add('vendor', 'log', 'relocation', { ...done, to: [{ site: 'zrh-1', country: 'CH' }] });
  const again = await log.add('vendor', 'log', 'relocation', { ...done, effectiveAt: NOON + DAY });
  const there = buildOf('2', 2, { buildSite: 'muc-1', finishedAt: NOON + 9 * DAY });
  const elsewhere = await log.add('vendor', 'log', 'build', there);
  const rebuilt = await log.add(
    'rebuilder',
    'log',
    'rebuild',
    { build: log.hash(build), result: 'mismatch' },
    { issuer: 'Rebuilder Org' },
  );
  const first = await log.add('vendor', 'log', 'avdb-release', releaseOfMain(1));
  const skipping = await log.add('vendor', 'log', 'avdb-release', releaseOfMain(3, { prev: log.hash(first) }));
  const stranger = await log.add('stranger', 'log', 'build', buildOf('3', 3));
  const beat = await log.heartbeat();
  const head = await log.head();
  const pair = (a: number, b: number): [IncludedEntry, IncludedEntry] => [log.entry(a), log.entry(b)];
  const known = keys.log;
  return [
    await inadmissibleEntry(known, head, log.entry(stranger), log.entries(0, 1, 2, 3, 4, beat)),
    await streamBreak(known, head, log.entry(skipping), log.entries(0, first)),
    await recordConflict(known, head, pair(moved, again), log.entries(0, 1)),
    await locationBreach(known, head, pair(moved, elsewhere), log.entries(0, 1, 4)),
    await verdictConflict(known, head, pair(build, rebuilt), log.entries(0, 1, 2)),
  ];
}
