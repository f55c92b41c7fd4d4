// Record type `membership`: a vendor's namespace joins the log with root keys of its own, or leaves it. A namespace that
// joins does so in the log's own namespace and its chain, signed by the log's root keys. It leaves there too, or by its
// own word: in its own namespace and chain, signed by its own root keys. What it logged stays.

import { chainFields, checkLink, LINK_KEYWORDS } from './chain.ts';
import { checkOrder, namespace } from './common.ts';
import { FieldError } from './field-error.ts';
import { digest, name, object, oneOf, optional, required, time, type Values } from './fields.ts';
import { cases } from './form.ts';
import { approvals, rootKeys } from './key-kinds.ts';
import { dayInWords } from './words.ts';

const fields = {
  ...chainFields,
  action: required(oneOf('admit', 'leave')),
  namespace: required(namespace, 'The namespace that joins or leaves.'),
  vendor: optional(name, 'The organisation whose namespace it is. Required with `admit`.'),
  root: optional(rootKeys, 'Its root keys. Required with `admit`.'),
  bylawsDigest: optional(digest, 'Of the rules that the members agreed to.'),
  from: optional(time, 'When the membership begins by contract. What the log takes depends on its entries alone.'),
  until: optional(time, 'When it ends by contract.'),
  approvals: optional(approvals),
};

export type MembershipFields = Values<typeof fields>;

/** What is said of a namespace that joins, and of no other. */
const JOINING = ['vendor', 'root', 'bylawsDigest', 'from', 'until'] as const;

function rule(f: MembershipFields): void {
  checkLink(f);
  if (f.action === 'admit') {
    for (const field of ['vendor', 'root'] as const) {
      if (f[field] === undefined) throw new FieldError('is missing: whoever joins has it', field);
    }
  } else {
    const stray = JOINING.find((field) => f[field] !== undefined);
    if (stray !== undefined) throw new FieldError('is not said of a namespace that leaves', stray);
  }
  checkOrder(f, 'from', 'until');
}

export const membership = {
  type: 'membership',
  summary: "A vendor's namespace joins the log with root keys of its own, or leaves it.",
  payload: object(fields, rule, {
    ...LINK_KEYWORDS,
    ...cases(
      { when: { action: ['admit'] }, needs: ['vendor', 'root'] },
      { when: { action: ['leave'] }, refuses: JOINING },
    ),
  }),
  identity: (f: MembershipFields): string => f.namespace,
  describe(f: MembershipFields): string {
    if (f.action === 'leave') return `The namespace ${f.namespace} leaves the log; what it logged stays.`;
    const { threshold, keys } = f.root!;
    const from = f.from === undefined ? '' : ` from ${dayInWords(f.from)}`;
    const until = f.until === undefined ? '' : ` until ${dayInWords(f.until)}`;
    return `The namespace ${f.namespace} of ${f.vendor} joins the log${from}${until}, with ${threshold} of ${keys.length} root keys to sign.`;
  },
} as const;
