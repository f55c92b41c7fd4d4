// limmat trust: makes trust files, and says what one comes to. Keys get into one by a fingerprint that came another way.

import type { Command } from 'commander';

import { addParty } from './trust/add.ts';
import type { AddFlags } from './trust/add.ts';
import { fill } from './trust/fill.ts';
import type { FillFlags } from './trust/fill.ts';
import { showTrust } from './trust/show.ts';
import { jsonOption, repeated } from './support/config.ts';

export function register(program: Command): void {
  const command = program
    .command('trust')
    .summary('make and explain trust files')
    .description('Makes trust files, whom verifiers believe, and says what one comes to.');
  command
    .command('add')
    .summary('pin the keys of a log or a witness')
    .description(
      'Fetches the public keys of a log or a witness once, shows them, and pins them if they have the fingerprint that is ' +
        'given. Take the fingerprint from its operator, not from the same address: "limmat serve", "limmat init", ' +
        '"limmat witness" and "limmat keygen" print it. Without one nothing is pinned, and the exit code is 2.',
    )
    .argument('<url>', 'where the log or the witness is')
    .option('--fingerprint <hex>', 'what its operator says: 64 hex digits')
    .option('--trust <file>', 'the trust file that the lines go into (default: they are printed)')
    .option('--name <name>', 'what the file calls a witness (default: the name of its keys)')
    .addOption(jsonOption())
    .action((url: string, flags: AddFlags) => addParty(url, flags));
  command
    .command('show')
    .summary('say what a trust file comes to')
    .description(
      'Reads a trust file as "limmat verify" does and says whom it believes: logs and witnesses with their fingerprints, ' +
        'how many witnesses have to agree and how many may be down, issuers, limits; and what is unwise about it.',
    )
    .argument('<file>', 'the trust file')
    .addOption(jsonOption())
    .action((file: string, flags: { readonly json?: boolean }) => showTrust(file, flags));
  command
    .command('fill')
    .summary('put keys into an example')
    .description(
      'Writes a trust file from an example, such as those in docs/trust, with these keys in place of its own; comments, ' +
        'groups, quorum and limits stay. Every witness of the example needs a key.',
    )
    .argument('<example>', 'the example')
    .requiredOption('--log <vkey>', "a log's two keys, both named by its origin (repeat)", repeated)
    .option('--witness <name=vkey>', 'the key of a witness of the example (repeat)', repeated)
    .requiredOption('--issuer <file=name>', 'a public key (SPKI PEM) and the name that it signs as (repeat)', repeated)
    .option('--channel-key <vkey>', "the key of the log's channel heads (repeat)", repeated)
    .option('--iat-window <time>', 'what the log promises about times of signing, such as 1d')
    .option('--out <file>', 'where it goes (default: standard output); never replaced')
    .action((example: string, flags: FillFlags) => fill(example, flags));
}
