// Streams of database releases: hash chains whose every step is accounted for.

import { equalBytes, toHex } from '../../../bytes.ts';
import { releaseKey, streamKey } from '../../admission/keys.ts';
import { Refused } from '../../admission/decision.ts';
import { streamValue, type StreamState } from '../../admission/values.ts';
import { streamOf, type AvdbReleaseFields } from '../../avdb-release.ts';
import { checkRecalled } from './retraction.ts';
import { checkSite } from './sites.ts';
import type { Case } from './case.ts';

export function judgeRelease(judged: Case, f: AvdbReleaseFields): Uint8Array {
  const { statement, hasher } = judged;
  const stream = streamOf(statement.namespace, f);
  const key = streamKey(stream, hasher);
  const value = judged.facts.get(key);
  const head = value && streamValue.parse(value);
  checkPlace(f, head);
  if (head !== undefined) checkCounts(f, head);
  const deltas = countDeltas(judged, f, head);
  const content = f.contentDigest.sha256;
  checkRollback(judged, f, stream, content);
  if (f.source !== undefined) judged.referredInOwn('source', f.source, ['source-snapshot']);
  const at = f.producedAt ?? statement.iat;
  if (f.buildSite !== undefined)
    checkSite(judged, 'D17', { field: 'buildSite', siteId: f.buildSite, kind: 'build', at });
  if (f.signSite !== undefined)
    checkSite(judged, 'D17', { field: 'signSite', siteId: f.signSite, kind: 'signing', at });
  checkRecalled(judged, 'contentDigest', content);
  const state = { sequence: f.sequence, leafHash: judged.leafHash, total: f.counts.total, deltas };
  judged.write(key, streamValue.format(state));
  judged.write(releaseKey(stream, f.sequence, hasher), content);
  return content;
}

/** D08: the release follows the newest one of its stream, or says which sequences between them never were. */
function checkPlace(f: AvdbReleaseFields, head: StreamState | undefined): void {
  const found = `${f.sequence} with ${f.prev === undefined ? (f.first === true ? 'first' : 'no prev') : `prev ${toHex(f.prev)}`}`;
  if (head === undefined) {
    if (f.prev === undefined) return;
    throw new Refused('D08', 'sequence', found, 'sequence 1, or first: true, as the stream has no release yet');
  }
  const next = head.sequence + 1;
  const prev = toHex(head.leafHash);
  if (f.prev === undefined || !equalBytes(f.prev, head.leafHash) || f.sequence < next) {
    throw new Refused('D08', 'sequence', found, `sequence ${next} with prev ${prev}, the stream's newest release`);
  }
  if (f.gap === undefined) {
    if (f.sequence === next) return;
    const gap = `gap from ${next} to ${f.sequence - 1} with a reason`;
    throw new Refused('D08', 'sequence', found, `sequence ${next} with prev ${prev}, or a ${gap}`);
  }
  if (f.gap.from === next) return;
  throw new Refused(
    'D08',
    'gap.from',
    String(f.gap.from),
    `${next}, the first sequence after the stream's newest release`,
  );
}

/** D12: the rules after the release are those before it, and the added ones, without the removed. */
function checkCounts({ counts }: AvdbReleaseFields, head: StreamState): void {
  const { total, added, removed } = counts;
  if (added === undefined || removed === undefined) return;
  // Each side is the difference of two safe integers; a sum of them need not be one, and would be rounded.
  if (total - added === head.total - removed) return;
  const sum = BigInt(head.total) + BigInt(added) - BigInt(removed);
  const expected = `${sum}: ${head.total} of release ${head.sequence}, and ${added} added, and ${removed} removed`;
  throw new Refused('D12', 'counts.total', String(total), expected);
}

/** D10: a delta applies to the release right before it, which was not taken back; and not too many follow one another. */
function countDeltas(judged: Case, f: AvdbReleaseFields, head: StreamState | undefined): number {
  if (f.kind === 'full') return 0;
  if (f.kind === undefined) return head?.deltas ?? 0;
  if (head === undefined) {
    throw new Refused('D10', 'kind', 'delta, and the stream has no release yet', 'full: a delta has to apply to one');
  }
  if (f.baseSequence !== undefined && f.baseSequence !== head.sequence) {
    const expected = `${head.sequence}, the release right before it`;
    throw new Refused('D10', 'baseSequence', String(f.baseSequence), expected);
  }
  const { standing } = judged.entry(head.leafHash)!;
  if (standing === 'retracted' || standing === 'recalled') {
    const found = `delta to release ${head.sequence}, which was ${standing}`;
    throw new Refused('D10', 'kind', found, 'full: what is taken back is nothing to build on');
  }
  const { deltaLimit } = judged.own;
  const deltas = head.deltas + 1;
  if (deltaLimit !== null && deltas > deltaLimit) {
    const found = `delta, number ${deltas} without a full release`;
    throw new Refused('D10', 'kind', found, `full: the policy lets ${deltaLimit} deltas follow one another`);
  }
  return deltas;
}

/** D13: a rollback names the release whose content this is. */
function checkRollback(judged: Case, { rollback }: AvdbReleaseFields, stream: string, content: Uint8Array): void {
  if (rollback === undefined) return;
  const earlier = judged.facts.get(releaseKey(stream, rollback.toSequence, judged.hasher));
  const found = String(rollback.toSequence);
  if (earlier === undefined) {
    throw new Refused('D13', 'rollback.toSequence', `${found}, which this log has not`, 'a release of the stream here');
  }
  if (equalBytes(earlier, content)) return;
  const expected = `${toHex(earlier)}, the content of release ${found}, to which it says to go back`;
  throw new Refused('D13', 'contentDigest', toHex(content), expected);
}
