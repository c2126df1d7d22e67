/**
 * The rules of package repositories: which kinds there are, what each needs, and who depends on whom. What is in
 * them is the business of whoever serves them.
 */
import type { Readable } from 'node:stream';
import { KilnError } from '../../contract/errors.ts';
import {
  PACKAGES_HOST,
  type Repository,
  type RepositoryCreate,
  type RepositoryPackage,
  type RepositoryUpdate,
} from '../../contract/repositories.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import type { Records } from '../../ports/records.ts';
import type { PackageQuery, RepositoryContents, RepositoryRecord, UpstreamSecrets } from './store.ts';

export interface RepositoryDeps {
  readonly records: Records;
  readonly clock: Clock;
  /** Undefined when packages are served by somebody else. */
  readonly contents: RepositoryContents | undefined;
}

const REFRESH_SECONDS = 600;
const NO_SECRETS: UpstreamSecrets = { password: null, ca_certificates: null };

export type RepositoryService = ReturnType<typeof createRepositoryService>;

export function createRepositoryService({ records, clock, contents }: RepositoryDeps) {
  const served = (): RepositoryContents => {
    if (contents === undefined) {
      throw new KilnError('packages-served-elsewhere', 'the setting packages.server is not "embedded"');
    }
    return contents;
  };
  const find = async (name: string): Promise<RepositoryRecord> => {
    const record = await records.repositories.find(name);
    if (record === undefined) {
      throw new KilnError('repository-not-found', `there is no repository "${name}"`);
    }
    return record;
  };
  const present = async (record: RepositoryRecord): Promise<Repository> => ({
    ...record,
    url: `https://${PACKAGES_HOST}/repository/${record.name}/`,
    status: await served().status(record),
  });
  const checkMembers = async (record: Pick<RepositoryRecord, 'format' | 'members'>): Promise<void> => {
    for (const name of record.members) {
      const member = await records.repositories.find(name);
      if (member === undefined) {
        throw new KilnError('repository-not-found', `there is no repository "${name}" to be a member`);
      }
      if (member.kind === 'group' || member.format !== record.format) {
        const what = member.kind === 'group' ? 'a group itself' : `of the format ${member.format}`;
        throw new KilnError('repository-invalid', `"${name}" cannot be a member: it is ${what}`);
      }
    }
  };

  return {
    async list(): Promise<Repository[]> {
      served();
      return await Promise.all((await records.repositories.list()).map(present));
    },

    async get(name: string): Promise<Repository> {
      return await present(await find(name));
    },

    /** Throws `repository-exists`, `repository-invalid` or `repository-not-found` for a member. */
    async create(request: RepositoryCreate): Promise<Repository> {
      served();
      checkShape(request);
      const { name, format, kind, upstream, members = [], distribution = null } = request;
      const record: RepositoryRecord = {
        name,
        format,
        kind,
        created: timestamp(clock.now()),
        upstream:
          upstream === undefined
            ? null
            : {
                url: upstream.url.replace(/\/+$/, ''),
                user: upstream.user ?? null,
                refresh_seconds: upstream.refresh_seconds ?? REFRESH_SECONDS,
              },
        members,
        distribution,
      };
      await checkMembers(record);
      await records.transaction(async (inside) => {
        if ((await inside.repositories.find(name)) !== undefined) {
          throw new KilnError('repository-exists', `there is a repository "${name}" already`);
        }
        await inside.repositories.put(record, {
          password: upstream?.password ?? null,
          ca_certificates: upstream?.ca_certificates ?? null,
        });
      });
      return await present(record);
    },

    async update(name: string, change: RepositoryUpdate): Promise<Repository> {
      const before = await find(name);
      checkChange(before, change);
      const record = {
        ...before,
        members: change.members ?? before.members,
        upstream: upstreamOf(before, change),
      };
      await checkMembers(record);
      await records.transaction(async (inside) => {
        const secrets = await inside.repositories.secrets(name);
        await inside.repositories.put(record, secretsOf(secrets, change));
      });
      return await present(record);
    },

    /** Deletes the repository with all that is in it. Throws `repository-in-use` while a group has it. */
    async delete(name: string): Promise<void> {
      await find(name);
      const groups = (await records.repositories.list()).filter(({ members }) => members.includes(name));
      if (groups.length > 0) {
        const names = groups.map((group) => `"${group.name}"`).join(', ');
        throw new KilnError('repository-in-use', `"${name}" is a member of ${names}`);
      }
      await records.transaction((inside) => inside.repositories.delete(name));
      await served().drop(name);
    },

    async packages(name: string, query: PackageQuery): Promise<RepositoryPackage[]> {
      return await served().packages(await find(name), query);
    },

    async upload(
      name: string,
      path: string,
      data: Readable,
      expected: { sha256?: string | undefined },
    ): Promise<RepositoryPackage> {
      return await served().upload(await find(name), path, data, expected);
    },

    /** Throws `repository-package-not-found`. */
    async remove(name: string, path: string): Promise<void> {
      if (!(await served().remove(await find(name), path))) {
        throw new KilnError('repository-package-not-found', `"${name}" has no package ${path}`);
      }
    },

    async publish(name: string): Promise<Repository> {
      const record = await find(name);
      return { ...(await present(record)), status: await served().publish(record) };
    },
  };
}

