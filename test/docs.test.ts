// What the documentation names exists, and its samples are what they say.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { parseTrust } from '../src/client/trust.ts';
import { ERROR_STATUS } from '../src/errors.ts';
import { CONFIG_KEY_NAMES, CONFIG_TEMPLATE } from '../src/node/config.ts';
import {
  payloadKind,
  RECORD_TYPES,
  recordFromJson,
  recordSchema,
  recordToJson,
  subjectOf,
} from '../src/record/index.ts';
import { withReference } from '../tools/records-reference.ts';
import { PAGES, ROOT, anchors, blocks, codeSpans, page, relativeLinks, tableRows } from './support/markdown.ts';
import { limmat } from './support/run-limmat.ts';

describe('links', () => {
  test.each(PAGES)('of %s lead somewhere', (file) => {
    for (const [path, fragment] of relativeLinks(file)) {
      expect([path, existsSync(join(ROOT, path))]).toEqual([path, true]);
      if (fragment !== undefined) expect(anchors(path)).toContain(fragment);
    }
  });

  test('lead from the README to every page', () => {
    const linked = relativeLinks('README.md').map(([path]) => path);
    for (const file of PAGES.filter((name) => name !== 'README.md' && name !== 'NEWS.md')) {
      expect(linked).toContain(file);
    }
  });
});

/** Commands whose subcommands have the options. */
const GROUPS = ['submitter', 'namespace', 'evidence', 'mirror', 'monitor', 'report', 'trust'];

/** Every "limmat <command> …" in code of the page: the command, and its options. */
function commandLines(file: string): { command: string; options: string[] }[] {
  const code = [...codeSpans(file), ...blocks(file, 'sh').flatMap((block) => block.split('\n'))];
  return code.flatMap((line) => {
    const [, words] = /(?:^|&& |npx )limmat ([a-z].*)$/.exec(line) ?? [];
    if (words === undefined) return [];
    const [first = '', second = ''] = words.split(' ');
    const command = GROUPS.includes(first) && /^[a-z][a-z-]*$/.test(second) ? `${first} ${second}` : first;
    return [{ command, options: words.match(/(?<= )--[a-z-]+/g) ?? [] }];
  });
}

describe('commands and options', () => {
  const helps = new Map<string, Promise<string>>();
  /** The help of `limmat <words>`, once; every subcommand of a group is in it. */
  function helpOf(command: string): Promise<string> {
    const known = helps.get(command);
    if (known !== undefined) return known;
    const help = (async () => {
      const { code, stdout } = await limmat(...command.split(' '), '--help');
      expect([command, code]).toEqual([command, 0]);
      return stdout;
    })();
    helps.set(command, help);
    return help;
  }

  test.each(PAGES)('of %s are there', async (file) => {
    for (const { command, options } of commandLines(file)) {
      const help = await helpOf(command);
      for (const option of options) {
        expect([command, option, new RegExp(`^ +(?:-., )?${option}(?: |$)`, 'm').test(help)]).toEqual([
          command,
          option,
          true,
        ]);
      }
    }
  });

  test('the README lists every command', async () => {
    const { stdout } = await limmat('--help');
    const names = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(14);
    const listed = tableRows('README.md', 'command').flatMap(([cell]) => cell!.match(/[a-z]+/g) ?? []);
    for (const name of names.filter((candidate) => candidate !== 'help')) expect(listed).toContain(name);
  });

  test('options that stand alone in the prose belong to some command', async () => {
    const commands = [
      'serve',
      'init',
      'add',
      'sign',
      'verify',
      'backup',
      'recover',
      'submitter add',
      'namespace add',
      'check',
      'fsck',
      'import',
      'find',
      'evidence explain',
      'report promises',
      'trust add',
      'trust fill',
      'monitor',
      'mirror',
      'witness',
      'keygen',
      'misbehave',
      'check',
      'rebuild',
    ];
    // One after another: what a command says is caught on the process's own streams.
    let help = '';
    for (const command of commands) help += await helpOf(command);
    for (const file of PAGES) {
      const alone = codeSpans(file).flatMap((code) => /^(--[a-z-]+)(?: |$)/.exec(code)?.[1] ?? []);
      for (const option of alone) expect(help, `${file}: ${option}`).toContain(`${option} `);
    }
  });
});

