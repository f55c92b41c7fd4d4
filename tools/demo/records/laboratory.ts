// What others find out: a laboratory builds again what the vendor built, and a customer looks files up by their digests.
// Both with the commands that anybody would use.

import { appendFileSync, copyFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { EXIT } from '../../support/exit.ts';
import { runLimmat } from '../../support/serve-process.ts';
import { style } from '../../support/output.ts';
import type { DemoMonitor } from '../monitors.ts';
import { say, tellMore } from '../tell.ts';
import { logVersion } from './admission.ts';
import type { Version } from './admission.ts';
import { reported } from './places.ts';
import { LAB, LAB_ISSUER } from './scene.ts';
import type { Scene } from './scene.ts';

/** The vendor releases a version into which something came that is not in its source. */
export async function releaseTampered(scene: Scene): Promise<Version> {
  const version = '1.1';
  const { source, made } = scene.build(version, { 'a-engine.txt': 'the engine\n', 'b-rules.txt': 'more rules\n' });
  appendFileSync(made, 'and what is in no source\n');
  return logVersion(scene, version, source, made);
}

/** Runs a command, shows it and the lines of its answer that are for a story, and ends the demo unless it is as expected. */
async function run(
  scene: Scene,
  args: readonly string[],
  more: { readonly shown: string; readonly code: number; readonly says: RegExp; readonly lines: number },
): Promise<void> {
  const { code, stdout, stderr } = await runLimmat(args, { cwd: scene.dir });
  const { shown, lines } = more;
  if (code !== more.code || !more.says.test(stdout)) {
    throw new Error(`limmat ${args.join(' ')} ended with ${code}, not ${more.code}:\n${stdout}${stderr}`);
  }
  say(`   ${style('bold', `$ limmat ${shown}`)}`);
  for (const line of stdout.trimEnd().split('\n').slice(0, lines)) tellMore(line.trim());
  tellMore(`exit code ${code}`);
}

/** The laboratory takes the oldest build that nobody rebuilt, twice. */
export async function tellRebuilds(scene: Scene, versions: readonly Version[], monitor: DemoMonitor): Promise<void> {
  for (const { version, source } of versions) {
    const isTampered = version !== '1.0';
    const args = ['--trust', scene.trustFile, '--url', scene.url, '--key', scene.labKey, '--namespace', LAB];
    const more = ['--issuer', LAB_ISSUER, '--source', source, '--work', join(scene.dir, 'rebuilds')];
    await run(scene, ['rebuild', '--next', ...args, ...more, '--', process.execPath, scene.make], {
      shown: `rebuild --next … --source ${basename(source)} -- node ${basename(scene.make)}`,
      code: isTampered ? EXIT.finding : EXIT.clean,
      says: isTampered ? /^mismatch 1 of 1 files/m : /^match all 1 files/m,
      lines: 2,
    });
  }
  await reported(monitor, 'the mismatch', /rebuil|other files/);
}

/** A customer looks the files up. */
export async function tellCheck(scene: Scene, versions: readonly Version[]): Promise<void> {
  const names = versions.map(({ version, file }) => {
    const name = `scanner-${version}.bin`;
    copyFileSync(file, join(scene.dir, name));
    return name;
  });
  const args = ['--trust', scene.trustFile, '--url', scene.url, '--require-rebuilds', '1'];
  await run(scene, ['check', ...names, ...args], {
    shown: `check ${names.join(' ')} --trust ${basename(scene.trustFile)} --require-rebuilds 1`,
    code: EXIT.finding,
    says: /^logged scanner-1\.0\.bin\n[^]*^dissent scanner-1\.1\.bin\n/m,
    lines: Infinity,
  });
}
