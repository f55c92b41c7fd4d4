// What a policy may require of the records of its namespace beyond what their types require: optional fields, by type.

import { avdbRelease } from './avdb-release.ts';
import { build } from './build.ts';
import { commitment } from './commitment.ts';
import { FieldError } from './field-error.ts';
import { distinct, name, named, object, oneOf, required, type Fields, type Values } from './fields.ts';
import { keyEvent } from './key-event.ts';
import { rebuild } from './rebuild.ts';
import { relocation } from './relocation.ts';
import { retraction } from './retraction.ts';
import { review } from './review.ts';
import { site } from './site.ts';
import { sourceSnapshot } from './source-snapshot.ts';
import { supervision } from './supervision.ts';
import { GRANTED_TYPES } from './type-names.ts';

/** By type: the fields that a policy may require. Approvals are asked for by a role's threshold instead. */
const REQUIRABLE: Readonly<Record<(typeof GRANTED_TYPES)[number], readonly string[]>> = {
  'key-event': optionalFields(keyEvent),
  site: optionalFields(site),
  'source-snapshot': optionalFields(sourceSnapshot),
  build: optionalFields(build),
  'avdb-release': optionalFields(avdbRelease),
  commitment: optionalFields(commitment),
  relocation: optionalFields(relocation),
  rebuild: optionalFields(rebuild),
  supervision: optionalFields(supervision),
  review: optionalFields(review),
  retraction: optionalFields(retraction),
};

function optionalFields({ payload }: { readonly payload: { readonly fields: Fields } }): readonly string[] {
  return Object.entries(payload.fields).flatMap(([field, { required: always }]) =>
    always || field === 'approvals' ? [] : [field],
  );
}

/** A type that policies speak of. */
export const grantedType = named(
  'granted-type',
  oneOf(...GRANTED_TYPES),
  'Every record type but `policy`, `membership` and `log-event`.',
);

/** Fields that every record of a type has to have, e.g. `{"type": "build", "fields": ["source", "buildSite"]}`. */
export const requirement = named(
  'requirement',
  object(
    { type: required(grantedType), fields: required(distinct(name)) },
    ({ type, fields }) => {
      const known = REQUIRABLE[type];
      const index = fields.findIndex((field) => !known.includes(field));
      if (index < 0) return;
      throw new FieldError(
        `"${fields[index]}" is none of the optional fields of a ${type}: ${known.join(', ')}`,
        `fields[${index}]`,
      );
    },
    {
      anyOf: Object.entries(REQUIRABLE).map(([type, fields]) => ({
        properties: { type: { const: type }, fields: { items: { enum: fields } } },
      })),
    },
  ),
  'Optional fields that every record of a type has to have.',
);

export type Requirement = Values<typeof requirement.fields>;