describe('settings', () => {
  const rows = tableRows('docs/settings.md', 'key').map((cells) => cells.map((cell) => cell.replaceAll('`', '')));

  test('are all there', () => {
    expect(new Set(rows.map(([key]) => key))).toEqual(new Set(CONFIG_KEY_NAMES));
    expect(rows).toHaveLength(CONFIG_KEY_NAMES.length);
  });

  test('have the defaults of a new limmat.toml', () => {
    const template = new Map([...CONFIG_TEMPLATE.matchAll(/^# ([a-z-]+) = "?([^"\s]+)"?/gm)].map(([, k, v]) => [k, v]));
    const withDefault = rows.filter(([key, value]) => value !== 'none' && key !== 'origin' && key !== 'admission');
    for (const [key, value] of withDefault) expect([key, template.get(key)]).toEqual([key, value]);
  });

  test('have the flags of serve', async () => {
    const { stdout } = await limmat('serve', '--help');
    const flags = rows.flatMap(([key, , flag]) => (flag === '' ? [] : [[key, flag]]));
    for (const [key, flag] of flags) {
      expect(flag).toBe(`--${key}`);
      expect(stdout).toContain(`${flag} <`);
    }
    const known = [...stdout.matchAll(/^ +--([a-z-]+) </gm)].map(([, name]) => name!);
    expect(new Set(flags.map(([key]) => key))).toEqual(new Set(known.filter((name) => name !== 'data')));
  });
});

test('every error code that docs/http.md names exists', () => {
  const others = ['no-cache', 'no-store', 'not-signing'];
  const named = codeSpans('docs/http.md').filter((code) => /^[a-z]+(?:-[a-z]+)+$/.test(code) && !others.includes(code));
  expect(new Set(named).size).toBeGreaterThan(15);
  for (const code of named) expect(ERROR_STATUS).toHaveProperty(code);
});

test('the trust file of docs/trust-file.md is read as it says', () => {
  const [sample] = blocks('docs/trust-file.md', '');
  const trust = parseTrust(sample!);
  expect([...trust.logs.keys()]).toEqual(['log.vendor.example/2026']);
  expect(trust.policy.witnesses).toHaveLength(3);
  expect(trust.policy.quorum).toBe('two');
  expect(trust.issuers.map(({ iss }) => iss)).toEqual(['Vendor AG', 'Vendor AG']);
  expect(trust.expected).toEqual({
    type: ['build', 'avdb-release'],
    namespace: ['vendor'],
    product: ['Endpoint Security'],
  });
  expect([trust.maxAgeSeconds, trust.clockSkewSeconds]).toEqual([7 * 86_400, 120]);
});

describe('docs/records.md', () => {
  const text = page('docs/records.md');
  const section = (type: string): string => text.split(`\n## ${type}\n`)[1]!.split('\n## ')[0]!;

  test.each(RECORD_TYPES)('%s: every field is listed, and the required ones are marked', (type) => {
    const rows = section(type)
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    const listed = rows.flatMap(([, names, must]) =>
      [...names!.matchAll(/`([A-Za-z]+)`/g)].map(([, name]) => `${name} ${must === 'required'}`),
    );
    const fields = Object.entries(payloadKind(type).fields).map(([name, { required }]) => `${name} ${required}`);
    expect(listed.toSorted()).toEqual(fields.toSorted());
  });

  test.each(RECORD_TYPES)('%s: the example is one, with this subject', (type) => {
    const [, json] = /```json\n([^]*?)```/.exec(section(type))!;
    const value: unknown = JSON.parse(json!);
    const record = recordFromJson(value);
    expect(record.type).toBe(type);
    expect(recordToJson(record)).toEqual(value);
    const [, subject] = /`sub` of this one: `([^`]+)`/.exec(section(type))!;
    expect(subjectOf(record)).toBe(subject);
  });

  test('has the tables that node tools/records-reference.ts writes', () => {
    expect(withReference(text)).toBe(text);
  });

  test('explains every kind that the tables name', () => {
    const explained = new Set([...text.matchAll(/^\| (?:\*\*)?([a-z, -]+?)(?:\*\*)? \|/gm)].map(([, kind]) => kind));
    const names = RECORD_TYPES.flatMap((type) => Object.keys(Object(recordSchema(type)['$defs'])));
    // Written out in the one table that has them.
    const inPlace = ['fields', 'log', 'role', 'requirement', 'parameters', 'range', 'chain-head'];
    for (const name of names) expect([name, explained.has(name) || inPlace.includes(name)]).toEqual([name, true]);
  });

  test('describes every type', () => {
    for (const type of RECORD_TYPES) expect(text).toContain(`\n## ${type}\n`);
    expect(blocks('docs/records.md', 'json')).toHaveLength(RECORD_TYPES.length);
  });
});
