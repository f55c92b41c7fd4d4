// The troubles that a monitor's checks can find, one row each: what an alert is called, in which class it falls, and what
// it means. A trouble that joins later is a row here.

import type { CheckId, FindingClass } from './finding.ts';
import { RECORD_TROUBLES } from './records/troubles.ts';
import { WITNESS_TROUBLES } from './witnesses/troubles.ts';

/**
 * How an alert ends: `itself` when the trouble is over, `by hand` when somebody acknowledges it, `at once` for news that
 * nothing follows from.
 */
export type Ending = 'itself' | 'by hand' | 'at once';

interface TroubleRow {
  readonly check: CheckId;
  readonly class: FindingClass;
  readonly ends: Ending;
  /** What it means, for whoever reads the alert. */
  readonly means: string;
  /** What to do about it. */
  readonly advice: string;
}

export const SHOW_EVIDENCE =
  'Verify the evidence file on another machine, publish it, and rely on nothing that this log says until its operator has explained both heads.';
const ASK_OPERATOR = 'Look at the kept bytes, ask other monitors whether they see the same, and ask the operator.';

export const TROUBLES = {
  'fork-same-size': {
    check: 'M02',
    class: 'proof',
    ends: 'by hand',
    means: 'The log signed two different trees of one size: it showed two histories.',
    advice: SHOW_EVIDENCE,
  },
  'fork-prefix': {
    check: 'M03',
    class: 'proof',
    ends: 'by hand',
    means:
      'The log signed a tree that does not begin with a tree that it signed before: it rewrote its past, or showed two histories.',
    advice: SHOW_EVIDENCE,
  },
  'proof-contradicted': {
    check: 'M03',
    class: 'proof',
    ends: 'by hand',
    means: 'The log proved two different entries for one place.',
    advice: SHOW_EVIDENCE,
  },
  rollback: {
    check: 'M08',
    class: 'proof',
    ends: 'by hand',
    means: 'The log signed that a smaller tree was its largest after it had signed a larger one: it went back.',
    advice:
      'Verify the evidence file and publish it. A log that was restored from an old backup does this too, and must not go on under the same keys.',
  },
  future: {
    check: 'M08',
    class: 'proof',
    ends: 'by hand',
    means: 'The log took a statement from a time that had not come, against its own rule.',
    advice: 'Verify the evidence file, and ask the operator how the statement passed.',
  },
  backdated: {
    check: 'M08',
    class: 'proof',
    ends: 'by hand',
    means: 'The log took a statement that claims to be far older than it can be, against its own rule.',
    advice: 'Verify the evidence file, and do not believe the statement’s time.',
  },
  'false-channel-head': {
    check: 'M05',
    class: 'proof',
    ends: 'by hand',
    means: 'The log signed that an entry is the newest of a channel, and its own tree has a newer or another one.',
    advice: 'Verify the evidence file, publish it, and look for who was kept on an old release.',
  },
  'inadmissible-entry': {
    check: 'M05',
    class: 'proof',
    ends: 'by hand',
    means: 'The log took an entry that its own rules refuse: by a key that may not sign it, or against what is in it.',
    advice: 'Verify the evidence file, publish it, and rely on nothing that this entry says.',
  },
  'stream-break': {
    check: 'M05',
    class: 'proof',
    ends: 'by hand',
    means: 'The log took a database release that does not follow the one before it, against its own rules.',
    advice: 'Verify the evidence file, and ask the vendor which release is the real one before installing either.',
  },
  'record-conflict': {
    check: 'M05',
    class: 'proof',
    ends: 'by hand',
    means:
      'One issuer signed two statements that cannot both be true, and nothing between them explains it. The log is not accused.',
    advice: 'Ask the issuer which one holds, and publish the evidence file if it does not say.',
  },
  'location-breach': {
    check: 'M05',
    class: 'proof',
    ends: 'by hand',
    means:
      'An issuer signed that something was moved, and later that it happens elsewhere, with nothing said in between. The log is not accused.',
    advice: 'Ask the issuer and its supervisor, and publish the evidence file if they do not say.',
  },
  'verdict-conflict': {
    check: 'M05',
    class: 'proof',
    ends: 'by hand',
    means: 'A build and a rebuild of it, or two rebuilds, exclude each other. The log is not accused.',
    advice: 'Have somebody else build it again; until then, treat the build as not verified.',
  },
  ...WITNESS_TROUBLES,
  unexplained: {
    check: 'M05',
    class: 'suspicion',
    ends: 'itself',
    means:
      'Somebody has evidence that two statements of one issuer do not go together; this monitor has not found that nothing between them explains it.',
    advice: 'Look through the log, between the two entries, for what explains it, then ask the issuer.',
  },
  'bad-signature': {
    check: 'M01',
    class: 'suspicion',
    ends: 'by hand',
    means:
      'A checkpoint names a key of the log and its signature does not hold: somebody changed it on the way, or forged it.',
    advice: ASK_OPERATOR,
  },
  'unknown-key': {
    check: 'M01',
    class: 'suspicion',
    ends: 'by hand',
    means: 'A checkpoint of this log is signed by keys that this monitor does not know.',
    advice: 'Ask the operator, over another channel, whether the keys changed; put the new ones into the list of logs.',
  },
  'signature-missing': {
    check: 'M01',
    class: 'suspicion',
    ends: 'by hand',
    means: 'A checkpoint lacks the signature of one of the log’s keys.',
    advice: 'Ask the operator; where a key was retired, make its “log” line a “retired-key” line in the list of logs.',
  },
  'wrong-origin': {
    check: 'M01',
    class: 'suspicion',
    ends: 'by hand',
    means: 'The log’s keys signed a checkpoint in another log’s name.',
    advice: ASK_OPERATOR,
  },
  'impossible-head': {
    check: 'M01',
    class: 'suspicion',
    ends: 'by hand',
    means: 'The log signed a root for the empty tree that the empty tree does not have.',
    advice: ASK_OPERATOR,
  },
  'checkpoint-flood': {
    check: 'M02',
    class: 'suspicion',
    ends: 'itself',
    means: 'More signed heads came than can be kept, all above the log’s own: somebody else may have its keys.',
    advice: 'Ask the operator whether the keys are safe, and ask other monitors which heads they were shown.',
  },
  unprovable: {
    check: 'M03',
    class: 'suspicion',
    ends: 'by hand',
    means: 'Two heads contradict each other, and no evidence could be made of them, as when a key changed in between.',
    advice: 'Keep both notes; name the old key in a “retired-key” line of the list of logs, to make evidence of them.',
  },
  'entry-mismatch': {
    check: 'M04',
    class: 'suspicion',
    ends: 'by hand',
    means: 'The log serves an entry bundle that is not what its signed root commits to.',
    advice: ASK_OPERATOR,
  },
  'tile-mismatch': {
    check: 'M04',
    class: 'suspicion',
    ends: 'by hand',
    means: 'The log serves a hash tile that is not what its signed root commits to.',
    advice: ASK_OPERATOR,
  },
  'not-a-statement': {
    check: 'M05',
    class: 'record',
    ends: 'by hand',
    means: 'A log that takes statements only has an entry that this version cannot read as one.',
    advice: 'Look at the entry: a newer kind of record asks for a newer monitor, anything else for the operator.',
  },
  ...RECORD_TROUBLES,
  withheld: {
    check: 'M05',
    class: 'record',
    ends: 'by hand',
    means: 'The log no longer serves the bodies of some entries; their hashes are still in the tree.',
    advice: 'Look for the record that says why.',
  },
  stale: {
    check: 'M06',
    class: 'operational',
    ends: 'itself',
    means: 'The head that the log shows is older than it should be. It may be down, behind a cache, or in maintenance.',
    advice: 'Wait; if it goes on, it becomes a suspicion.',
  },
  freeze: {
    check: 'M06',
    class: 'suspicion',
    ends: 'itself',
    means: 'The log has shown an old head for long: it may hide what it logs from this monitor, or have stopped.',
    advice: 'Ask other monitors for the newest head that they know, and the operator.',
  },
  ahead: {
    check: 'M08',
    class: 'suspicion',
    ends: 'itself',
    means: 'The log signs times that this machine’s clock has not reached.',
    advice: 'Check this machine’s clock first, then ask the operator.',
  },
  unreachable: {
    check: 'M09',
    class: 'operational',
    ends: 'itself',
    means: 'The log did not answer, or not in time. Nothing is known about its conduct.',
    advice: 'Check this machine’s network and the log’s address.',
  },
  'bad-answer': {
    check: 'M09',
    class: 'operational',
    ends: 'itself',
    means:
      'What answered at the log’s address gave something that is no log’s: an error, a redirect, too many bytes, no note.',
    advice: 'Check the address, and any proxy on the way.',
  },
  'missing-tile': {
    check: 'M09',
    class: 'operational',
    ends: 'itself',
    means: 'A tile or an entry bundle that the signed head promises is not there.',
    advice: 'Wait; if it goes on, it becomes a suspicion.',
  },
  unserved: {
    check: 'M09',
    class: 'suspicion',
    ends: 'itself',
    means: 'For long the log has not served what its signed head promises: nobody can check it.',
    advice: 'Ask other monitors whether they got it, and the operator.',
  },
  'own-trouble': {
    check: 'M09',
    class: 'operational',
    ends: 'itself',
    means: 'This monitor could not do its work: its disk, its memory, or a mistake in it.',
    advice: 'Read the message; the log is not accused.',
  },
  'peers-silent': {
    check: 'M10',
    class: 'suspicion',
    ends: 'itself',
    means: 'Too few other monitors were heard: another history would go unnoticed. This monitor may be cut off.',
    advice: 'Check the network and the addresses of the peers; ask one of them over another channel.',
  },
  'hidden-growth': {
    check: 'M10',
    class: 'suspicion',
    ends: 'itself',
    means: 'Others hold a larger signed tree than the log has shown here: it hides its growth, or showed them a fork.',
    advice: 'Ask the log’s operator for that head and its tiles, and look at the log over another network.',
  },
  'log-added': {
    check: 'M11',
    class: 'info',
    ends: 'at once',
    means: 'A log is watched from now on; what it signed before is not vouched for.',
    advice: 'Nothing.',
  },
  'log-removed': {
    check: 'M11',
    class: 'info',
    ends: 'at once',
    means: 'A log is not watched any more.',
    advice: 'Nothing, if that was meant.',
  },
  'log-changed': {
    check: 'M11',
    class: 'info',
    ends: 'at once',
    means: 'The keys, the address or the promises of a watched log were changed in the configuration.',
    advice: 'Nothing, if that was meant.',
  },
} as const satisfies Readonly<Record<string, TroubleRow>>;