function checkShape({ kind, format, upstream, members, distribution, name }: RepositoryCreate): void {
  const fail = (what: string): never => {
    throw new KilnError('repository-invalid', `"${name}": ${what}`);
  };
  if ((kind === 'proxy') !== (upstream !== undefined)) {
    fail(kind === 'proxy' ? 'a proxy needs an upstream' : `a ${kind} repository has no upstream`);
  }
  if (kind === 'group' ? members === undefined || members.length === 0 : members !== undefined) {
    fail(kind === 'group' ? 'a group needs members' : `a ${kind} repository has no members`);
  }
  if (kind === 'group' && format === 'apt') {
    fail('there are no groups of apt repositories; a recipe names several repositories instead');
  }
  if ((kind === 'hosted' && format === 'apt') !== (distribution !== undefined)) {
    fail(
      distribution === undefined
        ? 'a hosted apt repository needs a distribution, for example noble'
        : 'only a hosted apt repository has a distribution',
    );
  }
  if (upstream?.password !== undefined && upstream.user === undefined) {
    fail('a password needs a user');
  }
}

function checkChange(before: RepositoryRecord, change: RepositoryUpdate): void {
  if (change.members !== undefined && before.kind !== 'group') {
    throw new KilnError('repository-invalid', `"${before.name}" is no group, so it has no members`);
  }
  if (change.members?.length === 0) {
    throw new KilnError('repository-invalid', `"${before.name}": a group needs members`);
  }
  if (change.upstream !== undefined && before.kind !== 'proxy') {
    throw new KilnError('repository-invalid', `"${before.name}" is no proxy, so it has no upstream`);
  }
}

function upstreamOf(before: RepositoryRecord, { upstream }: RepositoryUpdate): RepositoryRecord['upstream'] {
  if (before.upstream === null || upstream === undefined) {
    return before.upstream;
  }
  return {
    url: upstream.url?.replace(/\/+$/, '') ?? before.upstream.url,
    user: upstream.user === undefined ? before.upstream.user : upstream.user,
    refresh_seconds: upstream.refresh_seconds ?? before.upstream.refresh_seconds,
  };
}

function secretsOf(before: UpstreamSecrets, { upstream }: RepositoryUpdate): UpstreamSecrets {
  const known = upstream?.user === null ? { ...before, password: NO_SECRETS.password } : before;
  return {
    password: upstream?.password ?? known.password,
    ca_certificates:
      upstream?.ca_certificates === undefined ? known.ca_certificates : upstream.ca_certificates,
  };
}
