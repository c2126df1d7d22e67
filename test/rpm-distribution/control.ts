/**
 * What Debian packages say about themselves, read from stanzas of control fields. It knows the format, not what the
 * fields mean to rpm.
 */

export interface DebianPackage {
  readonly name: string;
  /** As Debian writes it: [epoch:]upstream[-revision]. */
  readonly version: string;
  /** `all` or a machine, in Debian's words. */
  readonly architecture: string;
  readonly summary: string;
  readonly description: string;
  readonly homepage: string;
  /** Name of the .deb file. */
  readonly file: string;
  /** Absolute paths of its configuration files. */
  readonly conffiles: readonly string[];
  /** Relation fields by lower-case name, as they are written. */
  readonly relations: Readonly<Record<string, string>>;
}

const RELATION_FIELDS = ['pre-depends', 'depends', 'provides', 'conflicts', 'breaks', 'replaces'];

/** Fields of each stanza by lower-case name; the lines of a folded field are joined by newlines. */
export function parseStanzas(text: string): Map<string, string>[] {
  return text
    .split(/\n\s*\n/)
    .map(parseStanza)
    .filter((stanza) => stanza.size > 0);
}

function parseStanza(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  let last: string | undefined;
  for (const line of text.split('\n')) {
    if (/^[ \t]/.test(line) && last !== undefined) {
      fields.set(last, `${fields.get(last)}\n${line.slice(1)}`);
      continue;
    }
    const [, name, value] = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) {
      last = name.toLowerCase();
      fields.set(last, value);
    }
  }
  return fields;
}

/** Packages of the stanzas that fetch_packages.sh writes. Throws when one has no name, version or file. */
export function parsePackages(text: string): DebianPackage[] {
  return parseStanzas(text).map((fields) => {
    const [summary = '', ...description] = (fields.get('description') ?? '').split('\n');
    return {
      name: required(fields, 'package'),
      version: required(fields, 'version'),
      architecture: required(fields, 'architecture'),
      summary,
      description: description.map((line) => (line === '.' ? '' : line)).join('\n'),
      homepage: fields.get('homepage') ?? '',
      file: required(fields, 'file'),
      conffiles: (fields.get('conffiles') ?? '').split('\n').filter((line) => /^\/\S+$/.test(line)),
      relations: Object.fromEntries(
        RELATION_FIELDS.flatMap((name) => {
          const value = fields.get(name);
          return value === undefined ? [] : [[name, value.replaceAll('\n', ' ')] as const];
        }),
      ),
    };
  });
}

function required(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name);
  if (value === undefined || value === '') {
    throw new Error(`a package has no field ${name}: ${JSON.stringify(Object.fromEntries(fields))}`);
  }
  return value;
}
