/** Descriptions of recipes, valid and not, each with what Kiwi makes of it. */

/** A small description, which is right. */
export function described(version = '8.5'): string {
  return `<?xml version="1.0"?>
<image schemaversion="${version}" name="t">
<description type="system"><author>A</author><contact>a@b.c</contact><specification>S</specification></description>
<preferences><type image="tbz"/><version>1.0.0</version><packagemanager>apt</packagemanager></preferences>
<repository type="apt-deb" alias="one" distribution="stable" components="main"><source path="http://packages.invalid/debian"/></repository>
<packages type="bootstrap">
<package name="base-files"/>
</packages>
</image>
`;
}

type Files = Record<string, string>;
const only = (text: string): Files => ({ 'config.xml': text });
const changed = (from: string | RegExp, to: string, version?: string): Files =>
  only(described(version).replace(from, to));

const PART = '<image>\n<packages type="bootstrap">\n<package name="base-files"/></packages></image>\n';
const including = changed(/<packages[\s\S]*<\/packages>/, '<include from="this://./part.xml"/>');

export const KIWI_TAKES: Record<string, Files> = {
  ...Object.fromEntries(
    ['7.4', '7.5', '7.6', '8.0', '8.1', '8.2', '8.3', '8.4', '8.5'].map((version) => [
      `schema ${version}`,
      only(described(version)),
    ]),
  ),
  'an attribute that its upgrade removes': changed(
    'image="tbz"',
    'image="oem" vga="0x317" filesystem="ext4"',
    '8.4',
  ),
  'a document type': changed('<image', '<!DOCTYPE image>\n<image'),
  'an entity of its own': only(
    described().replace('<image', '<!DOCTYPE image [<!ENTITY me "A">]>\n<image').replace('>A<', '>&me;<'),
  ),
  'comments and CDATA': changed('<author>A', '<!-- by --><author><![CDATA[A]]>'),
  'no repository, which is a matter of the build': changed(/<repository.*\n/, ''),
  'a package manager that is not here': changed('>apt<', '>pacman<'),
  'an included file': { ...including, 'part.xml': PART },
  profiles: changed('<preferences>', '<profiles><profile name="p" description="d"/></profiles><preferences>'),
};

export const KIWI_REFUSES: Record<string, { files: Files; line: number; file?: string }> = {
  'schema 6.1, which is too old': { files: only(described('6.1')), line: 1 },
  'schema 7.3, which is too old': { files: only(described('7.3')), line: 1 },
  'a tag that is not closed': { files: changed('</preferences>', ''), line: 9 },
  'an unknown element': { files: changed('<package name', '<packge name'), line: 7 },
  'an unknown attribute': { files: changed('alias="one"', 'alias="one" colour="red"'), line: 5 },
  'an unknown image type': { files: changed('"tbz"', '"floppy"'), line: 4 },
  'another root': { files: only('<recipe/>'), line: 1 },
  'a rule beside the grammar': {
    files: changed('type="apt-deb" alias', 'type="rpm-md" architectures="amd64" alias'),
    line: 5,
  },
  'a mistake in an included file': {
    files: { ...including, 'part.xml': PART.replace('<package name', '<packge name') },
    line: 3,
    file: 'part.xml',
  },
  'an included file that is not there': { files: including, line: 1 },
  'an entity that grows without end': {
    files: only(
      `<!DOCTYPE image [<!ENTITY a "${'a'.repeat(100)}">${'bcdefghij'
        .split('')
        .map((name, index) => `<!ENTITY ${name} "${`&${'abcdefghi'[index]};`.repeat(10)}">`)
        .join('')}]>\n<image>&j;</image>`,
    ),
    line: 1,
  },
};
