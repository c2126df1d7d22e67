/** Inspections of recipes: what is wrong with one, and what it would install, found out without building it. */
import { type Static, Type } from 'typebox';
import { KeyValue, named, orNull } from './common.ts';

export const SEVERITIES = ['error', 'warning', 'info'] as const;

export const Finding = named(
  'Finding',
  Type.Object(
    {
      rule: Type.String({ description: 'Stable name of the rule, for example plain-password' }),
      severity: Type.Enum([...SEVERITIES], {
        description:
          'error: it cannot be built, or must not; warning: it should be changed; info: good to know',
      }),
      message: Type.String({ description: 'What was found' }),
      file: Type.Optional(Type.String({ description: 'File of the recipe' })),
      line: Type.Optional(Type.Integer({ minimum: 1, description: 'Line of that file' })),
      hint: Type.Optional(Type.String({ description: 'What to do about it, or what is allowed' })),
    },
    { additionalProperties: false, description: 'Something about a recipe that its author should know' },
  ),
);
export type Finding = Static<typeof Finding>;

export const InspectedRepository = Type.Object(
  {
    alias: Type.String({ description: 'Name in the description' }),
    url: Type.String({ description: 'Address, without credentials' }),
    problem: orNull(Type.String(), 'Why it cannot be used; null when it can'),
  },
  { additionalProperties: false },
);
export type InspectedRepository = Static<typeof InspectedRepository>;

const bytes = (description: string) => orNull(Type.Integer({ minimum: 0 }), description);

export const PlannedPackage = Type.Object(
  {
    name: Type.String({ description: 'Name' }),
    version: Type.String({ description: 'Version and release' }),
    arch: Type.String({ description: 'Architecture' }),
    repository: Type.String({ description: 'Alias of the repository that it comes from' }),
    download_bytes: bytes('Size of the package; null when the repository does not say'),
    installed_bytes: bytes('Space that it takes; null when the repository does not say'),
  },
  { additionalProperties: false },
);
export type PlannedPackage = Static<typeof PlannedPackage>;

const ImagePackage = Type.Object({ name: Type.String(), arch: Type.String(), version: Type.String() });
export type ImagePackage = Static<typeof ImagePackage>;

export const PlanDifference = Type.Object(
  {
    image_id: Type.String({ description: 'The last image of the recipe' }),
    added: Type.Array(ImagePackage, { description: 'Packages that the image does not have' }),
    removed: Type.Array(ImagePackage, { description: 'Packages of the image that would not be installed' }),
    changed: Type.Array(
      Type.Object({ name: Type.String(), arch: Type.String(), from: Type.String(), to: Type.String() }),
      { description: 'Packages that would have another version' },
    ),
  },
  { additionalProperties: false },
);
export type PlanDifference = Static<typeof PlanDifference>;

export const Plan = Type.Object(
  {
    packages: Type.Array(PlannedPackage, { description: 'What would be installed, by name' }),
    download_bytes: Type.Integer({ minimum: 0, description: 'Sum of the packages' }),
    installed_bytes: Type.Integer({ minimum: 0, description: 'Space that they take' }),
    difference: orNull(PlanDifference, 'Compared to the last image; null when there is none to compare to'),
  },
  { additionalProperties: false },
);
export type Plan = Static<typeof Plan>;

export const InspectionReport = named(
  'InspectionReport',
  Type.Object(
    {
      ok: Type.Boolean({ description: 'Whether nothing of the severity error was found' }),
      name: orNull(Type.String(), 'Name in the description; null when it could not be read'),
      package_manager: orNull(Type.String(), 'Package manager; null likewise'),
      findings: Type.Array(Finding, { description: 'What was found, errors first' }),
      repositories: Type.Array(InspectedRepository, { description: 'Repositories and whether they answer' }),
      plan: orNull(Plan, 'What would be installed; null when it was not asked for or cannot be said'),
    },
    { additionalProperties: false, description: 'What an inspection of a recipe found' },
  ),
);
export type InspectionReport = Static<typeof InspectionReport>;

const options = {
  schema_only: Type.Optional(Type.Boolean({ description: 'Look at templates and description alone' })),
  plan: Type.Optional(Type.Boolean({ description: 'Also find out what would be installed' })),
  values: Type.Optional(
    Type.Array(KeyValue, { description: 'Values for the templates, before those of the recipe' }),
  ),
};

export const InspectionCreate = named(
  'InspectionCreate',
  Type.Object(
    { recipe_id: Type.String({ format: 'uuid', description: 'The recipe' }), ...options },
    { additionalProperties: false, description: 'An inspection of a registered recipe' },
  ),
);
export type InspectionCreate = Static<typeof InspectionCreate>;
