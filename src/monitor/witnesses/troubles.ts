// The troubles of witnesses (M07): rows of the table in trouble-table.ts.

export const WITNESS_TROUBLES = {
  'witness-conflict': {
    check: 'M07',
    class: 'proof',
    ends: 'by hand',
    means:
      'A witness cosigned two trees of the log of which neither begins with the other. The log is not accused by that.',
    advice:
      'Verify the evidence file, publish it, take the witness out of every quorum, and look for evidence that the log forked.',
  },
  'quorum-missing': {
    check: 'M07',
    class: 'suspicion',
    ends: 'itself',
    means:
      'The head that the log shows lacks the fresh cosignatures that its users ask for: they refuse it, or nobody vouches that all see the same.',
    advice: 'Ask the operator whether its witnesses are down, and ask other monitors which heads they were shown.',
  },
  'strict-quorum-missing': {
    check: 'M07',
    class: 'suspicion',
    ends: 'itself',
    means:
      'The head that the log shows lacks the fresh cosignatures that this monitor asks for, which is more than users do.',
    advice: 'Find out which witnesses are missing, and whether they see another tree.',
  },
  'witness-lost': {
    check: 'M07',
    class: 'suspicion',
    ends: 'itself',
    means:
      'A witness that cosigned what the log shows has not done so for long. It may be down, or have been shown another tree.',
    advice: 'Ask whoever runs the witness what it has cosigned last, and why no more.',
  },
  'witness-spread': {
    check: 'M07',
    class: 'suspicion',
    ends: 'itself',
    means: 'A witness has for long stood at a smaller tree than others cosigned: the log may not show it the rest.',
    advice: 'Ask whoever runs the witness whether the log still comes to it, and what it refused.',
  },
  'witness-unreachable': {
    check: 'M07',
    class: 'operational',
    ends: 'itself',
    means: 'What a witness has cosigned could not be read at its address. Nothing is known about its conduct.',
    advice: 'Check the address and the network; ask whoever runs the witness.',
  },
} as const;
