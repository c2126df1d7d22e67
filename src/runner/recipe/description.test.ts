import { expect, it } from 'vitest';
import { indexUrls, type Repository } from './description.ts';

const repository = (also: Partial<Repository>): Repository => ({
  alias: 'a',
  type: 'rpm-md',
  url: 'https://packages.example.org/repository/one/',
  distribution: null,
  package_gpgcheck: null,
  repository_gpgcheck: null,
  components: null,
  line: 1,
  ...also,
});

it('knows the index of an rpm repository', () => {
  expect(indexUrls(repository({}))).toEqual([
    'https://packages.example.org/repository/one/repodata/repomd.xml',
  ]);
});

it('knows the indexes of an apt repository, with and without a distribution', () => {
  expect(indexUrls(repository({ type: 'apt-deb', distribution: 'stable' }))[0]).toBe(
    'https://packages.example.org/repository/one/dists/stable/InRelease',
  );
  expect(indexUrls(repository({ type: 'apt-deb', distribution: './' }))).toContain(
    'https://packages.example.org/repository/one/Packages',
  );
});

it('has nothing to ask of a folder of the recipe', () => {
  expect(indexUrls(repository({ url: 'this://packages' }))).toEqual([]);
});
