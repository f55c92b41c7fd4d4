// Record type `log-event`: what a log says about itself, in its own namespace: exactly one of the members below. Signed by
// a key of the role `log`; what hands the log over to other keys or to a successor is for its root keys to approve.

import { checkOrder, namespace } from './common.ts';
import { FieldError } from './field-error.ts';
import {
  checked,
  digest,
  distinct,
  list,
  name,
  named,
  object,
  optional,
  ref,
  required,
  rootHash,
  text,
  time,
  uint,
  type Kind,
  type Values,
} from './fields.ts';
import { exactlyOneOf } from './form.ts';
import { approvals, origin, vkey } from './key-kinds.ts';
import { subjectStep } from './text.ts';
import { count, dayInWords, joined } from './words.ts';

const size = uint(Number.MAX_SAFE_INTEGER, 1);

const chainHead = named(
  'chain-head',
  object({ namespace: required(namespace), sequence: required(size), leafHash: required(ref) }),
  "The last entry of a namespace's admission chain.",
);

export type ChainHead = Values<typeof chainHead.fields>;

/** 256 heads have at most 36 kB. A log of more namespaces names them in several heartbeats. */
const MAX_HEADS = 256;

/** By namespace, ascending, so that the same heads have one form. */
const heads: Kind<readonly ChainHead[]> = checked(list(chainHead, MAX_HEADS), (value) => {
  const after = value.findIndex((head, i) => i > 0 && head.namespace <= value[i - 1]!.namespace);
  if (after > 0) throw new FieldError('does not follow the namespace before it', `[${after}].namespace`);
});

const heartbeat = object({
  size: required(size, 'Of the tree in which these are the heads.'),
  rootHash: required(rootHash, 'Of that tree.'),
  heads: required(heads, 'Sorted by namespace. It says nothing of namespaces that are not in it.'),
});

/**
 * Not of the key for channel heads: whoever holds a head offline goes by the one that the genesis names, and is not to be
 * told of another. A log that lost it signs no more heads, and is followed by a successor.
 */
const keyRotation = object({
  vkeys: required(distinct(vkey, 16), 'All the keys that sign its checkpoints from here on.'),
});

const shutdown = object({
  finalSize: required(size, 'The log never has more entries.'),
  successor: optional(object({ origin: required(origin), vkeys: required(distinct(vkey, 16)) })),
});

const successorOf = object({
  origin: required(origin),
  size: required(size, 'The final size of that log.'),
  rootHash: required(rootHash, 'Its final root hash.'),
  checkpointDigest: required(digest, 'Of its final checkpoint, signatures included.'),
});

const incident = object(
  {
    incidentId: required(name),
    summary: required(text()),
    from: optional(time),
    until: optional(time),
    reportDigest: optional(digest),
  },
  (value) => checkOrder(value, 'from', 'until'),
);

const EVENTS = {
  heartbeat: optional(heartbeat, 'The heads of the admission chains, so that nobody can leave an entry out of one.'),
  keyRotation: optional(keyRotation, 'The log goes over to other keys.'),
  shutdown: optional(shutdown, 'The log ends.'),
  successorOf: optional(successorOf, 'The log goes on where another one ended.'),
  incident: optional(incident, 'Something went wrong that users of the log should know of.'),
};

const fields = { ...EVENTS, approvals: optional(approvals) };

export type LogEventFields = Values<typeof fields>;

const NAMES = ['heartbeat', 'keyRotation', 'shutdown', 'successorOf', 'incident'] as const;

function rule(f: LogEventFields): void {
  const found = NAMES.filter((event) => f[event] !== undefined);
  if (found.length === 1) return;
  const what = found.length === 0 ? 'none' : joined(found);
  throw new FieldError(`says exactly one of ${NAMES.join(', ')}, and here it says ${what}`);
}

export const logEvent = {
  type: 'log-event',
  summary: 'What a log says about itself: a heartbeat, other keys, its end, whom it follows, or an incident.',
  payload: object(fields, rule, exactlyOneOf(...NAMES)),
  identity(f: LogEventFields): string {
    if (f.heartbeat !== undefined) return `heartbeat/${f.heartbeat.size}`;
    if (f.keyRotation !== undefined) return 'key-rotation';
    if (f.shutdown !== undefined) return 'shutdown';
    if (f.successorOf !== undefined) return `successor-of/${subjectStep(f.successorOf.origin)}`;
    return `incident/${subjectStep(f.incident!.incidentId)}`;
  },
  describe(f: LogEventFields): string {
    if (f.heartbeat !== undefined) {
      const chains = count(f.heartbeat.heads.length, 'admission chain');
      return `Heartbeat at size ${count(f.heartbeat.size)}: the heads of ${chains}.`;
    }
    if (f.keyRotation !== undefined) {
      return `The log signs with ${count(f.keyRotation.vkeys.length, 'key')} from here on: ${joined(f.keyRotation.vkeys.map(shortKey))}.`;
    }
    if (f.shutdown !== undefined) {
      const { finalSize, successor } = f.shutdown;
      return `The log ends with ${count(finalSize)} entries${successor === undefined ? '' : `; ${successor.origin} follows it`}.`;
    }
    if (f.successorOf !== undefined) {
      return `The log follows ${f.successorOf.origin}, which ended with ${count(f.successorOf.size)} entries.`;
    }
    const { incidentId, summary, from, until } = f.incident!;
    const since = from === undefined ? '' : ` from ${dayInWords(from)}`;
    const to = until === undefined ? '' : ` until ${dayInWords(until)}`;
    return `Incident ${incidentId}${since}${to}: ${summary}.`;
  },
} as const;

/** The name and id of a vkey, without the key. */
function shortKey(key: string): string {
  return key.split('+', 2).join('+');
}
