// What each rule of admission asks, for people who never heard of it; docs/admission.md has them in full.

import type { RuleId } from '../../../record/admission.ts';

/** A whole sentence about every rule. */
export const RULE_WORDS: Readonly<Record<RuleId, string>> = Object.freeze({
  A01: 'A log says what it is in its first entry, and only there.',
  A02: 'Only vendors that were let into the log, and have not left it, log anything.',
  A03: 'The entries that decide who may sign what are numbered, and each follows the one before it.',
  A04: 'Where several keys have to sign together, all of them do.',
  A05: 'Only the highest keys of a vendor change who may sign what.',
  A06: 'No vendor is left with fewer of its highest keys than have to sign.',
  A07: 'A vendor joins once and leaves once, and nobody else lets vendors in than the log.',
  A08: 'What the log says of itself is true of its own list.',
  A09: 'After the end that a log has named for itself nothing comes.',
  A10: 'A record states what its vendor’s policy requires.',
  D01: 'A version of a product is one set of files, and the same for ever.',
  D03: 'A build names the source that it was made from, which was logged before.',
  D04: 'The source of a build is that of the same product and version.',
  D07: 'Nobody checks their own work: whoever builds again or supervises is somebody else.',
  D08: 'Releases of a database are numbered without gaps, and each names the one before it.',
  D10: 'An update that holds only the differences applies to the release right before it.',
  D12: 'The number of rules in a release is that of the one before, and those added, less those removed.',
  D13: 'A release that says it goes back to an earlier one has that one’s content.',
  D15: 'A record is signed with a key that its vendor’s policy allows for it.',
  D16: 'A key that was revoked signs nothing more.',
  D17: 'Work is done at the places that the vendor’s policy allows, while they are open.',
  D21: 'Whoever attests to a part of the list names the list as it was.',
  D23: 'What was taken back stays so, and only whoever said it takes it back.',
  D25: 'A record refers only to what is in the list before it.',
  D29: 'A review is of what is in the list, at a centre that was open.',
});
