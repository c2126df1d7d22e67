/** Package repositories that Kiln serves: hosted ones, proxies of others, and groups of both. */
import { type Static, Type } from 'typebox';
import { named, orNull, Timestamp } from './common.ts';

export const REPOSITORY_FORMATS = ['rpm', 'apt'] as const;
export const REPOSITORY_KINDS = ['hosted', 'proxy', 'group'] as const;
export type RepositoryFormat = (typeof REPOSITORY_FORMATS)[number];
export type RepositoryKind = (typeof REPOSITORY_KINDS)[number];

/** Host name under which builds and nodes reach the packages. */
export const PACKAGES_HOST = 'packages.local';

export const RepositoryName = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$',
  description: 'Name of the repository, as it stands in its address',
});

const url = Type.String({
  pattern: '^https?://[^/@\\s]+(/[^\\s]*)?$',
  description: 'Address of the upstream repository, http or https, without credentials',
});
const user = Type.String({ minLength: 1, pattern: '^[^:]+$', description: 'User name for the upstream' });
const refreshSeconds = Type.Integer({
  minimum: 0,
  maximum: 604_800,
  description: 'How long its metadata counts as fresh, in seconds',
});
const distribution = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
  description: 'Name of the distribution that an apt repository holds packages for, for example noble',
});

const RepositoryStatus = Type.Object(
  {
    revision: Type.Integer({ minimum: 0, description: 'Number of the revision that is served; 0 for none' }),
    published: orNull(Timestamp('Publication'), 'When that revision was made'),
    packages: Type.Integer({ minimum: 0, description: 'How many packages it has' }),
    pending: Type.Integer({ minimum: 0, description: 'Changes that the next revision will have' }),
    problems: Type.Array(
      Type.Object(
        {
          path: Type.String({ description: 'Path in the repository' }),
          message: Type.String({ description: 'What is wrong with it' }),
        },
        { additionalProperties: false },
      ),
      { description: 'Files that were left out, and why' },
    ),
    checked: orNull(
      Timestamp('Sign of life'),
      'When the upstream last answered; null for others than proxies',
    ),
    upstream_problem: orNull(
      Type.String(),
      'Why the upstream could not be asked the last time; what it said before is served',
    ),
  },
  { additionalProperties: false, description: 'What is served right now' },
);
export type RepositoryStatus = Static<typeof RepositoryStatus>;

export const Repository = named(
  'Repository',
  Type.Object(
    {
      name: RepositoryName,
      format: Type.Enum([...REPOSITORY_FORMATS], { description: 'rpm: repodata; apt: dists and pool' }),
      kind: Type.Enum([...REPOSITORY_KINDS], {
        description: 'hosted: packages are uploaded; proxy: fetched from an upstream; group: several as one',
      }),
      created: Timestamp('When the repository was made'),
      upstream: orNull(
        Type.Object(
          {
            url,
            user: orNull(user, 'User name for the upstream; the password is never shown'),
            refresh_seconds: refreshSeconds,
          },
          { additionalProperties: false },
        ),
        'Where a proxy fetches from; null for others',
      ),
      members: Type.Array(RepositoryName, {
        description: 'Repositories of a group, the first one that has a package wins; empty for others',
      }),
      distribution: orNull(distribution, 'Distribution of a hosted apt repository; null for others'),
      url: Type.String({ description: 'Address in builds and on nodes' }),
      status: RepositoryStatus,
    },
    { additionalProperties: false, description: 'A package repository' },
  ),
);
export type Repository = Static<typeof Repository>;

const password = Type.String({ minLength: 1, description: 'Password for the upstream; kept, never shown' });
const caCertificates = Type.String({
  pattern: '-----BEGIN CERTIFICATE-----',
  description: 'PEM certificates that the upstream is verified with besides those of the platform',
});

export const RepositoryCreate = named(
  'RepositoryCreate',
  Type.Object(
    {
      name: RepositoryName,
      format: Type.Enum([...REPOSITORY_FORMATS], { description: 'Format of its packages' }),
      kind: Type.Enum([...REPOSITORY_KINDS], { description: 'Where its packages come from' }),
      upstream: Type.Optional(
        Type.Object(
          {
            url,
            user: Type.Optional(user),
            password: Type.Optional(password),
            ca_certificates: Type.Optional(caCertificates),
            refresh_seconds: Type.Optional(refreshSeconds),
          },
          { additionalProperties: false, description: 'For a proxy' },
        ),
      ),
      members: Type.Optional(Type.Array(RepositoryName, { description: 'For a group' })),
      distribution: Type.Optional(distribution),
    },
    { additionalProperties: false, description: 'A repository to make' },
  ),
);
export type RepositoryCreate = Static<typeof RepositoryCreate>;

export const RepositoryUpdate = named(
  'RepositoryUpdate',
  Type.Partial(
    Type.Object({
      upstream: Type.Partial(
        Type.Object({
          url,
          user: orNull(user, 'null forgets user and password'),
          password,
          ca_certificates: orNull(caCertificates, 'null forgets them'),
          refresh_seconds: refreshSeconds,
        }),
        { additionalProperties: false, description: 'What to change of the upstream of a proxy' },
      ),
      members: Type.Array(RepositoryName, { description: 'New members of a group' }),
    }),
    { additionalProperties: false, minProperties: 1, description: 'What to change; the rest stays' },
  ),
);
export type RepositoryUpdate = Static<typeof RepositoryUpdate>;

export const RepositoryPackage = named(
  'RepositoryPackage',
  Type.Object(
    {
      path: Type.String({ description: 'Path in the repository' }),
      size_bytes: Type.Integer({ minimum: 0, description: 'Size, in bytes' }),
      checksum: Type.String({ description: 'Algorithm and digest, for example sha256:…' }),
      stored: Type.Boolean({
        description: 'Whether the file is here; a proxy fetches it when it is asked for',
      }),
      state: Type.Enum(['published', 'pending'], { description: 'pending: from the next revision on' }),
    },
    { additionalProperties: false, description: 'A package of a repository' },
  ),
);
export type RepositoryPackage = Static<typeof RepositoryPackage>;
