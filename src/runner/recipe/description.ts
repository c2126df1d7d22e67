/** What the steps after validation need to know of a description. */
import { type Static, Type } from 'typebox';

export const Repository = Type.Object({
  alias: Type.String(),
  type: Type.String(),
  url: Type.String(),
  /** Of an apt repository. */
  distribution: Type.Union([Type.String(), Type.Null()]),
  /** What the recipe says about verifying packages and metadata; null when it says nothing. */
  package_gpgcheck: Type.Union([Type.Boolean(), Type.Null()]),
  repository_gpgcheck: Type.Union([Type.Boolean(), Type.Null()]),
  components: Type.Union([Type.String(), Type.Null()]),
  /** Line of config.xml. */
  line: Type.Integer(),
});
export type Repository = Static<typeof Repository>;

export const Description = Type.Object({
  name: Type.String(),
  version: Type.Union([Type.String(), Type.Null()]),
  package_manager: Type.String(),
  repositories: Type.Array(Repository),
  packages: Type.Array(Type.String()),
  /** Those of all phases, of profiles only where Kiwi takes them unasked; `arch` limits one to architectures, separated by commas. */
  planned: Type.Array(Type.Object({ name: Type.String(), arch: Type.Union([Type.String(), Type.Null()]) })),
  collections: Type.Array(Type.String()),
  excluded: Type.Array(Type.String()),
  /** Whether packages that others only recommend stay away. */
  only_required: Type.Boolean(),
  release_version: Type.Union([Type.String(), Type.Null()]),
});
export type Description = Static<typeof Description>;

/** Where the index of a repository is, by its kind; one of the addresses has to answer. Empty: nothing to ask. */
export function indexUrls(repository: Repository): string[] {
  if (!/^https?:\/\//.test(repository.url)) {
    return [];
  }
  const base = repository.url.replace(/\/+$/, '');
  if (repository.type !== 'apt-deb') {
    return [`${base}/repodata/repomd.xml`];
  }
  const { distribution } = repository;
  if (distribution === null || distribution === './' || distribution === '/') {
    return ['InRelease', 'Release', 'Packages.gz', 'Packages'].map((name) => `${base}/${name}`);
  }
  return ['InRelease', 'Release'].map((name) => `${base}/dists/${distribution}/${name}`);
}
