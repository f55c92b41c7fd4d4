// limmat trust show: whom a trust file believes, in words and numbers, and what is unwise about it.

import { readFileSync } from 'node:fs';

import { formatDuration, parseTrust } from '../../src/client/trust.ts';
import type { Trust } from '../../src/client/trust.ts';
import { keysFingerprint } from '../../src/note/fingerprint.ts';
import { NO_QUORUM } from '../../src/note/policy.ts';
import type { Policy } from '../../src/note/policy.ts';
import { quorumNumbers } from '../../src/note/quorum.ts';
import { createOutput } from '../support/output.ts';

export function showTrust(path: string, flags: { readonly json?: boolean }): void {
  const output = createOutput(flags);
  const trust = parseTrust(new Uint8Array(readFileSync(path)));
  const warnings = warningsOf(trust);
  const numbers = quorumNumbers(trust.policy);
  const logs = [...trust.logs.values()].map(({ origin, ed25519, mldsa44 }) => {
    const keys = [ed25519, mldsa44, ...(trust.channelKeys.get(origin) ?? [])];
    return { origin, fingerprint: keysFingerprint(keys.map(({ vkey }) => vkey)) };
  });
  const witnesses = trust.policy.witnesses.map(({ name, key }) => ({
    name,
    keyName: key.name,
    counts: numbers?.counted.includes(name) ?? false,
  }));
  const issuers = trust.issuers.map(({ iss, kid, role = 'issuer' }) => ({ issuer: iss, kid, role }));
  const { maxAgeSeconds, clockSkewSeconds, expected } = trust;
  const quorum = {
    name: trust.policy.quorum,
    needed: numbers?.needed ?? 0,
    missing: numbers?.missing ?? null,
    shared: numbers?.shared ?? 0,
  };
  output.result({ logs, witnesses, quorum, issuers, expected, maxAgeSeconds, clockSkewSeconds, warnings }, [
    ...logs.map(({ origin, fingerprint }) => `log          ${origin} (fingerprint ${fingerprint})`),
    ...witnesses.map(
      ({ name, keyName, counts }) => `witness      ${name} (${keyName})${counts ? '' : ', not counted'}`,
    ),
    `quorum       ${quorumWords(trust.policy)}`,
    ...issuers.map(({ issuer, kid, role }) => `${role.padEnd(13)}${issuer} (key ${kid})`),
    ...Object.entries(expected).map(([field, values]) => `expected     ${field} ${values.join(' or ')}`),
    `oldest       ${maxAgeSeconds === undefined ? 'any age' : formatDuration(maxAgeSeconds)}`,
    ...warnings.map((warning) => `warning      ${warning}`),
  ]);
}

function quorumWords(policy: Policy): string {
  const numbers = quorumNumbers(policy);
  if (numbers === undefined) return 'none: the log alone is believed';
  const { needed, missing, shared, counted } = numbers;
  return (
    `${policy.quorum}: at least ${needed} of ${counted.length} witnesses; nothing passes when the wrong ${missing} are down; ` +
    `two readers are never shown different logs unless ${shared} are dishonest`
  );
}

/** What the file allows and its author may not have meant. */
export function warningsOf(trust: Trust): readonly string[] {
  const { policy, maxAgeSeconds } = trust;
  const numbers = quorumNumbers(policy);
  const warnings: string[] = [];
  if (numbers === undefined) {
    warnings.push(`quorum ${NO_QUORUM}: a log that shows you a tree of your own is not noticed`);
  } else {
    if (numbers.needed === 1) warnings.push('one witness alone makes the quorum');
    if (numbers.shared === 0) {
      warnings.push(
        'two quorums need no witness in common: two readers can be shown different logs that honest ones signed',
      );
    }
    if (numbers.missing === 1) warnings.push('one witness that is down keeps everything from passing');
    const idle = policy.witnesses.filter(({ name }) => !numbers.counted.includes(name));
    if (idle.length > 0) warnings.push(`not part of the quorum: ${idle.map(({ name }) => name).join(', ')}`);
    for (const name of twice(policy))
      warnings.push(`${name} has two keys that count twice: put them into a group "any"`);
  }
  if (maxAgeSeconds === undefined) warnings.push('without max-age a checkpoint of any age passes');
  return warnings;
}

/** Names of keys that several witness lines share and no group `any` of exactly these makes one vote of. */
function twice({ witnesses, groups }: Policy): string[] {
  const names = [...new Set(witnesses.map(({ key }) => key.name))];
  return names.filter((keyName) => {
    const own = witnesses.filter(({ key }) => key.name === keyName).map(({ name }) => name);
    if (own.length < 2) return false;
    return !groups.some(({ threshold, members }) => threshold === 1 && own.every((name) => members.includes(name)));
  });
}
