// The troubles of records that are found without a file of evidence: rows of the table in checks.ts. How grave a finding
// of a rule is says src/record/rules/domain/table.ts.

export const RECORD_TROUBLES = {
  inadmissible: {
    check: 'M05',
    class: 'suspicion',
    ends: 'by hand',
    means: 'The log took an entry that the rules of its own genesis refuse.',
    advice:
      'Look at the entry and the rule (docs/admission.md), and ask the operator how it came in; do not rely on it.',
  },
  unjudged: {
    check: 'M05',
    class: 'record',
    ends: 'by hand',
    means:
      'An entry may rest on one that the log no longer serves: whether it should be there, nobody can tell from here.',
    advice: 'Ask whoever has the withheld entries, and look for the record that says why they are withheld.',
  },
  'invalid-entry': {
    check: 'M05',
    class: 'suspicion',
    ends: 'by hand',
    means: 'The log took an entry of which a signature does not hold.',
    advice: 'Do not rely on the entry, and ask the operator how it came in.',
  },
  'repeated-entry': {
    check: 'M05',
    class: 'suspicion',
    ends: 'by hand',
    means: 'The log took the same entry a second time, where it says the first index.',
    advice: 'Ask the operator; the first of the two counts.',
  },
  'rule-critical': {
    check: 'M05',
    class: 'record',
    ends: 'by hand',
    means: 'Records show what customers should know at once, such as a rebuild that gave other files.',
    advice: 'Look at the entries that the finding names, and ask who signed them.',
  },
  'rule-error': {
    check: 'M05',
    class: 'record',
    ends: 'by hand',
    means: 'Records break a rule that they should keep, or what they promise did not come in time.',
    advice: 'Look at the entries that the finding names, and ask who signed them.',
  },
  'rule-warning': {
    check: 'M05',
    class: 'record',
    ends: 'by hand',
    means: 'Records do not go together as they should; there may be a good reason.',
    advice: 'Look at the entries that the finding names.',
  },
  'rule-note': {
    check: 'M05',
    class: 'info',
    ends: 'at once',
    means: 'Records say something that is often in order and worth knowing.',
    advice: 'Nothing, unless it is not expected.',
  },
} as const;
