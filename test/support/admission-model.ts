// A naive model of admission, which shares nothing with the code but the parser: it keeps no state but the history,
// looks through all of it for every question, and gives every rule that an entry breaks instead of the first one.

import { toHex } from '../../src/bytes.ts';
import { parseStatement, type Statement } from '../../src/record/statement.ts';
import { productOf, type FieldsOf, type RecordType } from '../../src/record/types.ts';
import { AdmissionHistory, fieldsOf, files } from './admission-history.ts';

type Chain = Extract<RecordType, 'policy' | 'key-event' | 'site' | 'membership'>;
const CHAIN: readonly string[] = ['policy', 'key-event', 'site', 'membership'] satisfies Chain[];

export class AdmissionModel extends AdmissionHistory {
  /** Every rule that the statement breaks as the next entry; none when it is to be admitted. */
  broken(bytes: Uint8Array): Set<string> {
    const s = parseStatement(bytes);
    if (this.history.length === 0) return new Set(this.#breaksGenesis(s) ? ['A01'] : []);
    const rules = new Set<string>();
    const check = (rule: string, holds: boolean): void => {
      if (!holds) rules.add(rule);
    };
    const end = this.history
      .map(({ s: e }) => fieldsOf(e, 'log-event')?.shutdown?.finalSize)
      .find((n) => n !== undefined);
    check('A09', end === undefined || this.history.length < end);
    const isIn = this.joined(s.namespace) && !this.left(s.namespace);
    check('A02', isIn);
    if (!isIn) return rules;
    this.#authority(s, check);
    this.#content(s, check);
    return rules;
  }

  #breaksGenesis(s: Statement): boolean {
    const f = fieldsOf(s, 'policy');
    if (f?.log === undefined) return true;
    const root = new Set(f.root!.keys.map(({ kid }) => toHex(kid)));
    const signed = [s.kid, ...(f.approvals ?? []).map(({ kid }) => kid)].map(toHex);
    return signed.some((kid) => !root.has(kid)) || signed.length !== f.root!.threshold;
  }

