import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conflictsOf, formatRelation, obsoletesOf, parseRelations, type Universe } from './relations.ts';

function universe(
  packages: string[],
  provided: Record<string, string[]> = {},
  unversioned: string[] = [],
): Universe {
  return {
    packages: new Set(packages),
    providers: new Map(Object.entries(provided).map(([name, by]) => [name, new Set(by)])),
    unversioned: new Set(unversioned),
  };
}

const formatted = (field: string) => parseRelations(field).map(formatRelation);

describe('relations of Debian', () => {
  it.each([
    ['libc6 (>= 2.38), libgcc-s1', ['libc6 >= 2.38', 'libgcc-s1']],
    ['gnupg | gnupg2', ['(gnupg or gnupg2)']],
    ['dracut | initramfs-tools (>= 0.120+deb8u2)', ['(dracut or initramfs-tools >= 0.120+deb8u2)']],
    ['python3:any (<< 3.15), libfoo:amd64', ['python3 < 3.15', 'libfoo']],
    ['dbus-bin (= 1.16.2-8)', ['dbus-bin = 1.16.2-8']],
    ['libstdc++6 (>= 14),', ['libstdc++6 >= 14']],
    ['', []],
  ])('"%s"', (field, expected) => {
    expect(formatted(field)).toEqual(expected);
  });

  it('later than a version without a revision includes its revisions, as dpkg has it', () => {
    expect(formatted('libc6 (>> 2.43), libc6 (>> 2.43-1)')).toEqual(['libc6 >= 2.43', 'libc6 > 2.43-1']);
  });

  it.each(['libc6 (2.38)', 'libc6 [amd64]', 'Foo', 'a (>= 1) b', 'a | '])('"%s" is none', (field) => {
    expect(() => parseRelations(field)).toThrow('no relation of Debian');
  });

  it('come through in number and order, whatever they are', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9+.-]{1,12}$/);
    const version = fc.stringMatching(/^[0-9][0-9a-z.+~]{0,8}(-[0-9]{1,2})?$/);
    const operator = fc.constantFrom('<<', '<=', '=', '>=', '>>');
    const relation = fc.oneof(
      name,
      fc.tuple(name, operator, version).map(([n, o, v]) => `${n} (${o} ${v})`),
    );
    const field = fc.array(fc.array(relation, { minLength: 1, maxLength: 3 }), { maxLength: 5 });
    fc.assert(
      fc.property(field, (all) => {
        const parsed = parseRelations(all.map((each) => each.join(' | ')).join(', '));
        const names = all.map((each) => each.map((text) => text.split(' ')[0]));
        expect(parsed.map((each) => each.map((one) => one.name))).toEqual(names);
        for (const text of parsed.map(formatRelation)) {
          expect(text).toMatch(/^(\(.+ or .+\)|[^\s()]+( (<|<=|=|>=|>) [^\s()]+)?)$/);
        }
      }),
    );
  });
});

describe('what a package excludes', () => {
  const excluded = (field: string) => parseRelations(field).flat();

  it('is taken over as it is', () => {
    const all = universe(['systemd', 'less']);
    expect(
      conflictsOf('systemd', new Set(), excluded('less (<< 563)'), all).map((each) => formatRelation([each])),
    ).toEqual(['less < 563']);
  });

  it('does not include itself: a name that it provides means the others that do', () => {
    const all = universe(['a', 'b', 'c'], { mta: ['a', 'b', 'c'] });
    expect(conflictsOf('a', new Set(['mta']), excluded('mta'), all)).toEqual([{ name: 'b' }, { name: 'c' }]);
    expect(conflictsOf('a', new Set(), excluded('a'), all)).toEqual([]);
  });

  it('leaves out ranges of a name that is provided without a version', () => {
    const all = universe(['gpg-agent'], { 'gnupg-agent': ['gpg-agent'] }, ['gnupg-agent']);
    expect(conflictsOf('gpgconf', new Set(), excluded('gnupg-agent (<< 2.1)'), all)).toEqual([]);
  });
});

describe('what a package takes the place of', () => {
  const relations = (field: string) => parseRelations(field).flat();

  it('is what it both replaces and conflicts with, unless it is there', () => {
    const all = universe(['new', 'kept'], { virtual: ['other'] });
    const both = relations('old, kept, virtual, moved');
    expect(obsoletesOf(both, relations('old, kept, virtual'), all)).toEqual([{ name: 'old' }]);
  });
});
