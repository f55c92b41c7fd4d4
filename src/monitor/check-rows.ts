// The checks of a monitor, one row each.

import type { CheckId } from './finding.ts';

export interface CheckRow {
  readonly id: CheckId;
  readonly name: string;
  /** What it looks at, in a sentence. */
  readonly sentence: string;
}

export const CHECKS: readonly CheckRow[] = Object.freeze([
  {
    id: 'M01',
    name: 'note',
    sentence: 'The checkpoint is a note of this log, and every one of its keys signed exactly these bytes.',
  },
  {
    id: 'M02',
    name: 'heads',
    sentence: 'No two signed heads of one size have different roots, however old and from wherever they came.',
  },
  {
    id: 'M03',
    name: 'prefix',
    sentence: 'Of every two signed heads the smaller tree is the beginning of the larger one.',
  },
  {
    id: 'M04',
    name: 'content',
    sentence: 'Every tile and every entry bundle hashes to the signed root before anything in it is read.',
  },
  {
    id: 'M05',
    name: 'entries',
    sentence:
      'Entries are statements where the log takes statements only; each one of a log with a genesis is admitted again, and looked at by the rules about records.',
  },
  {
    id: 'M06',
    name: 'freshness',
    sentence: 'The head that the log shows is not older, by its signed time, than it may be.',
  },
  {
    id: 'M07',
    name: 'witnesses',
    sentence:
      'Enough witnesses have lately cosigned the head that the log shows, none has fallen silent or behind, and none cosigned two histories.',
  },
  {
    id: 'M08',
    name: 'time',
    sentence:
      'The log’s largest tree never gets smaller, its clock is not ahead, and no entry’s time is one that it cannot have.',
  },
  {
    id: 'M09',
    name: 'answers',
    sentence: 'The log answers, in time, with no more bytes than it may, and has everything that its head promises.',
  },
  {
    id: 'M10',
    name: 'peers',
    sentence: 'Enough other monitors were reached, lately enough, to notice another history.',
  },
  { id: 'M11', name: 'configuration', sentence: 'Which logs are watched, with which keys, where.' },
]);