  #authority(s: Statement, check: (rule: string, holds: boolean) => void): void {
    const ns = s.namespace;
    const record = s.record;
    const signers = [s.kid, ...(record.fields.approvals ?? []).map(({ kid }) => kid)].map(toHex);
    const named = new Set(
      this.of('policy', ns)
        .flatMap(({ f }) => (f.roles ?? []).flatMap((r) => r.keys ?? []))
        .map(toHex),
    );
    for (const kid of signers) {
      check('D16', !this.dead(ns).has(kid));
      check('D15', this.known(ns).has(kid) || (this.dead(ns).has(kid) && named.has(kid)));
      const { validFrom = 0, validUntil = Infinity } = this.limits(ns, kid);
      check('D15', s.iat >= validFrom && s.iat <= validUntil);
    }
    check('A04', new Set(signers).size === signers.length);
    const own = signers[0]!;
    const { site: only } = this.limits(ns, own);
    const release = fieldsOf(s, 'build') ?? fieldsOf(s, 'avdb-release');
    const signed = release?.signSite ?? fieldsOf(s, 'review')?.site;
    check('D17', only === undefined || signed === undefined || signed === only);
    const root = this.root(ns);
    const rootSigners = signers.filter((kid) => root.kids.has(kid)).length;
    const log = fieldsOf(s, 'log-event');
    if (log !== undefined) {
      check('A08', ns === this.logNamespace);
      check('D15', this.role(ns, 'log').has(own));
      const isHandover = (log.keyRotation ?? log.shutdown ?? log.successorOf) !== undefined;
      const approving = signers.slice(1).filter((kid) => root.kids.has(kid)).length;
      check('A04', signers.length - 1 === approving && approving === (isHandover ? root.threshold : 0));
      return;
    }
    if (root.kids.has(own) && rootSigners === root.threshold && signers.length === root.threshold) return;
    if (this.#isRootMatter(s)) {
      check(root.kids.has(own) ? 'A04' : 'A05', false);
      return;
    }
    const roles = (this.policy(ns)?.f.roles ?? []).filter(({ role }) => this.role(ns, role).has(own));
    const product = productOf(record);
    const made = [release?.buildSite, signed].filter((site) => site !== undefined);
    const problems = roles.map((r) => {
      if (!r.types.some((type) => type === s.type)) return 'D15';
      if (r.issuers !== undefined && !r.issuers.includes(s.iss)) return 'D15';
      if (r.products !== undefined && product !== undefined && !r.products.includes(product)) return 'D15';
      if (r.sites !== undefined && made.some((site) => !r.sites!.includes(site))) return 'D17';
      const inRole = signers.every((kid) => this.role(ns, r.role).has(kid));
      return inRole && signers.length === (r.threshold ?? 1) ? undefined : 'A04';
    });
    if (problems.includes(undefined)) return;
    for (const problem of problems) check(problem!, false);
    if (root.kids.has(own)) check('A04', false);
    else if (problems.length === 0) check('D15', false);
  }

  #isRootMatter(s: Statement): boolean {
    if (s.type === 'policy' || s.type === 'membership') return true;
    const f = fieldsOf(s, 'key-event');
    if (f === undefined) return false;
    const kids = [f.kid, f.previousKid].flatMap((kid) => (kid === undefined ? [] : [toHex(kid)]));
    return ['root', 'log'].some((role) => f.role === role || kids.some((kid) => this.role(s.namespace, role).has(kid)));
  }

  #content(s: Statement, check: (rule: string, holds: boolean) => void): void {
    const ns = s.namespace;
    const record = s.record;
    const required = this.policy(ns)?.f.require?.find(({ type }) => type === s.type)?.fields ?? [];
    const fields: Readonly<Record<string, unknown>> = record.fields;
    for (const field of required) {
      check(s.type === 'build' && field === 'source' ? 'D03' : 'A10', fields[field] !== undefined);
    }
    if (CHAIN.includes(s.type)) this.#chain(s, check);
    switch (record.type) {
      case 'build':
        this.#build(s, record.fields, check);
        break;
      case 'source-snapshot': {
        const earlier = this.of('source-snapshot').filter(({ e }) => e.s.sub === s.sub);
        for (const field of ['treeDigest', 'archiveDigest'] as const) {
          const all = [...earlier.map(({ f }) => f), record.fields].flatMap((f) => f[field] ?? []);
          check('D01', new Set(all.map(({ sha256 }) => toHex(sha256))).size < 2);
        }
        break;
      }
      case 'avdb-release':
        this.#release(s, record.fields, check);
        break;
      case 'rebuild': {
        const build = this.find(record.fields.build);
        check('D25', build?.s.type === 'build');
        check('D07', build === undefined || this.isAnother(s, build.s));
        break;
      }
      case 'supervision': {
        for (const ref of record.fields.refs ?? []) {
          const entry = this.find(ref);
          check('D25', entry !== undefined);
          check('D07', entry === undefined || this.isAnother(s, entry.s));
        }
        const { range } = record.fields;
        check('D21', range === undefined || this.isRoot(range));
        break;
      }
      case 'retraction':
        this.#retraction(s, record.fields, check);
        break;
      case 'log-event':
        this.#logEvent(record.fields, check);
        break;
      default:
    }
  }

  #chain(s: Statement, check: (rule: string, holds: boolean) => void): void {
    const ns = s.namespace;
    const links = this.history.filter((e) => e.s.namespace === ns && CHAIN.includes(e.s.type));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every link has these fields
    const { sequence, prev } = s.record.fields as { sequence: number; prev?: Uint8Array };
    check('A03', sequence === links.length + 1 && (prev && toHex(prev)) === links.at(-1)?.leaf);
    const policy = fieldsOf(s, 'policy');
    if (policy !== undefined) {
      check('A01', policy.log === undefined);
      const named = [
        ...(policy.root?.keys ?? []).map(({ kid }) => kid),
        ...(policy.roles ?? []).flatMap(({ keys }) => keys ?? []),
      ];
      check('D16', !named.some((kid) => this.dead(ns).has(toHex(kid))));
    }
    const event = fieldsOf(s, 'key-event');
    if (event !== undefined) this.#keyEvent(ns, event, check);
    const member = fieldsOf(s, 'membership');
    if (member === undefined) return;
    const subject = member.namespace;
    const isIn = this.joined(subject) && !this.left(subject);
    check('A07', ns === this.logNamespace || (member.action === 'leave' && subject === ns));
    check('A07', member.action === 'leave' ? isIn && subject !== this.logNamespace : !this.joined(subject));
  }

  #keyEvent(ns: string, f: FieldsOf<'key-event'>, check: (rule: string, holds: boolean) => void): void {
    check('D16', !this.dead(ns).has(toHex(f.kid)));
    const roles = (this.policy(ns)?.f.roles ?? []).map(({ role }) => role);
    const joinable = ['root', ...(ns === this.logNamespace ? ['log'] : []), ...roles];
    check('D15', f.role === undefined || joinable.includes(f.role));
    if (f.role !== undefined && this.known(ns).has(toHex(f.kid))) {
      const limits = this.limits(ns, toHex(f.kid));
      for (const field of ['site', 'validFrom', 'validUntil'] as const) {
        check('D16', f[field] === undefined || f[field] === limits[field]);
      }
    }
    if (f.previousKid !== undefined) check('D16', this.role(ns, f.role!).has(toHex(f.previousKid)));
    if (f.role === undefined) {
      const listed = this.of('policy', ns).flatMap((p) => (p.f.roles ?? []).flatMap(({ keys }) => keys ?? []));
      check('D16', this.known(ns).has(toHex(f.kid)) || listed.some((kid) => toHex(kid) === toHex(f.kid)));
    }
    const { kids, threshold } = this.root(ns);
    if (f.role === 'root') kids.add(toHex(f.kid));
    if (f.role === undefined) kids.delete(toHex(f.kid));
    if (f.previousKid !== undefined) kids.delete(toHex(f.previousKid));
    check('A06', kids.size >= threshold);
  }

  #build(s: Statement, f: FieldsOf<'build'>, check: (rule: string, holds: boolean) => void): void {
    check(
      'D01',
      this.of('build').every(({ e, f: b }) => e.s.sub !== s.sub || files(b) === files(f)),
    );
    const recalled = this.of('build', s.namespace).filter(({ e }) => this.standing(e.leaf) === 3);
    check(
      'D23',
      recalled.every(({ f: b }) => files(b) !== files(f)),
    );
    if (f.source === undefined) return;
    const source = this.find(f.source);
    const snapshot = source && fieldsOf(source.s, 'source-snapshot');
    check('D03', snapshot !== undefined && source!.s.namespace === s.namespace);
    if (snapshot === undefined) return;
    check('D04', snapshot.product === f.product && snapshot.version === f.version);
    check('D23', this.standing(source!.leaf) < 2);
  }

  #release(s: Statement, f: FieldsOf<'avdb-release'>, check: (rule: string, holds: boolean) => void): void {
    const stream = this.of('avdb-release', s.namespace).filter(
      ({ f: r }) => r.product === f.product && r.database === f.database && r.channel === f.channel,
    );
    const last = stream.at(-1);
    const place =
      last === undefined
        ? f.prev === undefined
        : f.prev !== undefined &&
          toHex(f.prev) === last.e.leaf &&
          (f.gap === undefined ? f.sequence === last.f.sequence + 1 : f.gap.from === last.f.sequence + 1);
    check('D08', place);
    const { total, added, removed } = f.counts;
    if (last !== undefined && added !== undefined && removed !== undefined) {
      check('D12', total === last.f.counts.total + added - removed);
    }
    if (f.kind === 'delta') {
      check('D10', last !== undefined && (f.baseSequence ?? last.f.sequence) === last.f.sequence);
      check('D10', last === undefined || this.standing(last.e.leaf) < 2);
      const sinceFull = stream.slice(stream.findLastIndex(({ f: r }) => r.kind === 'full') + 1);
      const deltas = sinceFull.filter(({ f: r }) => r.kind === 'delta').length + 1;
      check('D10', deltas <= (this.policy(s.namespace)?.f.parameters?.deltaLimit ?? Infinity));
    }
    const content = toHex(f.contentDigest.sha256);
    if (f.rollback !== undefined) {
      const to = stream.find(({ f: r }) => r.sequence === f.rollback!.toSequence);
      check('D13', to !== undefined && toHex(to.f.contentDigest.sha256) === content);
    }
    const recalled = this.of('avdb-release', s.namespace).filter(({ e }) => this.standing(e.leaf) === 3);
    check(
      'D23',
      recalled.every(({ f: r }) => toHex(r.contentDigest.sha256) !== content),
    );
  }

  #retraction(s: Statement, f: FieldsOf<'retraction'>, check: (rule: string, holds: boolean) => void): void {
    const ns = s.namespace;
    const target = this.find(f.target);
    check('D23', target?.s.namespace === ns);
    if (target === undefined) return;
    check('D23', ![...CHAIN, 'log-event', 'retraction'].includes(target.s.type));
    const signers = [s.kid, ...(f.approvals ?? []).map(({ kid }) => kid)].map(toHex);
    const root = this.root(ns);
    const byRoot = signers.every((kid) => root.kids.has(kid)) && signers.length === root.threshold;
    const isOthers = ['rebuild', 'supervision', 'review'].includes(target.s.type);
    check('D23', target.s.iss === s.iss || (byRoot && !isOthers));
    if (!byRoot) {
      const product = productOf(target.s.record);
      // The first role that lets the key sign a retraction is the one in which it does.
      const role = this.policy(ns)?.f.roles?.find(
        (r) =>
          r.types.includes('retraction') &&
          (r.issuers?.includes(s.iss) ?? true) &&
          signers.every((kid) => this.role(ns, r.role).has(kid)) &&
          signers.length === (r.threshold ?? 1),
      );
      check('D23', role?.products === undefined || product === undefined || role.products.includes(product));
    }
    const step = { supersede: 1, correct: 1, retract: 2, recall: 3 }[f.kind];
    check('D23', step > this.standing(target.leaf));
    if (f.replacement === undefined) return;
    const replacement = this.find(f.replacement);
    check('D23', replacement?.s.namespace === ns && replacement.s.type === target.s.type);
    check('D23', replacement === undefined || this.standing(replacement.leaf) === 0);
    check('D23', replacement === undefined || replacement.s.iss === target.s.iss);
  }

  #logEvent(f: FieldsOf<'log-event'>, check: (rule: string, holds: boolean) => void): void {
    if (f.shutdown !== undefined) {
      check('A09', f.shutdown.finalSize > this.history.length);
      check('A09', !this.of('log-event').some(({ f: e }) => e.shutdown !== undefined));
    }
    if (f.heartbeat === undefined) return;
    const { size, heads } = f.heartbeat;
    check('A08', this.isRoot(f.heartbeat));
    for (const head of heads) {
      const links = this.history.filter(
        (e) => e.index < size && e.s.namespace === head.namespace && CHAIN.includes(e.s.type),
      );
      check('A08', links.length === head.sequence && links.at(-1)?.leaf === toHex(head.leafHash));
    }
  }
}
