import { expect, it } from 'vitest';
import { differenceOf } from './difference.ts';

const one = (name: string, version: string, arch = 'x86_64') => ({ name, version, arch });

it('tells what is new, gone and changed', () => {
  const before = [one('a', '1'), one('b', '1'), one('c', '1')];
  const after = [one('a', '1'), one('b', '2'), one('d', '1')];
  expect(differenceOf('image', before, after)).toEqual({
    image_id: 'image',
    added: [one('d', '1')],
    removed: [one('c', '1')],
    changed: [{ name: 'b', arch: 'x86_64', from: '1', to: '2' }],
  });
});

it('takes two versions of a package, as kernels have them, one by one', () => {
  const before = [one('kernel', '1'), one('kernel', '2'), one('a', '1', 'noarch')];
  const after = [one('kernel', '2'), one('kernel', '3'), one('kernel', '4'), one('a', '1', 'x86_64')];
  expect(differenceOf('image', before, after)).toEqual({
    image_id: 'image',
    added: [one('kernel', '4'), one('a', '1', 'x86_64')],
    removed: [one('a', '1', 'noarch')],
    changed: [{ name: 'kernel', arch: 'x86_64', from: '1', to: '3' }],
  });
});
